/* One user who publishes: asks by WHIP, connects, sends what lies on the tape, leaves.
 *
 *     waiting --start--> asking --201--> connecting --DTLS--> joining --key frame--> sending
 *                                                        --all sent, leave--> lingering --> leaving
 *                                                                             --DELETE answered-->
 * done any of them --refused, lost, no answer--> failed (logged)
 *
 * The wiring of one connection; the loop's thread. The owner ticks it every few milliseconds. */
#ifndef PUBLISH_PUBLISHER_H
#define PUBLISH_PUBLISHER_H

#include "dtls/identity.h"
#include "io/http_client.h"
#include "publish/args.h"
#include "publish/tape.h"

/* What all publishers of the process share; outlives them. */
struct world {
    struct loop *loop;
    struct http_client *http;
    const struct dtls_identity *identity;
    struct tape *tape;
    const struct publish_args *args;
    char profile[7]; /* of the H.264 on the tape */
    usec_t
        origin; /* monotonic time at which the tape's 0 is played; USEC_UNSET: nobody plays yet */
};

enum publisher_state {
    PUBLISHER_WAITING,
    PUBLISHER_ASKING,
    PUBLISHER_CONNECTING,
    PUBLISHER_JOINING,
    PUBLISHER_SENDING,
    PUBLISHER_LINGERING,
    PUBLISHER_LEAVING,
    PUBLISHER_DONE,
    PUBLISHER_FAILED,
};

struct publisher_stats {
    uint64_t frames[2]; /* by media_kind */
    uint64_t packets, bytes;
    uint64_t nacked, resent; /* sequence numbers asked for, packets sent again */
    uint64_t plis;           /* key frames asked for, FIR included */
    uint64_t lost;           /* as the receiver's last reports have it */
};

struct publisher;

/* User number `index`, from 0. ERR_NOMEM; ERR_MALFORMED: no such user name. */
int publisher_new(struct publisher **out, struct world *world, unsigned index);
void publisher_free(struct publisher *p); /* NULL is fine */

void publisher_start(struct publisher *p);
void publisher_tick(struct publisher *p, usec_t now);

/* Ends it in good order, now; the state tells when it is over. */
void publisher_leave(struct publisher *p);

enum publisher_state publisher_state(const struct publisher *p);
bool publisher_over(const struct publisher *p); /* done or failed, and nothing under way */
bool publisher_was_connected(const struct publisher *p);
struct publisher_stats publisher_stats(const struct publisher *p);

/* The start of the next frame it will take from the tape; USEC_NEVER: none. */
usec_t publisher_needs(const struct publisher *p);

#endif
