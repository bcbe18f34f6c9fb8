#include "task/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/err.h"
#include "observe/log.h"

/* A change that waits for its commit. */
struct entry {
    struct link in_lane; /* lane.entries */
    struct store_change *change;
    ledger_done *done;
    void *ctx;
};

/* One task's changes. Lives while there are any. */
struct lane {
    UT_hash_handle hh; /* ledger.lanes, by .task_id */
    struct ledger *ledger;
    struct list entries; /* struct entry, by .in_lane; the first one is under way or rests */
    bool rests;          /* until the ledger's timer */
    char task_id[];
};

struct ledger {
    struct ledger_config config;
    struct lane *lanes;
    uv_timer_t timer;
    bool timer_set;
    usec_t pause; /* the last one; 0: the last commit was good */
    bool closed;
    unsigned holders; /* the timer and each change that the store has; the last one frees */
};

int ledger_new(struct ledger **out, const struct ledger_config *config)
{
    assert(loop_is_current(config->control));
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->config = *config;
    l->holders = 1;
    uv_timer_init(loop_uv(config->control), &l->timer);
    l->timer.data = l;
    *out = l;
    return OK;
}

static void release(struct ledger *l)
{
    if (--l->holders == 0)
        free(l);
}

static struct entry *first_of(struct lane *lane)
{
    return list_first(&lane->entries, struct entry, in_lane);
}

static void entry_free(struct entry *entry)
{
    list_remove(&entry->in_lane);
    store_change_free(entry->change);
    free(entry);
}

static void lane_free(struct lane *lane)
{
    list_each(entry, &lane->entries, struct entry, in_lane) entry_free(entry);
    HASH_DEL(lane->ledger->lanes, lane);
    free(lane);
}

static store_done on_committed;

static void submit(struct lane *lane)
{
    struct entry *entry = first_of(lane);
    struct store_change *change = entry->change;
    entry->change = NULL;
    lane->rests = false;
    lane->ledger->holders++;
    store_submit_must(lane->ledger->config.store, change, on_committed, lane);
}

/* --- after a failure --- */

static void on_time(uv_timer_t *timer)
{
    struct ledger *l = timer->data;
    struct lane *lane, *next;
    l->timer_set = false;
    HASH_ITER(hh, l->lanes, lane, next)
    {
        if (lane->rests)
            submit(lane);
    }
}

static void rest(struct lane *lane, int err)
{
    struct ledger *l = lane->ledger;
    lane->rests = true;
    if (l->timer_set)
        return;
    l->pause = l->pause ? 2 * l->pause : LEDGER_PAUSE_MIN;
    if (l->pause > LEDGER_PAUSE_MAX)
        l->pause = LEDGER_PAUSE_MAX;
    log_error(NULL,
              "the store fails (%s): what happened to tasks, and its callbacks, wait; trying again "
              "in %d s",
              err_text(err), (int)(l->pause / SEC));
    l->timer_set = true;
    uv_update_time(loop_uv(l->config.control));
    uv_timer_start(&l->timer, on_time, (uint64_t)(l->pause / MSEC), 0);
}

/* --- the end of a commit --- */

static void hand_on(struct ledger *l, struct store_change *change)
{
    struct event *event;
    while ((event = store_change_take_event(change)))
        l->config.event(l->config.ctx, event);
}

static void advance(struct lane *lane)
{
    struct ledger *l = lane->ledger;
    if (first_of(lane)) {
        submit(lane);
        return;
    }
    lane_free(lane);
    if (!l->lanes)
        l->config.idle(l->config.ctx);
}

static void tell(struct entry *entry, int err)
{
    ledger_done *done = entry->done;
    entry->done = NULL;
    if (done)
        done(entry->ctx, err);
}

/* Whoever waits behind it hears of it too: it may take long. */
static void fail_for_now(struct lane *lane, int err)
{
    rest(lane, err);
    list_each(entry, &lane->entries, struct entry, in_lane) tell(entry, err);
}

static void settle(struct lane *lane, int err, struct store_change *change)
{
    struct ledger *l = lane->ledger;
    struct entry *entry = first_of(lane);
    entry->change = change;
    if (err == ERR_IO) {
        fail_for_now(lane, err);
        return;
    }
    tell(entry, err);
    struct log log = log_with(NULL, "task", lane->task_id);
    if (err)
        log_error(&log, "a change could not be stored, its callbacks are not sent: %s",
                  err_text(err));
    else
        hand_on(l, change);
    l->pause = err ? l->pause : 0;
    entry_free(entry);
    advance(lane);
}

static void on_committed(void *ctx, int err, struct store_change *change)
{
    struct lane *lane = ctx;
    struct ledger *l = lane->ledger;
    if (l->closed) {
        store_change_free(change);
        lane_free(lane);
    } else {
        settle(lane, err, change);
    }
    release(l);
}

/* --- from outside --- */

static struct lane *lane_get(struct ledger *l, const char *task_id)
{
    struct lane *lane;
    HASH_FIND_STR(l->lanes, task_id, lane);
    if (lane)
        return lane;
    size_t size = strlen(task_id) + 1;
    lane = calloc(1, sizeof *lane + size);
    if (!lane)
        return NULL;
    memcpy(lane->task_id, task_id, size);
    lane->ledger = l;
    list_init(&lane->entries);
    HASH_ADD_STR(l->lanes, task_id, lane);
    return lane;
}

void ledger_add(struct ledger *l, const char *task_id, struct store_change *change,
                ledger_done *done, void *ctx)
{
    assert(loop_is_current(l->config.control) && !l->closed);
    struct entry *entry = calloc(1, sizeof *entry);
    struct lane *lane = entry && change ? lane_get(l, task_id) : NULL;
    if (!lane) {
        struct log log = log_with(NULL, "task", task_id);
        log_error(&log, "out of memory: a change is not stored and its callbacks are not sent");
        free(entry);
        store_change_free(change);
        if (done)
            done(ctx, ERR_NOMEM);
        return;
    }
    *entry = (struct entry){ .change = change, .done = done, .ctx = ctx };
    bool alone = list_empty(&lane->entries);
    list_append(&lane->entries, &entry->in_lane);
    if (alone)
        submit(lane);
}

bool ledger_idle(const struct ledger *l)
{
    return !l->lanes;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

/* What the store has comes back to its lane, which then holds nothing else. Whoever waits hears of
 * it, or nobody would ever let go of what it keeps for that. */
static void drop_waiting(struct lane *lane)
{
    struct log log = log_with(NULL, "task", lane->task_id);
    struct entry *first = first_of(lane);
    bool under_way = !first->change;
    bool dropped = false;
    list_each(entry, &lane->entries, struct entry, in_lane)
    {
        tell(entry, ERR_BAD_STATE);
        if (entry == first && under_way)
            continue;
        entry_free(entry);
        dropped = true;
    }
    if (dropped)
        log_warn(&log, "not everything about it is stored; the next start makes up for it");
    if (!under_way)
        lane_free(lane);
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    assert(loop_is_current(l->config.control));
    l->closed = true;
    struct lane *lane, *next;
    HASH_ITER(hh, l->lanes, lane, next)
    {
        drop_waiting(lane);
    }
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
