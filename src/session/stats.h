/* What sessions have received, added up. Pure. */
#ifndef SESSION_STATS_H
#define SESSION_STATS_H

#include "derive/aac_fanout.h"
#include "rtp/receiver.h"
#include "session/peer.h"

struct session_stats {
    struct receiver_stats received[2]; /* by enum media_kind; no jitter */
    struct peer_stats peer;
    struct aac_fanout_stats aac;
};

void session_stats_add(struct session_stats *sum, const struct session_stats *s);

#endif
