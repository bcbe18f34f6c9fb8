/* Inside session/: the ICE agent of a peer, lite for a server and full for a client, behind one set
 * of calls. */
#ifndef SESSION_AGENT_H
#define SESSION_AGENT_H

#include "ice/client.h"
#include "ice/lite.h"

struct agent {
    bool lite;
    union {
        struct ice_lite server;
        struct ice_client client;
    } as;
};

void agent_init(struct agent *a, bool lite, const struct ice_credentials *cred,
                usec_t consent_timeout);
void agent_feed(struct agent *a, struct addr from, const struct stun_message *m, usec_t now);
bool agent_output(struct agent *a, struct ice_datagram *out);
bool agent_valid(const struct agent *a, struct addr from);
struct addr agent_remote(const struct agent *a); /* family 0: nowhere to send yet */
bool agent_lost(const struct agent *a);
usec_t agent_deadline(const struct agent *a);
void agent_tick(struct agent *a, usec_t now);

#endif
