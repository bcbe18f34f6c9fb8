/* What must survive: tasks, and the callbacks still owed. SQLite in WAL mode with full
 * synchronisation, written by a thread of the store's own.
 *
 *     home loop                         store thread
 *     store_submit(change) ---queue---> all waiting changes in one transaction, fsync
 *     done(ctx, err, change) <--------- one message with all of them, in the order of submission
 *
 * All functions are called on the home loop's thread (or by whoever starts and stops it, while it
 * does nothing else here). A change is not there until its `done` was called with OK: tell nobody
 * before.
 *
 * When a commit fails (disk full, device error) all changes of that transaction are undone and get
 * ERR_IO; a change that fails by itself (ERR_EXISTS, ERR_NOT_FOUND, ERR_MALFORMED) is undone alone.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "io/loop.h"
#include "observe/counter.h"
#include "store/change.h"
#include "store/seal.h"

#define STORE_MAX_WAITING 4096 /* changes in the queue */

struct store;

/* Opens the database, makes or migrates it, and starts the thread. `key` is copied. Reasons are
 * logged. ERR_BAD_STATE: another process has it open. ERR_UNSUPPORTED: written by a newer release.
 * ERR_MALFORMED: not a database of ours. ERR_IO, ERR_NOMEM. */
int store_open(struct store **out, const char *path, const struct seal_key *key, struct loop *home);

/* For metrics; any thread. Lives as long as the store. */
struct store_stats {
    struct durations commits; /* of a transaction, its fsync included; failed ones too */
    struct counter failures;  /* transactions */
};
const struct store_stats *store_stats(const struct store *store);
unsigned store_waiting(struct store *store); /* changes and questions in the queue */

/* Commits what was submitted, ends the thread and closes. The `done` callbacks not yet called still
 * are, by the home loop's next turn; their contexts must live until then. Changes that the loop no
 * longer runs are freed. NULL is fine. */
void store_close(struct store *store);

/* All rows, in the order of creation. The loads here wait for a commit under way, see what was
 * committed, and call only before they return; what they call submits nothing. `row` and its texts
 * are borrowed for the call. ERR_AUTH: a task's secrets do not open with this key (logged, with the
 * task); the other rows come all the same. ERR_IO. */
typedef void store_task_row(void *ctx, const struct store_task *row);
int store_load_tasks(struct store *store, store_task_row *on_row, void *ctx);

/* The playlists of all tasks, by their beginning. `row` and its texts are borrowed for the call.
 * ERR_IO. */
typedef void store_playlist_row(void *ctx, const struct store_playlist *row);
int store_load_playlists(struct store *store, store_playlist_row *on_row, void *ctx);

/* All starts that carry a key, the oldest first. `row` and its texts are borrowed for the call.
 * ERR_IO. */
typedef void store_start_row(void *ctx, const struct store_start *row);
int store_load_starts(struct store *store, store_start_row *on_row, void *ctx);

/* All events in the order in which they were submitted; each is yours. ERR_IO, ERR_NOMEM. */
typedef void store_event_row(void *ctx, struct event *event);
int store_load_events(struct store *store, store_event_row *on_row, void *ctx);

/* The change comes back: yours, to take its events from, to free, or after an error to submit
 * again. */
typedef void store_done(void *ctx, int err, struct store_change *change);

/* Takes the change. `done` may be NULL: it is freed, and an error only logged. ERR_LIMIT: too many
 * wait, the change stays yours. */
int store_submit(struct store *store, struct store_change *change, store_done *done, void *ctx);

/* For changes whose number something else bounds (the end of a task, an event delivered): ignores
 * the limit. */
void store_submit_must(struct store *store, struct store_change *change, store_done *done,
                       void *ctx);

/* Reads one event again, after what was submitted before. The callback gets it to keep, or NULL
 * with ERR_NOT_FOUND, ERR_IO, ERR_NOMEM, and ERR_BAD_STATE when the home loop has ended (it is
 * called all the same). store_fetch_event: ERR_NOMEM, and no callback. */
typedef void store_fetched(void *ctx, int err, int64_t id, struct event *event);
int store_fetch_event(struct store *store, int64_t id, store_fetched *done, void *ctx);

#endif
