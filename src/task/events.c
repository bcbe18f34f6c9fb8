/* Changes of a task's row together with the event that tells of them. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "callback/compose.h"
#include "task/media.h"
#include "task/task.h"

#define PARAMS_LIMIT (1u << 20)

static const struct config_app *app_of(const struct task *t)
{
    const struct config *config = t->tasks->config.config;
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == t->sdk_app_id)
            return &config->apps.items[i];
    return NULL;
}

/* What the event says of the task itself. */
static struct callback_event event_of(const struct task *t, enum callback_type type)
{
    return (struct callback_event){ .type = type,
                                    .room_id = t->room.id.text,
                                    .user_id = t->robot_id,
                                    .task_id = t->id,
                                    .happened = clock_wall() };
}

static void add_event(struct store_change *change, const struct task *t,
                      const struct callback_event *what)
{
    const struct config_app *app = app_of(t);
    struct callback_style style = { 0 };
    struct event *event = NULL;
    if (app)
        style = (struct callback_style){ .numeric_event_ts = app->callback.numeric_event_ts,
                                         .leave_code_305 = app->callback.leave_code_305 };
    int err = callback_compose(&event, what, t->sdk_app_id, app ? app->callback.key : NULL, &style,
                               clock_wall());
    if (err)
        log_error(&t->log, "callback %d cannot be made: %s", what->type, err_text(err));
    store_change_add_event(change, event);
}

static const char *actual_of(const struct task *t)
{
    if (t->told)
        return TASK_ROW_TOLD;
    switch (t->state) {
    case TASK_STARTING:
    case TASK_RUNNING: return "recording";
    case TASK_ENDING: return "exited";
    case TASK_LEFT: break;
    }
    return t->hls_left ? TASK_ROW_LEFT : TASK_ROW_LEFT_MEDIA;
}

/* The row as it is to be now. */
static struct store_task row_of(const struct task *t)
{
    return (struct store_task){ .task_id = t->id,
                                .sdk_app_id = t->sdk_app_id,
                                .room_id_type = t->room.id.type,
                                .room_id = t->room.id.text,
                                .user_id = t->robot_id,
                                .wanted = t->state >= TASK_ENDING ? "stopped" : "recording",
                                .actual = actual_of(t),
                                .owner = t->tasks->config.config->node,
                                .epoch = t->epoch,
                                .created = t->created,
                                .expires = t->expires,
                                .ended = t->ended,
                                .leave_code = t->leave_code };
}

struct store_change *task_change_start(const struct task *t)
{
    struct buf params;
    buf_init(&params, PARAMS_LIMIT);
    struct store_change *change = store_change_new();
    schema_write_json(&create_schema, t->params, &params);
    if (!change || params.err) {
        store_change_free(change);
        seal_wipe_buf(&params);
        return NULL;
    }
    struct store_task row = row_of(t);
    row.params = buf_str(&params);
    store_change_insert_task(change, &row);
    seal_wipe_buf(&params);

    struct callback_event started = event_of(t, CALLBACK_RECORDER_START);
    started.status = 0;
    add_event(change, t, &started);
    struct callback_event upload = event_of(t, CALLBACK_UPLOAD_START);
    upload.status = t->place_bad;
    add_event(change, t, &upload);
    return change;
}

struct store_change *task_change_params(const struct task *t)
{
    struct buf params;
    buf_init(&params, PARAMS_LIMIT);
    struct store_change *change = store_change_new();
    schema_write_json(&create_schema, t->params, &params);
    if (change && !params.err) {
        store_change_update_params(change, t->id, t->epoch, buf_str(&params));
    } else {
        store_change_free(change);
        change = NULL;
    }
    seal_wipe_buf(&params);
    return change;
}

void task_commit(struct task *t, struct store_change *change)
{
    ledger_add(t->tasks->ledger, t->id, change, NULL, NULL);
}

void task_tell_slice(struct task *t, const struct store_playlist *playlist)
{
    struct store_change *change = store_change_new();
    if (change) {
        struct callback_event cut = event_of(t, CALLBACK_FILE_SLICE);
        cut.slice.file_name = playlist->name;
        cut.slice.user_id = playlist->user_id;
        cut.slice.track_type = playlist->track_type;
        cut.slice.begin = playlist->begin;
        store_change_add_playlist(change, playlist);
        add_event(change, t, &cut);
    }
    task_commit(t, change);
}

void task_tell_playlist(struct task *t, const char *playlist)
{
    struct store_change *change = store_change_new();
    if (change) {
        struct callback_event uploaded = event_of(t, CALLBACK_FILE_INFO);
        uploaded.file_list = playlist;
        store_change_playlist_uploaded(change, t->id, playlist);
        add_event(change, t, &uploaded);
    }
    task_commit(t, change);
}

static bool stops_the_upload(enum upload_result result)
{
    return result == UPLOAD_DENIED || result == UPLOAD_NO_BUCKET || result == UPLOAD_UNTRUSTED ||
           result == UPLOAD_BAD_REQUEST;
}

/* Remembers the provider's code; false: it was told of before, or there were too many. */
static bool new_reason(struct task *t, const char *code)
{
    size_t i = 0;
    while (i < TASK_REASONS && t->reasons[i][0] && strcmp(t->reasons[i], code) != 0)
        i++;
    if (i == TASK_REASONS || t->reasons[i][0])
        return false;
    snprintf(t->reasons[i], sizeof t->reasons[i], "%s", code);
    return true;
}

void task_tell_upload_error(struct task *t, const struct upload_outcome *outcome)
{
    const struct config_app *app = app_of(t);
    if (!app || !app->callback.upload_errors || t->state == TASK_LEFT ||
        !stops_the_upload(outcome->result) || !new_reason(t, outcome->code))
        return;
    struct callback_event failed = event_of(t, CALLBACK_UPLOAD_ERROR);
    failed.error.code = outcome->code;
    failed.error.message = outcome->message;
    struct store_change *change = store_change_new();
    if (change)
        add_event(change, t, &failed);
    task_commit(t, change);
}

static void add_stop(struct store_change *change, const struct task *t)
{
    struct callback_event stopped = event_of(t, CALLBACK_RECORDER_STOP);
    stopped.leave_code = t->leave_code;
    add_event(change, t, &stopped);
}

void task_commit_end(struct task *t)
{
    struct store_change *change = store_change_new();
    if (change) {
        struct store_task row = row_of(t);
        store_change_update_task(change, &row);
        add_stop(change, t);
    }
    task_commit(t, change);
}

/* What Create was called with is lost; nobody asks for it after the end. */
void task_commit_found(struct task *t)
{
    struct store_change *change = store_change_new();
    if (change) {
        struct store_task row = row_of(t);
        row.params = "{}";
        store_change_insert_task(change, &row);
        add_stop(change, t);
    }
    task_commit(t, change);
}

/* A file that is lost is not in the bucket, which Status 1 says; no Status 2 follows then. */
int task_upload_status(const struct task *t)
{
    if (t->files_only || (t->state == TASK_LEFT && (!t->hls_left || t->lost_files)))
        return -1;
    return t->state == TASK_LEFT ? 2 : t->lost_files ? 1 : 0;
}

static void add_upload_stop(struct store_change *change, const struct task *t, int status)
{
    struct callback_event over = event_of(t, CALLBACK_UPLOAD_STOP);
    over.status = status;
    add_event(change, t, &over);
}

/* One file group. */
static void add_files(struct store_change *change, const struct task *t,
                      const struct media_parts *parts, size_t at, size_t count, int status)
{
    struct callback_file *files = calloc(count, sizeof *files);
    struct callback_event made = event_of(t, CALLBACK_MP4_STOP);
    made.mp4.status = status;
    made.mp4.files = files;
    made.mp4.file_count = files ? media_group_files(parts, at, count, files) : 0;
    if (files)
        add_event(change, t, &made);
    else
        log_error(&t->log, "out of memory: callback 310 is not sent");
    free(files);
}

void task_commit_files(struct task *t, int upload_status, const struct media_parts *parts,
                       bool good_only, ledger_done *done, void *ctx)
{
    struct store_change *change = store_change_new();
    if (change) {
        struct store_task row = row_of(t);
        store_change_update_task(change, &row);
        if (upload_status >= 0)
            add_upload_stop(change, t, upload_status);
        for (size_t at = 0, count; at < parts->count; at += count) {
            count = media_group(parts, at);
            int status = media_group_status(parts, at, count);
            if (status == 0 || !good_only)
                add_files(change, t, parts, at, count, status == 0 && t->lost_media ? 1 : status);
        }
    }
    ledger_add(t->tasks->ledger, t->id, change, done, ctx);
}

void task_commit_delivered(struct task *t)
{
    struct store_change *change = store_change_new();
    if (change) {
        int status = task_upload_status(t);
        store_change_delete_task(change, t->id);
        if (status >= 0 && !t->told)
            add_upload_stop(change, t, status);
    }
    task_commit(t, change);
}
