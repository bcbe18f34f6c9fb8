#include "callback/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/err.h"
#include "base/list.h"
#include "callback/due.h"
#include "observe/log.h"

#define TURN_ATTEMPTS 2 /* the first attempt and its retry at once */

/* The order of one task's first attempts. Lives while there are any. */
struct task {
    UT_hash_handle hh; /* outbox.tasks, by .id */
    char id[EVENT_TASK_ID_SIZE];
    struct list turns; /* struct item, by .in_task; the first one has its turn */
};

/* Scheme, host and port of receivers, which share connections. */
struct origin {
    UT_hash_handle hh;    /* outbox.origins, by .name */
    struct list fresh;    /* struct item, by .in_ready: first attempts and their retry */
    struct list again;    /* struct item, by .in_ready: the later ones */
    struct link in_dirty; /* outbox.dirty */
    bool again_next;
    int busy;
    char name[];
};

enum state { WAITING, READY, FETCHING, FLYING, RESTING };

struct item {
    UT_hash_handle hh; /* outbox.items, by .id */
    int64_t id;
    struct event *event;
    bool held; /* the body is in memory */
    struct outbox_receiver receiver;
    struct origin *origin;
    struct task *task;     /* NULL: had its turn */
    struct link in_task;   /* task.turns */
    struct link in_ready;  /* origin.fresh or .again */
    struct due_entry rest; /* outbox.resting */
    enum state state;
    usec_t began; /* of the attempt under way */
};

struct outbox {
    const struct outbox_ops *ops;
    void *ctx;
    size_t memory, held;
    struct item *items;
    struct task *tasks;
    struct origin *origins;
    struct list dirty; /* struct origin, by .in_dirty: may have something to begin */
    bool pumping;
    struct due resting;
    struct outbox_stats stats;
};

static void pump(struct outbox *o, struct origin *origin, usec_t now);

/* --- tasks and origins --- */

static struct task *task_get(struct outbox *o, const char *id)
{
    struct task *task;
    HASH_FIND_STR(o->tasks, id, task);
    if (task || !(task = calloc(1, sizeof *task)))
        return task;
    strcpy(task->id, id);
    list_init(&task->turns);
    HASH_ADD_STR(o->tasks, id, task);
    return task;
}

static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return (size_t)(host - url) + strcspn(host, "/?#");
}

static struct origin *origin_get(struct outbox *o, const char *url)
{
    size_t len = origin_length(url);
    struct origin *origin;
    HASH_FIND(hh, o->origins, url, len, origin);
    if (origin || !(origin = calloc(1, sizeof *origin + len + 1)))
        return origin;
    memcpy(origin->name, url, len);
    link_init(&origin->in_dirty);
    list_init(&origin->fresh);
    list_init(&origin->again);
    HASH_ADD_KEYPTR(hh, o->origins, origin->name, len, origin);
    return origin;
}

/* --- items --- */

static void drop_body(struct outbox *o, struct item *item)
{
    if (!item->held)
        return;
    o->held -= item->event->body.len;
    item->held = false;
    buf_fini(&item->event->body);
}

static void hold_body(struct outbox *o, struct item *item)
{
    item->held = true;
    o->held += item->event->body.len;
}

static void make_ready(struct item *item)
{
    struct list *list = item->task ? &item->origin->fresh : &item->origin->again;
    item->state = READY;
    list_append(list, &item->in_ready);
}

/* The task's next event has its turn. It may go elsewhere than the one before. */
static void end_turn(struct outbox *o, struct item *item, usec_t now)
{
    struct task *task = item->task;
    if (!task)
        return;
    item->task = NULL;
    list_remove(&item->in_task);
    struct item *next = list_first(&task->turns, struct item, in_task);
    if (!next) {
        HASH_DEL(o->tasks, task);
        free(task);
    } else if (next->state == WAITING) {
        make_ready(next);
        pump(o, next->origin, now);
    }
}

static void item_free(struct outbox *o, struct item *item)
{
    drop_body(o, item);
    due_remove(&o->resting, &item->rest);
    list_remove(&item->in_ready);
    list_remove(&item->in_task);
    HASH_DEL(o->items, item);
    event_free(item->event);
    free(item);
}

static void forget(struct outbox *o, struct item *item, usec_t now)
{
    o->ops->forget(o->ctx, item->id);
    end_turn(o, item, now);
    item_free(o, item);
}

static struct log log_of(const struct item *item)
{
    return log_with(NULL, "task", item->event->task_id);
}

/* --- the end of an attempt --- */

static void deliver(struct outbox *o, struct item *item, usec_t now)
{
    struct log log = log_of(item);
    log_info(&log, "callback %d delivered, attempt %d", item->event->type, item->event->attempts);
    o->stats.delivered++;
    forget(o, item, now);
}

static void give_up(struct outbox *o, struct item *item, const char *why, usec_t now)
{
    struct log log = log_of(item);
    log_warn(&log, "callback %d given up after %d attempts: %s", item->event->type,
             item->event->attempts, why);
    o->stats.given_up++;
    forget(o, item, now);
}

static void rest_until(struct outbox *o, struct item *item, usec_t at)
{
    item->state = RESTING;
    due_put(&o->resting, &item->rest, at);
}

/* Once a warning, when the receiver seems to be down; the rest is for those who look closer. */
static void log_failure(const struct item *item, const char *why, usec_t now)
{
    struct log log = log_of(item);
    const struct event *event = item->event;
    log_write(&log, event->attempts == TURN_ATTEMPTS ? LOG_WARN : LOG_INFO,
              "callback %d failed, attempt %d: %s; next attempt in %d s", event->type,
              event->attempts, why, (int)((event->next_attempt - now) / SEC));
}

static void fail(struct outbox *o, struct item *item, const char *why, usec_t now)
{
    struct event *event = item->event;
    o->stats.failed++;
    usec_t next =
        schedule_next(&item->receiver.schedule, event->attempts, event->first_attempt, now);
    if (next == USEC_NEVER) {
        give_up(o, item, why, now);
        return;
    }
    event->next_attempt = next;
    log_failure(item, why, now);
    o->ops->reschedule(o->ctx, event);
    if (event->attempts < TURN_ATTEMPTS) {
        make_ready(item);
        return;
    }
    if (o->held > o->memory)
        drop_body(o, item);
    rest_until(o, item, next);
    end_turn(o, item, now);
}

static void end_attempt(struct outbox *o, struct item *item, const char *failure, usec_t now)
{
    struct event *event = item->event;
    item->origin->busy--;
    event->attempts++;
    if (event->attempts == 1)
        event->first_attempt = item->began;
    if (failure)
        fail(o, item, failure, now);
    else
        deliver(o, item, now);
}

/* --- the beginning of an attempt --- */

static void fly(struct outbox *o, struct item *item, usec_t now)
{
    struct outbox_request request = { item->id, &item->receiver, item->event };
    item->state = FLYING;
    if (!o->ops->send(o->ctx, &request))
        end_attempt(o, item, "cannot be sent", now);
}

static void begin(struct outbox *o, struct item *item, usec_t now)
{
    list_remove(&item->in_ready);
    item->origin->busy++;
    item->began = now;
    if (item->held) {
        fly(o, item, now);
        return;
    }
    item->state = FETCHING;
    if (!o->ops->fetch(o->ctx, item->id))
        end_attempt(o, item, "cannot be read", now);
}

/* First attempts and later ones take turns, so that neither a dead receiver's old events nor a
 * flood of new ones hold up the other. */
static struct item *next_ready(struct origin *origin)
{
    struct item *fresh = list_first(&origin->fresh, struct item, in_ready);
    struct item *again = list_first(&origin->again, struct item, in_ready);
    origin->again_next = !origin->again_next;
    if (fresh && again)
        return origin->again_next ? fresh : again;
    return fresh ? fresh : again;
}

static void pump_one(struct outbox *o, struct origin *origin, usec_t now)
{
    while (origin->busy < OUTBOX_PER_ORIGIN) {
        struct item *item = next_ready(origin);
        if (!item)
            return;
        begin(o, item, now);
    }
}

/* What begins may end at once and let others begin: they are noted here, so that this does not
 * recurse. */
static void pump(struct outbox *o, struct origin *origin, usec_t now)
{
    if (!link_linked(&origin->in_dirty))
        list_append(&o->dirty, &origin->in_dirty);
    if (o->pumping)
        return;
    o->pumping = true;
    while ((origin = list_first(&o->dirty, struct origin, in_dirty))) {
        list_remove(&origin->in_dirty);
        pump_one(o, origin, now);
    }
    o->pumping = false;
}

/* --- from outside --- */

struct outbox *outbox_new(const struct outbox_ops *ops, void *ctx, size_t memory)
{
    struct outbox *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->ops = ops;
    o->ctx = ctx;
    o->memory = memory;
    list_init(&o->dirty);
    due_init(&o->resting);
    return o;
}

void outbox_free(struct outbox *o)
{
    if (!o)
        return;
    struct item *item, *next_item;
    struct task *task, *next_task;
    struct origin *origin, *next_origin;
    HASH_ITER(hh, o->items, item, next_item)
    item_free(o, item);
    HASH_ITER(hh, o->tasks, task, next_task)
    {
        HASH_DEL(o->tasks, task);
        free(task);
    }
    HASH_ITER(hh, o->origins, origin, next_origin)
    {
        HASH_DEL(o->origins, origin);
        free(origin);
    }
    due_fini(&o->resting);
    free(o);
}

static struct item *item_new(struct outbox *o, struct event *event,
                             const struct outbox_receiver *receiver)
{
    struct item *item = calloc(1, sizeof *item);
    struct origin *origin = origin_get(o, receiver->url);
    struct task *task = event->attempts < TURN_ATTEMPTS ? task_get(o, event->task_id) : NULL;
    bool room = due_reserve(&o->resting, HASH_COUNT(o->items) + 1);
    if (!item || !origin || !room || (event->attempts < TURN_ATTEMPTS && !task)) {
        free(item);
        return NULL;
    }
    item->id = event->id;
    item->event = event;
    item->receiver = *receiver;
    item->origin = origin;
    link_init(&item->in_task);
    link_init(&item->in_ready);
    HASH_ADD(hh, o->items, id, sizeof item->id, item);
    item->task = task;
    if (task)
        list_append(&task->turns, &item->in_task);
    return item;
}

/* Times of an earlier life may come from a clock that was wrong. */
static void repair_times(struct event *event, const struct schedule *s, usec_t now)
{
    if (event->first_attempt > now)
        event->first_attempt = now;
    if (event->next_attempt > now + s->max_pause)
        event->next_attempt = now + s->max_pause;
}

static void place(struct outbox *o, struct item *item, usec_t now)
{
    if (!item->task) {
        rest_until(o, item, item->event->next_attempt);
        outbox_tick(o, now);
    } else if (list_first(&item->task->turns, struct item, in_task) == item) {
        make_ready(item);
        pump(o, item->origin, now);
    }
}

void outbox_add(struct outbox *o, struct event *event, usec_t now)
{
    struct outbox_receiver receiver = { 0 };
    struct log log = log_with(NULL, "task", event->task_id);
    if (!o->ops->receiver(o->ctx, event->sdk_app_id, event->group, &receiver)) {
        log_debug(&log, "callback %d has no receiver", event->type);
        o->stats.no_receiver++;
        o->ops->forget(o->ctx, event->id);
        event_free(event);
        return;
    }
    struct item *item = item_new(o, event, &receiver);
    if (!item) {
        log_error(&log, "callback %d: out of memory, kept for the next start", event->type);
        event_free(event);
        return;
    }
    repair_times(event, &receiver.schedule, now);
    hold_body(o, item);
    if (o->held > o->memory)
        drop_body(o, item);
    place(o, item, now);
}

static struct item *find(struct outbox *o, int64_t id, enum state state)
{
    struct item *item;
    HASH_FIND(hh, o->items, &id, sizeof id, item);
    return item && item->state == state ? item : NULL;
}

void outbox_answered(struct outbox *o, int64_t id, const char *failure, usec_t now)
{
    struct item *item = find(o, id, FLYING);
    assert(item);
    struct origin *origin = item->origin;
    end_attempt(o, item, failure, now);
    pump(o, origin, now);
}

void outbox_fetched(struct outbox *o, int64_t id, struct event *event, usec_t now)
{
    struct item *item = find(o, id, FETCHING);
    assert(item);
    struct origin *origin = item->origin;
    if (event) {
        /* What the item knows about attempts is newer than what the store does. */
        struct buf body = item->event->body;
        item->event->body = event->body;
        event->body = body;
        event_free(event);
        hold_body(o, item);
        fly(o, item, now);
    } else {
        end_attempt(o, item, "cannot be read", now);
    }
    pump(o, origin, now);
}

void outbox_tick(struct outbox *o, usec_t now)
{
    struct due_entry *entry;
    while ((entry = due_first(&o->resting)) && entry->at <= now) {
        struct item *item = list_item(entry, struct item, rest);
        due_remove(&o->resting, entry);
        make_ready(item);
        pump(o, item->origin, now);
    }
}

usec_t outbox_deadline(const struct outbox *o)
{
    const struct due_entry *first = due_first(&o->resting);
    return first ? first->at : USEC_NEVER;
}

size_t outbox_waiting(const struct outbox *o)
{
    return HASH_COUNT(o->items);
}

const struct outbox_stats *outbox_stats(const struct outbox *o)
{
    return &o->stats;
}

size_t outbox_held(const struct outbox *o)
{
    return o->held;
}
