/* When to ask a sender for a key frame: because somebody wants one, because what comes is damaged,
 * or because the last one is long ago while somebody records. At most every 500 ms, and at growing
 * intervals while none answers. Nothing is asked of a sender that is silent. A plain value; one
 * thread at a time. */
#ifndef RTP_KEY_REQUEST_H
#define RTP_KEY_REQUEST_H

#include "base/clock.h"

#include <stdbool.h>

struct key_request_state {
    usec_t interval; /* see receiver_config.key_interval */
    bool wanted, damaged, watched;
    usec_t last_packet, last_key, last_asked; /* USEC_UNSET: never */
    usec_t wait;                              /* until the next request may go */
    uint8_t count;
};

void key_request_init(struct key_request_state *k, usec_t interval);
void key_request_packet(struct key_request_state *k, usec_t arrival);
void key_request_frame(struct key_request_state *k, bool key);

/* USEC_NEVER: no key frame is needed, or nobody is there to send it. */
usec_t key_request_deadline(const struct key_request_state *k);

/* Due now? A silent sender is noticed here. */
bool key_request_due(struct key_request_state *k, usec_t now);
void key_request_sent(struct key_request_state *k, usec_t now);

#endif
