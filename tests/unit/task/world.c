#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "room/usersig.h"
#include "schema/json.h"
#include "upload/task.h"

#define APP_KEY "example-sdk-secret-key-01"

static const struct seal_key master = { { 1 } };

/* --- the uploader's clock --- */

static void look(struct world *w)
{
    if (w->wanted && w->wanted(w)) {
        w->wanted = NULL;
        uv_sem_post(&w->came);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct world *w = timer->data;
    uploader_tick(w->uploader);
    look(w);
}

static usec_t now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

/* Only what is due at once runs by itself; for the rest the test moves the clock. */
static void wake_at(void *ctx, usec_t deadline)
{
    struct world *w = ctx;
    w->wake = deadline;
    if (deadline <= now(w))
        uv_timer_start(&w->timer, on_timer, 0, 0);
    else
        uv_timer_stop(&w->timer);
}

static uint32_t chance(void *ctx)
{
    (void)ctx;
    return 0;
}

/* --- start and stop --- */

static bool receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    const struct world *w = ctx;
    (void)sdk_app_id;
    (void)group;
    *out = (struct outbox_receiver){ .url = "http://127.0.0.1:1/", .schedule = SCHEDULE_DEFAULT };
    return !w->nobody_listens;
}

static struct media_loop *no_media(void *ctx, uint64_t session)
{
    (void)ctx;
    (void)session;
    return NULL;
}

static void on_turn(uv_check_t *check)
{
    look(check->data);
}

static void start(struct world *w)
{
    char path[128];
    const struct delivery_settings delivery = { .receiver = receiver, .ctx = w };
    const struct rooms_limits rooms = ROOMS_DEFAULT_LIMITS;
    snprintf(path, sizeof path, "%s/state.db", w->dir.path);
    assert_int_equal(store_open(&w->store, path, &master, w->loop), OK);
    assert_int_equal(delivery_open(&w->delivery, w->loop, w->store, &delivery), OK);
    const struct upload_clock clock = { now, wake_at, chance, w };
    uv_timer_init(loop_uv(w->loop), &w->timer);
    uv_check_init(loop_uv(w->loop), &w->check);
    uv_check_start(&w->check, on_turn);
    w->timer.data = w->check.data = w;
    w->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    w->rooms = rooms_new(&rooms);
    const struct tasks_config tasks = { .config = w->config,
                                        .control = w->loop,
                                        .rooms = w->rooms,
                                        .store = w->store,
                                        .delivery = w->delivery,
                                        .spool = w->spool,
                                        .writer = w->writer,
                                        .uploader = w->uploader,
                                        .recorded = &w->recorded,
                                        .key = &master,
                                        .version = "1",
                                        .date = "d",
                                        .media_of = no_media };
    w->tasks = tasks_new(&tasks);
    assert_non_null(w->tasks);
    assert_int_equal(tasks_recover(w->tasks), OK);
}

static void stop(struct world *w)
{
    tasks_free(w->tasks);
    delivery_close(w->delivery);
    uploader_free(w->uploader);
    store_close(w->store);
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_close((uv_handle_t *)&w->check, NULL);
    w->tasks = NULL;
}

static void stop_rest(struct world *w)
{
    rooms_free(w->rooms);
}

struct doing {
    struct world *w;
    void (*act)(struct world *w);
};

static void run_doing(void *ctx)
{
    struct doing *d = ctx;
    d->act(d->w);
}

void world_do(struct world *w, void (*act)(struct world *w))
{
    struct doing d = { w, act };
    loop_call(w->loop, run_doing, &d);
}

void world_start(struct world *w)
{
    char path[128];
    w->now = clock_mono();
    w->wake = USEC_NEVER;
    snprintf(path, sizeof path, "%s/spool", w->dir.path);
    assert_int_equal(spool_open(&w->spool, path), OK);
    assert_int_equal(spool_writer_new(&w->writer, &SPOOL_LIMITS_DEFAULT, NULL), OK);
    assert_int_equal(loop_new(&w->loop, "control", 1000), OK);
    world_do(w, start);
}

void world_stop(struct world *w)
{
    world_do(w, stop);
    world_do(w, stop_rest);
    spool_writer_free(w->writer);
    loop_free(w->loop);
    spool_close(w->spool);
    w->loop = NULL;
}

void world_init(struct world *w)
{
    char text[512];
    struct buf complaints;
    *w = (struct world){ .dir = temp_dir_new() };
    uv_sem_init(&w->came, 0);
    mkdirat(w->dir.fd, "buckets", 0755);
    snprintf(text, sizeof text,
             "apps: [{ sdk_app_id: %u, key: \"" APP_KEY "\" }]\n"
             "credentials: [{ secret_id: a, secret_key: b }]\n"
             "limits: { tasks_per_app: 2 }\n"
             "storage: [{ region: local, dir: \"%s/buckets\" }]\n",
             WORLD_APP, w->dir.path);
    buf_init(&complaints, 4096);
    if (config_parse(&w->config, "test", bytes_str(text), &complaints))
        fail_msg("%s", buf_str(&complaints));
    buf_fini(&complaints);
    world_start(w);
}

void world_fini(struct world *w)
{
    if (w->loop)
        world_stop(w);
    uv_sem_destroy(&w->came);
    config_free(w->config);
    temp_dir_free(&w->dir);
}

/* --- time --- */

struct waiting {
    struct world *w;
    bool (*wanted)(struct world *w);
};

static void begin_to_wait(void *ctx)
{
    const struct waiting *waiting = ctx;
    waiting->w->wanted = waiting->wanted;
    look(waiting->w);
}

void world_wait(struct world *w, bool (*wanted)(struct world *w))
{
    struct waiting waiting = { w, wanted };
    loop_call(w->loop, begin_to_wait, &waiting);
    uv_sem_wait(&w->came);
}

static bool settled(struct world *w)
{
    return w->uploader->running == 0 && !w->uploader->kicked && w->wake > now(w) &&
           ledger_idle(w->tasks->ledger);
}

static void jump(struct world *w)
{
    w->now = w->wake;
    wake_at(w, w->wake);
}

void world_pass(struct world *w, usec_t time)
{
    usec_t end = now(w) + time;
    for (world_wait(w, settled); w->wake <= end; world_wait(w, settled))
        world_do(w, jump);
    w->now = end;
}

/* --- the API --- */

/* In the place of api/call.c: a call without a request. */
struct api_call {
    struct world *world;
};

static void answer(struct api_call *call, const char *text)
{
    struct world *w = call->world;
    snprintf(w->answer, sizeof w->answer, "%s", text);
    w->answered = true;
    free(call);
}

void api_call_succeed(struct api_call *call, json_t *fields)
{
    char *text = json_dumps(fields, JSON_COMPACT);
    json_decref(fields);
    answer(call, text);
    free(text);
}

void api_call_fail(struct api_call *call, const char *code, const char *fmt, ...)
{
    (void)fmt;
    answer(call, code);
}

const char *api_call_secret_id(const struct api_call *call)
{
    (void)call;
    return "AKID";
}

const char *api_call_idempotency_key(const struct api_call *call)
{
    (void)call;
    return NULL;
}

static bool has_answer(struct world *w)
{
    return w->answered;
}

static struct api_call *call(struct world *w)
{
    struct api_call *call = calloc(1, sizeof *call);
    w->answered = false;
    call->world = w;
    return call;
}

static bool succeeded(struct world *w)
{
    world_wait(w, has_answer);
    return w->answer[0] == '{';
}

bool world_failed_with(const struct world *w, const char *code)
{
    return strcmp(w->answer, code) == 0;
}

struct asking {
    struct world *w;
    const char *room, *robot, *task_id;
};

static void ask_create(void *ctx)
{
    const struct asking *a = ctx;
    struct create_params *params;
    struct api_problem problem = { 0 };
    struct value_error error;
    struct value *in;
    struct buf sig, text;
    buf_init(&sig, 4096);
    buf_init(&text, 8192);
    assert_int_equal(
        usersig_mint(WORLD_APP, bytes_str(a->robot), bytes_str(APP_KEY), clock_wall(), 3600, &sig),
        OK);
    buf_printf(
        &text,
        "{\"SdkAppId\":%u,\"RoomId\":\"%s\",\"RoomIdType\":0,\"UserId\":\"%s\",\"UserSig\":"
        "\"%s\",\"RecordParams\":{\"RecordMode\":1,\"MaxIdleTime\":3600,\"OutputFormat\":%u},"
        "\"StorageParams\":"
        "{\"CloudStorage\":{\"Vendor\":1,\"Region\":\"local\",\"Bucket\":\"b\","
        "\"AccessKey\":\"AK\",\"SecretKey\":\"SK\"}}}",
        WORLD_APP, a->room, a->robot, buf_str(&sig), a->w->output_format);
    assert_int_equal(value_from_json(&in, buf_bytes(&text), &error), OK);
    if (create_params_read(&params, in, 0, &problem))
        fail_msg("%s: %s", problem.code, problem.detail);
    value_free(in);
    buf_fini(&sig);
    buf_fini(&text);
    tasks_api_ops.create(a->w->tasks, params, call(a->w));
}

bool world_create(struct world *w, const char *room, const char *robot)
{
    struct asking a = { .w = w, .room = room, .robot = robot };
    loop_call(w->loop, ask_create, &a);
    if (!succeeded(w))
        return false;
    const char *id = strstr(w->answer, "\"TaskId\":\"");
    assert_non_null(id);
    snprintf(w->task_id, sizeof w->task_id, "%.*s", TASK_ID_LENGTH, id + 10);
    return true;
}

static void ask_describe(void *ctx)
{
    const struct asking *a = ctx;
    tasks_api_ops.describe(a->w->tasks, WORLD_APP, a->task_id, call(a->w));
}

static void ask_delete(void *ctx)
{
    const struct asking *a = ctx;
    tasks_api_ops.delete(a->w->tasks, WORLD_APP, a->task_id, call(a->w));
}

bool world_describe(struct world *w, const char *task_id)
{
    struct asking a = { .w = w, .task_id = task_id };
    loop_call(w->loop, ask_describe, &a);
    return succeeded(w);
}

bool world_delete(struct world *w, const char *task_id)
{
    struct asking a = { .w = w, .task_id = task_id };
    loop_call(w->loop, ask_delete, &a);
    return succeeded(w);
}

/* --- files and events --- */

static void queue_file(void *ctx)
{
    const struct asking *a = ctx;
    struct task *t = task_find(a->w->tasks, a->task_id);
    assert_non_null(t);
    assert_int_equal(upload_task_segment(t->upload, a->room, "", strlen(a->room)), OK);
}

void world_record(struct world *w, const char *task_id, const char *name)
{
    char path[256];
    struct asking a = { .w = w, .task_id = task_id, .room = name };
    snprintf(path, sizeof path, "spool/%s/%s", task_id, name);
    temp_dir_write(&w->dir, path, name);
    loop_call(w->loop, queue_file, &a);
}

struct reading {
    struct world *w;
    const char *task_id;
    char *out;
    int rows;
};

/* The number or text that makes out the event. */
static void put_event(char *out, int type, const char *body)
{
    static const char *const names[] = { "\"Status\":", "\"LeaveCode\":", "\"Code\":\"" };
    size_t len = strlen(out);
    len += (size_t)snprintf(out + len, 1024 - len, "%s%d", len ? ", " : "", type);
    for (size_t i = 0; i < 3; i++) {
        const char *at = strstr(body, names[i]);
        if (at)
            snprintf(out + len, 1024 - len, " %.*s", (int)strcspn(at + strlen(names[i]), ",}\""),
                     at + strlen(names[i]));
    }
}

static void on_event(void *ctx, struct event *event)
{
    struct reading *r = ctx;
    if (strcmp(event->task_id, r->task_id) == 0)
        put_event(r->out, event->type, buf_str(&event->body));
    event_free(event);
}

static void on_row(void *ctx, const struct store_task *row)
{
    (void)row;
    ((struct reading *)ctx)->rows++;
}

static void read_store(void *ctx)
{
    struct reading *r = ctx;
    struct store *store;
    char path[128];
    snprintf(path, sizeof path, "%s/state.db", r->w->dir.path);
    assert_int_equal(store_open(&store, path, &master, r->w->loop), OK);
    if (r->task_id)
        assert_int_equal(store_load_events(store, on_event, r), OK);
    assert_int_equal(store_load_tasks(store, on_row, r), OK);
    store_close(store);
}

static void read_stopped(struct world *w, struct reading *r)
{
    if (w->loop)
        world_stop(w);
    assert_int_equal(loop_new(&w->loop, "reader", 100), OK);
    loop_call(w->loop, read_store, r);
    loop_free(w->loop);
    w->loop = NULL;
}

void world_events(struct world *w, const char *task_id, char *out)
{
    struct reading r = { .w = w, .task_id = task_id, .out = out };
    out[0] = 0;
    read_stopped(w, &r);
}

int world_rows(struct world *w)
{
    struct reading r = { .w = w };
    read_stopped(w, &r);
    return r.rows;
}
