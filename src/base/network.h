/* A range of IP addresses as "10.0.0.0/8", "fd00::/8" or a single "10.1.2.3". A value. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/addr.h"

struct network {
    struct addr first; /* port 0; bits below the prefix are 0 */
    uint8_t prefix;    /* bits that count: 0 to 32 or 128 */
};

/* False: no network, or bits are set below the prefix ("10.1.0.0/8"). */
bool network_parse(struct network *out, const char *text);

/* The port does not count. Never across address families. */
bool network_holds(const struct network *network, struct addr a);

#endif
