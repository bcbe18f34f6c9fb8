/* Token buckets: so many requests per second for each name, with a burst of one second's worth.
 * Pure; times are monotonic. */
#ifndef API_RATE_H
#define API_RATE_H

#include <stdbool.h>

#include "base/clock.h"

struct rate;

/* `max_names`: how many names may have a bucket; a name beyond that takes the place of the one
 * unused for longest. NULL: out of memory. */
struct rate *rate_new(unsigned per_second, unsigned max_names);
void rate_free(struct rate *rate);

/* Takes one token of `name`. False: there is none; `*count` is then how many requests came within
 * this second. */
bool rate_take(struct rate *rate, const char *name, usec_t now, unsigned *count);

#endif
