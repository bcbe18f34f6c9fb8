/* One task: inside task/ only. Control loop. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <uthash.h>

#include "api/create.h"
#include "io/file.h"
#include "recorder/output.h"
#include "recorder/recording.h"
#include "task/starts.h"
#include "task/tasks.h"

#define TASK_ID_LENGTH 32
#define MAX_ANCHORS    25 /* api.md 8 */

enum task_state { TASK_STARTING, TASK_RUNNING, TASK_ENDING, TASK_GONE };

/* LeaveCode of event 302 (callbacks.md 4). */
enum leave_code { LEAVE_API = 0, LEAVE_IDLE = 99, LEAVE_TIMEOUT = 100, LEAVE_SAME_ROBOT = 101 };

struct tasks {
    struct tasks_config config;
    struct task *by_id;    /* hash by .id */
    struct starts *starts; /* with an idempotency key */
    bool draining;         /* shutdown has begun */
    void (*on_drained)(void *ctx);
    void *drained_ctx;
};

struct task_output {
    struct link in_task; /* task.outputs */
    struct task *task;
    struct output *output;
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
    usec_t created, expires; /* Unix time */
    int64_t epoch;

    struct create_params *params; /* NULL in tasks of a former run */
    uint32_t rights;              /* enum map_right of the robot; all without PrivateMapKeys */
    struct spool_folder *folder;
    struct upload_task *upload;
    struct recording *recording; /* RUNNING and after, NULL in tasks of a former run */
    struct list outputs;         /* struct task_output, by .in_task; kept for Describe */
    unsigned outputs_open;       /* not done yet */
    struct room_observer observer;
    struct room_robot robot;
    uv_timer_t idle;
    bool idle_open; /* the timer's handle exists */

    uv_work_t work; /* STARTING: makes the folder */
    int work_err;
    struct api_call *call; /* STARTING: Create's, to be answered */
    struct start *start;   /* STARTING: NULL without an idempotency key */

    UT_hash_handle hh; /* tasks.by_id */
};

/* task.c: the life */
struct task *task_new(struct tasks *tasks, const char *id, uint32_t sdk_app_id,
                      const char *robot_id);
void task_free(struct task *t);
void task_run(struct task *t);                 /* STARTING -> RUNNING */
void task_end(struct task *t, int leave_code); /* RUNNING -> ENDING; otherwise nothing */
void task_deliver(struct task *t);             /* ENDING: no more files will come */
void task_forget(struct task *t); /* everything is delivered: the row goes, and the task */
store_done task_end_committed;    /* of the change that holds the end; ctx: struct tasks */
int task_open_upload(struct task *t, struct bucket *bucket,
                     const char *prefix); /* takes the bucket on success */
struct task *task_find(struct tasks *tasks, const char *id);

/* The task that a caller may see: of this application, started, and not past its time
 * (api.md 6.1, 7.4). NULL: there is none. */
struct task *task_visible(struct tasks *tasks, uint32_t sdk_app_id, const char *task_id);

/* start.c: Create */
void task_create(void *ctx, struct create_params *params, struct api_call *call);

/* modify.c: Modify */
void task_modify(void *ctx, struct modify_params *params, struct api_call *call);

/* storage.c: where a task's files go, as text in task.json and as a bucket */
int storage_describe(const struct cloud_storage *storage, const char *task_id,
                     const struct seal_key *key, char **text, char **sealed);
int storage_open(struct bucket **out, char **prefix, struct tasks *tasks,
                 const struct spool_meta *meta);

/* events.c: a change of the row together with the event that tells of it */
struct store_change *
task_change_start(const struct task *t);                    /* inserts, 301; NULL: out of memory */
struct store_change *task_change_end(const struct task *t); /* updates, 302 */
struct store_change *task_change_params(const struct task *t); /* the params as they are now */
void task_events_committed(struct tasks *tasks,
                           struct store_change *change); /* hands the events to the outbox */

/* live.c: what a running task does with its room */
int live_begin(struct task *t);
void live_end(struct task *t);
const char *live_status(const struct task *t);

#endif
