#include "publish/crowd.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"

#define TICK_MS 5

struct crowd {
    struct world world;
    struct dtls_identity *identity;
    struct publisher **publishers;
    unsigned count, started;
    bool leaving;
    usec_t next_start;
    uv_timer_t tick;
    atomic_bool over;
};

/* The tape goes on with the slowest of those who play it, or with the time when nobody does. */
static void release_tape(struct crowd *c, usec_t now)
{
    if (c->world.origin == USEC_UNSET)
        return;
    usec_t until = now - c->world.origin - SEC / c->world.args->fps; /* the largest phase */
    for (unsigned i = 0; i < c->started; i++) {
        usec_t needs = publisher_needs(c->publishers[i]);
        until = needs < until ? needs : until;
    }
    tape_release(c->world.tape, until);
}

static void start_due(struct crowd *c, usec_t now)
{
    while (!c->leaving && c->started < c->count && now >= c->next_start) {
        publisher_start(c->publishers[c->started++]);
        c->next_start += c->world.args->stagger;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct crowd *c = timer->data;
    usec_t now = clock_mono();
    unsigned over = 0;
    start_due(c, now);
    for (unsigned i = 0; i < c->count; i++) {
        publisher_tick(c->publishers[i], now);
        over += publisher_over(c->publishers[i]);
    }
    release_tape(c, now);
    if (over == c->count)
        atomic_store(&c->over, true);
}

static int make_publishers(struct crowd *c)
{
    unsigned wanted = c->world.args->count;
    c->publishers = calloc(wanted, sizeof *c->publishers);
    int err = c->publishers ? OK : ERR_NOMEM;
    while (!err && c->count < wanted) {
        err = publisher_new(&c->publishers[c->count], &c->world, c->count);
        c->count += !err;
    }
    return err;
}

static int set_up(struct crowd *c)
{
    struct http_client_settings settings = { .per_host = 8 };
    int err = dtls_identity_new(&c->identity);
    c->world.identity = c->identity;
    if (!err)
        err = http_client_new(&c->world.http, c->world.loop, &settings);
    return err ? err : make_publishers(c);
}

int crowd_new(struct crowd **out, struct loop *loop, const struct publish_args *args,
              struct tape *tape, const char *profile)
{
    struct crowd *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->world = (struct world){ .loop = loop, .args = args, .tape = tape, .origin = USEC_UNSET };
    memcpy(c->world.profile, profile, sizeof c->world.profile);
    uv_timer_init(loop_uv(loop), &c->tick);
    c->tick.data = c;
    c->next_start = clock_mono();
    *out = c;
    int err = set_up(c);
    if (!err)
        uv_timer_start(&c->tick, on_tick, 0, TICK_MS);
    return err;
}

void crowd_close(struct crowd *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->count; i++)
        publisher_free(c->publishers[i]);
    c->count = c->started = 0;
    http_client_free(c->world.http);
    uv_close((uv_handle_t *)&c->tick, NULL);
}

void crowd_free(struct crowd *c)
{
    if (!c)
        return;
    dtls_identity_free(c->identity);
    free(c->publishers);
    free(c);
}

void crowd_leave(struct crowd *c)
{
    c->leaving = true;
    for (unsigned i = 0; i < c->count; i++)
        publisher_leave(c->publishers[i]);
}

bool crowd_over(const struct crowd *c)
{
    return atomic_load(&c->over);
}

static void add(struct publisher_stats *sum, const struct publisher_stats *s)
{
    sum->frames[MEDIA_AUDIO] += s->frames[MEDIA_AUDIO];
    sum->frames[MEDIA_VIDEO] += s->frames[MEDIA_VIDEO];
    sum->packets += s->packets;
    sum->bytes += s->bytes;
    sum->nacked += s->nacked;
    sum->resent += s->resent;
    sum->plis += s->plis;
    sum->lost += s->lost;
}

struct crowd_totals crowd_totals(const struct crowd *c)
{
    struct crowd_totals t = { 0 };
    for (unsigned i = 0; i < c->count; i++) {
        struct publisher_stats s = publisher_stats(c->publishers[i]);
        enum publisher_state state = publisher_state(c->publishers[i]);
        add(&t.sums, &s);
        t.connected += state >= PUBLISHER_JOINING && state <= PUBLISHER_LEAVING;
        t.done += state == PUBLISHER_DONE;
        t.failed += state == PUBLISHER_FAILED;
        t.ever_connected += publisher_was_connected(c->publishers[i]);
    }
    return t;
}
