#include "rtp/pack_h264.h"

#include "base/err.h"
#include "media/h264.h"

enum { STAP_A = 24, FU_A = 28 };
enum { FU_START = 0x80, FU_END = 0x40 };
enum { TYPE = 0x1f, IMPORTANCE = 0x60, HEAD = 0xe0 }; /* of a unit's first byte */

static void advance(struct pack_h264 *p)
{
    p->pos = 0;
    if (!h264_next(&p->units, &p->nal))
        p->nal = bytes_of(NULL, 0);
}

int pack_h264_begin(struct pack_h264 *p, struct bytes frame, size_t max)
{
    if (max < PACK_H264_MIN)
        return ERR_RANGE;
    struct reader units = reader_of(frame);
    struct bytes nal;
    size_t count = 0;
    while (h264_next(&units, &nal))
        count++;
    if (units.failed || !count)
        return ERR_MALFORMED;
    *p = (struct pack_h264){ .units = reader_of(frame), .max = max };
    advance(p);
    return OK;
}

static bool is_set(struct bytes nal)
{
    return h264_nal_type(nal) == H264_SPS || h264_nal_type(nal) == H264_PPS;
}

/* How many units from the next one on are parameter sets that fit into one packet together. */
static unsigned sets_ahead(const struct pack_h264 *p)
{
    struct reader units = p->units;
    struct bytes nal = p->nal;
    size_t size = 1;
    unsigned count = 0;
    while (is_set(nal) && nal.len <= UINT16_MAX && (size += 2 + nal.len) <= p->max) {
        count++;
        if (!h264_next(&units, &nal))
            break;
    }
    return count;
}

/* 5.7.1; the header says how much the most important of the units matters. */
static size_t put_sets(struct pack_h264 *p, uint8_t *out, unsigned count)
{
    struct writer w = writer_of(out, p->max);
    write_u8(&w, STAP_A);
    while (count--) {
        uint8_t importance = p->nal.ptr[0] & IMPORTANCE;
        if (importance > (out[0] & IMPORTANCE))
            out[0] = (uint8_t)(importance | STAP_A);
        write_u16(&w, (uint16_t)p->nal.len);
        write_bytes(&w, p->nal);
        advance(p);
    }
    return writer_len(&w);
}

/* 5.8: the unit's header goes into both header bytes and is not repeated after them. */
static size_t put_fragment(struct pack_h264 *p, uint8_t *out)
{
    uint8_t head = p->nal.ptr[0], part = head & TYPE;
    if (!p->pos) {
        p->pos = 1;
        part |= FU_START;
    }
    size_t left = p->nal.len - p->pos, len = left < p->max - 2 ? left : p->max - 2;
    if (len == left)
        part |= FU_END;
    out[0] = (uint8_t)((head & HEAD) | FU_A);
    out[1] = part;
    memcpy(out + 2, p->nal.ptr + p->pos, len);
    p->pos += len;
    if (len == left)
        advance(p);
    return len + 2;
}

static size_t put_single(struct pack_h264 *p, uint8_t *out)
{
    size_t len = p->nal.len;
    memcpy(out, p->nal.ptr, len);
    advance(p);
    return len;
}

size_t pack_h264_next(struct pack_h264 *p, uint8_t *out, bool *last)
{
    if (!p->nal.len)
        return 0;
    unsigned sets = p->pos ? 0 : sets_ahead(p);
    size_t len;
    if (sets > 1)
        len = put_sets(p, out, sets);
    else if (p->pos || p->nal.len > p->max)
        len = put_fragment(p, out);
    else
        len = put_single(p, out);
    *last = !p->nal.len;
    return len;
}
