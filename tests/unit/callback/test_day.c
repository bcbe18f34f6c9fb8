/* A receiver that is away for a day, with restarts of the daemon in between: the outbox in virtual
 * time over a real store. Every event arrives, each attempt carries the bytes and the signature of
 * the first, and first attempts keep the order of their task. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "base/random.h"
#include "callback/compose.h"
#include "callback/outbox.h"
#include "callback/sign.h"
#include "observe/log.h"
#include "store/store.h"

#define START      (1735707617 * SEC)
#define KEY        "callbackKey01"
#define MAX_EVENTS 512
#define MAX_FLYING OUTBOX_PER_ORIGIN
#define AWAY       (23 * 3600 + 2400) /* seconds: each event is younger than a day when it is over */
#define MEMORY     16384              /* more than that comes from the store again */

static const struct seal_key master = { { 3 } };

struct seen {
    char task[16];
    char *body, *sign;
    int attempts, delivered;
};

struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct store *store;
    struct outbox *outbox;
    usec_t now;
    bool up;

    struct seen seen[MAX_EVENTS]; /* by id */
    int64_t firsts[MAX_EVENTS];   /* ids in the order of their first attempts */
    int first_count, attempts;

    struct { /* attempts and fetches on their way */
        int64_t id;
        usec_t at;
        struct event *fetched;
    } flying[MAX_FLYING];
    int flying_count;

    /* what the loop's thread does meanwhile, and its result */
    struct store_change *change;
    int64_t fetch_id;
    struct event *fetched;
    struct event *loaded[MAX_EVENTS];
    int loaded_count, err;
    uv_sem_t done;
};

/* --- the store, as if it answered at once --- */

static void on_stored(void *ctx, int err, struct store_change *change)
{
    struct world *w = ctx;
    w->err = err;
    w->change = change;
    uv_sem_post(&w->done);
}

static void submit(void *ctx)
{
    struct world *w = ctx;
    store_submit_must(w->store, w->change, on_stored, w);
}

/* The change comes back in w->change. */
static void commit(struct world *w, struct store_change *change)
{
    w->change = change;
    loop_call(w->loop, submit, w);
    uv_sem_wait(&w->done);
    assert_int_equal(w->err, OK);
}

static void on_fetched(void *ctx, int err, int64_t id, struct event *event)
{
    struct world *w = ctx;
    assert_int_equal(err, OK);
    assert_int_equal(id, w->fetch_id);
    w->fetched = event;
    uv_sem_post(&w->done);
}

static void ask(void *ctx)
{
    struct world *w = ctx;
    assert_int_equal(store_fetch_event(w->store, w->fetch_id, on_fetched, w), OK);
}

/* --- what the outbox asks for --- */

static bool receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    (void)ctx;
    (void)sdk_app_id;
    (void)group;
    *out = (struct outbox_receiver){ .url = "http://a.test/hook", .schedule = SCHEDULE_DEFAULT };
    return true;
}

static void take_off(struct world *w, int64_t id, usec_t takes, struct event *fetched)
{
    assert_true(w->flying_count < MAX_FLYING);
    w->flying[w->flying_count].id = id;
    w->flying[w->flying_count].fetched = fetched;
    w->flying[w->flying_count++].at = w->now + takes;
}

static bool send_attempt(void *ctx, const struct outbox_request *request)
{
    struct world *w = ctx;
    const struct event *event = request->event;
    struct seen *seen = &w->seen[request->id];
    char sign[CALLBACK_SIGN_SIZE];
    assert_int_equal(callback_sign(sign, bytes_str(KEY), buf_bytes(&event->body)), OK);
    assert_string_equal(sign, event->sign);
    if (seen->attempts++ == 0) {
        w->firsts[w->first_count++] = request->id;
        seen->body = strdup(buf_str(&event->body));
        seen->sign = strdup(event->sign);
    }
    assert_string_equal(seen->body, buf_str(&event->body));
    assert_string_equal(seen->sign, event->sign);
    w->attempts++;
    take_off(w, request->id, random_u32() % 2 ? 5 * SEC : 20 * MSEC, NULL);
    return true;
}

static bool fetch(void *ctx, int64_t id)
{
    struct world *w = ctx;
    w->fetch_id = id;
    loop_call(w->loop, ask, w);
    uv_sem_wait(&w->done);
    take_off(w, id, 1 * MSEC, w->fetched);
    return true;
}

static void submit_and_forget(void *ctx)
{
    struct world *w = ctx;
    store_submit_must(w->store, w->change, NULL, NULL);
}

static void forget(void *ctx, int64_t id)
{
    struct world *w = ctx;
    w->change = store_change_new();
    store_change_remove_event(w->change, id);
    loop_call(w->loop, submit_and_forget, w);
}

static void reschedule(void *ctx, const struct event *event)
{
    struct world *w = ctx;
    w->change = store_change_new();
    store_change_reschedule_event(w->change, event);
    loop_call(w->loop, submit_and_forget, w);
}

static const struct outbox_ops ops = { receiver, send_attempt, fetch, forget, reschedule };

/* --- time --- */

static void land(struct world *w, int i)
{
    int64_t id = w->flying[i].id;
    struct event *fetched = w->flying[i].fetched;
    w->flying[i] = w->flying[--w->flying_count];
    if (fetched) {
        outbox_fetched(w->outbox, id, fetched, w->now);
        return;
    }
    w->seen[id].delivered += w->up;
    outbox_answered(w->outbox, id, w->up ? NULL : "no connection", w->now);
}

static int next_landing(const struct world *w)
{
    int first = -1;
    for (int i = 0; i < w->flying_count; i++)
        if (first < 0 || w->flying[i].at < w->flying[first].at)
            first = i;
    return first;
}

static void turn_until(struct world *w, usec_t end)
{
    for (;;) {
        int i = next_landing(w);
        usec_t due = outbox_deadline(w->outbox);
        usec_t landing = i < 0 ? USEC_NEVER : w->flying[i].at;
        usec_t at = landing < due ? landing : due;
        if (at > end)
            break;
        if (at > w->now)
            w->now = at;
        if (landing <= due)
            land(w, i);
        else
            outbox_tick(w->outbox, w->now);
    }
    w->now = end;
}

/* --- lives of the process --- */

static void on_loaded(void *ctx, struct event *event)
{
    struct world *w = ctx;
    assert_true(w->loaded_count < MAX_EVENTS);
    w->loaded[w->loaded_count++] = event;
}

static void open_store(void *ctx)
{
    struct world *w = ctx;
    char path[128];
    snprintf(path, sizeof path, "%s/state.db", w->dir.path);
    assert_int_equal(store_open(&w->store, path, &master, w->loop), OK);
    w->loaded_count = 0;
    assert_int_equal(store_load_events(w->store, on_loaded, w), OK);
}

static void close_store(void *ctx)
{
    store_close(((struct world *)ctx)->store);
}

static void begin(struct world *w)
{
    assert_int_equal(loop_new(&w->loop, "home", 1000), OK);
    loop_call(w->loop, open_store, w);
    w->outbox = outbox_new(&ops, w, MEMORY);
    for (int i = 0; i < w->loaded_count; i++)
        outbox_add(w->outbox, w->loaded[i], w->now);
}

/* Whatever is on its way is lost. */
static void end(struct world *w)
{
    for (int i = 0; i < w->flying_count; i++)
        event_free(w->flying[i].fetched);
    w->flying_count = 0;
    outbox_free(w->outbox);
    loop_call(w->loop, close_store, w);
    loop_free(w->loop);
}

static void happen(struct world *w, const char *task, enum callback_type type)
{
    struct event *event;
    const struct callback_style style = { 0 };
    const struct callback_event what = {
        .type = type, .room_id = "4711", .user_id = "robot", .task_id = task, .happened = w->now
    };
    assert_int_equal(callback_compose(&event, &what, 1, KEY, &style, w->now), OK);
    struct store_change *change = store_change_new();
    store_change_add_event(change, event);
    commit(w, change);
    event = store_change_take_event(w->change);
    store_change_free(w->change);
    assert_true(event->id < MAX_EVENTS);
    snprintf(w->seen[event->id].task, sizeof w->seen[event->id].task, "%s", task);
    outbox_add(w->outbox, event, w->now);
}

static void check(struct world *w, int count)
{
    for (int id = 1; id <= count; id++) {
        if (!w->seen[id].delivered)
            fail_msg("event %d of %s never arrived, %d attempts", id, w->seen[id].task,
                     w->seen[id].attempts);
        free(w->seen[id].body);
        free(w->seen[id].sign);
    }
    assert_int_equal(w->first_count, count);
    for (int i = 0; i < count; i++)
        for (int k = i + 1; k < count; k++)
            if (strcmp(w->seen[w->firsts[i]].task, w->seen[w->firsts[k]].task) == 0 &&
                w->firsts[i] > w->firsts[k])
                fail_msg("%s: %d was tried before %d", w->seen[w->firsts[i]].task,
                         (int)w->firsts[i], (int)w->firsts[k]);
}

static void a_day_without_a_receiver(void **state)
{
    (void)state;
    static const enum callback_type types[] = { CALLBACK_RECORDER_START, CALLBACK_UPLOAD_START,
                                                CALLBACK_RECORDER_STOP, CALLBACK_UPLOAD_STOP };
    struct world w = { .dir = temp_dir_new(), .now = START };
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : random_u32();
    print_message("SEED=%u\n", seed);
    srand(seed);
    uv_sem_init(&w.done, 0);
    begin(&w);
    int count = 0, restarts = 0;
    for (int step = 0; w.now < START + AWAY * SEC; step++) {
        char task[16];
        snprintf(task, sizeof task, "task-%d", rand() % 9);
        for (int burst = rand() % 3; burst > 0 && count < MAX_EVENTS - 1; burst--, count++)
            happen(&w, task, types[rand() % 4]);
        usec_t next = w.now + rand() % 1800 * SEC + rand() % 30 * MSEC;
        turn_until(&w, next < START + AWAY * SEC ? next : START + AWAY * SEC);
        if (rand() % 4 == 0) {
            restarts++;
            end(&w);
            begin(&w);
        }
    }
    assert_true(count > 60 && restarts > 10);
    w.up = true;
    turn_until(&w, w.now + 1200 * SEC);
    assert_int_equal(outbox_waiting(w.outbox), 0);
    assert_int_equal(outbox_stats(w.outbox)->given_up, 0);
    print_message("%d events, %d restarts, %d attempts\n", count, restarts, w.attempts);
    end(&w);
    check(&w, count);
    uv_sem_destroy(&w.done);
    temp_dir_free(&w.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_day_without_a_receiver) };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
