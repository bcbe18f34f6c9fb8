/* An ICE-lite agent (RFC 8445 2.5): it never asks, it answers the checks of a full, controlling
 * agent, one component (RTP and RTCP together). An address from which an authentic check came is
 * valid; the last one nominated (USE-CANDIDATE) is selected, and may move later, as when the peer
 * changes its network.
 *
 *     checking --first check--> valid --USE-CANDIDATE--> selected
 *         any of the last two --no authentic check for consent_timeout--> lost
 *
 * RFC 7675: a full agent renews its consent by checks every few seconds; for us, who send little,
 * their absence is the sign that the peer is gone.
 *
 * Pure: time comes in, datagrams go out. One thread at a time. */
#ifndef ICE_LITE_H
#define ICE_LITE_H

#include "base/clock.h"
#include "ice/credentials.h"
#include "ice/outbox.h"
#include "stun/stun.h"

/* Addresses of one peer that are valid at once; beyond, the one not heard of for longest is
 * forgotten. */
#define ICE_MAX_VALID 16

#define ICE_CONSENT_TIMEOUT (30 * SEC) /* RFC 7675 5.1 */

struct ice_lite {
    struct ice_credentials cred;
    usec_t consent_timeout;

    struct {
        struct addr addr;
        usec_t checked; /* last authentic check */
    } valid[ICE_MAX_VALID];
    size_t valid_count;
    struct addr selected; /* family 0 before nomination */
    struct addr latest;   /* of the last check of all */
    usec_t last_check;    /* USEC_UNSET before the first */
    bool lost;

    struct ice_outbox outbox;
    uint64_t refused; /* checks that were not authentic, not understood, or in conflict */
};

/* The credentials are copied. `consent_timeout` 0: ICE_CONSENT_TIMEOUT. */
void ice_lite_init(struct ice_lite *ice, const struct ice_credentials *cred,
                   usec_t consent_timeout);

/* New credentials (an ICE restart, RFC 8445 9): what was valid stays so until the next nomination
 * moves it. */
void ice_lite_restart(struct ice_lite *ice, const struct ice_credentials *cred);

/* Takes in one STUN message; answers wait in ice_lite_output. */
void ice_lite_feed(struct ice_lite *ice, struct addr from, const struct stun_message *m,
                   usec_t now);

bool ice_lite_output(struct ice_lite *ice, struct ice_datagram *out); /* call until false */

/* Whether an authentic check came from there. */
bool ice_lite_valid(const struct ice_lite *ice, struct addr from);

/* Where to send: the selected address, before nomination the latest valid one, family 0 before any.
 */
struct addr ice_lite_remote(const struct ice_lite *ice);

/* When consent ends; USEC_NEVER before the first check and when lost. */
usec_t ice_lite_deadline(const struct ice_lite *ice);
void ice_lite_tick(struct ice_lite *ice, usec_t now); /* sets `lost` */

#endif
