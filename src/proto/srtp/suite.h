/* For those who implement a suite: how one set of session keys turns whole packets into protected
 * ones and back. Keys are scheduled once; a packet only sets the IV. Packet forms, bounds and
 * indices have been checked by srtp.c.
 *
 *                     AES-CM with HMAC-SHA1             AES-GCM
 *     RTP      header | text* | tag              header | text* | tag
 *     RTCP     8 bytes | text* | E,index | tag   8 bytes | text* | tag | E,index       (*
 * enciphered) */
#ifndef SRTP_SUITE_H
#define SRTP_SUITE_H

#include "base/bytes.h"
#include "srtp/kdf.h"

#define SRTP_RTCP_HEAD 8           /* what of an RTCP packet stays clear: header and SSRC */
#define SRTP_RTCP_E    0x80000000u /* in the index word: enciphered, not only authenticated */

struct srtp_session_keys {
    uint8_t key[SRTP_KEY_SIZE];
    uint8_t auth[SRTP_AUTH_SIZE];
    uint8_t salt[SRTP_SALT_SIZE];
};

struct srtp_suite {
    size_t salt_size, tag_size;
    size_t word_from_end; /* where the index word of a protected RTCP packet begins */

    /* A context for one direction. NULL: out of memory, or the crypto library refused. */
    void *(*open)(const struct srtp_session_keys *keys, bool seal);
    void (*close)(void *context); /* NULL is fine */

    /* `len` counts the packet without tag and index word, `head` its clear part; room behind it is
     * there. ERR_CRYPTO. */
    int (*seal_rtp)(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index);
    int (*seal_rtcp)(void *context, uint8_t *packet, size_t len, uint32_t word);

    /* The same packets back; `len` as above. ERR_AUTH, after which the packet's content is
     * undefined. */
    int (*open_rtp)(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index);
    int (*open_rtcp)(void *context, uint8_t *packet, size_t len, uint32_t word);
};

extern const struct srtp_suite srtp_suite_aes_cm;  /* RFC 3711 4: AES-CM, HMAC-SHA1 of 80 bits */
extern const struct srtp_suite srtp_suite_aes_gcm; /* RFC 7714: AEAD_AES_128_GCM */

/* The SSRC of a packet whose length was checked. */
static inline uint32_t srtp_rtp_ssrc(const uint8_t *packet)
{
    return get_u32(packet + 8);
}

static inline uint32_t srtp_rtcp_ssrc(const uint8_t *packet)
{
    return get_u32(packet + 4);
}

#endif
