/* A server peer and a client peer on a virtual network, and the loop that a port's owner would run.
 */
#ifndef TWIN_ENDS_H
#define TWIN_ENDS_H

#include "net.h"
#include "session/peer.h"

#define ENDS_MAX_RTP 4096

struct ends_end {
    struct peer *peer;
    struct addr at[2]; /* the server has two addresses; a client uses the first */
    struct addr sends_from;
    bool connected, closed;
    enum peer_reason reason;
    usec_t connected_at, closed_at;
    unsigned rtp, rtcp; /* plain packets that came */
    uint32_t last_rtp;  /* number in the payload of the last */
    bool wrong;         /* a packet's content was not what was sent */
};

struct ends {
    struct net *net;
    struct ends_end server, client;
};

/* What differs from two ends that know each other's credentials. */
struct ends_plan {
    uint64_t seed;
    struct net_weather weather;
    enum dtls_srtp_profile profile;
    bool wrong_fingerprint, wrong_password;
    bool second_address; /* the client knows both of the server's */
};

void ends_init(struct ends *e, const struct ends_plan *plan);
void ends_fini(struct ends *e);

/* Lets `duration` pass. */
void ends_run(struct ends *e, usec_t duration);

/* Sends one RTP or RTCP packet numbered `number`; its content follows from the number and is
 * checked on arrival. */
void ends_send_rtp(struct ends *e, struct ends_end *from, uint32_t number);
void ends_send_rtcp(struct ends *e, struct ends_end *from, uint32_t number);

#endif
