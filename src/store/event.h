/* One callback that is owed to a customer: what is sent is fixed when the event is made, so that
 * every attempt carries the same bytes and the same signature (callbacks.md 1). Made in callback/,
 * kept by the store until it is delivered or given up. One owner at a time; not shared between
 * threads. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "base/buf.h"
#include "base/clock.h"

#define EVENT_TASK_ID_SIZE 192
#define EVENT_SIGN_SIZE    48
#define EVENT_MAX_BODY     (256u << 10)

struct event {
    int64_t id; /* 0 until the store has taken it; then unique, and growing in the order of
                   submission */
    char task_id[EVENT_TASK_ID_SIZE];
    uint32_t sdk_app_id;        /* decides the receiver's address at the time of each attempt */
    int group, type;            /* 3, 301 */
    struct buf body;            /* exactly as sent */
    char sign[EVENT_SIGN_SIZE]; /* header Sign, "" without a key */
    int64_t callback_ts;        /* the body's CallbackTs, Unix ms */

    /* Unix time; 0 before the first attempt. */
    int attempts;
    usec_t first_attempt, next_attempt;
};

/* An empty event; NULL: out of memory. */
struct event *event_new(void);
void event_free(struct event *event); /* NULL is fine */

#endif
