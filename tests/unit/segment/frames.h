/* Frames made by hand: well formed for a writer, without pictures or sound. */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include "base/buf.h"
#include "media/frame.h"

/* A baseline SPS for a size that need not be a multiple of 16, NAL header included. */
void make_sps(struct buf *out, unsigned width, unsigned height);

enum { FRAME_KEY = 1, FRAME_SETS = 2, FRAME_DAMAGED = 4, FRAME_STEP = 8 };

/* Video of `size` bytes of slice data; SPS of the given width (height 48) and PPS in band with
 * FRAME_SETS. */
struct frame *make_video(usec_t time, size_t size, unsigned width, unsigned flags);

/* AAC, frame `n` of a grid of 1024 samples from `start`. `channels` by its first bits, `n` in its
 * bytes. */
struct frame *make_audio(usec_t start, unsigned n, unsigned channels);
usec_t audio_time(usec_t start, unsigned n);

#endif
