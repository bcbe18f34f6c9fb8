/* FFmpeg's AAC encoder: LC, 48 kHz, blocks of 1024 samples. What comes out lags: the packet
 * returned for block g decodes to block g - AAC_ENCODER_LAG, once the packet before it has been
 * decoded. FFmpeg's messages go to our log at debug level, for the whole process, from the first
 * encoder on. Single thread. */
#ifndef DERIVE_AAC_ENCODER_H
#define DERIVE_AAC_ENCODER_H

#include "base/bytes.h"

#define AAC_BLOCK       1024
#define AAC_ENCODER_LAG 2

/* After so many blocks of zeros, and once it returns aac_silence, it is as if it had never heard
 * anything. After sharp sounds that takes longer, because its windows come back in steps. */
#define AAC_ENCODER_MEMORY 3

struct aac_encoder;

/* It begins in silence. ERR_UNSUPPORTED: FFmpeg has no such encoder or refuses the settings;
 * ERR_NOMEM. */
int aac_encoder_new(struct aac_encoder **out, unsigned channels, unsigned bitrate);
void aac_encoder_free(struct aac_encoder *e); /* NULL is fine */

/* One block; NULL for a channel: zeros. The packet is borrowed until the next call. ERR_NOMEM;
 * ERR_MALFORMED: the encoder gave nothing. */
int aac_encoder_put(struct aac_encoder *e, const float *const channel[2], struct bytes *packet);

/* A frame that decodes to zeros, as the encoder itself would make it; 1 or 2 channels. Constant. */
struct bytes aac_silence(unsigned channels);

#endif
