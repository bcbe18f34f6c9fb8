/* Puts the packets of one stream back into the order in which they were sent, once each.
 *
 * A packet that is next in line passes without being copied. One that came early is copied into a
 * slot and waits for those before it; they are asked for again (NACK) and given up after `window`.
 * A sequence number far away is believed when the one after it follows (RFC 3550, A.1): what waits
 * is delivered then, and counting starts afresh.
 *
 *     if (order_push(o, seq, packet, now) == ORDER_NEXT)
 *         use(packet);
 *     while (order_pull(o, now, &item))
 *         use(item.packet);
 *
 * Pure: no clock or thread of its own; use from one thread at a time. Memory: at most ORDER_SLOTS
 * copies. */
#ifndef RTP_ORDER_H
#define RTP_ORDER_H

#include "base/bytes.h"
#include "base/clock.h"

#define ORDER_SLOTS                                                                                \
    512 /* packets between the oldest missing and the newest; about 2 s of 3 Mbit/s */

struct order;

struct order_config {
    usec_t window; /* how long a missing packet is waited for */
    bool nack;     /* ask for missing packets */
    usec_t settle; /* at the start: how long packets are collected, because the first to come need
                      not be the first */
};

struct order_stats {
    uint64_t lost;       /* given up */
    uint64_t recovered;  /* came after a NACK */
    uint64_t reordered;  /* came late without one */
    uint64_t duplicates; /* or after they had been given up */
    uint64_t restarts;   /* jumps that were believed */
    uint64_t nacks;      /* sequence numbers asked for, repeats included */
};

struct order *order_new(const struct order_config *config); /* NULL: out of memory */
void order_free(struct order *o);                           /* NULL is fine */

enum order_verdict {
    ORDER_NEXT,    /* in line, nothing lost before it: use it now, then pull */
    ORDER_KEPT,    /* copied; pull gives it when its turn has come */
    ORDER_DROPPED, /* duplicate, too late, or out of memory */
};

/* Takes in one packet; its bytes are borrowed for the call only. Pull until false afterwards. */
enum order_verdict order_push(struct order *o, uint16_t seq, struct bytes packet, usec_t arrival);

struct order_item {
    struct bytes packet; /* borrowed until the next call with this order */
    usec_t arrival;
    unsigned lost; /* packets given up right before this one */
    bool restart;  /* counting started afresh with this one */
};

/* The next packet whose turn has come, because all before it are there or given up. */
bool order_pull(struct order *o, usec_t now, struct order_item *out);

/* Delivers (by pull) all that waits without waiting for the missing, then believes any next
 * sequence number. For a source that begins again. */
void order_flush(struct order *o);

/* When pull has something new to say; USEC_NEVER: not before the next push. */
usec_t order_deadline(const struct order *o);

/* When order_nacks has something to ask for; USEC_NEVER. */
usec_t order_nack_deadline(const struct order *o);

/* The sequence numbers to ask for now, ascending, at most `max`; counts as asking. */
size_t order_nacks(struct order *o, usec_t now, uint16_t *out, size_t max);

/* How long an answer to a NACK takes, for the pace of repeating. Measured from answers; this sets
 * it from outside. */
void order_set_rtt(struct order *o, usec_t rtt);
usec_t order_rtt(const struct order *o);

void order_get_stats(const struct order *o, struct order_stats *out);

#endif
