/* The byte stream form of an access unit (ITU-T H.264, Annex B), which a transport stream carries.
 * Input is a frame's length-prefixed form. Pure. */
#ifndef SEGMENT_ANNEXB_H
#define SEGMENT_ANNEXB_H

#include "base/buf.h"
#include "media/h264_params.h"

/* Appends the access unit: a delimiter of our own first (any other is left out), then `params`
 * unless NULL or the frame has its own SPS, then the frame. ERR_MALFORMED: a length does not fit;
 * the buffer's own error. */
int annexb_put(struct buf *out, struct bytes frame, const struct h264_params *params);

#endif
