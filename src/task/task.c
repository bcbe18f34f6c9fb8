#include "task/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct task *task_new(struct tasks *tasks, const char *id, uint32_t sdk_app_id,
                      const char *robot_id)
{
    struct task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->tasks = tasks;
    t->sdk_app_id = sdk_app_id;
    t->leave_code = -1;
    snprintf(t->id, sizeof t->id, "%s", id);
    t->log = log_with(NULL, "task", id);
    list_init(&t->outputs);
    link_init(&t->observer.in_list);
    link_init(&t->robot.in_room);
    t->robot_id = strdup(robot_id);
    if (!t->robot_id) {
        free(t);
        return NULL;
    }
    HASH_ADD_STR(tasks->by_id, id, t);
    return t;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void task_free(struct task *t)
{
    if (!t)
        return;
    struct tasks *tasks = t->tasks;
    live_end(t);
    HASH_DEL(tasks->by_id, t);
    upload_task_free(t->upload);
    list_each(o, &t->outputs, struct task_output, in_task)
    {
        list_remove(&o->in_task);
        output_free(o->output);
        free(o);
    }
    recording_free(t->recording);
    spool_folder_unref(t->folder);
    create_params_free(t->params);
    free(t->robot_id);
    if (t->idle_open) {
        t->idle.data = t;
        uv_close((uv_handle_t *)&t->idle, on_timer_closed);
    } else {
        free(t);
    }
    if (tasks->draining && !tasks->by_id && tasks->on_drained) {
        void (*done)(void *ctx) = tasks->on_drained;
        tasks->on_drained = NULL;
        done(tasks->drained_ctx);
    }
}

struct task *task_find(struct tasks *tasks, const char *id)
{
    struct task *t;
    HASH_FIND_STR(tasks->by_id, id, t);
    return t;
}

void task_run(struct task *t)
{
    assert(t->state == TASK_STARTING);
    t->state = TASK_RUNNING;
    log_info(&t->log, "recording room %s of application %u as %s", t->room.id.text, t->sdk_app_id,
             t->robot_id);
    if (live_begin(t))
        task_end(t, LEAVE_SAME_ROBOT); /* a user of the robot's name came in between */
}

void task_end_committed(void *ctx, int err, struct store_change *change)
{
    struct tasks *tasks = ctx;
    if (err)
        log_error(NULL,
                  "the end of a task could not be stored (%s): its callback is not sent before the "
                  "next start",
                  err_text(err));
    else
        task_events_committed(tasks, change);
    store_change_free(change);
}

void task_end(struct task *t, int leave_code)
{
    if (t->state != TASK_RUNNING)
        return;
    t->state = TASK_ENDING;
    t->leave_code = leave_code;
    log_info(&t->log, "recording ends, LeaveCode %d", leave_code);

    struct store_change *change = task_change_end(t);
    if (change)
        store_submit_must(t->tasks->config.store, change, task_end_committed, t->tasks);
    else
        log_error(&t->log, "out of memory: the end of the task is stored at the next start");
    live_end(t);
    if (t->recording)
        recording_end(t->recording);
    if (t->outputs_open == 0)
        task_deliver(t);
}

void task_deliver(struct task *t)
{
    upload_task_end(t->upload);
}

/* --- the upload --- */

static void on_upload_error(void *ctx, const char *name, const struct upload_outcome *outcome)
{
    const struct task *t = ctx;
    log_warn(&t->log, "upload of %s failed: %s %s %s%s", name, upload_result_text(outcome->result),
             outcome->code, outcome->message,
             outcome->result == UPLOAD_LOCAL_GONE ? "; the file is lost" : ", trying again");
}

/* Everything is in the bucket: the task is over for everybody. Its callbacks stay in the outbox
 * until delivered. */
void task_forget(struct task *t)
{
    struct store_change *change = store_change_new();
    if (change) {
        store_change_delete_task(change, t->id);
        store_submit_must(t->tasks->config.store, change, NULL, NULL);
    } else {
        log_error(&t->log, "out of memory: the task's row is removed at the next start");
    }
    t->state = TASK_GONE;
    task_free(t);
}

static void on_delivered(void *ctx)
{
    struct task *t = ctx;
    log_info(&t->log, "all files are delivered");
    task_forget(t);
}

static const struct upload_events upload_events = { .error = on_upload_error,
                                                    .delivered = on_delivered };

int task_open_upload(struct task *t, struct bucket *bucket, const char *prefix)
{
    return upload_task_new(&t->upload, t->tasks->config.uploader, t->folder, bucket, prefix,
                           &upload_events, t);
}
