#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "segment/media_journal.h"

#define START (1735707617163 * MSEC)

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void put_front(struct journal_writer *w)
{
    journal_put_header(w, &(struct journal_header){ .format = MEDIA_FORMAT_MP4,
                                                    .part = 2,
                                                    .start = START,
                                                    .user = bytes_str("alice"),
                                                    .media = bytes_str("main") });
    journal_put_track(w, &(struct journal_track){ .kind = JOURNAL_VIDEO_H264, .timescale = 90000 });
    journal_put_track(
        w, &(struct journal_track){
               .track = 1, .kind = JOURNAL_AUDIO_AAC, .timescale = 48000, .priming = 1024 });
    journal_put_entry(
        w, &(struct journal_entry){ .width = 640, .height = 360, .config = bytes_str("avcC") });
    journal_put_entry(
        w, &(struct journal_entry){ .track = 1, .channels = 2, .config = bytes_of("\x11\x90", 2) });
}

/* Everything a journal can hold, as it was put and as it must come out. */
struct script {
    struct journal_item item[6000];
    unsigned count;
    struct buf bytes;
};

static void add(struct script *s, struct journal_writer *w, struct journal_item item)
{
    switch (item.kind) {
    case JOURNAL_SAMPLE: journal_put_sample(w, &item.sample); break;
    case JOURNAL_GAP: journal_put_gap(w, &item.gap); break;
    case JOURNAL_ENTRY: journal_put_entry(w, &item.entry); break;
    case JOURNAL_END: journal_put_end(w, &item.end); break;
    default: fail();
    }
    s->item[s->count++] = item;
    if (rnd(7) == 0)
        buf_put_bytes(&s->bytes, journal_take(w));
}

static struct journal_item random_sample(unsigned entries, int64_t tick[2], uint64_t *body)
{
    struct journal_item item = { .kind = JOURNAL_SAMPLE };
    unsigned track = rnd(2);
    static const uint32_t spans[] = { 1, 2000, 200000, INT32_MAX };
    tick[track] += 1 + rnd(spans[rnd(4)]);
    item.sample = (struct journal_sample){
        .track = (uint8_t)track,
        .entry = track ? 0 : (uint8_t)rnd(entries),
        .flags = (uint8_t)rnd(8),
        .size = 1 + rnd(rnd(2) ? 100 : JOURNAL_MAX_SAMPLE),
        .tick = tick[track],
        .offset = *body,
    };
    *body += item.sample.size;
    return item;
}

static void make_script(struct script *s, unsigned samples)
{
    struct journal_writer w;
    journal_writer_init(&w);
    buf_init(&s->bytes, 1u << 20);
    s->count = 0;
    put_front(&w);
    unsigned entries = 1;
    int64_t tick[2] = { -(int64_t)rnd(3000), -(int64_t)rnd(3000) };
    uint64_t body = 0;
    for (unsigned i = 0; i < samples; i++) {
        add(s, &w, random_sample(entries, tick, &body));
        if (rnd(100) == 0)
            add(s, &w,
                (struct journal_item){
                    .kind = JOURNAL_GAP,
                    .gap = { .reason = JOURNAL_GAP_STEP, .from = i, .to = i + 5 } });
        if (rnd(100) == 0 && entries < JOURNAL_MAX_ENTRIES) {
            entries++;
            add(s, &w,
                (struct journal_item){
                    .kind = JOURNAL_ENTRY,
                    .entry = { .width = 320, .height = 180, .config = bytes_str("another") } });
        }
    }
    add(s, &w, (struct journal_item){ .kind = JOURNAL_END, .end = { 77 } });
    buf_put_bytes(&s->bytes, journal_take(&w));
    assert_int_equal(w.out.err, OK);
    journal_writer_fini(&w);
}

static void assert_item(const struct journal_item *got, const struct journal_item *want)
{
    assert_int_equal(got->kind, want->kind);
    const struct journal_sample *a = &got->sample, *b = &want->sample;
    switch (want->kind) {
    case JOURNAL_SAMPLE:
        assert_int_equal(a->track, b->track);
        assert_int_equal(a->entry, b->entry);
        assert_int_equal(a->flags, b->flags);
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->tick, b->tick);
        assert_int_equal(a->offset, b->offset);
        break;
    case JOURNAL_GAP:
        assert_int_equal(got->gap.reason, want->gap.reason);
        assert_int_equal(got->gap.from, want->gap.from);
        assert_int_equal(got->gap.to, want->gap.to);
        break;
    case JOURNAL_ENTRY:
        assert_int_equal(got->entry.width, want->entry.width);
        assert_int_equal(got->entry.height, want->entry.height);
        assert_true(bytes_equal(got->entry.config, want->entry.config));
        break;
    default: assert_int_equal(got->end.end, want->end.end);
    }
}

static struct journal_reader *open_reader(struct journal_memory *m, struct bytes bytes)
{
    struct journal_reader *r;
    journal_memory_init(m, bytes);
    assert_int_equal(journal_reader_new(&r, &m->source), OK);
    return r;
}

static void assert_front(struct journal_reader *r)
{
    struct journal_item it;
    assert_int_equal(journal_next(r, &it), OK);
    assert_int_equal(it.kind, JOURNAL_HEADER);
    assert_int_equal(it.header.format, MEDIA_FORMAT_MP4);
    assert_int_equal(it.header.part, 2);
    assert_int_equal(it.header.start, START);
    assert_true(bytes_equal_str(it.header.user, "alice"));
    assert_true(bytes_equal_str(it.header.media, "main"));
    assert_int_equal(journal_next(r, &it), OK);
    assert_int_equal(it.track.timescale, 90000);
    assert_int_equal(journal_next(r, &it), OK);
    assert_int_equal(it.track.priming, 1024);
    assert_int_equal(journal_next(r, &it), OK);
    assert_int_equal(it.entry.height, 360);
    assert_int_equal(journal_next(r, &it), OK);
    assert_int_equal(it.kind, JOURNAL_ENTRY);
    assert_int_equal(it.entry.channels, 2);
    assert_int_equal(it.entry.width, 0);
}

static void what_is_put_comes_out(void **state)
{
    (void)state;
    static struct script s;
    random_bytes(&seed, sizeof seed);
    print_message("seed %u\n", seed);
    make_script(&s, 5000);
    struct journal_memory m;
    struct journal_reader *r = open_reader(&m, buf_bytes(&s.bytes));
    for (unsigned round = 0; round < 2; round++) {
        struct journal_item it;
        assert_front(r);
        for (unsigned i = 0; i < s.count; i++) {
            assert_int_equal(journal_next(r, &it), OK);
            assert_item(&it, &s.item[i]);
        }
        assert_int_equal(journal_next(r, &it), ERR_AGAIN);
        assert_int_equal(journal_next(r, &it), ERR_AGAIN);
        assert_int_equal(journal_good(r), s.bytes.len);
        journal_reader_rewind(r);
    }
    journal_reader_free(r);
    buf_fini(&s.bytes);
}

/* How many items come out, and where that ends. */
static unsigned count_items(struct bytes bytes, int *err, uint64_t *good)
{
    struct journal_memory m;
    struct journal_reader *r = open_reader(&m, bytes);
    struct journal_item it;
    unsigned count = 0;
    while ((*err = journal_next(r, &it)) == OK)
        count++;
    *good = journal_good(r);
    journal_reader_free(r);
    return count;
}

static void a_torn_tail_ends_at_a_record(void **state)
{
    (void)state;
    static struct script s;
    seed = 5;
    make_script(&s, 60);
    int err;
    uint64_t good, last = 0;
    unsigned whole = count_items(buf_bytes(&s.bytes), &err, &good), records = 0;
    assert_int_equal(err, ERR_AGAIN);
    for (size_t len = 0; len < s.bytes.len; len++) {
        unsigned count = count_items(bytes_of(s.bytes.ptr, len), &err, &good);
        assert_true(count < whole);
        assert_int_equal(err, good == len ? ERR_AGAIN : ERR_MALFORMED);
        assert_true(good <= len && good >= last);
        records += good > last;
        last = good;
        int again;
        uint64_t same;
        assert_int_equal(count_items(bytes_of(s.bytes.ptr, (size_t)good), &again, &same), count);
        assert_int_equal(again, ERR_AGAIN); /* cut there, it is whole */
    }
    assert_true(records > 10);
    buf_fini(&s.bytes);
}

static void a_changed_byte_ends_it(void **state)
{
    (void)state;
    static struct script s;
    seed = 6;
    make_script(&s, 40);
    int err;
    uint64_t good;
    unsigned whole = count_items(buf_bytes(&s.bytes), &err, &good);
    for (size_t i = 0; i < s.bytes.len; i++) {
        s.bytes.ptr[i] ^= 0x40;
        assert_true(count_items(buf_bytes(&s.bytes), &err, &good) < whole);
        assert_int_equal(err, ERR_MALFORMED);
        assert_true(good <= i);
        s.bytes.ptr[i] ^= 0x40;
    }
    buf_fini(&s.bytes);
}

/* A record that is missing or there twice is seen although each is whole. */
static void the_order_of_records_is_checked(void **state)
{
    (void)state;
    struct journal_writer w;
    journal_writer_init(&w);
    struct buf all, wrong;
    buf_init(&all, 4096);
    buf_init(&wrong, 4096);
    put_front(&w);
    size_t at[4] = { 0 };
    for (unsigned i = 0; i < 4; i++) {
        buf_put_bytes(&all, journal_take(&w));
        at[i] = all.len;
        journal_put_gap(&w, &(struct journal_gap){ .from = 1, .to = 2 });
    }
    int err;
    uint64_t good;
    buf_put(&wrong, all.ptr, at[1]);
    buf_put(&wrong, all.ptr + at[2], at[3] - at[2]);
    assert_int_equal(count_items(buf_bytes(&wrong), &err, &good), 6);
    assert_int_equal(err, ERR_MALFORMED);
    buf_clear(&wrong);
    buf_put(&wrong, all.ptr, at[2]);
    buf_put(&wrong, all.ptr + at[1], at[2] - at[1]);
    assert_int_equal(count_items(buf_bytes(&wrong), &err, &good), 7);
    assert_int_equal(err, ERR_MALFORMED);
    buf_fini(&all);
    buf_fini(&wrong);
    journal_writer_fini(&w);
}

static void zeros_and_emptiness(void **state)
{
    (void)state;
    int err;
    uint64_t good;
    static const uint8_t zeros[64];
    assert_int_equal(count_items(bytes_of(NULL, 0), &err, &good), 0);
    assert_int_equal(err, ERR_AGAIN);
    assert_int_equal(count_items(bytes_of(zeros, 64), &err, &good), 0);
    assert_int_equal(err, ERR_MALFORMED);
    assert_int_equal(good, 0);
}

static void the_short_form(void **state)
{
    (void)state;
    struct journal_writer w;
    journal_writer_init(&w);
    struct journal_summary put = { .start = START,
                                   .end = START + 5 * SEC,
                                   .bytes = 123456789012,
                                   .video = 3,
                                   .audio = 4,
                                   .damaged = 5,
                                   .filled = 6,
                                   .gaps = 7,
                                   .gap_us = 8,
                                   .width = 640,
                                   .height = 360,
                                   .torn = true,
                                   .cut_bytes = 9 };
    journal_put_header(&w, &(struct journal_header){ .format = MEDIA_FORMAT_ADTS,
                                                     .start = START,
                                                     .user = bytes_str("bob"),
                                                     .media = bytes_str("aux") });
    journal_put_summary(&w, &put);
    struct journal_memory m;
    struct journal_reader *r = open_reader(&m, journal_take(&w));
    struct journal_header header;
    struct journal_summary got;
    assert_int_equal(journal_read_summary(r, &header, &got), OK);
    assert_true(bytes_equal_str(header.user, "bob"));
    assert_true(bytes_equal_str(header.media, "aux"));
    assert_int_equal(header.format, MEDIA_FORMAT_ADTS);
    assert_int_equal(got.end, put.end);
    assert_int_equal(got.bytes, put.bytes);
    assert_int_equal(got.gap_us, 8);
    assert_int_equal(got.height, 360);
    assert_true(got.torn);
    assert_int_equal(got.cut_bytes, 9);
    journal_reader_free(r);
    journal_writer_fini(&w);

    static struct script s; /* a long one is none */
    make_script(&s, 3);
    r = open_reader(&m, buf_bytes(&s.bytes));
    assert_int_equal(journal_read_summary(r, &header, &got), ERR_BAD_STATE);
    journal_reader_free(r);
    buf_fini(&s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_comes_out),  cmocka_unit_test(a_torn_tail_ends_at_a_record),
        cmocka_unit_test(a_changed_byte_ends_it), cmocka_unit_test(the_order_of_records_is_checked),
        cmocka_unit_test(zeros_and_emptiness),    cmocka_unit_test(the_short_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
