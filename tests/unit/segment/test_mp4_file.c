/* Frames become samples, with their bytes and times. */
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
#include "media/h264_black.h"
#include "mp4_build.h"
#include "mp4_reader.h"
#include "segment/file_format.h"

#define T0    (1735707617163 * MSEC)
#define MS(x) ((usec_t)(x)*MSEC)

static const struct file_format *const mp4 = &file_format_mp4;
static const uint8_t mono[4] = { 0, 0, 0, 7 }, stereo[6] = { 0x20, 0, 0, 0, 0, 7 };

struct desk {
    struct memory_sink *m;
    struct media_file *f;
    struct buf file;
    struct media_scan scan;
    struct mp4_movie movie;
    const struct mp4_track *video, *audio;
};

static void begin_with(struct desk *d, usec_t start, enum media_fill fill)
{
    *d = (struct desk){ .m = memory_sink_new() };
    struct media_file_config c = { .name = "x.mp4",
                                   .user = "alice",
                                   .media = "main",
                                   .fill = fill,
                                   .silence = { { mono, 4 }, { stereo, 6 } },
                                   .start = start,
                                   .sink = &d->m->sink };
    assert_int_equal(mp4->begin(&d->f, &c), OK);
}

static void begin(struct desk *d, usec_t start)
{
    begin_with(d, start, MEDIA_FILL_LAST);
}

static int push(struct desk *d, struct frame *f)
{
    int err = mp4->push(d->f, f);
    frame_unref(f);
    return err;
}

static void take(struct desk *d, struct frame *f)
{
    assert_int_equal(push(d, f), OK);
}

static void finish(struct desk *d, usec_t end)
{
    struct sink_file info;
    assert_int_equal(mp4->finish(d->f, end, &info), OK);
    const struct memory_file *m = &d->m->file[0];
    mp4_build(&d->file, buf_bytes(&m->bytes), buf_bytes(&m->journal), &d->scan);
    mp4_read(&d->movie, buf_bytes(&d->file));
    d->video = mp4_track(&d->movie, "vide");
    d->audio = mp4_track(&d->movie, "soun");
    assert_true(info.bytes >= d->file.len); /* what a split goes by */
    assert_int_equal(info.duration, d->scan.end);
}

static void end(struct desk *d)
{
    mp4_free(&d->movie);
    buf_fini(&d->file);
    mp4->free(d->f);
    memory_sink_free(d->m);
}

static struct bytes sample(const struct desk *d, const struct mp4_track *t, unsigned n)
{
    return mp4_sample_bytes(&d->movie, &t->sample[n]);
}

/* ---- The property: everything pushed is in there, as it was ---- */

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

struct wanted {
    usec_t time;
    struct buf bytes;
    bool key;
    unsigned width;
};

#define MANY 4000
static struct wanted pictures[MANY], sounds[MANY];

static void remember(struct wanted *w, const struct frame *f, unsigned width)
{
    w->time = f->time;
    w->key = f->key;
    w->width = width;
    buf_init(&w->bytes, 1u << 20);
    buf_put(&w->bytes, f->data, f->size);
}

/* The sets that a key frame without its own gets in front. */
static void put_sets(struct buf *b, unsigned width)
{
    struct buf sps;
    buf_init(&sps, 100);
    make_sps(&sps, width, 48);
    buf_put_u32(b, (uint32_t)sps.len);
    buf_put_bytes(b, buf_bytes(&sps));
    buf_put_u32(b, 4);
    buf_put(b, "\x68\xce\x38\x80", 4);
    buf_fini(&sps);
}

static void remember_picture(struct wanted *w, const struct frame *f, unsigned width, bool bare)
{
    remember(w, f, width);
    if (!bare)
        return;
    buf_clear(&w->bytes);
    put_sets(&w->bytes, width);
    buf_put(&w->bytes, f->data, f->size);
}

/* What the sink refuses is in there not at all, what it takes in full. */
static bool give(struct desk *d, struct frame *f)
{
    bool refuse = rnd(25) == 0;
    d->m->append_error = refuse ? ERR_LIMIT : OK;
    int err = mp4->push(d->f, f);
    d->m->append_error = OK;
    assert_int_equal(err, refuse ? ERR_LIMIT : OK);
    return !refuse;
}

static unsigned pictures_until(struct desk *d, unsigned n, usec_t *next, usec_t until)
{
    static unsigned width;
    if (n == 0)
        width = 0;
    for (; *next <= until && n < MANY;
         *next += rnd(4) ? MS(33) + rnd(2000) : MS(1) + rnd(3000000)) {
        bool key = n == 0 || rnd(12) == 0;
        bool sets = n == 0 || (key && rnd(2));
        unsigned wide = sets && rnd(2) ? 64 + rnd(8) * 16 : width ? width : 640;
        struct frame *f =
            make_video(*next, 1 + rnd(3000), wide, (key ? FRAME_KEY : 0) | (sets ? FRAME_SETS : 0));
        if (give(d, f)) {
            remember_picture(&pictures[n++], f, wide, key && !sets);
            width = wide;
        } else if (sets) {
            width = wide; /* it has heard of them all the same */
        }
        frame_unref(f);
    }
    return n;
}

static void assert_picture(const struct desk *d, unsigned n)
{
    const struct mp4_sample *got = &d->video->sample[n];
    const struct wanted *want = &pictures[n];
    assert_int_equal(got->tick, ((want->time - T0) * 90 + 500) / 1000);
    assert_true(bytes_equal(sample(d, d->video, n), buf_bytes(&want->bytes)));
    assert_int_equal(got->key, want->key);
    if (got->key)
        assert_int_equal(d->video->entry[got->entry].width, want->width);
}

/* Sound in between silence, never before its time by more than rounding, and later by less than a
 * frame. */
static void assert_sounds(const struct desk *d, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->audio->samples; i++) {
        const struct mp4_sample *got = &d->audio->sample[i];
        if (n < count && bytes_equal(sample(d, d->audio, i), buf_bytes(&sounds[n].bytes))) {
            int64_t tick = ((sounds[n].time - T0) * 48 + 500) / 1000;
            assert_in_range(got->tick - tick + 50, 0, 100);
            n++;
        } else {
            assert_memory_equal(sample(d, d->audio, i).ptr, mono, 4);
        }
        if (i + 1 < d->audio->samples)
            assert_in_range(got->duration, i ? 1 : 1, 2047);
    }
    assert_int_equal(n, count);
}

static void everything_is_in_there(void **state)
{
    (void)state;
    random_bytes(&seed, sizeof seed);
    const char *given = getenv("SEED");
    if (given)
        seed = (uint32_t)strtoul(given, NULL, 10);
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 12; round++) {
        struct desk d;
        unsigned p = 0, s = 0, slots = 1 + rnd(2500), kinds = 1 + rnd(3);
        begin(&d, T0);
        usec_t base = T0 + rnd(3000000), next = T0 + rnd(3000000);
        for (unsigned slot = 0; slot < slots; slot++) {
            if (kinds & 1)
                p = pictures_until(&d, p, &next, audio_time(base, slot));
            if (!(kinds & 2))
                continue;
            if (rnd(40) == 0)
                slot += rnd(200);
            struct frame *f = make_audio(base, slot, 1);
            f->data[1] = 1; /* no silence */
            f->data[2] = (uint8_t)(slot >> 8);
            if (give(&d, f))
                remember(&sounds[s++], f, 0);
            frame_unref(f);
        }
        if (p + s == 0) {
            mp4->free(d.f);
            memory_sink_free(d.m);
            continue;
        }
        finish(&d, mp4->end(d.f));
        assert_int_equal(d.video ? d.video->samples : 0, p);
        for (unsigned n = 0; n < p; n++)
            assert_picture(&d, n);
        assert_true(!!d.audio == (s > 0));
        if (s)
            assert_sounds(&d, s);
        for (unsigned n = 0; n < p; n++)
            buf_fini(&pictures[n].bytes);
        for (unsigned n = 0; n < s; n++)
            buf_fini(&sounds[n].bytes);
        end(&d);
    }
}

/* ---- Single cases ---- */

static void resolutions_share_their_entries(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    for (unsigned i = 0; i < 100; i++)
        take(&d, make_video(T0 + MS(40) * i, 100, i / 10 % 2 ? 640 : 320,
                            i % 10 ? 0 : FRAME_KEY | FRAME_SETS));
    finish(&d, T0 + MS(4000));
    assert_int_equal(d.video->entries, 2);
    assert_int_equal(d.video->width, 640);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(d.video->entry[d.video->sample[i].entry].width, i / 10 % 2 ? 640 : 320);
    struct buf sps;
    buf_init(&sps, 100);
    make_sps(&sps, 320, 48);
    struct bytes avcc = d.video->entry[0].config;
    assert_memory_equal(avcc.ptr, "\x01\x42\xe0\x1f\xff\xe1", 6);
    assert_int_equal(get_u16(avcc.ptr + 6), sps.len);
    assert_memory_equal(avcc.ptr + 8, sps.ptr, sps.len);
    buf_fini(&sps);
    assert_int_equal(d.movie.duration, 4 * 90000);
    end(&d);
}

static void too_many_parameter_sets_end_the_file(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    unsigned n = 0;
    int err;
    do {
        err = push(&d, make_video(T0 + MS(40) * n, 100, 64 + n * 16, FRAME_KEY | FRAME_SETS));
    } while (!err && n++ < 100);
    assert_int_equal(err, ERR_RANGE);
    assert_int_equal(n, JOURNAL_MAX_ENTRIES);
    finish(&d, T0 + MS(40) * n);
    assert_int_equal(d.video->samples, n);
    end(&d);
}

static void video_begins_with_a_whole_key_frame(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    assert_int_equal(push(&d, make_video(T0, 100, 640, 0)), ERR_MALFORMED);
    assert_int_equal(push(&d, make_video(T0 + 1000, 100, 640, FRAME_KEY)), ERR_MALFORMED);
    assert_int_equal(
        push(&d, make_video(T0 + 2000, 100, 640, FRAME_KEY | FRAME_SETS | FRAME_DAMAGED)),
        ERR_MALFORMED);
    assert_true(mp4->end(d.f) == T0);
    take(&d, make_video(T0 + MS(40), 100, 640, FRAME_KEY | FRAME_SETS));
    take(&d, make_video(T0 + MS(80), 100, 640, FRAME_DAMAGED));
    assert_int_equal(push(&d, make_video(T0 + MS(80), 100, 640, 0)), ERR_EXPIRED);
    assert_int_equal(push(&d, frame_new(CODEC_H264, 0)), ERR_MALFORMED);
    mp4->gap(d.f, T0 + MS(80), T0 + MS(90), JOURNAL_GAP_STEP);
    finish(&d, T0 + MS(120));
    assert_int_equal(d.video->samples, 2);
    assert_int_equal(d.scan.summary.damaged, 1);
    assert_int_equal(d.scan.summary.gaps, 1);
    assert_int_equal(d.scan.summary.gap_us, MS(10));
    end(&d);
}

/* 24 h of sound: the last frame stands where the first and the number say. */
static void sound_does_not_drift(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    for (unsigned i = 0; i < 200000; i++)
        take(&d, make_audio(T0 - 21333, i, 2));
    finish(&d, USEC_UNSET);
    assert_int_equal(d.audio->samples, 200000);
    for (unsigned i = 0; i < 200000; i++)
        assert_int_equal(d.audio->sample[i].tick, (int64_t)i * 1024 - 1024);
    assert_int_equal(d.audio->entry[0].channels, 2);
    assert_memory_equal(d.audio->entry[0].config.ptr, "\x11\x90", 2);
    assert_int_equal(d.audio->media_time, 1024);
    assert_int_equal(d.audio->empty, 0);
    end(&d);
}

static void silence_fills_holes(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    take(&d, make_audio(T0, 0, 1));
    take(&d, make_audio(T0, 1000, 1));         /* on the grid: 999 silent ones */
    take(&d, make_audio(T0 + 10000, 1100, 1)); /* another grid, 480 ticks later */
    assert_int_equal(push(&d, make_audio(T0, 1101, 2)), ERR_RANGE); /* stereo: another file */
    finish(&d, USEC_UNSET);
    assert_int_equal(d.audio->samples, 1101);
    assert_int_equal(d.scan.summary.filled, 999 + 99);
    for (unsigned i = 0; i < 1100; i++)
        assert_int_equal(d.audio->sample[i].tick, (int64_t)i * 1024);
    assert_int_equal(d.audio->sample[1100].tick, 1100 * 1024 + 480);
    assert_int_equal(d.audio->sample[1099].duration, 1024 + 480);
    end(&d);
}

/* Sound that stops is filled while pictures come, and not all at once at the end. */
static void silence_follows_pictures(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    take(&d, make_audio(T0, 0, 1));
    for (unsigned i = 0; i < 250; i++)
        take(&d, make_video(T0 + MS(40) * i, 10, 64, i ? 0 : FRAME_KEY | FRAME_SETS));
    finish(&d, T0 + MS(10000));
    assert_in_range(d.audio->samples, 370, 375); /* to two seconds before the last picture */
    end(&d);
}

static void the_last_picture_stays(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    take(&d, make_video(T0, 10, 64, FRAME_KEY | FRAME_SETS));
    take(&d, make_video(T0 + MS(40), 10, 64, 0));
    for (unsigned i = 0; i < 500; i++)
        take(&d, make_audio(T0, i, 1));
    finish(&d, USEC_UNSET);
    assert_int_equal(d.video->sample[1].duration, 500 * 1920 - 3600);
    end(&d);
}

static void assert_black(const struct desk *d, unsigned n, int64_t from, int64_t to)
{
    struct buf want;
    buf_init(&want, 1u << 20);
    assert_int_equal(h264_black_put(&want, 640, 48), OK);
    const struct mp4_sample *s = &d->video->sample[n];
    assert_int_equal(s->tick, from);
    assert_int_equal(s->duration, to - from);
    assert_true(s->key);
    assert_int_equal(d->video->entry[s->entry].width, 640);
    assert_true(bytes_equal(sample(d, d->video, n), buf_bytes(&want)));
    buf_fini(&want);
}

/* FillType 1. A picture that only stood still stays. */
static void black_where_video_stops(void **state)
{
    (void)state;
    struct desk d;
    begin_with(&d, T0, MEDIA_FILL_BLACK);
    for (unsigned i = 0; i < 10; i++)
        take(&d, make_video(T0 + MS(40) * i, 50, 640, i ? 0 : FRAME_KEY | FRAME_SETS));
    take(&d, make_video(T0 + MS(10000), 50, 640, FRAME_KEY));
    take(&d, make_video(T0 + MS(10040), 50, 640, 0));
    take(&d, make_video(T0 + MS(14000), 50, 640, 0));
    finish(&d, T0 + MS(20000));
    assert_int_equal(d.video->samples, 15);
    assert_int_equal(d.video->entries, 2);
    assert_int_equal(d.scan.summary.filled, 2);
    assert_black(&d, 10, 36000, 900000);
    assert_int_equal(d.video->sample[11].entry, 0);
    assert_int_equal(d.video->sample[13].duration, 3600); /* of a lone picture */
    assert_black(&d, 14, 14 * 90000 + 3600, 20 * 90000);
    end(&d);

    begin(&d, T0); /* FillType 0 */
    take(&d, make_video(T0, 50, 640, FRAME_KEY | FRAME_SETS));
    take(&d, make_video(T0 + MS(10000), 50, 640, FRAME_KEY));
    finish(&d, T0 + MS(20000));
    assert_int_equal(d.video->samples, 2);
    end(&d);
}

/* No black picture can be made of this size: the last one stays, and video goes on. */
static void too_large_for_black(void **state)
{
    (void)state;
    struct desk d;
    begin_with(&d, T0, MEDIA_FILL_BLACK);
    take(&d, make_video(T0, 50, 2 * H264_BLACK_MAX, FRAME_KEY | FRAME_SETS));
    take(&d, make_video(T0 + MS(10000), 50, 2 * H264_BLACK_MAX, FRAME_KEY | FRAME_SETS));
    finish(&d, T0 + MS(20000));
    assert_int_equal(d.video->samples, 2);
    assert_int_equal(d.video->sample[0].duration, 900000);
    end(&d);
}

/* The second file of a split: two frames of run-in, then sound from its very start. */
static void run_in_is_hidden(void **state)
{
    (void)state;
    struct desk d;
    usec_t start = audio_time(T0, 100) + 5000;
    begin(&d, start);
    for (unsigned i = 99; i < 150; i++)
        take(&d, make_audio(T0, i, 1));
    take(&d, make_video(start + 1, 10, 64, FRAME_KEY | FRAME_SETS));
    finish(&d, audio_time(T0, 150) - 3000);
    assert_int_equal(d.audio->empty, 0);
    assert_int_equal(d.audio->media_time, 1024 + 240);
    assert_int_equal(d.audio->sample[0].tick, -1264);
    assert_int_equal(d.video->empty, 0);
    assert_int_equal(d.movie.duration, (audio_time(T0, 150) - 3000 - start) * 9 / 100);
    end(&d);
}

static void a_long_pause_ends_the_file(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    take(&d, make_video(T0, 10, 64, FRAME_KEY | FRAME_SETS));
    assert_int_equal(push(&d, make_video(T0 + 7 * 3600 * SEC, 10, 64, FRAME_KEY)), ERR_RANGE);
    finish(&d, T0 + 20 * 3600 * SEC);
    assert_true(d.video->sample[0].duration > 6u * 3600 * 90000);
    end(&d);
}

static void nothing_is_no_file(void **state)
{
    (void)state;
    struct desk d;
    struct sink_file info;
    begin(&d, T0);
    assert_int_equal(mp4->finish(d.f, T0, &info), ERR_AGAIN);
    assert_int_equal(d.m->abandoned, 1);
    mp4->free(d.f);
    memory_sink_free(d.m);

    begin(&d, T0); /* run-in alone is nothing to hear */
    take(&d, make_audio(T0 - 3 * 21333, 0, 1));
    mp4->free(d.f);
    assert_int_equal(d.m->abandoned, 1);
    memory_sink_free(d.m);
}

static void errors_reach_the_caller(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    d.m->append_error = ERR_IO;
    assert_int_equal(push(&d, make_video(T0, 10, 64, FRAME_KEY | FRAME_SETS)), ERR_IO);
    assert_int_equal(push(&d, make_audio(T0, 0, 1)), ERR_IO);
    d.m->append_error = OK;
    take(&d, make_video(T0, 10, 64, FRAME_KEY));
    struct sink_file info;
    d.m->finish_error = ERR_IO;
    assert_int_equal(mp4->finish(d.f, T0 + 1, &info), ERR_IO);
    d.m->finish_error = OK;
    mp4->free(d.f);
    assert_int_equal(d.m->abandoned, 0); /* it stays, to be finished later */
    memory_sink_free(d.m);

    struct media_file_config c = {
        .name = "x.mp4", .user = "", .media = "mix", .fill = MEDIA_FILL_BLACK + 1
    };
    assert_int_equal(mp4->begin(&d.f, &c), ERR_UNSUPPORTED);
    d.m = memory_sink_new();
    d.m->begin_error = ERR_LIMIT;
    c = (struct media_file_config){
        .name = "x.mp4", .user = "", .media = "mix", .sink = &d.m->sink
    };
    assert_int_equal(mp4->begin(&d.f, &c), ERR_LIMIT);
    memory_sink_free(d.m);
}

static void starts_are_whole_milliseconds(void **state)
{
    (void)state;
    struct frame *f = make_audio(T0 + 700, 0, 1);
    assert_int_equal(mp4->start_at(f), T0 + MS(22)); /* behind its run-in */
    frame_unref(f);
    f = make_video(T0 + 700, 10, 64, FRAME_KEY);
    assert_int_equal(mp4->start_at(f), T0);
    frame_unref(f);
}

/* What the journal does not tell of is lost in a crash, and so is what the sink keeps waiting. */
static void rare_pictures_do_not_wait_for_more(void **state)
{
    (void)state;
    struct desk d;
    begin(&d, T0);
    take(&d, make_video(T0, 50, 64, FRAME_KEY | FRAME_SETS));
    for (unsigned n = 1; n < 10; n++) {
        unsigned notes = d.m->open.notes, appends = d.m->open.appends;
        take(&d, make_video(T0 + n * SEC, 50, 64, 0));
        assert_int_equal(d.m->open.notes, notes + 1);
        assert_int_equal(d.m->open.appends,
                         appends + 2); /* the picture, and that it is not to wait */
    }
    unsigned notes = d.m->open.notes, appends = d.m->open.appends;
    for (unsigned n = 1; n <= 60; n++)
        take(&d, make_video(T0 + 10 * SEC + n * MS(33), 50, 64, 0));
    assert_in_range(d.m->open.notes - notes, 3, 8);
    assert_int_equal(d.m->open.appends - appends, 60);
    finish(&d, T0 + 13 * SEC);
    assert_int_equal(d.video->samples, 70);
    end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_in_there),
        cmocka_unit_test(resolutions_share_their_entries),
        cmocka_unit_test(too_many_parameter_sets_end_the_file),
        cmocka_unit_test(video_begins_with_a_whole_key_frame),
        cmocka_unit_test(sound_does_not_drift),
        cmocka_unit_test(silence_fills_holes),
        cmocka_unit_test(silence_follows_pictures),
        cmocka_unit_test(the_last_picture_stays),
        cmocka_unit_test(black_where_video_stops),
        cmocka_unit_test(too_large_for_black),
        cmocka_unit_test(run_in_is_hidden),
        cmocka_unit_test(a_long_pause_ends_the_file),
        cmocka_unit_test(nothing_is_no_file),
        cmocka_unit_test(errors_reach_the_caller),
        cmocka_unit_test(starts_are_whole_milliseconds),
        cmocka_unit_test(rare_pictures_do_not_wait_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
