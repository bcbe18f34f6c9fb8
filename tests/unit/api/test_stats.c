#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/stats.h"

static uint64_t requests(const struct api_stats *s, int action, const char *code)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->counts[i].action == action && strcmp(s->counts[i].code, code) == 0)
            sum += s->counts[i].requests;
    return sum;
}

static void each_action_and_code_has_its_count(void **state)
{
    (void)state;
    struct api_stats s = { 0 };
    for (int i = 0; i < 3; i++)
        api_stats_add(&s, "CreateCloudRecording", "OK", 2 * MSEC);
    api_stats_add(&s, "CreateCloudRecording", "InternalError", 2 * SEC);
    api_stats_add(&s, "DeleteCloudRecording", "OK", 0);
    assert_int_equal(s.count, 3);
    assert_int_equal(requests(&s, API_CREATE, "OK"), 3);
    assert_int_equal(requests(&s, API_CREATE, "InternalError"), 1);
    assert_int_equal(requests(&s, API_DELETE, "OK"), 1);
    assert_int_equal(counter_get(&s.took[API_CREATE].sum), 2006000);
    assert_int_equal(counter_get(&s.took[API_DESCRIBE].sum), 0);
    api_stats_fini(&s);
}

/* Strangers name what they like; it costs one count. */
static void unknown_actions_share_one(void **state)
{
    (void)state;
    struct api_stats s = { 0 };
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "Action%d", i);
        api_stats_add(&s, name, "InvalidAction", 0);
    }
    api_stats_add(&s, "", "InvalidAction", 0);
    assert_int_equal(s.count, 1);
    assert_int_equal(requests(&s, API_OTHER, "InvalidAction"), 1001);
    api_stats_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_and_code_has_its_count),
        cmocka_unit_test(unknown_actions_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
