#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "media/h264_black.h"
#include "media/h264_params.h"

/* That it is black is seen by a decoder, in test_mp4_read. */
static void it_has_the_size_it_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        unsigned width, height, want_width, want_height;
    } sizes[] = { { 640, 360, 640, 360 },    { 16, 16, 16, 16 },     { 1, 1, 2, 2 },
                  { 639, 357, 638, 356 },    { 16, 4096, 16, 4096 }, { 1920, 1080, 1920, 1080 },
                  { 8192, 8192, 8192, 8192 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b;
        struct h264_params params;
        bool changed;
        buf_init(&b, 1u << 20);
        assert_int_equal(h264_black_put(&b, sizes[i].width, sizes[i].height), OK);
        h264_params_init(&params);
        assert_int_equal(h264_params_update(&params, buf_bytes(&b), &changed), OK);
        assert_true(changed && h264_params_complete(&params));
        const struct h264_sps *sps = h264_params_sps(&params);
        assert_int_equal(sps->width, sizes[i].want_width);
        assert_int_equal(sps->height, sizes[i].want_height);
        assert_int_equal(sps->profile, 66);

        struct reader units = reader_of(buf_bytes(&b));
        struct bytes nal;
        struct h264_slice slice;
        assert_true(h264_next(&units, &nal) && h264_next(&units, &nal) && h264_next(&units, &nal));
        assert_int_equal(h264_nal_type(nal), H264_IDR);
        assert_int_equal(h264_parse_slice(&slice, nal), OK);
        assert_int_equal(slice.type, 7);
        assert_false(h264_next(&units, &nal));
        buf_fini(&b);
    }
}

static void limits(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(h264_black_put(&b, 0, 16), ERR_LIMIT);
    assert_int_equal(h264_black_put(&b, 16, H264_BLACK_MAX + 1), ERR_LIMIT);
    assert_int_equal(b.len, 0);
    assert_int_equal(h264_black_put(&b, 64, 64), ERR_LIMIT); /* the buffer's */
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_size_it_was_asked_for),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
