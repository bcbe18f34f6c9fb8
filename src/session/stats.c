#include "session/stats.h"

static void add_received(struct receiver_stats *sum, const struct receiver_stats *s)
{
    sum->packets += s->packets;
    sum->bytes += s->bytes;
    sum->foreign += s->foreign;
    sum->malformed += s->malformed;
    sum->lost += s->lost;
    sum->recovered += s->recovered;
    sum->reordered += s->reordered;
    sum->duplicates += s->duplicates;
    sum->nacks += s->nacks;
    sum->frames += s->frames;
    sum->keys += s->keys;
    sum->damaged += s->damaged;
    sum->dropped += s->dropped;
    sum->restarts += s->restarts;
    sum->plis += s->plis;
}

static void add_peer(struct peer_stats *sum, const struct peer_stats *s)
{
    sum->rtp += s->rtp;
    sum->rtcp += s->rtcp;
    sum->unknown_address += s->unknown_address;
    sum->early += s->early;
    sum->not_authentic += s->not_authentic;
    sum->replayed += s->replayed;
    sum->malformed += s->malformed;
    sum->over_limit += s->over_limit;
    sum->refused_checks += s->refused_checks;
}

void session_stats_add(struct session_stats *sum, const struct session_stats *s)
{
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        add_received(&sum->received[kind], &s->received[kind]);
    add_peer(&sum->peer, &s->peer);
    sum->aac.waiting += s->aac.waiting;
    sum->aac.dropped += s->aac.dropped;
}
