/* What a writer must know of H.264: the NAL units of an access unit, its parameter sets, the
 * picture size, and the byte stream form (ITU-T H.264, Annex B) that a transport stream carries.
 * Input is a frame's length-prefixed form. */
#ifndef SEGMENT_AVC_H
#define SEGMENT_AVC_H

#include "base/buf.h"

enum avc_nal { AVC_SLICE = 1, AVC_IDR = 5, AVC_SEI = 6, AVC_SPS = 7, AVC_PPS = 8, AVC_AUD = 9 };

/* The next NAL unit, never empty; false at the end, or (with r->failed) when a length does not fit.
 */
bool avc_next(struct reader *r, struct bytes *nal);

static inline unsigned avc_type(struct bytes nal)
{
    return nal.ptr[0] & 31u;
}

struct avc_sps {
    uint8_t profile, constraints, level; /* profile_idc, the flags after it, level_idc */
    unsigned width, height;              /* cropped, 1 to 16384 */
};

/* Reads a sequence parameter set (7.3.2.1.1), its NAL header included. ERR_MALFORMED; ERR_RANGE:
 * size out of range. */
int avc_parse_sps(struct bytes nal, struct avc_sps *out);

/* The parameter sets in force: those an access unit carries replace the ones of before. */
struct avc_params {
    struct buf sps, pps; /* NAL units, each after its length as a 32-bit number */
    unsigned width, height;
};

#define AVC_PARAMS_LIMIT                                                                           \
    16384 /* bytes of all sets of one kind; more is ignored as if it were not there */

void avc_params_init(struct avc_params *p);
void avc_params_fini(struct avc_params *p);

/* Takes in what the access unit carries. ERR_MALFORMED, ERR_RANGE: a broken unit or set, ERR_LIMIT,
 * ERR_NOMEM; the sets are then as before. */
int avc_params_update(struct avc_params *p, struct bytes unit);

static inline bool avc_params_known(const struct avc_params *p)
{
    return p->sps.len && p->pps.len;
}

bool avc_params_equal(const struct avc_params *a, const struct avc_params *b);
int avc_params_copy(struct avc_params *to, const struct avc_params *from); /* ERR_NOMEM */

/* Appends the access unit as a byte stream: a delimiter of our own first (any other is left out),
 * then `params` unless NULL or the unit has its own SPS, then the unit. ERR_MALFORMED: a length
 * does not fit; the buffer's own error. */
int avc_put_annexb(struct buf *out, struct bytes unit, const struct avc_params *params);

#endif
