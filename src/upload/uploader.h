/* Brings whole files from the spool into buckets.
 *
 *     spool ready(file) -> upload_task_segment, upload_task_playlist -> plan (order) -> bucket ->
 * acknowledged: unlink
 *
 * Tasks take turns: at most `bucket_jobs` puts for one bucket and `total_jobs` in all. A task whose
 * put failed pauses (upload/backoff.h) and then tries one file at a time until one gets through;
 * such tries never take more than half of all places, so a dead bucket holds up nobody else.
 * Nothing is given up: files wait in the spool until they are acknowledged or the task is let go.
 *
 * Control loop only. Nothing is started or called back from within these functions; it happens on
 * the next tick. Callbacks may call any function here, upload_task_free of their own task too. */
#ifndef UPLOAD_UPLOADER_H
#define UPLOAD_UPLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "observe/counter.h"
#include "upload/bucket.h"

struct spool_folder;
struct uploader;
struct upload_task;

/* Time and chance, so that tests can bring their own (upload/loop_clock.h has the loop's). */
struct upload_clock {
    usec_t (*now)(void *ctx); /* monotonic */
    void (*wake_at)(void *ctx,
                    usec_t deadline); /* call uploader_tick then; the newest call counts */
    uint32_t (*random)(void *ctx);
    void *ctx;
};

struct upload_limits {
    unsigned bucket_jobs, total_jobs; /* parallel puts; total_jobs >= 2 */
};

#define UPLOAD_STUCK_AFTER (60 * SEC) /* files.md 7 */

#define UPLOAD_LIMITS_DEFAULT ((struct upload_limits){ .bucket_jobs = 4, .total_jobs = 32 })

/* The clock is copied, what it points to outlives the uploader. NULL: out of memory. */
struct uploader *uploader_new(const struct upload_clock *clock, const struct upload_limits *limits);
void uploader_free(struct uploader *u); /* after its tasks, not from a callback; NULL is fine */
void uploader_tick(struct uploader *u);

/* What a task hears. All may be NULL. Texts are borrowed. */
struct upload_events {
    /* A playlist is in the bucket for the first time (event 304). After a restart this comes again.
     */
    void (*first_playlist)(void *ctx, const char *playlist);

    /* A put failed (event 308): on the first failure after a success and when the reason changes;
     * it is tried again. UPLOAD_LOCAL_GONE: `name` is lost. */
    void (*error)(void *ctx, const char *name, const struct upload_outcome *outcome);

    /* After upload_task_end: puts have failed for UPLOAD_STUCK_AFTER without a success in between.
     * Once; they are tried further. */
    void (*stuck)(void *ctx);

    /* After upload_task_end: its time is over, and not all is acknowledged. Once; they are tried
     * further, unless the task is let go. */
    void (*expired)(void *ctx);

    /* All that was given is acknowledged; more may come. */
    void (*idle)(void *ctx);

    /* After upload_task_end: all is acknowledged, and the spool's folder is about to go. False: not
     * yet; it is asked again after upload_task_complete. */
    bool (*complete)(void *ctx);

    /* After upload_task_end: all is acknowledged and the spool's folder is gone. The last call. */
    void (*delivered)(void *ctx);
};

/* `folder` is shared by reference; `bucket` becomes the task's, on success only. `prefix`: "a/b" or
 * "". ERR_NOMEM; ERR_LIMIT: the prefix is too long for a key. */
int upload_task_new(struct upload_task **out, struct uploader *u, struct spool_folder *folder,
                    struct bucket *bucket, const char *prefix, const struct upload_events *events,
                    void *ctx);

/* Lets go of a task at any time: running puts are given up, files stay in the spool. NULL is fine.
 */
void upload_task_free(struct upload_task *t);

/* A whole file in the folder. `playlist`: the one that will name it, "": none. ERR_NOMEM;
 * ERR_EXISTS. */
int upload_task_segment(struct upload_task *t, const char *name, const char *playlist,
                        uint64_t bytes);

/* A version of a playlist, open as `fd` (borrowed). Every segment it names was given before.
 * ERR_NOMEM; ERR_IO (no descriptor); ERR_BAD_STATE: after the last version. */
int upload_task_playlist(struct upload_task *t, const char *name, int fd, uint64_t bytes,
                         unsigned generation, bool last);

/* Takes up what a scan of the folder finds: segments behind the playlists that name them, other
 * whole files, playlists. `finish`: playlists that miss it get #EXT-X-ENDLIST, because nobody
 * writes them any more. ERR_NOMEM, ERR_IO. */
int upload_task_recover(struct upload_task *t, bool finish);

/* No more files will come (the sinks are drained). Playlists without a last version get
 * #EXT-X-ENDLIST; a pause ends, and the next ones are short again; when all is acknowledged the
 * spool's folder is removed and `delivered` is called. `until`: monotonic time of `expired`;
 * USEC_NEVER. */
void upload_task_end(struct upload_task *t, usec_t until);

/* What held back the removal of the folder is done (see `complete`). */
void upload_task_complete(struct upload_task *t);

struct upload_counts {
    size_t files; /* not acknowledged */
    uint64_t bytes;
    usec_t failing_since; /* monotonic time of the first failure since the last success; USEC_UNSET:
                             none */
};

struct upload_counts upload_task_counts(const struct upload_task *t);
/* Since the start, for metrics. */
struct uploader_stats {
    struct counter results[UPLOAD_RESULTS]; /* puts, by how they ended */
    struct counter bytes;                   /* acknowledged */
    struct durations took;                  /* puts that began, however they ended */
};
const struct uploader_stats *uploader_stats(const struct uploader *u);

struct upload_counts
uploader_counts(const struct uploader *u); /* all tasks; the oldest failing_since */

#endif
