/* The same recording again and again, each time with another system call failing: whatever fails,
 * the control loop hears of it, announced files are whole, and no half file has a final name. The
 * calls are replaced by defining them here, which the linker prefers to the C library's. */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "io/loop.h"
#include "observe/log.h"
#include "spool/writer.h"

#define SEGMENT_SIZE 40000
#define SEGMENTS     3

static _Atomic int countdown; /* to the call that fails; 0: none */

static bool fails_now(void)
{
    return atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1;
}

int fsync(int fd)
{
    if (fails_now()) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

/* The kernel may write less than asked: a call writes half of a large first part and no more. */
ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t pos)
{
    size_t len = iov[0].iov_len > 9000 ? iov[0].iov_len / 2 : iov[0].iov_len;
    (void)count;
    if (fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(fd, iov[0].iov_base, len, pos);
}

struct result {
    int ready, failed, drained;
    char names[2 * SEGMENTS][16];
    sem_t done;
};

static void on_ready(void *ctx, const struct spool_ready *file)
{
    struct result *r = ctx;
    snprintf(r->names[r->ready++], sizeof r->names[0], "%s", file->name);
}

static void on_failed(void *ctx, int err)
{
    struct result *r = ctx;
    assert_int_equal(err, ERR_IO);
    assert_int_equal(r->drained, 0);
    r->failed++;
}

static void on_drained(void *ctx)
{
    struct result *r = ctx;
    r->drained++;
    sem_post(&r->done);
}

static const struct spool_events events = { on_ready, on_failed, on_drained };

/* Goes on after errors, as a writer that does not look might. */
static void record(struct sink *sink)
{
    static uint8_t data[SEGMENT_SIZE];
    for (unsigned i = 1; i <= SEGMENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "v_%u.ts", i);
        sink->ops->begin(sink, name);
        sink->ops->append(sink, bytes_of(data, SEGMENT_SIZE - 1000));
        sink->ops->append(sink, bytes_of(data, 1000));
        sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, name, "v.m3u8" });
        sink->ops->put(sink, "v.m3u8", bytes_of("123", i), i, i == SEGMENTS);
    }
    spool_sink_close(sink);
}

static void check_folder(struct spool_folder *folder, const struct result *r)
{
    struct spool_found *found;
    assert_int_equal(spool_folder_scan(&found, folder), OK);
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_SEGMENT)
            assert_int_equal(found->entries[i].bytes, SEGMENT_SIZE);
    for (int k = 0; k < r->ready; k++) {
        bool there = false;
        for (size_t i = 0; i < found->count; i++)
            there |= found->entries[i].kind != SPOOL_PART &&
                     strcmp(found->entries[i].name, r->names[k]) == 0;
        assert_true(there);
    }
    spool_found_free(found);
}

/* False: the recording needs fewer than `fail_at` calls. */
static bool one_round(int fail_at)
{
    struct temp_dir t = temp_dir_new();
    struct spool *spool;
    struct spool_folder *folder;
    struct loop *control;
    struct spool_writer *writer;
    struct sink *sink;
    struct result r = { 0 };
    struct spool_meta meta = { .task_id = "task-1", .room = "1", .robot = "r", .storage = "" };
    sem_init(&r.done, 0, 0);
    assert_int_equal(spool_open(&spool, t.path), OK);
    assert_int_equal(spool_create(&folder, spool, &meta), OK);
    assert_int_equal(loop_new(&control, "control", 10), OK);
    assert_int_equal(spool_writer_new(&writer, &SPOOL_LIMITS_DEFAULT, NULL), OK);
    assert_int_equal(spool_sink_new(&sink, writer, folder, control, &events, &r), OK);

    atomic_store(&countdown, fail_at);
    record(sink);
    sem_wait(&r.done);
    bool reached = atomic_exchange(&countdown, 0) == 0;
    assert_int_equal(r.failed, reached);
    if (!reached)
        assert_string_equal(r.names[r.ready - 1], "v.m3u8");
    check_folder(folder, &r);
    assert_int_equal(spool_writer_bytes(writer), 0);

    spool_writer_free(writer);
    loop_free(control);
    spool_folder_unref(folder);
    spool_close(spool);
    sem_destroy(&r.done);
    temp_dir_free(&t);
    return reached;
}

static void any_call_may_fail(void **state)
{
    (void)state;
    int rounds = 1;
    while (one_round(rounds))
        rounds++;
    assert_true(rounds > 3 * SEGMENTS);
}

/* Making a task: it is there or it is not. */
static void a_task_is_made_or_not(void **state)
{
    (void)state;
    int err = ERR_IO;
    for (int fail_at = 1; err; fail_at++) {
        struct temp_dir t = temp_dir_new();
        struct spool *spool;
        struct spool_folder *folder;
        struct list found;
        struct spool_meta meta = { .task_id = "task-1", .room = "1", .robot = "r", .storage = "" };
        list_init(&found);
        assert_int_equal(spool_open(&spool, t.path), OK);
        atomic_store(&countdown, fail_at);
        err = spool_create(&folder, spool, &meta);
        bool reached = atomic_exchange(&countdown, 0) == 0;
        assert_int_equal(err, reached ? ERR_IO : OK);
        assert_int_equal(temp_dir_has(&t, "task-1"), !reached);
        if (!err)
            spool_folder_unref(folder);
        spool_close(spool);
        temp_dir_free(&t);
    }
}

int main(void)
{
    log_setup(LOG_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(a_task_is_made_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
