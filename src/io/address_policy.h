/* Which addresses requests may go to when somebody else named the host (a task's EndpointUrl; later
 * pictures): those of the public internet, and what the operator allows. So nobody can use the
 * daemon to reach what only its own network may.
 *
 * Asked about resolved addresses (http_client_settings.allow), so a name that points inside is
 * refused too. Constant once made; any thread. */
#ifndef IO_ADDRESS_POLICY_H
#define IO_ADDRESS_POLICY_H

#include <stddef.h>

#include "base/network.h"

struct address_policy {
    struct network *allowed;
    size_t count;
};

/* `allow`: networks in text, allowed whatever they are. ERR_MALFORMED: one of them is none;
 * ERR_NOMEM. */
int address_policy_init(struct address_policy *out, const char *const *allow, size_t count);
void address_policy_fini(struct address_policy *policy);

/* Refused unless allowed: private, loopback, link-local, multicast and unspecified addresses, and
 * the other special-purpose ranges of RFC 6890 that are not globally reachable. An IPv6 address
 * that carries an IPv4 address (RFC 6052, RFC 3056) is judged by that one. */
bool address_policy_allows(const struct address_policy *policy, struct addr a);

/* The same as http_client_settings.allow; `ctx` is the policy. */
bool address_policy_allow(void *ctx, struct addr peer);

#endif
