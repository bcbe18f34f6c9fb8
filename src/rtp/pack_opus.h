/* Opus into RTP (RFC 7587, 4.2): a frame is a payload, as it is. Any thread. */
#ifndef RTP_PACK_OPUS_H
#define RTP_PACK_OPUS_H

#include "base/bytes.h"

/* Copies the packet to `out`, which holds `max` bytes. ERR_MALFORMED: no Opus packet. ERR_LIMIT: it
 * does not fit, and Opus knows no fragments. */
int pack_opus(struct bytes packet, uint8_t *out, size_t max, size_t *len);

#endif
