/* Inside stun/: numbers of RFC 8489 18 and RFC 8445 16, and the two checks that readers and writers
 * share. */
#ifndef STUN_WIRE_H
#define STUN_WIRE_H

#include "base/bytes.h"

#define STUN_COOKIE 0x2112a442u

enum stun_attribute {
    STUN_ATTR_USERNAME = 0x0006,
    STUN_ATTR_MESSAGE_INTEGRITY = 0x0008,
    STUN_ATTR_ERROR_CODE = 0x0009,
    STUN_ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_ATTR_REALM = 0x0014,
    STUN_ATTR_NONCE = 0x0015,
    STUN_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_ATTR_PRIORITY = 0x0024,
    STUN_ATTR_USE_CANDIDATE = 0x0025,
    STUN_ATTR_SOFTWARE = 0x8022,
    STUN_ATTR_FINGERPRINT = 0x8028,
    STUN_ATTR_ICE_CONTROLLED = 0x8029,
    STUN_ATTR_ICE_CONTROLLING = 0x802a,
};

#define STUN_INTEGRITY_SIZE   20
#define STUN_FINGERPRINT_SIZE 4
#define STUN_ATTR_HEADER_SIZE 4

/* The length that the header must show while MESSAGE-INTEGRITY or FINGERPRINT at `at` is computed:
 * up to the end of that attribute (RFC 8489 14.5, 14.7). */
static inline uint16_t stun_length_up_to(size_t at, size_t value_size)
{
    return (uint16_t)(at - 20 + STUN_ATTR_HEADER_SIZE + value_size);
}

/* HMAC-SHA1 over the `len` bytes before MESSAGE-INTEGRITY, with the header's length set as it must
 * be. ERR_LIMIT: above STUN_MAX_SIZE. ERR_CRYPTO. */
int stun_integrity(uint8_t out[STUN_INTEGRITY_SIZE], const uint8_t *message, size_t len,
                   struct bytes key);

/* FINGERPRINT of the `len` bytes before it. */
uint32_t stun_fingerprint(const uint8_t *message, size_t len);

#endif
