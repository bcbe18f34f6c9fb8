#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/call.h"
#include "api/modify.h"
#include "base/err.h"
#include "base/str.h"
#include "room/usersig.h"
#include "task/ledger.h"
#include "upload/loop_clock.h"

#define KEY "example-sdk-secret-key"

static const struct seal_key master = { { 1 } };

static const char yaml[] =
    "data: %s\n"
    "apps:\n"
    "- { sdk_app_id: 1, key: " KEY ", callback: { url: \"http://127.0.0.1:1/\" } }\n"
    "- { sdk_app_id: 2, key: " KEY ", callback: { url: \"http://127.0.0.1:1/\" },\n"
    "    auto_record: { region: local, bucket: auto } }\n"
    "credentials: [{ secret_id: a, secret_key: b }]\n"
    "limits: { tasks_per_app: 1000 }\n";

/* --- start and end --- */

static bool receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    (void)ctx, (void)sdk_app_id, (void)group;
    *out = (struct outbox_receiver){ .url = "http://127.0.0.1:1/",
                                     .schedule = { .max_age = 24 * 3600 * SEC,
                                                   .max_pause = 600 * SEC } };
    return true;
}

static usec_t now(void *ctx)
{
    (void)ctx;
    return clock_mono();
}

static struct media_loop *no_media(void *ctx, uint64_t session)
{
    (void)ctx, (void)session;
    return NULL;
}

static void path_in(const struct rig *rig, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", rig->dir.path, name);
}

static void start_on_loop(void *ctx)
{
    struct rig *rig = ctx;
    char path[256];
    const struct delivery_settings delivery = { .receiver = receiver };
    const struct rooms_limits limits = ROOMS_DEFAULT_LIMITS;
    static struct api_ops ops;
    static const char *const regions[] = { "local" };
    const struct api_settings settings = { .regions = regions, .region_count = 1 };
    path_in(rig, "state.db", path);
    assert_int_equal(store_open(&rig->store, path, &master, rig->loop), OK);
    assert_int_equal(delivery_open(&rig->delivery, rig->loop, rig->store, &delivery), OK);
    assert_int_equal(loop_clock_open(&rig->clock, rig->loop), OK);
    const struct upload_clock clock = loop_clock_of(rig->clock);
    rig->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    loop_clock_attach(rig->clock, rig->uploader);
    rig->rooms = rooms_new(&limits);
    const struct tasks_config tasks = { .config = rig->config,
                                        .control = rig->loop,
                                        .rooms = rig->rooms,
                                        .store = rig->store,
                                        .delivery = rig->delivery,
                                        .spool = rig->spool,
                                        .writer = rig->writer,
                                        .uploader = rig->uploader,
                                        .recorded = &rig->recorded,
                                        .key = &master,
                                        .version = "1",
                                        .date = "1",
                                        .media_of = no_media };
    rig->tasks = tasks_new(&tasks);
    ops = tasks_api_ops;
    ops.now = now;
    rig->api = api_new(&settings, &ops, rig->tasks);
    assert_true(rig->tasks && rig->api && rig->uploader);
    assert_int_equal(tasks_recover(rig->tasks), OK);
    assert_int_equal(tasks_auto_record(rig->tasks), OK);
}

static void start(struct rig *rig)
{
    char path[256];
    path_in(rig, "spool", path);
    assert_int_equal(spool_open(&rig->spool, path), OK);
    assert_int_equal(spool_writer_new(&rig->writer, &SPOOL_LIMITS_DEFAULT, NULL), OK);
    assert_int_equal(loop_new(&rig->loop, "control", 4096), OK);
    loop_call(rig->loop, start_on_loop, rig);
}

void rig_open(struct rig *rig)
{
    char text[1024], path[256];
    struct buf complaints;
    *rig = (struct rig){ .dir = temp_dir_new() };
    buf_init(&complaints, 4096);
    snprintf(text, sizeof text, yaml, rig->dir.path);
    assert_int_equal(config_parse(&rig->config, "rig", bytes_str(text), &complaints), OK);
    buf_fini(&complaints);
    rig->config->apps.items[1].auto_record->resume_timeout = 0;
    path_in(rig, "buckets", path);
    assert_int_equal(mkdir(path, 0700), 0);
    start(rig);
}

static void stop_on_loop(void *ctx)
{
    struct rig *rig = ctx;
    tasks_free(rig->tasks);
    delivery_close(rig->delivery);
    uploader_free(rig->uploader);
    loop_clock_close(rig->clock);
    store_close(rig->store);
}

static void free_on_loop(void *ctx)
{
    struct rig *rig = ctx;
    api_free(rig->api);
    rooms_free(rig->rooms);
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void end_on_loop(void *ctx)
{
    struct rig *rig = ctx;
    tasks_shutdown(rig->tasks, on_drained, NULL);
}

static void stop(struct rig *rig)
{
    loop_call(rig->loop, end_on_loop, rig);
    spool_writer_free(rig->writer);
    loop_call(rig->loop, stop_on_loop, rig);
    loop_call(rig->loop, free_on_loop, rig);
    loop_free(rig->loop);
    spool_close(rig->spool);
}

void rig_restart(struct rig *rig)
{
    stop(rig);
    start(rig);
}

struct reading {
    struct rig *rig;
    store_event_row *on_event;
    void *ctx;
    size_t rows;
};

static void on_row(void *ctx, const struct store_task *row)
{
    (void)row;
    ((struct reading *)ctx)->rows++;
}

static void read_on_loop(void *ctx)
{
    struct reading *r = ctx;
    char path[256];
    path_in(r->rig, "state.db", path);
    assert_int_equal(store_open(&r->rig->store, path, &master, r->rig->loop), OK);
    assert_int_equal(store_load_tasks(r->rig->store, on_row, r), OK);
    assert_int_equal(store_load_events(r->rig->store, r->on_event, r->ctx), OK);
    store_close(r->rig->store);
}

void rig_close(struct rig *rig, store_event_row *on_event, void *ctx)
{
    struct reading reading = { rig, on_event, ctx, 0 };
    uint64_t spooled = 1;
    stop(rig);
    assert_int_equal(loop_new(&rig->loop, "reader", 64), OK);
    loop_call(rig->loop, read_on_loop, &reading);
    loop_free(rig->loop);
    assert_int_equal(reading.rows, 0); /* every task is gone */

    char path[256];
    path_in(rig, "spool", path);
    assert_int_equal(spool_open(&rig->spool, path), OK);
    assert_int_equal(spool_disk_bytes(rig->spool, &spooled), OK);
    assert_int_equal(spooled, 0); /* and its folder */
    spool_close(rig->spool);
    config_free(rig->config);
    temp_dir_free(&rig->dir);
}

/* --- waiting --- */

struct unrest {
    struct rig *rig;
    bool busy;
};

static bool is_busy(const struct task *t)
{
    bool idle_now = t->state == TASK_RUNNING && t->params->record.max_idle_s == 0 &&
                    !recording_attended(t->recording);
    return t->state != TASK_RUNNING || idle_now;
}

static void look_for_unrest(void *ctx)
{
    struct unrest *u = ctx;
    const struct task *t, *next;
    u->busy = !ledger_idle(u->rig->tasks->ledger);
    HASH_ITER(hh, u->rig->tasks->by_id, t, next)
    {
        u->busy |= is_busy(t);
    }
}

void rig_settle(struct rig *rig)
{
    struct unrest unrest = { rig, true };
    usec_t end = clock_mono() + 60 * SEC;
    while (unrest.busy) {
        assert_true(clock_mono() < end);
        loop_call(rig->loop, look_for_unrest, &unrest);
    }
}

/* --- the API --- */

struct action {
    struct rig *rig;
    void (*run)(struct action *action, struct api_call *call);
    const void *wanted;
    const char *task_id;
    struct rig_answer answer;
    uv_sem_t answered;
};

static void copy_text(char *out, size_t size, const json_t *from, const char *name)
{
    const char *text = json_string_value(json_object_get(from, name));
    snprintf(out, size, "%s", text ? text : "");
}

static void on_reply(void *ctx, struct http_answer *answer)
{
    struct action *action = ctx;
    json_t *root = json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL);
    const json_t *response = json_object_get(root, "Response");
    assert_non_null(response);
    struct rig_answer *a = &action->answer;
    copy_text(a->code, sizeof a->code, json_object_get(response, "Error"), "Code");
    copy_text(a->task_id, sizeof a->task_id, response, "TaskId");
    copy_text(a->status, sizeof a->status, response, "Status");
    json_decref(root);
    http_answer_fini(answer);
    uv_sem_post(&action->answered);
}

static void run_on_loop(void *ctx)
{
    struct action *action = ctx;
    struct api_call *call = api_call_new(action->rig->api, (struct api_reply){ on_reply, action });
    assert_non_null(call);
    action->run(action, call);
}

static struct rig_answer act(struct rig *rig, struct action action)
{
    action.rig = rig;
    uv_sem_init(&action.answered, 0);
    loop_call(rig->loop, run_on_loop, &action);
    uv_sem_wait(&action.answered);
    uv_sem_destroy(&action.answered);
    return action.answer;
}

static void ignore(void *ctx, const struct schema_error *e)
{
    (void)ctx, (void)e;
}

static void set_list(struct schema_strings *list, const char *entry)
{
    free(list->items);
    *list = (struct schema_strings){ 0 };
    if (!entry)
        return;
    list->items = calloc(1, sizeof *list->items);
    list->items[0] = strdup(entry);
    list->count = 1;
}

static char *ticket(const char *user)
{
    struct buf sig;
    buf_init(&sig, 4096);
    assert_int_equal(
        usersig_mint(RIG_APP, bytes_str(user), bytes_str(KEY), clock_wall(), 86400, &sig), OK);
    return buf_detach(&sig);
}

static void run_create(struct action *action, struct api_call *call)
{
    const struct rig_create *w = action->wanted;
    struct schema_sink sink = { .report = ignore };
    struct create_params *p = calloc(1, sizeof *p);
    struct cloud_storage *s = calloc(1, sizeof *s);
    assert_int_equal(schema_read(&create_schema, p, NULL, &sink), OK);
    p->sdk_app_id = RIG_APP;
    p->room_id = strdup(w->room);
    p->room_id_type = ROOM_ID_STRING;
    p->user_id = strdup(w->robot);
    p->user_sig = ticket(w->robot);
    p->record.mode = RECORD_SINGLE;
    p->record.max_idle_s = w->max_idle_s;
    set_list(&p->record.subscribe.audio_allow, w->allow_audio);
    set_list(&p->record.subscribe.audio_block, w->block_audio);
    p->record.stream_type = STREAM_AUDIO;
    s->vendor = VENDOR_S3;
    s->region = strdup("local");
    s->bucket = strdup("recordings");
    s->access_key = strdup("AK");
    s->secret_key = strdup("SK");
    p->storage.cloud_storage = s;
    tasks_api_ops.create(action->rig->tasks, p, call);
}

struct rig_answer rig_create(struct rig *rig, const struct rig_create *wanted)
{
    return act(rig, (struct action){ .run = run_create, .wanted = wanted });
}

static void run_describe(struct action *action, struct api_call *call)
{
    tasks_api_ops.describe(action->rig->tasks, RIG_APP, action->task_id, call);
}

struct rig_answer rig_describe(struct rig *rig, const char *task_id)
{
    return act(rig, (struct action){ .run = run_describe, .task_id = task_id });
}

static void run_delete(struct action *action, struct api_call *call)
{
    tasks_api_ops.delete(action->rig->tasks, RIG_APP, action->task_id, call);
}

struct rig_answer rig_delete(struct rig *rig, const char *task_id)
{
    return act(rig, (struct action){ .run = run_delete, .task_id = task_id });
}

static void run_modify(struct action *action, struct api_call *call)
{
    struct modify_params *p = calloc(1, sizeof *p);
    p->sdk_app_id = RIG_APP;
    p->task_id = strdup(action->task_id);
    p->subscribe = calloc(1, sizeof *p->subscribe);
    set_list(&p->subscribe->audio_allow, action->wanted);
    tasks_api_ops.modify(action->rig->tasks, p, call);
}

struct rig_answer rig_modify(struct rig *rig, const char *task_id, const char *allow_audio)
{
    return act(rig,
               (struct action){ .run = run_modify, .task_id = task_id, .wanted = allow_audio });
}

/* --- rooms --- */

struct coming {
    struct rig *rig;
    uint32_t app;
    const char *room, *user;
    enum room_stream stream;
    uint64_t session;
    enum media_kind kind;
    bool live;
};

static void enter_on_loop(void *ctx)
{
    struct coming *c = ctx;
    struct room_key key = { .sdk_app_id = c->app };
    struct room_replaced replaced;
    const struct room_entry entry = { c->user, c->stream, c->session, true, true, clock_wall() };
    assert_int_equal(room_id_parse(bytes_str(c->room), ROOM_ID_STRING, &key.id), OK);
    assert_int_equal(rooms_enter(c->rig->rooms, &key, &entry, &replaced), OK);
}

uint64_t rig_enter(struct rig *rig, uint32_t app, const char *room, const char *user,
                   enum room_stream stream)
{
    struct coming c = { rig, app, room, user, stream, .session = ++rig->session };
    loop_call(rig->loop, enter_on_loop, &c);
    return c.session;
}

static void leave_on_loop(void *ctx)
{
    struct coming *c = ctx;
    rooms_leave(c->rig->rooms, c->session, ROOM_EXIT_NORMAL);
}

void rig_leave(struct rig *rig, uint64_t session)
{
    struct coming c = { rig, .session = session };
    loop_call(rig->loop, leave_on_loop, &c);
}

static void media_on_loop(void *ctx)
{
    struct coming *c = ctx;
    rooms_media(c->rig->rooms, c->session, c->kind, c->live);
}

void rig_media(struct rig *rig, uint64_t session, enum media_kind kind, bool live)
{
    struct coming c = { rig, .session = session, .kind = kind, .live = live };
    loop_call(rig->loop, media_on_loop, &c);
}

struct look {
    struct rig *rig;
    void (*fn)(struct rig *rig, void *ctx);
    void *ctx;
};

static void look_on_loop(void *ctx)
{
    struct look *look = ctx;
    look->fn(look->rig, look->ctx);
}

void rig_look(struct rig *rig, void (*fn)(struct rig *rig, void *ctx), void *ctx)
{
    struct look look = { rig, fn, ctx };
    loop_call(rig->loop, look_on_loop, &look);
}
