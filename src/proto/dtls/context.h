/* Inside dtls/: what an identity lends to its connections. */
#ifndef DTLS_CONTEXT_H
#define DTLS_CONTEXT_H

#include <openssl/ssl.h>

#include "dtls/identity.h"

struct dtls_identity {
    SSL_CTX *context;
    BIO_METHOD *bio;
    uint8_t fingerprint[DTLS_SHA256_SIZE];
    char text[DTLS_SHA256_TEXT];
};

/* Makes connections ask for a certificate and judge it by the fingerprint that SSL_set_app_data
 * gave them (a struct dtls_fingerprint). No name, date or issuer counts (RFC 8827 5.6). */
void dtls_verify_setup(SSL_CTX *context);

#endif
