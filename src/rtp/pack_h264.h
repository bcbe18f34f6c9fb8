/* H.264 into RTP (RFC 6184, packetization mode 1), the other way round of depack_h264.h: parameter
 * sets that follow one another share a packet (STAP-A), a unit that fits is a packet of its own,
 * and a larger one is cut into fragments (FU-A). A plain value that borrows the frame; any thread.
 *
 *     int err = pack_h264_begin(&p, frame, sizeof block);
 *     while ((len = pack_h264_next(&p, block, &last)))
 *         send(block, len, last);                          // `last`: the RTP marker */
#ifndef RTP_PACK_H264_H
#define RTP_PACK_H264_H

#include "base/bytes.h"

#define PACK_H264_MIN 16 /* bytes a payload must hold at least */

struct pack_h264 {
    struct reader units; /* after `nal` */
    struct bytes nal;    /* the next unit; empty: none is left */
    size_t pos;          /* of it sent in fragments; 0: not begun */
    size_t max;
};

/* `frame`: units after their 32-bit lengths; `max`: bytes of a payload, PACK_H264_MIN at least.
 * ERR_MALFORMED: a length leaves the frame or is 0; the frame holds no unit. ERR_RANGE: `max`. */
int pack_h264_begin(struct pack_h264 *p, struct bytes frame, size_t max);

/* The next payload's length, 0 at the end. `last`: the frame ends with this one. */
size_t pack_h264_next(struct pack_h264 *p, uint8_t *out, bool *last);

#endif
