/* Opus out of RTP (RFC 7587): a packet is a frame. Pure; any thread. */
#ifndef RTP_DEPACK_OPUS_H
#define RTP_DEPACK_OPUS_H

#include "base/bytes.h"
#include "media/frame.h"

/* How much sound a packet holds, from its first bytes (RFC 6716, 3.1 and 3.2): 2.5 to 120 ms,
 * exact. ERR_MALFORMED. */
int opus_duration(struct bytes packet, usec_t *out);

/* One channel or two, as the packet says (RFC 6716, 3.1). Undefined for an empty one. */
bool opus_stereo(struct bytes packet);

/* A frame of the packet, the caller's. ERR_MALFORMED, ERR_NOMEM. */
int depack_opus(struct bytes payload, int64_t rtp, usec_t arrival, struct frame **out);

#endif
