#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "observe/log.h"
#include "store/rows.h"
#include "store/schema.h"

#define BUSY_MS 5000

struct store {
    struct loop *home;
    int lock_fd;
    sqlite3 *db;
    pthread_t thread;
    bool started;

    struct { /* home loop only */
        int64_t last_event;
    } own;

    struct { /* store thread, and the loads; under lock, which a commit holds */
        pthread_mutex_t lock;
        struct rows rows;
        bool failing; /* the last commit failed, and was logged */
    } work;

    struct { /* any thread, under lock; a leaf lock */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct list queue; /* struct job, by .message.in_mailbox */
        unsigned count;
        bool closing;
    } shared;

    struct store_stats stats;
};

/* --- the store thread --- */

static int exec(struct store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : ERR_IO;
}

/* One change inside the transaction, undone alone when it fails by itself. ERR_IO: the transaction
 * is lost. */
static int apply_change(struct store *store, struct store_change *change)
{
    if (change->err)
        return change->err;
    int err = exec(store, "SAVEPOINT change");
    if (err)
        return err;
    list_each(step, &change->steps, struct step, in_change) if (!err) err =
        rows_apply(&store->work.rows, step);
    if (err == ERR_IO)
        return err;
    if (err && exec(store, "ROLLBACK TO change"))
        return ERR_IO;
    return exec(store, "RELEASE change") ? ERR_IO : err;
}

static int apply_all(struct store *store, struct list *jobs)
{
    list_each(job, jobs, struct job, message.in_mailbox)
    {
        if (job->is_fetch)
            continue;
        job->err = apply_change(store, (struct store_change *)job);
        if (job->err == ERR_IO)
            return ERR_IO;
    }
    return OK;
}

static void fail_all(struct list *jobs)
{
    list_each(job, jobs, struct job, message.in_mailbox) if (!job->is_fetch) job->err = ERR_IO;
}

/* Once, until it works again; the tasks report their own. */
static void note_failure(struct store *store, const char *reason)
{
    if (!store->work.failing)
        log_error(NULL,
                  "store: cannot commit: %s; changes are undone and refused until it works again",
                  reason);
    store->work.failing = true;
}

static void note_success(struct store *store)
{
    if (store->work.failing)
        log_info(NULL, "store: commits work again");
    store->work.failing = false;
}

static void commit(struct store *store, struct list *jobs)
{
    int err = exec(store, "BEGIN IMMEDIATE");
    if (!err)
        err = apply_all(store, jobs);
    if (!err)
        err = exec(store, "COMMIT");
    if (!err) {
        note_success(store);
        return;
    }
    counter_add(&store->stats.failures, 1);
    note_failure(store, sqlite3_errmsg(store->db));
    if (!sqlite3_get_autocommit(store->db))
        exec(store, "ROLLBACK");
    fail_all(jobs);
}

static bool any_change(struct list *jobs)
{
    list_each(job, jobs, struct job, message.in_mailbox) if (!job->is_fetch) return true;
    return false;
}

static void work(struct store *store, struct list *jobs)
{
    if (any_change(jobs)) {
        usec_t began = clock_mono();
        commit(store, jobs);
        durations_add(&store->stats.commits, clock_mono() - began);
    }
    list_each(job, jobs, struct job, message.in_mailbox)
    {
        list_remove(&job->message.in_mailbox);
        if (job->is_fetch) {
            struct fetch *fetch = (struct fetch *)job;
            job->err = rows_fetch_event(&store->work.rows, fetch->id, &fetch->event);
        }
        loop_post_must(store->home, &job->message);
    }
}

/* Waits for jobs and takes all of them. False: closing, and nothing is left. */
static bool take_jobs(struct store *store, struct list *out)
{
    list_init(out);
    pthread_mutex_lock(&store->shared.lock);
    while (list_empty(&store->shared.queue) && !store->shared.closing)
        pthread_cond_wait(&store->shared.wake, &store->shared.lock);
    list_each(job, &store->shared.queue, struct job, message.in_mailbox)
    {
        list_remove(&job->message.in_mailbox);
        list_append(out, &job->message.in_mailbox);
    }
    store->shared.count = 0;
    pthread_mutex_unlock(&store->shared.lock);
    return !list_empty(out);
}

static void *run(void *arg)
{
    struct store *store = arg;
    struct list jobs;
    pthread_setname_np(pthread_self(), "store");
    while (take_jobs(store, &jobs)) {
        pthread_mutex_lock(&store->work.lock);
        work(store, &jobs);
        pthread_mutex_unlock(&store->work.lock);
    }
    return NULL;
}

/* --- opening and closing --- */

/* Two daemons on one database would both send its callbacks. The lock goes with the process. */
static int lock_database(struct store *store, const char *path)
{
    char *name;
    if (asprintf(&name, "%s.lock", path) < 0)
        return ERR_NOMEM;
    store->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int err = store->lock_fd < 0 ? ERR_IO : OK;
    if (!err && flock(store->lock_fd, LOCK_EX | LOCK_NB))
        err = errno == EWOULDBLOCK ? ERR_BAD_STATE : ERR_IO;
    if (err == ERR_BAD_STATE)
        log_error(NULL, "store: %s is in use by another process", path);
    else if (err)
        log_error(NULL, "store: cannot lock %s: %s", name, strerror(errno));
    free(name);
    return err;
}

/* SQLite would make it readable for all; its journal takes the mode of the database. */
static int create_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        log_error(NULL, "store: cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    close(fd);
    return OK;
}

static int open_database(struct store *store, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
    int rc = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(store->db, 1);
        sqlite3_busy_timeout(store->db, BUSY_MS);
        rc = sqlite3_exec(store->db,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA journal_size_limit = 67108864",
                          NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        return OK;
    log_error(NULL, "store: cannot open %s: %s", path,
              store->db ? sqlite3_errmsg(store->db) : "out of memory");
    return rc == SQLITE_NOTADB ? ERR_MALFORMED : ERR_IO;
}

static int start_thread(struct store *store)
{
    if (pthread_create(&store->thread, NULL, run, store)) {
        log_error(NULL, "store: cannot start its thread");
        return ERR_IO;
    }
    store->started = true;
    return OK;
}

static struct store *store_new(struct loop *home)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->home = home;
    store->lock_fd = -1;
    pthread_mutex_init(&store->shared.lock, NULL);
    pthread_mutex_init(&store->work.lock, NULL);
    pthread_cond_init(&store->shared.wake, NULL);
    list_init(&store->shared.queue);
    return store;
}

int store_open(struct store **out, const char *path, const struct seal_key *key, struct loop *home)
{
    struct store *store = store_new(home);
    if (!store)
        return ERR_NOMEM;
    int err = lock_database(store, path);
    if (!err)
        err = create_private(path);
    if (!err)
        err = open_database(store, path);
    if (!err)
        err = schema_migrate(store->db);
    if (!err)
        err = rows_init(&store->work.rows, store->db, key);
    if (!err)
        err = rows_last_event(&store->work.rows, &store->own.last_event);
    if (!err)
        err = start_thread(store);
    if (err)
        store_close(store);
    else
        *out = store;
    return err;
}

static void stop_thread(struct store *store)
{
    pthread_mutex_lock(&store->shared.lock);
    store->shared.closing = true;
    pthread_cond_signal(&store->shared.wake);
    pthread_mutex_unlock(&store->shared.lock);
    pthread_join(store->thread, NULL);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->started)
        stop_thread(store);
    rows_fini(&store->work.rows);
    if (sqlite3_close(store->db) != SQLITE_OK)
        log_error(NULL, "store: cannot close: %s", sqlite3_errmsg(store->db));
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_cond_destroy(&store->shared.wake);
    pthread_mutex_destroy(&store->shared.lock);
    pthread_mutex_destroy(&store->work.lock);
    free(store);
}

const struct store_stats *store_stats(const struct store *store)
{
    return &store->stats;
}

unsigned store_waiting(struct store *store)
{
    pthread_mutex_lock(&store->shared.lock);
    unsigned count = store->shared.count;
    pthread_mutex_unlock(&store->shared.lock);
    return count;
}

/* --- the home loop --- */

int store_load_tasks(struct store *store, store_task_row *on_row, void *ctx)
{
    pthread_mutex_lock(&store->work.lock);
    int err = rows_load_tasks(&store->work.rows, on_row, ctx);
    pthread_mutex_unlock(&store->work.lock);
    return err;
}

int store_load_playlists(struct store *store, store_playlist_row *on_row, void *ctx)
{
    pthread_mutex_lock(&store->work.lock);
    int err = rows_load_playlists(&store->work.rows, on_row, ctx);
    pthread_mutex_unlock(&store->work.lock);
    return err;
}

int store_load_starts(struct store *store, store_start_row *on_row, void *ctx)
{
    pthread_mutex_lock(&store->work.lock);
    int err = rows_load_starts(&store->work.rows, on_row, ctx);
    pthread_mutex_unlock(&store->work.lock);
    return err;
}

int store_load_events(struct store *store, store_event_row *on_row, void *ctx)
{
    pthread_mutex_lock(&store->work.lock);
    int err = rows_load_events(&store->work.rows, on_row, ctx);
    pthread_mutex_unlock(&store->work.lock);
    return err;
}

static bool enqueue(struct store *store, struct job *job, bool must)
{
    assert(loop_is_current(store->home));
    pthread_mutex_lock(&store->shared.lock);
    bool taken = must || store->shared.count < STORE_MAX_WAITING;
    if (taken) {
        list_append(&store->shared.queue, &job->message.in_mailbox);
        store->shared.count++;
        pthread_cond_signal(&store->shared.wake);
    }
    pthread_mutex_unlock(&store->shared.lock);
    return taken;
}

static void change_done(struct message *m)
{
    struct store_change *change = (struct store_change *)m;
    if (change->done) {
        change->done(change->ctx, change->job.err, change);
        return;
    }
    if (change->job.err)
        log_warn(NULL, "store: a change was refused: %s", err_text(change->job.err));
    store_change_free(change);
}

static void change_discard(struct message *m)
{
    store_change_free((struct store_change *)m);
}

static void give_ids(struct store *store, struct store_change *change)
{
    list_each(step, &change->steps, struct step, in_change) if (step->event && step->event->id == 0)
        step->event->id = ++store->own.last_event;
}

static bool submit(struct store *store, struct store_change *change, store_done *done, void *ctx,
                   bool must)
{
    change->job.message.run = change_done;
    change->job.message.discard = change_discard;
    change->job.err = OK;
    change->done = done;
    change->ctx = ctx;
    give_ids(store, change);
    return enqueue(store, &change->job, must);
}

int store_submit(struct store *store, struct store_change *change, store_done *done, void *ctx)
{
    return submit(store, change, done, ctx, false) ? OK : ERR_LIMIT;
}

void store_submit_must(struct store *store, struct store_change *change, store_done *done,
                       void *ctx)
{
    submit(store, change, done, ctx, true);
}

static void fetch_done(struct message *m)
{
    struct fetch *fetch = (struct fetch *)m;
    fetch->done(fetch->ctx, fetch->job.err, fetch->id, fetch->event);
    free(fetch);
}

static void fetch_discard(struct message *m)
{
    struct fetch *fetch = (struct fetch *)m;
    event_free(fetch->event);
    fetch->done(fetch->ctx, ERR_BAD_STATE, fetch->id, NULL);
    free(fetch);
}

int store_fetch_event(struct store *store, int64_t id, store_fetched *done, void *ctx)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    if (!fetch)
        return ERR_NOMEM;
    fetch->job.message = (struct message){ .run = fetch_done, .discard = fetch_discard };
    fetch->job.is_fetch = true;
    fetch->id = id;
    fetch->done = done;
    fetch->ctx = ctx;
    enqueue(store, &fetch->job, true);
    return OK;
}
