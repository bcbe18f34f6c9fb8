#include "segment/avc.h"

#include "base/err.h"

bool avc_next(struct reader *r, struct bytes *nal)
{
    while (!r->failed && reader_left(r) > 0) {
        struct bytes unit = read_bytes(r, read_u32(r));
        if (r->failed)
            return false;
        if (unit.len) {
            *nal = unit;
            return true;
        }
    }
    return false;
}

void avc_params_init(struct avc_params *p)
{
    *p = (struct avc_params){ 0 };
    buf_init(&p->sps, AVC_PARAMS_LIMIT);
    buf_init(&p->pps, AVC_PARAMS_LIMIT);
}

void avc_params_fini(struct avc_params *p)
{
    buf_fini(&p->sps);
    buf_fini(&p->pps);
}

/* The types of NAL units in the access unit, a bit for each. ERR_MALFORMED: a length does not fit.
 */
static int types_of(struct bytes unit, uint32_t *types)
{
    struct reader r = reader_of(unit);
    struct bytes nal;
    uint32_t seen = 0;
    while (avc_next(&r, &nal))
        seen |= 1u << avc_type(nal);
    *types = seen;
    return r.failed ? ERR_MALFORMED : OK;
}

/* The sets of one kind in the unit, appended; the buffer is empty when there are none. */
static int gather(struct buf *out, struct bytes unit, unsigned type)
{
    struct reader r = reader_of(unit);
    struct bytes nal;
    while (avc_next(&r, &nal))
        if (avc_type(nal) == type) {
            buf_put_u32(out, (uint32_t)nal.len);
            buf_put_bytes(out, nal);
        }
    return out->err;
}

static int first_size(struct bytes sets, unsigned *width, unsigned *height)
{
    struct reader r = reader_of(sets);
    struct bytes nal;
    struct avc_sps sps;
    if (!avc_next(&r, &nal))
        return OK;
    int err = avc_parse_sps(nal, &sps);
    if (err)
        return err;
    *width = sps.width;
    *height = sps.height;
    return OK;
}

static void replace(struct buf *old, struct buf *with)
{
    if (!with->len)
        return;
    struct buf t = *old;
    *old = *with;
    *with = t;
}

int avc_params_update(struct avc_params *p, struct bytes unit)
{
    uint32_t types;
    int err = types_of(unit, &types);
    if (err || !(types & (1u << AVC_SPS | 1u << AVC_PPS)))
        return err;
    struct avc_params next;
    avc_params_init(&next);
    next.width = p->width;
    next.height = p->height;

    err = gather(&next.sps, unit, AVC_SPS);
    if (!err)
        err = gather(&next.pps, unit, AVC_PPS);
    if (!err)
        err = first_size(buf_bytes(&next.sps), &next.width, &next.height);
    if (!err) {
        replace(&p->sps, &next.sps);
        replace(&p->pps, &next.pps);
        p->width = next.width;
        p->height = next.height;
    }
    avc_params_fini(&next);
    return err;
}

bool avc_params_equal(const struct avc_params *a, const struct avc_params *b)
{
    return bytes_equal(buf_bytes(&a->sps), buf_bytes(&b->sps)) &&
           bytes_equal(buf_bytes(&a->pps), buf_bytes(&b->pps));
}

int avc_params_copy(struct avc_params *to, const struct avc_params *from)
{
    buf_clear(&to->sps);
    buf_clear(&to->pps);
    buf_put_bytes(&to->sps, buf_bytes(&from->sps));
    buf_put_bytes(&to->pps, buf_bytes(&from->pps));
    to->width = from->width;
    to->height = from->height;
    return to->sps.err ? to->sps.err : to->pps.err;
}

/* B.1.1: zero_byte and start_code_prefix_one_3bytes. */
static void put_nal(struct buf *out, struct bytes nal)
{
    buf_put(out, "\0\0\0\1", 4);
    buf_put_bytes(out, nal);
}

static int put_nals(struct buf *out, struct bytes unit)
{
    struct reader r = reader_of(unit);
    struct bytes nal;
    while (avc_next(&r, &nal))
        if (avc_type(nal) != AVC_AUD)
            put_nal(out, nal);
    return out->err;
}

int avc_put_annexb(struct buf *out, struct bytes unit, const struct avc_params *params)
{
    static const uint8_t delimiter[] = { AVC_AUD, 0xf0 }; /* 7.3.2.4: any slice type, stop bit */
    uint32_t types;
    int err = types_of(unit, &types);
    if (err)
        return err;
    put_nal(out, bytes_of(delimiter, sizeof delimiter));
    if (params && !(types & 1u << AVC_SPS)) {
        put_nals(out, buf_bytes(&params->sps));
        put_nals(out, buf_bytes(&params->pps));
    }
    return put_nals(out, unit);
}
