#include "store/rows.h"

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"
#include "store/secrets.h"

#define MAX_PARAMS (4u << 20)
#define PLACE      "tasks.secrets:%s"
#define PLACE_SIZE 1024

#define EVENT_COLUMNS                                                                              \
    "id, task_id, sdk_app_id, event_group, type, body, sign, callback_ts, attempts, "              \
    "first_attempt, next_attempt"

/* The numbers of the parameters are the places of the fields in bind_task. */
static const char *const sql[ROWS_COUNT] = {
    [ROWS_INSERT_TASK] = "INSERT INTO tasks (task_id, sdk_app_id, room_id_type, room_id, user_id, "
                         "params, secrets, wanted, actual, owner, epoch, created, expires, ended, "
                         "leave_code) VALUES "
                         "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [ROWS_UPDATE_TASK] = "UPDATE tasks SET wanted = ?8, actual = ?9, owner = ?10, epoch = ?11, "
                         "expires = ?13, ended = ?14, leave_code = ?15 "
                         "WHERE task_id = ?1 AND epoch <= ?11",
    [ROWS_UPDATE_PARAMS] = "UPDATE tasks SET params = ?6, secrets = ?7 "
                           "WHERE task_id = ?1 AND epoch <= ?11",
    [ROWS_DELETE_TASK] = "DELETE FROM tasks WHERE task_id = ?1",
    [ROWS_DELETE_PLAYLISTS] = "DELETE FROM playlists WHERE task_id = ?1",
    [ROWS_INSERT_PLAYLIST] = "INSERT OR IGNORE INTO playlists (task_id, name, user_id, track_type, "
                             "begin, uploaded) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    [ROWS_PLAYLIST_UPLOADED] = "UPDATE playlists SET uploaded = 1 WHERE task_id = ?1 AND name = ?2",
    [ROWS_INSERT_START] = "INSERT OR REPLACE INTO starts (sdk_app_id, secret_id, key, task_id, "
                          "fingerprint, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [ROWS_EXPIRE_STARTS] = "DELETE FROM starts WHERE created <= ?1",
    [ROWS_INSERT_EVENT] = "INSERT INTO events (" EVENT_COLUMNS ") VALUES "
                          "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [ROWS_DELETE_EVENT] = "DELETE FROM events WHERE id = ?1",
    [ROWS_RESCHEDULE_EVENT] = "UPDATE events SET attempts = ?2, first_attempt = ?3, "
                              "next_attempt = ?4 WHERE id = ?1",
    [ROWS_LOAD_TASKS] = "SELECT task_id, sdk_app_id, room_id_type, room_id, user_id, params, "
                        "secrets, wanted, actual, owner, epoch, created, expires, ended, "
                        "leave_code FROM tasks ORDER BY created, task_id",
    [ROWS_LOAD_PLAYLISTS] = "SELECT task_id, name, user_id, track_type, begin, uploaded "
                            "FROM playlists ORDER BY begin, name",
    [ROWS_LOAD_STARTS] = "SELECT sdk_app_id, secret_id, key, task_id, fingerprint, created "
                         "FROM starts ORDER BY created",
    [ROWS_LOAD_EVENTS] = "SELECT " EVENT_COLUMNS " FROM events ORDER BY id",
    [ROWS_FETCH_EVENT] = "SELECT " EVENT_COLUMNS " FROM events WHERE id = ?1",
    [ROWS_LAST_EVENT] = "SELECT seq FROM sqlite_sequence WHERE name = 'events'",
};

int rows_init(struct rows *rows, sqlite3 *db, const struct seal_key *key)
{
    *rows = (struct rows){ .db = db, .key = *key };
    for (int i = 0; i < ROWS_COUNT; i++) {
        if (sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &rows->stmt[i], NULL)) {
            log_error(NULL, "store: %s", sqlite3_errmsg(db));
            return ERR_IO;
        }
    }
    return OK;
}

void rows_fini(struct rows *rows)
{
    for (int i = 0; i < ROWS_COUNT; i++)
        sqlite3_finalize(rows->stmt[i]);
    seal_key_wipe(&rows->key);
}

/* Runs a statement that gives no rows. */
static int finish(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc == SQLITE_DONE)
        return OK;
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID)
        return ERR_EXISTS;
    return (rc & 0xff) == SQLITE_CONSTRAINT ? ERR_MALFORMED
                                            : ERR_IO; /* ours alone, or the disk's */
}

/* Binding copies nothing: what is bound lives until the statement has run. A place that the
 * statement does not use is refused by SQLite, which is what we want. */
static void bind_text(sqlite3_stmt *stmt, int place, const char *text)
{
    sqlite3_bind_text(stmt, place, text, -1, SQLITE_STATIC);
}

/* The parameters in their two parts, as they go into the row. */
struct stored_params {
    struct buf clean, sealed;
};

static void stored_params_fini(struct stored_params *stored)
{
    buf_fini(&stored->clean);
    buf_fini(&stored->sealed);
}

/* What a task's secrets are bound to: sealed values cannot change rows or columns. */
static int seal_secrets(struct buf *out, const struct rows *rows, const char *task_id,
                        const struct buf *secrets)
{
    struct buf place;
    buf_init(&place, PLACE_SIZE);
    buf_printf(&place, PLACE, task_id);
    int err = place.err;
    if (!err)
        err = seal_close(out, &rows->key, buf_bytes(secrets), buf_bytes(&place));
    buf_fini(&place);
    return err;
}

static int open_secrets(struct buf *out, const struct rows *rows, const char *task_id,
                        struct bytes sealed)
{
    struct buf place;
    buf_init(&place, PLACE_SIZE);
    buf_printf(&place, PLACE, task_id);
    int err = place.err;
    if (!err)
        err = seal_open(out, &rows->key, sealed, buf_bytes(&place));
    buf_fini(&place);
    return err;
}

static int stored_params_init(struct stored_params *stored, const struct rows *rows,
                              const struct store_task *task)
{
    struct buf secrets;
    buf_init(&secrets, MAX_PARAMS);
    buf_init(&stored->clean, MAX_PARAMS);
    buf_init(&stored->sealed, MAX_PARAMS + SEAL_OVERHEAD);
    int err = secrets_split(&stored->clean, &secrets, bytes_str(task->params));
    if (!err && secrets.len)
        err = seal_secrets(&stored->sealed, rows, task->task_id, &secrets);
    seal_wipe_buf(&secrets);
    return err;
}

static void bind_params(sqlite3_stmt *stmt, const struct stored_params *stored)
{
    sqlite3_bind_text(stmt, 6, buf_str(&stored->clean), (int)stored->clean.len, SQLITE_STATIC);
    if (stored->sealed.len)
        sqlite3_bind_blob(stmt, 7, stored->sealed.ptr, (int)stored->sealed.len, SQLITE_STATIC);
}

static void bind_state(sqlite3_stmt *stmt, const struct store_task *task)
{
    bind_text(stmt, 1, task->task_id);
    bind_text(stmt, 8, task->wanted);
    bind_text(stmt, 9, task->actual);
    bind_text(stmt, 10, task->owner);
    sqlite3_bind_int64(stmt, 11, task->epoch);
    sqlite3_bind_int64(stmt, 13, task->expires);
    sqlite3_bind_int64(stmt, 14, task->ended);
    sqlite3_bind_int(stmt, 15, task->leave_code);
}

static int insert_task(struct rows *rows, const struct store_task *task)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_INSERT_TASK];
    struct stored_params stored;
    int err = stored_params_init(&stored, rows, task);
    if (!err) {
        bind_state(stmt, task);
        bind_params(stmt, &stored);
        sqlite3_bind_int64(stmt, 2, task->sdk_app_id);
        sqlite3_bind_int(stmt, 3, task->room_id_type);
        bind_text(stmt, 4, task->room_id);
        bind_text(stmt, 5, task->user_id);
        sqlite3_bind_int64(stmt, 12, task->created);
        err = finish(stmt);
    }
    stored_params_fini(&stored);
    return err;
}

/* An UPDATE that must meet its row. */
static int finish_found(struct rows *rows, sqlite3_stmt *stmt)
{
    int err = finish(stmt);
    return err || sqlite3_changes(rows->db) == 1 ? err : ERR_NOT_FOUND;
}

static int update_task(struct rows *rows, const struct store_task *task)
{
    bind_state(rows->stmt[ROWS_UPDATE_TASK], task);
    return finish_found(rows, rows->stmt[ROWS_UPDATE_TASK]);
}

static int update_params(struct rows *rows, const struct store_task *task)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_UPDATE_PARAMS];
    struct stored_params stored;
    int err = stored_params_init(&stored, rows, task);
    if (!err) {
        bind_text(stmt, 1, task->task_id);
        sqlite3_bind_int64(stmt, 11, task->epoch);
        bind_params(stmt, &stored);
        err = finish_found(rows, stmt);
    }
    stored_params_fini(&stored);
    return err;
}

static int delete_task(struct rows *rows, const struct store_task *task)
{
    bind_text(rows->stmt[ROWS_DELETE_TASK], 1, task->task_id);
    int err = finish(rows->stmt[ROWS_DELETE_TASK]);
    if (err)
        return err;
    bind_text(rows->stmt[ROWS_DELETE_PLAYLISTS], 1, task->task_id);
    return finish(rows->stmt[ROWS_DELETE_PLAYLISTS]);
}

static int insert_playlist(struct rows *rows, const struct store_playlist *playlist)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_INSERT_PLAYLIST];
    bind_text(stmt, 1, playlist->task_id);
    bind_text(stmt, 2, playlist->name);
    bind_text(stmt, 3, playlist->user_id);
    bind_text(stmt, 4, playlist->track_type);
    sqlite3_bind_int64(stmt, 5, playlist->begin);
    return finish(stmt);
}

static int playlist_uploaded(struct rows *rows, const struct store_playlist *playlist)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_PLAYLIST_UPLOADED];
    bind_text(stmt, 1, playlist->task_id);
    bind_text(stmt, 2, playlist->name);
    return finish(stmt);
}

static int insert_start(struct rows *rows, const struct store_start *start)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_INSERT_START];
    sqlite3_bind_int64(stmt, 1, start->sdk_app_id);
    bind_text(stmt, 2, start->secret_id);
    bind_text(stmt, 3, start->key);
    bind_text(stmt, 4, start->task_id);
    sqlite3_bind_blob(stmt, 5, start->fingerprint, sizeof start->fingerprint, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 6, start->created);
    return finish(stmt);
}

static int expire_starts(struct rows *rows, usec_t before)
{
    sqlite3_bind_int64(rows->stmt[ROWS_EXPIRE_STARTS], 1, before);
    return finish(rows->stmt[ROWS_EXPIRE_STARTS]);
}

static int insert_event(struct rows *rows, const struct event *event)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_INSERT_EVENT];
    if (!event)
        return ERR_BAD_STATE; /* taken back, and the change submitted again */
    if (event->body.err)
        return event->body.err;
    sqlite3_bind_int64(stmt, 1, event->id);
    bind_text(stmt, 2, event->task_id);
    sqlite3_bind_int64(stmt, 3, event->sdk_app_id);
    sqlite3_bind_int(stmt, 4, event->group);
    sqlite3_bind_int(stmt, 5, event->type);
    sqlite3_bind_blob(stmt, 6, buf_str(&event->body), (int)event->body.len, SQLITE_STATIC);
    bind_text(stmt, 7, event->sign);
    sqlite3_bind_int64(stmt, 8, event->callback_ts);
    sqlite3_bind_int(stmt, 9, event->attempts);
    sqlite3_bind_int64(stmt, 10, event->first_attempt);
    sqlite3_bind_int64(stmt, 11, event->next_attempt);
    return finish(stmt);
}

static int delete_event(struct rows *rows, int64_t id)
{
    sqlite3_bind_int64(rows->stmt[ROWS_DELETE_EVENT], 1, id);
    return finish(rows->stmt[ROWS_DELETE_EVENT]);
}

static int reschedule_event(struct rows *rows, const struct step *step)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_RESCHEDULE_EVENT];
    sqlite3_bind_int64(stmt, 1, step->event_id);
    sqlite3_bind_int(stmt, 2, step->attempts);
    sqlite3_bind_int64(stmt, 3, step->first_attempt);
    sqlite3_bind_int64(stmt, 4, step->next_attempt);
    return finish(stmt);
}

int rows_apply(struct rows *rows, const struct step *step)
{
    switch (step->kind) {
    case STEP_INSERT_TASK: return insert_task(rows, &step->task);
    case STEP_UPDATE_TASK: return update_task(rows, &step->task);
    case STEP_UPDATE_PARAMS: return update_params(rows, &step->task);
    case STEP_DELETE_TASK: return delete_task(rows, &step->task);
    case STEP_ADD_PLAYLIST: return insert_playlist(rows, &step->playlist);
    case STEP_PLAYLIST_UPLOADED: return playlist_uploaded(rows, &step->playlist);
    case STEP_ADD_START: return insert_start(rows, &step->start);
    case STEP_EXPIRE_STARTS: return expire_starts(rows, step->before);
    case STEP_ADD_EVENT: return insert_event(rows, step->event);
    case STEP_REMOVE_EVENT: return delete_event(rows, step->event_id);
    case STEP_RESCHEDULE_EVENT: return reschedule_event(rows, step);
    }
    return ERR_UNSUPPORTED;
}

static const char *text_of(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "";
}

static struct bytes bytes_in(sqlite3_stmt *stmt, int column)
{
    const void *ptr = sqlite3_column_blob(stmt, column);
    return bytes_of(ptr, (size_t)sqlite3_column_bytes(stmt, column));
}

static struct store_task read_task(sqlite3_stmt *stmt, const char *params)
{
    return (struct store_task){
        .task_id = text_of(stmt, 0),
        .sdk_app_id = (uint32_t)sqlite3_column_int64(stmt, 1),
        .room_id_type = sqlite3_column_int(stmt, 2),
        .room_id = text_of(stmt, 3),
        .user_id = text_of(stmt, 4),
        .params = params,
        .wanted = text_of(stmt, 7),
        .actual = text_of(stmt, 8),
        .owner = text_of(stmt, 9),
        .epoch = sqlite3_column_int64(stmt, 10),
        .created = sqlite3_column_int64(stmt, 11),
        .expires = sqlite3_column_int64(stmt, 12),
        .ended = sqlite3_column_int64(stmt, 13),
        .leave_code = sqlite3_column_int(stmt, 14),
    };
}

static int read_params(const struct rows *rows, sqlite3_stmt *stmt, struct buf *out)
{
    struct buf secrets;
    buf_init(&secrets, MAX_PARAMS);
    struct bytes sealed = bytes_in(stmt, 6);
    int err = OK;
    if (sealed.len)
        err = open_secrets(&secrets, rows, text_of(stmt, 0), sealed);
    if (!err)
        err = secrets_join(out, bytes_in(stmt, 5), buf_bytes(&secrets));
    seal_wipe_buf(&secrets);
    return err;
}

static int deliver_task(const struct rows *rows, sqlite3_stmt *stmt, store_task_row *on_row,
                        void *ctx)
{
    struct buf params;
    buf_init(&params, 2 * MAX_PARAMS);
    int err = read_params(rows, stmt, &params);
    if (err) {
        struct log log = log_with(NULL, "task", text_of(stmt, 0));
        log_error(&log,
                  "store: the task's secrets cannot be read (%s): is the master key the one "
                  "it was stored with?",
                  err_text(err));
    } else {
        struct store_task task = read_task(stmt, buf_str(&params));
        on_row(ctx, &task);
    }
    seal_wipe_buf(&params);
    return err;
}

static int read_end(struct rows *rows, sqlite3_stmt *stmt, int rc)
{
    if (rc != SQLITE_DONE)
        log_error(NULL, "store: cannot read: %s", sqlite3_errmsg(rows->db));
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? OK : ERR_IO;
}

int rows_load_tasks(struct rows *rows, store_task_row *on_row, void *ctx)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_LOAD_TASKS];
    int rc, first_err = OK;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int err = deliver_task(rows, stmt, on_row, ctx);
        if (!first_err)
            first_err = err;
    }
    int err = read_end(rows, stmt, rc);
    return err ? err : first_err;
}

int rows_load_playlists(struct rows *rows, store_playlist_row *on_row, void *ctx)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_LOAD_PLAYLISTS];
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct store_playlist playlist = { .task_id = text_of(stmt, 0),
                                                 .name = text_of(stmt, 1),
                                                 .user_id = text_of(stmt, 2),
                                                 .track_type = text_of(stmt, 3),
                                                 .begin = sqlite3_column_int64(stmt, 4),
                                                 .uploaded = sqlite3_column_int(stmt, 5) != 0 };
        on_row(ctx, &playlist);
    }
    return read_end(rows, stmt, rc);
}

static struct store_start read_start(sqlite3_stmt *stmt)
{
    struct store_start start = { .sdk_app_id = (uint32_t)sqlite3_column_int64(stmt, 0),
                                 .secret_id = text_of(stmt, 1),
                                 .key = text_of(stmt, 2),
                                 .task_id = text_of(stmt, 3),
                                 .created = sqlite3_column_int64(stmt, 5) };
    struct bytes fingerprint = bytes_in(stmt, 4);
    if (fingerprint.len == sizeof start.fingerprint)
        memcpy(start.fingerprint, fingerprint.ptr, fingerprint.len);
    return start;
}

int rows_load_starts(struct rows *rows, store_start_row *on_row, void *ctx)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_LOAD_STARTS];
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct store_start start = read_start(stmt);
        on_row(ctx, &start);
    }
    return read_end(rows, stmt, rc);
}

static struct event *read_event(sqlite3_stmt *stmt)
{
    struct event *event = event_new();
    if (!event)
        return NULL;
    event->id = sqlite3_column_int64(stmt, 0);
    str_copy(event->task_id, sizeof event->task_id, bytes_in(stmt, 1));
    event->sdk_app_id = (uint32_t)sqlite3_column_int64(stmt, 2);
    event->group = sqlite3_column_int(stmt, 3);
    event->type = sqlite3_column_int(stmt, 4);
    buf_put_bytes(&event->body, bytes_in(stmt, 5));
    str_copy(event->sign, sizeof event->sign, bytes_in(stmt, 6));
    event->callback_ts = sqlite3_column_int64(stmt, 7);
    event->attempts = sqlite3_column_int(stmt, 8);
    event->first_attempt = sqlite3_column_int64(stmt, 9);
    event->next_attempt = sqlite3_column_int64(stmt, 10);
    if (event->body.err) {
        event_free(event);
        return NULL;
    }
    return event;
}

int rows_load_events(struct rows *rows, store_event_row *on_row, void *ctx)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_LOAD_EVENTS];
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct event *event = read_event(stmt);
        if (!event) {
            sqlite3_reset(stmt);
            return ERR_NOMEM;
        }
        on_row(ctx, event);
    }
    return read_end(rows, stmt, rc);
}

int rows_fetch_event(struct rows *rows, int64_t id, struct event **out)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_FETCH_EVENT];
    sqlite3_bind_int64(stmt, 1, id);
    int rc = sqlite3_step(stmt);
    struct event *event = rc == SQLITE_ROW ? read_event(stmt) : NULL;
    bool found = rc == SQLITE_ROW;
    int err = read_end(rows, stmt, found ? SQLITE_DONE : rc);
    if (event)
        *out = event;
    else if (!err)
        err = found ? ERR_NOMEM : ERR_NOT_FOUND;
    return err;
}

int rows_last_event(struct rows *rows, int64_t *out)
{
    sqlite3_stmt *stmt = rows->stmt[ROWS_LAST_EVENT];
    int64_t last = 0;
    int rc = sqlite3_step(stmt);
    bool found = rc == SQLITE_ROW;
    if (found)
        last = sqlite3_column_int64(stmt, 0);
    int err = read_end(rows, stmt, found ? SQLITE_DONE : rc);
    if (!err)
        *out = last;
    return err;
}
