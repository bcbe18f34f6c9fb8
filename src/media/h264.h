/* H.264 as far as a recorder looks into it: the NAL units of a frame and the headers that say what
 * they are (ITU-T H.264, 7.3 and 7.4). Views borrow, nothing allocates; any thread. */
#ifndef MEDIA_H264_H
#define MEDIA_H264_H

#include "base/bytes.h"

enum h264_nal_type {
    H264_SLICE = 1,
    H264_SLICE_A = 2, /* data partitions; Extended profile only */
    H264_SLICE_C = 4,
    H264_IDR = 5,
    H264_SEI = 6,
    H264_SPS = 7,
    H264_PPS = 8,
    H264_AUD = 9,
    H264_FILLER = 12,
};

/* 0 for an empty unit. */
static inline unsigned h264_nal_type(struct bytes nal)
{
    return nal.len ? nal.ptr[0] & 0x1fu : 0;
}

/* A unit that carries picture data. */
static inline bool h264_is_slice(unsigned type)
{
    return type >= H264_SLICE && type <= H264_IDR;
}

/* Walks the units of a frame (each after its 32-bit length):
 *     struct reader units = reader_of(frame);
 *     for (struct bytes nal; h264_next(&units, &nal);) ...
 * False at the end, and at a length that leaves the frame or is 0 (then units.failed is set). */
bool h264_next(struct reader *units, struct bytes *nal);

struct h264_sps {
    uint8_t profile, constraints, level; /* the three bytes of an avc1 codec string */
    uint8_t id;
    uint8_t chroma_format;  /* 0 to 3; 1 is 4:2:0 */
    uint8_t bit_depth;      /* luma, 8 to 14 */
    bool interlaced;        /* fields may occur */
    uint16_t width, height; /* luma samples after cropping, 1 to 16384 */
};

/* The VUI is not read: nothing here needs it. ERR_MALFORMED, ERR_LIMIT (size). */
int h264_parse_sps(struct h264_sps *out, struct bytes nal);

struct h264_pps {
    uint8_t id, sps_id;
};

int h264_parse_pps(struct h264_pps *out, struct bytes nal); /* ERR_MALFORMED */

/* The start of a slice header; ERR_MALFORMED. A picture begins where first_mb is 0 (no ASO outside
 * Baseline's rare corners, which no sender of ours uses). */
struct h264_slice {
    uint32_t first_mb;
    uint8_t type; /* 0 to 9, table 7-6 */
    uint8_t pps_id;
};

int h264_parse_slice(struct h264_slice *out, struct bytes nal);

#endif
