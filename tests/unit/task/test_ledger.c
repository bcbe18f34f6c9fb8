/* The ledger over a real store, whose disk fails when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../store/fault_vfs.h"
#include "../temp_dir.h"
#include "base/err.h"
#include "observe/log.h"
#include "task/ledger.h"

static const struct seal_key key = { { 7 } };

#define MAX_SEEN 64

struct bench {
    struct temp_dir dir;
    struct loop *home;
    struct store *store;
    struct ledger *ledger;
    uv_sem_t idle;
    void (*act)(struct bench *b);

    int seen[MAX_SEEN]; /* types of committed events, in their order */
    int seen_count;
    int told[8], told_count; /* errors that `done` got */
};

static void on_event(void *ctx, struct event *event)
{
    struct bench *b = ctx;
    assert_true(event->id > 0);
    assert_true(b->seen_count < MAX_SEEN);
    b->seen[b->seen_count++] = event->type;
    event_free(event);
}

static void on_idle(void *ctx)
{
    struct bench *b = ctx;
    uv_sem_post(&b->idle);
}

static void on_done(void *ctx, int err)
{
    struct bench *b = ctx;
    b->told[b->told_count++] = err;
}

static void open_ledger(void *ctx)
{
    struct bench *b = ctx;
    const struct ledger_config config = {
        .control = b->home, .store = b->store, .event = on_event, .idle = on_idle, .ctx = b
    };
    assert_int_equal(ledger_new(&b->ledger, &config), OK);
}

static void close_ledger(void *ctx)
{
    struct bench *b = ctx;
    ledger_free(b->ledger);
    store_close(b->store);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    char path[128];
    b->dir = temp_dir_new();
    uv_sem_init(&b->idle, 0);
    fault_vfs_fail(0, 0, 0);
    snprintf(path, sizeof path, "%s/state.db", b->dir.path);
    assert_int_equal(loop_new(&b->home, "home", 1000), OK);
    assert_int_equal(store_open(&b->store, path, &key, b->home), OK);
    loop_call(b->home, open_ledger, b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    fault_vfs_fail(0, 0, 0);
    if (b->ledger)
        loop_call(b->home, close_ledger, b);
    loop_free(b->home);
    temp_dir_free(&b->dir);
    uv_sem_destroy(&b->idle);
    free(b);
    return 0;
}

static void run_act(void *ctx)
{
    struct bench *b = ctx;
    b->act(b);
}

static void on_home(struct bench *b, void (*act)(struct bench *b))
{
    b->act = act;
    loop_call(b->home, run_act, b);
}

static struct event *event_of(const char *task_id, int type)
{
    struct event *event = event_new();
    snprintf(event->task_id, sizeof event->task_id, "%s", task_id);
    event->group = 3;
    event->type = type;
    buf_put_str(&event->body, "{}");
    return event;
}

static struct store_task row_of(const char *task_id)
{
    return (struct store_task){ .task_id = task_id,
                                .room_id = "r",
                                .user_id = "u",
                                .params = "{}",
                                .wanted = "recording",
                                .actual = "recording",
                                .owner = "node-1",
                                .epoch = 1,
                                .created = 1 };
}

/* A change of a task's life: the row's, or none, and an event. */
static void add(struct bench *b, const char *task_id, int type, ledger_done *done)
{
    struct store_change *change = store_change_new();
    const struct store_task row = row_of(task_id);
    if (type == 301)
        store_change_insert_task(change, &row);
    if (type == 302)
        store_change_update_task(change, &row);
    if (type == 305)
        store_change_delete_task(change, task_id);
    store_change_add_event(change, event_of(task_id, type));
    ledger_add(b->ledger, task_id, change, done, b);
}

static void begin(struct bench *b)
{
    add(b, "t", 301, NULL);
}

static void go_on(struct bench *b)
{
    add(b, "t", 307, NULL);
    add(b, "t", 304, NULL);
    add(b, "t", 302, on_done);
    add(b, "t", 305, on_done);
    assert_false(ledger_idle(b->ledger));
}

static void check_seen(const struct bench *b, const int *want, int count)
{
    assert_int_equal(b->seen_count, count);
    assert_memory_equal(b->seen, want, (size_t)count * sizeof *want);
}

static void in_order(void **state)
{
    struct bench *b = *state;
    static const int want[] = { 301, 307, 304, 302, 305 };
    on_home(b, begin);
    uv_sem_wait(&b->idle);
    on_home(b, go_on);
    uv_sem_wait(&b->idle);
    check_seen(b, want, 5);
    assert_int_equal(b->told_count, 2);
    assert_int_equal(b->told[0], OK);
    assert_true(ledger_idle(b->ledger));
}

static void count_row(void *ctx, const struct store_task *row)
{
    (void)row;
    ++*(int *)ctx;
}

static void count_event(void *ctx, struct event *event)
{
    int *types = ctx;
    types[++types[0]] = event->type;
    event_free(event);
}

/* The known mistake: the end's commit failed, the files were delivered, and with the row 302 was
 * forgotten for ever. */
static void the_end_of_a_task_survives_a_full_disk(void **state)
{
    struct bench *b = *state;
    static const int want[] = { 301, 307, 304, 302, 305 };
    on_home(b, begin);
    uv_sem_wait(&b->idle);
    fault_vfs_fail(1, 1, SQLITE_FULL);
    on_home(b, go_on);
    uv_sem_wait(&b->idle);
    check_seen(b, want, 5);
    assert_int_equal(b->told_count, 2); /* who waits behind the failed one hears of it too */
    assert_int_equal(b->told[0], ERR_IO);
    assert_int_equal(b->told[1], ERR_IO);
}

static void end_only(struct bench *b)
{
    add(b, "t", 302, on_done);
    add(b, "t", 305, NULL);
}

static void who_waits_hears_of_the_failure_at_once(void **state)
{
    struct bench *b = *state;
    static const int want[] = { 301, 302, 305 };
    on_home(b, begin);
    uv_sem_wait(&b->idle);
    fault_vfs_fail(1, 1, SQLITE_FULL);
    on_home(b, end_only);
    uv_sem_wait(&b->idle);
    assert_int_equal(b->told_count, 1);
    assert_int_equal(b->told[0], ERR_IO);
    check_seen(b, want, 3);
}

static void another(struct bench *b)
{
    add(b, "other", 302, on_done); /* no such row */
    add(b, "other", 305, on_done);
}

static void what_can_never_be_stored_is_given_up(void **state)
{
    struct bench *b = *state;
    static const int want[] = { 305 };
    on_home(b, another);
    uv_sem_wait(&b->idle);
    assert_int_equal(b->told[0], ERR_NOT_FOUND);
    assert_int_equal(b->told[1], OK);
    check_seen(b, want, 1);
}

static void end_and_close(struct bench *b)
{
    add(b, "t", 302, on_done);
    add(b, "t", 305, on_done);
    close_ledger(b);
    b->ledger = NULL;
}

static void open_again(struct bench *b)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state.db", b->dir.path);
    assert_int_equal(store_open(&b->store, path, &key, b->home), OK);
}

/* The store had the first of two; the second waited. Both are told that nobody will tell them. */
static void closing_keeps_the_order(void **state)
{
    struct bench *b = *state;
    int rows = 0, types[8] = { 0 };
    on_home(b, begin);
    uv_sem_wait(&b->idle);
    on_home(b, end_and_close);
    assert_int_equal(b->told_count, 2);
    assert_int_equal(b->told[0], ERR_BAD_STATE);
    assert_int_equal(b->told[1], ERR_BAD_STATE);
    on_home(b, open_again);
    assert_int_equal(store_load_tasks(b->store, count_row, &rows), OK);
    assert_int_equal(store_load_events(b->store, count_event, types), OK);
    assert_int_equal(rows, 1);
    assert_int_equal(types[0], 2);
    assert_int_equal(types[1], 301);
    assert_int_equal(types[2], 302);
    assert_int_equal(b->told_count, 2);
    loop_call(b->home, open_ledger, b); /* for the teardown */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_task_survives_a_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_hears_of_the_failure_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_can_never_be_stored_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_keeps_the_order, setup, teardown),
    };
    fault_vfs_install();
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
