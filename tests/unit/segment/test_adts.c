#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "segment/adts.h"

static void adts_header(void **state)
{
    (void)state;
    static const uint8_t want[] = { 0xff, 0xf1, 0x4c, 0x40, 0x01, 0x3f, 0xfc, 0x01, 0x02 };
    struct buf out;
    buf_init(&out, 20000);
    assert_int_equal(adts_put(&out, bytes_of("\1\2", 2), 1), OK);
    assert_int_equal(out.len, sizeof want);
    assert_memory_equal(out.ptr, want, sizeof want);
    static uint8_t large[ADTS_MAX_PAYLOAD + 1];
    assert_int_equal(adts_put(&out, bytes_of(large, sizeof large), 2), ERR_LIMIT);
    assert_int_equal(adts_put(&out, bytes_of(large, sizeof large - 1), 2), OK);
    assert_int_equal(adts_channels(bytes_of("\0", 1)), 1);
    assert_int_equal(adts_channels(bytes_of("\x21", 1)), 2);
    assert_int_equal(adts_channels(bytes_of("\xc0", 1)), 0);
    assert_int_equal(adts_channels(bytes_of("", 0)), 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(adts_header) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
