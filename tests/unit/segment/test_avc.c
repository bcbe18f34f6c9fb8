#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "frames.h"
#include "segment/adts.h"
#include "segment/avc.h"

static void sizes_of_made_sets(void **state)
{
    (void)state;
    static const unsigned size[][2] = { { 640, 480 }, { 320, 180 }, { 1920, 1080 },
                                        { 16, 16 },   { 2, 2 },     { 16384, 64 } };
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        struct buf b;
        struct avc_sps sps;
        buf_init(&b, 100);
        make_sps(&b, size[i][0], size[i][1]);
        assert_int_equal(avc_parse_sps(buf_bytes(&b), &sps), OK);
        assert_int_equal(sps.width, size[i][0]);
        assert_int_equal(sps.height, size[i][1]);
        assert_int_equal(sps.profile, 66);
        assert_int_equal(sps.level, 31);
        for (size_t len = 0; len + 1 < b.len; len++)
            assert_int_equal(avc_parse_sps(bytes_of(b.ptr, len), &sps), ERR_MALFORMED);
        buf_fini(&b);
    }
}

/* Written by x264. */
static void sizes_of_real_sets(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hex;
        unsigned width, height;
    } rows[] = {
        { "baseline", "6742c01ed900a02ff970110000030001000003003c0f162e48", 640, 360 },
        { "main", "674d4028eca03c0113f2e022000003000200000300781e30632c", 1920, 1080 },
        { "high", "6764001facd9405005bb0110000003001000000303c0f1831960", 1280, 720 },
        { "high 4:2:2", "677a001fbcd940d83de6f0110000030001000003003c0f183196", 854, 480 },
        { "high 4:4:4", "67f4000a919b28e4f1b1f80880000003008000001e078912cb", 100, 50 },
        { "interlaced", "67640028acd94078044fde0220000003002000000643e2c5b2c0", 1920, 1080 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t nal[40];
        size_t len = strlen(rows[i].hex) / 2;
        struct avc_sps sps;
        assert_true(hex_decode(nal, len, bytes_str(rows[i].hex)));
        if (avc_parse_sps(bytes_of(nal, len), &sps) || sps.width != rows[i].width ||
            sps.height != rows[i].height)
            fail_msg("%s: %u x %u", rows[i].what, sps.width, sps.height);
    }
}

static void too_large_is_refused(void **state)
{
    (void)state;
    struct buf b;
    struct avc_sps sps;
    buf_init(&b, 100);
    make_sps(&b, 20000, 48);
    assert_int_equal(avc_parse_sps(buf_bytes(&b), &sps), ERR_RANGE);
    buf_fini(&b);
}

static struct bytes unit_of(const struct frame *f)
{
    return bytes_of(f->data, f->size);
}

static void params_follow_the_stream(void **state)
{
    (void)state;
    struct avc_params p, q;
    avc_params_init(&p);
    avc_params_init(&q);
    struct frame *a = make_video(0, 10, 64, FRAME_KEY | FRAME_SETS),
                 *b = make_video(0, 10, 32, FRAME_KEY | FRAME_SETS), *c = make_video(0, 10, 0, 0);
    assert_int_equal(avc_params_update(&p, unit_of(c)), OK);
    assert_false(avc_params_known(&p));
    assert_int_equal(avc_params_update(&p, unit_of(a)), OK);
    assert_true(avc_params_known(&p));
    assert_int_equal(p.width, 64);
    assert_int_equal(p.height, 48);
    assert_int_equal(avc_params_copy(&q, &p), OK);
    assert_true(avc_params_equal(&p, &q));
    assert_int_equal(avc_params_update(&p, unit_of(b)), OK);
    assert_false(avc_params_equal(&p, &q));
    assert_int_equal(p.width, 32);

    /* Cut inside a unit it is refused, and changes nothing. */
    size_t sps_end = 4 + get_u32(a->data), pps_end = sps_end + 8;
    for (size_t len = 1; len < a->size; len++) {
        bool border = len == sps_end || len == pps_end;
        assert_int_equal(avc_params_update(&p, bytes_of(a->data, len)),
                         border ? OK : ERR_MALFORMED);
        assert_int_equal(p.width, border ? 64 : 32);
        assert_int_equal(avc_params_update(&p, unit_of(b)), OK);
    }
    avc_params_fini(&p);
    avc_params_fini(&q);
    frame_unref(a);
    frame_unref(b);
    frame_unref(c);
}

static void byte_stream_form(void **state)
{
    (void)state;
    static const uint8_t sets[] = { 0, 0, 0, 2, 0x68, 0x11 };
    static const uint8_t unit[] = { 0, 0, 0, 2, 9, 0x30, 0, 0, 0, 0, 0, 0, 0, 3, 0x65, 1, 2 };
    static const uint8_t want[] = { 0,    0,    0, 1, 9, 0xf0, 0,    0, 0, 1,
                                    0x68, 0x11, 0, 0, 0, 1,    0x65, 1, 2 };
    struct avc_params p;
    struct buf out;
    avc_params_init(&p);
    buf_put(&p.pps, sets, sizeof sets);
    buf_init(&out, 1000);
    assert_int_equal(avc_put_annexb(&out, bytes_of(unit, sizeof unit), &p), OK);
    assert_int_equal(out.len, sizeof want);
    assert_memory_equal(out.ptr, want, sizeof want);

    for (size_t len = 1; len < sizeof unit; len++) {
        buf_clear(&out);
        bool whole = len == 6 || len == 10;
        assert_int_equal(avc_put_annexb(&out, bytes_of(unit, len), NULL),
                         whole ? OK : ERR_MALFORMED);
    }
    buf_fini(&out);
    avc_params_fini(&p);
}

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_made_sets),   cmocka_unit_test(sizes_of_real_sets),
        cmocka_unit_test(too_large_is_refused), cmocka_unit_test(params_follow_the_stream),
        cmocka_unit_test(byte_stream_form),     cmocka_unit_test(adts_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
