/* What tasks write into the store, in order and until it is there: a task's changes are committed
 * one after the other, each together with its events, which are handed on for delivery after the
 * commit.
 *
 *     ledger_add -> [task: c1 c2 c3] -> c1 to the store --committed--> its events; then c2
 *                                          ^      | ERR_IO (disk full)
 *                                          +------+ again after a pause
 *
 * So nothing about a task is forgotten while something before it is not yet said: its row goes
 * after 302 and 305 were committed, however long the disk is full. A change outlives its task.
 *
 * Control loop only. */
#ifndef TASK_LEDGER_H
#define TASK_LEDGER_H

#include "io/loop.h"
#include "store/store.h"

#define LEDGER_PAUSE_MIN SEC /* after a failed commit; doubled with each failure in a row */
#define LEDGER_PAUSE_MAX (60 * SEC)

struct ledger;

struct ledger_config {
    struct loop *control;
    struct store *store;
    void (*event)(void *ctx, struct event *event); /* is in the store; yours to keep */
    void (*idle)(void *ctx); /* nothing waits any more; does not free the ledger */
    void *ctx;
};

int ledger_new(struct ledger **out, const struct ledger_config *config); /* ERR_NOMEM */

/* Changes that wait for others are dropped (the next start makes up for them); those that the store
 * has are still committed, but their events are not handed on. Every `done` that has not been
 * called is called from within, with ERR_BAD_STATE, and must add nothing. Before store_close; the
 * loop turns once more. NULL is fine. */
void ledger_free(struct ledger *ledger);

/* How the first try went of the change, or of one before it. After ERR_IO both are tried again
 * until they are committed; after any other error the change is given up (logged). */
typedef void ledger_done(void *ctx, int err);

/* Takes the change; NULL: there was no memory for it (logged here). `done` may be NULL; it is
 * called once, from within only when memory is out, and not after ledger_free. */
void ledger_add(struct ledger *ledger, const char *task_id, struct store_change *change,
                ledger_done *done, void *ctx);

bool ledger_idle(const struct ledger *ledger); /* nothing waits */

#endif
