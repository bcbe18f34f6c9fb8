/* The AAC track derived from a track of Opus (design "Threads"): encoded once, cut by whoever
 * writes it.
 *
 *   Opus --> decode, conceal --> slew --> blocks of 1024 samples on the grid --> encode --> AAC
 *
 * The grid: output frame n begins at start + n * 1024/48000 s, computed from n each time, so
 * nothing accumulates. The encoder's lag is taken out: sound stands where its Opus frame's time
 * says, from the first frame on.
 *
 * Input times rule. Where they drift from the samples counted, sound is stretched or shortened by
 * at most 10 ms a second. A hole up to AAC_TRACK_GAP is filled: concealed for 200 ms (with the
 * sender's own silence, DTX: all along), then zeros. At a longer one the encoder runs out, and
 * starts again on the same grid; the frame that begins there has `discontinuity` set. Input older
 * than what was written is dropped. Silence costs almost nothing: it is not encoded but a prepared
 * frame repeated.
 *
 * Single thread. An Opus frame takes about 1 % of a core's time to turn into AAC. */
#ifndef DERIVE_AAC_TRACK_H
#define DERIVE_AAC_TRACK_H

#include "derive/aac_encoder.h"
#include "media/frame.h"

struct aac_track;

#define AAC_TRACK_GAP   (1 * SEC)
#define AAC_TRACK_QUEUE 256 /* output frames; pull after each push, and it never fills */

struct aac_track_config {
    usec_t start; /* of the grid, server clock; USEC_UNSET: one AAC frame before the first input,
                     which holds the encoder's run-in */
    unsigned channels; /* 1 or 2; 0: two if one of the first five packets has two */
    unsigned bitrate;  /* bit/s; 0: 64000 for each channel */
};

/* ERR_NOMEM; ERR_RANGE: settings. */
int aac_track_new(struct aac_track **out, const struct aac_track_config *config);
void aac_track_free(struct aac_track *t); /* NULL is fine */

/* One Opus frame, borrowed, in order of time. A broken packet counts as lost. ERR_UNSUPPORTED: not
 * Opus, or FFmpeg has no AAC encoder; ERR_RANGE: the frame has no time; ERR_NOMEM. */
int aac_track_push(struct aac_track *t, struct frame *opus);

/* The next AAC frame, yours to unref; NULL until more comes. About 60 ms of sound are always on the
 * way. */
struct frame *aac_track_pull(struct aac_track *t);

/* Brings out what is on the way: at the end, or when nothing has come for a while (500 ms is a good
 * while). Push may go on afterwards. */
int aac_track_flush(struct aac_track *t);

/* 0 until known. */
unsigned aac_track_channels(const struct aac_track *t);

/* A silent frame like the track's own; mono until the channels are known. Constant. */
struct bytes aac_track_silence(const struct aac_track *t);

struct aac_track_stats {
    uint64_t frames, silent;     /* that came out; of these: prepared silence */
    uint64_t late, broken;       /* Opus frames dropped */
    uint64_t concealed, filled;  /* samples */
    uint64_t stretched;          /* samples put in or taken out by slewing */
    uint64_t restarts, overflow; /* after gaps; frames that found the queue full */
};
const struct aac_track_stats *aac_track_stats(const struct aac_track *t);

#endif
