/* H.264 out of RTP (RFC 6184, packetization modes 0 and 1): single units, STAP-A and FU-A become
 * whole access units.
 *
 * A unit ends at the marker or where the time stamp changes. Incomplete ones are dropped; complete
 * ones after a loss are delivered with `damaged` until the next key frame. A picture whose start
 * could be among the lost packets is taken for complete when its first slice begins at macroblock
 * 0; an IDR picture whose parameter sets may be among them is no key frame.
 *
 * A key frame always carries its parameter sets: those held are put in front when the sender did
 * not repeat them. Sets that come without a picture, or by sdp, are only remembered. Pure; one
 * thread at a time. Memory: one frame of at most FRAME_MAX_SIZE. */
#ifndef RTP_DEPACK_H264_H
#define RTP_DEPACK_H264_H

#include "media/frame.h"
#include "media/h264_params.h"
#include "rtp/packet.h"

struct depack_h264;

struct depack_h264_stats {
    uint64_t frames, keys, damaged; /* delivered */
    uint64_t dropped;               /* incomplete, malformed or too large */
    uint64_t malformed;             /* packets */
};

struct depack_h264 *depack_h264_new(void);    /* NULL: out of memory */
void depack_h264_free(struct depack_h264 *d); /* NULL is fine */

/* The value of sprop-parameter-sets (RFC 6184, 8.1): base64 sets with commas between.
 * ERR_MALFORMED, ERR_LIMIT: the bad set and those after it are ignored. */
int depack_h264_sprop(struct depack_h264 *d, struct bytes sprop);

/* Takes in the next packet in order; its payload is borrowed for the call. `rtp` is its unwrapped
 * time stamp; `lost`: packets are missing right before it. Pull until NULL afterwards.
 * ERR_MALFORMED, ERR_UNSUPPORTED (another packet type), ERR_LIMIT, ERR_NOMEM: its access unit will
 * be dropped. */
int depack_h264_push(struct depack_h264 *d, const struct rtp_packet *p, int64_t rtp, usec_t arrival,
                     bool lost);

/* The next whole frame, yours to frame_unref(); NULL until more packets come. */
struct frame *depack_h264_pull(struct depack_h264 *d);

/* The source begins again: drops what is unfinished and waits for a key frame. */
void depack_h264_reset(struct depack_h264 *d);

/* Frames are damaged now, or would be: a key frame is needed. True from the start. */
bool depack_h264_damaged(const struct depack_h264 *d);

const struct h264_params *depack_h264_params(const struct depack_h264 *d);
void depack_h264_get_stats(const struct depack_h264 *d, struct depack_h264_stats *out);

#endif
