#include "dtls/identity.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "dtls/context.h"
#include "dtls/datagram_bio.h"

/* RFC 8827 6.5 asks for forward secrecy and AEAD; the list leaves nothing else. */
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"     \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

static bool set_name(X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"reeltime",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1;
}

/* Dates that say nothing: RFC 5280 4.1.2.5 gives the last one for "no end". */
static bool set_dates(X509 *cert)
{
    return ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), "20200101000000Z") == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") == 1;
}

static bool set_serial(X509 *cert)
{
    uint32_t serial = random_u32() >> 1;
    return ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)serial) == 1;
}

/* NULL: the crypto library refused. */
static X509 *self_signed(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        set_dates(cert) && set_name(cert) && X509_set_pubkey(cert, key) == 1 &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool set_options(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    dtls_verify_setup(context);
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

static bool make_context(struct dtls_identity *identity, EVP_PKEY *key, X509 *cert)
{
    identity->context = SSL_CTX_new(DTLS_method());
    return identity->context && set_options(identity->context) &&
           SSL_CTX_use_certificate(identity->context, cert) == 1 &&
           SSL_CTX_use_PrivateKey(identity->context, key) == 1;
}

static bool make_fingerprint(struct dtls_identity *identity, const X509 *cert)
{
    unsigned len = sizeof identity->fingerprint;
    if (X509_digest(cert, EVP_sha256(), identity->fingerprint, &len) != 1)
        return false;
    char hex[3 * DTLS_SHA256_SIZE + 1];
    for (size_t i = 0; i < sizeof identity->fingerprint; i++)
        snprintf(hex + 3 * i, 4, "%02X:", (unsigned)identity->fingerprint[i]);
    memcpy(identity->text, hex, sizeof identity->text - 1); /* without the last colon */
    return true;
}

int dtls_identity_new(struct dtls_identity **out)
{
    struct dtls_identity *identity = calloc(1, sizeof *identity);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? self_signed(key) : NULL;
    bool ok = identity && cert && make_context(identity, key, cert) &&
              make_fingerprint(identity, cert) && (identity->bio = datagram_bio_method());
    EVP_PKEY_free(key);
    X509_free(cert);
    if (!ok) {
        dtls_identity_free(identity);
        return ERR_CRYPTO;
    }
    *out = identity;
    return OK;
}

void dtls_identity_free(struct dtls_identity *identity)
{
    if (!identity)
        return;
    SSL_CTX_free(identity->context);
    BIO_meth_free(identity->bio);
    free(identity);
}

struct bytes dtls_identity_fingerprint(const struct dtls_identity *identity)
{
    return bytes_of(identity->fingerprint, sizeof identity->fingerprint);
}

const char *dtls_identity_fingerprint_text(const struct dtls_identity *identity)
{
    return identity->text;
}
