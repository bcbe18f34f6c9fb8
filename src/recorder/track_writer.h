/* The media loop's half of an output: takes frames from a session's tracks and writes them, as
 * playlist and segments or as files (recorder/writing.h).
 *
 *   control loop                               media loop
 *   track_writer_attach  -------------------> finds the session, subscribes to its tracks
 *                        <------------------- started (first frame written)
 *                        <------------------- ended (the session is gone; all is with the sink)
 *   track_writer_detach  -------------------> writes out what waits; ends it if it is the end
 *                        <------------------- detached (carry and sink are the control loop's
 * again)
 *
 * Attach and detach each exactly once; the events are called on the control loop, and `detached` is
 * the last. */
#ifndef RECORDER_TRACK_WRITER_H
#define RECORDER_TRACK_WRITER_H

#include "observe/log.h"
#include "recorder/stats.h"
#include "recorder/writing.h"
#include "session/media_loop.h"

struct track_writer;

struct track_writer_events {
    void (*started)(
        void *ctx, usec_t begin); /* at most once for a new output; Unix time, whole milliseconds */
    void (*ended)(void *ctx);     /* at most once; detach it then */

    /* The writer is freed. `carry`: the caller's to go on with or to end; NULL when there is
     * none. `finished`: it was ended as asked (and freed). */
    void (*detached)(void *ctx, void *carry, bool finished);
};

struct track_writer_config {
    struct writing_config writing; /* texts and sink outlive the writer, which alone uses the sink
                                      until detached */
    void *carry;                   /* to go on with, or NULL; the writer's */
    struct media_loop *media;
    uint64_t session;
    bool audio, video; /* which tracks */
    struct loop *control;
    struct recorder_stats *stats; /* shared; outlives the writer */
    struct log log;
    const struct track_writer_events *events;
    void *ctx; /* outlives the writer */
};

/* Control loop. ERR_NOMEM: nothing was taken. */
int track_writer_attach(struct track_writer **out, const struct track_writer_config *config);

/* Control loop. `end`: no more media will come for this output. */
void track_writer_detach(struct track_writer *w, bool end);

#endif
