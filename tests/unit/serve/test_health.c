#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "serve/health.h"

struct gate {
    struct message message;
    uv_sem_t reached, open;
};

static void wait_at_gate(struct message *m)
{
    struct gate *gate = (struct gate *)m;
    uv_sem_post(&gate->reached);
    uv_sem_wait(&gate->open);
}

/* Loops, the second of which hangs. */
struct world {
    struct named_loop loops[3];
    struct gate gate;
};

static int start(void **state)
{
    static struct world w;
    static const char *const names[] = { "control", "media-0", "media-1" };
    w = (struct world){ .gate.message.run = wait_at_gate };
    for (int i = 0; i < 3; i++) {
        strcpy(w.loops[i].name, names[i]);
        if (loop_new(&w.loops[i].loop, "test", 10))
            return -1;
    }
    uv_sem_init(&w.gate.reached, 0);
    uv_sem_init(&w.gate.open, 0);
    loop_post(w.loops[1].loop, &w.gate.message);
    uv_sem_wait(&w.gate.reached);
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    uv_sem_post(&w->gate.open);
    for (int i = 0; i < 3; i++)
        loop_free(w->loops[i].loop);
    uv_sem_destroy(&w->gate.reached);
    uv_sem_destroy(&w->gate.open);
    return 0;
}

static void expect(struct world *w, usec_t now, const char *names)
{
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(health_stalled(w->loops, 3, now, &out), *names != 0);
    assert_string_equal(buf_str(&out), names);
    buf_fini(&out);
}

static void a_loop_that_does_not_turn_is_named(void **state)
{
    struct world *w = *state;
    usec_t first = loop_pulse(w->loops[0].loop), hung = loop_pulse(w->loops[1].loop);
    expect(w, hung, "");
    expect(w, first + HEALTH_STALL - 1, "");

    /* The others go on: after a pulse of theirs only the one that hangs is late. */
    for (int i = 0; i < 3; i += 2) {
        usec_t before = loop_pulse(w->loops[i].loop);
        while (loop_pulse(w->loops[i].loop) == before && clock_mono() - hung < 30 * SEC)
            usleep(5000);
        assert_true(loop_pulse(w->loops[i].loop) > hung);
    }
    assert_true(loop_pulse(w->loops[1].loop) == hung);
    expect(w, hung + HEALTH_STALL, "media-0");
    expect(w, clock_mono() + HEALTH_STALL + 2 * SEC, "control, media-0, media-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_loop_that_does_not_turn_is_named, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
