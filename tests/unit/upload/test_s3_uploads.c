/* The uploader with S3 buckets against stores that misbehave to order: what the operator hears, how
 * long it waits, and what is sent twice. Requests are real, pauses are virtual. */
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "s3_stub.h"
#include "spool/spool.h"
#include "upload/s3_bucket.h"
#include "upload/uploader.h"

#define PART       (100u << 10)
#define LARGE      (4 * PART + 123) /* five parts */
#define MAX_ERRORS 16

struct world {
    struct temp_dir dir;
    struct spool *spool;
    struct loop *control;
    struct http_client *client;
    struct uploader *uploader;
    char *content; /* LARGE */

    /* on the loop */
    uv_timer_t timer;  /* ticks that are due */
    usec_t now, pause; /* virtual; when the newest pause ends */
    sem_t quiet;       /* a pause began, or a customer's files are delivered */
};

/* A task with a store of its own. */
struct customer {
    struct world *world;
    const char *id;
    struct s3_stub *stub;
    struct s3_bucket_config config;
    struct spool_folder *folder;
    struct upload_task *task;
    unsigned errors;
    struct upload_outcome heard[MAX_ERRORS];
    bool idle;
};

/* ---- the clock ---- */

static usec_t world_now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

static void on_tick(uv_timer_t *timer)
{
    uploader_tick(((struct world *)timer->data)->uploader);
}

static void world_wake_at(void *ctx, usec_t deadline)
{
    struct world *w = ctx;
    if (deadline <= w->now) {
        uv_timer_start(&w->timer, on_tick, 0, 0);
        return;
    }
    uv_timer_stop(&w->timer);
    if (deadline != USEC_NEVER && deadline != w->pause) {
        w->pause = deadline;
        sem_post(&w->quiet);
    }
}

static uint32_t world_random(void *ctx)
{
    (void)ctx;
    return 0; /* the shortest pause of each range */
}

static void end_pause(void *ctx)
{
    struct world *w = ctx;
    w->now = w->pause;
    uploader_tick(w->uploader);
}

/* ---- the world ---- */

static void open_world(void *ctx)
{
    struct world *w = ctx;
    const struct upload_clock clock = { world_now, world_wake_at, world_random, w };
    uv_timer_init(loop_uv(w->control), &w->timer);
    w->timer.data = w;
    assert_int_equal(
        http_client_new(&w->client, w->control, &(struct http_client_settings){ .per_host = 32 }),
        OK);
    w->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
}

static void close_world(void *ctx)
{
    struct world *w = ctx;
    uploader_free(w->uploader);
    http_client_free(w->client);
    uv_close((uv_handle_t *)&w->timer, NULL);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->dir = temp_dir_new();
    w->content = malloc(LARGE + 1);
    for (size_t i = 0; i < LARGE; i++)
        w->content[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    w->content[LARGE] = 0;
    sem_init(&w->quiet, 0, 0);
    assert_int_equal(spool_open(&w->spool, w->dir.path), OK);
    assert_int_equal(loop_new(&w->control, "control", 10), OK);
    loop_call(w->control, open_world, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    loop_call(w->control, close_world, w);
    loop_free(w->control);
    spool_close(w->spool);
    temp_dir_free(&w->dir);
    sem_destroy(&w->quiet);
    free(w->content);
    free(w);
    return 0;
}

/* ---- customers ---- */

static void on_error(void *ctx, const char *name, const struct upload_outcome *outcome)
{
    struct customer *c = ctx;
    assert_string_equal(name, "1.ts");
    if (c->errors < MAX_ERRORS)
        c->heard[c->errors] = *outcome;
    c->errors++;
}

static void on_idle(void *ctx)
{
    struct customer *c = ctx;
    c->idle = true;
    sem_post(&c->world->quiet);
}

static const struct upload_events events = { .error = on_error, .idle = on_idle };

static void begin_task(void *ctx)
{
    struct customer *c = ctx;
    struct bucket *bucket;
    assert_int_equal(s3_bucket_new(&bucket, &c->config), OK);
    assert_int_equal(
        upload_task_new(&c->task, c->world->uploader, c->folder, bucket, "p", &events, c), OK);
}

static void end_task(void *ctx)
{
    struct customer *c = ctx;
    upload_task_free(c->task);
}

static void customer_init(struct customer *c, struct world *w, const char *id)
{
    struct spool_meta meta = { .task_id = (char *)id, .room = "1", .robot = "r", .storage = "" };
    *c = (struct customer){ .world = w, .id = id, .stub = stub_new(NULL) };
    c->config = (struct s3_bucket_config){ .control = w->control,
                                           .client = w->client,
                                           .endpoint = stub_endpoint(c->stub),
                                           .path_style = true,
                                           .region = "us-east-1",
                                           .name = "bucket",
                                           .access_key = "AK",
                                           .secret_key = "SK",
                                           .multipart_from = 2 * PART,
                                           .part_size = PART,
                                           .stall_timeout = SEC };
    assert_int_equal(spool_create(&c->folder, w->spool, &meta), OK);
}

static void customer_fini(struct customer *c)
{
    loop_call(c->world->control, end_task, c);
    spool_folder_unref(c->folder);
    struct stub_counts counts = stub_counts(c->stub);
    if (counts.broken)
        fail_msg("the store complains of %u requests, the last about %s", counts.broken,
                 counts.why);
    stub_free(c->stub);
}

struct adding {
    struct customer *c;
    const char *name;
};

static void add_file(void *ctx)
{
    struct adding *a = ctx;
    assert_int_equal(upload_task_segment(a->c->task, a->name, "", LARGE), OK);
}

static void add(struct customer *c, const char *name)
{
    char path[128];
    struct adding adding = { c, name };
    snprintf(path, sizeof path, "%s/%s", c->id, name);
    temp_dir_write(&c->world->dir, path, c->world->content);
    loop_call(c->world->control, add_file, &adding);
}

static void check_delivered(struct customer *c, const char *name)
{
    char path[128], type[64];
    size_t len;
    snprintf(path, sizeof path, "/bucket/p/%s/%s", c->id, name);
    char *bytes = stub_object(c->stub, path, &len, type);
    assert_non_null(bytes);
    assert_int_equal(len, LARGE);
    assert_memory_equal(bytes, c->world->content, LARGE);
    assert_string_equal(type, "video/mp2t");
    free(bytes);
    snprintf(path, sizeof path, "%s/%s", c->id, name);
    assert_false(temp_dir_has(&c->world->dir, path));
}

/* ---- misbehaviour ---- */

/* One file of five parts, and a store that fails so for a while. */
struct story {
    const char *what;
    enum stub_op op;
    enum stub_fault fault;
    unsigned skip, times;
    unsigned pauses; /* that follow, 1 s, 2 s, 4 s, ... */
    enum upload_result result;
    const char *code;
    unsigned twice;  /* parts sent again, at most */
    unsigned spared; /* pauses that libcurl may spare us by sending again at once */
};

static const struct story stories[] = {
    { "503 for a part", STUB_PART, STUB_SLOW_DOWN, 2, 3, 3, UPLOAD_RETRY, "SlowDown", 3 },
    { "503 at the begin", STUB_INITIATE, STUB_SLOW_DOWN, 0, 4, 4, UPLOAD_RETRY, "SlowDown", 0 },
    { "503 at the end", STUB_COMPLETE, STUB_SLOW_DOWN, 0, 2, 2, UPLOAD_RETRY, "SlowDown", 0 },
    /* libcurl sends once more by itself when a kept connection dies. */
    { "reset in mid-part", STUB_PART, STUB_RESET, 3, 2, 2, UPLOAD_RETRY, "ConnectionBroken", 1, 1 },
    { "the answer to a part is lost", STUB_PART, STUB_LOST, 1, 1, 0, UPLOAD_OK, "", 1 },
    { "no answer to a part", STUB_PART, STUB_LOST, 1, 2, 1, UPLOAD_RETRY, "ConnectionBroken", 2 },
    { "no answer to the begin", STUB_INITIATE, STUB_LOST, 0, 2, 1, UPLOAD_RETRY, "ConnectionBroken",
      0 },
    { "a stalled answer", STUB_PART, STUB_STALL, 1, 1, 1, UPLOAD_RETRY, "Timeout", 1 },
    { "a wrong ETag", STUB_PART, STUB_WRONG_ETAG, 4, 2, 2, UPLOAD_RETRY, "WrongETag", 2 },
    { "200 with an error", STUB_COMPLETE, STUB_ERROR_200, 0, 2, 2, UPLOAD_RETRY, "InternalError",
      0 },
    { "200 that says nothing", STUB_COMPLETE, STUB_NO_WORD, 0, 1, 1, UPLOAD_RETRY, "BadAnswer", 0 },
    { "the upload is forgotten", STUB_PART, STUB_NO_UPLOAD, 3, 1, 1, UPLOAD_RETRY, "NoSuchUpload",
      4 },
    { "forgotten at the end", STUB_COMPLETE, STUB_NO_UPLOAD, 0, 1, 1, UPLOAD_RETRY, "NoSuchUpload",
      5 },
    { "joined, but the answer is lost", STUB_COMPLETE, STUB_LOST, 0, 1, 0, UPLOAD_OK, "", 0 },
    { "wrong rights", STUB_PART, STUB_DENIED, 2, 3, 3, UPLOAD_DENIED, "AccessDenied", 3 },
    { "a wrong key", STUB_INITIATE, STUB_WRONG_KEY, 0, 2, 2, UPLOAD_DENIED, "SignatureDoesNotMatch",
      0 },
    { "no bucket", STUB_INITIATE, STUB_NO_BUCKET, 0, 2, 2, UPLOAD_NO_BUCKET, "NoSuchBucket", 0 },
    { "another region", STUB_INITIATE, STUB_ELSEWHERE, 0, 1, 1, UPLOAD_BAD_REQUEST,
      "PermanentRedirect", 0 },
};

/* Until the file is delivered; gives the number of pauses, each twice as long as the one before. */
static unsigned live_through(struct customer *c)
{
    struct world *w = c->world;
    for (unsigned pauses = 0;; pauses++) {
        sem_wait(&w->quiet);
        if (c->idle)
            return pauses;
        assert_true(w->pause - w->now == SEC << pauses);
        loop_call(w->control, end_pause, w);
    }
}

static void check_heard(const struct customer *c, const struct story *s)
{
    assert_int_equal(c->errors, s->pauses > 0); /* once, while the reason stays the same */
    if (!c->errors)
        return;
    if (c->heard[0].result != s->result || strcmp(c->heard[0].code, s->code) != 0)
        fail_msg("%s: %s, `%s`, `%s`", s->what, upload_result_text(c->heard[0].result),
                 c->heard[0].code, c->heard[0].message);
}

static void tell(struct world *w, const struct story *s, const char *id)
{
    struct customer c;
    uint64_t failures = counter_get(&uploader_stats(w->uploader)->results[s->result]);
    customer_init(&c, w, id);
    stub_fail(c.stub, s->op, s->fault, s->skip, s->times);
    loop_call(w->control, begin_task, &c);
    add(&c, "1.ts");
    unsigned pauses = live_through(&c);
    check_delivered(&c, "1.ts");
    if (pauses > s->pauses || pauses + s->spared < s->pauses)
        fail_msg("%s: %u pauses", s->what, pauses);
    check_heard(&c, s);
    assert_int_equal(counter_get(&uploader_stats(w->uploader)->results[s->result]) - failures,
                     pauses + (s->result == UPLOAD_OK));

    struct stub_counts counts = stub_counts(c.stub);
    uint64_t twice = counts.bytes[STUB_PART] + counts.cut_bytes - LARGE;
    if (twice > s->twice * (uint64_t)PART)
        fail_msg("%s: %llu bytes sent twice", s->what, (unsigned long long)twice);
    customer_fini(&c);
}

static void misbehaviour_is_lived_through(void **state)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        char id[16];
        snprintf(id, sizeof id, "task-%zu", i);
        tell(*state, &stories[i], id);
    }
}

/* The store's clock is taken over with the first refusal: one pause, and nothing of the file was
 * sent before. */
static void a_skewed_clock_costs_one_pause(void **state)
{
    struct customer c;
    customer_init(&c, *state, "task");
    stub_set_clock(c.stub, 7200);
    loop_call(c.world->control, begin_task, &c);
    add(&c, "1.ts");
    assert_int_equal(live_through(&c), 1);
    check_delivered(&c, "1.ts");
    assert_int_equal(c.errors, 1);
    assert_string_equal(c.heard[0].code, "RequestTimeTooSkewed");
    assert_int_equal(c.heard[0].result, UPLOAD_RETRY);
    assert_int_equal(stub_counts(c.stub).bytes[STUB_PART], LARGE);
    customer_fini(&c);
}

/* ---- two customers ---- */

static void wait_for(struct customer *c, enum stub_op op, unsigned count)
{
    while (stub_counts(c->stub).requests[op] < count)
        usleep(1000);
}

/* One store takes connections and never answers: it holds no more than its share of the places, and
 * the other's files arrive while it does. */
static void a_dead_bucket_holds_up_nobody_else(void **state)
{
    struct world *w = *state;
    struct customer dead, good;
    customer_init(&dead, w, "dead");
    customer_init(&good, w, "good");
    dead.config.stall_timeout = 600 * SEC;
    stub_fail(dead.stub, STUB_INITIATE, STUB_STALL, 0, 1000);
    loop_call(w->control, begin_task, &dead);
    loop_call(w->control, begin_task, &good);
    const char *const names[] = { "1.ts", "2.ts", "3.ts", "4.ts", "5.ts", "6.ts", "7.ts", "8.ts" };
    for (size_t i = 0; i < 8; i++)
        add(&dead, names[i]);
    wait_for(&dead, STUB_INITIATE, UPLOAD_LIMITS_DEFAULT.bucket_jobs);
    for (size_t i = 0; i < 8; i++) {
        good.idle = false;
        add(&good, names[i]);
        do
            sem_wait(&w->quiet);
        while (!good.idle);
        check_delivered(&good, names[i]);
    }
    assert_int_equal(good.errors, 0);
    assert_int_equal(dead.errors, 0); /* it still waits */
    assert_int_equal(stub_counts(dead.stub).requests[STUB_INITIATE],
                     UPLOAD_LIMITS_DEFAULT.bucket_jobs);
    customer_fini(&dead);
    customer_fini(&good);
}

/* One store refuses: its task pauses, the other's never does. */
static void a_refusing_bucket_holds_up_nobody_else(void **state)
{
    struct world *w = *state;
    struct customer refusing, good;
    customer_init(&refusing, w, "refusing");
    customer_init(&good, w, "good");
    stub_fail(refusing.stub, STUB_INITIATE, STUB_DENIED, 0, 1000);
    loop_call(w->control, begin_task, &refusing);
    loop_call(w->control, begin_task, &good);
    add(&refusing, "1.ts");
    sem_wait(&w->quiet);
    assert_int_equal(refusing.errors, 1);
    usec_t began = w->now;
    const char *const names[] = { "1.ts", "2.ts", "3.ts" };
    for (size_t i = 0; i < 3; i++) {
        good.idle = false;
        add(&good, names[i]);
        do
            sem_wait(&w->quiet);
        while (!good.idle);
        check_delivered(&good, names[i]);
    }
    assert_true(w->now == began);
    assert_int_equal(good.errors, 0);
    stub_fail(refusing.stub, STUB_INITIATE, STUB_DENIED, 0, 0);
    loop_call(w->control, end_pause, w);
    do
        sem_wait(&w->quiet);
    while (!refusing.idle);
    check_delivered(&refusing, "1.ts");
    customer_fini(&refusing);
    customer_fini(&good);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(misbehaviour_is_lived_through),
        IN_WORLD(a_skewed_clock_costs_one_pause),
        IN_WORLD(a_dead_bucket_holds_up_nobody_else),
        IN_WORLD(a_refusing_bucket_holds_up_nobody_else),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
