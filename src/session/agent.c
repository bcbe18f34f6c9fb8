#include "session/agent.h"

void agent_init(struct agent *a, bool lite, const struct ice_credentials *cred,
                usec_t consent_timeout)
{
    a->lite = lite;
    if (lite)
        ice_lite_init(&a->as.server, cred, consent_timeout);
    else
        ice_client_init(&a->as.client, cred, consent_timeout);
}

void agent_feed(struct agent *a, struct addr from, const struct stun_message *m, usec_t now)
{
    if (a->lite)
        ice_lite_feed(&a->as.server, from, m, now);
    else
        ice_client_feed(&a->as.client, from, m, now);
}

bool agent_output(struct agent *a, struct ice_datagram *out)
{
    return a->lite ? ice_lite_output(&a->as.server, out) : ice_client_output(&a->as.client, out);
}

bool agent_valid(const struct agent *a, struct addr from)
{
    return a->lite ? ice_lite_valid(&a->as.server, from) : ice_client_valid(&a->as.client, from);
}

struct addr agent_remote(const struct agent *a)
{
    return a->lite ? ice_lite_remote(&a->as.server) : ice_client_remote(&a->as.client);
}

bool agent_lost(const struct agent *a)
{
    return a->lite ? a->as.server.lost : a->as.client.lost;
}

usec_t agent_deadline(const struct agent *a)
{
    return a->lite ? ice_lite_deadline(&a->as.server) : ice_client_deadline(&a->as.client);
}

void agent_tick(struct agent *a, usec_t now)
{
    if (a->lite)
        ice_lite_tick(&a->as.server, now);
    else
        ice_client_tick(&a->as.client, now);
}
