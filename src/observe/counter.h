/* Numbers that one thread counts and another reads. Relaxed order: each value is true by itself,
 * and nothing is concluded from one about another. All zero is a good start. */
#ifndef OBSERVE_COUNTER_H
#define OBSERVE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"

/* Only grows. Any thread. Not for each packet: those are plain numbers of their loop. */
struct counter {
    _Atomic uint64_t value;
};

static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* How long things took, in buckets of one scale for all: 1 ms to 5 min. Any thread. */
#define DURATION_BOUNDS 17

extern const usec_t duration_bounds[DURATION_BOUNDS]; /* upper ends, inclusive, ascending */

struct durations {
    struct counter buckets[DURATION_BOUNDS + 1]; /* each its own; the last one has no end */
    struct counter sum;                          /* microseconds */
};

void durations_add(struct durations *d, usec_t took); /* less than nothing counts as nothing */

#endif
