#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "callback/outbox.h"
#include "observe/log.h"

#define START      (1735707617 * SEC)
#define MAX_EVENTS 10000
#define MAX_LOG    40000
#define NEVER      1000000

/* How the receiver treats an attempt: after `takes`, with an error or not. */
struct reply {
    usec_t takes;
    const char *failure;
};

/* A receiver, a store and a clock of our own around the outbox. */
struct world {
    struct outbox *outbox;
    usec_t now;
    struct reply (*reply)(struct world *w, int64_t id, int attempt);
    const char *url; /* NULL: no receiver */
    bool strict, send_fails;

    struct { /* by id */
        char body[100], task[16];
        int attempts, delivered, forgotten, fetched, saved_attempts;
        usec_t saved_next, saved_first;
    } event[MAX_EVENTS + 1];
    int64_t last_id;

    struct {
        int64_t id;
        usec_t at;
        const char *failure;
        bool fetch;
    } flying[64];
    int flying_count, most_flying;

    struct {
        int64_t id;
        int second;
    } log[MAX_LOG]; /* attempts as they began */
    int log_count;
};

static struct reply all_well(struct world *w, int64_t id, int attempt)
{
    (void)w, (void)id, (void)attempt;
    return (struct reply){ 0, NULL };
}

static struct reply refuses(struct world *w, int64_t id, int attempt)
{
    (void)w, (void)id, (void)attempt;
    return (struct reply){ 0, "no connection" };
}

static struct reply is_silent(struct world *w, int64_t id, int attempt)
{
    (void)w, (void)id, (void)attempt;
    return (struct reply){ 5 * SEC, "timed out" };
}

static bool find_receiver(void *ctx, uint32_t app, int group, struct outbox_receiver *out)
{
    struct world *w = ctx;
    assert_int_equal(group, 3);
    out->url = app == 2 ? "http://a.test:80/other?x" : w->url;
    out->schedule = SCHEDULE_DEFAULT;
    out->schedule.strict = w->strict;
    return w->url != NULL;
}

static void take_off(struct world *w, int64_t id, usec_t takes, const char *failure, bool is_fetch)
{
    assert_true(w->flying_count < 64);
    w->flying[w->flying_count].id = id;
    w->flying[w->flying_count].at = w->now + takes;
    w->flying[w->flying_count].failure = failure;
    w->flying[w->flying_count].fetch = is_fetch;
    if (++w->flying_count > w->most_flying)
        w->most_flying = w->flying_count;
}

static bool begin_attempt(void *ctx, const struct outbox_request *request)
{
    struct world *w = ctx;
    int64_t id = request->id;
    assert_string_equal(buf_str(&request->event->body), w->event[id].body);
    assert_true(w->log_count < MAX_LOG);
    w->log[w->log_count].id = id;
    w->log[w->log_count++].second = (int)((w->now - START) / SEC);
    struct reply reply = w->reply(w, id, ++w->event[id].attempts);
    if (w->send_fails)
        return false;
    take_off(w, id, reply.takes, reply.failure, false);
    return true;
}

static bool ask_store(void *ctx, int64_t id)
{
    take_off(ctx, id, 1 * MSEC, NULL, true);
    return true;
}

static void forget(void *ctx, int64_t id)
{
    ((struct world *)ctx)->event[id].forgotten++;
}

static void reschedule(void *ctx, const struct event *event)
{
    struct world *w = ctx;
    w->event[event->id].saved_attempts = event->attempts;
    w->event[event->id].saved_next = event->next_attempt;
    w->event[event->id].saved_first = event->first_attempt;
}

static const struct outbox_ops ops = { find_receiver, begin_attempt, ask_store, forget,
                                       reschedule };

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->now = START;
    w->reply = all_well;
    w->url = "http://a.test:80/hook";
    w->outbox = outbox_new(&ops, w, OUTBOX_MEMORY);
    *state = w;
    return w->outbox ? 0 : 1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    outbox_free(w->outbox);
    free(w);
    return 0;
}

static struct event *event_of(struct world *w, int64_t id)
{
    struct event *event = event_new();
    event->id = id;
    event->group = 3;
    event->type = 301;
    event->sdk_app_id = 1;
    strcpy(event->task_id, w->event[id].task);
    buf_put_str(&event->body, w->event[id].body);
    return event;
}

static struct event *make(struct world *w, const char *task)
{
    int64_t id = ++w->last_id;
    snprintf(w->event[id].task, sizeof w->event[id].task, "%s", task);
    snprintf(w->event[id].body, sizeof w->event[id].body, "{\"n\":%d,\"task\":\"%s\"}", (int)id,
             task);
    return event_of(w, id);
}

static void add(struct world *w, const char *task)
{
    outbox_add(w->outbox, make(w, task), w->now);
}

static int next_landing(const struct world *w)
{
    int first = -1;
    for (int i = 0; i < w->flying_count; i++)
        if (first < 0 || w->flying[i].at < w->flying[first].at)
            first = i;
    return first;
}

static void land(struct world *w, int i)
{
    int64_t id = w->flying[i].id;
    const char *failure = w->flying[i].failure;
    bool is_fetch = w->flying[i].fetch;
    w->flying_count--;
    memmove(&w->flying[i], &w->flying[i + 1], (size_t)(w->flying_count - i) * sizeof w->flying[0]);
    if (is_fetch) {
        w->event[id].fetched++;
        outbox_fetched(w->outbox, id, event_of(w, id), w->now);
        return;
    }
    w->event[id].delivered += failure == NULL;
    outbox_answered(w->outbox, id, failure, w->now);
}

/* Lets the world turn until `seconds` after the start, or until nothing is left to happen. */
static void turn(struct world *w, int seconds)
{
    usec_t end = START + seconds * SEC;
    for (;;) {
        int i = next_landing(w);
        usec_t due = outbox_deadline(w->outbox);
        usec_t landing = i < 0 ? USEC_NEVER : w->flying[i].at;
        usec_t at = landing < due ? landing : due;
        if (at == USEC_NEVER || at > end)
            break;
        if (at > w->now)
            w->now = at;
        if (landing <= due)
            land(w, i);
        else
            outbox_tick(w->outbox, w->now);
    }
    if (seconds != NEVER)
        w->now = end;
}

/* "1@0 2@0 ...": which event began an attempt at which second. */
static const char *history(const struct world *w)
{
    static char text[2000];
    size_t len = 0;
    text[0] = 0;
    for (int i = 0; i < w->log_count && len < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d@%d", i ? " " : "",
                                (int)w->log[i].id, w->log[i].second);
    return text;
}

static void delivered_events_are_forgotten(void **state)
{
    struct world *w = *state;
    add(w, "task-1");
    assert_int_equal(outbox_waiting(w->outbox), 1);
    turn(w, NEVER);
    assert_string_equal(history(w), "1@0");
    assert_int_equal(w->event[1].forgotten, 1);
    assert_int_equal(outbox_waiting(w->outbox), 0);
    assert_int_equal(outbox_held(w->outbox), 0);
    assert_int_equal(outbox_stats(w->outbox)->delivered, 1);
    assert_int_equal(outbox_stats(w->outbox)->failed, 0);
    assert_true(outbox_deadline(w->outbox) == USEC_NEVER);
}

static void strict_timelines(void **state)
{
    struct world *w = *state;
    w->strict = true;
    w->reply = refuses;
    add(w, "task-1");
    turn(w, NEVER);
    assert_string_equal(history(w), "1@0 1@0 1@10 1@20 1@30 1@40 1@50 1@60");
    assert_int_equal(w->event[1].forgotten, 1);

    w->log_count = 0;
    w->now = START;
    w->reply = is_silent;
    add(w, "task-1");
    turn(w, NEVER);
    assert_string_equal(history(w), "2@0 2@5 2@20 2@35 2@50");
    assert_int_equal(w->event[2].forgotten, 1);
    assert_int_equal(outbox_waiting(w->outbox), 0);
}

static void a_dead_receiver_is_tried_for_a_day(void **state)
{
    struct world *w = *state;
    w->reply = refuses;
    add(w, "task-1");
    turn(w, 86400 - 700);
    assert_int_equal(w->event[1].forgotten, 0);
    assert_true(w->event[1].saved_first == START);
    assert_int_equal(w->event[1].saved_attempts, w->event[1].attempts);
    turn(w, NEVER);
    assert_int_equal(w->event[1].forgotten, 1);
    assert_in_range(w->event[1].attempts, 150, 160);
    assert_in_range(w->log[w->log_count - 1].second, 86400 - 600, 86400);
    assert_int_equal(outbox_stats(w->outbox)->failed, w->event[1].attempts);
    assert_int_equal(outbox_stats(w->outbox)->given_up, 1);
    assert_int_equal(outbox_stats(w->outbox)->delivered, 0);
    assert_int_equal(outbox_waiting(w->outbox), 0);
}

static struct reply comes_back_after_an_hour(struct world *w, int64_t id, int attempt)
{
    return w->now - START < 3600 * SEC ? refuses(w, id, attempt) : all_well(w, id, attempt);
}

static void a_receiver_that_comes_back_gets_all(void **state)
{
    struct world *w = *state;
    w->reply = comes_back_after_an_hour;
    for (int i = 0; i < 100; i++)
        add(w, i % 2 ? "task-1" : "task-2");
    turn(w, 3600 + 601);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(w->event[i].delivered, 1);
        assert_int_equal(w->event[i].forgotten, 1);
    }
}

static struct reply first_is_refused(struct world *w, int64_t id, int attempt)
{
    (void)w;
    return (struct reply){ 1 * SEC, id == 1 && attempt < 4 ? "status 500" : NULL };
}

static struct reply slow(struct world *w, int64_t id, int attempt)
{
    (void)w, (void)id, (void)attempt;
    return (struct reply){ 1 * SEC, NULL };
}

static void order_of_a_task(void **state)
{
    struct world *w = *state;
    w->reply = slow;
    add(w, "task-1");
    add(w, "task-1");
    add(w, "task-2");
    add(w, "task-1");
    turn(w, NEVER);
    assert_string_equal(history(w), "1@0 3@0 2@1 4@2");
}

static void a_failing_event_holds_up_until_its_first_retry(void **state)
{
    struct world *w = *state;
    w->reply = first_is_refused;
    add(w, "task-1");
    add(w, "task-1");
    add(w, "task-1");
    turn(w, NEVER);
    /* 1 fails at 1 and 2, then rests until 12 and until 23. */
    assert_string_equal(history(w), "1@0 1@1 2@2 3@3 1@12 1@23");
    assert_int_equal(w->event[1].delivered, 1);
}

static void four_at_a_time_per_origin(void **state)
{
    struct world *w = *state;
    char task[16];
    w->reply = slow;
    for (int i = 0; i < 20; i++) {
        snprintf(task, sizeof task, "task-%d", i);
        struct event *event = make(w, task);
        event->sdk_app_id = 1 + (uint32_t)(i % 2); /* two addresses of one origin */
        outbox_add(w->outbox, event, w->now);
    }
    turn(w, NEVER);
    assert_int_equal(w->most_flying, 4);
    assert_int_equal(w->log[19].second, 4);
    assert_int_equal(w->last_id, 20);

    w->url = "http://b.test/hook"; /* app 2 stays at the other one */
    for (int i = 0; i < 20; i++) {
        snprintf(task, sizeof task, "again-%d", i);
        struct event *event = make(w, task);
        event->sdk_app_id = 1 + (uint32_t)(i % 2);
        outbox_add(w->outbox, event, w->now);
    }
    turn(w, NEVER);
    assert_int_equal(w->most_flying, 8);
}

static struct reply dead_for_old(struct world *w, int64_t id, int attempt)
{
    return id <= 400 ? is_silent(w, id, attempt) : slow(w, id, attempt);
}

/* Four hundred old events, more than can be tried in the time they rest, do not keep new ones of
 * other tasks waiting; nor are they given up for the new ones. */
static void new_events_get_through_beside_dead_ones(void **state)
{
    struct world *w = *state;
    char task[16];
    w->reply = dead_for_old;
    for (int i = 0; i < 400; i++) {
        snprintf(task, sizeof task, "old-%d", i);
        add(w, task);
    }
    turn(w, 3000);
    int before = w->log_count, old = 0;
    for (int i = 0; i < 400; i++) {
        snprintf(task, sizeof task, "new-%d", i);
        add(w, task);
    }
    turn(w, 3000 + 60);
    for (int id = 401; id <= 430; id++)
        assert_int_equal(w->event[id].delivered, 1);
    for (int i = before; i < w->log_count; i++)
        old += w->log[i].id <= 400;
    assert_true(old > 30);
}

static void bodies_beyond_the_limit_come_from_the_store(void **state)
{
    struct world *w = *state;
    outbox_free(w->outbox);
    w->outbox = outbox_new(&ops, w, 200);
    w->reply = comes_back_after_an_hour;
    for (int i = 0; i < 50; i++)
        add(w, "task-1");
    assert_true(outbox_held(w->outbox) <= 200);
    turn(w, 3000);
    assert_true(outbox_held(w->outbox) <= 200);
    turn(w, NEVER);
    int fetched = 0;
    for (int i = 1; i <= 50; i++) {
        assert_int_equal(w->event[i].delivered, 1);
        fetched += w->event[i].fetched;
    }
    assert_true(fetched > 50);
    assert_int_equal(outbox_held(w->outbox), 0);
}

static void goes_on_after_a_restart(void **state)
{
    struct world *w = *state;
    struct event *event = make(w, "task-1"); /* tried often, due later */
    event->attempts = 5;
    event->first_attempt = START - 40 * SEC;
    event->next_attempt = START + 7 * SEC;
    outbox_add(w->outbox, event, w->now);
    event = make(w, "task-1"); /* failed once: its retry comes now, and before the next */
    event->attempts = 1;
    event->first_attempt = START - 900 * SEC;
    event->next_attempt = START - 900 * SEC;
    outbox_add(w->outbox, event, w->now);
    add(w, "task-1");
    event = make(w, "task-1"); /* overdue */
    event->attempts = 9;
    event->first_attempt = START - 7200 * SEC;
    event->next_attempt = START - 3600 * SEC;
    outbox_add(w->outbox, event, w->now);
    turn(w, NEVER);
    assert_string_equal(history(w), "2@0 4@0 3@0 1@7");
}

static void times_of_a_wrong_clock_are_repaired(void **state)
{
    struct world *w = *state;
    struct event *event = make(w, "task-1");
    event->attempts = 5;
    event->first_attempt = START + 9000 * SEC;
    event->next_attempt = START + 9999 * SEC;
    w->reply = refuses;
    outbox_add(w->outbox, event, w->now);
    turn(w, 700);
    assert_int_equal(w->log[0].second, 600);
    assert_true(w->event[1].saved_first == START);
}

static void without_a_receiver_it_is_dropped(void **state)
{
    struct world *w = *state;
    w->url = NULL;
    add(w, "task-1");
    assert_int_equal(w->event[1].forgotten, 1);
    assert_int_equal(outbox_waiting(w->outbox), 0);
    assert_int_equal(w->log_count, 0);
}

/* Ten thousand events wait behind one, and end as soon as they begin: that must not be a recursion.
 */
static void sends_that_cannot_begin_count_as_failed(void **state)
{
    struct world *w = *state;
    w->reply = slow;
    for (int i = 0; i < MAX_EVENTS; i++)
        add(w, "task-1");
    w->send_fails = true;
    turn(w, 2);
    assert_int_equal(w->event[1].delivered, 1);
    for (int i = 2; i <= MAX_EVENTS; i++)
        assert_int_equal(w->event[i].saved_attempts, 2);
    assert_int_equal(outbox_waiting(w->outbox), MAX_EVENTS - 1);
}

static struct reply as_it_comes(struct world *w, int64_t id, int attempt)
{
    (void)w, (void)id, (void)attempt;
    return (struct reply){ rand() % (6 * SEC), rand() % 3 ? NULL : "status 502" };
}

/* Whatever the receiver does: each event is delivered once and forgotten once, first attempts keep
 * the order of the task, and there are never more than four at a time. */
static void whatever_happens(void **state)
{
    struct world *w = *state;
    unsigned seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    outbox_free(w->outbox);
    w->outbox = outbox_new(&ops, w, 1000);
    w->reply = as_it_comes;
    for (int i = 0; i < 500; i++) {
        char task[16];
        snprintf(task, sizeof task, "task-%d", rand() % 7);
        add(w, task);
        if (rand() % 3 == 0)
            turn(w, (int)((w->now - START) / SEC) + rand() % 10);
    }
    turn(w, NEVER);
    assert_true(w->most_flying <= 4);
    bool tried[MAX_EVENTS + 1] = { false };
    for (int i = 0; i < w->log_count; i++) {
        int64_t id = w->log[i].id;
        if (tried[id])
            continue;
        tried[id] = true;
        for (int64_t earlier = 1; earlier < id; earlier++)
            if (strcmp(w->event[earlier].task, w->event[id].task) == 0)
                assert_true(tried[earlier]);
    }
    for (int id = 1; id <= 500; id++) {
        assert_int_equal(w->event[id].delivered, 1);
        assert_int_equal(w->event[id].forgotten, 1);
    }
    assert_int_equal(outbox_held(w->outbox), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delivered_events_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(strict_timelines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_receiver_is_tried_for_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_comes_back_gets_all, setup, teardown),
        cmocka_unit_test_setup_teardown(order_of_a_task, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failing_event_holds_up_until_its_first_retry, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(four_at_a_time_per_origin, setup, teardown),
        cmocka_unit_test_setup_teardown(new_events_get_through_beside_dead_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_beyond_the_limit_come_from_the_store, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(times_of_a_wrong_clock_are_repaired, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_receiver_it_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(sends_that_cannot_begin_count_as_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_happens, setup, teardown),
    };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
