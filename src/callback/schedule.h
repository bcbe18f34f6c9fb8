/* When an event that could not be delivered is tried again. The first minute is the documented one
 * (callbacks.md 1): again at once, then ten seconds after each failure. After it the pauses grow
 * with the event's age (about 20, 40, 80... s, up to a limit), until the event is too old. Pure. */
#ifndef CALLBACK_SCHEDULE_H
#define CALLBACK_SCHEDULE_H

#include <stdbool.h>

#include "base/clock.h"

#define SCHEDULE_PAUSE  (10 * SEC)
#define SCHEDULE_MINUTE (60 * SEC)

struct schedule {
    bool strict;      /* the documented minute only */
    usec_t max_pause; /* at least SCHEDULE_PAUSE */
    usec_t max_age;   /* no attempt begins later than this after the first */
};

#define SCHEDULE_DEFAULT                                                                           \
    ((struct schedule){ .max_pause = 600 * SEC, .max_age = (usec_t)24 * 3600 * SEC })

/* The time of the next attempt after the `attempts`-th (from 1) failed at `failed`, the first
 * having begun at `first`. USEC_NEVER: give up. */
usec_t schedule_next(const struct schedule *s, int attempts, usec_t first, usec_t failed);

#endif
