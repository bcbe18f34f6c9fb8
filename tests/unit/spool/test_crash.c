/* The process is killed in the middle of writing, at moments that differ from round to round; the
 * spool that is found afterwards must hold all that was announced, whole. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "io/loop.h"
#include "spool/writer.h"

#define ROUNDS 12

/* Announces a file to the parent: its name in a fixed block. */
static void tell(void *ctx, const struct spool_ready *file)
{
    char block[32] = { 0 };
    snprintf(block, sizeof block, "%s %u", file->name, file->generation);
    if (write(*(int *)ctx, block, sizeof block) != sizeof block)
        _exit(0);
}

static void nothing_failed(void *ctx, int err)
{
    (void)ctx, (void)err;
    _exit(2);
}

static void nothing_drained(void *ctx)
{
    (void)ctx;
}

static const struct spool_events events = { tell, nothing_failed, nothing_drained };

static void segment(struct sink *sink, int n)
{
    char name[32], line[64];
    snprintf(name, sizeof name, "v_%06d.ts", n);
    sink->ops->begin(sink, name);
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof line, "%s %06d\n", name, i);
        while (sink->ops->append(sink, bytes_str(line)) == ERR_LIMIT)
            usleep(100);
    }
    sink->ops->finish(sink, &(struct sink_file){ SINK_SEGMENT, name, "v.m3u8" });
}

/* Never returns. */
static void record(const char *path, int pipe)
{
    struct spool *spool;
    struct spool_folder *folder;
    struct loop *control;
    struct spool_writer *writer;
    struct sink *sink;
    struct spool_meta meta = { .task_id = "task-1", .room = "1", .robot = "r", .storage = "" };
    if (spool_open(&spool, path) || spool_create(&folder, spool, &meta) ||
        loop_new(&control, "control", 10) ||
        spool_writer_new(&writer, &SPOOL_LIMITS_DEFAULT, NULL) ||
        spool_sink_new(&sink, writer, folder, control, &events, &pipe))
        _exit(3);
    struct buf playlist;
    buf_init(&playlist, 1u << 20);
    for (int n = 1;; n++) {
        segment(sink, n);
        buf_printf(&playlist, "v_%06d.ts\n", n);
        sink->ops->put(sink, "v.m3u8", buf_bytes(&playlist), (unsigned)n, false);
    }
}

static void check_segment(int dir, const char *name)
{
    struct buf b;
    char line[64];
    buf_init(&b, 1u << 20);
    assert_int_equal(file_read(&b, dir, name), OK);
    snprintf(line, sizeof line, "%s %06d\n", name, 1999);
    assert_int_equal(b.len, 2000 * strlen(line));
    assert_string_equal(buf_str(&b) + 1999 * strlen(line), line);
    buf_fini(&b);
}

/* Each line of the playlist names a whole segment; at least `generation` of them. */
static void check_playlist(int dir, unsigned generation)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    int err = file_read(&b, dir, "v.m3u8");
    assert_true(err == OK || (err == ERR_NOT_FOUND && generation == 0));
    unsigned lines = 0;
    for (char *at = (char *)b.ptr; at && *at; lines++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = 0;
        check_segment(dir, at);
        at = end + 1;
    }
    assert_true(lines >= generation);
    buf_fini(&b);
}

static void check_spool(struct temp_dir *t, char announced[][32], int count)
{
    struct spool *spool;
    struct list found;
    list_init(&found);
    assert_int_equal(spool_open(&spool, t->path), OK);
    assert_int_equal(spool_scan(spool, &found), OK);
    struct spool_found *task = list_first(&found, struct spool_found, in_found);
    assert_non_null(task);
    assert_int_equal(task->meta_err, OK);
    int dir = spool_folder_dir(task->folder);
    for (size_t i = 0; i < task->count; i++)
        if (task->entries[i].kind == SPOOL_SEGMENT)
            check_segment(dir, task->entries[i].name);

    unsigned generation = 0;
    for (int i = 0; i < count; i++) {
        char name[32];
        unsigned g;
        assert_int_equal(sscanf(announced[i], "%31s %u", name, &g), 2);
        if (g)
            generation = g;
        else
            check_segment(dir, name);
    }
    check_playlist(dir, generation);
    spool_found_free(task);
    spool_close(spool);
}

static void one_round(int after)
{
    struct temp_dir t = temp_dir_new();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        record(t.path, ends[1]);
    }
    close(ends[1]);
    static char announced[1000][32];
    int count = 0;
    while (count < after && read(ends[0], announced[count], 32) == 32)
        count++;
    assert_int_equal(count, after);
    kill(child, SIGKILL);
    while (count < 1000 && read(ends[0], announced[count], 32) == 32)
        count++;
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
    check_spool(&t, announced, count);
    temp_dir_free(&t);
}

static void a_killed_process_loses_nothing_announced(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++)
        one_round(1 + i * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_nothing_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
