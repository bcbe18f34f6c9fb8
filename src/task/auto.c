#include "task/auto.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "room/usersig.h"
#include "schema/json.h"
#include "task/place.h"

#define RETRY_MS       10000
#define ROBOT_PREFIX   "auto_"
#define ROBOT_RANDOM   24
#define ROBOT_SIZE     (sizeof ROBOT_PREFIX + ROBOT_RANDOM)
#define PARAMS_LIMIT   (64u << 10)
#define FOLDER_NO_KEYS "none" /* a folder asks for no keys, Create does */

enum auto_state { AUTO_RECORDING, AUTO_FAILED, AUTO_SPENT };

struct auto_room {
    struct autos *autos;
    const struct config_app *app;
    struct room_key key;
    enum auto_state state;
    UT_hash_handle hh; /* autos.rooms, by .key */
};

struct autos {
    struct tasks *tasks;
    struct room_observer observer;
    struct auto_room *rooms; /* of open rooms, and of tasks that go on */
    uv_timer_t retry;
};

static const struct config_app *app_of(const struct tasks *tasks, uint32_t sdk_app_id)
{
    const struct config *config = tasks->config.config;
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == sdk_app_id)
            return config->apps.items[i].auto_record ? &config->apps.items[i] : NULL;
    return NULL;
}

/* --- what Create would be asked for --- */

static json_t *prefix_of(const struct config_auto_record *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->prefix.count; i++)
        json_array_append_new(list, json_string(a->prefix.items[i]));
    return list;
}

static json_t *storage_of(const struct config_auto_record *a)
{
    return json_pack("{s:{s:i, s:s, s:s, s:s, s:s, s:o}}", "CloudStorage", "Vendor", VENDOR_S3,
                     "Region", a->region, "Bucket", a->bucket, "AccessKey",
                     a->access_key ? a->access_key : FOLDER_NO_KEYS, "SecretKey",
                     a->secret_key ? a->secret_key : FOLDER_NO_KEYS, "FileNamePrefix",
                     prefix_of(a));
}

static json_t *record_of(const struct config_auto_record *a)
{
    return json_pack("{s:i, s:i, s:i, s:I}", "RecordMode", RECORD_SINGLE, "StreamType", a->type,
                     "OutputFormat", config_output_format(&a->formats), "MaxMediaFileDuration",
                     (json_int_t)a->max_file_minutes);
}

static int put(const char *text, size_t len, void *out)
{
    buf_put(out, text, len);
    return ((struct buf *)out)->err ? -1 : 0;
}

/* The same table and rules as for a request. */
static int read_params(struct create_params **out, json_t *request, struct api_problem *problem)
{
    struct buf text;
    struct value *value = NULL;
    struct value_error error;
    buf_init(&text, PARAMS_LIMIT);
    int err = request && !json_dump_callback(request, put, &text, JSON_COMPACT) ? OK : ERR_NOMEM;
    if (!err)
        err = value_from_json(&value, buf_bytes(&text), &error);
    if (!err)
        err = create_params_read(out, value, 0, problem);
    value_free(value);
    seal_wipe_buf(&text);
    return err;
}

/* ERR_MALFORMED: `problem` says why. */
static int make_params(struct create_params **out, const struct config_app *app,
                       const struct room_id *room, const char *robot, struct api_problem *problem)
{
    struct buf sig;
    buf_init(&sig, 4096);
    int err = usersig_mint((uint32_t)app->sdk_app_id, bytes_str(robot), bytes_str(app->key),
                           clock_wall(), USERSIG_DEFAULT_LIFE, &sig);
    if (!err) {
        json_t *request =
            json_pack("{s:I, s:s, s:i, s:s, s:s, s:o, s:o}", "SdkAppId",
                      (json_int_t)app->sdk_app_id, "RoomId", room->text, "RoomIdType", room->type,
                      "UserId", robot, "UserSig", buf_str(&sig), "RecordParams",
                      record_of(app->auto_record), "StorageParams", storage_of(app->auto_record));
        err = read_params(out, request, problem);
        json_decref(request);
    }
    seal_wipe_buf(&sig);
    if (!err) /* may be below what Create allows */
        (*out)->record.max_idle_s = app->auto_record->resume_timeout;
    return err;
}

/* --- rooms --- */

static struct auto_room *find(const struct autos *autos, const struct room_key *key)
{
    struct auto_room *a;
    HASH_FIND(hh, autos->rooms, key, sizeof *key, a);
    return a;
}

static bool is_open(const struct auto_room *a)
{
    return rooms_find(a->autos->tasks->config.rooms, &a->key) != NULL;
}

static void forget(struct auto_room *a)
{
    HASH_DEL(a->autos->rooms, a);
    free(a);
}

static void free_robot_id(const struct auto_room *a, char robot[ROBOT_SIZE])
{
    const struct room *room = rooms_find(a->autos->tasks->config.rooms, &a->key);
    do {
        memcpy(robot, ROBOT_PREFIX, sizeof ROBOT_PREFIX);
        random_name(robot + sizeof ROBOT_PREFIX - 1, ROBOT_RANDOM);
    } while (room && room_find_user(room, robot));
}

static void start(struct auto_room *a)
{
    char robot[ROBOT_SIZE];
    struct api_problem problem = { 0 };
    struct create_params *params;
    free_robot_id(a, robot);
    int err = make_params(&params, a->app, &a->key.id, robot, &problem);
    if (err) {
        log_error(NULL, "room %s of application %u is not recorded: %s", a->key.id.text,
                  (unsigned)a->key.sdk_app_id, problem.code ? problem.detail : err_text(err));
        auto_over(a, true, 0);
        return;
    }
    a->state = AUTO_RECORDING;
    const struct task_origin origin = { .room = a->key, .rights = UINT32_MAX, .automatic = a };
    task_launch(a->autos->tasks, params, &origin); /* may be over by now, and `a` gone */
}

static void on_retry(uv_timer_t *timer)
{
    struct autos *autos = timer->data;
    struct auto_room *a, *next;
    HASH_ITER(hh, autos->rooms, a, next)
    {
        if (a->state == AUTO_FAILED)
            start(a);
    }
}

void auto_over(struct auto_room *a, bool failed, int leave_code)
{
    struct autos *autos = a->autos;
    if (!is_open(a) || leave_code == LEAVE_IDLE) {
        forget(a);
    } else if (failed || leave_code == LEAVE_SAME_ROBOT) {
        a->state = AUTO_FAILED;
        if (!uv_is_active((uv_handle_t *)&autos->retry)) /* another's failure postpones nobody */
            uv_timer_start(&autos->retry, on_retry, RETRY_MS, 0);
    } else {
        a->state = AUTO_SPENT;
    }
}

static void on_published(struct autos *autos, const struct room *room)
{
    const struct config_app *app = app_of(autos->tasks, room->key.sdk_app_id);
    if (!app || autos->tasks->draining || find(autos, &room->key))
        return;
    struct auto_room *a = calloc(1, sizeof *a);
    if (a) {
        *a = (struct auto_room){ .autos = autos, .app = app };
        memcpy(&a->key, &room->key, sizeof a->key); /* its padding too: the table compares bytes */
        HASH_ADD(hh, autos->rooms, key, sizeof a->key, a);
    }
    if (!a || !a->hh.tbl) {
        log_error(NULL, "out of memory: room %s is not recorded", room->key.id.text);
        free(a);
        return;
    }
    log_info(NULL, "room %s of application %u: automatic recording begins", room->key.id.text,
             (unsigned)room->key.sdk_app_id);
    start(a);
}

static void on_event(struct room_observer *self, const struct room_event *event)
{
    struct autos *autos = list_item(self, struct autos, observer);
    if (event->type == ROOM_STREAM_PUBLISHED) {
        on_published(autos, event->room);
    } else if (event->type == ROOM_CLOSED) {
        struct auto_room *a = find(autos, &event->room->key);
        if (a && a->state != AUTO_RECORDING)
            forget(a);
    }
}

/* --- start and end --- */

static int check(const struct tasks *tasks, const struct config_app *app)
{
    static const struct room_id room = { .type = ROOM_ID_INT, .number = 1, .text = "1" };
    struct api_problem problem = { 0 };
    struct create_params *params;
    int err = make_params(&params, app, &room, ROBOT_PREFIX "1", &problem);
    if (!err) {
        const struct cloud_storage *s = params->storage.cloud_storage;
        const struct place_wanted wanted = { s->vendor, s->region, s->bucket, s->endpoint };
        if (create_params_unserved(params, &problem) ||
            !place_ok(tasks->config.config, (uint32_t)app->sdk_app_id, &wanted, &problem))
            err = ERR_MALFORMED;
        create_params_free(params);
    }
    if (err)
        log_error(NULL, "apps: auto_record of application %u: %s", (unsigned)app->sdk_app_id,
                  problem.code ? problem.detail : err_text(err));
    return err;
}

static int check_all(const struct tasks *tasks, bool *any)
{
    const struct config *config = tasks->config.config;
    int err = OK;
    *any = false;
    for (size_t i = 0; i < config->apps.count && !err; i++)
        if (config->apps.items[i].auto_record) {
            *any = true;
            err = check(tasks, &config->apps.items[i]);
        }
    return err;
}

int autos_begin(struct tasks *tasks)
{
    bool any;
    int err = check_all(tasks, &any);
    if (err || !any)
        return err;
    struct autos *autos = calloc(1, sizeof *autos);
    if (!autos)
        return ERR_NOMEM;
    autos->tasks = tasks;
    autos->observer.event = on_event;
    uv_timer_init(loop_uv(tasks->config.control), &autos->retry);
    autos->retry.data = autos;
    tasks->autos = autos;
    return rooms_observe(tasks->config.rooms, NULL, &autos->observer);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void autos_free(struct tasks *tasks)
{
    struct autos *autos = tasks->autos;
    struct auto_room *a, *next;
    if (!autos)
        return;
    rooms_unobserve(tasks->config.rooms, &autos->observer);
    HASH_ITER(hh, autos->rooms, a, next)
    {
        forget(a);
    }
    tasks->autos = NULL;
    uv_close((uv_handle_t *)&autos->retry, on_timer_closed);
}
