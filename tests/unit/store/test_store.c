#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/err.h"
#include "base/random.h"
#include "fault_vfs.h"
#include "observe/log.h"
#include "store/store.h"

#define PARAMS                                                                                     \
    "{\"RoomId\":\"4711\",\"StorageParams\":{\"CloudStorage\":{\"Bucket\":\"b\","                  \
    "\"AccessKey\":\"AKxyzzy\",\"SecretKey\":\"SKplugh\"}},\"UserSig\":\"eJplover\"}"

static const struct seal_key key = { { 7, 7, 7 } };

/* A database in a folder of its own, a home loop, and a place to wait for answers. */
struct bench {
    char folder[32], path[64];
    struct loop *home;
    struct store *store;
    struct store_change *change; /* for the next submission */
    uv_sem_t done;
    int err;
    struct store_change *back;
    struct event *fetched;
};

static void bench_open(struct bench *b)
{
    assert_int_equal(loop_new(&b->home, "home", 1000), OK);
    assert_int_equal(store_open(&b->store, b->path, &key, b->home), OK);
}

static void bench_close(struct bench *b)
{
    store_close(b->store);
    loop_free(b->home);
    b->store = NULL;
    b->home = NULL;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    strcpy(b->folder, "/tmp/store-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/reeltime.db", b->folder);
    uv_sem_init(&b->done, 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < 4; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", b->path, suffixes[i]);
        unlink(name);
    }
    int left = rmdir(b->folder);
    uv_sem_destroy(&b->done);
    free(b);
    return left;
}

static void on_done(void *ctx, int err, struct store_change *change)
{
    struct bench *b = ctx;
    b->err = err;
    b->back = change;
    uv_sem_post(&b->done);
}

static void do_submit(void *ctx)
{
    struct bench *b = ctx;
    assert_int_equal(store_submit(b->store, b->change, on_done, b), OK);
}

/* The answer's error; the change is in b->back. */
static int submit_keep(struct bench *b, struct store_change *change)
{
    b->change = change;
    loop_call(b->home, do_submit, b);
    uv_sem_wait(&b->done);
    return b->err;
}

static int submit(struct bench *b, struct store_change *change)
{
    int err = submit_keep(b, change);
    store_change_free(b->back);
    return err;
}

static struct store_task sample(const char *id)
{
    return (struct store_task){
        .task_id = id,
        .sdk_app_id = 1400000001,
        .room_id_type = 1,
        .room_id = "4711",
        .user_id = "recorder_4711",
        .params = PARAMS,
        .wanted = "run",
        .actual = "starting",
        .owner = "node-1",
        .epoch = 1,
        .created = 1735707617 * SEC,
        .expires = 1735707617 * SEC + 72 * 3600 * SEC,
        .leave_code = -1,
    };
}

static struct event *sample_event(const char *task_id, int type)
{
    struct event *event = event_new();
    strcpy(event->task_id, task_id);
    event->sdk_app_id = 1400000001;
    event->group = 3;
    event->type = type;
    buf_printf(&event->body, "{\"EventType\":%d,\"TaskId\":\"%s\"}", type, task_id);
    strcpy(event->sign, "c2lnbg==");
    event->callback_ts = 1735707617250;
    return event;
}

static struct store_change *start_of(const char *id)
{
    struct store_change *change = store_change_new();
    struct store_task task = sample(id);
    store_change_insert_task(change, &task);
    store_change_add_event(change, sample_event(id, 301));
    return change;
}

struct loaded {
    int tasks, events;
    char task_ids[400], event_tasks[400], params[400], wanted[16], actual[16];
    struct store_task last;
    struct event last_event;
    char body[200];
};

/* Cut at the end; the tests that look have few. */
static void append_word(char *out, size_t size, const char *word)
{
    size_t len = strlen(out);
    snprintf(out + len, size - len, "%s ", word);
}

static void on_task(void *ctx, const struct store_task *row)
{
    struct loaded *l = ctx;
    l->tasks++;
    l->last = *row;
    append_word(l->task_ids, sizeof l->task_ids, row->task_id);
    snprintf(l->params, sizeof l->params, "%s", row->params);
    snprintf(l->wanted, sizeof l->wanted, "%s", row->wanted);
    snprintf(l->actual, sizeof l->actual, "%s", row->actual);
}

static void on_event(void *ctx, struct event *event)
{
    struct loaded *l = ctx;
    l->events++;
    l->last_event = *event;
    append_word(l->event_tasks, sizeof l->event_tasks, event->task_id);
    snprintf(l->body, sizeof l->body, "%s", buf_str(&event->body));
    event_free(event);
}

static struct loaded load(struct bench *b)
{
    struct loaded l = { 0 };
    assert_int_equal(store_load_tasks(b->store, on_task, &l), OK);
    assert_int_equal(store_load_events(b->store, on_event, &l), OK);
    return l;
}

static struct loaded reopen(struct bench *b)
{
    bench_close(b);
    bench_open(b);
    return load(b);
}

static void a_task_and_its_event_survive(void **state)
{
    struct bench *b = *state;
    bench_open(b);
    assert_int_equal(load(b).tasks, 0);
    assert_int_equal(submit_keep(b, start_of("task-1")), OK);
    struct event *event = store_change_take_event(b->back);
    assert_int_equal(event->id, 1);
    assert_null(store_change_take_event(b->back));
    event_free(event);
    store_change_free(b->back);

    struct loaded l = reopen(b);
    struct store_task want = sample("task-1");
    assert_int_equal(l.tasks, 1);
    assert_string_equal(l.task_ids, "task-1 ");
    assert_string_equal(l.params, PARAMS);
    assert_string_equal(l.wanted, "run");
    assert_string_equal(l.actual, "starting");
    assert_int_equal(l.last.sdk_app_id, want.sdk_app_id);
    assert_int_equal(l.last.room_id_type, 1);
    assert_int_equal(l.last.created, want.created);
    assert_int_equal(l.last.expires, want.expires);
    assert_int_equal(l.last.ended, 0);
    assert_int_equal(l.last.epoch, 1);
    assert_int_equal(l.last.leave_code, -1);
    assert_int_equal(l.events, 1);
    assert_int_equal(l.last_event.id, 1);
    assert_int_equal(l.last_event.group, 3);
    assert_int_equal(l.last_event.type, 301);
    assert_int_equal(l.last_event.sdk_app_id, 1400000001);
    assert_int_equal(l.last_event.callback_ts, 1735707617250);
    assert_string_equal(l.last_event.sign, "c2lnbg==");
    assert_string_equal(l.body, "{\"EventType\":301,\"TaskId\":\"task-1\"}");
    bench_close(b);
}

static void tasks_change_and_go(void **state)
{
    struct bench *b = *state;
    bench_open(b);
    assert_int_equal(submit(b, start_of("task-1")), OK);
    struct store_task task = sample("task-1");
    task.wanted = "stop";
    task.actual = "exited";
    task.epoch = 2;
    task.ended = 5 * SEC;
    task.leave_code = 99;
    struct store_change *change = store_change_new();
    store_change_update_task(change, &task);
    store_change_update_params(change, "task-1", 2, "{\"UserSig\":\"other\"}");
    store_change_add_event(change, sample_event("task-1", 302));
    store_change_add_event(change, sample_event("task-1", 305));
    assert_int_equal(submit(b, change), OK);

    struct loaded l = reopen(b);
    assert_string_equal(l.wanted, "stop");
    assert_string_equal(l.actual, "exited");
    assert_string_equal(l.params, "{\"UserSig\":\"other\"}");
    assert_int_equal(l.last.leave_code, 99);
    assert_int_equal(l.last.ended, 5 * SEC);
    assert_int_equal(l.last.epoch, 2);
    assert_int_equal(l.events, 3);
    assert_int_equal(l.last_event.id, 3);

    change = store_change_new();
    store_change_delete_task(change, "task-1");
    store_change_remove_event(change, 1);
    store_change_remove_event(change, 3);
    struct event later = { .id = 2, .attempts = 3, .first_attempt = 10, .next_attempt = 20 };
    store_change_reschedule_event(change, &later);
    assert_int_equal(submit(b, change), OK);
    l = reopen(b);
    assert_int_equal(l.tasks, 0);
    assert_int_equal(l.events, 1);
    assert_int_equal(l.last_event.id, 2);
    assert_int_equal(l.last_event.attempts, 3);
    assert_int_equal(l.last_event.first_attempt, 10);
    assert_int_equal(l.last_event.next_attempt, 20);

    /* An id never comes again, though 3 was the highest and is gone. */
    assert_int_equal(submit_keep(b, start_of("task-2")), OK);
    struct event *event = store_change_take_event(b->back);
    assert_int_equal(event->id, 4);
    event_free(event);
    store_change_free(b->back);
    bench_close(b);
}

struct loaded_starts {
    int count;
    struct store_start last;
    char texts[400];
};

static void on_start(void *ctx, const struct store_start *row)
{
    struct loaded_starts *l = ctx;
    l->count++;
    l->last = *row;
    append_word(l->texts, sizeof l->texts, row->secret_id);
    append_word(l->texts, sizeof l->texts, row->key);
    append_word(l->texts, sizeof l->texts, row->task_id);
}

static struct loaded_starts reopen_starts(struct bench *b)
{
    struct loaded_starts l = { 0 };
    bench_close(b);
    bench_open(b);
    assert_int_equal(store_load_starts(b->store, on_start, &l), OK);
    return l;
}

static void starts_are_kept_and_expire(void **state)
{
    struct bench *b = *state;
    struct store_start early = { 1400000001, "AKIDa", "k1", "task-1", { 1, 2 }, 10 * SEC },
                       late = { 4000000000, "AKIDb", "k 'x", "task-2", { 3 }, 20 * SEC };
    struct store_change *change = store_change_new();
    bench_open(b);
    store_change_add_start(change, &late);
    store_change_add_start(change, &early);
    assert_int_equal(submit(b, change), OK);
    struct loaded_starts l = reopen_starts(b);
    assert_string_equal(l.texts, "AKIDa k1 task-1 AKIDb k 'x task-2 ");
    assert_int_equal(l.last.sdk_app_id, 4000000000);
    assert_int_equal(l.last.created, 20 * SEC);
    assert_memory_equal(l.last.fingerprint, late.fingerprint, sizeof late.fingerprint);

    /* A newer one takes the place of its name; expiry goes by age. */
    early.task_id = "task-3";
    early.created = 30 * SEC;
    change = store_change_new();
    store_change_add_start(change, &early);
    store_change_expire_starts(change, 20 * SEC);
    assert_int_equal(submit(b, change), OK);
    l = reopen_starts(b);
    assert_string_equal(l.texts, "AKIDa k1 task-3 ");
    bench_close(b);
}

static void on_playlist(void *ctx, const struct store_playlist *row)
{
    char line[200];
    snprintf(line, sizeof line, "%s/%s/%s/%s/%d%s", row->task_id, row->name, row->user_id,
             row->track_type, (int)(row->begin / SEC), row->uploaded ? "/uploaded" : "");
    append_word(ctx, 400, line);
}

/* A load may come after changes: it waits for them. */
static void expect_playlists(struct bench *b, const char *want)
{
    char texts[400] = "";
    assert_int_equal(store_load_playlists(b->store, on_playlist, texts), OK);
    assert_string_equal(texts, want);
}

static void playlists_go_with_their_task(void **state)
{
    struct bench *b = *state;
    struct store_playlist a = { "task-1", "a.m3u8", "alice", "audio", 10 * SEC },
                          v = { "task-1", "v.m3u8", "bob", "video", 9 * SEC },
                          other = { "task-2", "a.m3u8", "", "audio_video", 11 * SEC };
    struct store_change *change = start_of("task-1");
    bench_open(b);
    store_change_add_playlist(change, &a);
    store_change_add_playlist(change, &v);
    store_change_add_playlist(change, &other);
    store_change_playlist_uploaded(change, "task-1", "a.m3u8");
    store_change_playlist_uploaded(change, "task-1", "unknown.m3u8");
    assert_int_equal(submit(b, change), OK);
    expect_playlists(b, "task-1/v.m3u8/bob/video/9 task-1/a.m3u8/alice/audio/10/uploaded "
                        "task-2/a.m3u8//audio_video/11 ");

    change = store_change_new();
    store_change_add_playlist(change, &a); /* is known, and stays uploaded */
    assert_int_equal(submit(b, change), OK);
    bench_close(b);
    bench_open(b);
    change = store_change_new();
    store_change_delete_task(change, "task-2");
    assert_int_equal(submit(b, change), OK);
    expect_playlists(b, "task-1/v.m3u8/bob/video/9 task-1/a.m3u8/alice/audio/10/uploaded ");
    change = store_change_new();
    store_change_delete_task(change, "task-1");
    assert_int_equal(submit(b, change), OK);
    expect_playlists(b, "");
    bench_close(b);
}

static void a_refused_change_leaves_nothing(void **state)
{
    struct bench *b = *state;
    struct store_task task = sample("task-1"), stale = sample("task-1"), bad = sample("task-3");
    bench_open(b);
    task.epoch = 5;
    struct store_change *change = store_change_new();
    store_change_insert_task(change, &task);
    assert_int_equal(submit(b, change), OK);

    assert_int_equal(submit(b, start_of("task-1")), ERR_EXISTS);
    stale.epoch = 4;
    change = store_change_new();
    store_change_add_event(change, sample_event("task-1", 302));
    store_change_update_task(change, &stale);
    assert_int_equal(submit(b, change), ERR_NOT_FOUND);
    change = store_change_new();
    store_change_add_event(change, sample_event("task-2", 302));
    store_change_update_params(change, "task-2", 9, "{}");
    assert_int_equal(submit(b, change), ERR_NOT_FOUND);
    bad.params = "{";
    change = store_change_new();
    store_change_add_event(change, sample_event("task-3", 301));
    store_change_insert_task(change, &bad);
    assert_int_equal(submit(b, change), ERR_MALFORMED);
    change = store_change_new();
    store_change_add_event(change, NULL);
    assert_int_equal(submit(b, change), ERR_NOMEM);

    /* An id of another event, as only a fault of ours could bring it. */
    assert_int_equal(submit(b, start_of("task-4")), OK);
    struct event *twin = sample_event("task-5", 301);
    twin->id = 5;
    change = store_change_new();
    store_change_add_event(change, twin);
    assert_int_equal(submit(b, change), ERR_EXISTS);
    change = store_change_new();
    store_change_delete_task(change, "task-4");
    store_change_remove_event(change, 5);
    assert_int_equal(submit(b, change), OK);

    /* Nothing to undo: these are no errors. */
    change = store_change_new();
    store_change_delete_task(change, "task-9");
    store_change_remove_event(change, 999);
    assert_int_equal(submit(b, change), OK);

    struct loaded l = reopen(b);
    assert_string_equal(l.task_ids, "task-1 ");
    assert_int_equal(l.events, 0);
    bench_close(b);
}

static bool holds(const char *path, const char *text)
{
    FILE *file = fopen(path, "rb");
    static char all[1 << 20];
    size_t len = file ? fread(all, 1, sizeof all, file) : 0;
    if (file)
        fclose(file);
    return len && memmem(all, len, text, strlen(text)) != NULL;
}

static void secrets_are_not_on_disk(void **state)
{
    struct bench *b = *state;
    char wal[80];
    struct stat st;
    bench_open(b);
    assert_int_equal(submit(b, start_of("task-1")), OK);
    snprintf(wal, sizeof wal, "%s-wal", b->path);
    assert_true(holds(wal, "recorder_4711"));
    assert_false(holds(wal, "AKxyzzy") || holds(wal, "SKplugh") || holds(wal, "eJplover"));
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    bench_close(b);
    assert_true(holds(b->path, "recorder_4711"));
    assert_false(holds(b->path, "SKplugh") || holds(b->path, "eJplover"));
}

static void sql(struct bench *b, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void secrets_moved_to_another_task_do_not_open(void **state)
{
    struct bench *b = *state;
    bench_open(b);
    assert_int_equal(submit(b, start_of("task-1")), OK);
    assert_int_equal(submit(b, start_of("task-2")), OK);
    bench_close(b);
    sql(b, "UPDATE tasks SET secrets = (SELECT secrets FROM tasks WHERE task_id = 'task-1')");
    bench_open(b);
    struct loaded l = { 0 };
    assert_int_equal(store_load_tasks(b->store, on_task, &l), ERR_AUTH);
    assert_string_equal(l.task_ids, "task-1 ");
    bench_close(b);
}

static void other_databases_are_refused(void **state)
{
    struct bench *b = *state;
    struct store *store = NULL;
    sql(b, "CREATE TABLE recipes (name TEXT)");
    assert_int_equal(store_open(&store, b->path, &key, NULL), ERR_MALFORMED);
    sql(b, "DROP TABLE recipes; CREATE TABLE schema_version (version INTEGER);"
           "INSERT INTO schema_version VALUES (1000)");
    assert_int_equal(store_open(&store, b->path, &key, NULL), ERR_UNSUPPORTED);
    FILE *file = fopen(b->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);
    assert_int_equal(store_open(&store, b->path, &key, NULL), ERR_MALFORMED);
    assert_int_equal(store_open(&store, "/nowhere/x.db", &key, NULL), ERR_IO);
    assert_null(store);
}

static void a_second_process_is_refused(void **state)
{
    struct bench *b = *state;
    struct store *other = NULL;
    bench_open(b);
    assert_int_equal(store_open(&other, b->path, &key, b->home), ERR_BAD_STATE);
    bench_close(b);
    bench_open(b);
    bench_close(b);
}

/* --- many at once --- */

struct burst {
    struct bench *b;
    int count, done, ok, refused;
};

static void on_burst_done(void *ctx, int err, struct store_change *change)
{
    struct burst *burst = ctx;
    struct event *event = store_change_take_event(change);
    assert_int_equal(event->id, burst->done + 1); /* in the order of submission */
    event_free(event);
    store_change_free(change);
    burst->ok += err == OK;
    if (++burst->done == burst->count - burst->refused)
        uv_sem_post(&burst->b->done);
}

static void submit_burst(void *ctx)
{
    struct burst *burst = ctx;
    for (int i = 0; i < burst->count; i++) {
        char id[32];
        snprintf(id, sizeof id, "task-%d", i % (burst->count / 2)); /* each comes twice */
        struct store_change *change = start_of(id);
        if (store_submit(burst->b->store, change, on_burst_done, burst) == OK)
            continue;
        burst->refused++;
        store_change_free(change);
    }
}

static void many_changes_are_answered_in_order(void **state)
{
    struct bench *b = *state;
    struct burst burst = { .b = b, .count = 2000 };
    bench_open(b);
    loop_call(b->home, submit_burst, &burst);
    uv_sem_wait(&b->done);
    assert_int_equal(burst.ok, 1000);
    struct loaded l = reopen(b);
    assert_int_equal(l.tasks, 1000);
    assert_int_equal(l.events, 1000);
    bench_close(b);
}

static void closing_commits_what_was_submitted(void **state)
{
    struct bench *b = *state;
    struct burst burst = { .b = b, .count = 200 };
    bench_open(b);
    loop_call(b->home, submit_burst, &burst);
    store_close(b->store);
    uv_sem_wait(&b->done);
    b->store = NULL;
    loop_free(b->home);
    bench_open(b);
    assert_int_equal(load(b).events, 100);
    bench_close(b);
}

static void on_fetched(void *ctx, int err, int64_t id, struct event *event)
{
    struct bench *b = ctx;
    b->err = err;
    b->fetched = event;
    assert_true(id == 1 || id == 77);
    uv_sem_post(&b->done);
}

static void fetch_first(void *ctx)
{
    struct bench *b = ctx;
    assert_int_equal(store_fetch_event(b->store, 1, on_fetched, b), OK);
}

static void fetch_none(void *ctx)
{
    struct bench *b = ctx;
    assert_int_equal(store_fetch_event(b->store, 77, on_fetched, b), OK);
}

static void an_event_can_be_fetched(void **state)
{
    struct bench *b = *state;
    bench_open(b);
    assert_int_equal(submit(b, start_of("task-1")), OK);
    loop_call(b->home, fetch_first, b);
    uv_sem_wait(&b->done);
    assert_int_equal(b->err, OK);
    assert_string_equal(buf_str(&b->fetched->body), "{\"EventType\":301,\"TaskId\":\"task-1\"}");
    event_free(b->fetched);
    loop_call(b->home, fetch_none, b);
    uv_sem_wait(&b->done);
    assert_int_equal(b->err, ERR_NOT_FOUND);
    assert_null(b->fetched);
    bench_close(b);
}

/* --- failures --- */

static int count(struct bench *b, const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int n = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

/* The number of tasks; each has exactly its one event. */
static int tasks_with_event(struct bench *b)
{
    int tasks = count(b, "SELECT count(*) FROM tasks");
    assert_int_equal(count(b, "SELECT count(*) FROM events"), tasks);
    assert_int_equal(count(b, "SELECT count(*) FROM tasks JOIN events USING (task_id)"), tasks);
    return tasks;
}

/* Two changes, the k-th disk operation failing; the first change again if it was refused. The
 * number of tasks that must be there. */
static int work_with_fault(struct bench *b, int k, int code, int *refused)
{
    char first[16], second[16];
    snprintf(first, sizeof first, "a%03d", k);
    snprintf(second, sizeof second, "b%03d", k);
    fault_vfs_fail(k, 1, code);
    int err1 = submit_keep(b, start_of(first));
    struct store_change *change = b->back;
    int err2 = submit(b, start_of(second));
    *refused = (err1 != OK) + (err2 != OK);
    if (k)
        fault_vfs_fail(0, 0, 0);
    assert_true(err1 == OK || err1 == ERR_IO);
    assert_true(err2 == OK || err2 == ERR_IO);
    if (err1 == OK)
        store_change_free(change);
    else
        assert_int_equal(submit(b, change), OK);
    return 1 + (err2 == OK);
}

/* Whichever disk operation fails: what was answered with OK is there, what was refused is not, and
 * the store works again as soon as the disk does. */
static void each_failing_disk_operation(void **state)
{
    struct bench *b = *state;
    static const int codes[] = { SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC };
    int refused, tasks;
    bench_open(b);
    tasks = work_with_fault(b, 0, 0, &refused);
    int ops = fault_vfs_seen();
    bench_close(b);
    assert_int_equal(refused, 0);
    assert_true(ops > 4);
    for (int k = 1; k <= ops; k++) {
        bench_open(b);
        tasks += work_with_fault(b, k, codes[k % 3], &refused);
        bench_close(b);
        assert_int_equal(refused, 1);
        assert_int_equal(tasks_with_event(b), tasks);
    }
}

static void a_full_disk_refuses_until_there_is_room(void **state)
{
    struct bench *b = *state;
    bench_open(b);
    assert_int_equal(submit(b, start_of("task-1")), OK);
    fault_vfs_fail(1, 1000000, SQLITE_FULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(submit(b, start_of("task-2")), ERR_IO);
    fault_vfs_fail(0, 0, 0);
    assert_int_equal(submit(b, start_of("task-2")), OK);
    const struct store_stats *stats = store_stats(b->store);
    assert_int_equal(counter_get(&stats->failures), 5);
    assert_true(counter_get(&stats->commits.sum) > 0);
    assert_int_equal(store_waiting(b->store), 0);
    struct loaded l = reopen(b);
    assert_string_equal(l.task_ids, "task-1 task-2 ");
    assert_string_equal(l.event_tasks, "task-1 task-2 ");
    bench_close(b);
}

/* --- killed in the middle --- */

struct worker {
    struct bench *b;
    int pipe, n;
};

static void worker_next(struct worker *w);

static void on_worker_done(void *ctx, int err, struct store_change *change)
{
    struct worker *w = ctx;
    if (err != OK || write(w->pipe, "+", 1) != 1)
        _exit(1);
    store_change_free(change);
    worker_next(w);
}

static void worker_next(struct worker *w)
{
    char id[32];
    snprintf(id, sizeof id, "%06d", w->n++);
    if (store_submit(w->b->store, start_of(id), on_worker_done, w))
        _exit(1);
}

static void worker_start(void *ctx)
{
    for (int i = 0; i < 8; i++)
        worker_next(ctx);
}

static void be_killed(struct bench *b, int out, int n)
{
    struct worker w = { .b = b, .pipe = out, .n = n };
    if (loop_new(&b->home, "home", 1000) || store_open(&b->store, b->path, &key, b->home))
        _exit(1);
    loop_call(b->home, worker_start, &w);
    for (;;)
        pause();
}

/* Reads acknowledgements until `kill_after`, kills, and reads what was still written. */
static int acknowledged(pid_t child, int in, int kill_after)
{
    int count = 0;
    char c;
    while (read(in, &c, 1) == 1)
        if (++count == kill_after)
            kill(child, SIGKILL);
    return count;
}

static void killed_in_the_middle(void **state)
{
    struct bench *b = *state;
    unsigned seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    int there = 0;
    for (int round = 0; round < 10; round++) {
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            be_killed(b, ends[1], there + 1000 * round);
        close(ends[1]);
        int told = acknowledged(child, ends[0], 1 + rand() % 60);
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));

        bench_open(b);
        struct loaded l = load(b);
        assert_int_equal(l.tasks, l.events);
        assert_true(l.tasks >= there + told);
        there = l.tasks;
        bench_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_in_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_and_its_event_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_change_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_are_kept_and_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(playlists_go_with_their_task, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_change_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_not_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_moved_to_another_task_do_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(other_databases_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(many_changes_are_answered_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_commits_what_was_submitted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_can_be_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(each_failing_disk_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_until_there_is_room, setup, teardown),
    };
    log_setup(LOG_ERROR, false);
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
