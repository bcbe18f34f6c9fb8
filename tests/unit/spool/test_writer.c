#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "io/loop.h"
#include "spool/block.h"
#include "spool/writer.h"

#define MAX_NOTES 300

struct note {
    enum { READY, FAILED, DRAINED } what;
    enum sink_kind kind;
    char name[64], playlist[64], text[64];
    uint64_t bytes;
    usec_t start, duration;
    unsigned generation;
    bool last;
    int err;
};

struct fixture {
    struct temp_dir dir;
    struct spool *spool;
    struct spool_folder *folder;
    struct spool_writer *writer;
    struct loop *control;
    sem_t drained, failed;
    struct note notes[MAX_NOTES]; /* control loop's; read after `drained` */
    int count;
};

static struct note *add_note(struct fixture *fx, int what)
{
    assert_true(loop_is_current(fx->control));
    assert_true(fx->count < MAX_NOTES);
    fx->notes[fx->count].what = what;
    return &fx->notes[fx->count++];
}

static void on_ready(void *ctx, const struct spool_ready *file)
{
    struct note *n = add_note(ctx, READY);
    n->kind = file->kind;
    snprintf(n->name, sizeof n->name, "%s", file->name);
    snprintf(n->playlist, sizeof n->playlist, "%s", file->playlist);
    n->bytes = file->bytes;
    n->start = file->start;
    n->duration = file->duration;
    n->generation = file->generation;
    n->last = file->last;
    n->err = file->err;
    if (file->fd >= 0)
        assert_true(pread(file->fd, n->text, sizeof n->text - 1, 0) >= 0);
    assert_int_equal(file->fd >= 0, file->kind == SINK_PLAYLIST);
}

static void on_failed(void *ctx, int err)
{
    struct fixture *fx = ctx;
    assert_int_equal(err, ERR_IO);
    add_note(fx, FAILED);
    sem_post(&fx->failed);
}

static void on_drained(void *ctx)
{
    struct fixture *fx = ctx;
    add_note(fx, DRAINED);
    sem_post(&fx->drained);
}

static const struct spool_events events = { on_ready, on_failed, on_drained };

/* Stands for the formats: glues journal and body together; refuses what is called so. */
static int finish_media(int dir, const char *name, uint64_t *bytes)
{
    char part[64], idx[64];
    struct buf all;
    if (strcmp(name, "refused.mp4") == 0)
        return ERR_IO;
    snprintf(part, sizeof part, "%s.part", name);
    snprintf(idx, sizeof idx, "%s.idx", name);
    buf_init(&all, 4u << 20);
    int err = file_read(&all, dir, idx);
    if (!err)
        err = file_read(&all, dir, part);
    if (!err)
        err = file_put(dir, name, buf_bytes(&all));
    *bytes = all.len;
    buf_fini(&all);
    return err;
}

static void setup(struct fixture *fx, struct spool_limits limits)
{
    memset(fx, 0, sizeof *fx);
    fx->dir = temp_dir_new();
    struct spool_meta meta = { .task_id = "task-1", .room = "1", .robot = "r", .storage = "" };
    sem_init(&fx->drained, 0, 0);
    sem_init(&fx->failed, 0, 0);
    assert_int_equal(spool_open(&fx->spool, fx->dir.path), OK);
    assert_int_equal(spool_create(&fx->folder, fx->spool, &meta), OK);
    assert_int_equal(loop_new(&fx->control, "control", 10), OK);
    assert_int_equal(spool_writer_new(&fx->writer, &limits, finish_media), OK);
}

static void teardown(struct fixture *fx)
{
    spool_writer_free(fx->writer);
    loop_free(fx->control);
    spool_folder_unref(fx->folder);
    spool_close(fx->spool);
    sem_destroy(&fx->drained);
    sem_destroy(&fx->failed);
    temp_dir_free(&fx->dir);
}

static struct sink *new_sink(struct fixture *fx)
{
    struct sink *sink;
    assert_int_equal(spool_sink_new(&sink, fx->writer, fx->folder, fx->control, &events, fx), OK);
    return sink;
}

static void close_sink(struct fixture *fx, struct sink *sink)
{
    spool_sink_close(sink);
    sem_wait(&fx->drained);
}

static struct bytes repeat(uint8_t *data, size_t len, char c)
{
    memset(data, c, len);
    return bytes_of(data, len);
}

static uint8_t data[2u << 20];

static void files_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    struct sink *sink = new_sink(&fx);
    assert_int_equal(sink->ops->append(sink, bytes_str("x")), ERR_BAD_STATE);
    assert_int_equal(sink->ops->begin(sink, "../evil"), ERR_MALFORMED);
    assert_int_equal(sink->ops->begin(sink, "v_1.ts"), OK);
    assert_int_equal(sink->ops->begin(sink, "v_2.ts"), ERR_BAD_STATE);
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            sink->ops->append(sink, repeat(data, (size_t)i * 377, (char)('A' + i % 26))), OK);
    struct sink_file info = { SINK_SEGMENT, "v_1.ts", "v.m3u8", 5 * SEC, 10 * SEC, 0 };
    assert_int_equal(sink->ops->finish(sink, &info), OK);
    assert_int_equal(sink->ops->put(sink, "v.m3u8", bytes_str("one"), 1, false), OK);
    assert_int_equal(sink->ops->begin(sink, "v_2.ts"), OK);
    assert_int_equal(sink->ops->append(sink, bytes_str("gone")), OK);
    sink->ops->abandon(sink);
    assert_int_equal(sink->ops->begin(sink, "v_3.ts"), OK);
    assert_int_equal(sink->ops->append(sink, bytes_str("open when closed")), OK);
    close_sink(&fx, sink);

    assert_int_equal(fx.count, 3);
    const struct note *n = fx.notes;
    assert_int_equal(n[0].what, READY);
    assert_int_equal(n[0].kind, SINK_SEGMENT);
    assert_string_equal(n[0].name, "v_1.ts");
    assert_string_equal(n[0].playlist, "v.m3u8");
    assert_int_equal(n[0].bytes, 377 * 99 * 100 / 2);
    assert_int_equal(n[0].start, 5 * SEC);
    assert_int_equal(n[0].duration, 10 * SEC);
    assert_int_equal(n[1].what, READY);
    assert_int_equal(n[1].kind, SINK_PLAYLIST);
    assert_string_equal(n[1].name, "v.m3u8");
    assert_string_equal(n[1].text, "one");
    assert_int_equal(n[1].generation, 1);
    assert_false(n[1].last);
    assert_int_equal(n[2].what, DRAINED);

    char *text = temp_dir_text(&fx.dir, "task-1/v_1.ts"), *at = text;
    for (int i = 0; i < 100; i++)
        for (int k = 0; k < i * 377; k++)
            assert_int_equal(*at++, 'A' + i % 26);
    free(text);
    assert_false(temp_dir_has(&fx.dir, "task-1/v_2.ts.part"));
    assert_false(temp_dir_has(&fx.dir, "task-1/v_3.ts.part"));
    assert_false(temp_dir_has(&fx.dir, "task-1/v_3.ts"));
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

/* Any way to cut the same bytes into appends gives the same file. */
static void cuts_do_not_matter(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    struct sink *sink = new_sink(&fx);
    static const size_t cuts[] = { 1,     187,   188, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1,
                                   70000, 300000 };
    size_t total = 300000, n = sizeof cuts / sizeof *cuts;
    for (size_t k = 0; k < total; k++)
        data[k] = (uint8_t)(k * 31 + k / 255);
    for (size_t i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu.ts", i);
        assert_int_equal(sink->ops->begin(sink, name), OK);
        for (size_t at = 0; at < total; at += cuts[i]) {
            size_t len = total - at < cuts[i] ? total - at : cuts[i];
            assert_int_equal(sink->ops->append(sink, bytes_of(data + at, len)), OK);
        }
        assert_int_equal(sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, name }), OK);
    }
    close_sink(&fx, sink);
    for (size_t i = 0; i < n; i++) {
        char name[16];
        struct buf b;
        snprintf(name, sizeof name, "%zu.ts", i);
        buf_init(&b, total);
        assert_int_equal(file_read(&b, spool_folder_dir(fx.folder), name), OK);
        assert_int_equal(b.len, total);
        assert_memory_equal(b.ptr, data, total);
        assert_int_equal(fx.notes[i].bytes, total);
        buf_fini(&b);
    }
    teardown(&fx);
}

/* Holds up the disk thread: its open of NAME.part waits until the lease is given back (fcntl(2),
 * leases). SIGIO, blocked in all threads, tells that it waits. */
static int stall(struct fixture *fx, const char *part)
{
    int fd = openat(spool_folder_dir(fx->folder), part, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
    return fd;
}

static void await_stalled(void)
{
    sigset_t io;
    int got;
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    assert_int_equal(sigwait(&io, &got), 0);
}

static void a_full_queue_refuses_and_recovers(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, (struct spool_limits){
                   .threads = 1, .track_bytes = 1u << 20, .total_bytes = 1536u << 10 });
    int lease = stall(&fx, "a.ts.part");
    struct sink *a = new_sink(&fx), *b = new_sink(&fx);
    assert_int_equal(a->ops->append(a, bytes_of(data, 0)), ERR_BAD_STATE);
    assert_int_equal(a->ops->begin(a, "a.ts"), OK);
    await_stalled(); /* from here on everything waits in the queues */
    assert_int_equal(a->ops->append(a, repeat(data, (1u << 20) + 1, 'a')), ERR_LIMIT);
    assert_int_equal(a->ops->append(a, bytes_of(data, 1u << 20)), OK);
    assert_int_equal(a->ops->append(a, bytes_of(data, 1)), ERR_LIMIT);

    assert_int_equal(b->ops->begin(b, "b.ts"), OK);
    assert_int_equal(b->ops->append(b, repeat(data, (512u << 10) + 1, 'b')), ERR_LIMIT);
    assert_int_equal(b->ops->append(b, bytes_of(data, 512u << 10)), OK);
    assert_int_equal(b->ops->append(b, bytes_of(data, 1)), ERR_LIMIT);
    assert_int_equal(spool_writer_bytes(fx.writer), 1536u << 10);
    assert_int_equal(spool_writer_overflows(fx.writer), 4);

    /* What ends files is taken even now. */
    assert_int_equal(a->ops->finish(a, &(struct sink_file){ SINK_SEGMENT, "a.ts", "a.m3u8" }), OK);
    assert_int_equal(a->ops->begin(a, "a2.ts"), ERR_LIMIT);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(
            a->ops->put(a, "a.m3u8", bytes_str(i < 100 ? "old" : "newest"), i, i == 100), OK);
    assert_int_equal(b->ops->finish(b, &(struct sink_file){ SINK_SEGMENT, "b.ts", "" }), OK);
    close(lease);
    close_sink(&fx, b);
    spool_sink_close(a);
    sem_wait(&fx.drained);

    /* Only the newest of the hundred versions was written. */
    assert_int_equal(fx.count, 5);
    int puts = 0, segments = 0;
    for (int i = 0; i < fx.count; i++) {
        const struct note *n = &fx.notes[i];
        segments += n->what == READY && n->kind == SINK_SEGMENT;
        if (n->what == READY && n->kind == SINK_PLAYLIST) {
            puts++;
            assert_string_equal(n->text, "newest");
            assert_int_equal(n->generation, 100);
            assert_true(n->last);
        }
    }
    assert_int_equal(puts, 1);
    assert_int_equal(segments, 2);
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

static void a_full_disk_kills_the_sink_only(void **state)
{
    (void)state;
    struct fixture fx;
    struct rlimit old, small;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 400000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);

    struct sink *sink = new_sink(&fx), *other = new_sink(&fx);
    assert_int_equal(sink->ops->begin(sink, "v_1.ts"), OK);
    assert_int_equal(sink->ops->append(sink, repeat(data, 300000, 'x')), OK);
    assert_int_equal(
        sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, "v_1.ts", "v.m3u8" }), OK);
    assert_int_equal(sink->ops->put(sink, "v.m3u8", bytes_str("one"), 1, false), OK);
    assert_int_equal(sink->ops->begin(sink, "v_2.ts"), OK);
    assert_int_equal(sink->ops->append(sink, bytes_of(data, 300000)), OK);
    assert_int_equal(sink->ops->append(sink, bytes_of(data, 300000)), OK);
    sem_wait(&fx.failed);
    assert_int_equal(sink->ops->append(sink, bytes_of(data, 1)), ERR_IO);
    assert_int_equal(
        sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, "v_2.ts", "v.m3u8" }), ERR_IO);
    sink->ops->abandon(sink);
    assert_int_equal(sink->ops->begin(sink, "v_3.ts"), ERR_IO);
    assert_int_equal(sink->ops->put(sink, "v.m3u8", bytes_str("two"), 2, true), ERR_IO);
    close_sink(&fx, sink);

    assert_int_equal(other->ops->begin(other, "w.ts"), OK);
    assert_int_equal(other->ops->append(other, bytes_of(data, 1000)), OK);
    assert_int_equal(other->ops->finish(other, &(struct sink_file){ SINK_SEGMENT, "w.ts", "" }),
                     OK);
    close_sink(&fx, other);
    setrlimit(RLIMIT_FSIZE, &old);

    static const int want[] = { READY, READY, FAILED, DRAINED, READY, DRAINED };
    assert_int_equal(fx.count, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(fx.notes[i].what, want[i]);
    assert_true(temp_dir_has(&fx.dir, "task-1/v_1.ts"));
    assert_true(temp_dir_has(&fx.dir, "task-1/v_2.ts.part"));
    assert_false(temp_dir_has(&fx.dir, "task-1/v_2.ts"));
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

static void sample(struct sink *sink, const char *body, const char *record)
{
    assert_int_equal(sink->ops->append(sink, bytes_str(body)), OK);
    assert_int_equal(sink->ops->note(sink, bytes_str(record)), OK);
}

static int finish_file(struct sink *sink, const char *name)
{
    return sink->ops->finish(sink,
                             &(struct sink_file){ .kind = SINK_MEDIA, .name = name, .start = SEC });
}

static void media_files_are_finished(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    struct sink *sink = new_sink(&fx);
    assert_int_equal(sink->ops->note(sink, bytes_str("x")), ERR_BAD_STATE);
    assert_int_equal(sink->ops->begin(sink, "a.mp4"), OK);
    sample(sink, "one", "[3]");
    sample(sink, "three", "[5]");
    assert_int_equal(finish_file(sink, "a.mp4"), OK);
    assert_int_equal(sink->ops->begin(sink, "refused.mp4"), OK);
    sample(sink, "body", "[4]");
    assert_int_equal(finish_file(sink, "refused.mp4"), OK);
    assert_int_equal(sink->ops->begin(sink, "gone.mp4"), OK);
    sample(sink, "body", "[4]");
    sink->ops->abandon(sink);
    assert_int_equal(sink->ops->begin(sink, "left.mp4"), OK);
    sample(sink, "body", "[4]");
    close_sink(&fx, sink);

    assert_int_equal(fx.count, 3);
    assert_int_equal(fx.notes[0].kind, SINK_MEDIA);
    assert_string_equal(fx.notes[0].name, "a.mp4");
    assert_int_equal(fx.notes[0].err, OK);
    assert_int_equal(fx.notes[0].bytes, 14);
    assert_int_equal(fx.notes[0].start, SEC);
    assert_string_equal(fx.notes[1].name, "refused.mp4");
    assert_int_equal(fx.notes[1].err, ERR_IO);
    assert_int_equal(fx.notes[2].what, DRAINED);
    char *text = temp_dir_text(&fx.dir, "task-1/a.mp4");
    assert_string_equal(text, "[3][5]onethree");
    free(text);

    struct spool_found *found;
    assert_int_equal(spool_folder_scan(&found, fx.folder), OK);
    static const struct {
        enum spool_kind kind;
        const char *name;
    } want[] = { { SPOOL_SEGMENT, "a.mp4" },    { SPOOL_JOURNAL, "a.mp4" },
                 { SPOOL_PART, "left.mp4" },    { SPOOL_JOURNAL, "left.mp4" },
                 { SPOOL_PART, "refused.mp4" }, { SPOOL_JOURNAL, "refused.mp4" } };
    assert_int_equal(found->count, 6);
    for (size_t i = 0; i < 6; i++) {
        bool there = false;
        for (size_t k = 0; k < 6; k++)
            there |= found->entries[k].kind == want[i].kind &&
                     strcmp(found->entries[k].name, want[i].name) == 0;
        assert_true(there);
    }
    spool_found_free(found);
    assert_int_equal(spool_folder_remove(fx.folder), ERR_BAD_STATE);
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

/* A full queue refuses the body's bytes, never the record of those it took. */
static void notes_are_never_refused(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx,
          (struct spool_limits){ .threads = 1, .track_bytes = 1u << 20, .total_bytes = 1u << 20 });
    int lease = stall(&fx, "a.mp4.part");
    struct sink *sink = new_sink(&fx);
    assert_int_equal(sink->ops->begin(sink, "a.mp4"), OK);
    await_stalled();
    assert_int_equal(sink->ops->append(sink, repeat(data, 1u << 20, 'a')), OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sink->ops->note(sink, repeat(data, 100, 'n')), OK);
    assert_int_equal(sink->ops->append(sink, bytes_of(data, 1)), ERR_LIMIT);
    close(lease);
    assert_int_equal(finish_file(sink, "a.mp4"), OK);
    close_sink(&fx, sink);
    assert_int_equal(fx.notes[0].bytes, (1u << 20) + 100000);
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

struct track {
    struct fixture *fx;
    int n;
    pthread_t thread;
};

/* A media loop's worth of work. */
static void *write_track(void *arg)
{
    struct track *t = arg;
    struct sink *sink;
    if (spool_sink_new(&sink, t->fx->writer, t->fx->folder, t->fx->control, &events, t->fx))
        abort();
    for (int i = 0; i < 10; i++) {
        char name[32];
        uint8_t block[5000];
        snprintf(name, sizeof name, "t%d_%d.ts", t->n, i);
        memset(block, 'a' + t->n, sizeof block);
        if (sink->ops->begin(sink, name))
            abort();
        for (int k = 0; k < 100; k++)
            if (sink->ops->append(sink, bytes_of(block, sizeof block)))
                abort();
        if (sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, name, "p" }))
            abort();
    }
    spool_sink_close(sink);
    return NULL;
}

static void many_tracks_at_once(void **state)
{
    (void)state;
    struct fixture fx;
    struct track tracks[8];
    setup(&fx,
          (struct spool_limits){ .threads = 2, .track_bytes = 8u << 20, .total_bytes = 64u << 20 });
    for (int i = 0; i < 8; i++) {
        tracks[i] = (struct track){ .fx = &fx, .n = i };
        pthread_create(&tracks[i].thread, NULL, write_track, &tracks[i]);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(tracks[i].thread, NULL);
    for (int i = 0; i < 8; i++)
        sem_wait(&fx.drained);
    assert_int_equal(fx.count, 88);
    for (int i = 0; i < fx.count; i++)
        assert_int_equal(fx.notes[i].bytes, fx.notes[i].what == READY ? 500000 : 0);
    assert_int_equal(spool_writer_bytes(fx.writer), 0);
    teardown(&fx);
}

/* Ending the daemon: what was queued is written though nobody listens any more. */
/* Told means that it may be delivered and deleted; so its playlist has it before. */
static void a_segment_is_told_when_its_playlist_names_it(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    assert_int_equal(mkdirat(spool_folder_dir(fx.folder), "v.m3u8", 0700), 0); /* no put succeeds */
    struct sink *sink = new_sink(&fx);
    assert_int_equal(sink->ops->begin(sink, "v.ts"), OK);
    assert_int_equal(sink->ops->append(sink, repeat(data, 1000, 'v')), OK);
    assert_int_equal(sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, "v.ts", "v.m3u8" }),
                     OK);
    assert_int_equal(sink->ops->put(sink, "v.m3u8", bytes_str("v.ts"), 1, false), OK);
    sem_wait(&fx.failed);
    close_sink(&fx, sink);
    assert_int_equal(fx.count, 2);
    assert_int_equal(fx.notes[0].what, FAILED);
    assert_int_equal(fx.notes[1].what, DRAINED);
    assert_true(temp_dir_has(&fx.dir, "task-1/v.ts"));
    teardown(&fx);
}

static void ending_writes_what_is_queued(void **state)
{
    (void)state;
    struct fixture fx;
    setup(&fx, SPOOL_LIMITS_DEFAULT);
    struct sink *sink = new_sink(&fx);
    assert_int_equal(sink->ops->begin(sink, "v.ts"), OK);
    assert_int_equal(sink->ops->append(sink, repeat(data, 100000, 'v')), OK);
    assert_int_equal(sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, "v.ts", "" }), OK);
    spool_sink_close(sink);
    spool_writer_free(fx.writer);
    fx.writer = NULL;
    assert_true(temp_dir_has(&fx.dir, "task-1/v.ts"));
    teardown(&fx);
}

int main(void)
{
    sigset_t io;
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    pthread_sigmask(SIG_BLOCK, &io, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_arrive_whole_and_in_order),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(a_full_queue_refuses_and_recovers),
        cmocka_unit_test(a_full_disk_kills_the_sink_only),
        cmocka_unit_test(media_files_are_finished),
        cmocka_unit_test(notes_are_never_refused),
        cmocka_unit_test(many_tracks_at_once),
        cmocka_unit_test(a_segment_is_told_when_its_playlist_names_it),
        cmocka_unit_test(ending_writes_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
