#include "upload/uploader.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "spool/spool.h"
#include "upload/backoff.h"
#include "upload/key.h"
#include "upload/task.h"

const char *upload_result_text(enum upload_result result)
{
    static const char *const texts[] = {
        [UPLOAD_OK] = "ok",
        [UPLOAD_RETRY] = "failed for now",
        [UPLOAD_DENIED] = "denied",
        [UPLOAD_NO_BUCKET] = "no such bucket",
        [UPLOAD_UNTRUSTED] = "not trusted",
        [UPLOAD_BAD_REQUEST] = "refused",
        [UPLOAD_LOCAL_GONE] = "local file missing",
    };
    return texts[result];
}

struct uploader *uploader_new(const struct upload_clock *clock, const struct upload_limits *limits)
{
    struct uploader *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->clock = *clock;
    u->limits = *limits;
    list_init(&u->lanes);
    list_init(&u->unsettled);
    return u;
}

void uploader_free(struct uploader *u)
{
    if (!u)
        return;
    assert(list_empty(&u->lanes));
    u->clock.wake_at(u->clock.ctx, USEC_NEVER);
    free(u);
}

static usec_t now(struct uploader *u)
{
    return u->clock.now(u->clock.ctx);
}

static void kick(struct uploader *u)
{
    if (u->kicked)
        return;
    u->kicked = true;
    u->clock.wake_at(u->clock.ctx, now(u));
}

/* Something about the task changed: look at it on the next tick. */
static void touch(struct upload_task *t)
{
    if (t->dead)
        return;
    if (!link_linked(&t->in_unsettled))
        list_append(&t->uploader->unsettled, &t->in_unsettled);
    kick(t->uploader);
}

/* ---- lanes ---- */

static struct lane *get_lane(struct uploader *u, const char *id)
{
    struct lane *lane;
    HASH_FIND_STR(u->by_id, id, lane);
    if (lane)
        return lane;
    size_t size = strlen(id) + 1;
    lane = calloc(1, sizeof *lane + size);
    if (!lane)
        return NULL;
    memcpy(lane->id, id, size);
    list_init(&lane->tasks);
    list_append(&u->lanes, &lane->in_lanes);
    HASH_ADD_STR(u->by_id, id, lane);
    return lane;
}

static void leave_lane(struct upload_task *t)
{
    struct lane *lane = t->lane;
    list_remove(&t->in_lane);
    if (!list_empty(&lane->tasks))
        return;
    list_remove(&lane->in_lanes);
    HASH_DEL(t->uploader->by_id, lane);
    free(lane);
}

static bool may_start(const struct upload_task *t, usec_t at)
{
    const struct uploader *u = t->uploader;
    if (!plan_ready(t->plan))
        return false;
    return t->failures == 0 ||
           (at >= t->pause_until && list_empty(&t->jobs) && u->probes < u->limits.total_jobs / 2);
}

static struct upload_task *first_in_lane(struct lane *lane, usec_t at)
{
    list_each(t, &lane->tasks, struct upload_task, in_lane) if (may_start(t, at)) return t;
    return NULL;
}

/* Whose turn it is; lanes take turns, and tasks within their lane. */
static struct upload_task *next_task(struct uploader *u, usec_t at)
{
    list_each(lane, &u->lanes, struct lane, in_lanes)
    {
        struct upload_task *t =
            lane->running < u->limits.bucket_jobs ? first_in_lane(lane, at) : NULL;
        if (t) {
            list_remove(&t->in_lane);
            list_append(&lane->tasks, &t->in_lane);
            list_remove(&lane->in_lanes);
            list_append(&u->lanes, &lane->in_lanes);
            return t;
        }
    }
    return NULL;
}

/* ---- tasks ---- */

int upload_task_new(struct upload_task **out, struct uploader *u, struct spool_folder *folder,
                    struct bucket *bucket, const char *prefix, const struct upload_events *events,
                    void *ctx)
{
    const char *id = spool_folder_task(folder);
    if (strlen(prefix) + strlen(id) + FILE_NAME_MAX + 2 > KEY_MAX)
        return ERR_LIMIT;
    struct upload_task *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->plan = plan_new();
    t->prefix = str_dup(bytes_str(prefix));
    t->lane = t->plan && t->prefix ? get_lane(u, bucket->id) : NULL;
    if (!t->lane) {
        plan_free(t->plan);
        free(t->prefix);
        free(t);
        return ERR_NOMEM;
    }
    t->uploader = u;
    t->folder = spool_folder_ref(folder);
    t->bucket = bucket;
    t->events = events;
    t->ctx = ctx;
    t->log = log_with(NULL, "task", id);
    t->failing_since = USEC_UNSET;
    list_init(&t->jobs);
    link_init(&t->in_unsettled);
    list_append(&t->lane->tasks, &t->in_lane);
    *out = t;
    return OK;
}

static void end_job(struct job *job)
{
    struct upload_task *t = job->task;
    list_remove(&job->in_task);
    t->lane->running--;
    t->uploader->running--;
    t->uploader->probes -= job->probe;
}

static void destroy(struct upload_task *t)
{
    plan_free(t->plan);
    bucket_free(t->bucket);
    spool_folder_unref(t->folder);
    free(t->prefix);
    free(t);
}

void upload_task_free(struct upload_task *t)
{
    if (!t || t->dead)
        return;
    list_each(job, &t->jobs, struct job, in_task)
    {
        t->bucket->ops->cancel(t->bucket, job->put);
        end_job(job);
        free(job);
    }
    list_remove(&t->in_unsettled);
    leave_lane(t);
    kick(t->uploader);
    t->dead = true;
    if (!t->in_callback)
        destroy(t);
}

/* Around everything that calls back, since the callee may let go of the task. */
static void enter(struct upload_task *t)
{
    t->in_callback++;
}

static void leave(struct upload_task *t)
{
    if (--t->in_callback == 0 && t->dead)
        destroy(t);
}

int upload_task_segment(struct upload_task *t, const char *name, const char *playlist,
                        uint64_t bytes)
{
    int err = plan_add_segment(t->plan, name, playlist, bytes);
    if (!err)
        touch(t);
    return err;
}

int upload_task_playlist(struct upload_task *t, const char *name, int fd, uint64_t bytes,
                         unsigned generation, bool last)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return ERR_IO;
    int err = plan_add_version(t->plan, name, own, bytes, generation, last);
    if (err)
        close(own);
    else
        touch(t);
    return err;
}

int upload_task_recover(struct upload_task *t, bool finish)
{
    touch(t);
    return recover_folder(t, finish);
}

/* Whatever kept failing gets another chance before it counts as stuck. */
static void hurry(struct upload_task *t)
{
    if (t->failures == 0)
        return;
    t->failures = 1;
    t->pause_until = now(t->uploader);
}

void upload_task_end(struct upload_task *t, usec_t until)
{
    t->ended = true;
    t->ended_at = now(t->uploader);
    t->until = until;
    hurry(t);
    touch(t);
}

void upload_task_complete(struct upload_task *t)
{
    touch(t);
}

struct upload_counts upload_task_counts(const struct upload_task *t)
{
    struct plan_counts c = plan_counts(t->plan);
    return (struct upload_counts){ c.files, c.bytes, t->failing_since };
}

static void add_counts(struct upload_counts *sum, struct upload_counts c)
{
    sum->files += c.files;
    sum->bytes += c.bytes;
    bool older = sum->failing_since == USEC_UNSET || c.failing_since < sum->failing_since;
    if (c.failing_since != USEC_UNSET && older)
        sum->failing_since = c.failing_since;
}

struct upload_counts uploader_counts(const struct uploader *u)
{
    struct upload_counts sum = { .failing_since = USEC_UNSET };
    list_each(lane, &u->lanes, struct lane, in_lanes)
        list_each(t, &lane->tasks, struct upload_task, in_lane)
            add_counts(&sum, upload_task_counts(t));
    return sum;
}

const struct uploader_stats *uploader_stats(const struct uploader *u)
{
    return &u->stats;
}

/* ---- how a put ends ---- */

static void count(struct uploader *u, const struct job *job, enum upload_result result)
{
    counter_add(&u->stats.results[result], 1);
    durations_add(&u->stats.took, now(u) - job->began);
    if (result == UPLOAD_OK)
        counter_add(&u->stats.bytes, job->item.bytes);
}

static void acknowledged(struct upload_task *t, const struct plan_item *item)
{
    if (t->failures)
        log_info(&t->log, "uploads work again");
    t->failures = 0;
    t->failing_since = USEC_UNSET;
    t->reported = UPLOAD_OK;
    if (item->fd < 0 || item->last)
        file_remove(spool_folder_dir(t->folder), item->name);
    if (item->first && t->events->first_playlist)
        t->events->first_playlist(t->ctx, item->name);
    plan_done(t->plan, item);
}

static void report(struct upload_task *t, const struct plan_item *item,
                   const struct upload_outcome *outcome)
{
    if (t->events->error)
        t->events->error(t->ctx, item->name, outcome);
}

static void lost(struct upload_task *t, const struct plan_item *item,
                 const struct upload_outcome *outcome)
{
    log_error(&t->log, "lost before its upload: %s", item->name);
    report(t, item, outcome);
    plan_lost(t->plan, item);
}

/* Puts that ran side by side fail together: only the first of them, and later tries, count. */
static void pause_task(struct upload_task *t, const struct plan_item *item,
                       const struct upload_outcome *outcome)
{
    struct uploader *u = t->uploader;
    usec_t at = now(u);
    if (t->failures == 0)
        t->failing_since = at;
    usec_t pause = backoff_pause(++t->failures, u->clock.random(u->clock.ctx));
    t->pause_until = at + pause;
    log_warn(&t->log, "upload of %s %s (%s: %s), again in %d s", item->name,
             upload_result_text(outcome->result), outcome->code, outcome->message,
             (int)(pause / SEC));
}

static void failed(struct upload_task *t, const struct plan_item *item,
                   const struct upload_outcome *outcome, bool probe)
{
    if (outcome->result == UPLOAD_LOCAL_GONE) {
        lost(t, item, outcome);
        return;
    }
    if (t->failures == 0 || probe)
        pause_task(t, item, outcome);
    if (t->reported != outcome->result) {
        t->reported = outcome->result;
        report(t, item, outcome);
    }
    plan_retry(t->plan, item);
}

static void on_done(void *ctx, const struct upload_outcome *outcome)
{
    struct job *job = ctx;
    struct upload_task *t = job->task;
    end_job(job);
    count(t->uploader, job, outcome->result);
    enter(t);
    if (outcome->result == UPLOAD_OK)
        acknowledged(t, &job->item);
    else
        failed(t, &job->item, outcome, job->probe);
    free(job);
    touch(t);
    leave(t);
}

/* ---- how a put begins ---- */

static int put_fd(struct upload_task *t, struct job *job, int fd)
{
    struct buf key;
    struct bucket_put put = {
        .fd = fd,
        .content_type = key_content_type(job->item.name),
        .may_link = job->item.fd < 0,
    };
    buf_init(&key, 2 * KEY_MAX);
    int err = key_build(&key, t->prefix, spool_folder_task(t->folder), job->item.name);
    if (!err)
        err = file_size(fd, &put.size);
    put.key = buf_str(&key);
    if (!err)
        err = t->bucket->ops->put_file(t->bucket, &put, on_done, job, &job->put);
    buf_fini(&key);
    return err;
}

static int put_item(struct upload_task *t, struct job *job)
{
    if (job->item.fd >= 0)
        return put_fd(t, job, job->item.fd);
    int fd;
    int err = file_open(&fd, spool_folder_dir(t->folder), job->item.name);
    if (err)
        return err;
    err = put_fd(t, job, fd);
    close(fd);
    return err;
}

/* A put that could not even begin. */
static void not_begun(struct upload_task *t, const struct plan_item *item, int err, bool probe)
{
    bool gone = err == ERR_NOT_FOUND || err == ERR_MALFORMED;
    struct upload_outcome outcome = { .result = gone ? UPLOAD_LOCAL_GONE : UPLOAD_RETRY,
                                      .code = "Internal" };
    snprintf(outcome.message, sizeof outcome.message, "%s", err_text(err));
    counter_add(&t->uploader->stats.results[outcome.result], 1);
    failed(t, item, &outcome, probe);
    touch(t);
}

static void start(struct upload_task *t)
{
    struct uploader *u = t->uploader;
    struct plan_item item;
    if (!plan_next(t->plan, &item))
        return;
    struct job *job = calloc(1, sizeof *job);
    int err = ERR_NOMEM;
    bool probe = t->failures > 0;
    if (job) {
        *job = (struct job){ .task = t, .item = item, .probe = probe, .began = now(u) };
        err = put_item(t, job);
    }
    if (err) {
        free(job);
        not_begun(t, &item, err, probe);
        return;
    }
    list_append(&t->jobs, &job->in_task);
    t->lane->running++;
    u->running++;
    u->probes += probe;
}

static void start_all(struct uploader *u, usec_t at)
{
    while (u->running < u->limits.total_jobs) {
        struct upload_task *t = next_task(u, at);
        if (!t)
            return;
        enter(t);
        start(t);
        leave(t);
    }
}

/* ---- how a task ends ---- */

static void finish_playlists(struct upload_task *t)
{
    for (const char *name = plan_unfinished(t->plan); name; name = plan_unfinished(t->plan)) {
        char copy[FILE_NAME_SIZE];
        snprintf(copy, sizeof copy, "%s", name);
        int err = recover_last_version(t, copy);
        if (err) {
            log_error(&t->log, "playlist %s cannot be ended: %s", copy, err_text(err));
            plan_forget(t->plan, copy);
        }
    }
}

/* Searches the folder for what nobody told of. */
static void sweep(struct upload_task *t)
{
    t->swept = true;
    recover_folder(t, true);
    touch(t);
}

static void deliver(struct upload_task *t)
{
    if (t->events->complete) {
        if (!t->swept) {
            sweep(t);
            return;
        }
        if (!t->events->complete(t->ctx) || t->dead)
            return;
    }
    int err = spool_folder_remove(t->folder);
    if (err == ERR_BAD_STATE && !t->swept) {
        sweep(t);
        return;
    }
    if (err)
        log_error(&t->log, "the spool's folder stays: %s", err_text(err));
    t->delivered = true;
    if (t->events->delivered)
        t->events->delivered(t->ctx);
}

/* When it is to be said that a task is stuck; while a put is on its way nothing is said. */
static usec_t stuck_at(const struct upload_task *t)
{
    if (!t->ended || t->stuck || t->failures == 0 || !list_empty(&t->jobs))
        return USEC_NEVER;
    return (t->ended_at > t->failing_since ? t->ended_at : t->failing_since) + UPLOAD_STUCK_AFTER;
}

static usec_t expires_at(const struct upload_task *t)
{
    return t->ended && !t->expired && list_empty(&t->jobs) ? t->until : USEC_NEVER;
}

/* What goes wrong for too long. */
static void tell_late(struct upload_task *t)
{
    usec_t at = now(t->uploader);
    if (stuck_at(t) <= at) {
        t->stuck = true;
        if (t->events->stuck)
            t->events->stuck(t->ctx);
    }
    if (!t->dead && expires_at(t) <= at) {
        t->expired = true;
        if (t->events->expired)
            t->events->expired(t->ctx);
    }
}

static void settle(struct upload_task *t)
{
    if (t->ended)
        finish_playlists(t);
    if (!plan_empty(t->plan)) {
        t->busy_before = true;
        tell_late(t);
        return;
    }
    if (t->busy_before) {
        t->busy_before = false;
        if (t->events->idle)
            t->events->idle(t->ctx);
    }
    if (t->ended && !t->delivered && !t->dead && plan_empty(t->plan))
        deliver(t);
}

static void settle_all(struct uploader *u)
{
    struct upload_task *t;
    while ((t = list_first(&u->unsettled, struct upload_task, in_unsettled))) {
        list_remove(&t->in_unsettled);
        enter(t);
        settle(t);
        leave(t);
    }
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static usec_t late_at(const struct upload_task *t)
{
    return earlier(stuck_at(t), expires_at(t));
}

/* When the next pause ends, or a task is late. */
static usec_t next_wake(struct uploader *u, usec_t at)
{
    usec_t next = USEC_NEVER;
    list_each(lane, &u->lanes, struct lane, in_lanes)
        list_each(t, &lane->tasks, struct upload_task, in_lane)
    {
        if (t->failures && plan_ready(t->plan) && t->pause_until > at)
            next = earlier(next, t->pause_until);
        if (late_at(t) > at)
            next = earlier(next, late_at(t));
    }
    return next;
}

static void look_for_late(struct uploader *u, usec_t at)
{
    list_each(lane, &u->lanes, struct lane, in_lanes)
        list_each(t, &lane->tasks, struct upload_task, in_lane) if (late_at(t) <= at) touch(t);
}

/* One time for the whole tick: what becomes due while it runs is woken for at once, not forgotten.
 */
void uploader_tick(struct uploader *u)
{
    usec_t at = now(u);
    u->kicked = true; /* holds back wake-ups until the end of this tick */
    look_for_late(u, at);
    settle_all(u);
    start_all(u, at);
    u->kicked = !list_empty(&u->unsettled);
    u->clock.wake_at(u->clock.ctx, u->kicked ? at : next_wake(u, at));
}
