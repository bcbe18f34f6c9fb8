#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "upload/backoff.h"
#include "upload/key.h"

static void pauses_grow_within_their_ranges(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        usec_t low, high;
    } cases[] = {
        { 1, SEC, 2 * SEC },
        { 2, 2 * SEC, 4 * SEC },
        { 5, 16 * SEC, 32 * SEC },
        { 9, 256 * SEC, 512 * SEC },
        { 10, 300 * SEC, 600 * SEC },
        { 11, 300 * SEC, 600 * SEC },
        { 1000, 300 * SEC, 600 * SEC },
        { UINT32_MAX, 300 * SEC, 600 * SEC },
    };
    static const uint32_t chances[] = { 0, 1, 12345, 0x7fffffff, 0x80000000, UINT32_MAX };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < sizeof chances / sizeof *chances; k++) {
            usec_t pause = backoff_pause(cases[i].failures, chances[k]);
            if (pause < cases[i].low || pause > cases[i].high)
                fail_msg("failure %u: %lld us", cases[i].failures, (long long)pause);
        }
    assert_int_equal(backoff_pause(1, 0), BACKOFF_MIN);
    assert_true(backoff_pause(3, 17) != backoff_pause(3, 1000017));
}

static void keys_and_types(void **state)
{
    (void)state;
    struct buf key;
    buf_init(&key, 4096);
    assert_int_equal(key_build(&key, "class/2025", "task-1", "1_1.m3u8"), OK);
    assert_string_equal(buf_str(&key), "class/2025/task-1/1_1.m3u8");
    buf_clear(&key);
    assert_int_equal(key_build(&key, "", "task-1", "1_1.ts"), OK);
    assert_string_equal(buf_str(&key), "task-1/1_1.ts");
    buf_clear(&key);
    char prefix[KEY_MAX + 1];
    memset(prefix, 'p', KEY_MAX);
    prefix[KEY_MAX] = 0;
    assert_int_equal(key_build(&key, prefix, "t", "n"), ERR_LIMIT);
    buf_fini(&key);

    assert_string_equal(key_content_type("a.m3u8"), "application/vnd.apple.mpegurl");
    assert_string_equal(key_content_type("a_20250101050017163.ts"), "video/mp2t");
    assert_string_equal(key_content_type("a.mp4"), "video/mp4");
    assert_string_equal(key_content_type("a.aac"), "audio/aac");
    assert_string_equal(key_content_type("a"), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_within_their_ranges),
        cmocka_unit_test(keys_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
