#include "media/h264_black.h"

#include "base/err.h"
#include "media/h264.h"

#define MB 16

/* The bits of an RBSP, on their way into a NAL unit. */
struct bits_out {
    struct buf *out;
    unsigned byte, count, zeros;
};

/* 7.4.1.1: emulation_prevention_three_byte */
static void put_byte(struct bits_out *b, unsigned byte)
{
    if (b->zeros == 2 && byte <= 3) {
        buf_put_u8(b->out, 3);
        b->zeros = 0;
    }
    buf_put_u8(b->out, (uint8_t)byte);
    b->zeros = byte ? 0 : b->zeros + 1;
}

/* u(n) */
static void put_u(struct bits_out *b, unsigned n, unsigned v)
{
    while (n--) {
        b->byte = b->byte << 1 | (v >> n & 1);
        if (++b->count == 8) {
            put_byte(b, b->byte & 0xff);
            b->byte = b->count = 0;
        }
    }
}

/* ue(v) (9.1) */
static void put_ue(struct bits_out *b, unsigned v)
{
    unsigned len = 0;
    while ((v + 1) >> (len + 1))
        len++;
    put_u(b, len, 0);
    put_u(b, len + 1, v + 1);
}

static void put_flag(struct bits_out *b, bool v)
{
    put_u(b, 1, v);
}

static void align_with(struct bits_out *b, unsigned bit)
{
    while (b->count)
        put_u(b, 1, bit);
}

/* A NAL unit of this header begins; what is returned is for end_nal. */
static size_t begin_nal(struct bits_out *b, struct buf *out, unsigned header)
{
    size_t at = out->len;
    *b = (struct bits_out){ .out = out };
    buf_put_u32(out, 0);
    buf_put_u8(out, (uint8_t)header);
    return at;
}

/* 7.3.2.11: rbsp_trailing_bits */
static void end_nal(struct bits_out *b, size_t at)
{
    put_u(b, 1, 1);
    align_with(b, 0);
    if (!b->out->err)
        set_u32(b->out->ptr + at, (uint32_t)(b->out->len - at - 4));
}

/* Table A-1, by the macroblocks of a picture. */
static unsigned level_for(unsigned macroblocks)
{
    return macroblocks <= 1620 ? 30 : macroblocks <= 8192 ? 40 : macroblocks <= 36864 ? 51 : 62;
}

/* 7.3.2.1.1: seq_parameter_set_data */
static void put_sps(struct buf *out, unsigned width, unsigned height)
{
    struct bits_out b;
    unsigned across = (width + MB - 1) / MB, down = (height + MB - 1) / MB;
    unsigned right = across * MB - width, bottom = down * MB - height;
    size_t at = begin_nal(&b, out, 3 << 5 | H264_SPS);
    put_u(&b, 8, 66);   /* Baseline */
    put_u(&b, 8, 0xc0); /* constrained */
    put_u(&b, 8, level_for(across * down));
    put_ue(&b, 0); /* seq_parameter_set_id */
    put_ue(&b, 0); /* log2_max_frame_num_minus4 */
    put_ue(&b, 2); /* pic_order_cnt_type */
    put_ue(&b, 1); /* max_num_ref_frames */
    put_flag(&b, false);
    put_ue(&b, across - 1);
    put_ue(&b, down - 1);
    put_flag(&b, true); /* frame_mbs_only_flag */
    put_flag(&b, true); /* direct_8x8_inference_flag */
    put_flag(&b, right || bottom);
    if (right || bottom) {
        put_ue(&b, 0);
        put_ue(&b, right / 2);
        put_ue(&b, 0);
        put_ue(&b, bottom / 2);
    }
    put_flag(&b, false); /* no VUI */
    end_nal(&b, at);
}

/* 7.3.2.2: pic_parameter_set_rbsp */
static void put_pps(struct buf *out)
{
    struct bits_out b;
    size_t at = begin_nal(&b, out, 3 << 5 | H264_PPS);
    put_ue(&b, 0);       /* pic_parameter_set_id */
    put_ue(&b, 0);       /* seq_parameter_set_id */
    put_flag(&b, false); /* CAVLC */
    put_flag(&b, false);
    put_ue(&b, 0); /* one slice group */
    put_ue(&b, 0);
    put_ue(&b, 0);
    put_flag(&b, false);
    put_u(&b, 2, 0);
    put_ue(&b, 0); /* the three quantizers' offsets */
    put_ue(&b, 0);
    put_ue(&b, 0);
    put_flag(&b, true); /* deblocking_filter_control_present_flag */
    put_flag(&b, false);
    put_flag(&b, false);
    end_nal(&b, at);
}

/* 7.3.3: slice_header */
static void put_slice_header(struct bits_out *b)
{
    put_ue(b, 0);    /* first_mb_in_slice */
    put_ue(b, 7);    /* slice_type: I */
    put_ue(b, 0);    /* pic_parameter_set_id */
    put_u(b, 4, 0);  /* frame_num */
    put_ue(b, 4711); /* idr_pic_id: not the next IDR picture's (7.4.3) */
    put_flag(b, false);
    put_flag(b, false);
    put_ue(b, 0); /* slice_qp_delta */
    put_ue(b, 1); /* no deblocking */
}

/* 7.3.5: mb_type I_PCM and the samples, black of the limited range */
static void put_samples(struct bits_out *b)
{
    put_ue(b, 25);
    align_with(b, 0);
    for (unsigned i = 0; i < 256; i++)
        put_u(b, 8, 16);
    for (unsigned i = 0; i < 128; i++)
        put_u(b, 8, 128);
}

/* 7.3.5: mb_type I_16x16_2_0_0 (table 7-11), DC chroma, no change of the quantizer, no coefficient.
 * The last is coeff_token for none (table 9-5): beside I_PCM, which counts as 16, with six bits. */
static void put_same(struct bits_out *b, bool beside_samples)
{
    put_ue(b, 3);
    put_ue(b, 0);
    put_ue(b, 0);
    if (beside_samples)
        put_u(b, 6, 3);
    else
        put_u(b, 1, 1);
}

static void put_picture(struct buf *out, unsigned across, unsigned down)
{
    struct bits_out b;
    size_t at = begin_nal(&b, out, 3 << 5 | H264_IDR);
    put_slice_header(&b);
    put_samples(&b);
    for (unsigned i = 1; i < across * down; i++)
        put_same(&b, i == 1 || i == across);
    end_nal(&b, at);
}

int h264_black_put(struct buf *out, unsigned width, unsigned height)
{
    if (!width || !height || width > H264_BLACK_MAX || height > H264_BLACK_MAX)
        return ERR_LIMIT;
    width = width < 2 ? 2 : width / 2 * 2;
    height = height < 2 ? 2 : height / 2 * 2;
    put_sps(out, width, height);
    put_pps(out);
    put_picture(out, (width + MB - 1) / MB, (height + MB - 1) / MB);
    return out->err;
}
