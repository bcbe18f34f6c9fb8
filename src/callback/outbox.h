/* Which callback is sent when. Knows the order, the schedule and the limits; whoever holds the
 * sockets, the clock and the store does what it says (callback/delivery). Pure but for its log
 * lines; from one thread at a time.
 *
 *                  first attempts, in the order of the task           at most 4 per origin
 *     add -> [task: e1 e2 e3] -> e1 has its turn ------> [origin: ready] ------> send -> answered
 *                                      ^                     ^                            |
 *                                      | at once, one time   | when due                   | failed
 *                                      +---------------------+------ [resting, by time] <-+
 *
 * An event's turn ends when it is delivered or its first retry has failed; then the task's next one
 * has its turn. So order governs first attempts only. Times are Unix time of a clock that does not
 * jump (clock_server). */
#ifndef CALLBACK_OUTBOX_H
#define CALLBACK_OUTBOX_H

#include "callback/schedule.h"
#include "store/event.h"

#define OUTBOX_PER_ORIGIN 4 /* callbacks.md 7 */
#define OUTBOX_MEMORY                                                                              \
    ((size_t)16 << 20) /* bodies kept in memory; others are read from the store again */

/* Where events of an application go. The text lives as long as the outbox. */
struct outbox_receiver {
    const char *url;
    bool insecure_tls; /* do not check the certificate */
    struct schedule schedule;
};

/* To send now. Borrowed until it is answered. */
struct outbox_request {
    int64_t id;
    const struct outbox_receiver *receiver;
    const struct event *event;
};

/* None of them calls back into the outbox. */
struct outbox_ops {
    /* False: there is no receiver, the event is dropped. */
    bool (*receiver)(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out);

    /* Begin an attempt; outbox_answered tells how it ended. False: it could not begin, which counts
     * as failed. */
    bool (*send)(void *ctx, const struct outbox_request *request);

    /* Read the event from the store; outbox_fetched gives it. False: could not ask. */
    bool (*fetch)(void *ctx, int64_t id);

    /* The event is delivered, given up or dropped: forget it. */
    void (*forget)(void *ctx, int64_t id);

    /* Write down attempts, first_attempt and next_attempt. */
    void (*reschedule)(void *ctx, const struct event *event);
};

struct outbox;

/* `ops` and `ctx` live as long as the outbox. `memory`: OUTBOX_MEMORY. NULL: out of memory. */
struct outbox *outbox_new(const struct outbox_ops *ops, void *ctx, size_t memory);
void outbox_free(
    struct outbox *outbox); /* requests under way are no longer borrowed; NULL is fine */

/* Takes an event that is in the store, new or from an earlier life of the process. Without memory
 * it stays in the store until the next start (logged). */
void outbox_add(struct outbox *outbox, struct event *event, usec_t now);

/* An attempt ended. `failure` is NULL when it was delivered (status 200), otherwise a short text
 * for the log. */
void outbox_answered(struct outbox *outbox, int64_t id, const char *failure, usec_t now);

/* Takes the event; NULL: it could not be read, which counts as a failed attempt. */
void outbox_fetched(struct outbox *outbox, int64_t id, struct event *event, usec_t now);

/* Begins what is due. Call at outbox_deadline() (USEC_NEVER: nothing rests), which changes with
 * each call. */
void outbox_tick(struct outbox *outbox, usec_t now);
usec_t outbox_deadline(const struct outbox *outbox);

/* For metrics. */
size_t outbox_waiting(const struct outbox *outbox); /* events not yet delivered or given up */

struct outbox_stats {
    uint64_t delivered, given_up;
    uint64_t failed;      /* attempts */
    uint64_t no_receiver; /* dropped */
};
const struct outbox_stats *outbox_stats(const struct outbox *outbox);
size_t outbox_held(const struct outbox *outbox); /* bytes of bodies in memory */

#endif
