#include "track/least_delay.h"

static void clear(struct least_delay *d)
{
    for (unsigned i = 0; i < LEAST_DELAY_BUCKETS; i++)
        d->min[i] = USEC_NEVER;
}

void least_delay_init(struct least_delay *d)
{
    d->least = USEC_UNSET;
    d->bucket = INT64_MIN;
    clear(d);
}

static usec_t *bucket(struct least_delay *d, int64_t number)
{
    return &d->min[(uint64_t)number % LEAST_DELAY_BUCKETS];
}

/* Opens the spans up to `number`, forgetting what they held a round ago. */
static void advance(struct least_delay *d, int64_t number)
{
    if (d->bucket < number - LEAST_DELAY_BUCKETS)
        clear(d);
    else
        while (d->bucket < number)
            *bucket(d, ++d->bucket) = USEC_NEVER;
    d->bucket = number;
    d->least = USEC_NEVER;
    for (unsigned i = 0; i < LEAST_DELAY_BUCKETS; i++)
        if (d->min[i] < d->least)
            d->least = d->min[i];
}

void least_delay_add(struct least_delay *d, usec_t at, usec_t value)
{
    int64_t number = at / LEAST_DELAY_SPAN;
    if (number > d->bucket)
        advance(d, number);
    usec_t *min = bucket(d, d->bucket);
    if (value < *min)
        *min = value;
    if (value < d->least)
        d->least = value;
}
