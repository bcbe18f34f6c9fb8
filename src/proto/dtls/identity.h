/* Who we are to DTLS peers: a key and a self-signed certificate, made fresh at start (WebRTC trusts
 * fingerprints that travel in the SDP, not names), and what all our connections share. Made once,
 * then read by any thread; connections keep a reference of their own. */
#ifndef DTLS_IDENTITY_H
#define DTLS_IDENTITY_H

#include "base/bytes.h"

#define DTLS_SHA256_SIZE 32
#define DTLS_MAX_DIGEST  64 /* SHA-512 */

/* "AB:CD:...", with its NUL. */
#define DTLS_SHA256_TEXT (3 * DTLS_SHA256_SIZE)

struct dtls_identity;

/* An ECDSA P-256 key and its certificate. ERR_CRYPTO. */
int dtls_identity_new(struct dtls_identity **out);
void dtls_identity_free(struct dtls_identity *identity); /* NULL is fine; after all connections */

/* SHA-256 of the certificate: the bytes, and as the SDP shows it (RFC 8122 5). Live as long as the
 * identity. */
struct bytes dtls_identity_fingerprint(const struct dtls_identity *identity);
const char *dtls_identity_fingerprint_text(const struct dtls_identity *identity);

/* The fingerprint that a peer's certificate must have. */
struct dtls_fingerprint {
    enum dtls_hash { DTLS_SHA256, DTLS_SHA384, DTLS_SHA512 } hash;
    size_t len;
    uint8_t bytes[DTLS_MAX_DIGEST];
};

/* From the two words of a=fingerprint: "sha-256" (any case) and "AB:CD:...". ERR_UNSUPPORTED:
 * another hash. ERR_MALFORMED. */
int dtls_fingerprint_parse(struct dtls_fingerprint *out, struct bytes hash, struct bytes text);

/* The same from bytes: of that hash's length, else ERR_MALFORMED. */
int dtls_fingerprint_set(struct dtls_fingerprint *out, struct bytes hash, struct bytes digest);

#endif
