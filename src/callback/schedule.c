#include "callback/schedule.h"

/* Age 60 s gives 20 s, age 80 s gives 40 s, and so on: each pause doubles the one before. */
static usec_t pause_at(const struct schedule *s, usec_t age)
{
    usec_t pause = age - 2 * SCHEDULE_MINUTE / 3;
    if (pause < SCHEDULE_PAUSE)
        return SCHEDULE_PAUSE;
    return pause < s->max_pause ? pause : s->max_pause;
}

usec_t schedule_next(const struct schedule *s, int attempts, usec_t first, usec_t failed)
{
    if (attempts == 1)
        return failed;
    usec_t age = failed - first;
    if (age + SCHEDULE_PAUSE <= SCHEDULE_MINUTE)
        return failed + SCHEDULE_PAUSE;
    if (s->strict || age + pause_at(s, age) > s->max_age)
        return USEC_NEVER;
    return failed + pause_at(s, age);
}
