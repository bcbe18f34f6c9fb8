/* What a receiver knows of one source, as its reports tell it (RFC 3550, 6.4.1, A.3, A.8). A plain
 * value; one thread at a time. */
#ifndef RTP_STATS_H
#define RTP_STATS_H

#include "rtp/rtcp.h"

struct rtp_stats {
    uint32_t ssrc;
    unsigned clock_rate;
    bool started;
    int64_t first, highest; /* extended sequence numbers; `first` in the first cycle */
    uint64_t received;      /* duplicates included, as A.3 wants it */
    uint64_t expected_prior, received_prior;
    uint32_t transit;   /* of the newest packet, time stamp units, modulo 2^32 */
    uint64_t jitter_16; /* jitter times 16 */
    uint32_t last_sr;
    usec_t last_sr_at;
};

/* Also for a source that begins again. */
void rtp_stats_init(struct rtp_stats *s, uint32_t ssrc, unsigned clock_rate);

void rtp_stats_packet(struct rtp_stats *s, uint16_t seq, uint32_t timestamp, usec_t arrival);
void rtp_stats_sr(struct rtp_stats *s, uint64_t ntp, usec_t arrival);

uint64_t rtp_stats_expected(const struct rtp_stats *s);
int64_t rtp_stats_lost(const struct rtp_stats *s); /* negative when duplicates came */
usec_t rtp_stats_jitter(const struct rtp_stats *s);

/* Fills the report block and begins the next interval of its loss fraction. False: no packet ever
 * came. */
bool rtp_stats_report(struct rtp_stats *s, usec_t now, struct rtcp_block *out);

#endif
