#include "observe/counter.h"

const usec_t duration_bounds[DURATION_BOUNDS] = {
    1 * MSEC,   2500,       5 * MSEC,   10 * MSEC, 25 * MSEC,   50 * MSEC,
    100 * MSEC, 250 * MSEC, 500 * MSEC, 1 * SEC,   2500 * MSEC, 5 * SEC,
    10 * SEC,   30 * SEC,   60 * SEC,   120 * SEC, 300 * SEC,
};

void durations_add(struct durations *d, usec_t took)
{
    unsigned i = 0;
    if (took < 0)
        took = 0;
    while (i < DURATION_BOUNDS && took > duration_bounds[i])
        i++;
    counter_add(&d->buckets[i], 1);
    counter_add(&d->sum, (uint64_t)took);
}
