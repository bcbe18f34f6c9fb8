/* The picture size out of a sequence parameter set (ITU-T H.264, 7.3.2.1.1). */
#include "base/err.h"
#include "segment/avc.h"

#define SIZE_MAX_PIXELS 16384u

/* Bits of a raw byte sequence payload: steps over emulation prevention bytes (7.4.1). Past the end
 * all bits are 0 and `failed` is set. */
struct bits {
    const uint8_t *pos, *end;
    unsigned zeros; /* zero bytes just read */
    unsigned left;  /* bits left in `byte` */
    uint8_t byte;
    bool failed;
};

static void load(struct bits *b)
{
    if (b->pos < b->end && b->zeros >= 2 && *b->pos == 3) {
        b->pos++;
        b->zeros = 0;
    }
    if (b->pos >= b->end) {
        b->failed = true;
        b->byte = 0;
    } else {
        b->byte = *b->pos++;
        b->zeros = b->byte ? 0 : b->zeros + 1;
    }
    b->left = 8;
}

static unsigned bit(struct bits *b)
{
    if (!b->left)
        load(b);
    b->left--;
    return b->byte >> b->left & 1u;
}

static unsigned bits(struct bits *b, unsigned n)
{
    unsigned v = 0;
    while (n--)
        v = v << 1 | bit(b);
    return v;
}

/* 9.1: Exp-Golomb, unsigned. */
static uint32_t ue(struct bits *b)
{
    unsigned zeros = 0;
    while (!b->failed && !bit(b))
        zeros++;
    if (zeros > 31)
        b->failed = true;
    return b->failed ? 0 : (1u << zeros) - 1 + bits(b, zeros);
}

/* 9.1.1: signed. */
static int64_t se(struct bits *b)
{
    int64_t k = ue(b);
    return k & 1 ? (k + 1) / 2 : -(k / 2);
}

/* 7.3.2.1.1.1 */
static void skip_scaling_list(struct bits *b, unsigned size)
{
    int64_t last = 8, next = 8;
    for (unsigned i = 0; i < size && !b->failed; i++) {
        if (next)
            next = (last + se(b) + 256) & 255;
        last = next ? next : last;
    }
}

static bool has_chroma_format(unsigned profile)
{
    static const uint8_t with[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };
    return memchr(with, (int)profile, sizeof with) != NULL;
}

/* Returns chroma_format_idc, 0 with separate planes (ChromaArrayType). */
static unsigned read_chroma(struct bits *b)
{
    unsigned format = ue(b);
    bool separate = format == 3 && bit(b);
    ue(b);  /* bit_depth_luma_minus8 */
    ue(b);  /* bit_depth_chroma_minus8 */
    bit(b); /* qpprime_y_zero_transform_bypass_flag */
    if (bit(b))
        for (unsigned i = 0; i < (format == 3 ? 12u : 8u); i++)
            if (bit(b))
                skip_scaling_list(b, i < 6 ? 16 : 64);
    return separate ? 0 : format;
}

static void skip_order_count(struct bits *b)
{
    unsigned type = ue(b);
    if (type == 0) {
        ue(b); /* log2_max_pic_order_cnt_lsb_minus4 */
    } else if (type == 1) {
        bit(b);
        se(b);
        se(b);
        unsigned n = ue(b);
        if (n > 255)
            b->failed = true;
        for (unsigned i = 0; i < n && !b->failed; i++)
            se(b);
    }
}

struct picture {
    uint64_t width, height; /* before cropping */
    unsigned chroma;
    bool frames_only;
};

static void read_picture(struct bits *b, struct picture *p)
{
    p->width = ((uint64_t)ue(b) + 1) * 16;
    p->height = ((uint64_t)ue(b) + 1) * 16;
    p->frames_only = bit(b);
    if (!p->frames_only) {
        p->height *= 2;
        bit(b); /* mb_adaptive_frame_field_flag */
    }
    bit(b); /* direct_8x8_inference_flag */
}

/* 7.4.2.1.1, equations 7-19 to 7-22. */
static void crop(struct bits *b, struct picture *p)
{
    if (!bit(b))
        return;
    unsigned unit_x = p->chroma == 1 || p->chroma == 2 ? 2 : 1;
    unsigned unit_y = (p->chroma == 1 ? 2 : 1) * (p->frames_only ? 1 : 2);
    uint64_t x = (uint64_t)ue(b) + ue(b), y = (uint64_t)ue(b) + ue(b);
    p->width = x * unit_x < p->width ? p->width - x * unit_x : 0;
    p->height = y * unit_y < p->height ? p->height - y * unit_y : 0;
}

int avc_parse_sps(struct bytes nal, struct avc_sps *out)
{
    if (nal.len < 4 || avc_type(nal) != AVC_SPS)
        return ERR_MALFORMED;
    struct avc_sps sps = { .profile = nal.ptr[1], .constraints = nal.ptr[2], .level = nal.ptr[3] };
    struct bits b = { .pos = nal.ptr + 4, .end = nal.ptr + nal.len };
    struct picture p = { .chroma = 1 };

    ue(&b); /* seq_parameter_set_id */
    if (has_chroma_format(sps.profile))
        p.chroma = read_chroma(&b);
    ue(&b); /* log2_max_frame_num_minus4 */
    skip_order_count(&b);
    ue(&b);  /* max_num_ref_frames */
    bit(&b); /* gaps_in_frame_num_value_allowed_flag */
    read_picture(&b, &p);
    crop(&b, &p);
    if (b.failed)
        return ERR_MALFORMED;
    if (!p.width || !p.height || p.width > SIZE_MAX_PIXELS || p.height > SIZE_MAX_PIXELS)
        return ERR_RANGE;

    sps.width = (unsigned)p.width;
    sps.height = (unsigned)p.height;
    *out = sps;
    return OK;
}
