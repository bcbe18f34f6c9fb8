/* Key derivation of SRTP (RFC 3711 4.3) with a derivation rate of zero: session keys are made once.
 */
#ifndef SRTP_KDF_H
#define SRTP_KDF_H

#include "base/bytes.h"

#define SRTP_KEY_SIZE  16 /* AES-128 */
#define SRTP_SALT_SIZE 14 /* the longest; RFC 7714 uses 12 */
#define SRTP_AUTH_SIZE 20 /* HMAC-SHA1 */

/* RFC 3711 4.3.1 and 4.3.2. */
enum srtp_label {
    SRTP_LABEL_RTP_KEY,
    SRTP_LABEL_RTP_AUTH,
    SRTP_LABEL_RTP_SALT,
    SRTP_LABEL_RTCP_KEY,
    SRTP_LABEL_RTCP_AUTH,
    SRTP_LABEL_RTCP_SALT,
};

/* Fills `out` with `len` bytes. A master salt of 12 bytes stands in `salt` followed by two zeros
 * (RFC 7714 11). ERR_CRYPTO. */
int srtp_derive(uint8_t *out, size_t len, const uint8_t key[SRTP_KEY_SIZE],
                const uint8_t salt[SRTP_SALT_SIZE], enum srtp_label label);

#endif
