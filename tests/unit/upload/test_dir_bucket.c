/* Folder buckets on a real loop, alone and at the end of the whole way from a sink. */
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "io/loop.h"
#include "spool/writer.h"
#include "upload/dir_bucket.h"
#include "upload/loop_clock.h"

struct attempt {
    struct loop *control;
    const char *root, *name, *key;
    bool create, may_link;
    int fd;
    uint64_t size;
    struct bucket *bucket;
    struct upload_outcome outcome;
    sem_t done;
};

static void on_done(void *ctx, const struct upload_outcome *outcome)
{
    struct attempt *a = ctx;
    assert_true(loop_is_current(a->control));
    a->outcome = *outcome;
    bucket_free(a->bucket);
    sem_post(&a->done);
}

static void begin(void *ctx)
{
    struct attempt *a = ctx;
    struct bucket_job *job;
    struct bucket_put put = {
        .key = a->key, .fd = a->fd, .size = a->size, .may_link = a->may_link
    };
    assert_int_equal(dir_bucket_new(&a->bucket, a->control, a->root, a->name, a->create), OK);
    assert_int_equal(a->bucket->ops->put_file(a->bucket, &put, on_done, a, &job), OK);
}

struct fixture {
    struct temp_dir dir;
    struct loop *control;
    char root[100];
    int fd; /* a file of 4 bytes, "text" */
};

static void setup(struct fixture *fx)
{
    fx->dir = temp_dir_new();
    snprintf(fx->root, sizeof fx->root, "%s/buckets", fx->dir.path);
    mkdirat(fx->dir.fd, "buckets", 0755);
    mkdirat(fx->dir.fd, "buckets/b", 0755);
    assert_int_equal(file_put_open(&fx->fd, fx->dir.fd, "local", bytes_str("text")), OK);
    assert_int_equal(loop_new(&fx->control, "control", 10), OK);
}

static void teardown(struct fixture *fx)
{
    loop_free(fx->control);
    close(fx->fd);
    temp_dir_free(&fx->dir);
}

static struct upload_outcome put(struct fixture *fx, struct attempt a)
{
    a.control = fx->control;
    a.root = a.root ? a.root : fx->root;
    a.name = a.name ? a.name : "b";
    a.fd = fx->fd;
    a.size = a.size ? a.size : 4;
    sem_init(&a.done, 0, 0);
    loop_call(fx->control, begin, &a);
    sem_wait(&a.done);
    sem_destroy(&a.done);
    return a.outcome;
}

static void check_text(struct fixture *fx, const char *path, const char *want)
{
    char *text = temp_dir_text(&fx->dir, path);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

static void files_appear_under_their_keys(void **state)
{
    (void)state;
    struct fixture fx;
    struct stat local, copy;
    setup(&fx);
    fstat(fx.fd, &local);
    assert_int_equal(put(&fx, (struct attempt){ .key = "p/q/task-1/copied.ts" }).result, UPLOAD_OK);
    check_text(&fx, "buckets/b/p/q/task-1/copied.ts", "text");
    fstatat(fx.dir.fd, "buckets/b/p/q/task-1/copied.ts", &copy, 0);
    assert_true(copy.st_ino != local.st_ino);
    assert_false(temp_dir_has(&fx.dir, "buckets/b/p/q/task-1/.copied.ts.part"));

    assert_int_equal(
        put(&fx, (struct attempt){ .key = "task-1/linked.ts", .may_link = true }).result,
        UPLOAD_OK);
    fstatat(fx.dir.fd, "buckets/b/task-1/linked.ts", &copy, 0);
    assert_true(copy.st_ino == local.st_ino);

    /* Again, as after a crash; and over something older. */
    assert_int_equal(
        put(&fx, (struct attempt){ .key = "task-1/linked.ts", .may_link = true }).result,
        UPLOAD_OK);
    temp_dir_write(&fx.dir, "buckets/b/older.ts", "something longer");
    assert_int_equal(put(&fx, (struct attempt){ .key = "older.ts" }).result, UPLOAD_OK);
    check_text(&fx, "buckets/b/older.ts", "text");
    check_text(&fx, "buckets/b/task-1/linked.ts", "text");

    /* A leftover of a crash is no obstacle. */
    temp_dir_write(&fx.dir, "buckets/b/.left.ts.part", "half of something that was longer");
    assert_int_equal(put(&fx, (struct attempt){ .key = "left.ts" }).result, UPLOAD_OK);
    check_text(&fx, "buckets/b/left.ts", "text");
    assert_false(temp_dir_has(&fx.dir, "buckets/b/.left.ts.part"));

    assert_int_equal(put(&fx, (struct attempt){ .key = "x", .name = "new", .create = true }).result,
                     UPLOAD_OK);
    check_text(&fx, "buckets/new/x", "text");
    teardown(&fx);
}

static void failures_have_classes(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx);
    mkdirat(fx.dir.fd, "outside", 0755);
    symlinkat("../../outside", fx.dir.fd, "buckets/b/link");
    symlinkat("../outside", fx.dir.fd, "buckets/linked-bucket");
    mkdirat(fx.dir.fd, "buckets/b/folder", 0755);
    temp_dir_write(&fx.dir, "buckets/b/file", "");
    static const struct {
        struct attempt attempt;
        enum upload_result want;
    } cases[] = {
        { { .key = "x", .name = "missing" }, UPLOAD_NO_BUCKET },
        { { .key = "x", .root = "/nonexistent/root" }, UPLOAD_NO_BUCKET },
        { { .key = "x", .name = "linked-bucket" }, UPLOAD_BAD_REQUEST },
        { { .key = "link/x" }, UPLOAD_BAD_REQUEST },
        { { .key = "file/x" }, UPLOAD_BAD_REQUEST },
        { { .key = "folder" }, UPLOAD_BAD_REQUEST },
        { { .key = "../x" }, UPLOAD_BAD_REQUEST },
        { { .key = "a/../../x" }, UPLOAD_BAD_REQUEST },
        { { .key = "/x" }, UPLOAD_BAD_REQUEST },
        { { .key = "a//x" }, UPLOAD_BAD_REQUEST },
        { { .key = "a/" }, UPLOAD_BAD_REQUEST },
        { { .key = "" }, UPLOAD_BAD_REQUEST },
        { { .key = ".hidden" }, UPLOAD_BAD_REQUEST },
        { { .key = "x", .size = 5 }, UPLOAD_LOCAL_GONE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_outcome got = put(&fx, cases[i].attempt);
        if (got.result != cases[i].want)
            fail_msg("case %zu: %d (%s: %s)", i, got.result, got.code, got.message);
        assert_true(got.code[0] && got.message[0]);
    }
    assert_false(temp_dir_has(&fx.dir, "outside/x"));
    assert_false(temp_dir_has(&fx.dir, "buckets/b/x"));
    assert_false(temp_dir_has(&fx.dir, "buckets/b/.x.part"));
    teardown(&fx);
}

/* In a process of its own, since root may write everywhere. */
static void missing_rights_are_denied(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    mkdirat(t.fd, "b", 0555);
    chmod(t.path, 0755);
    pid_t child = fork();
    if (child == 0) {
        struct fixture fx = { .dir = t };
        snprintf(fx.root, sizeof fx.root, "%s", t.path);
        if (file_put_open(&fx.fd, t.fd, "local", bytes_str("text")) ||
            (geteuid() == 0 && setuid(65534)) || loop_new(&fx.control, "control", 10))
            _exit(2);
        struct upload_outcome got = put(&fx, (struct attempt){ .key = "x" });
        _exit(got.result == UPLOAD_DENIED && strcmp(got.code, "EACCES") == 0 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    temp_dir_free(&t);
}

static void a_busy_place_is_tried_again(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx);
    temp_dir_write(&fx.dir, "buckets/b/.x.part", "other");
    int other = openat(fx.dir.fd, "buckets/b/.x.part", O_RDWR);
    assert_int_equal(flock(other, LOCK_EX), 0);
    assert_int_equal(put(&fx, (struct attempt){ .key = "x" }).result, UPLOAD_RETRY);
    check_text(&fx, "buckets/b/.x.part", "other");
    close(other);
    assert_int_equal(put(&fx, (struct attempt){ .key = "x" }).result, UPLOAD_OK);
    teardown(&fx);
}

static void a_full_target_is_tried_again(void **state)
{
    (void)state;
    struct fixture fx;
    struct rlimit old, small;
    setup(&fx);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 2;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct upload_outcome got = put(&fx, (struct attempt){ .key = "x" });
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(got.result, UPLOAD_RETRY);
    assert_string_equal(got.code, "EFBIG");
    assert_false(temp_dir_has(&fx.dir, "buckets/b/x"));
    teardown(&fx);
}

static void never_done(void *ctx, const struct upload_outcome *outcome)
{
    (void)ctx, (void)outcome;
    abort();
}

static void begin_and_cancel(void *ctx)
{
    struct attempt *a = ctx;
    struct bucket_job *job;
    struct bucket_put p = { .key = a->key, .fd = a->fd, .size = a->size };
    assert_int_equal(dir_bucket_new(&a->bucket, a->control, a->root, "b", false), OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(a->bucket->ops->put_file(a->bucket, &p, never_done, NULL, &job), OK);
        a->bucket->ops->cancel(a->bucket, job);
    }
    bucket_free(a->bucket);
}

static void cancelled_puts_are_silent(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx);
    struct attempt a = {
        .control = fx.control, .root = fx.root, .key = "k/x", .fd = fx.fd, .size = 4
    };
    loop_call(fx.control, begin_and_cancel, &a);
    teardown(&fx); /* waits for the pool; a call or a leak would show */
}

static void bad_bucket_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ".", "..", "a/b", "/etc", ".x" };
    struct bucket *b;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(dir_bucket_new(&b, NULL, "/tmp", bad[i], true), ERR_MALFORMED);
}

static void a_bucket_is_checked_before_it_is_used(void **state)
{
    (void)state;
    struct temp_dir dir = temp_dir_new();
    temp_dir_write(&dir, "file", "no folder");
    char missing[100];
    snprintf(missing, sizeof missing, "%s/missing", dir.path);
    const struct {
        const char *root, *name;
        bool create;
        enum upload_result want;
    } cases[] = {
        { dir.path, "b", false, UPLOAD_NO_BUCKET },
        { dir.path, "b", true, UPLOAD_OK },
        { dir.path, "b", false, UPLOAD_OK }, /* it was made */
        { dir.path, "file", true, UPLOAD_BAD_REQUEST },
        { missing, "b", true, UPLOAD_NO_BUCKET },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bucket *b;
        struct upload_outcome outcome;
        assert_int_equal(dir_bucket_new(&b, NULL, cases[i].root, cases[i].name, cases[i].create),
                         OK);
        bucket_check(b, &outcome);
        if (outcome.result != cases[i].want)
            fail_msg("case %zu: %s", i, upload_result_text(outcome.result));
        bucket_free(b);
    }
    temp_dir_free(&dir);
}

/* ---- the whole way ---- */

struct daemon {
    struct fixture fx;
    char spool_path[100];
    struct spool *spool;
    struct spool_folder *folder;
    struct loop_clock *clock;
    struct uploader *uploader;
    struct upload_task *task;
    struct spool_writer *writer;
    int first;
    sem_t delivered;
};

static void on_ready(void *ctx, const struct spool_ready *file)
{
    struct daemon *d = ctx;
    int err = file->kind == SINK_SEGMENT
                  ? upload_task_segment(d->task, file->name, file->playlist, file->bytes)
                  : upload_task_playlist(d->task, file->name, file->fd, file->bytes,
                                         file->generation, file->last);
    assert_int_equal(err, OK);
}

static void on_failed(void *ctx, int err)
{
    (void)ctx;
    fail_msg("failed: %d", err);
}

static void on_drained(void *ctx)
{
    struct daemon *d = ctx;
    upload_task_end(d->task, USEC_NEVER);
}

static void on_first(void *ctx, const char *playlist)
{
    struct daemon *d = ctx;
    assert_string_equal(playlist, "v.m3u8");
    d->first++;
}

static void on_delivered(void *ctx)
{
    struct daemon *d = ctx;
    upload_task_free(d->task);
    sem_post(&d->delivered);
}

static void stop(void *ctx)
{
    struct daemon *d = ctx;
    uploader_free(d->uploader);
    loop_clock_close(d->clock);
}

static const struct spool_events spool_events = { on_ready, on_failed, on_drained };
static const struct upload_events upload_events = { .first_playlist = on_first,
                                                    .delivered = on_delivered };

static void start(void *ctx)
{
    struct daemon *d = ctx;
    struct bucket *bucket;
    assert_int_equal(loop_clock_open(&d->clock, d->fx.control), OK);
    struct upload_clock clock = loop_clock_of(d->clock);
    d->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    loop_clock_attach(d->clock, d->uploader);
    assert_int_equal(dir_bucket_new(&bucket, d->fx.control, d->fx.root, "b", false), OK);
    assert_int_equal(
        upload_task_new(&d->task, d->uploader, d->folder, bucket, "class", &upload_events, d), OK);
}

static void record(struct daemon *d)
{
    struct sink *sink;
    struct buf playlist;
    buf_init(&playlist, 1u << 20);
    assert_int_equal(spool_sink_new(&sink, d->writer, d->folder, d->fx.control, &spool_events, d),
                     OK);
    for (unsigned i = 1; i <= 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "v_%u.ts", i);
        assert_int_equal(sink->ops->begin(sink, name), OK);
        for (int k = 0; k < 100; k++)
            assert_int_equal(sink->ops->append(sink, bytes_str(name)), OK);
        assert_int_equal(
            sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, name, "v.m3u8" }), OK);
        buf_printf(&playlist, "%s\n%s", name, i == 20 ? "#EXT-X-ENDLIST\n" : "");
        assert_int_equal(sink->ops->put(sink, "v.m3u8", buf_bytes(&playlist), i, i == 20), OK);
    }
    spool_sink_close(sink);
    buf_fini(&playlist);
}

static void from_sink_to_bucket(void **state)
{
    (void)state;
    struct daemon d = { 0 };
    struct spool_meta meta = { .task_id = "task-1", .room = "1", .robot = "r", .storage = "" };
    setup(&d.fx);
    snprintf(d.spool_path, sizeof d.spool_path, "%s/spool", d.fx.dir.path);
    sem_init(&d.delivered, 0, 0);
    assert_int_equal(spool_open(&d.spool, d.spool_path), OK);
    assert_int_equal(spool_create(&d.folder, d.spool, &meta), OK);
    assert_int_equal(spool_writer_new(&d.writer, &SPOOL_LIMITS_DEFAULT, NULL), OK);
    loop_call(d.fx.control, start, &d);
    record(&d);
    sem_wait(&d.delivered);
    loop_call(d.fx.control, stop, &d);

    assert_int_equal(d.first, 1);
    assert_false(temp_dir_has(&d.fx.dir, "spool/task-1"));
    char *playlist = temp_dir_text(&d.fx.dir, "buckets/b/class/task-1/v.m3u8");
    assert_non_null(strstr(playlist, "v_20.ts\n#EXT-X-ENDLIST\n"));
    free(playlist);
    for (int i = 1; i <= 20; i++) {
        char path[64];
        snprintf(path, sizeof path, "buckets/b/class/task-1/v_%d.ts", i);
        char *text = temp_dir_text(&d.fx.dir, path);
        assert_int_equal(strlen(text), 100 * (strlen("v_1.ts") + (i >= 10)));
        free(text);
    }
    spool_writer_free(d.writer);
    spool_folder_unref(d.folder);
    spool_close(d.spool);
    sem_destroy(&d.delivered);
    teardown(&d.fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_rights_are_denied), /* forks: before any thread */
        cmocka_unit_test(files_appear_under_their_keys),
        cmocka_unit_test(failures_have_classes),
        cmocka_unit_test(a_busy_place_is_tried_again),
        cmocka_unit_test(a_full_target_is_tried_again),
        cmocka_unit_test(cancelled_puts_are_silent),
        cmocka_unit_test(bad_bucket_names_are_refused),
        cmocka_unit_test(a_bucket_is_checked_before_it_is_used),
        cmocka_unit_test(from_sink_to_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
