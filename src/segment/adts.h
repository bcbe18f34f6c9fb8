/* AAC frames as they travel in a transport stream: each raw data block behind an ADTS header
 * (ISO/IEC 14496-3, 1.A.2). Here AAC is always LC at 48 kHz, mono or stereo. */
#ifndef SEGMENT_ADTS_H
#define SEGMENT_ADTS_H

#include "base/buf.h"

#define ADTS_HEADER_SIZE 7
#define ADTS_MAX_PAYLOAD (8191 - ADTS_HEADER_SIZE) /* aac_frame_length has 13 bits */

/* Channels of a raw data block by its first element: 1 or 2; 0 when that does not tell (empty, or
 * another element). */
unsigned adts_channels(struct bytes raw);

/* Appends header and block. ERR_LIMIT: block above ADTS_MAX_PAYLOAD; the buffer's own error. */
int adts_put(struct buf *out, struct bytes raw, unsigned channels);

#endif
