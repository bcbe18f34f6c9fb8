#include "task/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "task/auto.h"

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
    list_init(&t->former);
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
    task_files_free(t);
    HASH_DEL(tasks->by_id, t);
    upload_task_free(t->upload);
    list_each(o, &t->outputs, struct task_output, in_task)
    {
        list_remove(&o->in_task);
        output_free(o->output);
        free(o);
    }
    former_free(t);
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
    tasks_check_drained(tasks);
}

struct task *task_find(struct tasks *tasks, const char *id)
{
    struct task *t;
    HASH_FIND_STR(tasks->by_id, id, t);
    return t;
}

/* Folders and commits may come out of the order in which the tasks were asked for. */
static bool is_replaced(const struct task *t)
{
    const struct task *other, *next;
    HASH_ITER(hh, t->tasks->by_id, other, next)
    {
        if (other->state == TASK_RUNNING && other->turn > t->turn &&
            room_key_equal(&other->room, &t->room) && strcmp(other->robot_id, t->robot_id) == 0)
            return true;
    }
    return false;
}

void task_run(struct task *t)
{
    assert(t->state == TASK_STARTING);
    t->state = TASK_RUNNING;
    log_info(&t->log, "recording room %s of application %u as %s", t->room.id.text, t->sdk_app_id,
             t->robot_id);
    if (is_replaced(t) || live_begin(t))
        task_end(t, LEAVE_SAME_ROBOT); /* ... or a user of the robot's name came in between */
}

void task_end(struct task *t, int leave_code)
{
    if (t->state != TASK_RUNNING)
        return;
    t->state = TASK_ENDING;
    t->leave_code = leave_code;
    t->ended = clock_wall();
    log_info(&t->log, "recording ends, LeaveCode %d", leave_code);
    task_commit_end(t);
    live_end(t);
    if (t->recording)
        recording_end(t->recording);
    if (t->automatic)
        auto_over(t->automatic, false, leave_code);
    t->automatic = NULL;
    if (t->outputs_open == 0)
        task_deliver(t);
}

/* Unix time as monotonic time. */
static usec_t mono_of(usec_t wall)
{
    return clock_mono() + (wall - clock_wall());
}

void task_deliver(struct task *t)
{
    if (t->unfinished) {
        task_finish_files(t);
        return;
    }
    usec_t keep = (usec_t)t->tasks->config.config->limits.undelivered_hours * HOUR;
    if (t->disk_failed && task_repair(t))
        log_error(&t->log, "what the disk left torn stays in the spool until the next start");
    upload_task_end(t->upload, mono_of(t->ended + keep));
}

/* --- the upload --- */

static bool media_name(const char *name)
{
    return file_has_suffix(name, ".mp4") || file_has_suffix(name, ".aac");
}

static void on_upload_error(void *ctx, const char *name, const struct upload_outcome *outcome)
{
    struct task *t = ctx;
    bool gone = outcome->result == UPLOAD_LOCAL_GONE;
    log_warn(&t->log, "upload of %s failed: %s %s %s%s", name, upload_result_text(outcome->result),
             outcome->code, outcome->message, gone ? "; the file is lost" : ", trying again");
    *(media_name(name) ? &t->lost_media : &t->lost_files) |= gone;
    task_tell_upload_error(t, outcome);
}

static void on_first_playlist(void *ctx, const char *playlist)
{
    struct task *t = ctx;
    struct former_playlist *former = former_find(t, playlist);
    if (former && former->row.uploaded)
        return; /* a former run told of it */
    if (former)
        former->row.uploaded = true;
    task_tell_playlist(t, playlist);
}

static void on_stuck(void *ctx)
{
    struct task *t = ctx;
    if (t->state == TASK_ENDING)
        task_leave(t);
}

static void on_expired(void *ctx)
{
    struct task *t = ctx;
    struct upload_counts left = upload_task_counts(t->upload);
    if (t->state == TASK_ENDING)
        task_leave(t);
    log_error(&t->log,
              "%zu files (%llu bytes) could not be delivered in %llu hours and are not tried any "
              "more; nothing is deleted, they stay in the spool. With a larger "
              "limits.undelivered_hours the next start goes on",
              left.files, (unsigned long long)left.bytes,
              (unsigned long long)t->tasks->config.config->limits.undelivered_hours);
    upload_task_free(t->upload);
    t->upload = NULL;
}

static void on_delivered(void *ctx)
{
    struct task *t = ctx;
    log_info(&t->log, t->lost_files || t->lost_media ? "all files but the lost ones are delivered"
                                                     : "all files are delivered");
    task_forget(t);
}

static const struct upload_events upload_events = { .first_playlist = on_first_playlist,
                                                    .error = on_upload_error,
                                                    .stuck = on_stuck,
                                                    .expired = on_expired,
                                                    .complete = task_files_complete,
                                                    .delivered = on_delivered };

int task_open_upload(struct task *t, struct bucket *bucket, const char *prefix)
{
    return upload_task_new(&t->upload, t->tasks->config.uploader, t->folder, bucket, prefix,
                           &upload_events, t);
}

/* The files stay behind: the customer hears of it, and the task is over for the API. */
void task_leave(struct task *t)
{
    assert(t->state == TASK_ENDING);
    t->state = TASK_LEFT;
    log_warn(&t->log, "not all files could be delivered: they are left behind and tried further");
    task_files_left(t);
    tasks_check_drained(t->tasks);
}

/* The callbacks stay in the outbox until delivered. */
void task_forget(struct task *t)
{
    task_commit_delivered(t);
    task_free(t);
}
