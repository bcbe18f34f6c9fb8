/* Reads bits of an H.264 RBSP straight from the NAL unit: the emulation prevention bytes (ITU-T
 * H.264, 7.4.1) are passed over on the way. The first read past the end, or an Exp-Golomb code of
 * more than 32 bits, sets `failed`; that and all later reads give 0. */
#ifndef MEDIA_BITS_H
#define MEDIA_BITS_H

#include "base/bytes.h"

struct bits {
    const uint8_t *pos, *end;
    unsigned zeros; /* zero bytes just before pos */
    unsigned left;  /* unread bits of `byte` */
    uint8_t byte;
    bool failed;
};

static inline struct bits bits_of(struct bytes in)
{
    return (struct bits){ .pos = in.ptr, .end = in.ptr + in.len };
}

static inline bool bits_load(struct bits *b)
{
    if (b->zeros >= 2 && b->pos < b->end && *b->pos == 3) {
        b->pos++;
        b->zeros = 0;
    }
    if (b->failed || b->pos == b->end) {
        b->failed = true;
        return false;
    }
    b->byte = *b->pos++;
    b->zeros = b->byte ? 0 : b->zeros + 1;
    b->left = 8;
    return true;
}

static inline unsigned bits_one(struct bits *b)
{
    if (b->failed || (b->left == 0 && !bits_load(b)))
        return 0;
    b->left--;
    return b->byte >> b->left & 1u;
}

/* u(n), n at most 32. */
static inline uint32_t bits_u(struct bits *b, unsigned n)
{
    uint32_t v = 0;
    while (n--)
        v = v << 1 | bits_one(b);
    return b->failed ? 0 : v;
}

/* ue(v) (9.1), refusing values above `max`. */
static inline uint32_t bits_ue(struct bits *b, uint32_t max)
{
    unsigned zeros = 0;
    while (!bits_one(b) && !b->failed)
        if (++zeros > 31)
            b->failed = true;
    uint64_t v = b->failed ? 0 : ((uint64_t)1 << zeros) - 1 + bits_u(b, zeros);
    if (v > max)
        b->failed = true;
    return b->failed ? 0 : (uint32_t)v;
}

/* se(v) (9.1.1). */
static inline int32_t bits_se(struct bits *b)
{
    uint32_t v = bits_ue(b, UINT32_MAX - 1);
    return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}

#endif
