/* The least value of the last half minute: what a delay is when nothing holds a packet up. Samples
 * come with the time at which they were taken; time does not go back. A plain value; one thread at
 * a time. */
#ifndef TRACK_LEAST_DELAY_H
#define TRACK_LEAST_DELAY_H

#include <stdbool.h>

#include "base/clock.h"

#define LEAST_DELAY_SPAN    (2 * SEC)
#define LEAST_DELAY_BUCKETS 16

struct least_delay {
    usec_t least;                    /* USEC_UNSET: no sample yet */
    int64_t bucket;                  /* number of the newest */
    usec_t min[LEAST_DELAY_BUCKETS]; /* USEC_NEVER: no sample in that span */
};

void least_delay_init(struct least_delay *d);
void least_delay_add(struct least_delay *d, usec_t at, usec_t value);

#endif
