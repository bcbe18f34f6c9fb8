/* All recording tasks of this daemon, and what the cloud API does with them. Control loop only.
 *
 *   Create --> STARTING --> RUNNING --Delete, idle, robot removed, shutdown--> ENDING
 *                 \--(folder or store refuses)--> gone                          |   |
 *                                         gone <--------------all delivered-----+   | stuck
 *                                           ^                                       v
 *                                           +------all delivered after all-------- LEFT
 *
 *   STARTING   the spool folder is made, the row, event 301 and event 303 are committed
 *   RUNNING    Describe says Idle or InProgress; events 307 and 304 for each playlist
 *   ENDING     Describe says Exited; event 302 is committed; files are closed and go up; at the end
 *              event 305 (Status 0)
 *   LEFT       the bucket refused for a minute after the end: event 305 (Status 1) is committed,
 *              ResourceNotFound; the files are tried further for limits.undelivered_hours, then
 *              event 305 (Status 2). Playlists that go up only then: event 304 before it
 *   gone       ResourceNotFound
 *
 * Nobody is told anything before the store has committed it. */
#ifndef TASK_TASKS_H
#define TASK_TASKS_H

#include "api/api.h"
#include "callback/delivery.h"
#include "config/config.h"
#include "room/room.h"
#include "session/media_loop.h"
#include "spool/writer.h"
#include "store/store.h"
#include "upload/uploader.h"

struct tasks;

struct tasks_config {
    const struct config *config;
    struct loop *control;
    struct rooms *rooms;
    struct store *store;
    struct delivery *delivery;
    struct spool *spool;
    struct spool_writer *writer;
    struct uploader *uploader;
    struct http_client *own_stores;   /* for object stores of the configuration */
    struct http_client *named_stores; /* for those that callers name: bound by the address policy */
    struct recorder_stats *recorded;
    const struct seal_key *key;
    const char *version, *date; /* TRTC-VERSION and TRTC-DATE of playlists; literals */

    /* The media loop that carries a session; NULL: it is over. */
    struct media_loop *(*media_of)(void *ctx, uint64_t session);
    void *ctx;
};

struct tasks *tasks_new(const struct tasks_config *config); /* copied; NULL: out of memory */
void tasks_free(
    struct tasks *tasks); /* lets go of tasks that are left; their files stay in the spool */

/* Takes up what a former run left: ends what was running (302, LeaveCode 100) and delivers the
 * files. Before the first request. ERR_IO, ERR_NOMEM: logged. */
int tasks_recover(struct tasks *tasks);

/* From now on rooms of applications with auto_record are recorded by themselves (task/auto.h).
 * After tasks_recover. ERR_MALFORMED: a setting is not one that a task could have, logged.
 * ERR_NOMEM. */
int tasks_auto_record(struct tasks *tasks);

/* What the API calls; `ctx` is the struct tasks. */
extern const struct api_ops tasks_api_ops;

/* Ends all tasks (LeaveCode 100: start again). `done` is called once, perhaps at once: when all is
 * delivered but what was left behind, and the store has it all. */
void tasks_shutdown(struct tasks *tasks, void (*done)(void *ctx), void *ctx);

size_t tasks_count(const struct tasks *tasks);

struct task_counts {
    size_t starting, idle, recording, ending, left; /* idle and recording: RUNNING */
};
struct task_counts tasks_counts(const struct tasks *tasks);

#endif
