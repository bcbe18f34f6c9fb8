#include "segment/mp4/box.h"

#include "base/err.h"

void box_out_init(struct box_out *o, int (*write)(void *ctx, uint64_t pos, struct bytes bytes),
                  void *ctx)
{
    o->write = write;
    o->ctx = ctx;
    o->pos = 0;
    o->err = OK;
    o->held = 0;
}

static void pass_on(struct box_out *o)
{
    if (o->held && o->write && !o->err)
        o->err = o->write(o->ctx, o->pos - o->held, bytes_of(o->block, o->held));
    o->held = 0;
}

int box_out_finish(struct box_out *o)
{
    pass_on(o);
    return o->err;
}

int box_to_buf(void *ctx, uint64_t pos, struct bytes bytes)
{
    struct buf *b = ctx;
    if (pos == b->len)
        buf_put_bytes(b, bytes);
    else if (!b->err && pos + bytes.len <= b->len)
        memcpy(b->ptr + pos, bytes.ptr, bytes.len);
    return b->err;
}

void box_bytes(struct box_out *o, struct bytes bytes)
{
    while (bytes.len && !o->err) {
        if (o->held == BOX_BLOCK)
            pass_on(o);
        size_t room = BOX_BLOCK - o->held, n = bytes.len < room ? bytes.len : room;
        memcpy(o->block + o->held, bytes.ptr, n);
        o->held += n;
        o->pos += n;
        bytes = bytes_of(bytes.ptr + n, bytes.len - n);
    }
}

void box_zeros(struct box_out *o, uint64_t count)
{
    static const uint8_t zeros[512];
    if (!o->write) { /* tables of millions of entries are counted at once */
        o->pos += count;
        o->held = 0;
        return;
    }
    for (uint64_t n; count && !o->err; count -= n) {
        n = count < sizeof zeros ? count : sizeof zeros;
        box_bytes(o, bytes_of(zeros, (size_t)n));
    }
}

static void put_uint(struct box_out *o, uint64_t v, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = len; i > 0; i--, v >>= 8)
        bytes[i - 1] = (uint8_t)v;
    box_bytes(o, bytes_of(bytes, len));
}

void box_u8(struct box_out *o, uint8_t v)
{
    put_uint(o, v, 1);
}

void box_u16(struct box_out *o, uint16_t v)
{
    put_uint(o, v, 2);
}

void box_u24(struct box_out *o, uint32_t v)
{
    put_uint(o, v, 3);
}

void box_u32(struct box_out *o, uint32_t v)
{
    put_uint(o, v, 4);
}

void box_u64(struct box_out *o, uint64_t v)
{
    put_uint(o, v, 8);
}

void box_time(struct box_out *o, unsigned version, uint64_t v)
{
    put_uint(o, v, version ? 8 : 4);
}

void box_patch_u32(struct box_out *o, uint64_t at, uint32_t v)
{
    uint8_t bytes[4];
    set_u32(bytes, v);
    if (at >= o->pos - o->held) {
        memcpy(o->block + (at - (o->pos - o->held)), bytes, 4);
        return;
    }
    pass_on(o);
    if (o->write && !o->err)
        o->err = o->write(o->ctx, at, bytes_of(bytes, 4));
}

/* 4.2: Box */
uint64_t box_begin(struct box_out *o, const char *type)
{
    uint64_t at = o->pos;
    box_u32(o, 0);
    box_bytes(o, bytes_of(type, 4));
    return at;
}

/* 4.2: FullBox */
uint64_t box_begin_full(struct box_out *o, const char *type, unsigned version, uint32_t flags)
{
    uint64_t at = box_begin(o, type);
    box_u8(o, (uint8_t)version);
    box_u24(o, flags);
    return at;
}

void box_end(struct box_out *o, uint64_t at)
{
    uint64_t size = o->pos - at;
    if (size > UINT32_MAX && !o->err)
        o->err = ERR_LIMIT;
    if (!o->err)
        box_patch_u32(o, at, (uint32_t)size);
}
