/* A network in memory with a clock of its own: datagrams are lost, repeated, delayed and overtaken
 * as a seeded random says, so that a failing run can be had again. Between any number of addresses;
 * for tests. */
#ifndef TWIN_NET_H
#define TWIN_NET_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"

#define NET_MAX_DATAGRAM 1500
#define NET_MAX_FLYING   4096 /* further ones are lost */
#define NET_MAX_RULES    8

/* Chances from 0 to 1. The zero value is a perfect wire. */
struct net_weather {
    double loss, duplicate;
    double overtake; /* delayed by `late` more, so that later ones overtake */
    usec_t delay, jitter, late;
};

struct net;

/* `seed` 0: one from the kernel; either is printed. */
struct net *net_new(uint64_t seed, const struct net_weather *weather);
void net_free(struct net *net);

void net_set_weather(struct net *net, const struct net_weather *weather);
usec_t net_now(const struct net *net); /* begins at 1000 s */

/* Nothing goes to or comes from there any more, or again. At most NET_MAX_RULES. */
void net_block(struct net *net, struct addr where, bool blocked);

/* A NAT: what `inside` sends appears to come from `outside`, and what is sent to `outside` reaches
 * `inside`. A second call for the same inside is a rebinding: the old outside leads nowhere. */
void net_nat(struct net *net, struct addr inside, struct addr outside);

void net_send(struct net *net, struct addr from, struct addr to, struct bytes datagram);

struct net_arrival {
    struct addr from, to;
    uint8_t *ptr; /* yours to change until the next call */
    size_t len;
};

/* The next datagram to arrive by `until`, with the clock moved there. False: none, and the clock
 * stands at `until`. */
bool net_receive(struct net *net, usec_t until, struct net_arrival *out);

/* Random numbers for the test itself, of the same seed. */
uint32_t net_random(struct net *net);

#endif
