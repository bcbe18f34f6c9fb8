#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/loop.h"

struct note {
    struct message message;
    int n;
    int *log, *len;
};

static void note_run(struct message *m)
{
    struct note *note = (struct note *)m;
    note->log[(*note->len)++] = note->n;
    free(note);
}

static void note_discard(struct message *m)
{
    struct note *note = (struct note *)m;
    note->log[(*note->len)++] = -note->n;
    free(note);
}

static struct note *note_new(int n, int *log, int *len)
{
    struct note *note = calloc(1, sizeof *note);
    *note = (struct note){
        .message = { .run = note_run, .discard = note_discard }, .n = n, .log = log, .len = len
    };
    return note;
}

static void nothing(void *ctx)
{
    *(bool *)ctx = true;
}

static void messages_run_in_order(void **state)
{
    (void)state;
    struct loop *loop;
    int log[100], len = 0;
    bool called = false;
    assert_int_equal(loop_new(&loop, "test", 1000), OK);
    for (int i = 0; i < 100; i++)
        assert_true(loop_post(loop, &note_new(i, log, &len)->message));
    loop_call(loop, nothing, &called);
    assert_true(called);
    assert_int_equal(len, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(log[i], i);
    loop_free(loop);
}

struct gate {
    uv_sem_t reached, open;
};

static void block(struct message *m)
{
    struct gate *gate = *(struct gate **)(m + 1);
    uv_sem_post(&gate->reached);
    uv_sem_wait(&gate->open);
    free(m);
}

static void a_full_mailbox_refuses(void **state)
{
    (void)state;
    struct loop *loop;
    struct gate gate, *where = &gate;
    int log[10], len = 0;
    uv_sem_init(&gate.reached, 0);
    uv_sem_init(&gate.open, 0);
    assert_int_equal(loop_new(&loop, "test", 2), OK);

    struct message *stop = calloc(1, sizeof *stop + sizeof where);
    stop->run = block;
    *(struct gate **)(stop + 1) = where;
    assert_true(loop_post(loop, stop));
    uv_sem_wait(&gate.reached);
    assert_true(loop_post(loop, &note_new(1, log, &len)->message));
    assert_true(loop_post(loop, &note_new(2, log, &len)->message));
    struct note *third = note_new(3, log, &len);
    assert_false(loop_post(loop, &third->message));
    assert_int_equal(loop_waiting(loop), 2);
    assert_true(loop_post_must(loop, &third->message));
    uv_sem_post(&gate.open);
    loop_free(loop);
    assert_int_equal(len, 3);
    assert_int_equal(abs(log[2]), 3);
    uv_sem_destroy(&gate.reached);
    uv_sem_destroy(&gate.open);
}

/* Without any work; a turn takes at most a second. */
static void an_idle_loop_has_a_pulse(void **state)
{
    (void)state;
    struct loop *loop;
    usec_t before = clock_mono();
    assert_int_equal(loop_new(&loop, "test", 10), OK);
    usec_t first = loop_pulse(loop);
    assert_true(first >= before && first <= clock_mono());
    while (loop_pulse(loop) == first && clock_mono() - first < 30 * SEC)
        usleep(5000);
    assert_true(loop_pulse(loop) - first >= 900 * MSEC);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_run_in_order),
        cmocka_unit_test(a_full_mailbox_refuses),
        cmocka_unit_test(an_idle_loop_has_a_pulse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
