#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "serve/disk_watch.h"

struct world {
    struct temp_dir dir;
    struct spool *spool;
    struct disk_watch_config config;
    struct disk_watch *watch;
    int err;
};

static void open_watch(void *ctx)
{
    struct world *w = ctx;
    w->watch = NULL;
    w->err = disk_watch_open(&w->watch, &w->config);
}

static void close_watch(void *ctx)
{
    disk_watch_close(((struct world *)ctx)->watch);
}

static int start(void **state)
{
    static struct world w;
    w = (struct world){ .dir = temp_dir_new() };
    if (spool_open(&w.spool, w.dir.path) || loop_new(&w.config.loop, "control", 10))
        return -1;
    w.config.path = w.dir.path;
    w.config.spool = w.spool;
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    loop_free(w->config.loop);
    spool_close(w->spool);
    temp_dir_free(&w->dir);
    return 0;
}

static struct disk_usage usage_with(struct world *w, uint64_t reserve)
{
    w->config.reserve = reserve;
    loop_call(w->config.loop, open_watch, w);
    assert_int_equal(w->err, OK);
    struct disk_usage usage = disk_watch_usage(w->watch);
    loop_call(w->config.loop, close_watch, w);
    return usage;
}

static void it_knows_the_room_at_once(void **state)
{
    struct world *w = *state;
    struct disk_usage usage = usage_with(w, 0);
    assert_true(usage.free > 0 && usage.free <= usage.size);
    assert_false(usage.low);
    assert_int_equal(usage.spool, 0);
    assert_true(usage_with(w, usage.size).low);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    struct world *w = *state;
    w->config.path = "/proc/self/no-such-folder";
    loop_call(w->config.loop, open_watch, w);
    assert_int_equal(w->err, ERR_IO);
    assert_null(w->watch);
    loop_call(w->config.loop, close_watch, w); /* of none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_knows_the_room_at_once, start, stop),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
