#include "rtp/order.h"

#include <stdlib.h>

#include "rtp/packet.h"
#include "rtp/unwrap.h"

#define MAX_DROPOUT 3000        /* a gap that is still believed at once (RFC 3550, A.1) */
#define TOLERANCE   (10 * MSEC) /* reordering that is not asked about */
#define MAX_NACKS   10          /* a packet */
#define RTT_INITIAL (100 * MSEC)
#define RTT_MIN     (10 * MSEC)
#define RTT_MAX     (500 * MSEC)
#define SPARE_MAX   32 /* blocks kept for the next loss */

/* A copied packet. */
struct held {
    struct held *next_spare;
    usec_t arrival;
    uint16_t seq, len;
    uint8_t data[RTP_MAX_PACKET];
};

/* One sequence number between `next` and `end`: held, or missing. */
struct slot {
    struct held *held;
    usec_t noticed;  /* when it was first missed */
    usec_t nacked;   /* when it was last asked for */
    usec_t nack_due; /* USEC_NEVER: no more */
    unsigned nacks;
};

struct order {
    struct order_config config;
    bool started;
    usec_t settled; /* until then packets before `next` may still begin the count */
    int64_t next;   /* the sequence number whose turn it is */
    int64_t end;    /* one past the highest seen */
    struct slot slot[ORDER_SLOTS];

    struct held *suspect;    /* one packet from far away, not believed yet */
    struct held *pending[2]; /* packets that must wait until the slots are drained up to flush_to */
    unsigned pendings;
    bool pending_restart;
    int64_t flush_to; /* below it nothing is waited for */

    unsigned lost;   /* given up since the last delivery */
    bool restart;    /* the next delivery begins a new count */
    usec_t nack_due; /* no later than the earliest of the slots */
    usec_t rtt;

    struct held *out; /* lent to the caller */
    struct held *spare;
    unsigned spares;
    struct order_stats stats;
};

struct order *order_new(const struct order_config *config)
{
    struct order *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->config = *config;
    o->nack_due = USEC_NEVER;
    o->flush_to = INT64_MIN;
    o->rtt = RTT_INITIAL;
    return o;
}

static void release(struct order *o, struct held *h)
{
    if (!h)
        return;
    if (o->spares == SPARE_MAX) {
        free(h);
        return;
    }
    h->next_spare = o->spare;
    o->spare = h;
    o->spares++;
}

static struct held *hold(struct order *o, uint16_t seq, struct bytes packet, usec_t arrival)
{
    struct held *h = o->spare;
    if (packet.len > sizeof h->data)
        return NULL;
    if (h) {
        o->spare = h->next_spare;
        o->spares--;
    } else {
        h = malloc(sizeof *h);
        if (!h)
            return NULL;
    }
    h->arrival = arrival;
    h->seq = seq;
    h->len = (uint16_t)packet.len;
    memcpy(h->data, packet.ptr, packet.len);
    return h;
}

void order_free(struct order *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < ORDER_SLOTS; i++)
        free(o->slot[i].held);
    for (unsigned i = 0; i < o->pendings; i++)
        free(o->pending[i]);
    free(o->suspect);
    free(o->out);
    while (o->spare) {
        struct held *h = o->spare;
        o->spare = h->next_spare;
        free(h);
    }
    free(o);
}

static struct slot *slot_of(struct order *o, int64_t seq)
{
    return &o->slot[(uint64_t)seq % ORDER_SLOTS];
}

static void begin_at(struct order *o, int64_t seq)
{
    for (; o->next < o->end; o->next++) { /* nothing, when the caller pulled */
        release(o, slot_of(o, o->next)->held);
        slot_of(o, o->next)->held = NULL;
    }
    o->started = true;
    o->next = o->end = seq;
    o->flush_to = INT64_MIN;
    o->nack_due = USEC_NEVER;
    o->lost = 0;
}

/* Everything from `end` up to `seq` is missing from now on. */
static void miss_up_to(struct order *o, int64_t seq, usec_t now)
{
    usec_t due = o->config.nack ? now + TOLERANCE : USEC_NEVER;
    if (o->end < seq && due < o->nack_due)
        o->nack_due = due;
    for (; o->end < seq; o->end++)
        *slot_of(o, o->end) = (struct slot){ .noticed = now, .nack_due = due };
}

/* A missing packet came after all. */
static void came_late(struct order *o, const struct slot *s, usec_t arrival)
{
    if (!s->nacks) {
        o->stats.reordered++;
        return;
    }
    o->stats.recovered++;
    if (s->nacks == 1)
        order_set_rtt(o, o->rtt + (arrival - s->nacked - o->rtt) / 8);
}

/* Puts a copy where it belongs; `seq` is less than ORDER_SLOTS from next. Takes `h`. */
static void insert(struct order *o, int64_t seq, struct held *h)
{
    struct slot *s = slot_of(o, seq);
    if (seq < o->end) {
        came_late(o, s, h->arrival);
    } else {
        miss_up_to(o, seq, h->arrival);
        o->end = seq + 1;
    }
    *s = (struct slot){ .held = h };
}

/* The packets whose time has come only after the slots were drained. */
static void admit(struct order *o)
{
    if (o->pending_restart) {
        begin_at(o, (o->end / 65536 + 2) * 65536 + o->pending[0]->seq);
        o->restart = true;
    } else if (o->next < o->flush_to) {
        o->lost += (unsigned)(o->flush_to - o->next);
        o->stats.lost += (uint64_t)(o->flush_to - o->next);
        o->next = o->end = o->flush_to;
    }
    for (unsigned i = 0; i < o->pendings; i++)
        insert(o, unwrap_u16(o->next, o->pending[i]->seq), o->pending[i]);
    o->pendings = 0;
    o->pending_restart = false;
    o->flush_to = INT64_MIN;
}

/* Too far ahead for the slots: what is in the way is given up. */
static enum order_verdict push_far(struct order *o, int64_t seq, struct bytes packet,
                                   usec_t arrival)
{
    struct held *h = hold(o, (uint16_t)seq, packet, arrival);
    if (!h)
        return ORDER_DROPPED;
    o->pending[0] = h;
    o->pendings = 1;
    o->flush_to = seq - ORDER_SLOTS + 1;
    return ORDER_KEPT;
}

/* Far off: the first such packet waits for a second that follows it. */
static enum order_verdict push_suspect(struct order *o, uint16_t seq, struct bytes packet,
                                       usec_t arrival)
{
    struct held *h = hold(o, seq, packet, arrival);
    if (!h)
        return ORDER_DROPPED;
    if (!o->suspect || (uint16_t)(o->suspect->seq + 1) != seq) {
        release(o, o->suspect);
        o->suspect = h;
        return ORDER_KEPT;
    }
    o->pending[0] = o->suspect;
    o->pending[1] = h;
    o->pendings = 2;
    o->pending_restart = true;
    o->flush_to = o->end;
    o->suspect = NULL;
    o->stats.restarts++;
    return ORDER_KEPT;
}

static enum order_verdict duplicate(struct order *o)
{
    o->stats.duplicates++;
    return ORDER_DROPPED;
}

static enum order_verdict push_next(struct order *o, usec_t arrival)
{
    if (o->end > o->next)
        came_late(o, slot_of(o, o->next), arrival);
    o->next++;
    if (o->end < o->next)
        o->end = o->next;
    return ORDER_NEXT;
}

/* The count has just begun: this one begins it earlier. */
static enum order_verdict push_first(struct order *o, int64_t seq, struct bytes packet,
                                     usec_t arrival)
{
    struct held *h = hold(o, (uint16_t)seq, packet, arrival);
    if (!h)
        return ORDER_DROPPED;
    int64_t end = o->end, after = o->next;
    o->next = o->end = seq;
    miss_up_to(o, after, arrival);
    *slot_of(o, seq) = (struct slot){ .held = h };
    o->end = end;
    return ORDER_KEPT;
}

static enum order_verdict push_early(struct order *o, int64_t seq, struct bytes packet,
                                     usec_t arrival)
{
    if (seq < o->end && slot_of(o, seq)->held)
        return duplicate(o);
    struct held *h = hold(o, (uint16_t)seq, packet, arrival);
    if (!h)
        return ORDER_DROPPED;
    insert(o, seq, h);
    return ORDER_KEPT;
}

enum order_verdict order_push(struct order *o, uint16_t wire_seq, struct bytes packet,
                              usec_t arrival)
{
    if (o->pendings)
        return ORDER_DROPPED; /* the caller did not pull */
    if (!o->started) {
        begin_at(o, wire_seq);
        o->settled = arrival + o->config.settle;
    }
    int64_t seq = unwrap_u16(o->end, wire_seq);
    if (seq >= o->end + MAX_DROPOUT || seq < o->next - ORDER_SLOTS)
        return push_suspect(o, wire_seq, packet, arrival);
    release(o, o->suspect);
    o->suspect = NULL;
    bool settling = arrival < o->settled;
    if (seq < o->next && settling && o->end - seq < ORDER_SLOTS)
        return push_first(o, seq, packet, arrival);
    if (seq < o->next)
        return duplicate(o);
    if (seq == o->next && !o->lost && !settling && (o->end == seq || !slot_of(o, seq)->held))
        return push_next(o, arrival);
    if (seq >= o->next + ORDER_SLOTS)
        return push_far(o, seq, packet, arrival);
    return push_early(o, seq, packet, arrival);
}

static void deliver(struct order *o, struct slot *s, struct order_item *out)
{
    o->out = s->held;
    s->held = NULL;
    o->next++;
    *out = (struct order_item){ .packet = bytes_of(o->out->data, o->out->len),
                                .arrival = o->out->arrival,
                                .lost = o->lost,
                                .restart = o->restart };
    o->lost = 0;
    o->restart = false;
}

bool order_pull(struct order *o, usec_t now, struct order_item *out)
{
    release(o, o->out);
    o->out = NULL;
    for (;;) {
        if (o->pendings && (o->next >= o->flush_to || o->next == o->end))
            admit(o);
        if (o->next == o->end || (now < o->settled && o->next >= o->flush_to))
            return false;
        struct slot *s = slot_of(o, o->next);
        if (s->held) {
            deliver(o, s, out);
            return true;
        }
        if (now - s->noticed < o->config.window && o->next >= o->flush_to)
            return false;
        o->next++;
        o->lost++;
        o->stats.lost++;
    }
}

void order_flush(struct order *o)
{
    release(o, o->suspect);
    o->suspect = NULL;
    o->flush_to = o->end;
    o->started = false;
}

usec_t order_deadline(const struct order *o)
{
    if (o->next == o->end)
        return USEC_NEVER;
    const struct slot *s = &o->slot[(uint64_t)o->next % ORDER_SLOTS];
    return s->held ? o->settled : s->noticed + o->config.window;
}

usec_t order_nack_deadline(const struct order *o)
{
    return o->next == o->end ? USEC_NEVER : o->nack_due;
}

/* Repeats at growing intervals, as long as an answer could still come in time. */
static void schedule_next(const struct order *o, struct slot *s, usec_t now)
{
    usec_t wait = o->rtt + o->rtt / 4;
    for (unsigned i = 1; i < s->nacks; i++)
        wait += wait / 2;
    s->nack_due = now + wait;
    if (s->nacks >= MAX_NACKS || s->nack_due + o->rtt > s->noticed + o->config.window)
        s->nack_due = USEC_NEVER;
}

size_t order_nacks(struct order *o, usec_t now, uint16_t *out, size_t max)
{
    if (now < order_nack_deadline(o))
        return 0;
    size_t count = 0;
    o->nack_due = USEC_NEVER;
    for (int64_t seq = o->next; seq < o->end; seq++) {
        struct slot *s = slot_of(o, seq);
        if (s->held)
            continue;
        if (s->nack_due <= now && count < max) {
            out[count++] = (uint16_t)seq;
            s->nacks++;
            s->nacked = now;
            schedule_next(o, s, now);
        }
        if (s->nack_due < o->nack_due)
            o->nack_due = s->nack_due;
    }
    o->stats.nacks += count;
    return count;
}

void order_set_rtt(struct order *o, usec_t rtt)
{
    o->rtt = rtt < RTT_MIN ? RTT_MIN : rtt > RTT_MAX ? RTT_MAX : rtt;
}

usec_t order_rtt(const struct order *o)
{
    return o->rtt;
}

void order_get_stats(const struct order *o, struct order_stats *out)
{
    *out = o->stats;
}
