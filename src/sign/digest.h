/* SHA-256, HMAC-SHA256 and HMAC-SHA1 as the signature schemes of clouds use them. Any thread.
 * The int functions give OK or ERR_CRYPTO (the library refused). */
#ifndef SIGN_DIGEST_H
#define SIGN_DIGEST_H

#include "base/bytes.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* with its NUL */
#define SHA1_SIZE       20

int sha256(struct bytes in, uint8_t out[SHA256_SIZE]);
int sha256_hex(struct bytes in, char out[SHA256_HEX_SIZE]); /* lower case */

int hmac_sha256(struct bytes key, struct bytes text, uint8_t out[SHA256_SIZE]);
int hmac_sha1(struct bytes key, struct bytes text, uint8_t out[SHA1_SIZE]);

/* The key of a scope: HMAC over the first link with prefix + secret as the key, over the second
 * with the result as the key, and so on. TC3: prefix "TC3", links date, service, "tc3_request".
 * SigV4: "AWS4", date, region, service, "aws4_request". Wipes what it had in between. */
int hmac_chain(const char *prefix, const char *secret, const struct bytes *links, size_t count,
               uint8_t out[SHA256_SIZE]);

#endif
