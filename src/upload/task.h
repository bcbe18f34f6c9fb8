/* The insides of the uploader, for uploader.c and recover.c. */
#ifndef UPLOAD_TASK_H
#define UPLOAD_TASK_H

#include <uthash.h>

#include "base/list.h"
#include "observe/log.h"
#include "upload/plan.h"
#include "upload/uploader.h"

/* The tasks of one bucket. */
struct lane {
    struct list tasks;    /* struct upload_task, by .in_lane; the next one first */
    struct link in_lanes; /* uploader.lanes */
    unsigned running;
    UT_hash_handle hh; /* by id */
    char id[];
};

struct uploader {
    struct upload_clock clock;
    struct upload_limits limits;
    struct list lanes; /* struct lane, by .in_lanes; the next one first */
    struct lane *by_id;
    unsigned running;
    unsigned probes;       /* of these, tries of tasks that failed before */
    struct list unsettled; /* struct upload_task, by .in_unsettled: something changed */
    bool kicked;           /* a tick was asked for since the last one began */
    struct uploader_stats stats;
};

/* A put on its way. */
struct job {
    struct upload_task *task;
    struct plan_item item;
    struct bucket_job *put;
    bool probe;
    usec_t began;        /* monotonic */
    struct link in_task; /* upload_task.jobs */
};

struct upload_task {
    struct uploader *uploader;
    struct lane *lane;
    struct link in_lane;      /* lane.tasks */
    struct link in_unsettled; /* uploader.unsettled */
    struct spool_folder *folder;
    struct bucket *bucket;
    char *prefix;
    const struct upload_events *events;
    void *ctx;
    struct log log;

    struct plan *plan;
    struct list jobs;  /* struct job, by .in_task */
    unsigned failures; /* in a row */
    usec_t failing_since;
    usec_t pause_until;          /* while failures > 0 */
    enum upload_result reported; /* to the task, since the last success */
    bool busy_before;            /* was not empty when last looked at */
    bool ended, stuck, expired;
    usec_t ended_at, until; /* monotonic; once `ended` */
    bool swept;             /* the folder was searched for what nobody told of */
    bool delivered;         /* and nothing is looked at any more */
    unsigned in_callback;
    bool dead; /* let go within a callback */
};

/* recover.c: adds the last version of a playlist that has none: what the spool has, and ENDLIST. A
 * playlist that is not there is forgotten. ERR_NOMEM, ERR_IO. */
int recover_last_version(struct upload_task *t, const char *playlist);

/* recover.c: upload_task_recover without the wake-up. */
int recover_folder(struct upload_task *t, bool finish);

#endif
