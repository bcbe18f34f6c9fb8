/* What a session's receivers have to tell the sender, as RTCP datagrams: reports every second, and
 * NACK, PLI or FIR and transport-wide feedback when they are due. A plain value beside the
 * session's receivers; belongs to their loop. */
#ifndef RTP_FEEDBACK_H
#define RTP_FEEDBACK_H

#include "rtp/receiver.h"
#include "rtp/twcc.h"

#define FEEDBACK_SIZE                                                                              \
    1200 /* bytes that hold any datagram of ours, before SRTCP adds its trailer                    \
          */
#define FEEDBACK_MAX_STREAMS  16
#define FEEDBACK_MIN_SIZE     512
#define FEEDBACK_REPORT_EVERY SEC

struct feedback {
    uint32_t ssrc; /* ours, random */
    char cname[64];
    bool reduced_size; /* RFC 5506, a=rtcp-rsize: feedback may go without a report before it */
    struct twcc *twcc; /* the session's; NULL: not negotiated */
    struct receiver *receivers[FEEDBACK_MAX_STREAMS]; /* borrowed; removed before they are freed */
    unsigned count;
    usec_t report_due; /* USEC_UNSET: no receiver yet */
};

void feedback_init(struct feedback *f, uint32_t ssrc, const char *cname, bool reduced_size,
                   struct twcc *twcc);

int feedback_add(struct feedback *f, struct receiver *r, usec_t now); /* ERR_LIMIT */
void feedback_remove(struct feedback *f, const struct receiver *r);

/* When feedback_write has something to say; USEC_NEVER: not before the next packet. */
usec_t feedback_deadline(const struct feedback *f);

/* Writes one datagram of what is due; `size` is FEEDBACK_MIN_SIZE to FEEDBACK_SIZE. 0: nothing is
 * due. Call until 0. */
size_t feedback_write(struct feedback *f, uint8_t *out, size_t size, usec_t now);

#endif
