#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "media/annexb.h"
#include "media/bits.h"
#include "media/h264_params.h"

/* Made by x264 0.164 (sizes and profiles as named) where not said otherwise, without start codes.
 */
static const struct {
    const char *what, *hex;
    unsigned profile, level, width, height, chroma, depth;
    bool interlaced;
} sps_table[] = {
    { "360p baseline", "6742c016d900a02ff970110000030001000003001e0f162e48", 66, 22, 640, 360, 1, 8,
      false },
    { "360p high", "67640016acd940a02ff970110000030001000003001e0f162d96", 100, 22, 640, 360, 1, 8,
      false },
    { "720p", "6742c01fd9005005bb0110000003001000000301e0f1832480", 66, 31, 1280, 720, 1, 8,
      false },
    { "1080p", "67640028acd940780227e5c044000003000400000300783c60c658", 100, 40, 1920, 1080, 1, 8,
      false },
    { "cropped twice", "67640016acd940a02fea6c0440000003004000000783c58b6580", 100, 22, 638, 358, 1,
      8, false },
    { "fields", "6764001eacd940b424d8088000000300800000190f8a14cb", 100, 30, 720, 576, 1, 8, true },
    { "4:4:4", "67f4000d919b28283f6022000003000200000300641e28532c", 244, 13, 320, 240, 3, 8,
      false },
    { "4:2:2 10 bit", "677a001eb6cd940d83de6f011000000300100000030320f162d960", 122, 30, 854, 480,
      2, 10, false },
    { "1080 fields, cropped", "67640028acd94078044fde0220000003002000000643e2c5b2c0", 100, 40, 1920,
      1080, 1, 8, true },
    { "4:4:4, cropped", "67f4000a919b28e4f1b1f80880000003008000001e078912cb", 244, 10, 100, 50, 3,
      8, false },
    { "smallest, by hand", "6742e01fda7e2221", 66, 31, 2, 2, 1, 8, false },
    { "widest, by hand", "6742e01fda00100099", 66, 31, 16384, 64, 1, 8, false },
};

static struct bytes unhex(const char *hex, uint8_t *out)
{
    struct bytes text = bytes_str(hex);
    assert_true(hex_decode(out, text.len / 2, text));
    return bytes_of(out, text.len / 2);
}

static void sps_of_real_encoders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sps_table / sizeof *sps_table; i++) {
        uint8_t block[64];
        struct h264_sps sps;
        print_message("%s\n", sps_table[i].what);
        assert_int_equal(h264_parse_sps(&sps, unhex(sps_table[i].hex, block)), OK);
        assert_int_equal(sps.profile, sps_table[i].profile);
        assert_int_equal(sps.level, sps_table[i].level);
        assert_int_equal(sps.width, sps_table[i].width);
        assert_int_equal(sps.height, sps_table[i].height);
        assert_int_equal(sps.chroma_format, sps_table[i].chroma);
        assert_int_equal(sps.bit_depth, sps_table[i].depth);
        assert_int_equal(sps.interlaced, sps_table[i].interlaced);
    }
}

static void too_large_is_refused(void **state)
{
    (void)state;
    uint8_t block[16];
    struct h264_sps sps;
    assert_int_equal(h264_parse_sps(&sps, unhex("6742e01fda001389e4", block)), ERR_LIMIT);
    assert_int_equal(h264_parse_sps(&sps, unhex("6742e01fda001007e234", block)), ERR_LIMIT);
}

/* The VUI is not read, so a cut inside it goes unseen; before it, every cut is refused. */
static void cut_sps_is_refused(void **state)
{
    (void)state;
    uint8_t block[64];
    struct bytes whole = unhex(sps_table[1].hex, block);
    for (size_t len = 0; len < 11; len++) {
        uint8_t *exact = malloc(len + !len);
        memcpy(exact, block, len);
        struct h264_sps sps;
        assert_int_equal(h264_parse_sps(&sps, bytes_of(exact, len)), ERR_MALFORMED);
        free(exact);
    }
    assert_true(whole.len > 11);
}

static void golomb_codes(void **state)
{
    (void)state;
    static const uint8_t in[] = {
        0xa6, 0x42, 0x98, 0xe2, 0x04, 0x8a
    }; /* table 9-2: 0 1 2 3 4 5 6 7 8 9 */
    struct bits b = bits_of(bytes_of(in, sizeof in));
    for (uint32_t want = 0; want < 9; want++)
        assert_int_equal(bits_ue(&b, 100), want);
    b = bits_of(bytes_of(in, sizeof in));
    static const int signed_want[] = { 0, 1, -1, 2, -2, 3, -3, 4, -4 };
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(bits_se(&b), signed_want[i]);
    assert_false(b.failed);
}

static void golomb_limits(void **state)
{
    (void)state;
    static const uint8_t zeros[16];
    struct bits b = bits_of(bytes_of(zeros, sizeof zeros));
    assert_int_equal(bits_ue(&b, UINT32_MAX), 0);
    assert_true(b.failed);
    static const uint8_t largest[] = {
        0x00, 0x00, 0x03, 0x00, 0x01, 0xff, 0xff, 0xff, 0xfe
    }; /* 2^32 - 2 */
    b = bits_of(bytes_of(largest, sizeof largest));
    assert_int_equal(bits_ue(&b, UINT32_MAX), 0xfffffffe);
    assert_false(b.failed);
    b = bits_of(bytes_of(largest, sizeof largest));
    assert_int_equal(bits_ue(&b, 255), 0);
    assert_true(b.failed);
}

static void emulation_prevention_goes(void **state)
{
    (void)state;
    static const uint8_t in[] = { 0x65, 0, 0, 3, 0, 0, 3, 1, 0, 0, 3 },
                         want[] = { 0x65, 0, 0, 0, 0, 1, 0, 0 };
    struct bits b = bits_of(bytes_of(in, sizeof in));
    for (size_t i = 0; i < sizeof want; i++)
        assert_int_equal(bits_u(&b, 8), want[i]);
    assert_false(b.failed);
    bits_one(&b);
    assert_true(b.failed);
}

static void units_of_a_frame(void **state)
{
    (void)state;
    static const uint8_t in[] = { 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 3, 0x65, 2, 3 };
    struct reader units = reader_of(bytes_of(in, sizeof in));
    static const unsigned want[] = { H264_SPS, H264_PPS, H264_IDR };
    size_t n = 0;
    for (struct bytes nal; h264_next(&units, &nal); n++)
        assert_int_equal(h264_nal_type(nal), want[n]);
    assert_int_equal(n, 3);
    assert_false(units.failed);

    for (size_t len = 1; len < sizeof in; len++) {
        units = reader_of(bytes_of(in, len));
        for (struct bytes nal; h264_next(&units, &nal);)
            ;
        assert_int_equal(units.failed, len != 6 && len != 11); /* where a unit ends */
    }
}

static const char sps_a[] = "6742c016d900a02ff970110000030001000003001e0f162e48",
                  pps_a[] = "68cb83cb20";
static const char sps_b[] = "6742c01fd9005005bb0110000003001000000301e0f1832480";

static void put_unit(struct buf *frame, const char *hex)
{
    uint8_t block[64];
    struct bytes nal = unhex(hex, block);
    buf_put_u32(frame, (uint32_t)nal.len);
    buf_put_bytes(frame, nal);
}

static bool changes(struct h264_params *p, const struct buf *frame)
{
    bool changed;
    assert_int_equal(h264_params_update(p, buf_bytes(frame), &changed), OK);
    return changed;
}

static void params_tell_changes(void **state)
{
    (void)state;
    struct h264_params p;
    h264_params_init(&p);
    assert_null(h264_params_sps(&p));
    struct buf a, b;
    buf_init(&a, 256);
    buf_init(&b, 256);
    put_unit(&a, sps_a);
    assert_true(changes(&p, &a));
    assert_false(h264_params_complete(&p));
    put_unit(&a, pps_a);
    assert_true(changes(&p, &a));
    assert_true(h264_params_complete(&p));
    put_unit(&a, "6588840a");
    assert_false(changes(&p, &a));
    assert_int_equal(h264_params_sps(&p)->width, 640);

    put_unit(&b, sps_b);
    put_unit(&b, pps_a);
    assert_true(changes(&p, &b));
    assert_int_equal(h264_params_sps(&p)->width, 1280);
    assert_int_equal(p.sps_count, 1);
    assert_int_equal(h264_params_size(&p), b.len);
    uint8_t block[128];
    struct writer w = writer_of(block, sizeof block);
    h264_params_write(&p, &w);
    assert_true(bytes_equal(bytes_of(block, writer_len(&w)), buf_bytes(&b)));
    buf_fini(&a);
    buf_fini(&b);
}

static void params_are_equal_when_pictures_decode_alike(void **state)
{
    (void)state;
    struct h264_params p, q;
    h264_params_init(&p);
    h264_params_init(&q);
    assert_true(h264_params_equal(&p, &q));
    struct buf a, b;
    buf_init(&a, 256);
    buf_init(&b, 256);
    put_unit(&a, sps_a);
    changes(&p, &a);
    assert_false(h264_params_equal(&p, &q));
    put_unit(&a, pps_a);
    changes(&p, &a);
    q = p;
    assert_false(changes(&q, &a));
    assert_true(h264_params_equal(&p, &q));

    put_unit(&b, sps_b);
    changes(&q, &b);
    assert_false(h264_params_equal(&p, &q));
    q = p;
    q.active = 1; /* as with two SPS, when a key frame chooses the other */
    assert_false(h264_params_equal(&p, &q));
    buf_fini(&a);
    buf_fini(&b);
}

static void params_of_a_cut_frame(void **state)
{
    (void)state;
    struct buf a;
    buf_init(&a, 256);
    put_unit(&a, sps_a);
    size_t sps_end = a.len;
    put_unit(&a, pps_a);
    for (size_t len = 1; len < a.len; len++) {
        struct h264_params p;
        h264_params_init(&p);
        bool changed;
        assert_int_equal(h264_params_update(&p, bytes_of(a.ptr, len), &changed),
                         len == sps_end ? OK : ERR_MALFORMED);
        assert_int_equal(changed, len >= sps_end);
        assert_int_equal(p.sps_count, len >= sps_end);
        assert_int_equal(p.pps_count, 0);
    }
    buf_fini(&a);
}

static void params_are_bounded(void **state)
{
    (void)state;
    struct h264_params p;
    h264_params_init(&p);
    uint8_t large[H264_SET_SIZE + 1] = { 0x68, 0x80 };
    bool changed = false;
    assert_int_equal(h264_params_put(&p, bytes_of(large, sizeof large), &changed), ERR_LIMIT);
    assert_false(changed);
    for (unsigned id = 0; id < 200; id++) { /* PPS ids 0 to 199 as 8 bits and SPS id 0 */
        uint8_t pps[8] = { 0x68 };
        unsigned length = 0;
        while ((id + 1) >> (length + 1))
            length++;
        uint32_t code = ((id + 1) << 1 | 1) << (30 - 2 * length);
        set_u32(pps + 1, code);
        pps[5] = 0x80;
        assert_int_equal(h264_params_put(&p, bytes_of(pps, 6), &changed), OK);
        struct h264_pps info;
        assert_int_equal(h264_parse_pps(&info, bytes_of(pps, 6)), OK);
        assert_int_equal(info.id, id);
        assert_true(p.pps_count <= H264_MAX_PPS);
    }
}

static void byte_streams_become_frames(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        size_t stream_len;
        const char *frame;
        size_t len;
    } table[] = {
        { "\0\0\1\x65\1", 5, "\0\0\0\2\x65\1", 6 },
        { "\0\0\0\1\x67\1\0\0\0\1\x68\0\0\1\x65\2\0\0", 18,
          "\0\0\0\2\x67\1\0\0\0\1\x68\0\0\0\2\x65\2", 17 },
        { "\0\0\1\0\0\1\x65", 7, "\0\0\0\1\x65", 5 },
    };
    struct buf out;
    buf_init(&out, 100);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buf_clear(&out);
        assert_int_equal(h264_from_annexb(&out, bytes_of(table[i].stream, table[i].stream_len)),
                         OK);
        assert_int_equal(out.len, table[i].len);
        assert_memory_equal(out.ptr, table[i].frame, out.len);
    }
    assert_int_equal(h264_from_annexb(&out, bytes_of("\1\0\0\1\x65", 5)), ERR_MALFORMED);
    assert_int_equal(h264_from_annexb(&out, bytes_of("\0\0", 2)), ERR_MALFORMED);
    assert_int_equal(h264_from_annexb(&out, bytes_of(NULL, 0)), ERR_MALFORMED);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sps_of_real_encoders),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(cut_sps_is_refused),
        cmocka_unit_test(golomb_codes),
        cmocka_unit_test(golomb_limits),
        cmocka_unit_test(emulation_prevention_goes),
        cmocka_unit_test(units_of_a_frame),
        cmocka_unit_test(byte_streams_become_frames),
        cmocka_unit_test(params_tell_changes),
        cmocka_unit_test(params_are_equal_when_pictures_decode_alike),
        cmocka_unit_test(params_of_a_cut_frame),
        cmocka_unit_test(params_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
