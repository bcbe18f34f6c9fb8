#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/err.h"
#include "stun/stun.h"
#include "stun/wire.h"

int stun_integrity(uint8_t out[STUN_INTEGRITY_SIZE], const uint8_t *message, size_t len,
                   struct bytes key)
{
    uint8_t copy[STUN_MAX_SIZE];
    if (len < STUN_HEADER_SIZE || len > sizeof copy)
        return ERR_LIMIT;
    memcpy(copy, message, len);
    set_u16(copy + 2, stun_length_up_to(len, STUN_INTEGRITY_SIZE));
    unsigned size = STUN_INTEGRITY_SIZE;
    return HMAC(EVP_sha1(), key.ptr, (int)key.len, copy, len, out, &size) ? OK : ERR_CRYPTO;
}

int stun_check_integrity(const struct stun_message *m, struct bytes key)
{
    if (!m->integrity_at)
        return ERR_AUTH;
    uint8_t want[STUN_INTEGRITY_SIZE];
    int err = stun_integrity(want, m->raw.ptr, m->integrity_at, key);
    if (err)
        return err;
    const uint8_t *got = m->raw.ptr + m->integrity_at + STUN_ATTR_HEADER_SIZE;
    bool same = bytes_equal_secret(bytes_of(want, sizeof want), bytes_of(got, sizeof want));
    return same ? OK : ERR_AUTH;
}

/* CRC-32 of ISO 3309 (RFC 8489 14.7), half a byte at a time. */
static uint32_t crc32(uint32_t crc, const uint8_t *p, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

uint32_t stun_fingerprint(const uint8_t *message, size_t len)
{
    uint8_t head[4] = { message[0], message[1] };
    set_u16(head + 2, stun_length_up_to(len, STUN_FINGERPRINT_SIZE));
    uint32_t crc = crc32(0xffffffff, head, sizeof head);
    crc = crc32(crc, message + sizeof head, len - sizeof head);
    return ~crc ^ 0x5354554e; /* "STUN" */
}
