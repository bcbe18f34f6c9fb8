#include "rtp/depack_h264.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

enum { STAP_A = 24, STAP_B = 25, FU_A = 28, FU_B = 29 };
enum { FU_START = 0x80, FU_END = 0x40 };

#define NONE     SIZE_MAX
#define KEEP_MAX ((size_t)1 << 20) /* memory kept between frames */

/* The access unit in the making. */
struct unit {
    bool open;
    bool broken;        /* something of it is missing or wrong */
    bool start_unknown; /* packets were lost before its first one */
    bool slice, idr, sps, pps;
    int64_t rtp;
    usec_t arrival;
    size_t fragment; /* where the fragmented NAL unit in the making has its length; NONE */
};

struct depack_h264 {
    struct h264_params params;
    struct unit unit;
    struct buf data;
    bool damaged;
    bool gap;               /* packets were lost since the last one with a payload */
    struct frame *ready[2]; /* one packet can end two access units */
    unsigned readies;
    struct depack_h264_stats stats;
};

struct depack_h264 *depack_h264_new(void)
{
    struct depack_h264 *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    h264_params_init(&d->params);
    buf_init(&d->data, FRAME_MAX_SIZE);
    d->damaged = true;
    return d;
}

void depack_h264_free(struct depack_h264 *d)
{
    if (!d)
        return;
    while (d->readies)
        frame_unref(d->ready[--d->readies]);
    buf_fini(&d->data);
    free(d);
}

int depack_h264_sprop(struct depack_h264 *d, struct bytes sprop)
{
    struct buf set;
    buf_init(&set, H264_SET_SIZE);
    int err = OK;
    while (!err && sprop.len) {
        bool changed = false;
        buf_clear(&set);
        err = base64_decode(&set, str_split(sprop, ',', &sprop), BASE64_STANDARD);
        if (!err)
            err = h264_params_put(&d->params, buf_bytes(&set), &changed);
    }
    buf_fini(&set);
    return err;
}

static void clear(struct depack_h264 *d)
{
    d->unit = (struct unit){ .fragment = NONE };
    if (d->data.size > KEEP_MAX)
        buf_fini(&d->data);
    buf_clear(&d->data);
}

static void drop(struct depack_h264 *d)
{
    d->damaged = true;
    d->stats.dropped++;
}

/* How much of the unit goes before inserted parameter sets: its access unit delimiter. */
static size_t delimiter_size(struct bytes data)
{
    struct reader units = reader_of(data);
    struct bytes nal;
    return h264_next(&units, &nal) && h264_nal_type(nal) == H264_AUD ? nal.len + 4 : 0;
}

static struct frame *build(struct depack_h264 *d, bool key)
{
    bool insert = key && !(d->unit.sps && d->unit.pps);
    size_t sets = insert ? h264_params_size(&d->params) : 0;
    size_t head = insert ? delimiter_size(buf_bytes(&d->data)) : 0;
    struct frame *f = frame_new(CODEC_H264, d->data.len + sets);
    if (!f)
        return NULL;
    struct writer w = writer_of(f->data, f->size);
    write_bytes(&w, bytes_of(d->data.ptr, head));
    if (insert)
        h264_params_write(&d->params, &w);
    write_bytes(&w, bytes_of(d->data.ptr + head, d->data.len - head));
    f->key = key;
    f->rtp = d->unit.rtp;
    f->arrival = d->unit.arrival;
    return f;
}

/* Where the packets before a picture are lost, new parameter sets may be lost with them: the held
 * ones do not count. */
static bool is_key(const struct depack_h264 *d)
{
    const struct unit *u = &d->unit;
    bool own_sets = u->sps && u->pps;
    return u->idr && (own_sets || !u->start_unknown) && h264_params_complete(&d->params);
}

static void deliver(struct depack_h264 *d)
{
    bool key = is_key(d);
    struct frame *f = build(d, key);
    if (!f) {
        drop(d);
        return;
    }
    if (key)
        d->damaged = false;
    f->damaged = d->damaged;
    d->stats.frames++;
    d->stats.keys += key;
    d->stats.damaged += f->damaged;
    d->ready[d->readies++] = f;
}

static void finish(struct depack_h264 *d)
{
    struct unit *u = &d->unit;
    if (u->fragment != NONE)
        u->broken = true;
    bool changed;
    if (u->sps || u->pps)
        h264_params_update(&d->params, buf_bytes(&d->data), &changed);
    if (u->broken)
        drop(d);
    else if (u->slice)
        deliver(d);
    clear(d);
}

/* Notes what the unit is made of; `second` is the first byte after the NAL header, where a slice's
 * first_mb stands. */
static void note_nal(struct unit *u, unsigned type, uint8_t second)
{
    if (h264_is_slice(type)) {
        if (u->start_unknown && !u->slice &&
            !(second & 0x80)) /* first_mb, ue(v): 0 is a single 1 bit */
            u->broken = true;
        u->slice = true;
    }
    u->idr |= type == H264_IDR;
    u->sps |= type == H264_SPS;
    u->pps |= type == H264_PPS;
}

static int put_nal(struct depack_h264 *d, struct bytes nal)
{
    unsigned type = h264_nal_type(nal);
    if (type == 0 || type >= STAP_A)
        return OK; /* reserved, or not allowed inside: of no use, and harmless to leave out */
    note_nal(&d->unit, type, nal.len > 1 ? nal.ptr[1] : 0);
    buf_put_u32(&d->data, (uint32_t)nal.len);
    buf_put_bytes(&d->data, nal);
    return d->data.err;
}

/* 5.7.1 */
static int put_stap_a(struct depack_h264 *d, struct bytes payload)
{
    struct reader r = reader_of(payload);
    read_u8(&r);
    while (reader_left(&r)) {
        struct bytes nal = read_bytes(&r, read_u16(&r));
        if (r.failed || nal.len == 0)
            return ERR_MALFORMED;
        int err = put_nal(d, nal);
        if (err)
            return err;
    }
    return OK;
}

/* 5.8: the NAL header comes from both header bytes; the length is filled in at the end. */
static int begin_fragment(struct depack_h264 *d, uint8_t indicator, uint8_t header,
                          struct bytes rest)
{
    if (d->unit.fragment != NONE)
        return ERR_MALFORMED;
    note_nal(&d->unit, header & 0x1fu, rest.len ? rest.ptr[0] : 0);
    d->unit.fragment = d->data.len;
    buf_put_u32(&d->data, 0);
    buf_put_u8(&d->data, (uint8_t)((indicator & 0xe0) | (header & 0x1f)));
    return d->data.err;
}

static int put_fu_a(struct depack_h264 *d, struct bytes payload)
{
    struct reader r = reader_of(payload);
    uint8_t indicator = read_u8(&r);
    uint8_t header = read_u8(&r);
    struct bytes rest = read_rest(&r);
    if (r.failed || (header & 0x1f) == 0 || (header & 0x1f) >= STAP_A)
        return ERR_MALFORMED;
    int err = header & FU_START ? begin_fragment(d, indicator, header, rest) : OK;
    if (err)
        return err;
    if (d->unit.fragment == NONE)
        return ERR_MALFORMED;
    buf_put_bytes(&d->data, rest);
    if (d->data.err)
        return d->data.err;
    if (header & FU_END) {
        set_u32(d->data.ptr + d->unit.fragment, (uint32_t)(d->data.len - d->unit.fragment - 4));
        d->unit.fragment = NONE;
    }
    return OK;
}

static int put_payload(struct depack_h264 *d, struct bytes payload)
{
    unsigned type = h264_nal_type(payload);
    if (type == FU_A)
        return put_fu_a(d, payload);
    if (d->unit.fragment != NONE)
        return ERR_MALFORMED;
    if (type == STAP_A)
        return put_stap_a(d, payload);
    return type >= STAP_B && type <= FU_B ? ERR_UNSUPPORTED : put_nal(d, payload);
}

static void begin(struct depack_h264 *d, int64_t rtp, usec_t arrival)
{
    clear(d);
    d->unit.open = true;
    d->unit.start_unknown = d->gap;
    d->unit.rtp = rtp;
    d->unit.arrival = arrival;
}

int depack_h264_push(struct depack_h264 *d, const struct rtp_packet *p, int64_t rtp, usec_t arrival,
                     bool lost)
{
    if (lost) {
        d->damaged = d->gap = true;
        d->unit.broken = true; /* no marker came: its end may be among the lost */
    }
    if (p->payload.len == 0)
        return OK; /* padding for bandwidth probes */
    if (d->unit.open && d->unit.rtp != rtp)
        finish(d);
    if (!d->unit.open)
        begin(d, rtp, arrival);
    d->gap = false;
    int err = put_payload(d, p->payload);
    if (err) {
        d->unit.broken = true;
        d->stats.malformed++;
    }
    if (p->marker)
        finish(d);
    return err;
}

struct frame *depack_h264_pull(struct depack_h264 *d)
{
    if (!d->readies)
        return NULL;
    struct frame *f = d->ready[0];
    d->ready[0] = d->ready[1];
    d->readies--;
    return f;
}

void depack_h264_reset(struct depack_h264 *d)
{
    if (d->unit.open)
        d->stats.dropped++;
    clear(d);
    d->damaged = true;
}

bool depack_h264_damaged(const struct depack_h264 *d)
{
    return d->damaged;
}

const struct h264_params *depack_h264_params(const struct depack_h264 *d)
{
    return &d->params;
}

void depack_h264_get_stats(const struct depack_h264 *d, struct depack_h264_stats *out)
{
    *out = d->stats;
}
