/* Receiver side of transport-wide congestion control
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01): notes when each packet of a session arrived
 * and tells the sender every 50 to 100 ms. Without it browsers do not raise their bit rate. A plain
 * value of fixed size; one thread at a time. */
#ifndef RTP_TWCC_H
#define RTP_TWCC_H

#include "rtp/rtcp.h"

#define TWCC_WINDOW 1024 /* packets remembered; what falls out unreported is never reported */

struct twcc {
    bool started;
    int64_t next;    /* the first packet the next feedback speaks of */
    int64_t highest; /* newest packet seen */
    unsigned fresh;  /* arrivals since the last feedback */
    usec_t due;      /* when feedback is due, while fresh > 0 */
    uint8_t feedback_count;
    usec_t at[TWCC_WINDOW]; /* arrival, monotonic, of sequence number i % TWCC_WINDOW; USEC_UNSET:
                               not there */
};

void twcc_init(struct twcc *t);

/* A packet with this transport-wide sequence number arrived. Duplicates change nothing; a jump over
 * the whole window starts afresh. */
void twcc_arrived(struct twcc *t, uint16_t seq, usec_t arrival);

/* When feedback is due: 100 ms after the last one, or 50 ms once many packets wait. USEC_NEVER:
 * nothing to report. */
usec_t twcc_deadline(const struct twcc *t);

/* Writes one feedback packet with as many packets as fit into the writer, and goes on behind them
 * next time. False: nothing to report now or no room (nothing written then, the writer unharmed).
 * Call again while it is true. */
bool twcc_write(struct twcc *t, struct writer *w, uint32_t ssrc, uint32_t media_ssrc, usec_t now);

#endif
