/* A track as AAC, encoded once for all who record it, and not at all while nobody does. Lives on
 * its track's media loop; the encoder (aac_track) lives on the loop's audio worker.
 *
 *   media loop                         worker
 *   Opus frames, in batches of --->  decode, encode
 *   BATCH_TIME                 <---  AAC frames
 *   -> subscribers
 *
 * All functions and events on the media loop's thread. */
#ifndef DERIVE_AAC_FANOUT_H
#define DERIVE_AAC_FANOUT_H

#include "io/loop.h"
#include "track/track.h"

struct aac_fanout;

/* Lives in its owner's memory from subscribe until on_end. */
struct aac_subscriber {
    struct link in_fanout;
    usec_t since; /* frames that end earlier are not for it; USEC_UNSET: all are */
    bool leaving;
    uint64_t leaves_with; /* leaving: the batch that holds the last it asked for, or one before */
    usec_t until;         /* leaving: frames that begin later are not for it */
    void (*on_frame)(struct aac_subscriber *self,
                     struct frame *f); /* borrowed; take a reference to keep it */

    /* The last call: all that came before the unsubscribe, or before the end of the track, was
     * given. */
    void (*on_end)(struct aac_subscriber *self);
};

/* Listens to `source` from now on; encodes while somebody is subscribed. `channels`: 1 or 2; 0:
 * what the first packets have. ERR_NOMEM; as aac_track_new. */
int aac_fanout_new(struct aac_fanout **out, struct track *source, unsigned channels,
                   struct loop *home, struct loop *worker);

/* Lets go of the source at once, of the subscribers when the worker has answered the last batch
 * (they hear on_end); then it frees itself. NULL is fine. */
void aac_fanout_free(struct aac_fanout *f);

void aac_fanout_subscribe(struct aac_fanout *f, struct aac_subscriber *s);

/* Leads to on_end: soon for the last subscriber; while others stay, when the next packets have
 * brought out what the encoder holds, or a pause has. Twice is fine. */
void aac_fanout_unsubscribe(struct aac_fanout *f, struct aac_subscriber *s);

/* A batch that fills slowly is handed over at the deadline (monotonic), and after a pause what the
 * encoder holds. */
usec_t aac_fanout_deadline(const struct aac_fanout *f);
void aac_fanout_tick(struct aac_fanout *f, usec_t now);

/* Opus frames. */
struct aac_fanout_stats {
    uint64_t waiting; /* with the worker now */
    uint64_t dropped; /* because the worker was behind */
};
struct aac_fanout_stats aac_fanout_stats(const struct aac_fanout *f);

#endif
