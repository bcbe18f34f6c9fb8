/* Sound for tests: made, sent as Opus, and heard again from AAC, each sample at its time. */
#ifndef TEST_SOUND_H
#define TEST_SOUND_H

#include "base/bytes.h"
#include "media/frame.h"

#define SOUND_RATE 48000

/* One channel of samples on an axis that begins at `start`. Outside is silence. */
struct sound {
    float *sample;
    size_t count;
    usec_t start;
};

struct sound sound_new(usec_t start, usec_t length);
void sound_free(struct sound *s);
int64_t sound_at(const struct sound *s, usec_t time); /* the sample of that time; may be outside */

/* A moving chord: within a few milliseconds unlike itself at any other place. Channels differ. */
float chord(double seconds, unsigned channel);

/* ---- Opus ---- */
struct opus_out;
struct opus_out *opus_out_new(unsigned channels, bool fec,
                              bool dtx); /* either: a voice instead of the chord */
void opus_out_free(struct opus_out *o);

/* The next 20 ms of the chord (or of silence) as a frame at `time`. */
struct frame *opus_out_next(struct opus_out *o, usec_t time, bool silent);

/* What an ordinary decoder hears of the frame, added at its time. */
void opus_hear(struct opus_out *o, const struct frame *f, struct sound *s);

/* ---- AAC ---- */
struct aac_in;
struct aac_in *aac_in_new(unsigned channels);
void aac_in_free(struct aac_in *a);
void aac_hear(struct aac_in *a, const struct frame *f, struct sound *s); /* first channel */
float aac_peak(struct aac_in *a, struct bytes raw); /* decodes alone, all channels */

/* The shift in samples at which `b` is most like `a` between two times, and how like (1: equal).
 * Positive: b is late. */
int shift_of(const struct sound *a, const struct sound *b, usec_t from, usec_t to, int most,
             double *likeness);

#endif
