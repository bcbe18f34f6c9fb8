/* What crashes leave of recordings, made whole: against what the writer itself would have written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../segment/frames.h"
#include "../segment/memory_sink.h"
#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "segment/hls_writer.h"
#include "spool/repair.h"
#include "spool/salvage.h"

#define T0       (1735707617163 * MSEC)
#define MS(x)    ((usec_t)(x)*MSEC)
#define VERSIONS 32

static const struct spool_build build = { "1a2b3c4", "2025-01-01 00:00:00 +0800" };

/* A recording as the writer made it: files, and the playlist after each of them. */
struct recording {
    struct memory_sink *m;
    char *versions[VERSIONS + 1]; /* [n]: with n segments; [0]: none */
};

static void on_segment(void *ctx, const struct sink_file *file)
{
    struct recording *r = ctx;
    (void)file;
    assert_true(r->m->files <= VERSIONS);
    r->versions[r->m->files] = strdup(buf_str(&r->m->playlist));
}

static void push(struct hls_writer *w, struct frame *f)
{
    assert_int_equal(hls_writer_push(w, f), OK);
    frame_unref(f);
}

/* 45 s: a change of size, a gap, and a change of parameter sets alone (the sets come in another
 * order of widths). */
static void push_video(struct hls_writer *w, unsigned n)
{
    bool key = n % 50 == 0;
    unsigned width = n < 400 ? 64 : n < 800 ? 96 : 64;
    if (n >= 500 && n < 600)
        return;
    push(w,
         make_video(T0 + MS(40) * n, 300 + n * 31 % 2000, width, key ? FRAME_KEY | FRAME_SETS : 0));
}

static void record(struct recording *r, enum hls_streams streams)
{
    static const uint8_t mono[4] = { 0x01, 2, 3, 4 }, stereo[4] = { 0x21, 2, 3, 4 };
    struct hls_writer *w;
    unsigned audio = 0;
    *r = (struct recording){ .m = memory_sink_new() };
    struct hls_config c = {
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "al/ice" },
        .streams = streams,
        .version = build.version,
        .date = build.date,
        .silence = { { mono, 4 }, { stereo, 4 } },
        .sink = &r->m->sink,
        .events = { .ctx = r, .on_segment = on_segment },
    };
    assert_int_equal(hls_writer_new(&w, &c, NULL), OK);
    for (unsigned n = 0; n < 1125; n++) {
        if (streams != HLS_AUDIO)
            push_video(w, n);
        for (; streams != HLS_VIDEO && audio_time(T0, audio) < T0 + MS(40) * n; audio++)
            if (n < 520 || n >= 700)
                push(w, make_audio(T0, audio, n < 300 ? 1 : 2));
    }
    assert_int_equal(hls_writer_finish(w, true), OK);
    hls_writer_free(w);
    assert_in_range(r->m->files, 5, VERSIONS);
    assert_true(r->m->ended);
}

static void forget(struct recording *r)
{
    for (unsigned i = 0; i <= VERSIONS; i++)
        free(r->versions[i]);
    memory_sink_free(r->m);
}

/* --- a spool after a crash --- */

struct fixture {
    struct temp_dir dir;
    struct spool *spool;
    struct spool_folder *folder;
    int fd;
};

static void setup(struct fixture *fx)
{
    const struct spool_meta meta = {
        .task_id = "task-1", .room = "1", .robot = "r", .storage = ""
    };
    fx->dir = temp_dir_new();
    assert_int_equal(spool_open(&fx->spool, fx->dir.path), OK);
    assert_int_equal(spool_create(&fx->folder, fx->spool, &meta), OK);
    fx->fd = spool_folder_dir(fx->folder);
}

static void teardown(struct fixture *fx)
{
    spool_folder_unref(fx->folder);
    spool_close(fx->spool);
    temp_dir_free(&fx->dir);
}

static void put_file(struct fixture *fx, const char *name, const char *suffix, struct bytes bytes)
{
    char path[400];
    snprintf(path, sizeof path, "%s/task-1/%s%s", fx->dir.path, name, suffix);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
}

static struct spool_repaired repair(struct fixture *fx)
{
    struct spool_repaired done;
    assert_int_equal(spool_folder_repair(fx->folder, &build, &done), OK);
    return done;
}

static char *playlist_of(struct fixture *fx, const struct recording *r)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    assert_int_equal(file_read(&text, fx->fd, r->m->playlist_name), OK);
    return buf_detach(&text);
}

/* Durations come from time stamps of 1/90 ms; all else is the same. */
static void assert_same_playlist(const char *got, const char *want)
{
    struct bytes a = bytes_str(got), b = bytes_str(want);
    while (a.len || b.len) {
        char x[300] = { 0 }, y[300] = { 0 };
        double in_x, in_y;
        const uint8_t *xe = memchr(a.ptr, '\n', a.len), *ye = memchr(b.ptr, '\n', b.len);
        if (!xe || !ye)
            fail_msg("one ends early:\n%s\nand:\n%s", got, want);
        memcpy(x, a.ptr, (size_t)(xe - a.ptr));
        memcpy(y, b.ptr, (size_t)(ye - b.ptr));
        bool times = sscanf(x, "#EXTINF:%lf", &in_x) == 1 && sscanf(y, "#EXTINF:%lf", &in_y) == 1;
        if (times ? in_x - in_y > 0.00015 || in_y - in_x > 0.00015 : strcmp(x, y) != 0)
            fail_msg("%s, but %s in:\n%s", x, y, want);
        a = bytes_of(xe + 1, a.len - (size_t)(xe + 1 - a.ptr));
        b = bytes_of(ye + 1, b.len - (size_t)(ye + 1 - b.ptr));
    }
}

/* --- the cases --- */

/* The crash came when `listed` segments stood in the playlist on the disk; all are whole but the
 * last, which was never finished. Those that are listed may have been delivered already. */
static void lose_the_playlist(const struct recording *r, unsigned listed, bool delivered)
{
    struct fixture fx;
    setup(&fx);
    if (listed)
        put_file(&fx, r->m->playlist_name, "", bytes_str(r->versions[listed]));
    for (unsigned i = delivered ? listed : 0; i < r->m->files; i++)
        put_file(&fx, r->m->file[i].name, i + 1 < r->m->files ? "" : FILE_PART,
                 buf_bytes(&r->m->file[i].bytes));
    put_file(&fx, r->m->playlist_name, FILE_PART, bytes_str("#EXTM3"));

    struct spool_repaired done = repair(&fx);
    assert_int_equal(done.listed, r->m->files - listed);
    assert_int_equal(done.ended, 1);
    char *text = playlist_of(&fx, r);
    char want[1u << 14], lines[2][60];
    const struct memory_file *last = &r->m->file[r->m->files - 1];
    /* The last one may have got the null packet that closes it. */
    uint64_t bytes;
    int fd;
    assert_int_equal(file_open(&fd, fx.fd, last->name), OK);
    assert_int_equal(file_size(fd, &bytes), OK);
    close(fd);
    assert_in_range(bytes, last->bytes.len, last->bytes.len + 188);
    snprintf(lines[0], 60, "FILE-ATTR:%lld,%zu\n", (long long)(last->start / MSEC),
             last->bytes.len);
    snprintf(lines[1], 60, "FILE-ATTR:%lld,%llu\n", (long long)(last->start / MSEC),
             (unsigned long long)bytes);
    const char *final = buf_str(&r->m->playlist), *at = strstr(final, lines[0]);
    assert_non_null(at);
    snprintf(want, sizeof want, "%.*s%s%s", (int)(at - final), final, lines[1],
             at + strlen(lines[0]));
    assert_same_playlist(text, want);
    free(text);

    done = repair(&fx);
    assert_int_equal(done.salvaged + done.listed + done.ended, 0);
    teardown(&fx);
}

static void the_playlist_is_as_the_writer_would_have_written_it(void **state)
{
    (void)state;
    for (int streams = HLS_AUDIO; streams <= HLS_AUDIO_VIDEO; streams++) {
        struct recording r;
        record(&r, (enum hls_streams)streams);
        for (unsigned listed = 0; listed < r.m->files; listed++) {
            lose_the_playlist(&r, listed, false);
            lose_the_playlist(&r, listed, true);
        }
        forget(&r);
    }
}

/* The newest segment is torn after `len` bytes. Frames kept of it. */
static unsigned tear(const struct recording *r, size_t len)
{
    struct fixture fx;
    struct ts_summary ts;
    const struct memory_file *f = &r->m->file[0];
    setup(&fx);
    put_file(&fx, f->name, FILE_PART, bytes_of(f->bytes.ptr, len));
    struct spool_repaired done = repair(&fx);
    int err = salvage_read(&ts, fx.fd, f->name);
    if (err) {
        assert_int_equal(err, ERR_NOT_FOUND);
        assert_int_equal(done.hopeless, 1);
        assert_int_equal(done.listed + done.ended, 0);
        teardown(&fx);
        return 0;
    }
    assert_int_equal(done.salvaged, 1);
    assert_int_equal(done.listed, 1);
    char *text = playlist_of(&fx, r), attr[60];
    snprintf(attr, sizeof attr, "FILE-ATTR:%lld,%llu\n", (long long)(f->start / MSEC),
             (unsigned long long)ts.bytes);
    assert_non_null(strstr(text, attr)); /* all of the file is whole */
    assert_non_null(strstr(text, f->name));
    assert_true(strlen(text) > 15 && strcmp(text + strlen(text) - 15, "#EXT-X-ENDLIST\n") == 0);
    free(text);
    teardown(&fx);
    return ts.frames[TS_VIDEO] + ts.frames[TS_AUDIO];
}

static void a_torn_segment_keeps_its_whole_frames(void **state)
{
    (void)state;
    for (int streams = HLS_AUDIO; streams <= HLS_AUDIO_VIDEO; streams++) {
        struct recording r;
        record(&r, (enum hls_streams)streams);
        size_t size = r.m->file[0].bytes.len;
        unsigned before = 0, all = 0;
        for (size_t len = 0; len < size; len += len < 3000 ? 47 : size / 60 + 13) {
            unsigned frames = tear(&r, len);
            assert_true(frames >= before);
            before = frames;
        }
        all = tear(&r, size);
        assert_true(all >= before && before > all / 2);
        forget(&r);
    }
}

/* A playlist that cannot be read stays, and holds up nothing else. */
static void foreign_playlists_stay(void **state)
{
    (void)state;
    struct recording r;
    struct fixture fx;
    struct spool_repaired done;
    record(&r, HLS_AUDIO);
    setup(&fx);
    put_file(&fx, "a.m3u8", "", bytes_str("not a playlist\n"));
    put_file(&fx, "b.mp4", "", bytes_str("video"));
    put_file(&fx, r.m->file[0].name, "", buf_bytes(&r.m->file[0].bytes));
    assert_int_equal(spool_folder_repair(fx.folder, &build, &done), ERR_MALFORMED);
    assert_int_equal(done.listed, 1);
    assert_int_equal(done.ended, 1);
    char *text = temp_dir_text(&fx.dir, "task-1/a.m3u8");
    assert_string_equal(text, "not a playlist\n");
    free(text);
    teardown(&fx);
    forget(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_playlist_is_as_the_writer_would_have_written_it),
        cmocka_unit_test(a_torn_segment_keeps_its_whole_frames),
        cmocka_unit_test(foreign_playlists_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
