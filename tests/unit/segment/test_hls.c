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
#include "segment/hls_writer.h"
#include "ts_reader.h"

#define T0    (1735707617163 * MSEC + 271)
#define MS(x) ((usec_t)(x)*MSEC)

/* A writer with its sink, and what it told. */
struct bench {
    struct memory_sink *m;
    struct hls_writer *w;
    usec_t begin;
    unsigned started, segments, failures;
    int failed;
    struct {
        usec_t from, to;
        enum hls_gap reason;
    } gap[10000];
    unsigned gaps;
};

static void on_started(void *ctx, usec_t begin)
{
    struct bench *b = ctx;
    b->started++;
    b->begin = begin;
}

static void on_segment(void *ctx, const struct sink_file *file)
{
    struct bench *b = ctx;
    b->segments++;
    assert_string_equal(file->name, b->m->file[b->m->files - 1].name);
    assert_non_null(strstr(buf_str(&b->m->playlist), file->name)); /* named already */
}

static void on_gap(void *ctx, usec_t from, usec_t to, enum hls_gap reason)
{
    struct bench *b = ctx;
    assert_true(b->gaps < 10000);
    b->gap[b->gaps].from = from;
    b->gap[b->gaps].to = to;
    b->gap[b->gaps++].reason = reason;
}

static void on_failed(void *ctx, int err)
{
    struct bench *b = ctx;
    b->failures++;
    b->failed = err;
}

static const uint8_t mono[4] = { 0, 0, 0, 7 }, stereo[4] = { 0x20, 0, 0, 7 };

static void new_writer(struct bench *b, enum hls_streams streams, struct hls_playlist *playlist)
{
    struct hls_config c = {
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice" },
        .streams = streams,
        .version = "1a2b3c4",
        .date = "2025-01-01 00:00:00 +0800",
        .silence = { { mono, 4 }, { stereo, 4 } },
        .sink = &b->m->sink,
        .events = { b, on_started, on_segment, on_gap, on_failed },
    };
    assert_int_equal(hls_writer_new(&b->w, &c, playlist), OK);
}

static struct bench *bench_new(enum hls_streams streams)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->m = memory_sink_new();
    new_writer(b, streams, NULL);
    return b;
}

static void bench_free(struct bench *b)
{
    hls_writer_free(b->w);
    memory_sink_free(b->m);
    free(b);
}

static int push(struct bench *b, struct frame *f)
{
    int err = hls_writer_push(b->w, f);
    frame_unref(f);
    return err;
}

static void push_audio(struct bench *b, unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++)
        assert_int_equal(push(b, make_audio(T0, n, 1)), OK);
}

/* 25 frames a second; a key frame every `gop`. */
static void push_video(struct bench *b, unsigned from, unsigned to, unsigned gop)
{
    for (unsigned n = from; n < to; n++) {
        bool key = n % gop == 0;
        assert_int_equal(
            push(b, make_video(T0 + MS(40) * n, 500, 64, key ? FRAME_KEY | FRAME_SETS : 0)), OK);
    }
}

static const char *playlist(const struct bench *b)
{
    return buf_str(&b->m->playlist);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

/* ---- Reading back ---- */

/* The times of what is in the files, by the time stamps and START-REC-TIME. */
struct found {
    usec_t *video, *audio;
    unsigned videos, audios;
};

#define FOUND 200000

static usec_t near(usec_t start, int64_t pts)
{
    return start + (pts * 100 + 4) / 9;
}

static void find_audio(struct found *f, usec_t time, struct bytes adts)
{
    for (unsigned n = 0; adts.len; n++) {
        assert_true(adts.len > 7 && adts.ptr[0] == 0xff && adts.ptr[1] == 0xf1);
        size_t len = (adts.ptr[3] & 3u) << 11 | (unsigned)adts.ptr[4] << 3 | adts.ptr[5] >> 5;
        assert_true(len > 7 && len <= adts.len);
        assert_true(f->audios < FOUND);
        f->audio[f->audios++] = audio_time(time, n);
        adts = bytes_of(adts.ptr + len, adts.len - len);
    }
}

static bool is_key(struct bytes annexb)
{
    for (size_t i = 0; i + 4 < annexb.len; i++)
        if (!memcmp(annexb.ptr + i, "\0\0\0\1", 4) && (annexb.ptr[i + 4] & 31) == 5)
            return true;
    return false;
}

static void check_segment(struct ts_reader *r, const struct memory_file *file, usec_t zero,
                          struct found *f)
{
    ts_reader_forget(r);
    ts_reader_segment(r, buf_bytes(&file->bytes));
    assert_int_equal(file->told_bytes, file->bytes.len);
    bool video_here = false;
    usec_t first = USEC_NEVER;
    for (unsigned i = 0; i < r->count; i++) {
        struct ts_pes *pes = &r->pes[i];
        usec_t time = near(zero, pes->pts);
        first = time < first ? time : first;
        if (pes->pid == r->audio_pid) {
            find_audio(f, time, buf_bytes(&pes->payload));
            continue;
        }
        assert_memory_equal(pes->payload.ptr, "\0\0\0\1\x09\xf0\0\0\0\1", 10);
        bool key = is_key(buf_bytes(&pes->payload));
        assert_true(video_here || key);
        assert_int_equal(pes->random_access, key);
        video_here = true;
        assert_true(f->videos < FOUND);
        f->video[f->videos++] = time;
    }
    assert_in_range(first - file->start + 20, 0, 40);
}

/* FILE-ATTR, EXTINF and name of each segment agree with the files. */
static void check_playlist(const struct bench *b)
{
    const char *at = playlist(b);
    for (unsigned i = 0; i < b->m->files; i++) {
        const struct memory_file *file = &b->m->file[i];
        long long start;
        unsigned long long bytes;
        double duration;
        char name[256], utc[18];
        assert_non_null(at = strstr(at, "#EXT-X-TRTC-FILE-ATTR:"));
        assert_int_equal(sscanf(at, "#EXT-X-TRTC-FILE-ATTR:%lld,%llu\n#EXTINF:%lf,\n%255s", &start,
                                &bytes, &duration, name),
                         4);
        assert_int_equal(start, file->start / MSEC);
        assert_int_equal(bytes, file->bytes.len);
        /* A segment without a length is told as the shortest there is, 0.0001 s. */
        assert_true(duration * 1e6 - (double)file->duration < 101 &&
                    (double)file->duration - duration * 1e6 < 100);
        assert_true(duration > 0);
        assert_string_equal(name, file->name);
        assert_string_equal(file->playlist, b->m->playlist_name);
        clock_format_utc17(file->start, utc);
        assert_non_null(strstr(name, utc));
        at++;
    }
    assert_int_equal(count(playlist(b), "#EXTINF"), b->m->files);
}

static void check_order(const struct bench *b)
{
    for (unsigned i = 1; i < b->m->files; i++)
        assert_true(b->m->file[i].start >= b->m->file[i - 1].start + b->m->file[i - 1].duration);
}

static void increasing(const usec_t *t, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        if (t[i] <= t[i - 1])
            fail_msg("%u of %u: %lld after %lld", i, count, (long long)t[i], (long long)t[i - 1]);
}

static struct found read_back(const struct bench *b)
{
    struct found f = { calloc(FOUND, sizeof(usec_t)), calloc(FOUND, sizeof(usec_t)), 0, 0 };
    assert_true(f.audio && f.video);
    struct ts_reader r;
    ts_reader_init(&r);
    check_playlist(b);
    check_order(b);
    assert_int_equal(b->segments, b->m->files);
    usec_t zero = b->begin;
    for (unsigned i = 0; i < b->m->files; i++) {
        r.pcr = -1;
        if (hls_writer_stats(b->w)->overflow) /* packets that the sink refused were counted */
            memset(r.cc, -1, sizeof r.cc);
        check_segment(&r, &b->m->file[i], zero, &f);
    }
    assert_true(r.max_pcr_step <= 9000);
    increasing(f.video, f.videos);
    increasing(f.audio, f.audios);
    ts_reader_fini(&r);
    return f;
}

static void forget(struct found *f)
{
    free(f->audio);
    free(f->video);
}

#define assert_near(a, b) assert_in_range((a) - (b) + 20, 0, 40) /* 90 kHz, and the sums of it */

/* ---- The cases ---- */

static void audio_alone_is_cut_by_time(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 1500);
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    assert_int_equal(b->started, 1);
    assert_int_equal(b->begin, T0 / MSEC * MSEC);
    assert_int_equal(b->m->files, 4);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(b->m->file[i].start, audio_time(T0, i * 469));
        assert_int_equal(b->m->file[i].duration,
                         audio_time(T0, (i + 1) * 469) - b->m->file[i].start);
        assert_true(b->m->file[i].appends >= 1);
    }
    assert_non_null(strstr(playlist(b), "#EXTINF:10.0053,\n"));
    assert_int_equal(b->m->file[3].start + b->m->file[3].duration, audio_time(T0, 1500));
    struct found f = read_back(b);
    assert_int_equal(f.audios, 1500);
    for (unsigned n = 0; n < 1500; n++)
        assert_near(f.audio[n], audio_time(T0, n));
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 0);
    assert_int_equal(count(playlist(b), "PROGRAM-DATE-TIME"), 1);
    assert_int_equal(
        count(playlist(b), "AUDIO-METADATA:Channel:1 SampleRate:48000 SampleFormat:1 Codec:86018"),
        1);
    assert_true(b->m->ended);
    assert_int_equal(b->m->puts, 4); /* the last segment and the end in one */
    assert_int_equal(b->gaps, 0);
    forget(&f);
    bench_free(b);
}

static void video_is_cut_at_key_frames(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    push(b, make_video(T0 - MS(80), 10, 64, 0));         /* no start */
    push(b, make_video(T0 - MS(60), 10, 64, FRAME_KEY)); /* sets unknown */
    push(b, make_video(T0 - MS(40), 10, 64, FRAME_KEY | FRAME_SETS | FRAME_DAMAGED));
    assert_true(hls_writer_wants_key(b->w));
    push_video(b, 0, 249, 60);
    assert_false(hls_writer_wants_key(b->w));
    push_video(b, 249, 290, 60);
    assert_true(hls_writer_wants_key(b->w)); /* 11.6 s */
    push_video(b, 290, 700, 60);
    assert_int_equal(hls_writer_finish(b->w, false), OK);
    assert_int_equal(hls_writer_stats(b->w)->waiting, 3);
    assert_int_equal(b->begin, T0 / MSEC * MSEC);
    assert_int_equal(b->m->files, 3);
    assert_int_equal(b->m->file[1].start, T0 + MS(40) * 300);
    assert_int_equal(b->m->file[2].start, T0 + MS(40) * 600);
    assert_int_equal(b->m->file[2].duration, MS(40) * 100);
    assert_non_null(strstr(playlist(b), "TARGETDURATION:12\n"));
    assert_non_null(strstr(playlist(b), "VIDEO-METADATA:WIDTH:64 HEIGHT:48 Codec:27\n"));
    assert_false(b->m->ended);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 700);
    for (unsigned n = 0; n < 700; n++)
        assert_near(f.video[n], T0 + MS(40) * n);
    forget(&f);
    bench_free(b);
}

static void sets_are_repeated_where_a_segment_begins(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    for (unsigned n = 0; n < 600; n++)
        push(b, make_video(T0 + MS(40) * n, 50, 64,
                           n == 0   ? FRAME_KEY | FRAME_SETS
                           : n % 50 ? 0
                                    : FRAME_KEY));
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct ts_reader r;
        ts_reader_init(&r);
        ts_reader_segment(&r, buf_bytes(&b->m->file[i].bytes));
        assert_memory_equal(r.pes[0].payload.ptr + 6, "\0\0\0\1\x67", 5);
        ts_reader_fini(&r);
    }
    bench_free(b);
}

static void a_new_size_begins_a_segment(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    for (unsigned n = 0; n < 200; n++)
        push(b, make_video(T0 + MS(40) * n, 50, n < 100 ? 64 : 128,
                           n % 25 ? 0 : FRAME_KEY | FRAME_SETS));
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[0].duration, MS(4000));
    assert_non_null(strstr(playlist(b), "_main_video_20250101050017163.ts\n#EXT-X-DISCONTINUITY\n"
                                        "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:128 HEIGHT:48 Codec:27\n"
                                        "#EXT-X-TRTC-FILE-ATTR:1735707621163,"));
    assert_int_equal(count(playlist(b), "PROGRAM-DATE-TIME"), 1);
    assert_int_equal(b->gaps, 0);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 200);
    forget(&f);
    bench_free(b);
}

/* A sender that changes its sets with every frame does not make a segment of each. */
static void cuts_have_a_least_distance(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    for (unsigned n = 0; n < 100; n++)
        push(b, make_video(T0 + MS(10) * n, 50, n % 2 ? 64 : 128, FRAME_KEY | FRAME_SETS));
    hls_writer_finish(b->w, true);
    assert_in_range(b->m->files, 2, 10);
    assert_true(hls_writer_stats(b->w)->broken > 0);
    struct found f = read_back(b);
    forget(&f);
    bench_free(b);
}

static void a_gap_closes_the_segment(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 100);
    push_audio(b, 150, 200); /* about a second is missing: not a gap, but not hidden either */
    push_audio(b, 400, 500);
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[0].duration, audio_time(T0, 200) - T0);
    assert_int_equal(b->m->file[1].start, audio_time(T0, 400));
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap[0].from, audio_time(T0, 200));
    assert_int_equal(b->gap[0].to, audio_time(T0, 400));
    assert_int_equal(b->gap[0].reason, HLS_GAP_MEDIA);
    assert_non_null(strstr(
        playlist(b), "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2025-01-01T05:00:25.696Z\n"
                     "#EXT-X-TRTC-FILE-ATTR:1735707625696,"));
    struct found f = read_back(b);
    assert_int_equal(f.audios, 250);
    assert_near(f.audio[100], audio_time(T0, 150));
    assert_near(f.audio[150], audio_time(T0, 400));
    forget(&f);
    bench_free(b);
}

static void a_still_picture_goes_on(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    push_video(b, 0, 50, 1000);
    push(b, make_video(T0 + MS(7000), 50, 64, 0)); /* 5 s later, no key frame: nothing is lost */
    push(b, make_video(T0 + MS(12000), 50, 64, FRAME_KEY | FRAME_SETS)); /* a gap, and a start */
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[0].duration, MS(7040));
    assert_int_equal(b->m->file[1].start, T0 + MS(12000));
    assert_int_equal(b->gaps, 1);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 52);
    forget(&f);
    bench_free(b);
}

static void a_step_is_marked(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    push_video(b, 0, 50, 25);
    push(b, make_video(T0 + MS(2500), 50, 64, FRAME_KEY | FRAME_SETS | FRAME_STEP));
    push(b, make_video(T0 + MS(2540), 50, 64, FRAME_KEY | FRAME_SETS | FRAME_STEP)); /* no step */
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap[0].reason, HLS_GAP_STEP);
    assert_int_equal(b->gap[0].from, T0 + MS(2000));
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 1);
    bench_free(b);
}

static void time_that_goes_back_is_dropped(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 10);
    push_audio(b, 5, 20);
    hls_writer_finish(b->w, true);
    assert_int_equal(hls_writer_stats(b->w)->late, 5);
    struct found f = read_back(b);
    assert_int_equal(f.audios, 20);
    forget(&f);
    bench_free(b);

    b = bench_new(HLS_VIDEO);
    push_video(b, 0, 10, 20);
    push_video(b, 8, 12, 20); /* what follows a dropped frame builds on it */
    assert_true(hls_writer_wants_key(b->w));
    push_video(b, 20, 30, 20);
    hls_writer_finish(b->w, true);
    assert_int_equal(hls_writer_stats(b->w)->late, 2);
    assert_int_equal(hls_writer_stats(b->w)->waiting, 2);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap[0].reason, HLS_GAP_DAMAGE);
    assert_int_equal(b->gap[0].from, T0 + MS(400));
    assert_int_equal(b->gap[0].to, T0 + MS(800));
    f = read_back(b);
    assert_int_equal(f.videos, 20);
    forget(&f);
    bench_free(b);
}

static void foreign_frames_are_refused(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    assert_int_equal(push(b, make_video(T0, 1, 64, FRAME_KEY)), ERR_UNSUPPORTED);
    assert_int_equal(push(b, make_audio(USEC_UNSET, 0, 1)), ERR_RANGE);
    struct frame *opus = frame_new(CODEC_OPUS, 3);
    opus->time = T0;
    assert_int_equal(push(b, opus), ERR_UNSUPPORTED);
    struct frame *odd = make_audio(T0, 0, 1);
    odd->data[0] = 0xe0;
    assert_int_equal(push(b, odd), OK);
    struct frame *large = frame_new(CODEC_AAC, 9000);
    memset(large->data, 0, 9000);
    large->time = T0;
    assert_int_equal(push(b, large), OK);
    assert_int_equal(hls_writer_stats(b->w)->broken, 2);
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    assert_int_equal(b->m->puts, 0);
    assert_null(hls_writer_detach_playlist(b->w));
    bench_free(b);
}

/* Audio arrives 200 ms after the video of its time. */
static void together_by_time(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO_VIDEO);
    unsigned a = 0;
    for (unsigned n = 0; n < 700; n++) {
        push_video(b, n, n + 1, 50);
        while (audio_time(T0, a) < T0 + MS(40) * n - MS(200))
            push_audio(b, a, a + 1), a++;
    }
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    assert_int_equal(b->m->files, 3);
    assert_int_equal(b->m->file[1].start, T0 + MS(10000));
    assert_int_equal(b->m->file[2].start, T0 + MS(20000));
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 0);
    assert_int_equal(count(playlist(b),
                           "STREAM-TYPE:2\n#EXT-X-TRTC-AUDIO-METADATA:Channel:1 SampleRate:48000 "
                           "SampleFormat:1 Codec:86018\n#EXT-X-TRTC-VIDEO-METADATA:WIDTH:64"),
                     1);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 700);
    unsigned tail = (unsigned)hls_writer_stats(b->w)->silent; /* the last video has no sound yet */
    assert_in_range(tail, 5, 10);
    assert_int_equal(f.audios, a + tail);
    for (unsigned n = 0; n < a; n++)
        assert_near(f.audio[n], audio_time(T0, n));
    forget(&f);
    bench_free(b);
}

static void video_joins_audio(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO_VIDEO);
    push_audio(b, 0, 94);
    assert_int_equal(b->started, 0); /* waits for video */
    push_audio(b, 94, 300);          /* 6.4 s */
    assert_int_equal(b->started, 1);
    assert_true(hls_writer_wants_key(b->w));
    for (unsigned n = 150; n < 400; n++) {
        push_video(b, n, n + 1, 50);
        unsigned a = 300 + (n - 150) * 2;
        push_audio(b, a, a + 2);
    }
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->file[1].start, T0 + MS(6000));
    assert_int_equal(b->m->file[0].duration, MS(6000));
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 1);
    assert_int_equal(b->gaps, 0);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 250);
    assert_int_equal(f.audios, 800);
    forget(&f);
    bench_free(b);
}

static void video_within_two_seconds_is_in_the_first_segment(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO_VIDEO);
    push_audio(b, 0, 80); /* 1.7 s */
    push_video(b, 25, 50, 25);
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 1);
    assert_int_equal(b->m->file[0].start, T0);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 25);
    assert_int_equal(f.audios, 80 + hls_writer_stats(b->w)->silent);
    assert_in_range(hls_writer_stats(b->w)->silent, 11, 13); /* 250 ms at the end */
    forget(&f);
    bench_free(b);
}

static void missing_sound_is_filled(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO_VIDEO);
    unsigned a = 0, silent = 0;
    for (unsigned n = 0; n < 1000; n++) {
        push_video(b, n, n + 1, 50);
        for (; audio_time(T0, a) < T0 + MS(40) * n; a++) {
            bool missing = (a >= 300 && a < 900) || a == 1000;
            silent += missing;
            if (!missing)
                push_audio(b, a, a + 1);
        }
    }
    hls_writer_finish(b->w, true);
    assert_int_equal(hls_writer_stats(b->w)->silent, silent);
    assert_int_equal(hls_writer_stats(b->w)->late, 0);
    assert_int_equal(b->m->files, 4);
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 0);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 1000);
    assert_int_equal(f.audios, a);
    for (unsigned n = 0; n < a; n++)
        assert_near(f.audio[n], audio_time(T0, n));
    forget(&f);
    bench_free(b);
}

static void missing_video_is_absent(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO_VIDEO);
    unsigned a = 0;
    for (unsigned n = 0; n < 1250; n++) {
        if (n < 100 || n >= 1000)
            push_video(b, n, n + 1, 50);
        for (; audio_time(T0, a) < T0 + MS(40) * n; a++)
            push_audio(b, a, a + 1);
    }
    hls_writer_finish(b->w, true);
    assert_int_equal(b->gaps, 0);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 350);
    assert_int_equal(f.audios, a);
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 0);
    forget(&f);
    bench_free(b);
}

static void idle_segments_are_closed_by_the_clock(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    assert_int_equal(hls_writer_deadline(b->w), USEC_NEVER);
    push_audio(b, 0, 100);
    assert_int_equal(hls_writer_deadline(b->w), T0 + HLS_FLUSH);
    hls_writer_tick(b->w, T0 + 3 * SEC); /* frames came since */
    assert_int_equal(hls_writer_deadline(b->w), T0 + 3 * SEC + HLS_FLUSH);
    unsigned appends = b->m->open.appends;
    hls_writer_tick(b->w, T0 + 3 * SEC + HLS_FLUSH);
    assert_int_equal(b->m->open.appends, appends + 2); /* the rest, and that it shall not wait */
    assert_int_equal(hls_writer_deadline(b->w), T0 + HLS_TARGET + HLS_IDLE);
    hls_writer_tick(b->w, T0 + HLS_TARGET + HLS_IDLE - 1);
    assert_int_equal(b->m->files, 0);
    hls_writer_tick(b->w, T0 + HLS_TARGET + HLS_IDLE);
    assert_int_equal(b->m->files, 1);
    assert_int_equal(b->m->puts, 1);
    assert_int_equal(hls_writer_deadline(b->w), USEC_NEVER);
    push_audio(b, 2000, 2100);
    hls_writer_finish(b->w, true);
    assert_int_equal(b->gaps, 1);
    struct found f = read_back(b);
    assert_int_equal(f.audios, 200);
    forget(&f);
    bench_free(b);

    b = bench_new(HLS_AUDIO_VIDEO);
    push_audio(b, 0, 10);
    assert_int_equal(hls_writer_deadline(b->w), T0 + HLS_START_HOLD + HLS_HOLD);
    hls_writer_tick(b->w, T0 + HLS_START_HOLD + HLS_HOLD);
    assert_int_equal(b->started, 1);
    for (int i = 0; i < 100 && hls_writer_deadline(b->w) != USEC_NEVER; i++)
        hls_writer_tick(b->w, hls_writer_deadline(b->w));
    assert_int_equal(b->m->files, 1);
    bench_free(b);
}

static void a_return_goes_on_in_the_same_playlist(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 100);
    assert_int_equal(hls_writer_finish(b->w, false), OK);
    unsigned generation = b->m->generation;
    struct hls_playlist *p = hls_writer_detach_playlist(b->w);
    assert_non_null(p);
    hls_writer_free(b->w);
    new_writer(b, HLS_AUDIO, p);
    push_audio(b, 90, 110); /* the first ten are in the past */
    push_audio(b, 110, 200);
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    assert_int_equal(b->started, 1);
    assert_true(b->m->generation > generation);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[1].start, audio_time(T0, 100));
    assert_true(b->m->ended);
    bench_free(b);

    b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 100);
    hls_writer_finish(b->w, false);
    p = hls_writer_detach_playlist(b->w);
    hls_writer_free(b->w);
    new_writer(b, HLS_AUDIO, p);
    push_audio(b, 300, 400);
    hls_writer_finish(b->w, false);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(count(playlist(b), "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME"), 1);
    p = hls_writer_detach_playlist(b->w);
    assert_int_equal(hls_playlist_publish(p, &b->m->sink, true), OK);
    assert_true(b->m->ended);
    hls_playlist_free(p);
    bench_free(b);
}

/* ---- Failure ---- */

static void a_full_sink_costs_up_to_the_next_key_frame(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    for (unsigned n = 0; n < 400; n++) {
        b->m->append_error = n >= 130 && n < 180 ? ERR_LIMIT : OK;
        bool key = n % 50 == 0;
        push(b, make_video(T0 + MS(40) * n, 5000, 64, key ? FRAME_KEY | FRAME_SETS : 0));
    }
    hls_writer_finish(b->w, true);
    assert_int_equal(b->failures, 0);
    assert_int_equal(hls_writer_stats(b->w)->overflow, 2); /* the second had nothing to keep */
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap[0].reason, HLS_GAP_OVERFLOW);
    assert_int_equal(b->gap[0].to, T0 + MS(40) * 200);
    assert_int_equal(b->gap[0].from, b->m->file[0].start + b->m->file[0].duration);
    assert_true(b->gap[0].from <= T0 + MS(40) * 130 && b->gap[0].from > T0 + MS(40) * 100);
    assert_int_equal(count(playlist(b), "DISCONTINUITY"), 1);
    bench_free(b);
}

/* After a pause a picture seems to last as long again, up to a second: the next may cut before
 * that. */
static void a_full_sink_at_a_cut_ends_the_segment_there(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    push_video(b, 0, 240, 240);
    usec_t paused = T0 + MS(40) * 239 + MS(900);
    push(b, make_video(paused, 500, 64, 0)); /* the sink has it at once, with 900 ms */
    b->m->append_error = ERR_LIMIT;
    push(b, make_video(paused + MS(33), 500, 64, 0));
    push(b, make_video(paused + MS(66), 500, 64, FRAME_KEY | FRAME_SETS));
    b->m->append_error = OK;
    push(b, make_video(paused + MS(99), 500, 64, 0));
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    assert_int_equal(hls_writer_stats(b->w)->overflow, 1);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[1].start, paused + MS(66));
    assert_int_equal(b->m->file[0].start + b->m->file[0].duration, paused + MS(66));
    assert_int_equal(count(playlist(b), "PROGRAM-DATE-TIME"), 2);
    struct found f = read_back(b);
    assert_int_equal(f.videos, 243);
    forget(&f);
    bench_free(b);
}

/* A crash takes what is not with the sink: an estimate must not make that more. */
static void what_follows_a_pause_is_not_held_longer(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    push_video(b, 0, 10, 100);
    usec_t paused = T0 + MS(40) * 9 + MS(900);
    push(b, make_video(paused, 500, 64, 0));
    unsigned appends = b->m->open.appends;
    for (unsigned n = 1; n <= 5; n++)
        push(b, make_video(paused + MS(40) * n, 500, 64, 0));
    assert_int_equal(b->m->open.appends, appends + 1);
    bench_free(b);
}

/* Sound that waits for its packet to fill is handed over in a pause, and is not lost to it. */
static void a_pause_leaves_no_sound_behind(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    push_audio(b, 0, 2);
    hls_writer_tick(b->w, T0 + HLS_FLUSH);
    hls_writer_tick(b->w, T0 + 2 * HLS_FLUSH);
    b->m->append_error = ERR_LIMIT;
    push_audio(b, 2, 22);
    b->m->append_error = OK;
    push_audio(b, 22, 122);
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, 2);
    assert_int_equal(b->m->file[0].duration, audio_time(T0, 2) - T0);
    struct found f = read_back(b);
    assert_near(f.audio[0], T0);
    assert_near(f.audio[1], audio_time(T0, 1));
    forget(&f);
    bench_free(b);

    b = bench_new(HLS_AUDIO); /* and a segment of nothing is none */
    push_audio(b, 0, 2);
    b->m->append_error = ERR_LIMIT;
    hls_writer_tick(b->w, T0 + HLS_FLUSH);
    hls_writer_tick(b->w, T0 + 2 * HLS_FLUSH);
    b->m->append_error = OK;
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->abandoned, 1);
    assert_int_equal(b->m->files, 0);
    bench_free(b);
}

static void a_sink_full_from_the_start_is_tried_again(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_AUDIO);
    b->m->begin_error = ERR_LIMIT;
    push_audio(b, 0, 100);
    b->m->begin_error = OK;
    b->m->append_error = ERR_LIMIT; /* nothing gets through: nothing to keep */
    push_audio(b, 100, 800);
    b->m->append_error = OK;
    push_audio(b, 800, 1000);
    hls_writer_finish(b->w, true);
    assert_int_equal(b->failures, 0);
    assert_true(b->m->abandoned > 0);
    assert_int_equal(b->m->files, 1);
    struct found f = read_back(b);
    assert_in_range(f.audios, 150, 200);
    forget(&f);
    bench_free(b);
}

static void a_failing_sink_stops_the_writer(void **state)
{
    (void)state;
    for (int where = 0; where < 4; where++) {
        struct bench *b = bench_new(HLS_AUDIO);
        push_audio(b, 0, 400);
        int *slot[] = { &b->m->append_error, &b->m->finish_error, &b->m->put_error,
                        &b->m->begin_error };
        *slot[where] = ERR_IO;
        int err = OK;
        for (unsigned n = 400; n < 500; n++)
            err = push(b, make_audio(T0, n, 1));
        assert_int_equal(err, ERR_IO);
        assert_int_equal(b->failures, 1);
        assert_int_equal(b->failed, ERR_IO);
        assert_false(b->m->is_open);
        *slot[where] = OK;
        unsigned puts = b->m->puts;
        assert_int_equal(hls_writer_finish(b->w, true), ERR_IO);
        assert_int_equal(b->m->puts, puts);
        assert_int_equal(hls_writer_deadline(b->w), USEC_NEVER);
        bench_free(b);
    }
}

/* ---- Properties ---- */

static usec_t random_step(usec_t usual)
{
    int dice = rand() % 400;
    return dice == 0 ? MS(rand() % 20000) : dice < 4 ? MS(rand() % 2000) : dice == 4 ? 0 : usual;
}

static void random_streams_keep_the_rules(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : random_u32();
    print_message("SEED=%u\n", seed);
    for (unsigned round = 0; round < 25; round++) {
        print_message("round %u\n", round);
        srand(seed + round);
        enum hls_streams streams = (enum hls_streams)(rand() % 3);
        struct bench *b = bench_new(streams);
        usec_t audio = T0, video = T0;
        uint64_t pushed = 0;
        bool trouble = rand() % 2;
        for (int i = 0; i < 4000; i++) {
            if (trouble && rand() % 40 == 0) {
                b->m->append_error = rand() % 4 ? OK : ERR_LIMIT;
                b->m->begin_error = rand() % 4 ? OK : ERR_LIMIT;
            }
            bool is_audio = streams == HLS_AUDIO || (streams == HLS_AUDIO_VIDEO && audio < video);
            struct frame *f;
            if (is_audio) {
                audio += random_step(21333);
                f = make_audio(audio, 0, 1 + (i / 500) % 2);
                f->discontinuity = rand() % 100 == 0;
            } else {
                video += random_step(MS(33));
                unsigned flags = rand() % 30 ? 0 : FRAME_KEY | (rand() % 3 ? FRAME_SETS : 0);
                flags |= (rand() % 50 ? 0 : FRAME_DAMAGED) | (rand() % 50 ? 0 : FRAME_STEP);
                f = make_video(video, (size_t)(rand() % 3000), rand() % 20 ? 64 : 32, flags);
            }
            push(b, f);
            pushed++;
            if (rand() % 100 == 0)
                hls_writer_tick(b->w, (audio > video ? audio : video) + MS(rand() % 3000));
        }
        b->m->append_error = b->m->begin_error = OK;
        assert_int_equal(hls_writer_finish(b->w, true), OK);
        struct found f = read_back(b);
        const struct hls_stats *s = hls_writer_stats(b->w);
        if (s->overflow) {
            assert_true(s->frames >= f.audios + f.videos);
        } else {
            assert_int_equal(pushed, s->frames - s->silent + s->waiting + s->late + s->broken);
            assert_int_equal(s->frames, f.audios + f.videos);
        }
        assert_int_equal(s->segments, b->m->files);
        unsigned holes = 0;
        for (unsigned i = 1; i < b->m->files; i++)
            holes += b->m->file[i].start != b->m->file[i - 1].start + b->m->file[i - 1].duration;
        if (!s->overflow)
            assert_int_equal(count(playlist(b), "PROGRAM-DATE-TIME"), b->m->files ? holes + 1 : 0);
        assert_true(count(playlist(b), "DISCONTINUITY") >= holes);
        for (unsigned i = 0; i < b->gaps; i++)
            assert_true(b->gap[i].to > b->gap[i].from);
        forget(&f);
        bench_free(b);
    }
}

/* 28 hours of audio: the time stamps wrap, the playlist goes on. */
static void more_than_a_day(void **state)
{
    (void)state;
    struct bench *b = bench_new(HLS_VIDEO);
    usec_t step = MS(2000);
    unsigned frames = 28 * 3600 / 2;
    for (unsigned n = 0; n < frames; n++)
        push(b, make_video(T0 + step * n, 20, 64, FRAME_KEY | FRAME_SETS));
    hls_writer_finish(b->w, true);
    assert_int_equal(b->m->files, frames / 5);
    assert_int_equal(b->gaps, 0);
    check_playlist(b);
    struct ts_reader r;
    ts_reader_init(&r);
    for (unsigned i = 0, n = 0; i < b->m->files; i++) {
        ts_reader_forget(&r);
        ts_reader_segment(&r, buf_bytes(&b->m->file[i].bytes));
        for (unsigned k = 0; k < r.count; k++, n++) {
            int64_t want = ((T0 + step * n - b->begin) * 9 + 50) / 100;
            assert_int_equal(r.pes[k].pts, want & 0x1ffffffff);
        }
    }
    assert_true(r.max_pcr_step <= 9000 || r.max_pcr_step == 180000);
    ts_reader_fini(&r);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_alone_is_cut_by_time),
        cmocka_unit_test(video_is_cut_at_key_frames),
        cmocka_unit_test(sets_are_repeated_where_a_segment_begins),
        cmocka_unit_test(a_new_size_begins_a_segment),
        cmocka_unit_test(cuts_have_a_least_distance),
        cmocka_unit_test(a_gap_closes_the_segment),
        cmocka_unit_test(a_still_picture_goes_on),
        cmocka_unit_test(a_step_is_marked),
        cmocka_unit_test(time_that_goes_back_is_dropped),
        cmocka_unit_test(foreign_frames_are_refused),
        cmocka_unit_test(together_by_time),
        cmocka_unit_test(video_joins_audio),
        cmocka_unit_test(video_within_two_seconds_is_in_the_first_segment),
        cmocka_unit_test(missing_sound_is_filled),
        cmocka_unit_test(missing_video_is_absent),
        cmocka_unit_test(idle_segments_are_closed_by_the_clock),
        cmocka_unit_test(a_return_goes_on_in_the_same_playlist),
        cmocka_unit_test(a_full_sink_costs_up_to_the_next_key_frame),
        cmocka_unit_test(a_full_sink_at_a_cut_ends_the_segment_there),
        cmocka_unit_test(what_follows_a_pause_is_not_held_longer),
        cmocka_unit_test(a_pause_leaves_no_sound_behind),
        cmocka_unit_test(a_sink_full_from_the_start_is_tried_again),
        cmocka_unit_test(a_failing_sink_stops_the_writer),
        cmocka_unit_test(random_streams_keep_the_rules),
        cmocka_unit_test(more_than_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
