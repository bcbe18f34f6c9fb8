#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "frames.h"
#include "memory_sink.h"
#include "segment/media_writer.h"

#define T0    (1735707617163 * MSEC + 271)
#define MS(x) ((usec_t)(x)*MSEC)
#define STEM  "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main"

static const uint8_t mono[4] = { 0, 0, 0, 7 }, stereo[4] = { 0x20, 0, 0, 7 };

/* A writer with its sink, and what it told. */
struct bench {
    struct memory_sink *m;
    struct media_writer *w;
    usec_t begin;
    unsigned started, finished, gaps;
    struct {
        usec_t from, to;
        enum hls_gap reason;
    } gap[16];
    int failed;
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
    assert_string_equal(file->name, b->m->file[b->m->files - 1].name);
    b->finished++;
}

static void on_gap(void *ctx, usec_t from, usec_t to, enum hls_gap reason)
{
    struct bench *b = ctx;
    assert_true(b->gaps < 16);
    b->gap[b->gaps].from = from;
    b->gap[b->gaps].to = to;
    b->gap[b->gaps++].reason = reason;
}

static void on_failed(void *ctx, int err)
{
    struct bench *b = ctx;
    assert_int_equal(b->failed, OK);
    b->failed = err;
}

static void resume(struct bench *b, bool audio, bool video)
{
    const struct hls_events events = { b, on_started, on_segment, on_gap, on_failed };
    media_writer_resume(b->w, &events, audio, video);
}

static void setup(struct bench *b, const struct file_format *format, usec_t most, uint64_t bytes)
{
    *b = (struct bench){ .m = memory_sink_new() };
    const struct media_config config = {
        .format = format,
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice" },
        .max_duration = most,
        .max_bytes = bytes,
        .silence = { { mono, 4 }, { stereo, 4 } },
        .sink = &b->m->sink,
    };
    assert_int_equal(media_writer_new(&b->w, &config), OK);
}

static void teardown(struct bench *b)
{
    media_writer_free(b->w);
    memory_sink_free(b->m);
}

static int push(struct bench *b, struct frame *f)
{
    int err = media_writer_push(b->w, f);
    frame_unref(f);
    return err;
}

static void push_audio(struct bench *b, usec_t start, unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++)
        assert_int_equal(push(b, make_audio(start, n, 1)), OK);
}

/* --- a format that only writes down what it is given, to see what the writer does --- */

struct media_file {
    struct sink *sink;
    char name[256];
    usec_t start, end;
    uint64_t bytes;
};

static struct {
    int push_error;       /* answered once */
    uint64_t frame_bytes; /* what a frame is said to take */
} fake;

static usec_t fake_start(const struct frame *first)
{
    return first->time / MSEC * MSEC;
}

static int fake_begin(struct media_file **out, const struct media_file_config *c)
{
    int err = c->sink->ops->begin(c->sink, c->name);
    if (err)
        return err;
    struct media_file *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sink = c->sink;
    f->start = f->end = c->start;
    snprintf(f->name, sizeof f->name, "%s", c->name);
    c->sink->ops->note(c->sink, bytes_str("journal"));
    *out = f;
    return OK;
}

static void print_to(struct media_file *f, const char *text)
{
    assert_int_equal(f->sink->ops->append(f->sink, bytes_str(text)), OK);
}

static int fake_push(struct media_file *f, const struct frame *frame)
{
    char text[64];
    int err = fake.push_error;
    fake.push_error = OK;
    if (err)
        return err;
    snprintf(text, sizeof text, "%s%d ",
             frame->codec == CODEC_AAC ? "a"
             : frame->key              ? "K"
                                       : "v",
             (int)((frame->time - T0) / MSEC));
    print_to(f, text);
    f->bytes += fake.frame_bytes;
    f->end = frame->time;
    return OK;
}

static void fake_gap(struct media_file *f, usec_t from, usec_t to, enum journal_gap_reason reason)
{
    char text[64];
    snprintf(text, sizeof text, "gap%d:%d-%d ", (int)reason, (int)((from - T0) / MSEC),
             (int)((to - T0) / MSEC));
    print_to(f, text);
}

static int fake_flush(struct media_file *f)
{
    print_to(f, "flush ");
    return OK;
}

static int fake_finish(struct media_file *f, usec_t end, struct sink_file *info)
{
    char text[64];
    snprintf(text, sizeof text, "end%d", (int)((end - T0) / MSEC));
    print_to(f, text);
    *info = (struct sink_file){ .kind = SINK_MEDIA, .name = f->name, .start = f->start };
    return f->sink->ops->finish(f->sink, info);
}

static void fake_free(struct media_file *f)
{
    free(f);
}

static usec_t fake_end(const struct media_file *f)
{
    return f->end;
}

static uint64_t fake_bytes(const struct media_file *f)
{
    return f->bytes;
}

static const struct file_format fake_format = {
    "mp4",    true,       true,        fake_start, fake_begin, fake_push,
    fake_gap, fake_flush, fake_finish, fake_free,  fake_end,   fake_bytes,
};

static void check_file(const struct bench *b, unsigned n, const char *name, const char *text)
{
    assert_true(n < b->m->files);
    assert_string_equal(b->m->file[n].name, name);
    assert_string_equal(buf_str(&b->m->file[n].bytes), text);
}

/* --- order, splits, holes --- */

static void frames_go_out_in_order_of_time(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, 0);
    resume(&b, true, true);
    assert_int_equal(push(&b, make_video(T0 + MS(10), 9, 64, 0)), OK); /* nothing to begin with */
    push_audio(&b, T0, 0, 2);
    assert_int_equal(push(&b, make_video(T0 + MS(30), 9, 64, FRAME_KEY | FRAME_SETS)), OK);
    assert_int_equal(push(&b, make_video(T0 + MS(63), 9, 64, 0)), OK);
    push_audio(&b, T0, 2, 4);
    assert_int_equal(push(&b, make_audio(T0, 3, 1)), OK); /* again */
    assert_int_equal(media_writer_finish(b.w), OK);
    check_file(&b, 0, STEM ".mp4", "a0 a21 K30 a42 v63 a64 end96");
    assert_int_equal(b.started, 1);
    assert_int_equal(b.begin, T0 / MSEC * MSEC);
    assert_int_equal(b.finished, 1);
    const struct hls_stats *stats = media_writer_stats(b.w);
    assert_int_equal(stats->frames, 6);
    assert_int_equal(stats->waiting, 1);
    assert_int_equal(stats->late, 1);
    assert_int_equal(stats->segments, 1);
    teardown(&b);
}

static void a_kind_that_does_not_come_is_not_waited_for(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 2);
    assert_int_equal(media_writer_stats(b.w)->frames, 2);
    assert_false(media_writer_wants_key(b.w));
    assert_int_equal(media_writer_deadline(b.w), USEC_NEVER);
    media_writer_pause(b.w);
    resume(&b, true, true);
    assert_true(media_writer_wants_key(b.w));
    push_audio(&b, T0, 2, 3);
    assert_int_equal(media_writer_stats(b.w)->frames, 2);
    assert_int_equal(media_writer_deadline(b.w), audio_time(T0, 2) + 2 * HLS_HOLD);
    media_writer_tick(b.w, audio_time(T0, 2) + 2 * HLS_HOLD);
    assert_int_equal(media_writer_stats(b.w)->frames, 3);
    assert_int_equal(media_writer_finish(b.w), OK);
    check_file(&b, 0, STEM ".mp4", "a0 a21 flush a42 end64");
    teardown(&b);
}

static void splits_at_the_key_frame_after_the_limit(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, SEC, 0);
    resume(&b, true, true);
    unsigned audio = 0;
    for (int n = 0; n < 50; n++) {
        usec_t time = T0 + MS(40 * n);
        bool key = n % 14 == 0;
        while (audio_time(T0, audio) <= time)
            assert_int_equal(push(&b, make_audio(T0, audio++, 1)), OK);
        assert_int_equal(push(&b, make_video(time, 9, 64, key ? FRAME_KEY | FRAME_SETS : 0)), OK);
        if (n == 20 || n == 27 || n == 40)
            assert_int_equal(media_writer_wants_key(b.w), n == 27);
    }
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.m->files, 2);
    const char *first = buf_str(&b.m->file[0].bytes), *second = buf_str(&b.m->file[1].bytes);
    assert_string_equal(b.m->file[0].name, STEM ".mp4");
    assert_string_equal(b.m->file[1].name, STEM "_2.mp4");
    assert_non_null(strstr(first, "v1080 "));
    assert_non_null(strstr(first, " end1120"));
    /* The sound before the split runs into the new file. */
    assert_int_equal(strncmp(second, "a1088 a1109 K1120 a1130 a1152 v1160 ", 36), 0);
    assert_int_equal(b.m->file[1].start, (T0 + MS(1120)) / MSEC * MSEC);
    assert_int_equal(b.started, 1);
    assert_int_equal(b.gaps, 0);
    teardown(&b);
}

static void splits_below_the_limit_of_bytes(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, MEDIA_SPARE_BYTES + 1000000);
    fake.frame_bytes = 300000;
    resume(&b, false, true);
    for (int n = 0; n < 10; n++) /* 4 frames reach the limit, the next key frame splits */
        assert_int_equal(
            push(&b, make_video(T0 + MS(40 * n), 9, 64, n % 3 == 0 ? FRAME_KEY | FRAME_SETS : 0)),
            OK);
    fake.frame_bytes = 95000000; /* no key frame comes in time */
    for (int n = 10; n < 14; n++)
        assert_int_equal(push(&b, make_video(T0 + MS(40 * n), 9, 64, 0)), OK);
    fake.frame_bytes = 1;
    assert_int_equal(push(&b, make_video(T0 + MS(600), 9, 64, FRAME_KEY | FRAME_SETS)), OK);
    assert_int_equal(media_writer_finish(b.w), OK);
    fake.frame_bytes = 0;
    assert_int_equal(b.m->files, 3);
    check_file(&b, 0, STEM ".mp4", "K0 v40 v80 K120 v160 v200 end240");
    check_file(&b, 1, STEM "_2.mp4", "K240 v280 v320 K360 v400 end440");
    check_file(&b, 2, STEM "_3.mp4", "K600 end800");
    teardown(&b);
}

static void what_cannot_follow_begins_the_next_file(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 3);
    fake.push_error = ERR_RANGE;
    push_audio(&b, T0, 3, 4);
    assert_int_equal(media_writer_finish(b.w), OK);
    check_file(&b, 0, STEM ".mp4", "a0 a21 a42 end64");
    check_file(&b, 1, STEM "_2.mp4", "a21 a42 a64 end85");
    teardown(&b);
}

/* From mono to stereo without a hole, as when a publisher is replaced: nothing of it is lost. */
static void other_channels_go_on_at_once(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_mp4, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 50);
    for (unsigned n = 50; n < 100; n++)
        assert_int_equal(push(&b, make_audio(T0, n, 2)), OK);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(media_writer_stats(b.w)->broken, 0);
    assert_int_equal(media_writer_stats(b.w)->frames, 100);
    assert_int_equal(b.finished, 2);
    teardown(&b);
}

/* The first file comes to nothing, as it holds run-in alone: that it began is not told again. */
static void a_file_begins_anew_and_is_told_of_once(void **state)
{
    (void)state;
    const usec_t start = T0 / MSEC * MSEC + 667; /* the run-in ends with a millisecond */
    struct bench b;
    setup(&b, &file_format_mp4, 0, 0);
    resume(&b, true, false);
    push_audio(&b, start, 0, 1);
    for (unsigned n = 1; n < 10; n++)
        assert_int_equal(push(&b, make_audio(start, n, 2)), OK);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.finished, 1);
    assert_int_equal(b.started, 1);
    teardown(&b);
}

static void a_full_sink_costs_up_to_the_next_key_frame(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, 0);
    resume(&b, false, true);
    assert_int_equal(push(&b, make_video(T0, 9, 64, FRAME_KEY | FRAME_SETS)), OK);
    fake.push_error = ERR_LIMIT;
    assert_int_equal(push(&b, make_video(T0 + MS(40), 9, 64, 0)), OK);
    assert_true(media_writer_wants_key(b.w));
    assert_int_equal(push(&b, make_video(T0 + MS(80), 9, 64, 0)), OK);
    assert_int_equal(push(&b, make_video(T0 + MS(120), 9, 64, FRAME_KEY | FRAME_SETS)), OK);
    assert_int_equal(media_writer_finish(b.w), OK);
    check_file(&b, 0, STEM ".mp4", "K0 K120 gap2:33-120 end240");
    assert_int_equal(b.gaps, 1);
    assert_int_equal(b.gap[0].reason, HLS_GAP_OVERFLOW);
    assert_int_equal(media_writer_stats(b.w)->overflow, 1);
    teardown(&b);
}

static void a_file_that_cannot_begin_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &fake_format, 0, 0);
    resume(&b, true, false);
    b.m->begin_error = ERR_LIMIT;
    push_audio(&b, T0, 0, 10);
    b.m->begin_error = OK;
    push_audio(&b, T0, 10, 60);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(media_writer_stats(b.w)->overflow, 1);
    assert_int_equal(strncmp(buf_str(&b.m->file[0].bytes), "a1002 ", 6), 0);
    teardown(&b);
}

static void a_failing_sink_stops_it_and_keeps_the_file(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_adts, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 10);
    b.m->append_error = ERR_IO;
    assert_int_equal(push(&b, make_audio(T0, 10, 1)), ERR_IO);
    assert_int_equal(b.failed, ERR_IO);
    assert_int_equal(push(&b, make_audio(T0, 11, 1)), ERR_IO);
    assert_int_equal(media_writer_finish(b.w), ERR_IO);
    media_writer_free(b.w);
    b.w = NULL;
    assert_true(b.m->is_open);
    assert_int_equal(b.m->abandoned, 0);
    memory_sink_free(b.m);
}

/* --- AAC --- */

static unsigned frame_size(const uint8_t *adts)
{
    assert_int_equal(adts[0], 0xff);
    return (unsigned)(adts[3] & 3) << 11 | adts[4] << 3 | adts[5] >> 5;
}

/* The body against what was pushed: frame i is frame want(i) of the grid, or silence (-1). The
 * journal against the body. */
static void check_aac(const struct memory_file *file, unsigned count, int (*want)(unsigned i))
{
    struct journal_memory memory;
    struct journal_reader *r;
    struct journal_item item;
    size_t at = 0;
    unsigned n = 0;
    bool ended = false;
    journal_memory_init(&memory, buf_bytes(&file->journal));
    assert_int_equal(journal_reader_new(&r, &memory.source), OK);
    assert_int_equal(journal_next(r, &item), OK);
    assert_int_equal(item.kind, JOURNAL_HEADER);
    assert_int_equal(item.header.format, MEDIA_FORMAT_ADTS);
    assert_true(bytes_equal_str(item.header.user, "alice"));
    assert_true(bytes_equal_str(item.header.media, "main"));
    assert_int_equal(item.header.start, file->start);
    int err;
    while (!(err = journal_next(r, &item))) {
        ended |= item.kind == JOURNAL_END;
        if (item.kind != JOURNAL_SAMPLE)
            continue;
        const uint8_t *p = file->bytes.ptr + at;
        assert_int_equal(item.sample.offset, at);
        assert_int_equal(item.sample.tick, (int64_t)n * 1024);
        assert_int_equal(item.sample.size, frame_size(p));
        int from = want(n++);
        struct bytes raw = bytes_of(p + 7, item.sample.size - 7);
        if (from < 0) {
            assert_int_equal(item.sample.flags, JOURNAL_KEY | JOURNAL_FILLED);
            assert_true(bytes_equal(raw, bytes_of(mono, 4)));
        } else {
            struct frame *f = make_audio(0, (unsigned)from, 1);
            assert_true(bytes_equal(raw, bytes_of(f->data, f->size)));
            frame_unref(f);
        }
        at += item.sample.size;
    }
    assert_int_equal(err, ERR_AGAIN);
    assert_true(ended);
    assert_int_equal(n, count);
    assert_int_equal(at, file->bytes.len);
    journal_reader_free(r);
}

static int with_a_hole(unsigned i)
{
    return i < 10 || i >= 210 ? (int)i : -1;
}

static void missing_sound_is_silence(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_adts, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 10);
    media_writer_pause(b.w);
    resume(&b, true, false);
    push_audio(&b, T0, 210, 220);
    assert_int_equal(push(&b, make_video(T0 + SEC, 9, 64, FRAME_KEY)), ERR_UNSUPPORTED);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.m->files, 1);
    assert_string_equal(b.m->file[0].name, STEM ".aac");
    assert_int_equal(b.m->file[0].duration, audio_time(0, 220));
    check_aac(&b.m->file[0], 220, with_a_hole);
    assert_int_equal(b.gaps, 1);
    assert_int_equal(b.gap[0].from, audio_time(T0, 10));
    assert_int_equal(b.gap[0].to, audio_time(T0, 210));
    assert_int_equal(b.gap[0].reason, HLS_GAP_MEDIA);
    teardown(&b);
}

static int in_a_row(unsigned i)
{
    return (int)i;
}

/* The worst offset of another session's grid neither drops nor repeats, and a day adds nothing. */
static void another_grid_is_followed(void **state)
{
    (void)state;
    for (int off = -15; off <= 15; off++) {
        struct bench b;
        setup(&b, &file_format_adts, 0, 0);
        resume(&b, true, false);
        push_audio(&b, T0, 0, 10);
        push_audio(&b, T0 + MS(off), 10, 500);
        assert_int_equal(media_writer_finish(b.w), OK);
        check_aac(&b.m->file[0], 500, in_a_row);
        assert_int_equal(media_writer_stats(b.w)->late, 0);
        teardown(&b);
    }
}

static void a_day_of_sound_splits_to_the_frame(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_adts, 60 * SEC, 0);
    resume(&b, true, false);
    unsigned count = 24u * 3600 * 48000 / 1024;
    push_audio(&b, T0, 0, count);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.m->files, 24 * 60);
    usec_t at = T0 / MSEC * MSEC;
    for (unsigned i = 0; i < b.m->files; i++) {
        const struct memory_file *f = &b.m->file[i];
        char name[128];
        snprintf(name, sizeof name, i ? STEM "_%u.aac" : STEM ".aac", i + 1);
        assert_string_equal(f->name, name);
        assert_in_range(f->start, at - MSEC, at + MSEC);
        at = f->start + f->duration;
    }
    assert_in_range(at, audio_time(T0, count) - MSEC, audio_time(T0, count) + MSEC);
    teardown(&b);
}

static void a_long_silence_and_a_full_sink(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_adts, 0, 0);
    resume(&b, true, false);
    push_audio(&b, T0, 0, 10);
    b.m->append_error = ERR_LIMIT;
    push_audio(&b, T0, 100000, 100010);
    b.m->append_error = OK;
    push_audio(&b, T0, 100010, 100020);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.m->files, 1);
    assert_int_equal(b.m->file[0].duration, audio_time(0, 100020));
    assert_int_equal(media_writer_stats(b.w)->overflow, 10);
    assert_int_equal(b.gaps, 1);
    teardown(&b);
}

static void nothing_becomes_nothing(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, &file_format_adts, 0, 0);
    resume(&b, true, false);
    media_writer_pause(b.w);
    assert_int_equal(media_writer_finish(b.w), OK);
    assert_int_equal(b.m->files, 0);
    assert_int_equal(b.started, 0);
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_out_in_order_of_time),
        cmocka_unit_test(a_kind_that_does_not_come_is_not_waited_for),
        cmocka_unit_test(splits_at_the_key_frame_after_the_limit),
        cmocka_unit_test(splits_below_the_limit_of_bytes),
        cmocka_unit_test(what_cannot_follow_begins_the_next_file),
        cmocka_unit_test(other_channels_go_on_at_once),
        cmocka_unit_test(a_file_begins_anew_and_is_told_of_once),
        cmocka_unit_test(a_full_sink_costs_up_to_the_next_key_frame),
        cmocka_unit_test(a_file_that_cannot_begin_is_tried_again),
        cmocka_unit_test(a_failing_sink_stops_it_and_keeps_the_file),
        cmocka_unit_test(missing_sound_is_silence),
        cmocka_unit_test(another_grid_is_followed),
        cmocka_unit_test(a_day_of_sound_splits_to_the_frame),
        cmocka_unit_test(a_long_silence_and_a_full_sink),
        cmocka_unit_test(nothing_becomes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
