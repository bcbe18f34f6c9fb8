/* SRTP and SRTCP in place (RFC 3711, RFC 7714) for one direction of one session: all streams under
 * one master key.
 *
 * State per SSRC: the rollover counter and replay windows of SRTP_WINDOW packets, made and moved
 * only after a packet proved authentic. A packet costs no allocation but the first of its SSRC.
 *
 * Sealing and opening are protect and unprotect; those names belong to libsrtp, with which a
 * program may link too.
 *
 * Pure; one thread at a time. */
#ifndef PROTO_SRTP_SRTP_H
#define PROTO_SRTP_SRTP_H

#include "base/bytes.h"

/* The profiles' numbers are those of DTLS-SRTP (RFC 5764 4.1.2, RFC 7714 14.2). */
enum srtp_profile {
    SRTP_AES128_CM_SHA1_80 = 0x0001,
    SRTP_AEAD_AES_128_GCM = 0x0007,
};

struct srtp_key {
    enum srtp_profile profile;
    uint8_t key[16];
    uint8_t salt[14]; /* AES-GCM uses the first 12 */
};

/* SSRCs of one direction. Simulcast with retransmission and FEC needs a dozen. */
#define SRTP_MAX_STREAMS 64

/* What sealing appends at most: GCM's tag and RTCP's index word. */
#define SRTP_MAX_TRAILER 20

enum srtp_direction { SRTP_SEND, SRTP_RECEIVE };

struct srtp;

/* The key is copied. ERR_UNSUPPORTED: unknown profile. ERR_NOMEM, ERR_CRYPTO. */
int srtp_new(struct srtp **out, const struct srtp_key *key, enum srtp_direction direction);
void srtp_free(struct srtp *s); /* NULL is fine */

/* Turns `*len` received bytes into the plain packet at the same place and sets its length. After an
 * error the bytes are undefined and `*len` is unchanged. ERR_MALFORMED: not RTP or RTCP, or too
 * short. ERR_REPLAY: seen, or older than the window. ERR_AUTH: the tag does not verify. ERR_LIMIT:
 * a new SSRC beyond SRTP_MAX_STREAMS. ERR_NOMEM. */
int srtp_open_rtp(struct srtp *s, uint8_t *packet, size_t *len);
int srtp_open_rtcp(struct srtp *s, uint8_t *packet, size_t *len);

/* Protects `*len` plain bytes in a block of `size` and sets the new length, SRTP_MAX_TRAILER more
 * at most. RTP packets of a stream go out in about the order of their numbers, and none twice:
 * ERR_REPLAY, because the key stream would repeat. ERR_MALFORMED; ERR_LIMIT: no room, too many
 * SSRCs, or RTCP's 2^31 indices are used up; ERR_CRYPTO; ERR_NOMEM. */
int srtp_seal_rtp(struct srtp *s, uint8_t *packet, size_t *len, size_t size);
int srtp_seal_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t size);

#endif
