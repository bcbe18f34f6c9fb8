/* A sender for the tests: makes H.264 access units, cuts them into packets the ways RFC 6184
 * allows, and a link that loses, repeats and reorders. All of it follows from a seed. */
#ifndef TEST_RTP_KIT_H
#define TEST_RTP_KIT_H

#include "base/buf.h"
#include "media/frame.h"
#include "rtp/packet.h"

struct random {
    uint64_t state;
};

uint32_t random_next(struct random *r);                  /* xorshift */
uint32_t random_below(struct random *r, uint32_t limit); /* 0 to limit - 1 */
bool random_chance(struct random *r, unsigned percent);

/* TEST_SEED from the environment, or `fallback`; printed. */
uint64_t test_seed(uint64_t fallback);

extern const uint8_t kit_sps[], kit_pps[];
extern const size_t kit_sps_size, kit_pps_size; /* 640x360, x264 baseline */

/* Appends a NAL unit (32-bit length first) of `size` bytes with random content; a slice with
 * `first` begins at macroblock 0, others do not. */
void kit_nal(struct random *rnd, struct buf *frame, unsigned type, size_t size, bool first);

/* A whole access unit: parameter sets and IDR slices, or plain slices. */
void kit_frame(struct random *rnd, struct buf *frame, bool key, size_t max_nal);

/* A packet on its way. */
struct sent {
    size_t len;
    uint8_t data[RTP_MAX_PACKET];
};

struct sent_list {
    struct sent *item;
    size_t count, size;
};

struct sent *sent_add(struct sent_list *list); /* a new zeroed item */
void sent_free(struct sent_list *list);

struct packetizer {
    struct random *rnd;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t ssrc;
    size_t mtu; /* payload bytes */
};

/* Single units, STAP-A where several fit (by chance), FU-A where one does not. The marker is on the
 * last packet. */
void packetize_h264(struct packetizer *p, struct bytes frame, uint32_t timestamp,
                    struct sent_list *out);
void packetize_opus(struct packetizer *p, struct bytes packet, uint32_t timestamp,
                    struct sent_list *out);

#endif
