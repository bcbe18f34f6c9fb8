#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "task/starts.h"

#define NOW (1735707617 * SEC)

static const uint8_t one[STORE_FINGERPRINT_SIZE] = { 1 }, two[STORE_FINGERPRINT_SIZE] = { 2 };

static const struct start_name name_a = { 1400000001, "AKIDa", "key-1" };

static enum start_answer ask(struct starts *s, const struct start_name *name, const uint8_t *print,
                             usec_t now)
{
    struct start *out = NULL;
    enum start_answer answer = starts_ask(s, name, print, now, &out);
    if (answer == START_NEW)
        start_done(out, "task");
    return answer;
}

static void a_repeat_finds_the_first(void **state)
{
    (void)state;
    struct starts *s = starts_new(10);
    struct start *first, *again;
    assert_int_equal(starts_ask(s, &name_a, one, NOW, &first), START_NEW);
    assert_string_equal(start_task(first), "");
    start_done(first, "task-1");
    assert_int_equal(starts_ask(s, &name_a, one, NOW + 1, &again), START_DONE);
    assert_ptr_equal(first, again);
    assert_string_equal(start_task(again), "task-1");
    assert_int_equal(starts_ask(s, &name_a, two, NOW + 2, &again), START_OTHER);
    starts_free(s);
}

static void names_do_not_meet(void **state)
{
    (void)state;
    struct starts *s = starts_new(10);
    static const struct start_name names[] = {
        { 1400000001, "AKIDa", "key-1" }, { 1400000002, "AKIDa", "key-1" },
        { 1400000001, "AKIDb", "key-1" }, { 1400000001, "AKIDa", "key-2" },
        { 1400000001, "AKIDakey", "-1" }, { 140000000, "1AKIDa", "key-1" },
    };
    size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ask(s, &names[i], one, NOW), START_NEW);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ask(s, &names[i], one, NOW), START_DONE);
    assert_int_equal(starts_count(s), count);
    starts_free(s);
}

static void repeats_wait_for_one_that_is_starting(void **state)
{
    (void)state;
    struct starts *s = starts_new(10);
    struct start *start, *again;
    char calls[STARTS_MAX_WAITING + 1];
    assert_int_equal(starts_ask(s, &name_a, one, NOW, &start), START_NEW);
    for (size_t i = 0; i <= STARTS_MAX_WAITING; i++) {
        assert_int_equal(starts_ask(s, &name_a, one, NOW, &again), START_PENDING);
        assert_int_equal(start_wait(again, (struct api_call *)&calls[i]), i < STARTS_MAX_WAITING);
    }
    assert_int_equal(starts_ask(s, &name_a, two, NOW, &again), START_OTHER);
    start_done(start, "task-1");
    for (size_t i = 0; i < STARTS_MAX_WAITING; i++)
        assert_ptr_equal(start_take_waiting(start), &calls[i]);
    assert_null(start_take_waiting(start));
    starts_free(s);
}

static void a_failed_one_may_be_tried_again(void **state)
{
    (void)state;
    struct starts *s = starts_new(1);
    struct start *start;
    assert_int_equal(starts_ask(s, &name_a, one, NOW, &start), START_NEW);
    start_failed(start);
    assert_int_equal(starts_count(s), 0);
    assert_int_equal(ask(s, &name_a, two, NOW), START_NEW);
    starts_free(s);
}

static void they_expire_after_a_day(void **state)
{
    (void)state;
    struct starts *s = starts_new(10);
    struct start *start;
    struct start_name later = { 1400000001, "AKIDa", "key-2" };
    assert_int_equal(ask(s, &name_a, one, NOW), START_NEW);
    assert_int_equal(ask(s, &later, one, NOW + SEC), START_NEW);
    assert_int_equal(ask(s, &name_a, one, NOW + STARTS_KEPT - 1), START_DONE);
    assert_false(starts_expire(s, NOW + STARTS_KEPT - 1));
    assert_true(starts_expire(s, NOW + STARTS_KEPT));
    assert_int_equal(starts_count(s), 1);
    assert_int_equal(starts_ask(s, &name_a, two, NOW + STARTS_KEPT, &start), START_NEW);

    /* One that is not done yet does not go, whatever the clock says. */
    starts_expire(s, NOW + 10 * STARTS_KEPT);
    assert_int_equal(starts_count(s), 1);
    start_failed(start);
    starts_free(s);
}

static void each_application_has_its_limit(void **state)
{
    (void)state;
    struct starts *s = starts_new(2);
    static const struct start_name names[] = { { 1, "a", "1" }, { 1, "b", "2" }, { 1, "a", "3" } };
    static const struct start_name other = { 2, "a", "3" };
    assert_int_equal(ask(s, &names[0], one, NOW), START_NEW);
    assert_int_equal(ask(s, &names[1], one, NOW), START_NEW);
    assert_int_equal(ask(s, &names[2], one, NOW), START_FULL);
    assert_int_equal(ask(s, &names[0], one, NOW), START_DONE);
    assert_int_equal(ask(s, &other, one, NOW), START_NEW);
    assert_int_equal(ask(s, &names[2], one, NOW + STARTS_KEPT), START_NEW);
    starts_free(s);
}

static void what_is_stored_comes_back(void **state)
{
    (void)state;
    struct starts *s = starts_new(10), *t = starts_new(10);
    struct start *start;
    assert_int_equal(starts_ask(s, &name_a, one, NOW, &start), START_NEW);
    struct store_start row = start_row(start, "task-1");
    assert_int_equal(row.sdk_app_id, 1400000001);
    assert_string_equal(row.secret_id, "AKIDa");
    assert_string_equal(row.key, "key-1");
    assert_string_equal(row.task_id, "task-1");
    assert_int_equal(row.created, NOW);
    assert_true(starts_restore(t, &row));
    assert_int_equal(starts_ask(t, &name_a, one, NOW + 5, &start), START_DONE);
    assert_string_equal(start_task(start), "task-1");
    assert_int_equal(starts_ask(t, &name_a, two, NOW + 5, &start), START_OTHER);
    assert_int_equal(ask(t, &name_a, two, NOW + STARTS_KEPT), START_NEW);
    starts_free(s);
    starts_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_finds_the_first),
        cmocka_unit_test(names_do_not_meet),
        cmocka_unit_test(repeats_wait_for_one_that_is_starting),
        cmocka_unit_test(a_failed_one_may_be_tried_again),
        cmocka_unit_test(they_expire_after_a_day),
        cmocka_unit_test(each_application_has_its_limit),
        cmocka_unit_test(what_is_stored_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
