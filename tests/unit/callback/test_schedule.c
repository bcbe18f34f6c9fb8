#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "callback/due.h"
#include "callback/schedule.h"

#define START (1735707617 * SEC)

/* Seconds after the first attempt at which each attempt begins, when each fails after `takes`. */
static int timeline(struct schedule schedule, usec_t takes, int *out, int max)
{
    usec_t at = START;
    int count = 0;
    while (at != USEC_NEVER && count < max) {
        out[count++] = (int)((at - START) / SEC);
        at = schedule_next(&schedule, count, START, at + takes);
    }
    return count;
}

static void the_documented_minute(void **state)
{
    (void)state;
    /* callbacks.md 1 */
    static const int refused[] = { 0, 0, 10, 20, 30, 40, 50, 60 };
    static const int silent[] = { 0, 5, 20, 35, 50 };
    const struct schedule strict = { .strict = true };
    int at[20];
    assert_int_equal(timeline(strict, 0, at, 20), 8);
    assert_memory_equal(at, refused, sizeof refused);
    assert_int_equal(timeline(strict, 5 * SEC, at, 20), 5);
    assert_memory_equal(at, silent, sizeof silent);
}

static void growing_pauses_for_a_day(void **state)
{
    (void)state;
    static const int refused[] = {
        0, 0, 10, 20, 30, 40, 50, 60, 80, 120, 200, 360, 680, 1280, 1880
    };
    static const int silent[] = { 0, 5, 20, 35, 50, 70, 110, 190 };
    int at[400];
    int count = timeline(SCHEDULE_DEFAULT, 0, at, 400);
    assert_memory_equal(at, refused, sizeof refused);
    assert_in_range(at[count - 1], 24 * 3600 - 600, 24 * 3600);
    assert_in_range(count, 150, 160);
    for (int i = 2; i < count; i++)
        assert_in_range(at[i] - at[i - 1], 10, 600);

    count = timeline(SCHEDULE_DEFAULT, 5 * SEC, at, 400);
    assert_memory_equal(at, silent, sizeof silent);
    assert_in_range(at[count - 1], 24 * 3600 - 605, 24 * 3600);
}

static void pauses_and_age_have_their_limits(void **state)
{
    (void)state;
    static const int refused[] = { 0, 0, 10, 20, 30, 40, 50, 60, 80, 110, 140, 170 };
    const struct schedule schedule = { .max_pause = 30 * SEC, .max_age = 180 * SEC };
    int at[20];
    assert_int_equal(timeline(schedule, 0, at, 20), 12);
    assert_memory_equal(at, refused, sizeof refused);
}

static void a_clock_that_was_set_back_does_no_harm(void **state)
{
    (void)state;
    assert_int_equal(schedule_next(&SCHEDULE_DEFAULT, 7, START, START - 3600 * SEC),
                     START - 3590 * SEC);
    assert_int_equal(schedule_next(&SCHEDULE_DEFAULT, 1, START, START + 48 * 3600 * SEC),
                     START + 48 * 3600 * SEC);
    assert_int_equal(schedule_next(&SCHEDULE_DEFAULT, 2, START, START + 48 * 3600 * SEC),
                     USEC_NEVER);
}

#define ENTRIES 300

static void a_heap_gives_the_earliest(void **state)
{
    (void)state;
    static struct due_entry entries[ENTRIES];
    struct due due;
    unsigned seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    due_init(&due);
    assert_null(due_first(&due));
    for (int i = 0; i < ENTRIES; i++) {
        assert_true(due_reserve(&due, (size_t)i + 1));
        due_put(&due, &entries[i], rand() % 100);
    }
    for (int i = 0; i < ENTRIES; i += 3)
        due_remove(&due, &entries[i]);
    due_remove(&due, &entries[0]); /* once more */
    for (int i = 0; i < ENTRIES; i += 6)
        due_put(&due, &entries[i], rand() % 100);

    usec_t last = 0;
    int count = 0;
    for (struct due_entry *e; (e = due_first(&due)); count++) {
        assert_true(e->at >= last);
        last = e->at;
        due_remove(&due, e);
        assert_int_equal(e->place, 0);
    }
    assert_int_equal(count, ENTRIES - ENTRIES / 3 + ENTRIES / 6);
    due_fini(&due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_minute),
        cmocka_unit_test(growing_pauses_for_a_day),
        cmocka_unit_test(pauses_and_age_have_their_limits),
        cmocka_unit_test(a_clock_that_was_set_back_does_no_harm),
        cmocka_unit_test(a_heap_gives_the_earliest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
