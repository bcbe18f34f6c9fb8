/* Streams of our writer, whole and torn, as a crash leaves them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "frames.h"
#include "memory_sink.h"
#include "segment/ts_file.h"
#include "segment/ts_scan.h"

#define T0 (1735707617163 * MSEC)

struct bench {
    struct memory_sink *m;
    struct ts_file file;
    struct h264_params params;
    unsigned audio;
};

static void setup(struct bench *b)
{
    *b = (struct bench){ .m = memory_sink_new() };
    ts_file_init(&b->file, &b->m->sink);
    h264_params_init(&b->params);
}

static void begin(struct bench *b, bool video, bool audio, bool discontinuity)
{
    assert_int_equal(ts_file_begin(&b->file, "x.ts", T0, T0, video, audio, discontinuity), OK);
}

static void put_video(struct bench *b, usec_t at, size_t size, unsigned flags)
{
    struct frame *f = make_video(T0 + at, size, 64, flags);
    assert_int_equal(ts_file_video(&b->file, f, &b->params, T0 + at + 40 * MSEC), OK);
    frame_unref(f);
}

static void put_audio(struct bench *b, unsigned channels)
{
    struct frame *f = make_audio(T0, b->audio++, channels);
    assert_int_equal(ts_file_audio(&b->file, f->time, f->time + f->duration,
                                   bytes_of(f->data, f->size), channels),
                     OK);
    frame_unref(f);
}

static struct bytes finish(struct bench *b)
{
    struct sink_file info;
    assert_int_equal(ts_file_finish(&b->file, T0 + SEC, "x.m3u8", &info), OK);
    return buf_bytes(&b->m->file[b->m->files - 1].bytes);
}

static void teardown(struct bench *b)
{
    ts_file_fini(&b->file);
    memory_sink_free(b->m);
}

static int scan(struct ts_summary *out, struct bytes bytes, size_t piece)
{
    struct ts_scan s;
    ts_scan_init(&s);
    for (size_t len; bytes.len; bytes = bytes_of(bytes.ptr + len, bytes.len - len)) {
        len = bytes.len < piece ? bytes.len : piece;
        ts_scan_feed(&s, bytes_of(bytes.ptr, len));
    }
    int err = ts_scan_end(&s, out);
    ts_scan_fini(&s);
    return err;
}

static void a_whole_stream_is_described(void **state)
{
    (void)state;
    struct bench b;
    struct ts_summary s;
    setup(&b);
    begin(&b, true, true, true);
    for (unsigned i = 0; i < 25; i++) {
        put_video(&b, i * 40 * MSEC, 100 + 97 * i, i ? 0 : FRAME_KEY | FRAME_SETS);
        put_audio(&b, 2);
    }
    struct bytes ts = finish(&b);
    assert_int_equal(scan(&s, ts, SIZE_MAX), OK);
    assert_int_equal(s.bytes, ts.len);
    assert_true(s.discontinuity);
    assert_int_equal(s.frames[TS_VIDEO], 25);
    assert_int_equal(s.frames[TS_AUDIO], 25);
    assert_int_equal(s.start, 0);
    assert_int_equal(s.duration, 25 * 3600);
    assert_int_equal(s.channels, 2);
    assert_int_equal(s.width, 64);
    assert_int_equal(s.height, 48);
    teardown(&b);
}

static void sound_alone_lasts_to_its_last_frame(void **state)
{
    (void)state;
    struct bench b;
    struct ts_summary s;
    setup(&b);
    begin(&b, false, true, false);
    for (unsigned i = 0; i < 47; i++)
        put_audio(&b, 1);
    struct bytes ts = finish(&b);
    assert_int_equal(scan(&s, ts, 1), OK);
    assert_int_equal(s.bytes, ts.len);
    assert_false(s.discontinuity);
    assert_int_equal(s.frames[TS_AUDIO], 47);
    assert_int_equal(s.duration, 47 * 1920);
    assert_int_equal(s.channels, 1);
    assert_int_equal(s.width, 0);
    teardown(&b);
}

/* The invariants of a torn stream: it is a prefix of whole packets, never more than there is, and
 * what is kept reads the same once the null packet follows that closes it. */
static void check_torn(struct bytes ts, size_t len, unsigned *frames)
{
    struct ts_summary s, again;
    if (scan(&s, bytes_of(ts.ptr, len), SIZE_MAX)) {
        assert_int_equal(*frames, 0);
        return;
    }
    unsigned count = s.frames[TS_VIDEO] + s.frames[TS_AUDIO];
    assert_true(s.bytes <= len && s.bytes % TS_PACKET == 0);
    assert_true(count >= *frames);
    *frames = count;

    struct buf kept;
    buf_init(&kept, 1u << 24);
    buf_put(&kept, ts.ptr, (size_t)s.bytes);
    ts_put_padding(&kept, 1);
    assert_int_equal(scan(&again, buf_bytes(&kept), 1000), OK);
    assert_int_equal(again.bytes, s.bytes + TS_PACKET);
    assert_int_equal(again.start, s.start);
    assert_int_equal(again.duration, s.duration);
    assert_int_equal(again.frames[TS_VIDEO], s.frames[TS_VIDEO]);
    assert_int_equal(again.frames[TS_AUDIO], s.frames[TS_AUDIO]);
    assert_int_equal(again.channels, s.channels);
    assert_int_equal(again.width, s.width);
    buf_fini(&kept);
}

/* Cut at every byte: the more is there, the more is kept, up to all of it. */
static void every_prefix_keeps_its_whole_frames(void **state)
{
    (void)state;
    uint32_t seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    struct bench b;
    setup(&b);
    begin(&b, true, true, false);
    for (unsigned i = 0; i < 12; i++) {
        size_t size = i == 5 ? 66000 : (size_t)(1 + rand() % 1500); /* one without a length */
        put_video(&b, i * 40 * MSEC, size, i ? 0 : FRAME_KEY | FRAME_SETS);
        put_audio(&b, 1);
        put_audio(&b, 1);
    }
    struct bytes ts = finish(&b);
    unsigned frames = 0;
    for (size_t len = 0; len <= ts.len; len += len < 4000 || ts.len - len < 8000 ? 1 : 47)
        check_torn(ts, len, &frames);
    check_torn(ts, ts.len, &frames);
    assert_int_equal(frames, 12 + 24);
    teardown(&b);
}

/* A large access unit that fills its last packet tells its end by what follows only. */
static void a_unit_without_a_length_ends_where_the_next_begins(void **state)
{
    (void)state;
    for (size_t size = 70000; size < 70000 + 200; size++) {
        struct bench b;
        struct ts_summary s;
        setup(&b);
        begin(&b, true, false, false);
        put_video(&b, 0, size, FRAME_KEY | FRAME_SETS);
        struct buf *out = &b.m->open.bytes; /* what the sink has of it */
        assert_int_equal(ts_file_flush(&b.file), OK);
        size_t one = out->len;
        put_video(&b, 40 * MSEC, 100, 0);
        struct bytes ts = finish(&b);
        assert_int_equal(scan(&s, bytes_of(ts.ptr, one + TS_PACKET), SIZE_MAX), OK);
        assert_in_range(s.frames[TS_VIDEO], 1, 2);
        assert_true(s.bytes >= one);
        assert_true(scan(&s, bytes_of(ts.ptr, one - 1), SIZE_MAX) == ERR_NOT_FOUND);

        struct buf closed;
        buf_init(&closed, 1u << 20);
        buf_put(&closed, ts.ptr, one);
        ts_put_padding(&closed, 1);
        assert_int_equal(scan(&s, buf_bytes(&closed), SIZE_MAX), OK);
        assert_int_equal(s.frames[TS_VIDEO], 1);
        assert_int_equal(s.bytes, one + TS_PACKET);
        buf_fini(&closed);
        teardown(&b);
    }
}

/* What stands behind a hole of zeros, an old block or a repeated packet is not trusted. */
static void nothing_behind_damage_counts(void **state)
{
    (void)state;
    uint32_t seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    struct bench b;
    setup(&b);
    begin(&b, true, false, false);
    for (unsigned i = 0; i < 30; i++)
        put_video(&b, i * 40 * MSEC, (size_t)(300 + rand() % 3000), i ? 0 : FRAME_KEY | FRAME_SETS);
    struct bytes ts = finish(&b);
    struct buf torn;
    buf_init(&torn, 1u << 24);
    for (int n = 0; n < 300; n++) {
        struct ts_summary s;
        buf_clear(&torn);
        buf_put_bytes(&torn, ts);
        size_t packets = ts.len / TS_PACKET, at = 1 + (size_t)rand() % (packets - 1);
        uint8_t *p = torn.ptr + at * TS_PACKET;
        switch (rand() % 3) {
        case 0: memset(p, 0, TS_PACKET); break;
        case 1: memcpy(p, p - TS_PACKET, TS_PACKET); break;
        case 2: p[0] ^= 1u << rand() % 8; break;
        }
        if (scan(&s, buf_bytes(&torn), 4096) == OK)
            assert_true(s.bytes <= at * TS_PACKET);
    }
    buf_fini(&torn);
    teardown(&b);
}

static void pictures_begin_with_a_key_frame(void **state)
{
    (void)state;
    struct bench b;
    struct ts_summary s;
    setup(&b);
    begin(&b, true, false, false);
    put_video(&b, 0, 500, 0);
    put_video(&b, 40 * MSEC, 500, FRAME_KEY | FRAME_SETS);
    assert_int_equal(scan(&s, finish(&b), SIZE_MAX), ERR_NOT_FOUND);
    assert_int_equal(scan(&s, bytes_of(NULL, 0), 1), ERR_NOT_FOUND);
    teardown(&b);
}

static void distances_cross_the_wrap(void **state)
{
    (void)state;
    int64_t wrap = (int64_t)1 << 33;
    assert_int_equal(ts_distance(0, 10), 10);
    assert_int_equal(ts_distance(10, 0), -10);
    assert_int_equal(ts_distance(wrap - 5, 5), 10);
    assert_int_equal(ts_distance(5, wrap - 5), -10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_stream_is_described),
        cmocka_unit_test(sound_alone_lasts_to_its_last_frame),
        cmocka_unit_test(every_prefix_keeps_its_whole_frames),
        cmocka_unit_test(a_unit_without_a_length_ends_where_the_next_begins),
        cmocka_unit_test(nothing_behind_damage_counts),
        cmocka_unit_test(pictures_begin_with_a_key_frame),
        cmocka_unit_test(distances_cross_the_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
