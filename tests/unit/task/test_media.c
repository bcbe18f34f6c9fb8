#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "task/media.h"

#define ALICE "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main"
#define BOB   "1400000001_4711__UserId_s_Ym9i__UserId_e_main"

struct bench {
    struct temp_dir dir;
    struct spool *spool;
    struct spool_folder *folder;
};

static void setup(struct bench *b)
{
    const struct spool_meta meta = {
        .task_id = "task-1", .room = "1", .robot = "r", .storage = ""
    };
    b->dir = temp_dir_new();
    assert_int_equal(spool_open(&b->spool, b->dir.path), OK);
    assert_int_equal(spool_create(&b->folder, b->spool, &meta), OK);
}

static void teardown(struct bench *b)
{
    spool_folder_unref(b->folder);
    spool_close(b->spool);
    temp_dir_free(&b->dir);
}

static void write_bytes_to(struct bench *b, const char *name, struct bytes bytes)
{
    char path[300];
    snprintf(path, sizeof path, "task-1/%s", name);
    int fd = openat(b->dir.fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(fd);
}

static void put_header(struct journal_writer *w, const char *user, enum media_format format)
{
    const struct journal_header header = {
        .format = (uint8_t)format, .start = SEC, .user = bytes_str(user), .media = bytes_str("main")
    };
    journal_put_header(w, &header);
}

/* A finished file, in the bucket already unless it `waits`. */
static void finished(struct bench *b, const char *name, const char *user, usec_t start,
                     uint64_t video, uint64_t audio, bool waits)
{
    struct journal_writer w;
    char idx[300];
    journal_writer_init(&w);
    put_header(&w, user, file_has_suffix(name, ".aac") ? MEDIA_FORMAT_ADTS : MEDIA_FORMAT_MP4);
    const struct journal_summary sum = {
        .start = start, .end = start + SEC, .bytes = 4, .video = video, .audio = audio
    };
    journal_put_summary(&w, &sum);
    snprintf(idx, sizeof idx, "%s.idx", name);
    write_bytes_to(b, idx, journal_take(&w));
    journal_writer_fini(&w);
    if (waits)
        write_bytes_to(b, name, bytes_str("file"));
}

/* AAC that was torn off after `frames` frames. */
static void torn(struct bench *b, const char *name, unsigned frames)
{
    static const uint8_t frame[9] = { 0xff, 0xf1, 0x4c, 0x40, 0x01, 0x3f, 0xfc, 0, 7 };
    struct journal_writer w;
    struct buf body;
    char path[300];
    journal_writer_init(&w);
    buf_init(&body, 1u << 16);
    put_header(&w, "alice", MEDIA_FORMAT_ADTS);
    journal_put_track(&w, &(struct journal_track){ .kind = JOURNAL_AUDIO_AAC, .timescale = 48000 });
    const struct journal_entry entry = { .channels = 1, .config = bytes_of("\x11\x88", 2) };
    journal_put_entry(&w, &entry);
    for (unsigned i = 0; i < frames; i++) {
        buf_put(&body, frame, sizeof frame);
        const struct journal_sample sample = { .flags = JOURNAL_KEY,
                                               .size = sizeof frame,
                                               .tick = 1024 * (int64_t)i };
        journal_put_sample(&w, &sample);
    }
    snprintf(path, sizeof path, "%s.idx", name);
    write_bytes_to(b, path, journal_take(&w));
    snprintf(path, sizeof path, "%s.part", name);
    buf_put(&body, "torn", 4);
    write_bytes_to(b, path, buf_bytes(&body));
    buf_fini(&body);
    journal_writer_fini(&w);
}

static void groups_are_in_order(void **state)
{
    (void)state;
    struct bench b;
    struct media_parts parts;
    struct callback_file files[11];
    char name[300];
    setup(&b);
    for (unsigned n = 11; n >= 2; n--) {
        snprintf(name, sizeof name, ALICE "_%u.mp4", n);
        finished(&b, name, "alice", n * SEC, 1, 1, false);
    }
    finished(&b, ALICE ".mp4", "alice", SEC, 1, 0, false);
    finished(&b, ALICE ".aac", "alice", SEC, 0, 1, false);
    finished(&b, BOB ".mp4", "bob", SEC, 0, 1, true);
    write_bytes_to(&b, "x.ts", bytes_str("segment"));

    assert_int_equal(media_parts_read(&parts, b.folder), OK);
    assert_int_equal(parts.count, 13);
    assert_true(parts.others);
    assert_false(parts.unfinished);
    assert_int_equal(media_group(&parts, 0), 1);
    assert_int_equal(media_group_files(&parts, 0, 1, files), 1);
    assert_string_equal(files[0].file_name, ALICE ".aac");
    assert_string_equal(files[0].track_type, "audio");

    size_t bob = media_group(&parts, 1) == 1 ? 1 : 12, alice = bob == 1 ? 2 : 1;
    assert_int_equal(media_group(&parts, bob), 1);
    assert_int_equal(media_group_status(&parts, bob, 1), 1); /* waits */
    assert_int_equal(media_group(&parts, alice), 11);
    assert_int_equal(media_group_status(&parts, alice, 11), 0);
    assert_int_equal(media_group_files(&parts, alice, 11, files), 11);
    assert_string_equal(files[0].file_name, ALICE ".mp4");
    assert_string_equal(files[0].track_type, "video");
    assert_string_equal(files[1].track_type, "audio_video");
    for (unsigned n = 2; n <= 11; n++) {
        snprintf(name, sizeof name, ALICE "_%u.mp4", n);
        assert_string_equal(files[n - 1].file_name, name);
        assert_string_equal(files[n - 1].user_id, "alice");
        assert_string_equal(files[n - 1].media_id, "main");
        assert_int_equal(files[n - 1].start, n * SEC);
        assert_int_equal(files[n - 1].end, (n + 1) * SEC);
    }

    /* What is told of for good goes; what waits stays to be told of again. */
    media_parts_forget(&parts, b.folder);
    media_parts_fini(&parts);
    assert_int_equal(media_parts_read(&parts, b.folder), OK);
    assert_int_equal(parts.count, 1);
    assert_string_equal(parts.items[0].name, BOB ".mp4");
    media_parts_fini(&parts);
    teardown(&b);
}

static void what_is_torn_is_finished(void **state)
{
    (void)state;
    struct bench b;
    struct media_parts parts;
    setup(&b);
    torn(&b, ALICE ".aac", 10);
    torn(&b, ALICE "_2.aac", 0);
    write_bytes_to(&b, BOB ".mp4.idx", bytes_str("no journal"));
    write_bytes_to(&b, BOB ".mp4.part", bytes_str("no body"));
    assert_int_equal(media_parts_read(&parts, b.folder), OK);
    assert_true(parts.unfinished);
    media_parts_fini(&parts);

    assert_int_equal(media_finish_all(b.folder), 1);
    assert_int_equal(media_parts_read(&parts, b.folder), OK);
    assert_int_equal(parts.count, 2); /* the one without a frame is gone */
    assert_string_equal(parts.items[0].name, ALICE ".aac");
    assert_true(parts.items[0].whole && parts.items[0].waits);
    assert_int_equal(parts.items[0].summary.sum.bytes, 90);
    assert_int_equal(media_group_status(&parts, 0, 1), 1);
    assert_false(parts.items[1].whole);
    assert_int_equal(media_group_status(&parts, 1, 1), 2);
    struct callback_file file;
    assert_int_equal(media_group_files(&parts, 1, 1, &file), 0);
    media_parts_fini(&parts);
    assert_true(temp_dir_has(&b.dir, "task-1/" BOB ".mp4.part"));
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_in_order),
        cmocka_unit_test(what_is_torn_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
