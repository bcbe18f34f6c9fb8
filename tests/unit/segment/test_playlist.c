#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "memory_sink.h"
#include "segment/playlist.h"

#define NAME "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_video"

static const struct hls_playlist_config alice = {
    .name = NAME ".m3u8",
    .version = "1a2b3c4",
    .date = "2025-01-01 00:00:00 +0800",
    .media_id = "main",
    .user_id = "alice",
    .streams = HLS_VIDEO,
};

#define HEAD(target, start, user, mix, type)                                                       \
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-ALLOW-CACHE:NO\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-"           \
    "TARGETDURATION:" target                                                                       \
    "\n#EXT-X-TRTC-VERSION:1a2b3c4\n#EXT-X-TRTC-DATE:2025-01-01 00:00:00 +0800\n"                  \
    "#EXT-X-TRTC-START-REC-TIME:" start "\n#EXT-X-TRTC-MEDIA-ID:main\n#EXT-X-TRTC-USER-ID:" user   \
    "\n#EXT-X-TRTC-MIX-STREAM:" mix "\n#EXT-X-TRTC-STREAM-TYPE:" type "\n"

static void assert_text(const struct hls_playlist *p, const char *want)
{
    assert_string_equal((const char *)hls_playlist_text(p).ptr, want);
}

/* The example of files.md 2, with the PROGRAM-DATE-TIME that it proposes. */
static void example(void **state)
{
    (void)state;
    struct memory_sink *m = memory_sink_new();
    struct hls_playlist *p = hls_playlist_new(&alice, 1735707617163 * MSEC + 400);
    struct hls_segment s = { .name = NAME "_20250101050017163.ts",
                             .start = 1735707617163 * MSEC + 400,
                             .duration = 10066 * MSEC,
                             .bytes = 412848,
                             .width = 640,
                             .height = 480 };
    assert_int_equal(hls_playlist_add(p, &s), OK);
    assert_int_equal(hls_playlist_publish(p, &m->sink, false), OK);
    s.name = NAME "_20250101050027229.ts";
    s.start += s.duration;
    s.duration = 10033 * MSEC;
    s.bytes = 398020;
    assert_int_equal(hls_playlist_add(p, &s), OK);
    assert_int_equal(hls_playlist_publish(p, &m->sink, true), OK);
    assert_string_equal(buf_str(&m->playlist),
                        HEAD("10", "1735707617163", "alice", "0",
                             "1") "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:640 HEIGHT:480 Codec:27\n"
                                  "#EXT-X-PROGRAM-DATE-TIME:2025-01-01T05:00:17.163Z\n"
                                  "#EXT-X-TRTC-FILE-ATTR:1735707617163,412848\n"
                                  "#EXTINF:10.0660,\n" NAME "_20250101050017163.ts\n"
                                  "#EXT-X-TRTC-FILE-ATTR:1735707627229,398020\n"
                                  "#EXTINF:10.0330,\n" NAME "_20250101050027229.ts\n"
                                  "#EXT-X-ENDLIST\n");
    assert_true(m->ended);
    assert_int_equal(m->generation, 2);
    assert_int_equal(hls_playlist_add(p, &s), ERR_BAD_STATE);
    assert_int_equal(hls_playlist_publish(p, &m->sink, true), ERR_BAD_STATE);
    hls_playlist_free(p);
    memory_sink_free(m);
}

static void gaps_formats_and_long_segments(void **state)
{
    (void)state;
    struct hls_playlist_config c = alice;
    c.streams = HLS_AUDIO_VIDEO;
    c.mix = true;
    c.user_id = "a\nb\x7f";
    struct hls_playlist *p = hls_playlist_new(&c, 5 * SEC);
    struct hls_segment rows[] = {
        { .name = "a.ts", .start = 5 * SEC, .duration = 10499950, .bytes = 1, .channels = 1 },
        { .name = "b.ts",
          .start = 15499950,
          .duration = 10500 * MSEC,
          .bytes = 2,
          .channels = 1,
          .width = 64,
          .height = 48,
          .discontinuity = true },
        { .name = "c.ts",
          .start = 40 * SEC,
          .duration = 7,
          .bytes = 3,
          .channels = 2,
          .width = 64,
          .height = 48,
          .discontinuity = true,
          .gap = true },
        { .name = "d.ts",
          .start = 41 * SEC,
          .duration = 123456789,
          .bytes = 4,
          .channels = 2,
          .width = 64,
          .height = 50 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(hls_playlist_add(p, &rows[i]), OK);
    assert_text(
        p,
        HEAD("123", "5000", "ab", "1",
             "2") "#EXT-X-TRTC-AUDIO-METADATA:Channel:1 SampleRate:48000 SampleFormat:1 "
                  "Codec:86018\n"
                  "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:05.000Z\n"
                  "#EXT-X-TRTC-FILE-ATTR:5000,1\n#EXTINF:10.5000,\na.ts\n"
                  "#EXT-X-DISCONTINUITY\n#EXT-X-TRTC-VIDEO-METADATA:WIDTH:64 HEIGHT:48 Codec:27\n"
                  "#EXT-X-TRTC-FILE-ATTR:15499,2\n#EXTINF:10.5000,\nb.ts\n"
                  "#EXT-X-DISCONTINUITY\n"
                  "#EXT-X-TRTC-AUDIO-METADATA:Channel:2 SampleRate:48000 SampleFormat:1 "
                  "Codec:86018\n"
                  "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:40.000Z\n"
                  "#EXT-X-TRTC-FILE-ATTR:40000,3\n#EXTINF:0.0001,\nc.ts\n"
                  "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:64 HEIGHT:50 Codec:27\n"
                  "#EXT-X-TRTC-FILE-ATTR:41000,4\n#EXTINF:123.4568,\nd.ts\n");
    assert_int_equal(hls_playlist_end(p), 41 * SEC + 123456789);
    assert_int_equal(hls_playlist_segments(p), 4);
    hls_playlist_free(p);
}

/* A full playlist refuses, stays as it was, and can still be ended. */
static void full(void **state)
{
    (void)state;
    struct memory_sink *m = memory_sink_new();
    struct hls_playlist *p = hls_playlist_new(&alice, 0);
    static char name[1u << 16];
    memset(name, 'x', sizeof name - 1);
    struct hls_segment s = { .name = name, .duration = 10 * SEC };
    int err = OK;
    size_t before = 0;
    for (int i = 0; i < 2000 && !err; i++) {
        before = hls_playlist_text(p).len;
        err = hls_playlist_add(p, &s);
    }
    assert_int_equal(err, ERR_LIMIT);
    assert_int_equal(hls_playlist_text(p).len, before);
    assert_int_equal(hls_playlist_publish(p, &m->sink, true), OK);
    assert_memory_equal(buf_str(&m->playlist) + m->playlist.len - 16, "\n#EXT-X-ENDLIST\n", 16);
    hls_playlist_free(p);
    memory_sink_free(m);
}

/* A text that was written before is gone on with as if it had never been let go. */
static void a_text_is_taken_up_again(void **state)
{
    (void)state;
    struct hls_playlist *p = hls_playlist_new(&alice, 1735707617163 * MSEC), *q;
    struct hls_segment s = { .name = "a.ts", .start = 1735707617163 * MSEC, .bytes = 1 };
    for (int n = 0; n < 40; n++) {
        struct bytes text = hls_playlist_text(p);
        assert_int_equal(hls_playlist_read(&q, alice.name, text), OK);
        assert_string_equal(hls_playlist_name(q), alice.name);
        assert_int_equal(hls_playlist_start(q), hls_playlist_start(p));
        assert_int_equal(hls_playlist_end(q), hls_playlist_end(p));
        assert_int_equal(hls_playlist_last(q), hls_playlist_last(p));
        assert_int_equal(hls_playlist_segments(q), n);
        assert_false(hls_playlist_ended(q));

        s.duration = (n == 30 ? 1234567 : 9000 + n) * MSEC + 700;
        s.gap = n % 7 == 6;
        s.discontinuity = s.gap || n % 5 == 4;
        s.width = n / 10 ? 640 : 320;
        s.height = 180;
        s.channels = n % 20 < 10 ? 1 : 2;
        assert_int_equal(hls_playlist_add(p, &s), OK);
        assert_int_equal(hls_playlist_add(q, &s), OK);
        assert_text(q, (const char *)hls_playlist_text(p).ptr);
        hls_playlist_free(q);
        s.start += (s.duration / MSEC + (n % 7 == 5 ? 4000 : 0)) * MSEC;
    }
    assert_int_equal(hls_playlist_close(p), OK);
    assert_int_equal(hls_playlist_close(p), ERR_BAD_STATE);
    assert_int_equal(hls_playlist_read(&q, alice.name, hls_playlist_text(p)), OK);
    assert_true(hls_playlist_ended(q));
    assert_int_equal(hls_playlist_add(q, &s), ERR_BAD_STATE);
    hls_playlist_free(q);
    hls_playlist_free(p);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "#EXTM3U\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-TRTC-START-REC-TIME:1",
        "#EXTM3U\n#EXT-X-TARGETDURATION:010\n#EXT-X-TRTC-START-REC-TIME:1\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-TRTC-START-REC-TIME:1\nx.ts\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-TRTC-START-REC-TIME:1\n#EXTINF:1.0000,\nx.ts\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-TRTC-START-REC-TIME:1\n#EXT-X-ENDLIST\n#\n",
    };
    struct hls_playlist *p;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (hls_playlist_read(&p, "x.m3u8", bytes_str(texts[i])) != ERR_MALFORMED)
            fail_msg("taken: %s", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_taken_up_again),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(example),
        cmocka_unit_test(gaps_formats_and_long_segments),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
