#include "segment/annexb.h"

#include "base/err.h"

/* The types of NAL units in the frame, a bit for each. ERR_MALFORMED: a length does not fit. */
static int types_of(struct bytes frame, uint32_t *types)
{
    struct reader units = reader_of(frame);
    uint32_t seen = 0;
    for (struct bytes nal; h264_next(&units, &nal);)
        seen |= 1u << h264_nal_type(nal);
    *types = seen;
    return units.failed ? ERR_MALFORMED : OK;
}

/* B.1.1: zero_byte and start_code_prefix_one_3bytes. */
static void put_nal(struct buf *out, struct bytes nal)
{
    buf_put_u32(out, 1);
    buf_put_bytes(out, nal);
}

static void put_sets(struct buf *out, const struct h264_params *p)
{
    for (unsigned i = 0; i < p->sps_count; i++)
        put_nal(out, h264_set_bytes(&p->sps[i]));
    for (unsigned i = 0; i < p->pps_count; i++)
        put_nal(out, h264_set_bytes(&p->pps[i]));
}

int annexb_put(struct buf *out, struct bytes frame, const struct h264_params *params)
{
    static const uint8_t delimiter[] = { H264_AUD, 0xf0 }; /* 7.3.2.4: any slice type, stop bit */
    uint32_t types;
    int err = types_of(frame, &types);
    if (err)
        return err;
    put_nal(out, bytes_of(delimiter, sizeof delimiter));
    if (params && !(types & 1u << H264_SPS))
        put_sets(out, params);
    struct reader units = reader_of(frame);
    for (struct bytes nal; h264_next(&units, &nal);)
        if (h264_nal_type(nal) != H264_AUD)
            put_nal(out, nal);
    return out->err;
}
