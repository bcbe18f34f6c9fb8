/* A small full ICE agent (RFC 8445) with one local socket, one component and a few remote
 * candidates: it asks, and as long as the roles do not change it decides. For the publisher's side
 * and for tests; the server is ice/lite.h.
 *
 * Each remote candidate makes one pair:
 *
 *     waiting --check sent--> checking --answer--> succeeded --(no answer for a while)--> still
 * succeeded, but passed over
 *                                 |--16 checks unanswered, or refused--> failed
 *
 * Checks leave at most every 50 ms (Ta) and repeat after 500 ms, doubling up to 2 s. The first pair
 * to succeed is nominated by a second check with USE-CANDIDATE (regular nomination) and then
 * selected. Succeeded pairs are checked every 5 s (RFC 7675); a selected pair that does not answer
 * three times in a row loses to one that does; after consent_timeout without an answer consent is
 * lost.
 *
 * Pure but for transaction ids, which come from the kernel. One thread at a time. */
#ifndef ICE_CLIENT_H
#define ICE_CLIENT_H

#include "base/clock.h"
#include "ice/credentials.h"
#include "ice/outbox.h"
#include "stun/stun.h"

#define ICE_MAX_PAIRS 8

enum ice_pair_state { ICE_WAITING, ICE_CHECKING, ICE_SUCCEEDED, ICE_FAILED };

struct ice_pair {
    struct addr remote;
    uint32_t priority; /* of the remote candidate */
    enum ice_pair_state state;

    uint8_t transaction[STUN_TRANSACTION_SIZE];
    bool asked;                /* `transaction` waits for its answer */
    enum stun_role asked_role; /* what it said */
    bool nominating;           /* it carries USE-CANDIDATE, or will */
    bool peer_nominated;       /* by the peer, when we are controlled */
    int attempts;              /* checks sent in `transaction` */
    usec_t next_at;            /* when to send the next */
    bool valid;                /* an answer came */
    usec_t answered;           /* and this was the last */
};

struct ice_client {
    struct ice_credentials cred;
    usec_t consent_timeout;
    enum stun_role role;
    uint64_t tie_breaker;

    struct ice_pair pair[ICE_MAX_PAIRS];
    size_t pairs;
    int selected; /* index, -1 before */
    usec_t pace_at;
    bool lost;

    struct ice_outbox outbox;
};

/* The agent begins as controlling. `consent_timeout` 0: 30 s. */
void ice_client_init(struct ice_client *ice, const struct ice_credentials *cred,
                     usec_t consent_timeout);

/* A remote candidate, whenever it becomes known. Given twice it counts once. ERR_LIMIT:
 * ICE_MAX_PAIRS are there. */
int ice_client_add(struct ice_client *ice, struct addr remote, uint32_t priority, usec_t now);

void ice_client_feed(struct ice_client *ice, struct addr from, const struct stun_message *m,
                     usec_t now);
bool ice_client_output(struct ice_client *ice, struct ice_datagram *out); /* call until false */

/* Whether a check to that address was answered. */
bool ice_client_valid(const struct ice_client *ice, struct addr from);

/* The selected pair's remote address; family 0 before. */
struct addr ice_client_remote(const struct ice_client *ice);

usec_t ice_client_deadline(const struct ice_client *ice);
void ice_client_tick(struct ice_client *ice, usec_t now);

#endif
