#include "rtp/key_request.h"

#define WAIT_FIRST (500 * MSEC)
#define WAIT_MAX   (4 * SEC)
#define SILENCE    (2 * SEC)

void key_request_init(struct key_request_state *k, usec_t interval)
{
    *k = (struct key_request_state){ .interval = interval,
                                     .last_packet = USEC_UNSET,
                                     .last_key = USEC_UNSET,
                                     .last_asked = USEC_UNSET,
                                     .wait = WAIT_FIRST };
}

void key_request_packet(struct key_request_state *k, usec_t arrival)
{
    if (k->last_asked ==
        USEC_UNSET) /* a stream begins with a key frame: give it the time to come */
        k->last_asked = k->last_key = arrival;
    k->last_packet = arrival;
}

void key_request_frame(struct key_request_state *k, bool key)
{
    if (!key)
        return;
    k->wanted = false;
    k->last_key = k->last_packet;
    k->wait = WAIT_FIRST;
}

usec_t key_request_deadline(const struct key_request_state *k)
{
    if (k->last_packet == USEC_UNSET)
        return USEC_NEVER;
    usec_t allowed = k->last_asked + k->wait;
    if (k->wanted || k->damaged)
        return allowed;
    if (!k->watched || !k->interval)
        return USEC_NEVER;
    usec_t stale = k->last_key + k->interval;
    return stale > allowed ? stale : allowed;
}

bool key_request_due(struct key_request_state *k, usec_t now)
{
    if (now < key_request_deadline(k))
        return false;
    if (now - k->last_packet < SILENCE)
        return true;
    k->last_packet = USEC_UNSET;
    return false;
}

void key_request_sent(struct key_request_state *k, usec_t now)
{
    /* The first request gets its answer within 500 ms; a sender that gives none is asked less and
     * less. */
    bool again = k->last_asked > k->last_key;
    k->wait = !again ? WAIT_FIRST : k->wait * 2 > WAIT_MAX ? WAIT_MAX : k->wait * 2;
    k->last_asked = now;
    k->count++;
}
