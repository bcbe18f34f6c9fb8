/* The statements: steps of a change into rows, rows into tasks and events. Inside store/ only; one
 * thread at a time. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <sqlite3.h>

#include "store/change_steps.h"
#include "store/seal.h"

enum {
    ROWS_INSERT_TASK,
    ROWS_UPDATE_TASK,
    ROWS_UPDATE_PARAMS,
    ROWS_DELETE_TASK,
    ROWS_DELETE_PLAYLISTS,
    ROWS_INSERT_PLAYLIST,
    ROWS_PLAYLIST_UPLOADED,
    ROWS_INSERT_START,
    ROWS_EXPIRE_STARTS,
    ROWS_INSERT_EVENT,
    ROWS_DELETE_EVENT,
    ROWS_RESCHEDULE_EVENT,
    ROWS_LOAD_TASKS,
    ROWS_LOAD_PLAYLISTS,
    ROWS_LOAD_STARTS,
    ROWS_LOAD_EVENTS,
    ROWS_FETCH_EVENT,
    ROWS_LAST_EVENT,
    ROWS_COUNT
};

struct rows {
    sqlite3 *db; /* borrowed */
    struct seal_key key;
    sqlite3_stmt *stmt[ROWS_COUNT];
};

/* ERR_IO, logged. rows_fini is due in any case, before the database is closed. */
int rows_init(struct rows *rows, sqlite3 *db, const struct seal_key *key);
void rows_fini(struct rows *rows);

/* Errors as in change.h; ERR_IO: the reason is sqlite3_errmsg(). */
int rows_apply(struct rows *rows, const struct step *step);

int rows_load_tasks(struct rows *rows, store_task_row *on_row, void *ctx);
int rows_load_playlists(struct rows *rows, store_playlist_row *on_row, void *ctx);
int rows_load_starts(struct rows *rows, store_start_row *on_row, void *ctx);
int rows_load_events(struct rows *rows, store_event_row *on_row, void *ctx);
int rows_fetch_event(struct rows *rows, int64_t id, struct event **out);

/* The highest id ever given to an event; 0: none. */
int rows_last_event(struct rows *rows, int64_t *out);

#endif
