/* A segment that a crash tore, on a disk that does not let it be made whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "../segment/frames.h"
#include "../segment/memory_sink.h"
#include "base/err.h"
#include "observe/log.h"
#include "segment/hls_writer.h"
#include "world.h"

#define T0 (1735689600163 * MSEC)

static bool disk_fails;

static bool is_torn(int fd)
{
    char link[64], path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/spool/") &&
           strstr(path, ".ts.part");
}

/* In the place of the C library's. */
int ftruncate(int fd, off_t length)
{
    if (disk_fails && is_torn(fd)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, length);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    world_init(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    disk_fails = false;
    world_fini(*state);
    free(*state);
    return 0;
}

static bool nobody(struct world *w)
{
    return !w->tasks->by_id && ledger_idle(w->tasks->ledger);
}

static bool one_is_left(struct world *w)
{
    return tasks_counts(w->tasks).left == 1 && ledger_idle(w->tasks->ledger);
}

/* Some seconds of sound, as a segment of alice. */
static struct memory_sink *record(void)
{
    static const uint8_t mono[4] = { 0x01, 2, 3, 4 }, stereo[4] = { 0x21, 2, 3, 4 };
    struct memory_sink *m = memory_sink_new();
    struct hls_writer *writer;
    const struct hls_config config = {
        .names = { .sdk_app_id = WORLD_APP, .room_id = "room", .user_id = "alice" },
        .streams = HLS_AUDIO,
        .version = "v",
        .date = "d",
        .silence = { { mono, 4 }, { stereo, 4 } },
        .sink = &m->sink,
    };
    assert_int_equal(hls_writer_new(&writer, &config, NULL), OK);
    for (unsigned n = 0; n < 150; n++) {
        struct frame *f = make_audio(T0, n, 1);
        assert_int_equal(hls_writer_push(writer, f), OK);
        frame_unref(f);
    }
    assert_int_equal(hls_writer_finish(writer, true), OK);
    hls_writer_free(writer);
    assert_int_equal(m->files, 1);
    return m;
}

static void tear(struct world *w, char path[512])
{
    struct memory_sink *m = record();
    snprintf(path, 512, "%s/spool/%s/%s.part", w->dir.path, w->task_id, m->file[0].name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(m->file[0].bytes.ptr, 1, m->file[0].bytes.len - 100, f),
                     m->file[0].bytes.len - 100);
    fclose(f);
    memory_sink_free(m);
}

/* It stays for a start that finds a better disk; what else there is goes up meanwhile. */
static void it_stays_until_it_can_be_made_whole(void **state)
{
    struct world *w = *state;
    char path[512], events[1024];
    assert_true(world_create(w, "room", "robot"));
    world_record(w, w->task_id, "v_1.ts");
    tear(w, path);
    disk_fails = true;
    for (int starts = 0; starts < 2; starts++) {
        world_stop(w);
        world_start(w);
        world_pass(w, 10 * SEC);
        world_wait(w, one_is_left);
        assert_int_equal(access(path, F_OK), 0);
    }
    disk_fails = false;
    world_stop(w);
    world_start(w);
    world_pass(w, 10 * SEC);
    world_wait(w, nobody);
    assert_int_not_equal(access(path, F_OK), 0);
    world_events(w, w->task_id, events);
    assert_string_equal(events, "301 0, 303 0, 302 100, 305 1, 307, 304, 305 2");
    assert_int_equal(world_rows(w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stays_until_it_can_be_made_whole, setup, teardown),
    };
    log_setup(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
