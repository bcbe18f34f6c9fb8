/* H.264 as encoders and files give it, a byte stream with start codes (ITU-T H.264, Annex B), made
 * into frames as this tree keeps them. Any thread. */
#ifndef MEDIA_ANNEXB_H
#define MEDIA_ANNEXB_H

#include "base/buf.h"

/* Appends the units of the stream, each after its 32-bit length. ERR_MALFORMED: it does not begin
 * with a start code; the buffer's own error. */
int h264_from_annexb(struct buf *out, struct bytes stream);

#endif
