#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "upload/plan.h"

/* A version whose bytes are its generation. */
static int version_fd(unsigned generation)
{
    int fd = memfd_create("version", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, &generation, sizeof generation, 0), sizeof generation);
    return fd;
}

static unsigned generation_of(int fd)
{
    unsigned generation;
    assert_int_equal(pread(fd, &generation, sizeof generation, 0), sizeof generation);
    return generation;
}

static void add_version(struct plan *p, const char *playlist, unsigned generation, bool last)
{
    assert_int_equal(plan_add_version(p, playlist, version_fd(generation), 4, generation, last),
                     OK);
}

static struct plan_item take(struct plan *p, const char *name, unsigned generation)
{
    struct plan_item item;
    assert_true(plan_ready(p));
    assert_true(plan_next(p, &item));
    assert_string_equal(item.name, name);
    if (generation)
        assert_int_equal(generation_of(item.fd), generation);
    else
        assert_int_equal(item.fd, -1);
    return item;
}

static void nothing_to_take(struct plan *p)
{
    struct plan_item item;
    assert_false(plan_ready(p));
    assert_false(plan_next(p, &item));
}

static void a_playlist_waits_for_its_segments(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    assert_int_equal(plan_add_segment(p, "v1.ts", "v.m3u8", 10), OK);
    assert_int_equal(plan_add_segment(p, "v1.ts", "v.m3u8", 10), ERR_EXISTS);
    add_version(p, "v.m3u8", 1, false);
    struct plan_item s1 = take(p, "v1.ts", 0);
    nothing_to_take(p);
    assert_int_equal(plan_add_segment(p, "v2.ts", "v.m3u8", 20), OK);
    assert_int_equal(plan_counts(p).files, 3);
    assert_int_equal(plan_counts(p).bytes, 34);
    struct plan_item s2 = take(p, "v2.ts", 0);
    plan_done(p, &s2); /* the later one first: version 1 still waits for the first */
    nothing_to_take(p);
    plan_done(p, &s1);
    struct plan_item v = take(p, "v.m3u8", 1);
    assert_true(v.first);
    assert_false(v.last);
    plan_done(p, &v);
    assert_true(plan_empty(p));
    assert_string_equal(plan_unfinished(p), "v.m3u8");

    add_version(p, "v.m3u8", 2, true);
    assert_null(plan_unfinished(p));
    int late = version_fd(3);
    assert_int_equal(plan_add_version(p, "v.m3u8", late, 4, 3, false), ERR_BAD_STATE);
    close(late);
    v = take(p, "v.m3u8", 2);
    assert_false(v.first);
    assert_true(v.last);
    plan_done(p, &v);
    assert_true(plan_empty(p));
    assert_int_equal(plan_counts(p).bytes, 0);
    plan_free(p);
}

static void newer_versions_replace_older_ones(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    add_version(p, "v.m3u8", 1, false);
    add_version(p, "v.m3u8", 2, false);
    add_version(p, "v.m3u8", 3, false);
    add_version(p, "v.m3u8", 2, false); /* comes too late */
    struct plan_item v = take(p, "v.m3u8", 3);
    assert_int_equal(plan_counts(p).files, 1);
    add_version(p, "v.m3u8", 4, false);
    nothing_to_take(p); /* one after the other */
    plan_retry(p, &v);
    v = take(p, "v.m3u8", 4); /* the failed one is not worth another try */
    add_version(p, "v.m3u8", 5, false);
    plan_done(p, &v);
    v = take(p, "v.m3u8", 5);
    plan_done(p, &v);
    nothing_to_take(p);
    plan_free(p);
}

/* The recording is always one segment ahead of the bucket. */
static void a_slow_bucket_still_gets_playlists(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    struct plan_item before = { 0 }, item;
    unsigned shown = 0;
    for (unsigned g = 1; g <= 20; g++) {
        char name[16];
        snprintf(name, sizeof name, "v%u.ts", g);
        assert_int_equal(plan_add_segment(p, name, "v.m3u8", 1), OK);
        add_version(p, "v.m3u8", g, false);
        if (before.name)
            plan_done(p, &before);
        bool segment = false;
        while (plan_next(p, &item)) {
            if (item.fd < 0) {
                before = item;
                segment = true;
            } else {
                assert_true(generation_of(item.fd) > shown);
                shown = generation_of(item.fd);
                plan_done(p, &item);
            }
        }
        assert_true(segment);
        assert_true(shown + 2 >= g);
    }
    plan_free(p);
}

static void a_failed_version_keeps_its_place(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    add_version(p, "v.m3u8", 1, false);
    struct plan_item v = take(p, "v.m3u8", 1);
    plan_add_segment(p, "v1.ts", "v.m3u8", 1);
    add_version(p, "v.m3u8", 2, false);
    plan_add_segment(p, "v2.ts", "v.m3u8", 1);
    add_version(p, "v.m3u8", 3, true);
    plan_retry(p, &v);
    struct plan_item s1 = take(p, "v1.ts", 0), s2 = take(p, "v2.ts", 0);
    v = take(p, "v.m3u8", 1);
    plan_retry(p, &v);
    plan_done(p, &s1);
    plan_lost(p, &s2);
    v = take(p, "v.m3u8", 3);
    assert_true(v.last && v.first);
    plan_done(p, &v);
    assert_true(plan_empty(p));
    nothing_to_take(p);
    plan_free(p);
}

static void failures_go_to_the_end_of_the_line(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    plan_add_segment(p, "a.ts", "", 1);
    plan_add_segment(p, "b.ts", "", 1);
    struct plan_item a = take(p, "a.ts", 0);
    plan_retry(p, &a);
    struct plan_item b = take(p, "b.ts", 0);
    a = take(p, "a.ts", 0);
    plan_done(p, &a);
    plan_done(p, &b);
    assert_true(plan_empty(p));
    assert_null(plan_unfinished(p));
    plan_free(p);
}

static void a_forgotten_playlist_lets_go(void **state)
{
    (void)state;
    struct plan *p = plan_new();
    plan_add_segment(p, "v1.ts", "v.m3u8", 1);
    plan_forget(p, "v.m3u8");
    plan_forget(p, "unknown");
    struct plan_item s = take(p, "v1.ts", 0);
    plan_done(p, &s);
    assert_true(plan_empty(p));

    for (int retry = 0; retry < 2; retry++) { /* while it is taken */
        add_version(p, "w.m3u8", 1, false);
        struct plan_item v = take(p, "w.m3u8", 1);
        add_version(p, "w.m3u8", 2, false);
        plan_forget(p, "w.m3u8");
        (retry ? plan_retry : plan_done)(p, &v);
        assert_true(plan_empty(p));
        assert_null(plan_unfinished(p));
    }
    plan_free(p);
}

/* A model that knows only the rule: a version needs what was added before it. */
#define SEGMENTS 2000

struct model {
    struct plan *plan;
    unsigned seed;
    unsigned added[3];           /* segments per playlist */
    bool acked[3][SEGMENTS];     /* by number */
    unsigned needs[3][SEGMENTS]; /* by generation */
    unsigned generation[3], shown[3];
    struct plan_item taken[16];
    int count;
};

static unsigned dice(struct model *m, unsigned n)
{
    m->seed = m->seed * 1103515245u + 12345u;
    return (m->seed >> 16) % n;
}

static void model_add(struct model *m)
{
    unsigned k = dice(m, 3);
    char name[32], playlist[16];
    snprintf(playlist, sizeof playlist, "%u.m3u8", k);
    if (dice(m, 2)) {
        snprintf(name, sizeof name, "%u_%u.ts", k, ++m->added[k]);
        assert_int_equal(plan_add_segment(m->plan, name, playlist, 1), OK);
    } else {
        m->needs[k][++m->generation[k]] = m->added[k];
        add_version(m->plan, playlist, m->generation[k], false);
    }
}

static void model_check_version(struct model *m, const struct plan_item *item)
{
    unsigned k = (unsigned)item->name[0] - '0', g = generation_of(item->fd);
    assert_true(g > m->shown[k]);
    for (unsigned i = 1; i <= m->needs[k][g]; i++)
        if (!m->acked[k][i])
            fail_msg("version %u of playlist %u before segment %u", g, k, i);
}

static void model_take(struct model *m)
{
    struct plan_item item;
    if (m->count == 16 || !plan_next(m->plan, &item))
        return;
    if (item.fd >= 0)
        model_check_version(m, &item);
    for (int i = 0; i < m->count; i++)
        assert_string_not_equal(m->taken[i].name, item.name);
    m->taken[m->count++] = item;
}

static void model_end(struct model *m, bool may_fail)
{
    if (!m->count)
        return;
    int i = (int)dice(m, (unsigned)m->count);
    struct plan_item item = m->taken[i];
    m->taken[i] = m->taken[--m->count];
    if (may_fail && dice(m, 3) == 0) {
        plan_retry(m->plan, &item);
        return;
    }
    unsigned k = (unsigned)item.name[0] - '0', n;
    if (item.fd >= 0)
        m->shown[k] = generation_of(item.fd);
    else if (sscanf(item.name + 2, "%u", &n) == 1)
        m->acked[k][n] = true;
    plan_done(m->plan, &item);
}

static void order_holds_whatever_fails(void **state)
{
    (void)state;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : random_u32();
    printf("SEED=%u\n", seed);
    struct model *m = calloc(1, sizeof *m);
    m->plan = plan_new();
    m->seed = seed;
    for (int i = 0; i < 5000; i++) {
        unsigned what = dice(m, 10);
        if (what < 2)
            model_add(m);
        else if (what < 6)
            model_take(m);
        else
            model_end(m, true);
    }
    while (!plan_empty(m->plan)) {
        struct plan_counts before = plan_counts(m->plan);
        model_take(m);
        model_take(m);
        model_end(m, false);
        assert_true(plan_counts(m->plan).files < before.files);
    }
    for (int k = 0; k < 3; k++) {
        assert_int_equal(m->shown[k], m->generation[k]);
        for (unsigned i = 1; i <= m->added[k]; i++)
            assert_true(m->acked[k][i]);
    }
    plan_free(m->plan);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_playlist_waits_for_its_segments),
        cmocka_unit_test(newer_versions_replace_older_ones),
        cmocka_unit_test(a_slow_bucket_still_gets_playlists),
        cmocka_unit_test(a_failed_version_keeps_its_place),
        cmocka_unit_test(failures_go_to_the_end_of_the_line),
        cmocka_unit_test(a_forgotten_playlist_lets_go),
        cmocka_unit_test(order_holds_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
