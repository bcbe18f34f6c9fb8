/* A participant's clock against ours, shared by the participant's streams.
 *
 * Each sender report is a sample: its arrival less the participant's time in it. The least of the
 * last half minute is what they differ by, plus the least delay of the network. When that changes,
 * what is applied follows at 9 ms a second of the participant's time, or at once above
 * PEER_CLOCK_STEP. It is a function of the participant's time alone, with a memory for frames that
 * are late, so that sound and picture made at one moment are moved by the same amount however long
 * each was under way. A plain value; belongs to one loop. */
#ifndef TRACK_PEER_CLOCK_H
#define TRACK_PEER_CLOCK_H

#include "track/least_delay.h"

#define PEER_CLOCK_STEP  (300 * MSEC)
#define PEER_CLOCK_KNOTS 16

struct peer_clock {
    struct least_delay delay; /* mono - participant's time, of reports */
    usec_t shift;             /* what the participant's clock has jumped, taken off its NTP times */
    usec_t server_offset;     /* Unix time of the server clock - mono; constant */

    unsigned count; /* all knots ever; the newest PEER_CLOCK_KNOTS are kept */
    struct peer_knot {
        usec_t peer;   /* from this moment on */
        usec_t offset; /* ... applied then */
        usec_t target; /* ... and moving there */
    } knot[PEER_CLOCK_KNOTS];
};

void peer_clock_init(struct peer_clock *c, usec_t server_offset);

static inline bool peer_clock_known(const struct peer_clock *c)
{
    return c->count > 0;
}

/* A report made at `peer` (the participant's time without jumps) arrived. */
void peer_clock_sample(struct peer_clock *c, usec_t peer, usec_t arrival);

/* What has to be added to `peer` to get our monotonic time. The clock is known. */
usec_t peer_clock_offset(const struct peer_clock *c, usec_t peer);

#endif
