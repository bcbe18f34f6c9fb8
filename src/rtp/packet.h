/* RTP packets (RFC 3550, 5.1) and their header extensions (RFC 8285). Slices borrow from the
 * packet; nothing allocates; any thread. */
#ifndef RTP_PACKET_H
#define RTP_PACKET_H

#include "base/bytes.h"

#define RTP_HEADER_SIZE 12
#define RTP_MAX_PACKET                                                                             \
    1500 /* what a UDP path carries; larger packets are refused by the parser                      \
          */

#define RTP_EXT_ONE_BYTE 0xbede /* RFC 8285, 4.2 */
#define RTP_EXT_TWO_BYTE 0x1000 /* 4.3; the low four bits are the application's */

struct rtp_packet {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    struct bytes csrcs;   /* 4 bytes each, at most 15 */
    uint16_t ext_profile; /* 0: no extension */
    struct bytes ext;     /* the extension's body */
    struct bytes payload; /* without padding */
    uint8_t padding;      /* its bytes, the last one included */
};

/* ERR_MALFORMED: not version 2, cut, or padding beyond the payload. ERR_LIMIT: above
 * RTP_MAX_PACKET. */
int rtp_parse(struct rtp_packet *out, struct bytes in);

/* Header alone: is this a datagram of RTP's version with RTCP's packet types (RFC 5761, 4)? */
bool rtp_is_rtcp(struct bytes in);

/* The element `id` (1 to 14 one-byte, 1 to 255 two-byte form). False when it is not there. An
 * element that leaves the extension ends the search. */
bool rtp_ext_find(const struct rtp_packet *p, uint8_t id, struct bytes *out);

/* Appends one element in the one-byte form: id 1 to 14, 1 to 16 bytes; anything else fails the
 * writer. What was written becomes `ext` of a packet with RTP_EXT_ONE_BYTE. */
void rtp_ext_put(struct writer *w, uint8_t id, struct bytes value);

/* The whole packet; the extension is padded to 32 bits, padding bytes are 0 but for the last. */
void rtp_write(struct writer *w, const struct rtp_packet *p);

#endif
