/* The uploader against a bucket that does what the test says, in virtual time, on a real spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "base/random.h"
#include "io/file.h"
#include "observe/log.h"
#include "spool/spool.h"
#include "upload/backoff.h"
#include "upload/uploader.h"

/* ---- a bucket by script ---- */

struct object {
    struct object *next;
    char *key, *text;
};

struct fake {
    struct bucket bucket;
    struct list puts;       /* struct bucket_job, by .in_puts */
    struct object *objects; /* newest first */
    int running, most, cancelled, freed, puts_begun;
    bool refuse; /* to begin */
};

struct bucket_job {
    struct link in_puts;
    char *key, *text, *type;
    bool may_link;
    bucket_done *done;
    void *ctx;
};

static const char *object_text(struct fake *f, const char *key)
{
    for (struct object *o = f->objects; o; o = o->next)
        if (strcmp(o->key, key) == 0)
            return o->text;
    return NULL;
}

static int fake_put(struct bucket *b, const struct bucket_put *put, bucket_done *done, void *ctx,
                    struct bucket_job **out)
{
    struct fake *f = (struct fake *)b;
    struct buf text;
    if (f->refuse)
        return ERR_NOMEM;
    buf_init(&text, 1u << 20);
    assert_int_equal(file_read_fd(&text, put->fd), OK);
    assert_int_equal(text.len, put->size);
    struct bucket_job *job = calloc(1, sizeof *job);
    job->key = strdup(put->key);
    job->text = buf_detach(&text);
    job->type = strdup(put->content_type);
    job->may_link = put->may_link;
    job->done = done;
    job->ctx = ctx;
    list_append(&f->puts, &job->in_puts);
    f->running++;
    f->puts_begun++;
    if (f->running > f->most)
        f->most = f->running;
    *out = job;
    return OK;
}

static void free_put(struct fake *f, struct bucket_job *job)
{
    list_remove(&job->in_puts);
    f->running--;
    free(job->key);
    free(job->text);
    free(job->type);
    free(job);
}

static void fake_cancel(struct bucket *b, struct bucket_job *job)
{
    ((struct fake *)b)->cancelled++;
    free_put((struct fake *)b, job);
}

static void fake_free(struct bucket *b)
{
    struct fake *f = (struct fake *)b;
    assert_true(list_empty(&f->puts));
    f->freed++;
}

static const struct bucket_ops fake_ops = { fake_put, fake_cancel, fake_free };

static void fake_init(struct fake *f, const char *id)
{
    *f = (struct fake){ .bucket = { &fake_ops, id } };
    list_init(&f->puts);
}

static void fake_fini(struct fake *f)
{
    assert_int_equal(f->freed, 1);
    for (struct object *o = f->objects, *next; o; o = next) {
        next = o->next;
        free(o->key);
        free(o->text);
        free(o);
    }
}

/* Whatever a playlist in the bucket names is in the bucket. */
static void check_playlist(struct fake *f, const char *key, const char *text)
{
    const char *slash = strrchr(key, '/');
    char *copy = strdup(text), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char named[256];
        snprintf(named, sizeof named, "%.*s/%s", (int)(slash - key), key, line);
        if (line[0] != '#' && !object_text(f, named))
            fail_msg("%s names %s, which is not there", key, named);
    }
    free(copy);
}

static void answer(struct fake *f, struct bucket_job *job, enum upload_result result)
{
    struct upload_outcome outcome = { .result = result };
    bucket_done *done = job->done;
    void *ctx = job->ctx;
    if (result == UPLOAD_OK) {
        struct object *o = calloc(1, sizeof *o);
        *o = (struct object){ f->objects, strdup(job->key), strdup(job->text) };
        if (file_has_suffix(job->key, ".m3u8"))
            check_playlist(f, job->key, job->text);
        f->objects = o;
    } else {
        snprintf(outcome.code, sizeof outcome.code, "Code%d", result);
    }
    free_put(f, job);
    done(ctx, &outcome);
}

static struct bucket_job *first_put(struct fake *f)
{
    return list_first(&f->puts, struct bucket_job, in_puts);
}

/* ---- the world ---- */

struct world {
    struct temp_dir dir;
    struct spool *spool;
    struct uploader *uploader;
    usec_t now, wake;
    usec_t step; /* time goes on by this with each look at the clock */
    unsigned seed;
};

static usec_t world_now(void *ctx)
{
    struct world *w = ctx;
    usec_t now = w->now;
    w->now += w->step;
    return now;
}

static void world_wake_at(void *ctx, usec_t deadline)
{
    ((struct world *)ctx)->wake = deadline;
}

static uint32_t world_random(void *ctx)
{
    struct world *w = ctx;
    w->seed = w->seed * 1103515245u + 12345u;
    return w->seed >> 8;
}

static void setup(struct world *w, struct upload_limits limits)
{
    *w = (struct world){ .dir = temp_dir_new(), .wake = USEC_NEVER, .seed = 1 };
    struct upload_clock clock = { world_now, world_wake_at, world_random, w };
    assert_int_equal(spool_open(&w->spool, w->dir.path), OK);
    w->uploader = uploader_new(&clock, &limits);
    assert_non_null(w->uploader);
}

static void teardown(struct world *w)
{
    uploader_free(w->uploader);
    assert_true(w->wake == USEC_NEVER);
    spool_close(w->spool);
    temp_dir_free(&w->dir);
}

/* Runs all ticks that are due. */
static void run(struct world *w)
{
    while (w->wake <= w->now) {
        w->wake = USEC_NEVER;
        uploader_tick(w->uploader);
    }
}

static void run_until(struct world *w, usec_t until)
{
    run(w);
    while (w->wake <= until) {
        w->now = w->wake;
        run(w);
    }
    w->now = until;
}

/* ---- a task that listens ---- */

struct listener {
    struct world *world;
    struct upload_task *task;
    struct spool_folder *folder;
    char id[32];
    int first, errors, idle, delivered, stuck, expired, asked, holds;
    usec_t stuck_at;
    char first_name[64], error_name[64];
    enum upload_result error;
    bool free_on_first, free_on_error;
};

static void let_go(struct listener *l)
{
    upload_task_free(l->task);
    l->task = NULL;
}

static void on_first(void *ctx, const char *playlist)
{
    struct listener *l = ctx;
    l->first++;
    snprintf(l->first_name, sizeof l->first_name, "%s", playlist);
    if (l->free_on_first)
        let_go(l);
}

static void on_error(void *ctx, const char *name, const struct upload_outcome *outcome)
{
    struct listener *l = ctx;
    l->errors++;
    l->error = outcome->result;
    snprintf(l->error_name, sizeof l->error_name, "%s", name);
    if (l->free_on_error)
        let_go(l);
}

static void on_idle(void *ctx)
{
    struct listener *l = ctx;
    assert_int_equal(upload_task_counts(l->task).files, 0);
    l->idle++;
}

static void on_delivered(void *ctx)
{
    struct listener *l = ctx;
    l->delivered++;
    assert_false(temp_dir_has(&l->world->dir, l->id));
    let_go(l);
}

static void on_stuck(void *ctx)
{
    struct listener *l = ctx;
    l->stuck++;
    l->stuck_at = l->world->now;
}

static void on_expired(void *ctx)
{
    struct listener *l = ctx;
    l->expired++;
    let_go(l);
}

static bool on_complete(void *ctx)
{
    struct listener *l = ctx;
    assert_int_equal(upload_task_counts(l->task).files, 0);
    return l->asked++ >= l->holds;
}

static const struct upload_events events = { .first_playlist = on_first,
                                             .error = on_error,
                                             .stuck = on_stuck,
                                             .expired = on_expired,
                                             .idle = on_idle,
                                             .complete = on_complete,
                                             .delivered = on_delivered };

static void attach(struct listener *l, struct fake *f)
{
    assert_int_equal(
        upload_task_new(&l->task, l->world->uploader, l->folder, &f->bucket, "a/b", &events, l),
        OK);
}

static void new_task(struct listener *l, struct world *w, struct fake *f, const char *id)
{
    *l = (struct listener){ .world = w };
    snprintf(l->id, sizeof l->id, "%s", id);
    struct spool_meta meta = { .task_id = l->id, .room = "1", .robot = "r", .storage = "" };
    assert_int_equal(spool_create(&l->folder, w->spool, &meta), OK);
    attach(l, f);
}

static void end_listener(struct listener *l)
{
    upload_task_free(l->task);
    spool_folder_unref(l->folder);
}

/* What most tests need: one task, with one bucket. */
static void begin_one(struct world *w, struct fake *f, struct listener *l)
{
    setup(w, UPLOAD_LIMITS_DEFAULT);
    fake_init(f, "one");
    new_task(l, w, f, "task-1");
}

static void end_one(struct world *w, struct fake *f, struct listener *l)
{
    end_listener(l);
    teardown(w);
    fake_fini(f);
}

static void write_file(struct listener *l, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", l->id, name);
    temp_dir_write(&l->world->dir, path, text);
}

static void add_segment(struct listener *l, const char *name, const char *playlist)
{
    write_file(l, name, name);
    assert_int_equal(upload_task_segment(l->task, name, playlist, strlen(name)), OK);
}

/* As the spool does it: the version replaces the file, and comes with an open descriptor. */
static void add_playlist(struct listener *l, const char *name, const char *text,
                         unsigned generation, bool last)
{
    int dir = spool_folder_dir(l->folder);
    unlinkat(dir, name, 0);
    write_file(l, name, text);
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    assert_int_equal(upload_task_playlist(l->task, name, fd, strlen(text), generation, last), OK);
    close(fd);
}

static bool has(struct listener *l, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", l->id, name);
    return temp_dir_has(&l->world->dir, path);
}

static struct bucket_job *expect(struct fake *f, const char *key)
{
    list_each(job, &f->puts, struct bucket_job, in_puts) if (strcmp(job->key, key) == 0) return job;
    fail_msg("%s is not on its way", key);
    return NULL;
}

/* ---- the tests ---- */

static void a_task_is_delivered(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "v.m3u8");
    add_playlist(&l, "v.m3u8", "#EXTM3U\nv_1.ts\n", 1, false);
    assert_int_equal(f.running, 0); /* nothing begins within a call */
    run(&w);
    assert_int_equal(f.running, 1);
    struct bucket_job *job = expect(&f, "a/b/task-1/v_1.ts");
    assert_string_equal(job->type, "video/mp2t");
    assert_true(job->may_link);
    answer(&f, job, UPLOAD_OK);
    assert_false(has(&l, "v_1.ts"));
    run(&w);
    job = expect(&f, "a/b/task-1/v.m3u8");
    assert_string_equal(job->type, "application/vnd.apple.mpegurl");
    assert_false(job->may_link);
    assert_int_equal(l.first, 0);
    answer(&f, job, UPLOAD_OK);
    assert_int_equal(l.first, 1);
    assert_string_equal(l.first_name, "v.m3u8");
    assert_true(has(&l, "v.m3u8"));
    run(&w);
    assert_int_equal(l.idle, 1);

    add_segment(&l, "v_2.ts", "v.m3u8");
    add_playlist(&l, "v.m3u8", "#EXTM3U\nv_1.ts\nv_2.ts\n#EXT-X-ENDLIST\n", 2, true);
    upload_task_end(l.task, USEC_NEVER);
    run(&w);
    answer(&f, expect(&f, "a/b/task-1/v_2.ts"), UPLOAD_OK);
    run(&w);
    assert_int_equal(l.delivered, 0);
    answer(&f, expect(&f, "a/b/task-1/v.m3u8"), UPLOAD_OK);
    run(&w);
    assert_int_equal(l.first, 1);
    assert_int_equal(l.idle, 2);
    assert_int_equal(l.delivered, 1);
    assert_int_equal(l.errors, 0);
    end_one(&w, &f, &l);
}

static void an_empty_task_is_delivered(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    run(&w);
    assert_int_equal(l.idle, 0);
    upload_task_end(l.task, USEC_NEVER);
    run(&w);
    assert_int_equal(l.idle, 0);
    assert_int_equal(l.delivered, 1);
    end_one(&w, &f, &l);
}

/* What nobody told of goes up before, and the folder stays until it may go. */
static void the_folder_stays_until_it_may_go(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    l.holds = 2;
    write_file(&l, "untold.mp4", "file");
    upload_task_end(l.task, USEC_NEVER);
    run(&w);
    answer(&f, first_put(&f), UPLOAD_OK);
    run(&w);
    assert_int_equal(l.asked, 1);
    assert_false(temp_dir_has(&w.dir, "task-1/untold.mp4"));
    assert_true(temp_dir_has(&w.dir, "task-1"));
    upload_task_complete(l.task);
    run(&w);
    assert_int_equal(l.asked, 2);
    assert_int_equal(l.delivered, 0);
    upload_task_complete(l.task);
    run(&w);
    assert_int_equal(l.delivered, 1);
    end_one(&w, &f, &l);
}

static void bounds_hold_and_tasks_take_turns(void **state)
{
    (void)state;
    struct world w;
    struct fake f[6];
    struct listener l[6];
    setup(&w, (struct upload_limits){ .bucket_jobs = 4, .total_jobs = 10 });
    for (int i = 0; i < 6; i++) {
        char id[16], name[16];
        snprintf(id, sizeof id, "task-%d", i);
        fake_init(&f[i], i < 2 ? "shared" : strdup(id));
        new_task(&l[i], &w, &f[i], id);
        for (int k = 0; k < 8; k++) {
            snprintf(name, sizeof name, "%d.ts", k);
            add_segment(&l[i], name, "");
        }
    }
    run(&w);
    int total = 0;
    for (int i = 0; i < 6; i++)
        total += f[i].running;
    assert_int_equal(total, 10);
    for (int i = 0; i < 6; i++)
        assert_true(f[i].running >= 1);
    assert_int_equal(f[0].running + f[1].running, 2);
    for (int round = 0; round < 48; round++) {
        struct fake *g = &f[round % 6];
        if (first_put(g))
            answer(g, first_put(g), UPLOAD_OK);
        run(&w);
        total = 0;
        for (int i = 0; i < 6; i++)
            total += f[i].running;
        assert_true(total <= 10);
        assert_true(f[0].running + f[1].running <= 4);
    }
    for (int i = 0; i < 6; i++) {
        for (; first_put(&f[i]); run(&w))
            answer(&f[i], first_put(&f[i]), UPLOAD_OK);
        assert_true(f[i].most <= 4);
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(upload_task_counts(l[i].task).files, 0);
        end_listener(&l[i]);
        if (i >= 2)
            free((void *)(uintptr_t)f[i].bucket.id);
    }
    teardown(&w);
    for (int i = 0; i < 6; i++)
        fake_fini(&f[i]);
}

/* A pause that ends, or a task that becomes stuck, while a tick runs. */
static void what_is_due_within_a_tick_is_woken_for(void **state)
{
    (void)state;
    for (usec_t before = 0; before < 12; before++) {
        struct world w;
        struct fake f;
        struct listener l;
        begin_one(&w, &f, &l);
        w.now = 1000 * SEC;
        add_segment(&l, "0.ts", "");
        run(&w);
        answer(&f, first_put(&f), UPLOAD_RETRY);
        run(&w);
        usec_t due = w.wake;
        w.now = due - before;
        w.step = 1;
        uploader_tick(w.uploader);
        assert_true(f.running == 1 || w.wake == due);
        w.step = 0;
        run_until(&w, due + SEC);
        answer(&f, first_put(&f), UPLOAD_OK);
        run(&w);
        end_listener(&l);
        teardown(&w);
        fake_fini(&f);
    }
}

static void failures_pause_and_probe(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    w.now = 1000 * SEC;
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.ts", i);
        add_segment(&l, name, "");
    }
    run(&w);
    assert_int_equal(f.running, 4);
    assert_true(upload_task_counts(l.task).failing_since == USEC_UNSET);
    while (first_put(&f)) /* side by side: one failure */
        answer(&f, first_put(&f), UPLOAD_RETRY);
    run(&w);
    assert_int_equal(f.running, 0);
    assert_int_equal(l.errors, 1);
    assert_true(upload_task_counts(l.task).failing_since == 1000 * SEC);

    uint64_t delivered_bytes = upload_task_counts(l.task).bytes;
    usec_t low = BACKOFF_MIN;
    for (int i = 0; i < 15; i++) {
        usec_t failed = w.now;
        run(&w);
        assert_true(w.wake >= failed + low && w.wake <= failed + 2 * low);
        run_until(&w, w.wake - 1);
        assert_int_equal(f.running, 0);
        run_until(&w, w.now + 1);
        assert_int_equal(f.running, 1); /* one at a time */
        answer(&f, first_put(&f), i < 10 ? UPLOAD_RETRY : UPLOAD_DENIED);
        low = 2 * low < BACKOFF_MAX / 2 ? 2 * low : BACKOFF_MAX / 2;
    }
    assert_int_equal(l.errors, 2); /* the reason changed once */
    assert_int_equal(l.error, UPLOAD_DENIED);
    assert_int_equal(upload_task_counts(l.task).files, 8);
    assert_true(uploader_counts(w.uploader).failing_since == 1000 * SEC);

    run(&w);
    run_until(&w, w.wake);
    answer(&f, first_put(&f), UPLOAD_OK);
    run(&w);
    assert_int_equal(f.running, 4); /* back to work */
    assert_true(upload_task_counts(l.task).failing_since == USEC_UNSET);
    for (; first_put(&f); run(&w))
        answer(&f, first_put(&f), UPLOAD_OK);
    assert_int_equal(l.idle, 1);

    const struct uploader_stats *stats = uploader_stats(w.uploader);
    assert_int_equal(counter_get(&stats->results[UPLOAD_RETRY]), 4 + 10);
    assert_int_equal(counter_get(&stats->results[UPLOAD_DENIED]), 5);
    assert_int_equal(counter_get(&stats->results[UPLOAD_OK]), 8);
    assert_int_equal(counter_get(&stats->bytes), delivered_bytes);
    assert_int_equal(counter_get(&stats->took.buckets[0]), 4 + 15 + 8);
    end_one(&w, &f, &l);
}

static void dead_buckets_hold_up_nobody(void **state)
{
    (void)state;
    enum { DEAD = 60 };
    struct world w;
    static struct fake f[DEAD + 1];
    static struct listener l[DEAD + 1];
    setup(&w, UPLOAD_LIMITS_DEFAULT);
    for (int i = 0; i < DEAD; i++) {
        char id[16];
        snprintf(id, sizeof id, "dead-%d", i);
        fake_init(&f[i], strdup(id));
        new_task(&l[i], &w, &f[i], id);
        add_segment(&l[i], "x.ts", "");
        add_segment(&l[i], "y.ts", "");
    }
    for (int round = 0; round < 10; round++) { /* until each of them has failed */
        run(&w);
        for (int i = 0; i < DEAD; i++)
            while (first_put(&f[i]))
                answer(&f[i], first_put(&f[i]), UPLOAD_RETRY);
    }
    run_until(&w, 3600 * SEC); /* now their tries hang */
    int hanging = 0;
    for (int i = 0; i < DEAD; i++)
        hanging += f[i].running;
    assert_int_equal(hanging, 16);

    fake_init(&f[DEAD], "healthy");
    new_task(&l[DEAD], &w, &f[DEAD], "healthy");
    for (int i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.ts", i);
        add_segment(&l[DEAD], name, "");
    }
    run(&w);
    assert_int_equal(f[DEAD].running, 4);
    for (int i = 0; i <= DEAD; i++) {
        end_listener(&l[i]);
        fake_fini(&f[i]);
        if (i < DEAD)
            free((void *)(uintptr_t)f[i].bucket.id);
    }
    teardown(&w);
}

static void a_task_may_go_at_any_time(void **state)
{
    (void)state;
    struct world w;
    struct fake f, again;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "v.m3u8");
    add_playlist(&l, "v.m3u8", "v_1.ts\n", 1, false);
    run(&w);
    let_go(&l);
    assert_int_equal(f.cancelled, 1);
    assert_int_equal(f.freed, 1);
    assert_true(has(&l, "v_1.ts") && has(&l, "v.m3u8"));
    run(&w);
    fake_fini(&f);

    for (int when = 0; when < 3; when++) { /* from within callbacks */
        fake_init(&again, "one");
        attach(&l, &again);
        l.free_on_error = when > 0;
        l.free_on_first = true;
        again.refuse = when == 1;
        assert_int_equal(upload_task_recover(l.task, false), OK);
        run(&w);
        if (when == 2)
            answer(&again, first_put(&again), UPLOAD_DENIED);
        if (when == 0) {
            answer(&again, first_put(&again), UPLOAD_OK);
            run(&w);
            answer(&again, first_put(&again), UPLOAD_OK);
            assert_int_equal(l.first, 1);
        }
        assert_null(l.task);
        run(&w);
        fake_fini(&again);
    }
    end_listener(&l);
    teardown(&w);
}

static void a_scan_takes_up_what_a_crash_left(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    /* v_1 was acknowledged before; v_4 was cut off from its playlist; w is finished; x was never
     * put. */
    write_file(&l, "v_2.ts", "two");
    write_file(&l, "v_3.ts", "three");
    write_file(&l, "v_4.ts", "four");
    write_file(&l, "v_5.ts.part", "half");
    write_file(&l, "v.m3u8",
               "#EXTM3U\r\n#EXTINF:10.0,\r\nv_1.ts\r\nv_2.ts\n../task.json\ntask.json\nv_3.ts");
    write_file(&l, "w_1.ts", "w one");
    write_file(&l, "w.m3u8", "#EXTM3U\nw_1.ts\n#EXT-X-ENDLIST\n");
    write_file(&l, "whole.mp4", "mp4");
    struct object *o = calloc(1, sizeof *o);
    *o = (struct object){ NULL, strdup("a/b/task-1/v_1.ts"), strdup("one") };
    f.objects = o;
    for (const char *const *name = (const char *const[]){ "../task.json", "task.json", NULL };
         *name; name++) {
        char key[64];
        o = calloc(1, sizeof *o);
        snprintf(key, sizeof key, "a/b/task-1/%s", *name);
        *o = (struct object){ f.objects, strdup(key), strdup("") };
        f.objects = o;
    }
    /* the CR lines are for the reader only: name them for the model, too */
    o = calloc(1, sizeof *o);
    *o = (struct object){ f.objects, strdup("a/b/task-1/v_1.ts\r"), strdup("") };
    f.objects = o;
    o = calloc(1, sizeof *o);
    *o = (struct object){ f.objects, strdup("a/b/task-1/v_2.ts\r"), strdup("") };
    f.objects = o;

    assert_int_equal(upload_task_recover(l.task, true), OK);
    upload_task_end(l.task, USEC_NEVER);
    for (run(&w); first_put(&f); run(&w)) { /* the newest first, to tempt playlists */
        struct bucket_job *job = list_last(&f.puts, struct bucket_job, in_puts);
        answer(&f, job, UPLOAD_OK);
    }
    assert_int_equal(l.delivered, 1);
    assert_int_equal(l.first, 2);
    assert_string_equal(
        object_text(&f, "a/b/task-1/v.m3u8"),
        "#EXTM3U\r\n#EXTINF:10.0,\r\nv_1.ts\r\nv_2.ts\n../task.json\ntask.json\nv_3.ts\n"
        "#EXT-X-ENDLIST\n");
    assert_string_equal(object_text(&f, "a/b/task-1/w.m3u8"), "#EXTM3U\nw_1.ts\n#EXT-X-ENDLIST\n");
    assert_string_equal(object_text(&f, "a/b/task-1/v_4.ts"), "four");
    assert_string_equal(object_text(&f, "a/b/task-1/whole.mp4"), "mp4");
    assert_null(object_text(&f, "a/b/task-1/v_5.ts"));
    end_one(&w, &f, &l);
}

/* A track's writer died: its playlist has no last version; one whole file was never announced. */
static void the_end_closes_what_is_open(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "v.m3u8");
    add_playlist(&l, "v.m3u8", "v_1.ts\n", 1, false);
    add_segment(&l, "n_1.ts", "never-put.m3u8");
    write_file(&l, "stray.ts", "stray");
    upload_task_end(l.task, USEC_NEVER);
    for (run(&w); first_put(&f); run(&w))
        answer(&f, first_put(&f), UPLOAD_OK);
    assert_int_equal(l.delivered, 1);
    assert_string_equal(object_text(&f, "a/b/task-1/v.m3u8"), "v_1.ts\n#EXT-X-ENDLIST\n");
    assert_string_equal(object_text(&f, "a/b/task-1/stray.ts"), "stray");
    assert_string_equal(object_text(&f, "a/b/task-1/n_1.ts"), "n_1.ts");
    assert_null(object_text(&f, "a/b/task-1/never-put.m3u8"));
    end_one(&w, &f, &l);
}

static void a_missing_file_is_reported_and_let_go(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "x.ts", "");
    unlinkat(spool_folder_dir(l.folder), "x.ts", 0);
    upload_task_end(l.task, USEC_NEVER);
    run(&w);
    assert_int_equal(l.errors, 1);
    assert_int_equal(l.error, UPLOAD_LOCAL_GONE);
    assert_string_equal(l.error_name, "x.ts");
    assert_int_equal(l.delivered, 1);
    end_one(&w, &f, &l);
}

/* ---- a bucket that refuses for long ---- */

/* Answers every put at once until then. */
static void answer_until(struct world *w, struct fake *f, usec_t until, enum upload_result result)
{
    for (run(w); first_put(f) || w->wake <= until; run(w)) {
        if (first_put(f))
            answer(f, first_put(f), result);
        else
            w->now = w->wake;
    }
    w->now = until;
}

static void a_task_is_stuck_a_minute_after_its_end(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "");
    answer_until(&w, &f, 3600 * SEC, UPLOAD_DENIED);
    assert_int_equal(l.stuck, 0); /* while it records nothing is left behind */

    int before = f.puts_begun;
    upload_task_end(l.task, USEC_NEVER);
    answer_until(&w, &f, 3600 * SEC + UPLOAD_STUCK_AFTER - 1, UPLOAD_DENIED);
    assert_int_equal(l.stuck, 0);
    assert_in_range(f.puts_begun - before, 4, 8); /* not one only: pauses are short again */
    answer_until(&w, &f, 5000 * SEC, UPLOAD_DENIED);
    assert_int_equal(l.stuck, 1);
    assert_true(l.stuck_at == 3600 * SEC + UPLOAD_STUCK_AFTER);

    answer_until(&w, &f, 6000 * SEC, UPLOAD_OK);
    assert_int_equal(l.delivered, 1);
    assert_int_equal(l.stuck, 1);
    end_one(&w, &f, &l);
}

/* A bucket that fails after the end has its minute from then on, and one that takes a file now and
 * then is not stuck. */
static void stuck_counts_from_the_last_success(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "v_%d.ts", i);
        add_segment(&l, name, "");
    }
    upload_task_end(l.task, USEC_NEVER);
    for (int i = 0; i < 8; i++) {
        answer_until(&w, &f, w.now + 20 * SEC, UPLOAD_RETRY);
        while (!first_put(&f)) {
            w.now = w.wake;
            run(&w);
        }
        answer(&f, first_put(&f), UPLOAD_OK);
    }
    assert_int_equal(l.stuck, 0);
    usec_t since = w.now;
    answer_until(&w, &f, since + 300 * SEC, UPLOAD_RETRY);
    assert_int_equal(l.stuck, 1);
    assert_in_range(l.stuck_at, since + UPLOAD_STUCK_AFTER, since + UPLOAD_STUCK_AFTER + SEC);
    end_one(&w, &f, &l);
}

/* A put that takes longer than the minute may still succeed. */
static void nothing_is_said_during_a_put(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "");
    upload_task_end(l.task, 3600 * SEC);
    answer_until(&w, &f, 10 * SEC, UPLOAD_RETRY);
    while (!first_put(&f)) {
        w.now = w.wake;
        run(&w);
    }
    run_until(&w, 7200 * SEC);
    assert_int_equal(l.stuck + l.expired, 0);
    answer(&f, first_put(&f), UPLOAD_OK);
    run(&w);
    assert_int_equal(l.stuck + l.expired, 0);
    assert_int_equal(l.delivered, 1);
    end_one(&w, &f, &l);
}

static void a_task_expires_and_its_files_stay(void **state)
{
    (void)state;
    struct world w;
    struct fake f;
    struct listener l;
    begin_one(&w, &f, &l);
    add_segment(&l, "v_1.ts", "");
    upload_task_end(l.task, (usec_t)7 * 24 * 3600 * SEC);
    answer_until(&w, &f, (usec_t)7 * 24 * 3600 * SEC - 1, UPLOAD_DENIED);
    assert_int_equal(l.stuck, 1);
    assert_int_equal(l.expired, 0);
    assert_true(f.puts_begun > 900); /* every ten minutes at least */
    answer_until(&w, &f, (usec_t)8 * 24 * 3600 * SEC, UPLOAD_DENIED);
    assert_int_equal(l.expired, 1);
    assert_true(temp_dir_has(&w.dir, "task-1/v_1.ts"));
    end_one(&w, &f, &l);
}

/* ---- whatever happens ---- */

#define TASKS 6

struct track {
    int segments;
    unsigned generation;
    bool ended;
    struct buf text;
};

static void record_a_bit(struct listener *l, struct track *t, int steps)
{
    char name[32];
    if (t->ended)
        return;
    snprintf(name, sizeof name, "v_%d.ts", ++t->segments);
    add_segment(l, name, "v.m3u8");
    buf_printf(&t->text, "%s\n", name);
    t->ended = t->segments == steps;
    if (t->ended)
        buf_put_str(&t->text, "#EXT-X-ENDLIST\n");
    add_playlist(l, "v.m3u8", buf_str(&t->text), ++t->generation, t->ended);
    if (t->ended)
        upload_task_end(l->task, USEC_NEVER);
}

static bool all_delivered(struct listener *l)
{
    for (int i = 0; i < TASKS; i++)
        if (!l[i].delivered)
            return false;
    return true;
}

/* The daemon dies and starts again: the task is let go, and taken up from its folder. */
static void restart(struct listener *l, struct fake *f, struct track *t)
{
    let_go(l);
    assert_int_equal(f->freed, 1);
    f->freed = 0;
    attach(l, f);
    assert_int_equal(upload_task_recover(l->task, t->ended), OK);
    if (t->ended)
        upload_task_end(l->task, USEC_NEVER);
    t->generation += 1000; /* a version that a restart recovered counts as the oldest */
}

static void everything_arrives_in_order(void **state)
{
    (void)state;
    struct world w;
    struct fake f[TASKS];
    struct listener l[TASKS];
    struct track tracks[TASKS] = { 0 };
    static const char *const ids[TASKS] = { "a", "a", "b", "b", "c", "d" };
    setup(&w, (struct upload_limits){ .bucket_jobs = 3, .total_jobs = 5 });
    w.seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : random_u32();
    printf("SEED=%u\n", w.seed);
    for (int i = 0; i < TASKS; i++) {
        char id[16];
        snprintf(id, sizeof id, "task-%d", i);
        fake_init(&f[i], ids[i]);
        new_task(&l[i], &w, &f[i], id);
        buf_init(&tracks[i].text, 1u << 20);
    }
    for (int step = 0; step < 20000 && !all_delivered(l); step++) {
        int i = (int)(world_random(&w) % TASKS);
        unsigned what = world_random(&w) % 16;
        if (l[i].delivered)
            continue;
        if (what < 3)
            record_a_bit(&l[i], &tracks[i], 40);
        else if (what == 3 && world_random(&w) % 8 == 0)
            restart(&l[i], &f[i], &tracks[i]);
        else if (what < 6 && first_put(&f[i]))
            answer(&f[i], first_put(&f[i]), 1 + (enum upload_result)(world_random(&w) % 4));
        else if (what < 12 && first_put(&f[i]))
            answer(&f[i], list_last(&f[i].puts, struct bucket_job, in_puts), UPLOAD_OK);
        else if (what < 14)
            run_until(&w, w.now + (usec_t)(world_random(&w) % 300) * SEC);
        run(&w);
    }
    for (int i = 0; i < TASKS; i++) {
        char key[64];
        assert_int_equal(l[i].delivered, 1);
        snprintf(key, sizeof key, "a/b/task-%d/v.m3u8", i);
        assert_string_equal(object_text(&f[i], key), buf_str(&tracks[i].text));
        end_listener(&l[i]);
        buf_fini(&tracks[i].text);
    }
    teardown(&w);
    for (int i = 0; i < TASKS; i++)
        fake_fini(&f[i]);
}

int main(void)
{
    log_setup(LOG_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_delivered),
        cmocka_unit_test(an_empty_task_is_delivered),
        cmocka_unit_test(the_folder_stays_until_it_may_go),
        cmocka_unit_test(bounds_hold_and_tasks_take_turns),
        cmocka_unit_test(what_is_due_within_a_tick_is_woken_for),
        cmocka_unit_test(failures_pause_and_probe),
        cmocka_unit_test(dead_buckets_hold_up_nobody),
        cmocka_unit_test(a_task_may_go_at_any_time),
        cmocka_unit_test(a_scan_takes_up_what_a_crash_left),
        cmocka_unit_test(the_end_closes_what_is_open),
        cmocka_unit_test(a_missing_file_is_reported_and_let_go),
        cmocka_unit_test(a_task_is_stuck_a_minute_after_its_end),
        cmocka_unit_test(stuck_counts_from_the_last_success),
        cmocka_unit_test(nothing_is_said_during_a_put),
        cmocka_unit_test(a_task_expires_and_its_files_stay),
        cmocka_unit_test(everything_arrives_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
