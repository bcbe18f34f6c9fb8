/* One task: inside task/ only. Control loop. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <uthash.h>

#include "api/create.h"
#include "io/file.h"
#include "recorder/output.h"
#include "recorder/recording.h"
#include "task/former.h"
#include "task/ledger.h"
#include "task/starts.h"
#include "task/storage.h"
#include "task/tasks.h"

#define TASK_ID_LENGTH 32
#define HOUR           (3600 * SEC)
#define MAX_ANCHORS    25 /* api.md 8 */

/* See tasks.h. */
enum task_state { TASK_STARTING, TASK_RUNNING, TASK_ENDING, TASK_LEFT };

/* The row's `actual` of TASK_LEFT, where 305 said Status 1 and where it did not; and of a task
 * whose last events are committed. */
#define TASK_ROW_LEFT       "left"
#define TASK_ROW_LEFT_MEDIA "left media"
#define TASK_ROW_TOLD       "told"

#define TASK_REASONS 8 /* codes of upload errors of which a task tells (308) */

/* LeaveCode of event 302 (callbacks.md 4). */
enum leave_code { LEAVE_API = 0, LEAVE_IDLE = 99, LEAVE_TIMEOUT = 100, LEAVE_SAME_ROBOT = 101 };

struct tasks {
    struct tasks_config config;
    struct task *by_id;    /* hash by .id */
    struct starts *starts; /* with an idempotency key */
    struct ledger *ledger;
    struct autos *autos; /* NULL: no application records automatically */
    uint64_t launched;   /* tasks since the start */
    bool draining;       /* shutdown has begun */
    void (*on_drained)(void *ctx);
    void *drained_ctx;
};

struct task_output {
    struct link in_task; /* task.outputs */
    struct task *task;
    struct output *output;
    bool cut; /* a first segment is whole: 307 was made */
};

struct task {
    struct tasks *tasks;
    char id[FILE_NAME_SIZE];
    struct log log;
    enum task_state state;
    int leave_code;
    uint32_t sdk_app_id;
    struct room_key room;
    char *robot_id;
    usec_t created, expires, ended; /* Unix time; ended 0: not yet */
    uint64_t turn;                  /* the order of starts; 0 in tasks of a former run */
    int64_t epoch;

    struct create_params *params; /* NULL in tasks of a former run */
    uint32_t rights;              /* enum map_right of the robot; all without PrivateMapKeys */
    struct spool_folder *folder;
    struct upload_task *upload;   /* LEFT: NULL when nothing is tried any more */
    bool place_bad;               /* the bucket cannot be used as it is: 303 Status 1 */
    bool disk_failed;             /* an output could not write on: files may be torn */
    bool lost_files, lost_media;  /* some were not there when they were to go up */
    bool files_only;              /* MP4 or AAC without playlists: no 304, 305, 307 */
    bool unfinished;              /* some MP4 or AAC file was not made whole when it ended */
    bool torn;                    /* some segment could not be made whole, another start may */
    bool hls_left;                /* LEFT: 305 said Status 1 */
    bool told;                    /* the last events are made: only the folder is still there */
    struct files_work *finishing; /* on its way; NULL: none */
    struct files_told *telling;   /* likewise */
    char reasons[TASK_REASONS][sizeof((struct upload_outcome *)0)->code]; /* "": none more */
    struct recording *recording; /* RUNNING and after, NULL in tasks of a former run */
    struct list outputs;         /* struct task_output, by .in_task; kept for Describe */
    unsigned outputs_open;       /* not done yet */
    struct list former;          /* struct former_playlist, by .in_task; in tasks of a former run */
    struct room_observer observer;
    struct room_robot robot;
    struct auto_room *automatic; /* whose task this is, until it ends; NULL: none */
    uv_timer_t idle;
    bool idle_open; /* the timer's handle exists */

    uv_work_t work; /* STARTING: makes the folder */
    bool busy;      /* STARTING: its maker or the store has it; it is called back */
    bool adrift;    /* ... and the tasks are gone by then */
    int work_err;
    struct api_call *call; /* STARTING: Create's, to be answered; NULL: there is none */
    struct start *start;   /* STARTING: NULL without an idempotency key */

    UT_hash_handle hh; /* tasks.by_id */
};

/* task.c: the life */
struct task *task_new(struct tasks *tasks, const char *id, uint32_t sdk_app_id,
                      const char *robot_id);
void task_free(struct task *t);
void task_run(struct task *t);                 /* STARTING -> RUNNING */
void task_end(struct task *t, int leave_code); /* RUNNING -> ENDING; otherwise nothing */
void task_deliver(struct task *t);             /* ENDING or LEFT: no more files will come */

/* recover.c: nobody writes in the task's folder any more: makes whole what was torn, as far as it
 * can be (what cannot stays), and queues all for upload. Tells of playlists of a former run what
 * was not told. ERR_NOMEM, ERR_IO. */
int task_repair(struct task *t);

void task_leave(struct task *t);  /* ENDING -> LEFT, 305 Status 1 */
void task_forget(struct task *t); /* everything is delivered: 305; the row goes, and the task */
int task_open_upload(struct task *t, struct bucket *bucket,
                     const char *prefix); /* takes the bucket on success */
struct task *task_find(struct tasks *tasks, const char *id);
void tasks_check_drained(struct tasks *tasks); /* something has ended */

/* The task that a caller may see: of this application, started, and not past its time
 * (api.md 6.1, 7.4). NULL: there is none. */
struct task *task_visible(struct tasks *tasks, uint32_t sdk_app_id, const char *task_id);

/* start.c: Create, and what it does once everything is checked. Takes the params. How it ended is
 * told to whom the origin names; the members may be NULL. */
struct task_origin {
    struct room_key room;
    uint32_t rights;
    struct api_call *call;
    struct start *start;
    struct auto_room *automatic;
};
void task_launch(struct tasks *tasks, struct create_params *params,
                 const struct task_origin *origin);
void task_create(void *ctx, struct create_params *params, struct api_call *call);

/* Lets go of a task that is still starting: its caller hears so, and what comes back later only
 * frees it. A row that gets stored by then is ended at the next start. */
void task_set_adrift(struct task *t);

/* modify.c: Modify */
void task_modify(void *ctx, struct modify_params *params, struct api_call *call);

/* storage.c: where a task's files go, as text in task.json and as a bucket */
int storage_describe(const struct cloud_storage *storage, const char *task_id,
                     const struct seal_key *key, char **text, char **sealed);

/* events.c: changes of the row together with the events that tell of them (callbacks.md 3). NULL:
 * out of memory. */
struct store_change *task_change_start(const struct task *t);  /* inserts; 301, 303 */
struct store_change *task_change_params(const struct task *t); /* the params as they are now */

/* Into the ledger: behind what it has of this task. */
void task_commit(struct task *t, struct store_change *change);
void task_commit_end(struct task *t);                                        /* 302 */
void task_commit_found(struct task *t);                                      /* inserts; 302 */
void task_tell_slice(struct task *t, const struct store_playlist *playlist); /* 307 */
void task_tell_playlist(struct task *t, const char *playlist);               /* 304 */
void task_commit_delivered(struct task *t);   /* 305, Status 0 or 2; deletes the row */
int task_upload_status(const struct task *t); /* of 305, now that all is delivered; -1: none */

/* 308, for what stops the upload; once for each of the provider's codes, while it may matter. */
void task_tell_upload_error(struct task *t, const struct upload_outcome *outcome);

/* MP4 and AAC files at the end of a task, files.c. The first: makes whole what is not, then takes
 * up all files of the folder and goes on with task_deliver. The others: events 305 and 310. */
void task_finish_files(struct task *t);
bool task_files_complete(void *ctx); /* for struct upload_events */
void task_files_left(struct task *t);
void task_files_free(struct task *t); /* what is on its way goes on without the task */

/* events.c: the row as it is now; 305 with this Status unless it is below zero; 310 for each group
 * (only those with Status 0 when `good_only`). */
struct media_parts;
void task_commit_files(struct task *t, int upload_status, const struct media_parts *parts,
                       bool good_only, ledger_done *done, void *ctx);

/* live.c: what a running task does with its room */
int live_begin(struct task *t);
void live_end(struct task *t);
const char *live_status(const struct task *t);

#endif
