#include "media/h264.h"

#include "base/err.h"
#include "media/bits.h"

#define MAX_SIDE 16384u /* luma samples; level 6.2 allows less */

/* Profiles whose SPS says chroma format and bit depth (7.3.2.1.1). */
static bool is_high(unsigned profile)
{
    static const uint8_t high[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };
    return memchr(high, (int)profile, sizeof high) != NULL;
}

/* scaling_list(): the size is all that is wanted of it (7.3.2.1.1.1). */
static void skip_scaling_list(struct bits *b, unsigned size)
{
    int last = 8, next = 8;
    for (unsigned i = 0; i < size && !b->failed; i++) {
        if (next) {
            int32_t delta = bits_se(b);
            if (delta < -128 || delta > 127)
                b->failed = true;
            else
                next = (last + delta + 256) % 256;
        }
        last = next ? next : last;
    }
}

static void parse_high(struct h264_sps *sps, struct bits *b)
{
    uint32_t format = bits_ue(b, 3);
    bool separate = format == 3 && bits_one(b);
    sps->chroma_format =
        separate ? 0 : (uint8_t)format; /* separate planes are cropped like monochrome */
    sps->bit_depth = (uint8_t)(8 + bits_ue(b, 6));
    bits_ue(b, 6);
    bits_one(b);
    if (!bits_one(b))
        return;
    unsigned lists = format == 3 ? 12 : 8;
    for (unsigned i = 0; i < lists; i++)
        if (bits_one(b))
            skip_scaling_list(b, i < 6 ? 16 : 64);
}

static void skip_picture_order(struct bits *b)
{
    unsigned type = bits_ue(b, 2);
    if (type == 0)
        bits_ue(b, 12);
    if (type != 1)
        return;
    bits_one(b);
    bits_se(b);
    bits_se(b);
    for (unsigned n = bits_ue(b, 255); n && !b->failed; n--)
        bits_se(b);
}

/* Frame cropping (7.4.2.1.1): the unit depends on the chroma format and on fields. */
static int crop(struct h264_sps *sps, struct bits *b, uint32_t width, uint32_t height)
{
    uint32_t unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
    uint32_t unit_y = (sps->chroma_format == 1 ? 2 : 1) * (sps->interlaced ? 2 : 1);
    if (bits_one(b)) {
        uint32_t x = unit_x * (bits_ue(b, MAX_SIDE) + bits_ue(b, MAX_SIDE));
        uint32_t y = unit_y * (bits_ue(b, MAX_SIDE) + bits_ue(b, MAX_SIDE));
        if (x >= width || y >= height)
            return ERR_MALFORMED;
        width -= x;
        height -= y;
    }
    if (width > MAX_SIDE || height > MAX_SIDE)
        return ERR_LIMIT;
    sps->width = (uint16_t)width;
    sps->height = (uint16_t)height;
    return OK;
}

int h264_parse_sps(struct h264_sps *out, struct bytes nal)
{
    if (h264_nal_type(nal) != H264_SPS)
        return ERR_MALFORMED;
    struct bits b = bits_of(nal);
    bits_u(&b, 8);
    struct h264_sps sps = { .profile = (uint8_t)bits_u(&b, 8),
                            .constraints = (uint8_t)bits_u(&b, 8),
                            .level = (uint8_t)bits_u(&b, 8),
                            .id = (uint8_t)bits_ue(&b, 31),
                            .chroma_format = 1,
                            .bit_depth = 8 };
    if (is_high(sps.profile))
        parse_high(&sps, &b);
    bits_ue(&b, 12);
    skip_picture_order(&b);
    bits_ue(&b, 16);
    bits_one(&b);
    uint32_t width = 16 * (1 + bits_ue(&b, 4 * MAX_SIDE));
    uint32_t rows = 16 * (1 + bits_ue(&b, 4 * MAX_SIDE));
    sps.interlaced = !bits_one(&b);
    if (sps.interlaced)
        bits_one(&b);
    bits_one(&b);
    int err = crop(&sps, &b, width, sps.interlaced ? 2 * rows : rows);
    bits_one(&b); /* vui_parameters_present_flag: the last thing a whole SPS must have */
    if (b.failed)
        return ERR_MALFORMED;
    if (!err)
        *out = sps;
    return err;
}

int h264_parse_pps(struct h264_pps *out, struct bytes nal)
{
    struct bits b = bits_of(nal);
    bits_u(&b, 8);
    struct h264_pps pps = { .id = (uint8_t)bits_ue(&b, 255), .sps_id = (uint8_t)bits_ue(&b, 31) };
    if (b.failed || h264_nal_type(nal) != H264_PPS)
        return ERR_MALFORMED;
    *out = pps;
    return OK;
}

int h264_parse_slice(struct h264_slice *out, struct bytes nal)
{
    struct bits b = bits_of(nal);
    bits_u(&b, 8);
    struct h264_slice slice = { .first_mb = bits_ue(&b, UINT32_MAX - 1),
                                .type = (uint8_t)bits_ue(&b, 9),
                                .pps_id = (uint8_t)bits_ue(&b, 255) };
    if (b.failed || !h264_is_slice(h264_nal_type(nal)))
        return ERR_MALFORMED;
    *out = slice;
    return OK;
}
