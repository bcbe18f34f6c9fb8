#include "track/peer_clock.h"

#include <stdlib.h>

#define SLEW_DIVISOR 111 /* 9 ms a second: streams may move by 10 and keep up */

void peer_clock_init(struct peer_clock *c, usec_t server_offset)
{
    *c = (struct peer_clock){ .server_offset = server_offset };
    least_delay_init(&c->delay);
}

static const struct peer_knot *newest(const struct peer_clock *c)
{
    return &c->knot[(c->count - 1) % PEER_CLOCK_KNOTS];
}

static void add(struct peer_clock *c, struct peer_knot knot)
{
    c->knot[c->count++ % PEER_CLOCK_KNOTS] = knot;
}

void peer_clock_sample(struct peer_clock *c, usec_t peer, usec_t arrival)
{
    least_delay_add(&c->delay, arrival, arrival - peer);
    usec_t target = c->delay.least;
    if (c->count == 0) {
        add(c, (struct peer_knot){ .peer = peer, .offset = target, .target = target });
        return;
    }
    if (target == newest(c)->target)
        return;
    usec_t from = peer > newest(c)->peer ? peer : newest(c)->peer;
    usec_t offset = peer_clock_offset(c, from);
    bool step = llabs(target - offset) > PEER_CLOCK_STEP;
    add(c, (struct peer_knot){ .peer = from, .offset = step ? target : offset, .target = target });
}

/* The knot that rules at `peer`; the oldest for what is older still. */
static const struct peer_knot *knot_at(const struct peer_clock *c, usec_t peer)
{
    unsigned kept = c->count < PEER_CLOCK_KNOTS ? c->count : PEER_CLOCK_KNOTS;
    const struct peer_knot *knot = newest(c);
    for (unsigned back = 1; back <= kept; back++) {
        knot = &c->knot[(c->count - back) % PEER_CLOCK_KNOTS];
        if (knot->peer <= peer)
            break;
    }
    return knot;
}

usec_t peer_clock_offset(const struct peer_clock *c, usec_t peer)
{
    const struct peer_knot *knot = knot_at(c, peer);
    usec_t diff = knot->target - knot->offset;
    usec_t limit = peer > knot->peer ? (peer - knot->peer) / SLEW_DIVISOR : 0;
    return knot->offset + (diff > limit ? limit : diff < -limit ? -limit : diff);
}
