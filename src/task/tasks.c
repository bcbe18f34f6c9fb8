#include "task/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "task/auto.h"

static void on_event_stored(void *ctx, struct event *event)
{
    struct tasks *tasks = ctx;
    delivery_add(tasks->config.delivery, event);
}

static void on_ledger_idle(void *ctx)
{
    tasks_check_drained(ctx);
}

struct tasks *tasks_new(const struct tasks_config *config)
{
    struct tasks *tasks = calloc(1, sizeof *tasks);
    if (!tasks)
        return NULL;
    tasks->config = *config;
    const struct ledger_config ledger = { .control = config->control,
                                          .store = config->store,
                                          .event = on_event_stored,
                                          .idle = on_ledger_idle,
                                          .ctx = tasks };
    tasks->starts = starts_new(config->config->limits.start_keys_per_app);
    if (tasks->starts && !ledger_new(&tasks->ledger, &ledger))
        return tasks;
    starts_free(tasks->starts);
    free(tasks);
    return NULL;
}

void tasks_free(struct tasks *tasks)
{
    if (!tasks)
        return;
    struct task *t, *next;
    HASH_ITER(hh, tasks->by_id, t, next)
    {
        if (t->state == TASK_STARTING && t->busy) {
            task_set_adrift(t);
            continue;
        }
        log_warn(&t->log, "not everything is delivered; it goes on with the next start");
        task_free(t);
    }
    starts_free(tasks->starts);
    ledger_free(tasks->ledger);
    autos_free(tasks);
    free(tasks);
}

int tasks_auto_record(struct tasks *tasks)
{
    return autos_begin(tasks);
}

size_t tasks_count(const struct tasks *tasks)
{
    return HASH_COUNT(tasks->by_id);
}

struct task_counts tasks_counts(const struct tasks *tasks)
{
    struct task_counts counts = { 0 };
    const struct task *t, *next;
    HASH_ITER(hh, tasks->by_id, t, next)
    {
        switch (t->state) {
        case TASK_STARTING: counts.starting++; break;
        case TASK_RUNNING:
            ++*(recording_live(t->recording) ? &counts.recording : &counts.idle);
            break;
        case TASK_ENDING: counts.ending++; break;
        case TASK_LEFT: counts.left++; break;
        }
    }
    return counts;
}

void tasks_shutdown(struct tasks *tasks, void (*done)(void *ctx), void *ctx)
{
    tasks->draining = true;
    tasks->on_drained = done;
    tasks->drained_ctx = ctx;
    struct task *t, *next;
    HASH_ITER(hh, tasks->by_id, t, next)
    {
        task_end(t, LEAVE_TIMEOUT);
    }
    tasks_check_drained(tasks);
}

/* What is left behind waits for its bucket, perhaps for days: the next start goes on with it. */
static bool drained(const struct tasks *tasks)
{
    const struct task *t, *next;
    HASH_ITER(hh, tasks->by_id, t, next)
    {
        if (t->state != TASK_LEFT)
            return false;
    }
    return ledger_idle(tasks->ledger);
}

void tasks_check_drained(struct tasks *tasks)
{
    void (*done)(void *ctx) = tasks->on_drained;
    if (!done || !drained(tasks))
        return;
    tasks->on_drained = NULL;
    done(tasks->drained_ctx);
}

/* --- the API's actions --- */

struct task *task_visible(struct tasks *tasks, uint32_t sdk_app_id, const char *task_id)
{
    struct task *t = task_find(tasks, task_id);
    bool good = t && t->sdk_app_id == sdk_app_id && t->state != TASK_STARTING &&
                t->state != TASK_LEFT && clock_wall() < t->expires;
    return good ? t : NULL;
}

static json_t *list_entry(const char *user, const char *file, const char *type, usec_t begin)
{
    return json_pack("{s:s, s:s, s:s, s:I}", "UserId", user, "FileName", file, "TrackType", type,
                     "BeginTimeStamp", (json_int_t)(begin / MSEC));
}

static json_t *file_list(const struct task *t)
{
    json_t *list = json_array();
    list_each(p, &t->former, struct former_playlist, in_task) json_array_append_new(
        list, list_entry(p->row.user_id, p->row.name, p->row.track_type, p->row.begin));
    list_each(o, &t->outputs, struct task_output, in_task)
    {
        usec_t begin = output_begin(o->output);
        if (begin == USEC_UNSET || output_form(o->output) != RECORDING_HLS)
            continue; /* files are told of by event 310 */
        json_array_append_new(list, list_entry(output_user(o->output), output_file(o->output),
                                               output_track_type(o->output), begin));
    }
    return list;
}

/* A member of our own: what is recorded and not yet acknowledged by the bucket. */
static json_t *upload_left(const struct task *t)
{
    if (!t->upload)
        return NULL;
    struct upload_counts counts = upload_task_counts(t->upload);
    json_t *left = json_pack("{s:I, s:I}", "Files", (json_int_t)counts.files, "Bytes",
                             (json_int_t)counts.bytes);
    if (left && counts.failing_since != USEC_UNSET)
        json_object_set_new(left, "FailingSeconds",
                            json_integer((clock_mono() - counts.failing_since) / SEC));
    return left;
}

static void on_describe(void *ctx, uint32_t sdk_app_id, const char *task_id, struct api_call *call)
{
    const struct task *t = task_visible(ctx, sdk_app_id, task_id);
    if (!t) {
        api_call_fail(call, API_RESOURCE_NOT_FOUND, "TaskId names no task of this application");
        return;
    }
    api_call_succeed(call,
                     json_pack("{s:s, s:s, s:o, s:o*}", "TaskId", t->id, "Status", live_status(t),
                               "StorageFileList", file_list(t), "ReeltimeUpload", upload_left(t)));
}

struct deletion {
    struct api_call *call;
    char task_id[FILE_NAME_SIZE];
};

static void on_delete_committed(void *ctx, int err)
{
    struct deletion *d = ctx;
    if (err)
        api_call_fail(d->call, API_RECORDING_ERROR,
                      "the end of the task could not be stored; it has stopped");
    else
        api_call_succeed(d->call, json_pack("{s:s}", "TaskId", d->task_id));
    free(d);
}

/* Answers once the end is committed: an empty change is done after those before it. When the store
 * fails, the caller hears so at once; the end is stored later all the same. */
static void on_delete(void *ctx, uint32_t sdk_app_id, const char *task_id, struct api_call *call)
{
    struct tasks *tasks = ctx;
    struct task *t = task_visible(tasks, sdk_app_id, task_id);
    if (!t) {
        api_call_fail(call, API_RESOURCE_NOT_FOUND, "TaskId names no task of this application");
        return;
    }
    struct deletion *d = calloc(1, sizeof *d);
    struct store_change *barrier = store_change_new();
    if (!d || !barrier) {
        api_call_fail(call, API_RECORDING_ERROR, "out of memory");
        store_change_free(barrier);
        free(d);
        return;
    }
    d->call = call;
    snprintf(d->task_id, sizeof d->task_id, "%s", t->id);
    task_end(t, LEAVE_API);
    ledger_add(tasks->ledger, t->id, barrier, on_delete_committed, d);
}

static bool app_known(void *ctx, uint32_t sdk_app_id)
{
    const struct tasks *tasks = ctx;
    const struct config *config = tasks->config.config;
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == sdk_app_id)
            return true;
    return false;
}

static const struct config_credential *credential(const struct tasks *tasks, const char *secret_id)
{
    const struct config *config = tasks->config.config;
    for (size_t i = 0; i < config->credentials.count; i++)
        if (strcmp(config->credentials.items[i].secret_id, secret_id) == 0)
            return &config->credentials.items[i];
    return NULL;
}

static const char *secret_key(void *ctx, const char *secret_id)
{
    const struct config_credential *c = credential(ctx, secret_id);
    return c ? c->secret_key : NULL;
}

/* An empty list allows all. */
static bool allows(const struct schema_strings *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return list->count == 0;
}

static bool may(void *ctx, const char *secret_id, const char *action, uint32_t sdk_app_id)
{
    const struct config_credential *c = credential(ctx, secret_id);
    char app[16];
    snprintf(app, sizeof app, "%u", (unsigned)sdk_app_id);
    return c && allows(&c->actions, action) && (!sdk_app_id || allows(&c->apps, app));
}

const struct api_ops tasks_api_ops = { .create = task_create,
                                       .describe = on_describe,
                                       .modify = task_modify,
                                       .delete = on_delete,
                                       .app_known = app_known,
                                       .secret_key = secret_key,
                                       .may = may };
