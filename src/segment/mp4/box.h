/* Writes boxes (ISO/IEC 14496-12, 4.2) in one pass, to a file, to memory, or nowhere to learn their
 * size. A box's size is put in when it ends. Errors stick: after the first failed write nothing is
 * written any more, and one check at the end suffices. Lives in its owner's memory; one thread. */
#ifndef SEGMENT_MP4_BOX_H
#define SEGMENT_MP4_BOX_H

#include "base/buf.h"

#define BOX_BLOCK (16u << 10)

struct box_out {
    /* All of `bytes` at `pos`, which may be written already. NULL: it is only counted. ERR_IO ...
     */
    int (*write)(void *ctx, uint64_t pos, struct bytes bytes);
    void *ctx;
    uint64_t pos; /* bytes so far */
    int err;      /* of `write`; ERR_LIMIT: a box of 4 GiB */
    size_t held;  /* of `pos`, in `block` */
    uint8_t block[BOX_BLOCK];
};

void box_out_init(struct box_out *o, int (*write)(void *ctx, uint64_t pos, struct bytes bytes),
                  void *ctx);

/* The rest to `write`; the first error. */
int box_out_finish(struct box_out *o);

/* A `write` for memory: ctx is a struct buf that holds nothing else. */
int box_to_buf(void *ctx, uint64_t pos, struct bytes bytes);

/* What begin returns is for end. `type`: four letters. */
uint64_t box_begin(struct box_out *o, const char *type);
uint64_t box_begin_full(struct box_out *o, const char *type, unsigned version, uint32_t flags);
void box_end(struct box_out *o, uint64_t at);

void box_u8(struct box_out *o, uint8_t v);
void box_u16(struct box_out *o, uint16_t v);
void box_u24(struct box_out *o, uint32_t v);
void box_u32(struct box_out *o, uint32_t v);
void box_u64(struct box_out *o, uint64_t v);
void box_time(struct box_out *o, unsigned version, uint64_t v); /* 64 bits in version 1, else 32 */
void box_bytes(struct box_out *o, struct bytes bytes);
void box_zeros(struct box_out *o, uint64_t count);

/* Writes over what stands at `at`. */
void box_patch_u32(struct box_out *o, uint64_t at, uint32_t v);

#endif
