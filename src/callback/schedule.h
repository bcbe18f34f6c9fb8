/* When an event that could not be delivered is tried again. The first minute is the documented one
 * (callbacks.md 1): again at once, then ten seconds after each failure. After it the pauses grow
 * with the event's age (about 20, 40, 80... s, at most 10 min), until a day has passed since the
 * first attempt. Pure. */
#ifndef CALLBACK_SCHEDULE_H
#define CALLBACK_SCHEDULE_H

#include <stdbool.h>

#include "base/clock.h"

#define SCHEDULE_PAUSE     (10 * SEC)
#define SCHEDULE_MINUTE    (60 * SEC)
#define SCHEDULE_MAX_PAUSE (600 * SEC)
#define SCHEDULE_MAX_AGE   (24 * 3600 * SEC)

/* The time of the next attempt after the `attempts`-th (from 1) failed at `failed`, the first
 * having begun at `first`. `strict`: the documented minute only. USEC_NEVER: give up. */
usec_t schedule_next(bool strict, int attempts, usec_t first, usec_t failed);

#endif
