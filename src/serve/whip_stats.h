/* Answers to publishers by HTTP status. One thread. All zero is a good start. */
#ifndef SERVE_WHIP_STATS_H
#define SERVE_WHIP_STATS_H

#include <stdint.h>

#define WHIP_STATUSES 600

struct whip_stats {
    uint64_t answers[WHIP_STATUSES]; /* by status */
};

static inline void whip_stats_add(struct whip_stats *s, int status)
{
    if (status >= 0 && status < WHIP_STATUSES)
        s->answers[status]++;
}

#endif
