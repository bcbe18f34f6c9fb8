#include "rig.h"

#include <semaphore.h>
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

#define PATIENCE (60 * SEC)
#define KEY      "example-sdk-secret-key"

static const struct seal_key master = { { 1 } };

static const char yaml[] =
    "data: %s\n"
    "apps:\n"
    "- { sdk_app_id: 1, key: " KEY ", callback: { url: \"http://127.0.0.1:1/\" } }\n"
    "- { sdk_app_id: 2, key: " KEY ", callback: { url: \"http://127.0.0.1:1/\" },\n"
    "    auto_record: { region: local, bucket: auto } }\n"
    "credentials: [{ secret_id: a, secret_key: b }]\n"
    "limits: { tasks_per_app: 1000 }\n";

/* --- what is wrong --- */

void rig_wrong(struct rig *rig, const char *fmt, ...)
{
    va_list args;
    if (rig->wrong[0])
        return;
    va_start(args, fmt);
    vsnprintf(rig->wrong, sizeof rig->wrong, fmt, args);
    va_end(args);
}

#define expect(rig, holds)                                                                         \
    ((holds) ? (void)0 : rig_wrong(rig, "%s:%d: %s", __FILE__, __LINE__, #holds))

static void call(struct rig *rig, void (*fn)(void *ctx), void *ctx)
{
    loop_call(rig->loop, fn, ctx);
    if (rig->wrong[0])
        fail_msg("%s", rig->wrong);
}

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
    int err = store_open(&rig->store, path, &master, rig->loop);
    err = err ? err : delivery_open(&rig->delivery, rig->loop, rig->store, &delivery);
    err = err ? err : loop_clock_open(&rig->clock, rig->loop);
    if (err) {
        rig_wrong(rig, "no start: %s", err_text(err));
        return;
    }
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
    expect(rig, rig->tasks && rig->api && rig->uploader);
    expect(rig, tasks_recover(rig->tasks) == OK);
    expect(rig, tasks_auto_record(rig->tasks) == OK);
}

static void start(struct rig *rig)
{
    char path[256];
    path_in(rig, "spool", path);
    assert_int_equal(spool_open(&rig->spool, path), OK);
    assert_int_equal(spool_writer_new(&rig->writer, &SPOOL_LIMITS_DEFAULT, NULL), OK);
    assert_int_equal(loop_new(&rig->loop, "control", 4096), OK);
    call(rig, start_on_loop, rig);
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
    spool_writer_free(rig->writer);
    call(rig, stop_on_loop, rig);
    call(rig, free_on_loop, rig);
    loop_free(rig->loop);
    rig->loop = NULL;
    spool_close(rig->spool);
}

void rig_restart(struct rig *rig)
{
    call(rig, end_on_loop, rig);
    stop(rig);
    start(rig);
}

/* Outputs give their memory back at their end only. The tasks are told nothing and tell nothing. */
static void let_go_on_loop(void *ctx)
{
    const struct rig *rig = ctx;
    struct task *t, *next;
    if (!rig->tasks)
        return;
    HASH_ITER(hh, rig->tasks->by_id, t, next)
    {
        if (t->state == TASK_RUNNING)
            recording_end(t->recording);
    }
}

void rig_kill(struct rig *rig)
{
    call(rig, let_go_on_loop, rig);
    stop(rig);
    start(rig);
}

void rig_abandon(struct rig *rig)
{
    if (!rig->config)
        return;
    rig->wrong[0] = 0;
    if (rig->loop) {
        call(rig, let_go_on_loop, rig);
        stop(rig);
    }
    config_free(rig->config);
    temp_dir_free(&rig->dir);
}

struct reading {
    struct rig *rig;
    store_event_row *on_event;
    void *ctx;
    size_t rows;
    int err;
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
    r->err = store_open(&r->rig->store, path, &master, r->rig->loop);
    if (r->err)
        return;
    r->err = store_load_tasks(r->rig->store, on_row, r);
    r->err = r->err ? r->err : store_load_events(r->rig->store, r->on_event, r->ctx);
    store_close(r->rig->store);
}

static void read_store(struct rig *rig, struct reading *reading)
{
    struct loop *loop;
    assert_int_equal(loop_new(&loop, "reader", 64), OK);
    reading->rig = rig;
    rig->loop = loop;
    loop_call(loop, read_on_loop, reading);
    rig->loop = NULL;
    loop_free(loop);
    if (reading->err || rig->wrong[0])
        fail_msg("the store: %s", reading->err ? err_text(reading->err) : rig->wrong);
}

void rig_close(struct rig *rig, store_event_row *on_event, void *ctx)
{
    struct reading reading = { .on_event = on_event, .ctx = ctx };
    uint64_t spooled = 1;
    call(rig, end_on_loop, rig);
    stop(rig);
    read_store(rig, &reading);
    assert_int_equal(reading.rows, 0); /* every task is gone */

    char path[256];
    path_in(rig, "spool", path);
    assert_int_equal(spool_open(&rig->spool, path), OK);
    assert_int_equal(spool_disk_bytes(rig->spool, &spooled), OK);
    assert_int_equal(spooled, 0); /* and its folder */
    spool_close(rig->spool);
    config_free(rig->config);
    rig->config = NULL;
    temp_dir_free(&rig->dir);
}

/* --- waiting --- */

struct unrest {
    struct rig *rig;
    bool ledger;
    char task[FILE_NAME_SIZE]; /* one of them; "": none */
    int state;
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
    u->ledger = !ledger_idle(u->rig->tasks->ledger);
    u->task[0] = 0;
    HASH_ITER(hh, u->rig->tasks->by_id, t, next)
    {
        if (!is_busy(t))
            continue;
        snprintf(u->task, sizeof u->task, "%s", t->id);
        u->state = (int)t->state;
    }
}

void rig_settle(struct rig *rig)
{
    struct unrest u = { rig, true, "", 0 };
    usec_t end = clock_mono() + PATIENCE;
    while (u.ledger || u.task[0]) {
        if (clock_mono() > end)
            fail_msg("no rest: task %s in state %d, ledger %s", u.task, u.state,
                     u.ledger ? "busy" : "idle");
        call(rig, look_for_unrest, &u);
    }
}

/* --- the API --- */

struct action {
    struct rig *rig;
    void (*run)(struct action *action, struct api_call *call);
    const void *wanted;
    const char *task_id;
    struct rig_answer answer;
    sem_t answered;
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
    expect(action->rig, response != NULL);
    struct rig_answer *a = &action->answer;
    copy_text(a->code, sizeof a->code, json_object_get(response, "Error"), "Code");
    copy_text(a->task_id, sizeof a->task_id, response, "TaskId");
    copy_text(a->status, sizeof a->status, response, "Status");
    json_decref(root);
    http_answer_fini(answer);
    sem_post(&action->answered);
}

static void run_on_loop(void *ctx)
{
    struct action *action = ctx;
    struct api_call *call = api_call_new(action->rig->api, (struct api_reply){ on_reply, action });
    expect(action->rig, call != NULL);
    if (call)
        action->run(action, call);
}

static struct rig_answer act(struct rig *rig, struct action action)
{
    struct timespec end;
    action.rig = rig;
    sem_init(&action.answered, 0, 0);
    call(rig, run_on_loop, &action);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE / SEC;
    if (sem_timedwait(&action.answered, &end))
        fail_msg("no answer about task %s", action.task_id ? action.task_id : "to be");
    sem_destroy(&action.answered);
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

static char *ticket(struct rig *rig, const char *user)
{
    struct buf sig;
    buf_init(&sig, 4096);
    expect(rig, !usersig_mint(RIG_APP, bytes_str(user), bytes_str(KEY), clock_wall(), 86400, &sig));
    return buf_detach(&sig);
}

static void run_create(struct action *action, struct api_call *call)
{
    const struct rig_create *w = action->wanted;
    struct schema_sink sink = { .report = ignore };
    struct create_params *p = calloc(1, sizeof *p);
    struct cloud_storage *s = calloc(1, sizeof *s);
    expect(action->rig, schema_read(&create_schema, p, NULL, &sink) == OK);
    p->sdk_app_id = RIG_APP;
    p->room_id = strdup(w->room);
    p->room_id_type = ROOM_ID_STRING;
    p->user_id = strdup(w->robot);
    p->user_sig = ticket(action->rig, w->robot);
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
    expect(c->rig, room_id_parse(bytes_str(c->room), ROOM_ID_STRING, &key.id) == OK);
    expect(c->rig, rooms_enter(c->rig->rooms, &key, &entry, &replaced) == OK);
}

uint64_t rig_enter(struct rig *rig, uint32_t app, const char *room, const char *user,
                   enum room_stream stream)
{
    struct coming c = { rig, app, room, user, stream, .session = ++rig->session };
    call(rig, enter_on_loop, &c);
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
    call(rig, leave_on_loop, &c);
}

static void media_on_loop(void *ctx)
{
    struct coming *c = ctx;
    rooms_media(c->rig->rooms, c->session, c->kind, c->live);
}

void rig_media(struct rig *rig, uint64_t session, enum media_kind kind, bool live)
{
    struct coming c = { rig, .session = session, .kind = kind, .live = live };
    call(rig, media_on_loop, &c);
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
    call(rig, look_on_loop, &look);
}
