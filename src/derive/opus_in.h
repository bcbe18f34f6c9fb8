/* Opus packets to samples: 48 kHz, interleaved floats, one or two channels whatever the packet has.
 * Loss is concealed, with what the next packet carries for it where it does (in-band FEC). Single
 * thread. */
#ifndef DERIVE_OPUS_IN_H
#define DERIVE_OPUS_IN_H

#include <stdbool.h>

#include "base/bytes.h"

#define OPUS_MAX_SAMPLES 5760 /* RFC 6716, 2.1.4: 120 ms */
#define OPUS_STEP        120  /* concealment comes in steps of 2.5 ms */

struct opus_in;

struct opus_in *opus_in_new(unsigned channels); /* NULL: out of memory */
void opus_in_free(struct opus_in *d);           /* NULL is fine */

/* Looks only. Samples of a packet per channel; 0: not a packet. */
unsigned opus_in_samples(struct bytes packet);
bool opus_in_stereo(struct bytes packet);

/* Decodes into `out` (OPUS_MAX_SAMPLES for each channel). The samples of one channel; 0: the packet
 * is broken. */
unsigned opus_in_decode(struct opus_in *d, struct bytes packet, float *out);

/* `samples` of loss, a multiple of OPUS_STEP, at most OPUS_MAX_SAMPLES. `next`: the packet after
 * the loss, empty when it is not to be used; it is decoded as usual afterwards. False: nothing
 * could be concealed. */
bool opus_in_conceal(struct opus_in *d, unsigned samples, struct bytes next, float *out);

/* Forgets what was heard: after a long gap. */
void opus_in_reset(struct opus_in *d);

#endif
