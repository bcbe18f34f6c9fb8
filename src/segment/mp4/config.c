#include "segment/mp4/config.h"

static void put_set(struct buf *out, const struct h264_set *set)
{
    buf_put_u16(out, set->size);
    buf_put_bytes(out, h264_set_bytes(set));
}

/* 14496-15, 5.3.3.1.2: these profiles add chroma format and bit depths. */
static bool high(uint8_t profile)
{
    return profile == 100 || profile == 110 || profile == 122 || profile == 144 || profile == 244;
}

void avc_config_put(struct buf *out, const struct h264_params *params)
{
    const struct h264_sps *sps = h264_params_sps(params);
    buf_put_u8(out, 1);
    buf_put_u8(out, sps->profile);
    buf_put_u8(out, sps->constraints);
    buf_put_u8(out, sps->level);
    buf_put_u8(out, 0xfc | 3);
    buf_put_u8(out, (uint8_t)(0xe0 | params->sps_count));
    for (unsigned i = 0; i < params->sps_count; i++)
        put_set(out, &params->sps[i]);
    buf_put_u8(out, (uint8_t)params->pps_count);
    for (unsigned i = 0; i < params->pps_count; i++)
        put_set(out, &params->pps[i]);
    if (!high(sps->profile))
        return;
    buf_put_u8(out, 0xfc | sps->chroma_format);
    buf_put_u8(out, (uint8_t)(0xf8 | (sps->bit_depth - 8)));
    buf_put_u8(out, (uint8_t)(0xf8 | (sps->bit_depth - 8)));
    buf_put_u8(out, 0); /* SPS extensions */
}

void aac_config_put(struct buf *out, unsigned channels)
{
    enum { LC = 2, HZ_48000 = 3 };
    buf_put_u16(out, (uint16_t)(LC << 11 | HZ_48000 << 7 | channels << 3));
}
