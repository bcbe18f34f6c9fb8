/* The life of tasks: what ends them, what the API says of them, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../store/fault_vfs.h"
#include "api/errors.h"
#include "base/err.h"
#include "observe/log.h"
#include "world.h"

#define HOURS(n) ((usec_t)(n)*3600 * SEC)

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

static void copy_id(char out[64], const struct world *w)
{
    snprintf(out, 64, "%s", w->task_id);
}

static bool nobody(struct world *w)
{
    return !w->tasks->by_id && ledger_idle(w->tasks->ledger);
}

static bool one_is_left(struct world *w)
{
    return HASH_COUNT(w->tasks->by_id) == 1 && ledger_idle(w->tasks->ledger);
}

static void a_bucket_to_trouble(struct world *w)
{
    temp_dir_write(&w->dir, "buckets/b", "a file where the folder should be");
}

static void a_bucket_again(struct world *w)
{
    unlinkat(w->dir.fd, "buckets/b", 0);
}

/* --- how tasks end --- */

static void an_empty_task(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    assert_true(world_describe(w, w->task_id));
    assert_non_null(strstr(w->answer, "\"Status\":\"Idle\""));
    assert_true(world_delete(w, w->task_id));
    world_wait(w, nobody);
    assert_false(world_describe(w, w->task_id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    assert_false(world_delete(w, w->task_id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    expect_events(w, w->task_id, "301 0, 303 0, 302 0, 305 0");
    assert_int_equal(world_rows(w), 0);
}

static void the_same_robot_again(void **state)
{
    struct world *w = *state;
    char first[64];
    assert_true(world_create(w, "room", "robot"));
    copy_id(first, w);
    assert_true(world_create(w, "room", "robot"));
    world_wait(w, one_is_left);
    assert_false(world_describe(w, first));
    assert_true(world_describe(w, w->task_id));
    assert_non_null(strstr(w->answer, "\"Status\":\"Idle\""));
    expect_events(w, first, "301 0, 303 0, 302 101, 305 0");
}

static void as_if_asked_for_later(struct world *w)
{
    task_find(w->tasks, w->task_id)->turn = 1000;
}

/* The folder of the first took longer: the one asked for later goes on. */
static void the_same_robot_out_of_order(void **state)
{
    struct world *w = *state;
    char later[64];
    assert_true(world_create(w, "room", "robot"));
    copy_id(later, w);
    world_do(w, as_if_asked_for_later);
    assert_true(world_create(w, "other-room", "robot"));
    assert_true(world_delete(w, w->task_id));
    assert_true(world_create(w, "room", "robot"));
    world_wait(w, one_is_left);
    assert_false(world_describe(w, w->task_id));
    assert_true(world_describe(w, later));
    assert_non_null(strstr(w->answer, "\"Status\":\"Idle\""));
    expect_events(w, w->task_id, "301 0, 303 0, 302 101, 305 0");
}

static void at_most_so_many_run_at_once(void **state)
{
    struct world *w = *state;
    char first[64];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot-1"));
    copy_id(first, w);
    world_record(w, first, "v_1.ts");
    assert_true(world_create(w, "room", "robot-2"));
    assert_false(world_create(w, "room", "robot-3"));
    assert_true(world_failed_with(w, API_RESTRICTED_CONCURRENCY));
    assert_true(world_delete(w, first)); /* its file does not go up: it is ending from now on */
    assert_true(world_describe(w, first));
    assert_non_null(strstr(w->answer, "\"Status\":\"Exited\""));
    assert_true(world_create(w, "room", "robot-3"));
    assert_false(world_create(w, "room", "robot-4"));
}

static void deleting_again_while_it_ends(void **state)
{
    struct world *w = *state;
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    world_pass(w, 0);
    assert_true(world_delete(w, w->task_id));
    assert_true(world_delete(w, w->task_id));
    a_bucket_again(w);
    world_pass(w, 30 * SEC);
    world_wait(w, nobody);
    assert_false(world_delete(w, w->task_id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    char bucket[128];
    snprintf(bucket, sizeof bucket, "buckets/b/%s/v_1.ts", w->task_id);
    assert_true(temp_dir_has(&w->dir, bucket));
    expect_events(w, w->task_id, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 0");
}

static void expire(struct world *w)
{
    task_find(w->tasks, w->task_id)->expires = clock_wall() - 1;
}

static void its_time_is_over_but_it_records_on(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_do(w, expire);
    assert_false(world_describe(w, w->task_id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    assert_false(world_delete(w, w->task_id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    assert_int_equal(task_find(w->tasks, w->task_id)->state, TASK_RUNNING);
}

/* --- files that stay behind --- */

static const struct task *the_task(struct world *w)
{
    const struct task *t = w->tasks->by_id;
    assert_non_null(t);
    return t;
}

static void left_behind_and_recovered(void **state)
{
    struct world *w = *state;
    char id[64];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    copy_id(id, w);
    world_record(w, id, "v_1.ts");
    world_record(w, id, "v_2.ts");
    world_pass(w, 0);
    assert_true(world_delete(w, id));
    world_pass(w, 59 * SEC);
    assert_true(world_describe(w, id));
    world_pass(w, 2 * SEC);
    assert_false(world_describe(w, id));
    assert_true(world_failed_with(w, API_RESOURCE_NOT_FOUND));
    assert_int_equal(tasks_counts(w->tasks).left, 1);
    assert_int_equal(tasks_counts(w->tasks).ending, 0);

    /* Two more starts: nothing is told again, nothing is given up. */
    for (int i = 0; i < 2; i++) {
        world_stop(w);
        world_start(w);
        assert_int_equal(the_task(w)->state, TASK_LEFT);
        world_pass(w, HOURS(30));
        assert_false(world_describe(w, id));
    }
    a_bucket_again(w);
    world_pass(w, 600 * SEC);
    world_wait(w, nobody);
    expect_events(w, id, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 1, 305 2");
    assert_int_equal(world_rows(w), 0);
}

static bool untried(struct world *w)
{
    return w->tasks->by_id && !w->tasks->by_id->upload;
}

static void set_ended(struct world *w)
{
    struct task *t = w->tasks->by_id;
    t->ended = clock_wall() - HOURS(7 * 24 + 1);
    task_files_left(t); /* the row with it, and one more 305 that the test does not mind */
}

static bool ledger_rests(struct world *w)
{
    return ledger_idle(w->tasks->ledger);
}

/* After a week nothing is tried any more; the files are there for the operator, after a start too,
 * until a longer limit is set. */
static void after_a_week_the_files_stay(void **state)
{
    struct world *w = *state;
    char file[128];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    snprintf(file, sizeof file, "spool/%s/v_1.ts", w->task_id);
    world_record(w, w->task_id, "v_1.ts");
    world_pass(w, 0);
    assert_true(world_delete(w, w->task_id));
    world_pass(w, HOURS(7 * 24) - 60 * SEC);
    assert_false(untried(w));
    world_pass(w, 120 * SEC);
    assert_true(untried(w));
    assert_true(temp_dir_has(&w->dir, file));
    world_do(w, set_ended);
    world_wait(w, ledger_rests);

    a_bucket_again(w);
    world_stop(w);
    world_start(w);
    assert_true(untried(w));
    world_pass(w, 3600 * SEC);
    assert_true(temp_dir_has(&w->dir, file));

    world_stop(w);
    w->config->limits.undelivered_hours = 200;
    world_start(w);
    world_wait(w, nobody);
    assert_false(temp_dir_has(&w->dir, file));
    expect_events(w, w->task_id, "301 0, 303 1, 308 ENOTDIR, 302 0, 305 1, 305 1, 305 2");
}

static void drained(void *ctx)
{
    struct world *w = ctx;
    w->answered = true;
}

static void shut_down(struct world *w)
{
    w->answered = false;
    tasks_shutdown(w->tasks, drained, w);
}

static bool has_drained(struct world *w)
{
    return w->answered;
}

static void what_is_left_behind_holds_up_no_shutdown(void **state)
{
    struct world *w = *state;
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    world_pass(w, 0);
    assert_true(world_delete(w, w->task_id));
    world_pass(w, 61 * SEC);
    world_do(w, shut_down);
    world_wait(w, has_drained);
    assert_int_equal(tasks_counts(w->tasks).left, 1);
}

/* --- after a crash --- */

static void what_ran_is_ended_and_delivered(void **state)
{
    struct world *w = *state;
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    world_pass(w, 0);
    world_stop(w);
    a_bucket_again(w);
    world_start(w);
    world_wait(w, nobody);
    char bucket[128];
    snprintf(bucket, sizeof bucket, "buckets/b/%s/v_1.ts", w->task_id);
    assert_true(temp_dir_has(&w->dir, bucket));
    expect_events(w, w->task_id, "301 0, 303 1, 308 ENOTDIR, 302 100, 305 0");
}

static void remove_state(struct world *w)
{
    unlinkat(w->dir.fd, "state.db", 0);
    unlinkat(w->dir.fd, "state.db-wal", 0);
    unlinkat(w->dir.fd, "state.db-shm", 0);
}

/* The spool suffices: the files are delivered and the end is told. A folder without files, as a
 * crash in Create leaves it, is nobody's. */
static void without_the_store(void **state)
{
    struct world *w = *state;
    char lost[64], folder[128];
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    copy_id(lost, w);
    world_record(w, lost, "v_1.ts");
    assert_true(world_create(w, "room", "robot-2"));
    world_stop(w);
    remove_state(w);
    world_start(w);
    assert_true(world_describe(w, lost));
    assert_non_null(strstr(w->answer, "\"Status\":\"Exited\""));
    snprintf(folder, sizeof folder, "spool/%s", w->task_id);
    assert_false(temp_dir_has(&w->dir, folder));

    /* A second start knows it. */
    world_pass(w, 0);
    world_stop(w);
    a_bucket_again(w);
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, lost, "302 100, 308 ENOTDIR, 305 0");
    expect_events(w, w->task_id, "");
}

static void remove_folder(struct world *w)
{
    assert_int_equal(spool_folder_remove(the_task(w)->folder), OK);
}

/* The process ended between the delivery of the last file and the commit of 305. */
static void a_row_without_a_folder(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_do(w, remove_folder);
    world_stop(w);
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "301 0, 303 0, 302 100, 305 0");
    assert_int_equal(world_rows(w), 0);
}

#define STEM "1400000001_cm9vbQ..__UserId_s_YWxpY2U.__UserId_e_main_audio"
#define LIST STEM ".m3u8"
#define PART STEM "_20250101000000163.ts"

static const char list_text[] = "#EXTM3U\n"
                                "#EXT-X-VERSION:3\n"
                                "#EXT-X-TARGETDURATION:10\n"
                                "#EXT-X-TRTC-START-REC-TIME:1735689600163\n"
                                "#EXT-X-TRTC-FILE-ATTR:1735689600163,4\n"
                                "#EXTINF:10.0660,\n" PART "\n";

static struct store_playlist list_row(const struct world *w)
{
    return (struct store_playlist){ .task_id = w->task_id,
                                    .name = LIST,
                                    .user_id = "alice",
                                    .track_type = "audio",
                                    .begin = 1735689600163 * MSEC };
}

static void put_playlist(struct world *w)
{
    char path[256];
    snprintf(path, sizeof path, "spool/%s/" PART, w->task_id);
    temp_dir_write(&w->dir, path, "part");
    snprintf(path, sizeof path, "spool/%s/" LIST, w->task_id);
    temp_dir_write(&w->dir, path, list_text);
}

static void tell_slice(struct world *w)
{
    const struct store_playlist row = list_row(w);
    task_tell_slice(task_find(w->tasks, w->task_id), &row);
}

static void tell_both(struct world *w)
{
    tell_slice(w);
    task_tell_playlist(task_find(w->tasks, w->task_id), LIST);
}

static bool told(struct world *w)
{
    return ledger_idle(w->tasks->ledger);
}

/* The process ends somewhere between a playlist's first segment and its last upload: what was told
 * is not told again, and what was not is. */
static void restart_with_playlist(struct world *w, bool is_there, void (*tell)(struct world *w),
                                  const char *want)
{
    assert_true(world_create(w, "room", "robot"));
    if (is_there)
        put_playlist(w);
    if (tell)
        world_do(w, tell);
    world_wait(w, told);
    world_stop(w);
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, w->task_id, want);
}

static void nothing_was_told(void **state)
{
    restart_with_playlist(*state, true, NULL, "301 0, 303 0, 302 100, 307, 304, 305 0");
}

static void the_slice_was_told(void **state)
{
    restart_with_playlist(*state, true, tell_slice, "301 0, 303 0, 307, 302 100, 304, 305 0");
}

static void all_was_told(void **state)
{
    restart_with_playlist(*state, true, tell_both, "301 0, 303 0, 307, 304, 302 100, 305 0");
}

/* Uploaded with its end, gone from the spool, and then the process ended before 304 was stored. */
static void its_upload_was_not_told(void **state)
{
    restart_with_playlist(*state, false, tell_slice, "301 0, 303 0, 307, 302 100, 304, 305 0");
}

static void describe_knows_former_playlists(void **state)
{
    struct world *w = *state;
    a_bucket_to_trouble(w);
    assert_true(world_create(w, "room", "robot"));
    put_playlist(w);
    world_stop(w);
    world_start(w);
    assert_true(world_describe(w, w->task_id));
    assert_non_null(strstr(w->answer,
                           "\"StorageFileList\":[{\"UserId\":\"alice\",\"FileName\":\"" LIST
                           "\",\"TrackType\":\"audio\",\"BeginTimeStamp\":"
                           "1735689600163}]"));
}

/* Events of an application that has no receiver any more are dropped while the store is loaded. */
static void a_receiver_that_was_taken_away(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_stop(w);
    w->nobody_listens = true;
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "");
}

/* --- a full disk --- */

static bool gone_but_not_stored(struct world *w)
{
    return !w->tasks->by_id && !ledger_idle(w->tasks->ledger);
}

/* The commit of the end fails while the files get through: 302 must come all the same, and before
 * 305, and the row must not go first. */
static void the_end_is_told_though_its_commit_failed(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    fault_vfs_fail(1, 1 << 20, SQLITE_FULL);
    assert_false(world_delete(w, w->task_id));
    assert_true(world_failed_with(w, API_RECORDING_ERROR));
    world_wait(w, gone_but_not_stored);
    char bucket[128];
    snprintf(bucket, sizeof bucket, "buckets/b/%s/v_1.ts", w->task_id);
    assert_true(temp_dir_has(&w->dir, bucket));
    fault_vfs_fail(0, 0, 0);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "301 0, 303 0, 302 0, 305 0");
    assert_int_equal(world_rows(w), 0);
}

/* The disk stays full until the process ends: the next start says what was not stored. */
static void the_next_start_tells_what_was_never_stored(void **state)
{
    struct world *w = *state;
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    fault_vfs_fail(1, 1 << 20, SQLITE_FULL);
    assert_false(world_delete(w, w->task_id));
    world_wait(w, gone_but_not_stored);
    world_stop(w);
    fault_vfs_fail(0, 0, 0);
    world_start(w);
    world_wait(w, nobody);
    expect_events(w, w->task_id, "301 0, 303 0, 302 100, 305 0");
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE(an_empty_task),
        LIFE(the_same_robot_again),
        LIFE(the_same_robot_out_of_order),
        LIFE(at_most_so_many_run_at_once),
        LIFE(deleting_again_while_it_ends),
        LIFE(its_time_is_over_but_it_records_on),
        LIFE(left_behind_and_recovered),
        LIFE(after_a_week_the_files_stay),
        LIFE(what_is_left_behind_holds_up_no_shutdown),
        LIFE(what_ran_is_ended_and_delivered),
        LIFE(without_the_store),
        LIFE(a_row_without_a_folder),
        LIFE(nothing_was_told),
        LIFE(the_slice_was_told),
        LIFE(all_was_told),
        LIFE(its_upload_was_not_told),
        LIFE(describe_knows_former_playlists),
        LIFE(a_receiver_that_was_taken_away),
        LIFE(the_end_is_told_though_its_commit_failed),
        LIFE(the_next_start_tells_what_was_never_stored),
    };
    fault_vfs_install();
    log_setup(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
