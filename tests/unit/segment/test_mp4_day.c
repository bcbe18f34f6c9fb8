/* A day and an hour of recording in virtual time: it splits where it is asked to, loses no frame,
 * and holds a bounded number of bytes, however long it runs. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "frames.h"
#include "segment/media_writer.h"
#include "segment/mp4/index.h"

#define T0         (1735707617163 * MSEC)
#define HOURS      25
#define PICTURE    (100 * MSEC)
#define KEY_EVERY  50
#define RING       600          /* frames that the writer may hold at once, and more */
#define WRITER_MAX (64u << 10)  /* bytes of a recording, its two tracks together */
#define INDEX_MAX  (128u << 10) /* while a file is finished */
#define FILES      8

/* Present in a program with the address sanitizer, where the C library's own figures say nothing.
 */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Counts the body, and keeps the journals in files. */
struct ledger {
    struct sink sink;
    FILE *journal[FILES];
    uint64_t body[FILES];
    usec_t start[FILES], duration[FILES];
    uint64_t told[FILES];
    unsigned files;
    bool open;
};

static struct ledger *of(struct sink *s)
{
    return (struct ledger *)s;
}

static int begin(struct sink *s, const char *name)
{
    (void)name;
    struct ledger *l = of(s);
    assert_false(l->open);
    assert_true(l->files < FILES);
    l->journal[l->files] = tmpfile();
    assert_non_null(l->journal[l->files]);
    l->open = true;
    return OK;
}

static int append(struct sink *s, struct bytes bytes)
{
    of(s)->body[of(s)->files] += bytes.len;
    return OK;
}

static int note(struct sink *s, struct bytes record)
{
    struct ledger *l = of(s);
    assert_int_equal(fwrite(record.ptr, 1, record.len, l->journal[l->files]), record.len);
    return OK;
}

static int finish(struct sink *s, const struct sink_file *info)
{
    struct ledger *l = of(s);
    l->start[l->files] = info->start;
    l->duration[l->files] = info->duration;
    l->told[l->files] = info->bytes;
    l->files++;
    l->open = false;
    return OK;
}

static void abandon(struct sink *s)
{
    (void)s;
    fail();
}

struct file_source {
    struct journal_source source;
    FILE *file;
};

static int read_journal(struct journal_source *source, uint64_t pos, void *to, size_t len,
                        size_t *got)
{
    FILE *f = ((struct file_source *)source)->file;
    if (fseek(f, (long)pos, SEEK_SET))
        return ERR_IO;
    *got = fread(to, 1, len, f);
    return OK;
}

static struct frame *ring[2][RING];

/* A frame that nobody holds any more, with a new time. */
static struct frame *recycled(unsigned kind, uint64_t n, usec_t time)
{
    struct frame *f = ring[kind][n % RING];
    assert_int_equal(atomic_load(&f->refs), 1);
    f->time = time;
    f->key = kind == MEDIA_AUDIO || n % KEY_EVERY == 0;
    return f;
}

static void fill_ring(void)
{
    for (unsigned i = 0; i < RING; i++) {
        ring[MEDIA_AUDIO][i] = make_audio(T0, i, 1);
        ring[MEDIA_VIDEO][i] = make_video(T0, 20, 640, i % KEY_EVERY ? 0 : FRAME_KEY | FRAME_SETS);
    }
}

static void drain_ring(void)
{
    for (unsigned i = 0; i < RING; i++) {
        frame_unref(ring[MEDIA_AUDIO][i]);
        frame_unref(ring[MEDIA_VIDEO][i]);
    }
}

static void push(struct media_writer *w, struct frame *f)
{
    assert_int_equal(media_writer_push(w, f), OK);
}

/* The most that was allocated besides what was before. */
static size_t record(struct ledger *l, uint64_t count[2])
{
    static const uint8_t mono[4] = { 0, 0, 0, 7 };
    static const struct sink_ops ops = {
        .begin = begin, .append = append, .note = note, .finish = finish, .abandon = abandon
    };
    size_t before = allocated(), most = 0;
    struct media_writer *w;
    struct media_config c = {
        .format = &file_format_mp4,
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice" },
        .max_duration = 8 * 3600 * SEC,
        .silence = { { mono, 4 }, { mono, 4 } },
        .sink = &l->sink,
    };
    *l = (struct ledger){ .sink.ops = &ops };
    assert_int_equal(media_writer_new(&w, &c), OK);
    media_writer_resume(w, &(struct hls_events){ 0 }, true, true);
    count[0] = count[1] = 0;
    for (usec_t t = T0; t < T0 + HOURS * 3600 * SEC; t += PICTURE) {
        push(w, recycled(MEDIA_VIDEO, count[MEDIA_VIDEO]++, t));
        for (; T0 + (usec_t)count[MEDIA_AUDIO] * 64000 / 3 < t + PICTURE; count[MEDIA_AUDIO]++)
            push(w, recycled(MEDIA_AUDIO, count[MEDIA_AUDIO],
                             T0 + ((usec_t)count[MEDIA_AUDIO] * 64000 + 1) / 3));
        size_t now = allocated() - before;
        most = now > most ? now : most;
    }
    assert_int_equal(media_writer_finish(w), OK);
    assert_int_equal(media_writer_stats(w)->late, 0);
    media_writer_free(w);
    return most;
}

/* Where the front goes: nowhere, but the memory is looked at on the way. */
struct nowhere {
    uint64_t size;
    size_t before, most;
};

static int look(void *ctx, uint64_t pos, struct bytes bytes)
{
    struct nowhere *n = ctx;
    size_t now = allocated() - n->before;
    n->most = now > n->most ? now : n->most;
    n->size = pos + bytes.len > n->size ? pos + bytes.len : n->size;
    return OK;
}

static size_t make_index(const struct ledger *l, unsigned i, struct media_scan *scan)
{
    static struct box_out out;
    struct file_source source = { { read_journal }, l->journal[i] };
    struct nowhere n = { .before = allocated() };
    uint64_t size;
    assert_int_equal(fflush(l->journal[i]), 0);
    assert_int_equal(media_scan(scan, &source.source, l->body[i]), OK);
    assert_int_equal(scan->body, l->body[i]);
    assert_true(scan->ended);
    assert_int_equal(mp4_head_size(&size, scan, &source.source, MP4_ALIGN), OK);
    box_out_init(&out, look, &n);
    assert_int_equal(mp4_head_write(&out, scan, &source.source, size), OK);
    assert_int_equal(n.size, size);
    assert_true(size + scan->body <= l->told[i]); /* what splits go by */
    return n.most;
}

static void a_day_in_bounded_memory(void **state)
{
    (void)state;
    static struct ledger l;
    static struct media_scan scan;
    uint64_t count[2], video = 0, audio = 0;
    fill_ring();
    size_t most = record(&l, count);
    print_message("a recording of %d h held at most %zu bytes\n", HOURS, most);
    assert_true(most <= WRITER_MAX);
    assert_int_equal(l.files, 4); /* 8 h, 8 h, 8 h, 1 h */
    for (unsigned i = 0; i < l.files; i++) {
        size_t held = make_index(&l, i, &scan);
        print_message("finishing file %u held at most %zu bytes\n", i, held);
        assert_true(held <= INDEX_MAX);
        assert_int_equal(l.start[i], T0 + (usec_t)i * 8 * 3600 * SEC); /* a key frame is there */
        assert_int_equal(l.duration[i], (i < 3 ? 8 : 1) * 3600 * SEC);
        video += scan.summary.video;
        audio += scan.summary.audio - (i ? 2 : 0); /* run-in is there twice */
        assert_int_equal(scan.summary.filled, 0);
        fclose(l.journal[i]);
    }
    assert_int_equal(video, count[MEDIA_VIDEO]);
    assert_int_equal(audio, count[MEDIA_AUDIO]);
    drain_ring();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_in_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
