/* Opus packets of 20 ms out of samples at 48 kHz (libopus). One thread at a time. */
#ifndef PUBLISH_SOUND_H
#define PUBLISH_SOUND_H

#include "media/frame.h"

#define SOUND_RATE    48000
#define SOUND_SAMPLES 960 /* of a packet, each channel */
#define SOUND_PACKET  (20 * MSEC)

struct sound_encoder;

/* `channels`: 1 or 2. ERR_UNSUPPORTED, ERR_NOMEM. */
int sound_encoder_new(struct sound_encoder **out, unsigned channels, unsigned bitrate);
void sound_encoder_free(struct sound_encoder *s); /* NULL is fine */

/* By how many samples a decoder gives back later what went in. */
unsigned sound_delay(const struct sound_encoder *s);

/* One packet of SOUND_SAMPLES samples a channel, interleaved; the frame is the caller's.
 * ERR_UNSUPPORTED: libopus refused. ERR_NOMEM. */
int sound_encode(struct sound_encoder *s, const float *samples, struct frame **out);

/* The test pattern's sound from sample `first` on: 1 kHz in the first tenth of each second. */
void sound_pattern(float out[SOUND_SAMPLES], uint64_t first);

#endif
