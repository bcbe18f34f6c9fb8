/* The parameter sets a stream has sent so far: tells when a frame changes them, and gives them back
 * for a sample entry, a playlist or a key frame that came without. A plain value without pointers:
 * copy it freely. One thread at a time. */
#ifndef MEDIA_H264_PARAMS_H
#define MEDIA_H264_PARAMS_H

#include "media/h264.h"

#define H264_MAX_SPS  4   /* real senders use one */
#define H264_MAX_PPS  16  /* x264 with weighted prediction uses a few */
#define H264_SET_SIZE 512 /* bytes of one set */

struct h264_set {
    uint8_t id;
    uint16_t size;
    uint8_t data[H264_SET_SIZE];
};

struct h264_params {
    unsigned sps_count, pps_count;
    struct h264_set sps[H264_MAX_SPS], pps[H264_MAX_PPS]; /* in the order in which their ids came */
    struct h264_sps info[H264_MAX_SPS];
    unsigned active; /* the SPS of the newest IDR picture, or else the newest SPS */
};

void h264_params_init(struct h264_params *p);

/* Takes in one unit; anything but SPS and PPS is ignored. `*changed` becomes true when the set is
 * new or differs from the held one with its id, and is left alone otherwise. A new id beyond the
 * limits starts the collection afresh (PPS alone for a PPS, everything for an SPS). ERR_MALFORMED,
 * ERR_LIMIT: the set is ignored. */
int h264_params_put(struct h264_params *p, struct bytes nal, bool *changed);

/* Takes in the sets of a whole frame; `*changed` is always set. The first bad unit's error, after
 * all units were looked at. */
int h264_params_update(struct h264_params *p, struct bytes frame, bool *changed);

/* The same sets, and the same one in force: pictures after `a` decode with `b`. */
bool h264_params_equal(const struct h264_params *a, const struct h264_params *b);

/* A picture can be decoded: some PPS has its SPS. */
bool h264_params_complete(const struct h264_params *p);

/* What the current pictures look like; NULL before the first SPS. */
const struct h264_sps *h264_params_sps(const struct h264_params *p);

static inline struct bytes h264_set_bytes(const struct h264_set *set)
{
    return bytes_of(set->data, set->size);
}

/* All sets as units after their 32-bit lengths, SPS first; and how many bytes that is. */
void h264_params_write(const struct h264_params *p, struct writer *out);
size_t h264_params_size(const struct h264_params *p);

#endif
