#include "base/network.h"

#include "base/str.h"

static unsigned width(uint16_t family)
{
    return family == AF_INET ? 32 : 128;
}

/* Only the first `prefix` bits are kept. */
static void mask(struct addr *a, unsigned prefix)
{
    for (unsigned i = 0; i < sizeof a->ip; i++) {
        unsigned kept = prefix > 8 * i ? prefix - 8 * i : 0;
        if (kept < 8)
            a->ip[i] &= (uint8_t)(0xff00 >> kept);
    }
    a->port = 0;
}

bool network_parse(struct network *out, const char *text)
{
    char ip[ADDR_TEXT_SIZE];
    struct bytes prefix_text, ip_text = str_split(bytes_str(text), '/', &prefix_text);
    bool has_prefix = ip_text.len < strlen(text);
    struct network n;
    if (!str_copy(ip, sizeof ip, ip_text) || !addr_parse(&n.first, ip, 0))
        return false;
    uint64_t prefix = width(n.first.family);
    if (has_prefix && !str_to_u64(prefix_text, prefix, &prefix))
        return false;
    n.prefix = (uint8_t)prefix;
    struct addr masked = n.first;
    mask(&masked, n.prefix);
    if (!addr_equal(masked, n.first))
        return false;
    *out = n;
    return true;
}

bool network_holds(const struct network *network, struct addr a)
{
    if (a.family != network->first.family)
        return false;
    mask(&a, network->prefix);
    return addr_equal(a, network->first);
}
