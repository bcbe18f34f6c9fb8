#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct bits {
    struct buf *out;
    unsigned byte, count;
};

static void put_bit(struct bits *b, unsigned bit)
{
    b->byte = b->byte << 1 | (bit & 1);
    if (++b->count == 8) {
        buf_put_u8(b->out, (uint8_t)b->byte);
        b->byte = b->count = 0;
    }
}

static void put_ue(struct bits *b, unsigned v)
{
    unsigned len = 0;
    while ((v + 1) >> (len + 1))
        len++;
    for (unsigned i = 0; i < len; i++)
        put_bit(b, 0);
    for (unsigned i = len + 1; i > 0; i--)
        put_bit(b, (v + 1) >> (i - 1));
}

void make_sps(struct buf *out, unsigned width, unsigned height)
{
    unsigned across = (width + 15) / 16, down = (height + 15) / 16;
    unsigned right = across * 16 - width, bottom = down * 16 - height;
    buf_put(out, "\x67\x42\xe0\x1f", 4);
    struct bits b = { out, 0, 0 };
    put_ue(&b, 0); /* id */
    put_ue(&b, 0); /* log2_max_frame_num */
    put_ue(&b, 2); /* pic_order_cnt_type */
    put_ue(&b, 1); /* reference frames */
    put_bit(&b, 0);
    put_ue(&b, across - 1);
    put_ue(&b, down - 1);
    put_bit(&b, 1); /* frames only */
    put_bit(&b, 1);
    put_bit(&b, right || bottom);
    if (right || bottom) {
        put_ue(&b, 0);
        put_ue(&b, right / 2);
        put_ue(&b, 0);
        put_ue(&b, bottom / 2);
    }
    put_bit(&b, 0); /* no VUI */
    put_bit(&b, 1);
    while (b.count)
        put_bit(&b, 0);
}

static void put_nal(struct buf *unit, struct bytes nal)
{
    buf_put_u32(unit, (uint32_t)nal.len);
    buf_put_bytes(unit, nal);
}

static void put_slice(struct buf *unit, usec_t time, size_t size, bool key)
{
    buf_put_u32(unit, (uint32_t)size + 9);
    buf_put_u8(unit, key ? 0x65 : 0x41);
    buf_put_u64(unit, (uint64_t)time);
    uint8_t *p = buf_extend(unit, size);
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(0x80 | i);
}

struct frame *make_video(usec_t time, size_t size, unsigned width, unsigned flags)
{
    struct buf unit, sps;
    buf_init(&unit, FRAME_MAX_SIZE);
    buf_init(&sps, 100);
    if (flags & FRAME_SETS) {
        make_sps(&sps, width, 48);
        put_nal(&unit, buf_bytes(&sps));
        put_nal(&unit, bytes_of("\x68\xce\x38\x80", 4));
    }
    put_slice(&unit, time, size, flags & FRAME_KEY);
    struct frame *f = frame_new(CODEC_H264, unit.len);
    assert_non_null(f);
    memcpy(f->data, unit.ptr, unit.len);
    f->time = time;
    f->key = flags & FRAME_KEY;
    f->damaged = flags & FRAME_DAMAGED;
    f->discontinuity = flags & FRAME_STEP;
    buf_fini(&unit);
    buf_fini(&sps);
    return f;
}

usec_t audio_time(usec_t start, unsigned n)
{
    return start + ((usec_t)n * 64000 + 1) / 3;
}

struct frame *make_audio(usec_t start, unsigned n, unsigned channels)
{
    struct frame *f = frame_new(CODEC_AAC, 100);
    assert_non_null(f);
    memset(f->data, (int)(n & 255), 100);
    f->data[0] = channels == 2 ? 0x20 : 0;
    f->key = true;
    f->time = audio_time(start, n);
    f->duration = audio_time(start, n + 1) - f->time;
    return f;
}
