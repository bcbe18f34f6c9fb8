#include "rtp/stats.h"

#include <stdlib.h>

#include "rtp/unwrap.h"

#define JITTER_MAX_S 4

void rtp_stats_init(struct rtp_stats *s, uint32_t ssrc, unsigned clock_rate)
{
    *s = (struct rtp_stats){ .ssrc = ssrc, .clock_rate = clock_rate };
}

/* A.8. Differences of transit are taken modulo 2^32, so the two clocks' origins do not matter. A
 * time stamp that jumps by seconds is a new start, not jitter. */
static void jitter(struct rtp_stats *s, uint32_t timestamp, usec_t arrival)
{
    uint32_t now = (uint32_t)(arrival / SEC * s->clock_rate + arrival % SEC * s->clock_rate / SEC);
    uint32_t transit = now - timestamp;
    int64_t d = llabs((int32_t)(transit - s->transit));
    if (s->started && d < (int64_t)s->clock_rate * JITTER_MAX_S)
        s->jitter_16 += (uint64_t)d - ((s->jitter_16 + 8) >> 4);
    s->transit = transit;
}

void rtp_stats_packet(struct rtp_stats *s, uint16_t seq, uint32_t timestamp, usec_t arrival)
{
    jitter(s, timestamp, arrival);
    if (!s->started)
        s->first = s->highest = seq;
    s->started = true;
    s->received++;
    int64_t extended = unwrap_u16(s->highest, seq);
    if (extended > s->highest)
        s->highest = extended;
}

void rtp_stats_sr(struct rtp_stats *s, uint64_t ntp, usec_t arrival)
{
    s->last_sr = (uint32_t)(ntp >> 16);
    s->last_sr_at = arrival;
}

uint64_t rtp_stats_expected(const struct rtp_stats *s)
{
    return s->started ? (uint64_t)(s->highest - s->first + 1) : 0;
}

int64_t rtp_stats_lost(const struct rtp_stats *s)
{
    return (int64_t)(rtp_stats_expected(s) - s->received);
}

usec_t rtp_stats_jitter(const struct rtp_stats *s)
{
    return s->clock_rate ? (usec_t)(s->jitter_16 >> 4) * SEC / s->clock_rate : 0;
}

/* A.3 */
static uint8_t fraction_lost(struct rtp_stats *s)
{
    uint64_t all = rtp_stats_expected(s);
    int64_t expected = (int64_t)(all - s->expected_prior);
    int64_t lost = expected - (int64_t)(s->received - s->received_prior);
    s->expected_prior = all;
    s->received_prior = s->received;
    if (expected <= 0 || lost <= 0)
        return 0;
    return lost >= expected ? 255 : (uint8_t)(lost * 256 / expected);
}

static int32_t clamp_24(int64_t v)
{
    return v > 0x7fffff ? 0x7fffff : v < -0x800000 ? -0x800000 : (int32_t)v;
}

/* LSR counts only while DLSR can be said: 2^16 s, 18 hours. */
static uint32_t delay_since_sr(const struct rtp_stats *s, usec_t now)
{
    usec_t delay = now - s->last_sr_at;
    return delay > 0 ? (uint32_t)(delay / SEC << 16 | (delay % SEC << 16) / SEC) : 0;
}

bool rtp_stats_report(struct rtp_stats *s, usec_t now, struct rtcp_block *out)
{
    if (!s->started)
        return false;
    *out = (struct rtcp_block){ .ssrc = s->ssrc,
                                .fraction_lost = fraction_lost(s),
                                .cumulative_lost = clamp_24(rtp_stats_lost(s)),
                                .highest_seq = (uint32_t)s->highest,
                                .jitter = (uint32_t)(s->jitter_16 >> 4),
                                .last_sr = s->last_sr,
                                .delay = s->last_sr ? delay_since_sr(s, now) : 0 };
    return true;
}
