#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/rate.h"

static void burst_then_pace(void **state)
{
    (void)state;
    struct rate *rate = rate_new(20, 8);
    unsigned count = 0;
    for (int i = 0; i < 20; i++)
        assert_true(rate_take(rate, "a", SEC, &count));
    assert_false(rate_take(rate, "a", SEC, &count));
    assert_int_equal(count, 21);
    assert_true(rate_take(rate, "b", SEC, &count)); /* another name is not touched */
    assert_false(rate_take(rate, "a", SEC + 49 * MSEC, &count));
    assert_true(rate_take(rate, "a", SEC + 50 * MSEC, &count));
    assert_false(rate_take(rate, "a", SEC + 50 * MSEC, &count));
    rate_free(rate);
}

/* Over any long time no more than rate x time + burst get through. */
static void long_run(void **state)
{
    (void)state;
    struct rate *rate = rate_new(20, 8);
    unsigned count, through = 0;
    for (usec_t now = 0; now < 60 * SEC; now += 7 * MSEC)
        through += rate_take(rate, "a", now, &count);
    assert_in_range(through, 60 * 20, 61 * 20);
    rate_free(rate);
}

static void names_are_bounded(void **state)
{
    (void)state;
    struct rate *rate = rate_new(1, 2);
    unsigned count;
    assert_true(rate_take(rate, "a", 0, &count));
    assert_true(rate_take(rate, "b", 0, &count));
    assert_false(rate_take(rate, "a", 0, &count)); /* b is now the one unused for longest */
    assert_true(rate_take(rate, "c", 0, &count));
    assert_false(rate_take(rate, "a", 0, &count));
    assert_true(rate_take(rate, "b", 0, &count)); /* forgotten, so it starts anew */
    rate_free(rate);
    rate_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(burst_then_pace),
                                        cmocka_unit_test(long_run),
                                        cmocka_unit_test(names_are_bounded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
