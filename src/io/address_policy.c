#include "io/address_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* RFC 6890 and its registries, "Globally Reachable: False"; multicast; RFC 3879's site-local. */
static const char *const special[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",         "64:ff9b:1::/48",  "100::/64",       "2001::/23",      "2001:db8::/32",
    "fc00::/7",      "fe80::/10",       "fec0::/10",      "ff00::/8",
};

/* IPv4 addresses inside IPv6 ones: from which byte on. */
static const struct {
    const char *network;
    size_t at;
} carriers[] = {
    { "::ffff:0:0/96", 12 },
    { "64:ff9b::/96", 12 },
    { "2002::/16", 2 },
};

static bool within(const char *text, struct addr a)
{
    struct network n;
    return network_parse(&n, text) && network_holds(&n, a);
}

static struct addr carried(struct addr a)
{
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
        if (within(carriers[i].network, a)) {
            struct addr v4 = { .family = AF_INET, .port = a.port };
            memcpy(v4.ip, a.ip + carriers[i].at, 4);
            return v4;
        }
    return a;
}

static bool is_special(struct addr a)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (within(special[i], a))
            return true;
    return a.family != AF_INET && a.family != AF_INET6;
}

int address_policy_init(struct address_policy *out, const char *const *allow, size_t count)
{
    struct address_policy p = { .allowed = calloc(count ? count : 1, sizeof *p.allowed) };
    if (!p.allowed)
        return ERR_NOMEM;
    for (; p.count < count; p.count++)
        if (!network_parse(&p.allowed[p.count], allow[p.count])) {
            free(p.allowed);
            return ERR_MALFORMED;
        }
    *out = p;
    return OK;
}

void address_policy_fini(struct address_policy *policy)
{
    free(policy->allowed);
    *policy = (struct address_policy){ 0 };
}

bool address_policy_allows(const struct address_policy *policy, struct addr a)
{
    for (size_t i = 0; i < policy->count; i++)
        if (network_holds(&policy->allowed[i], a))
            return true;
    return !is_special(carried(a));
}

bool address_policy_allow(void *ctx, struct addr peer)
{
    return address_policy_allows(ctx, peer);
}
