#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/replay.h"

static void repeats_are_seen(void **state)
{
    (void)state;
    struct replay *r = replay_new(100);
    assert_true(replay_note(r, "id", 1, 1000, 0));
    assert_false(replay_note(r, "id", 1, 1000, SEC));
    assert_true(replay_note(r, "other", 1, 1000, SEC));
    assert_true(replay_note(r, "id", 2, 1000, SEC));
    assert_true(replay_note(r, "id", 1, 1001, SEC));
    assert_false(replay_note(r, "id", 1, 1000, 600 * SEC));
    assert_true(replay_note(r, "id", 1, 1000, 600 * SEC + 1)); /* no timestamp is good so long */
    replay_free(r);
    replay_free(NULL);
}

static void bounded(void **state)
{
    (void)state;
    struct replay *r = replay_new(10);
    for (uint64_t i = 0; i < 10; i++)
        assert_true(replay_note(r, "id", i, 1000, SEC));
    assert_false(replay_note(r, "id", 9, 1000, SEC));
    for (uint64_t i = 10; i < 19; i++)
        assert_true(replay_note(r, "id", i, 1000, SEC));
    assert_false(replay_note(r, "id", 18, 1000, SEC));
    assert_true(replay_note(r, "id", 0, 1000, SEC)); /* the oldest was forgotten */
    replay_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_are_seen),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
