/* CreateCloudRecording: from parameters to a running task. The folder is made on a worker of
 * libuv's pool, then the row and event 301 are committed, then the caller hears of it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "room/mapkey.h"
#include "room/usersig.h"
#include "task/auto.h"
#include "task/once.h"
#include "task/place.h"
#include "task/task.h"

/* What the folder's maker needs, besides the task. */
struct preparation {
    struct spool *spool;
    struct spool_meta meta;
    struct bucket *bucket;
    char *prefix;
    struct upload_outcome place; /* whether the bucket can be used, as far as it is known now */
};

static const struct config_app *app_of(const struct config *config, uint64_t sdk_app_id)
{
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == sdk_app_id)
            return &config->apps.items[i];
    return NULL;
}

/* --- admission: everything that can be refused at once --- */

static bool refuse(struct api_problem *problem, const char *code, const char *detail)
{
    api_problem_set(problem, code, "%s", detail);
    return false;
}

static bool ticket_ok(const struct config_app *app, const struct create_params *p,
                      struct api_problem *problem)
{
    int err = usersig_verify(bytes_str(p->user_sig), (uint32_t)p->sdk_app_id, bytes_str(p->user_id),
                             bytes_str(app->key), clock_wall());
    if (err == ERR_EXPIRED)
        return refuse(problem, API_INVALID_USER_SIG, "UserSig has expired");
    return !err || refuse(problem, API_INVALID_USER_SIG,
                          "UserSig is not valid for this UserId and SdkAppId (api: it is signed "
                          "with the application's key)");
}

/* With advanced permission control the robot needs the right to enter; without a right to receive
 * that medium is not recorded (rooms.md 2). */
static bool map_key_ok(const struct config_app *app, const struct create_params *p,
                       const struct room_key *room, uint32_t *rights, struct api_problem *problem)
{
    *rights = UINT32_MAX;
    if (!app->private_map_key)
        return true;
    if (!p->private_map_key)
        return refuse(problem, API_UNAUTHORIZED, "PrivateMapKey is required by this application");
    int err = mapkey_verify(bytes_str(p->private_map_key), room, bytes_str(p->user_id),
                            bytes_str(app->key), clock_wall(), rights);
    if (err)
        return refuse(problem, API_UNAUTHORIZED,
                      err == ERR_EXPIRED ? "PrivateMapKey has expired"
                                         : "PrivateMapKey is not valid for this room and UserId");
    return (*rights & MAP_ENTER_ROOM) ||
           refuse(problem, API_UNAUTHORIZED, "PrivateMapKey does not allow to enter the room");
}

static bool capacity_ok(struct tasks *tasks, const struct create_params *p,
                        struct api_problem *problem)
{
    uint64_t limit = tasks->config.config->limits.tasks_per_app, count = 0;
    struct task *t, *next;
    HASH_ITER(hh, tasks->by_id, t, next)
    {
        count += t->sdk_app_id == p->sdk_app_id && t->state <= TASK_RUNNING && !t->automatic;
    }
    if (count < limit)
        return true;
    api_problem_set(problem, API_RESTRICTED_CONCURRENCY,
                    "%llu recordings run for this application, its limit",
                    (unsigned long long)count);
    return false;
}

static bool robot_ok(struct tasks *tasks, const struct create_params *p, const struct room_key *key,
                     struct api_problem *problem)
{
    const struct room *room = rooms_find(tasks->config.rooms, key);
    if (room && room_find_user(room, p->user_id))
        return refuse(problem, API_FAILED,
                      "UserId is that of a user in the room; the recorder needs one of its own");
    return true;
}

static bool storage_ok(struct tasks *tasks, const struct create_params *p,
                       struct api_problem *problem)
{
    const struct cloud_storage *s = p->storage.cloud_storage;
    const struct place_wanted wanted = { s->vendor, s->region, s->bucket, s->endpoint };
    return place_ok(tasks->config.config, (uint32_t)p->sdk_app_id, &wanted, problem);
}

static bool admit(struct tasks *tasks, const struct create_params *p, const struct room_key *room,
                  uint32_t *rights, struct api_problem *problem)
{
    const struct config_app *app = app_of(tasks->config.config, p->sdk_app_id);
    if (tasks->draining)
        return refuse(problem, API_SERVICE_UNAVAILABLE, "the server is shutting down");
    if (!app)
        return refuse(problem, API_INVALID_SDK_APP_ID, "SdkAppId is not known here");
    return ticket_ok(app, p, problem) && map_key_ok(app, p, room, rights, problem) &&
           robot_ok(tasks, p, room, problem) && storage_ok(tasks, p, problem) &&
           capacity_ok(tasks, p, problem);
}

/* --- the steps --- */

static void preparation_free(struct preparation *prep)
{
    if (!prep)
        return;
    spool_meta_fini(&prep->meta);
    bucket_free(prep->bucket);
    free(prep->prefix);
    free(prep);
}

static struct preparation *prepare(struct task *t, int *err)
{
    struct preparation *prep = calloc(1, sizeof *prep);
    *err = ERR_NOMEM;
    if (!prep)
        return NULL;
    struct spool_meta *m = &prep->meta;
    prep->spool = t->tasks->config.spool;
    m->sdk_app_id = t->sdk_app_id;
    m->room_is_text = t->room.id.type == ROOM_ID_STRING;
    m->start = t->created;
    m->files_only = t->files_only;
    m->epoch = (uint32_t)t->epoch;
    m->task_id = strdup(t->id);
    m->room = strdup(t->room.id.text);
    m->robot = strdup(t->robot_id);
    if (!m->task_id || !m->room || !m->robot)
        goto fail;
    *err = storage_describe(t->params->storage.cloud_storage, t->id, t->tasks->config.key,
                            &m->storage, &m->sealed);
    if (*err)
        goto fail;
    *err = storage_open(&prep->bucket, &prep->prefix, &t->tasks->config, m);
    if (*err)
        goto fail;
    return prep;

fail:
    preparation_free(prep);
    return NULL;
}

/* To those who wait for the start. */
static void tell_failure(const struct task_origin *origin, const char *code, const char *what)
{
    if (origin->call)
        api_call_fail(origin->call, code, "%s", what);
    once_failed(origin->start, code, what);
    if (origin->automatic)
        auto_over(origin->automatic, true, 0);
}

/* Who waits is told, the task is gone, and so is its folder. */
static void give_up(struct task *t, const char *code, const char *what, int err)
{
    const struct task_origin origin = { .call = t->call,
                                        .start = t->start,
                                        .automatic = t->automatic };
    log_error(&t->log, "the task cannot start: %s: %s", what, err_text(err));
    t->call = NULL;
    t->start = NULL;
    t->automatic = NULL;
    upload_task_free(t->upload);
    t->upload = NULL;
    if (t->folder && spool_folder_remove(t->folder))
        log_warn(&t->log, "its spool folder is left behind");
    task_free(t);
    tell_failure(&origin, code, what);
}

void task_set_adrift(struct task *t)
{
    static const char why[] = "the server is shutting down";
    log_warn(&t->log, "was still starting");
    if (t->call)
        api_call_fail(t->call, API_SERVICE_UNAVAILABLE, "%s", why);
    t->call = NULL;
    t->automatic = NULL;
    once_failed(t->start, API_SERVICE_UNAVAILABLE, why);
    t->start = NULL;
    upload_task_free(t->upload);
    t->upload = NULL;
    HASH_DEL(t->tasks->by_id, t);
    t->tasks = NULL;
    t->adrift = true;
}

/* `stored`: its row is there, and the folder is what the next start ends it with. */
static void free_adrift(struct task *t, bool stored)
{
    if (t->folder && !stored)
        spool_folder_remove(t->folder);
    spool_folder_unref(t->folder);
    create_params_free(t->params);
    free(t->robot_id);
    free(t);
}

static void on_committed(void *ctx, int err, struct store_change *change)
{
    struct task *t = ctx;
    t->busy = false;
    if (t->adrift) {
        store_change_free(change);
        free_adrift(t, !err);
        return;
    }
    if (err) {
        store_change_free(change);
        give_up(t, API_RECORDING_ERROR, "the task could not be stored", err);
        return;
    }
    struct event *event;
    while ((event = store_change_take_event(change)))
        delivery_add(t->tasks->config.delivery, event);
    store_change_free(change);
    if (t->call)
        api_call_succeed(t->call, json_pack("{s:s}", "TaskId", t->id));
    t->call = NULL;
    once_done(t->start, t->id);
    t->start = NULL;
    task_run(t);
    if (t->tasks->draining)
        task_end(t, LEAVE_TIMEOUT);
}

static void commit(struct task *t)
{
    struct store_change *change = task_change_start(t);
    if (change)
        once_store(change, t->start, t->id);
    int err = change ? store_submit(t->tasks->config.store, change, on_committed, t) : ERR_NOMEM;
    t->busy = !err;
    if (!err)
        return;
    store_change_free(change);
    give_up(t, API_RECORDING_ERROR, "the store takes no more changes now", err);
}

static void make_folder(uv_work_t *work)
{
    struct task *t = list_item(work, struct task, work);
    struct preparation *prep = work->data;
    t->work_err = spool_create(&t->folder, prep->spool, &prep->meta);
    if (!t->work_err)
        bucket_check(prep->bucket, &prep->place);
}

static void on_folder_made(uv_work_t *work, int status)
{
    struct task *t = list_item(work, struct task, work);
    struct preparation *prep = work->data;
    int err = status ? ERR_IO : t->work_err;
    t->busy = false;
    if (t->adrift) {
        preparation_free(prep);
        free_adrift(t, false);
        return;
    }
    if (!err)
        err = task_open_upload(t, prep->bucket, prep->prefix);
    if (!err)
        prep->bucket = NULL;
    t->place_bad = prep->place.result != UPLOAD_OK;
    if (t->place_bad)
        log_warn(&t->log, "the bucket cannot be used: %s %s; its files wait in the spool",
                 prep->place.code, prep->place.message);
    preparation_free(prep);
    if (err)
        give_up(t, API_RECORDING_ERROR, "the spool could not take the task", err);
    else
        commit(t);
}

static struct task *begin(struct tasks *tasks, struct create_params *params,
                          const struct room_key *room)
{
    char id[TASK_ID_LENGTH + 1];
    random_name(id, TASK_ID_LENGTH);
    struct task *t = task_new(tasks, id, (uint32_t)params->sdk_app_id, params->user_id);
    if (!t)
        return NULL;
    t->params = params;
    t->files_only = params->record.output_format >= OUTPUT_MP4;
    t->room = *room;
    t->turn = ++tasks->launched;
    t->created = clock_wall();
    t->expires = t->created + (usec_t)params->expire_hours * HOUR;
    t->epoch = 1;
    return t;
}

void task_launch(struct tasks *tasks, struct create_params *params,
                 const struct task_origin *origin)
{
    struct task *t = begin(tasks, params, &origin->room);
    if (!t) {
        tell_failure(origin, API_RECORDING_ERROR, "out of memory");
        create_params_free(params);
        return;
    }
    t->call = origin->call;
    t->rights = origin->rights;
    t->start = origin->start;
    t->automatic = origin->automatic;
    int err;
    struct preparation *prep = prepare(t, &err);
    if (!prep) {
        bool name = err == ERR_MALFORMED;
        give_up(t, name ? API_OUT_OF_RANGE : API_RECORDING_ERROR,
                name ? "StorageParams.CloudStorage.Bucket is not a usable name"
                     : "the storage could not be prepared",
                err);
        return;
    }
    t->work.data = prep;
    t->busy = true;
    err = uv_queue_work(loop_uv(tasks->config.control), &t->work, make_folder, on_folder_made);
    if (err)
        on_folder_made(&t->work, err);
}

void task_create(void *ctx, struct create_params *params, struct api_call *call)
{
    struct tasks *tasks = ctx;
    struct api_problem problem = { 0 };
    struct task_origin origin = { .room.sdk_app_id = (uint32_t)params->sdk_app_id, .call = call };
    enum room_id_type type = (enum room_id_type)params->room_id_type;
    if (!once_begin(tasks, params, call, &origin.start)) {
        create_params_free(params);
        return;
    }
    if (room_id_parse(bytes_str(params->room_id), type, &origin.room.id))
        api_problem_set(&problem, API_OUT_OF_RANGE, "RoomId does not fit RoomIdType");
    if (problem.code || !admit(tasks, params, &origin.room, &origin.rights, &problem)) {
        tell_failure(&origin, problem.code, problem.detail);
        create_params_free(params);
        return;
    }
    task_launch(tasks, params, &origin);
}
