#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "segment/annexb.h"

static const uint8_t frame[] = { 0, 0, 0, 2, 9, 0x30, 0, 0, 0, 3, 0x65, 1, 2 };

static struct h264_params some_sets(void)
{
    struct h264_params p;
    h264_params_init(&p);
    p.sps_count = p.pps_count = 1;
    p.sps[0] = (struct h264_set){ .size = 3, .data = { 0x67, 1, 2 } };
    p.pps[0] = (struct h264_set){ .size = 2, .data = { 0x68, 0x11 } };
    return p;
}

static void put(struct buf *out, struct bytes in, const struct h264_params *params)
{
    buf_clear(out);
    assert_int_equal(annexb_put(out, in, params), OK);
}

static void same(const struct buf *out, struct bytes want)
{
    assert_int_equal(out->len, want.len);
    assert_memory_equal(out->ptr, want.ptr, want.len);
}

static void delimiter_sets_and_frame(void **state)
{
    (void)state;
    static const uint8_t want[] = { 0, 0, 0, 1, 9,    0xf0, 0, 0, 0, 1, 0x67, 1, 2,
                                    0, 0, 0, 1, 0x68, 0x11, 0, 0, 0, 1, 0x65, 1, 2 };
    static const uint8_t plain[] = { 0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x65, 1, 2 };
    struct h264_params p = some_sets();
    struct buf out;
    buf_init(&out, 1000);
    put(&out, bytes_of(frame, sizeof frame), &p);
    same(&out, bytes_of(want, sizeof want));
    put(&out, bytes_of(frame, sizeof frame), NULL);
    same(&out, bytes_of(plain, sizeof plain));
    buf_fini(&out);
}

static void own_sets_stay_alone(void **state)
{
    (void)state;
    static const uint8_t own[] = { 0, 0, 0, 2, 0x67, 9, 0, 0, 0, 2, 0x65, 1 };
    static const uint8_t want[] = { 0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x65, 1 };
    struct h264_params p = some_sets();
    struct buf out;
    buf_init(&out, 1000);
    put(&out, bytes_of(own, sizeof own), &p);
    same(&out, bytes_of(want, sizeof want));
    buf_fini(&out);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    for (size_t len = 1; len < sizeof frame; len++) {
        buf_clear(&out);
        bool whole = len == 6; /* where a unit ends */
        assert_int_equal(annexb_put(&out, bytes_of(frame, len), NULL), whole ? OK : ERR_MALFORMED);
        assert_int_equal(out.len > 0, whole);
    }
    static const uint8_t empty[] = { 0, 0, 0, 0 };
    assert_int_equal(annexb_put(&out, bytes_of(empty, sizeof empty), NULL), ERR_MALFORMED);
    buf_fini(&out);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 8);
    assert_int_equal(annexb_put(&out, bytes_of(frame, sizeof frame), NULL), ERR_LIMIT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delimiter_sets_and_frame),
        cmocka_unit_test(own_sets_stay_alone),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
