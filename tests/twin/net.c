#include "net.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

struct flying {
    usec_t arrives;
    uint64_t order; /* of sending: equal times keep it */
    struct addr from, to;
    size_t len;
    uint8_t bytes[NET_MAX_DATAGRAM];
};

struct net {
    struct net_weather weather;
    uint64_t random;
    usec_t now;
    struct flying *flying[NET_MAX_FLYING]; /* a heap, the first to arrive on top */
    size_t count;
    uint64_t order;
    struct flying *arrived;
    struct addr blocked[NET_MAX_RULES];
    struct {
        struct addr inside, outside;
    } nat[NET_MAX_RULES];
};

struct net *net_new(uint64_t seed, const struct net_weather *weather)
{
    struct net *net = calloc(1, sizeof *net);
    assert(net);
    net->random = seed ? seed : (uint64_t)random_u32() + 1;
    printf("network seed %llu\n", (unsigned long long)net->random);
    net->weather = *weather;
    net->now = 1000 * SEC;
    return net;
}

void net_free(struct net *net)
{
    for (size_t i = 0; i < net->count; i++)
        free(net->flying[i]);
    free(net->arrived);
    free(net);
}

void net_set_weather(struct net *net, const struct net_weather *weather)
{
    net->weather = *weather;
}

usec_t net_now(const struct net *net)
{
    return net->now;
}

/* SplitMix64. */
uint32_t net_random(struct net *net)
{
    uint64_t z = net->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static bool chance(struct net *net, double p)
{
    return net_random(net) < p * 4294967296.0;
}

void net_block(struct net *net, struct addr where, bool blocked)
{
    struct addr from = blocked ? (struct addr){ 0 } : where;
    struct addr to = blocked ? where : (struct addr){ 0 };
    for (size_t i = 0; i < NET_MAX_RULES; i++)
        if (addr_equal(net->blocked[i], from)) {
            net->blocked[i] = to;
            return;
        }
    assert(!blocked);
}

static bool is_blocked(const struct net *net, struct addr where)
{
    for (size_t i = 0; i < NET_MAX_RULES; i++)
        if (addr_equal(net->blocked[i], where))
            return true;
    return false;
}

void net_nat(struct net *net, struct addr inside, struct addr outside)
{
    for (size_t i = 0; i < NET_MAX_RULES; i++)
        if (!net->nat[i].inside.family || addr_equal(net->nat[i].inside, inside)) {
            net->nat[i].inside = inside;
            net->nat[i].outside = outside;
            return;
        }
    assert(!"too many NATs");
}

static struct addr seen_outside(const struct net *net, struct addr from)
{
    for (size_t i = 0; i < NET_MAX_RULES; i++)
        if (net->nat[i].inside.family && addr_equal(net->nat[i].inside, from))
            return net->nat[i].outside;
    return from;
}

static struct addr seen_inside(const struct net *net, struct addr to)
{
    for (size_t i = 0; i < NET_MAX_RULES; i++)
        if (net->nat[i].inside.family && addr_equal(net->nat[i].outside, to))
            return net->nat[i].inside;
    return to;
}

static bool before(const struct flying *a, const struct flying *b)
{
    return a->arrives != b->arrives ? a->arrives < b->arrives : a->order < b->order;
}

static void swap(struct net *net, size_t i, size_t j)
{
    struct flying *f = net->flying[i];
    net->flying[i] = net->flying[j];
    net->flying[j] = f;
}

static void heap_push(struct net *net, struct flying *f)
{
    size_t i = net->count++;
    net->flying[i] = f;
    for (; i && before(net->flying[i], net->flying[(i - 1) / 2]); i = (i - 1) / 2)
        swap(net, i, (i - 1) / 2);
}

static struct flying *heap_pop(struct net *net)
{
    struct flying *top = net->flying[0];
    net->flying[0] = net->flying[--net->count];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1;
        for (size_t child = left; child < left + 2 && child < net->count; child++)
            if (before(net->flying[child], net->flying[least]))
                least = child;
        if (least == i)
            return top;
        swap(net, i, least);
        i = least;
    }
}

static usec_t travel(struct net *net)
{
    const struct net_weather *w = &net->weather;
    usec_t time = w->delay;
    if (w->jitter)
        time += net_random(net) % (uint64_t)w->jitter;
    if (chance(net, w->overtake))
        time += w->late;
    return time;
}

static void launch(struct net *net, struct addr from, struct addr to, struct bytes datagram)
{
    if (chance(net, net->weather.loss) || net->count == NET_MAX_FLYING)
        return;
    struct flying *f = malloc(sizeof *f);
    assert(f && datagram.len <= sizeof f->bytes);
    f->arrives = net->now + travel(net);
    f->order = net->order++;
    f->from = from;
    f->to = to;
    f->len = datagram.len;
    memcpy(f->bytes, datagram.ptr, datagram.len);
    heap_push(net, f);
}

void net_send(struct net *net, struct addr from, struct addr to, struct bytes datagram)
{
    if (is_blocked(net, from) || is_blocked(net, to))
        return;
    struct addr outside = seen_outside(net, from);
    launch(net, outside, to, datagram);
    if (chance(net, net->weather.duplicate))
        launch(net, outside, to, datagram);
}

bool net_receive(struct net *net, usec_t until, struct net_arrival *out)
{
    free(net->arrived);
    net->arrived = NULL;
    if (!net->count || net->flying[0]->arrives > until) {
        net->now = until > net->now ? until : net->now;
        return false;
    }
    struct flying *f = net->arrived = heap_pop(net);
    net->now = f->arrives > net->now ? f->arrives : net->now;
    *out = (struct net_arrival){ f->from, seen_inside(net, f->to), f->bytes, f->len };
    return true;
}
