/* Random journals become fronts of files, and these are read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "mp4_reader.h"
#include "segment/mp4/index.h"

#define START (1735707617163 * MSEC)

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* What was put into the journal, and the body that belongs to it. */
struct story {
    struct journal_writer w;
    struct buf body;
    struct {
        bool used;
        uint32_t timescale, priming;
        unsigned entries;
        uint16_t width[JOURNAL_MAX_ENTRIES], height[JOURNAL_MAX_ENTRIES];
        struct journal_sample sample[4000];
        unsigned samples;
    } track[2];
};

static void story_init(struct story *s)
{
    memset(s->track, 0, sizeof s->track);
    journal_writer_init(&s->w);
    buf_init(&s->body, 64u << 20);
    journal_put_header(&s->w, &(struct journal_header){ .format = MEDIA_FORMAT_MP4,
                                                        .start = START,
                                                        .user = bytes_str("alice"),
                                                        .media = bytes_str("main") });
}

static void story_fini(struct story *s)
{
    journal_writer_fini(&s->w);
    buf_fini(&s->body);
}

static void add_track(struct story *s, unsigned track)
{
    s->track[track].used = true;
    s->track[track].timescale = track ? 48000 : 90000;
    s->track[track].priming = track ? 1024 : 0;
    journal_put_track(
        &s->w, &(struct journal_track){ .track = (uint8_t)track,
                                        .kind = track ? JOURNAL_AUDIO_AAC : JOURNAL_VIDEO_H264,
                                        .timescale = s->track[track].timescale,
                                        .priming = s->track[track].priming });
}

static void add_entry(struct story *s, unsigned track)
{
    unsigned n = s->track[track].entries++;
    char config[32];
    snprintf(config, sizeof config, "config %u.%u", track, n);
    struct journal_entry e = { .track = (uint8_t)track, .config = bytes_str(config) };
    if (track) {
        e.channels = 2;
    } else {
        e.width = s->track[0].width[n] = (uint16_t)(16 + rnd(1000) * 2);
        e.height = s->track[0].height[n] = (uint16_t)(16 + rnd(1000) * 2);
    }
    journal_put_entry(&s->w, &e);
}

static void add_sample(struct story *s, unsigned track, int64_t tick, uint32_t size, uint8_t flags)
{
    struct journal_sample sample = {
        .track = (uint8_t)track,
        .entry = (uint8_t)rnd(s->track[track].entries),
        .flags = flags,
        .size = size,
        .tick = tick,
    };
    uint8_t *p = buf_extend(&s->body, size);
    for (uint32_t i = 0; i < size; i++)
        p[i] = (uint8_t)rnd(256);
    s->track[track].sample[s->track[track].samples++] = sample;
    journal_put_sample(&s->w, &sample);
}

/* Audio on its grid with holes, video at any times, both from anywhere on. */
static void random_story(struct story *s, unsigned samples)
{
    story_init(s);
    unsigned only = rnd(4);
    int64_t tick[2] = { rnd(3) ? rnd(900000) : 0, (int64_t)(rnd(3) ? rnd(60000) * 8 : 0) };
    if (rnd(3) == 0)
        tick[1] = -(int64_t)rnd(128) * 8;
    for (unsigned i = 0; i < samples; i++) {
        unsigned t = only < 2 ? only : rnd(rnd(2) ? 5 : 2) > 0;
        if (!s->track[t].used)
            add_track(s, t);
        if (!s->track[t].entries || (!t && rnd(40) == 0 && s->track[0].entries < 60))
            add_entry(s, t);
        add_sample(s, t, tick[t], 1 + rnd(rnd(20) ? 60 : 5000),
                   t || rnd(10) == 0 ? JOURNAL_KEY : 0);
        tick[t] += t ? 1024 * (rnd(30) ? 1 : 1 + rnd(100)) : rnd(3) ? 3000 : 1 + rnd(9000);
    }
}

struct file {
    struct buf bytes;
    struct media_scan scan;
    struct mp4_movie movie;
};

static void build(struct file *f, struct story *s, uint64_t align)
{
    struct journal_memory m;
    struct box_out *out = malloc(sizeof *out);
    uint64_t size;
    journal_memory_init(&m, journal_take(&s->w));
    assert_int_equal(media_scan(&f->scan, &m.source, s->body.len), OK);
    assert_int_equal(f->scan.body, s->body.len);
    assert_int_equal(mp4_head_size(&size, &f->scan, &m.source, align), OK);
    assert_int_equal(size % align, 0);
    buf_init(&f->bytes, 128u << 20);
    box_out_init(out, box_to_buf, &f->bytes);
    assert_int_equal(mp4_head_write(out, &f->scan, &m.source, size), OK);
    assert_int_equal(f->bytes.len, size);
    free(out);
    buf_put_bytes(&f->bytes, buf_bytes(&s->body));
    mp4_read(&f->movie, buf_bytes(&f->bytes));
    assert_int_equal(f->movie.body_at, size);
}

static void file_fini(struct file *f)
{
    mp4_free(&f->movie);
    buf_fini(&f->bytes);
}

static void assert_sample(const struct file *f, const struct story *s, const struct mp4_sample *got,
                          const struct journal_sample *want, uint64_t at)
{
    assert_int_equal(got->tick, want->tick);
    assert_int_equal(got->size, want->size);
    assert_int_equal(got->entry, want->entry);
    assert_int_equal(got->key, !!(want->flags & JOURNAL_KEY));
    assert_int_equal(got->offset, f->movie.body_at + at);
    assert_memory_equal(f->bytes.ptr + got->offset, s->body.ptr + at, want->size);
}

static void assert_track(const struct file *f, const struct story *s, unsigned track)
{
    const struct mp4_track *t = mp4_track(&f->movie, track ? "soun" : "vide");
    assert_non_null(t);
    assert_int_equal(t->samples, s->track[track].samples);
    assert_int_equal(t->entries, s->track[track].entries);
    assert_int_equal(t->timescale, s->track[track].timescale);
    unsigned largest = 0;
    for (unsigned i = 0; i < t->entries; i++) {
        char config[32];
        snprintf(config, sizeof config, "config %u.%u", track, i);
        assert_true(bytes_equal_str(t->entry[i].config, config));
        assert_int_equal(t->entry[i].width, s->track[track].width[i]);
        assert_int_equal(t->entry[i].height, s->track[track].height[i]);
        largest = t->entry[i].width > largest ? t->entry[i].width : largest;
    }
    assert_int_equal(t->width, largest);
}

/* Where each sample lies follows from the order in which they were put. */
static void assert_all(const struct file *f, struct story *s)
{
    struct journal_memory m;
    struct journal_reader *r;
    struct journal_item it;
    unsigned n[2] = { 0 };
    for (unsigned t = 0; t < 2; t++)
        if (s->track[t].samples)
            assert_track(f, s, t);
    journal_memory_init(&m, bytes_of(s->w.out.ptr, (size_t)f->scan.good));
    assert_int_equal(journal_reader_new(&r, &m.source), OK);
    while (journal_next(r, &it) == OK) {
        if (it.kind != JOURNAL_SAMPLE)
            continue;
        unsigned t = it.sample.track, i = n[t]++;
        assert_sample(f, s, &mp4_track(&f->movie, t ? "soun" : "vide")->sample[i],
                      &s->track[t].sample[i], it.sample.offset);
    }
    for (unsigned t = 0; t < 2; t++)
        assert_int_equal(n[t], s->track[t].samples);
    journal_reader_free(r);
}

static void random_journals_read_back(void **state)
{
    (void)state;
    static struct story s;
    static struct file f;
    random_bytes(&seed, sizeof seed);
    const char *given = getenv("SEED");
    if (given)
        seed = (uint32_t)strtoul(given, NULL, 10);
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 60; round++) {
        static const uint64_t aligns[] = { 1, 512, MP4_ALIGN };
        random_story(&s, 1 + rnd(round % 3 ? 100 : 3000));
        if (rnd(2))
            journal_put_end(&s.w, &(struct journal_end){ 3600 * SEC });
        build(&f, &s, aligns[rnd(3)]);
        assert_all(&f, &s);
        file_fini(&f);
        story_fini(&s);
    }
}

/* ---- Single cases ---- */

static void begin_both(struct story *s)
{
    story_init(s);
    for (unsigned t = 0; t < 2; t++) {
        add_track(s, t);
        add_entry(s, t);
    }
}

static void late_and_early(void **state)
{
    (void)state;
    static struct story s;
    static struct file f;
    begin_both(&s);
    for (int i = 0; i < 100; i++) /* sound from before the start to 2.13 s */
        add_sample(&s, 1, -1024 + i * 1024, 10, JOURNAL_KEY);
    for (int i = 0; i < 10; i++) /* pictures from 1 s to 2 s, and the last one stays */
        add_sample(&s, 0, 90000 + i * 9000, 10, i ? 0 : JOURNAL_KEY);
    journal_put_end(&s.w, &(struct journal_end){ 5 * SEC });
    build(&f, &s, MP4_ALIGN);
    const struct mp4_track *video = mp4_track(&f.movie, "vide"),
                           *audio = mp4_track(&f.movie, "soun");
    assert_int_equal(video->empty, 90000);
    assert_int_equal(video->media_time, 0);
    assert_int_equal(video->sample[9].duration, 450000 - 171000);
    assert_int_equal(video->shown_duration, 450000);
    assert_int_equal(audio->empty, 0);
    assert_int_equal(audio->media_time, 1024);
    assert_int_equal(audio->edit_length, 99 * 1920);
    assert_int_equal(audio->shown_duration, 99 * 1920);
    assert_int_equal(f.movie.duration, 450000);
    assert_int_equal(f.scan.summary.end, START + 5 * SEC);
    assert_int_equal(f.scan.summary.video, 10);
    assert_int_equal(f.scan.summary.audio, 100);
    assert_false(f.scan.summary.torn);
    file_fini(&f);
    story_fini(&s);
}

/* The run-in of a late track hides nothing before it, and an end cuts the sound in the frame. */
static void late_sound(void **state)
{
    (void)state;
    static struct story s;
    static struct file f;
    begin_both(&s);
    add_sample(&s, 0, 0, 10, JOURNAL_KEY);
    for (int i = 0; i < 10; i++)
        add_sample(&s, 1, 8000 + i * 1024, 10, JOURNAL_KEY);
    journal_put_end(&s.w, &(struct journal_end){ 300 * MSEC }); /* 14400 ticks; frames to 18240 */
    build(&f, &s, 1);
    const struct mp4_track *audio = mp4_track(&f.movie, "soun");
    assert_int_equal(audio->empty, 9024 * 15 / 8);
    assert_int_equal(audio->media_time, 1024);
    assert_int_equal(audio->edit_length, (14400 - 9024) * 15 / 8);
    assert_int_equal(audio->sample[0].tick, 8000);
    file_fini(&f);
    story_fini(&s);
}

static void a_day_and_4_gib(void **state)
{
    (void)state;
    static struct story s;
    struct journal_memory m;
    struct media_scan scan;
    struct buf head;
    uint64_t size;
    begin_both(&s);
    for (int64_t i = 0; i < 1000; i++) /* 24 h of 90 kHz, sample by sample 8 MiB apart */
        journal_put_sample(&s.w, &(struct journal_sample){ .flags = JOURNAL_KEY,
                                                           .size = JOURNAL_MAX_SAMPLE,
                                                           .tick = i * 86400 * 90 });
    journal_put_end(&s.w, &(struct journal_end){ 86400 * SEC });
    journal_memory_init(&m, journal_take(&s.w));
    assert_int_equal(media_scan(&scan, &m.source, UINT64_MAX), OK);
    assert_int_equal(mp4_head_size(&size, &scan, &m.source, 1), OK);
    static struct box_out out;
    buf_init(&head, 1u << 20);
    box_out_init(&out, box_to_buf, &head);
    assert_int_equal(mp4_head_write(&out, &scan, &m.source, size), OK);
    /* The body is not there, so the fields are looked at one by one. */
    assert_int_equal(get_u32(head.ptr + size - 16), 1);
    assert_int_equal(get_u32(head.ptr + size - 8), scan.body >> 32);
    uint8_t *co64 = memmem(head.ptr, head.len, "co64", 4);
    assert_non_null(co64);
    assert_int_equal(get_u32(co64 + 8), scan.track[0].chunks);
    uint64_t last = (uint64_t)get_u32(co64 + 12 + 8 * (scan.track[0].chunks - 1)) << 32 |
                    get_u32(co64 + 16 + 8 * (scan.track[0].chunks - 1));
    assert_true(last > UINT32_MAX && last < size + scan.body);
    uint8_t *mvhd = memmem(head.ptr, head.len, "mvhd", 4);
    assert_non_null(mvhd);
    assert_int_equal(mvhd[4], 1); /* 7776000000 does not fit 32 bits */
    assert_int_equal(get_u32(mvhd + 28) * (1ll << 32) + get_u32(mvhd + 32), 86400ll * 90000);
    buf_fini(&head);
    story_fini(&s);
}

/* Wherever the body ends, the file holds the samples before that place. */
static void a_shorter_body_cuts(void **state)
{
    (void)state;
    static struct story s;
    static struct file f;
    seed = 99;
    random_story(&s, 60);
    struct bytes journal = journal_take(&s.w);
    struct buf keep;
    buf_init(&keep, 1u << 20);
    buf_put_bytes(&keep, journal);
    struct journal_memory m;
    journal_memory_init(&m, buf_bytes(&keep));
    uint64_t last = 0;
    for (size_t len = 0; len <= s.body.len; len++) {
        struct media_scan scan;
        assert_int_equal(media_scan(&scan, &m.source, len), OK);
        assert_true(scan.body <= len && scan.body >= last);
        assert_int_equal(scan.cut, len < s.body.len);
        last = scan.body;
        uint64_t size;
        int err = mp4_head_size(&size, &scan, &m.source, 1);
        assert_true(err == (scan.samples ? OK : ERR_NOT_FOUND) || err == ERR_NOT_FOUND);
        if (err)
            continue;
        static struct box_out out;
        buf_init(&f.bytes, 1u << 20);
        box_out_init(&out, box_to_buf, &f.bytes);
        assert_int_equal(mp4_head_write(&out, &scan, &m.source, size), OK);
        buf_put(&f.bytes, s.body.ptr, (size_t)scan.body);
        mp4_read(&f.movie, buf_bytes(&f.bytes));
        unsigned samples = 0;
        for (unsigned t = 0; t < f.movie.tracks; t++)
            samples += f.movie.track[t].samples;
        assert_true(samples <= scan.samples);
        file_fini(&f);
    }
    assert_int_equal(last, s.body.len);
    buf_fini(&keep);
    story_fini(&s);
}

static int refuse(void *ctx, uint64_t pos, struct bytes bytes)
{
    (void)pos;
    size_t *left = ctx;
    if (*left < bytes.len)
        return ERR_IO;
    *left -= bytes.len;
    return OK;
}

static void a_failed_write_sticks(void **state)
{
    (void)state;
    static struct story s;
    static struct box_out out;
    seed = 3;
    random_story(&s, 3000);
    struct journal_memory m;
    struct media_scan scan;
    uint64_t size;
    journal_memory_init(&m, journal_take(&s.w));
    assert_int_equal(media_scan(&scan, &m.source, UINT64_MAX), OK);
    assert_int_equal(mp4_head_size(&size, &scan, &m.source, 1), OK);
    for (size_t room = 0; room < size; room += 5000) {
        size_t left = room;
        box_out_init(&out, refuse, &left);
        assert_int_equal(mp4_head_write(&out, &scan, &m.source, size), ERR_IO);
    }
    story_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_journals_read_back),
        cmocka_unit_test(late_and_early),
        cmocka_unit_test(late_sound),
        cmocka_unit_test(a_day_and_4_gib),
        cmocka_unit_test(a_shorter_body_cuts),
        cmocka_unit_test(a_failed_write_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
