/* The end of tasks with MP4 and AAC files: when event 310 comes, with which Status, how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "../store/fault_vfs.h"
#include "base/err.h"
#include "observe/log.h"
#include "segment/media_journal.h"
#include "world.h"

#define ALICE "1400000001_room__UserId_s_YWxpY2U.__UserId_e_main"
#define BOB   "1400000001_room__UserId_s_Ym9i__UserId_e_main"

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    fault_vfs_fail(0, 0, 0);
    world_init(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    fault_vfs_fail(0, 0, 0);
    world_fini(*state);
    free(*state);
    return 0;
}

static void expect_events(struct world *w, const char *task_id, const char *want)
{
    char got[1024];
    world_events(w, task_id, got);
    assert_string_equal(got, want);
}

static bool nobody(struct world *w)
{
    return !w->tasks->by_id && ledger_idle(w->tasks->ledger);
}

static bool ledger_rests(struct world *w)
{
    const struct task *t = w->tasks->by_id;
    return ledger_idle(w->tasks->ledger) && (!t || (!t->finishing && !t->telling));
}

static void a_bucket_to_trouble(struct world *w)
{
    temp_dir_write(&w->dir, "buckets/b", "a file where the folder should be");
}

static void a_bucket_again(struct world *w)
{
    unlinkat(w->dir.fd, "buckets/b", 0);
}

static void journal_of(struct world *w, const char *task_id, const char *name, struct bytes journal)
{
    char path[256];
    snprintf(path, sizeof path, "%s/spool/%s/%s.idx", w->dir.path, task_id, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(journal.ptr, 1, journal.len, f), journal.len);
    fclose(f);
}

/* A finished file that waits for its upload. */
static void record_file(struct world *w, const char *task_id, const char *name)
{
    struct journal_writer journal;
    const struct journal_header header = { .format = MEDIA_FORMAT_MP4,
                                           .start = SEC,
                                           .user = bytes_str("alice"),
                                           .media = bytes_str("main") };
    const struct journal_summary sum = { .start = SEC, .end = 2 * SEC, .bytes = 4, .video = 1 };
    journal_writer_init(&journal);
    journal_put_header(&journal, &header);
    journal_put_summary(&journal, &sum);
    journal_of(w, task_id, name, journal_take(&journal));
    journal_writer_fini(&journal);
    world_record(w, task_id, name);
}

/* A file whose journal cannot be read at all. */
static void record_ruin(struct world *w, const char *task_id, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "spool/%s/%s.idx", task_id, name);
    temp_dir_write(&w->dir, path, "this was a journal before the disk fell down the stairs");
    snprintf(path, sizeof path, "spool/%s/%s.part", task_id, name);
    temp_dir_write(&w->dir, path, "body");
}

static bool in_spool(struct world *w, const char *task_id, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "spool/%s/%s", task_id, name);
    return temp_dir_has(&w->dir, path);
}

static void each_group_is_told_of_behind_305(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    record_file(w, w->task_id, ALICE ".mp4");
    record_file(w, w->task_id, ALICE "_2.mp4");
    record_file(w, w->task_id, BOB ".mp4");
    world_pass(w, 0);
    assert_true(in_spool(w, w->task_id, ALICE ".mp4.idx"));
    assert_true(world_delete(w, w->task_id));
    world_pass(w, SEC);
    world_wait(w, nobody);
    assert_false(in_spool(w, w->task_id, ""));
    expect_events(w, w->task_id, "301 0, 303 0, 302 0, 305 0, 310 0, 310 0");
    assert_int_equal(world_rows(w), 0);
}

static void without_playlists_there_is_no_305(void **state)
{
    struct world *w = *state;
    w->output_format = OUTPUT_MP4;
    assert_true(world_create(w, "room", "robot"));
    record_file(w, w->task_id, ALICE ".mp4");
    assert_true(world_delete(w, w->task_id));
    world_pass(w, SEC);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "301 0, 303 0, 302 0, 310 0");
}

static bool gone_or_told(struct world *w)
{
    const struct task *t = w->tasks->by_id;
    return !t || t->telling;
}

/* Nobody came, and the row's end is never stored: the next start knows what it was all the same. */
static void without_files_there_is_no_305_either(void **state)
{
    struct world *w = *state;
    w->output_format = OUTPUT_MP4;
    assert_true(world_create(w, "room", "robot"));
    fault_vfs_fail(1, 1 << 20, SQLITE_FULL);
    assert_false(world_delete(w, w->task_id));
    world_wait(w, gone_or_told);
    world_stop(w);
    fault_vfs_fail(0, 0, 0);
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "301 0, 303 0, 302 100");
    assert_int_equal(world_rows(w), 0);
}

/* Status 1, not again after starts; then Status 0, and 305 once more only if it said 1 as well. */
static void leave_behind(struct world *w, bool hls, const char *want)
{
    char id[64];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    snprintf(id, sizeof id, "%s", w->task_id);
    if (hls)
        world_record(w, id, "v_1.ts");
    record_file(w, id, ALICE ".mp4");
    world_pass(w, 0);
    assert_true(world_delete(w, id));
    world_pass(w, 62 * SEC);
    world_wait(w, ledger_rests);
    for (int starts = 0; starts < 2; starts++) {
        world_stop(w);
        world_start(w);
        world_wait(w, ledger_rests);
        world_pass(w, 3600 * SEC);
    }
    a_bucket_again(w);
    world_pass(w, 3600 * SEC);
    world_wait(w, nobody);
    expect_events(w, id, want);
}

static void left_behind_with_playlists(void **state)
{
    leave_behind(*state, true, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 1, 310 1, 305 2, 310 0");
}

static void left_behind_alone(void **state)
{
    leave_behind(*state, false, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 0, 310 1, 310 0");
}

static void only_the_mp4_to_trouble(struct world *w, const char *task_id, bool trouble)
{
    char path[256];
    snprintf(path, sizeof path, "buckets/b/%s", task_id);
    if (trouble) {
        assert_int_equal(mkdirat(w->dir.fd, "buckets/b", 0755), 0);
        assert_int_equal(mkdirat(w->dir.fd, path, 0755), 0);
    }
    snprintf(path, sizeof path, "buckets/b/%s/" ALICE ".mp4", task_id);
    assert_int_equal(
        trouble ? mkdirat(w->dir.fd, path, 0755) : unlinkat(w->dir.fd, path, AT_REMOVEDIR), 0);
}

/* The playlists get through, the MP4 file does not, and then comes a start: 305 is still due. */
static void the_playlists_come_through_first(void **state)
{
    struct world *w = *state;
    char id[64];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    snprintf(id, sizeof id, "%s", w->task_id);
    world_record(w, id, "v_1.ts");
    record_file(w, id, ALICE ".mp4");
    world_pass(w, 0);
    assert_true(world_delete(w, id));
    world_pass(w, 62 * SEC);
    world_wait(w, ledger_rests);
    a_bucket_again(w);
    only_the_mp4_to_trouble(w, id, true);
    world_pass(w, 3600 * SEC);
    assert_false(in_spool(w, id, "v_1.ts"));
    assert_true(in_spool(w, id, ALICE ".mp4"));
    world_stop(w);
    only_the_mp4_to_trouble(w, id, false);
    world_start(w);
    world_pass(w, 3600 * SEC);
    world_wait(w, nobody);
    expect_events(w, id, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 1, 310 1, 305 2, 310 0");
}

/* What can be made of a group is told of; what cannot stays, and is not told of again and again. */
static void what_cannot_be_finished_stays(void **state)
{
    struct world *w = *state;
    char id[64];
    assert_true(world_create(w, "room", "robot"));
    snprintf(id, sizeof id, "%s", w->task_id);
    record_file(w, id, ALICE ".mp4");
    record_ruin(w, id, ALICE "_2.mp4");
    record_ruin(w, id, BOB ".mp4");
    for (int starts = 0; starts < 3; starts++) { /* the first ends it as a crash does */
        world_stop(w);
        world_start(w);
        world_wait(w, ledger_rests);
        world_pass(w, 100 * SEC);
        world_wait(w, ledger_rests);
        assert_int_equal(tasks_counts(w->tasks).left, 1);
    }
    assert_true(in_spool(w, id, BOB ".mp4.part"));
    assert_true(in_spool(w, id, ALICE "_2.mp4.idx"));
    assert_false(in_spool(w, id, ALICE ".mp4"));
    expect_events(w, id, "301 0, 303 0, 302 100, 305 0, 310 1, 310 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_group_is_told_of_behind_305, setup, teardown),
        cmocka_unit_test_setup_teardown(without_playlists_there_is_no_305, setup, teardown),
        cmocka_unit_test_setup_teardown(without_files_there_is_no_305_either, setup, teardown),
        cmocka_unit_test_setup_teardown(the_playlists_come_through_first, setup, teardown),
        cmocka_unit_test_setup_teardown(left_behind_with_playlists, setup, teardown),
        cmocka_unit_test_setup_teardown(left_behind_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_finished_stays, setup, teardown),
    };
    fault_vfs_install();
    log_setup(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
