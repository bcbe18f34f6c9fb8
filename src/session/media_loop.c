#include "session/media_loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/err.h"
#include "stun/stun.h"

#define TICK_MS                10 /* how late a session's deadline may be noticed */
#define SLOW_TICKS             10 /* tickers run every so many ticks */
#define STATS_TICKS            50 /* and the numbers are shown */
#define MAILBOX                65536
#define MAX_ROUTES_PER_SESSION 16 /* as many addresses as ICE keeps per peer */

/* An address that a session's peer has proven. */
struct route {
    struct addr from;
    struct entry *entry;
    struct link in_entry; /* entry.routes */
    UT_hash_handle hh;    /* media_loop.routes */
};

struct entry {
    uint64_t id;
    char ufrag[ICE_MAX_TEXT + 1];
    struct session *session;
    struct list routes; /* struct route, by .in_entry, oldest first */
    unsigned route_count;
    bool touched;           /* got a datagram in this batch */
    struct link in_touched; /* media_loop.touched */
    UT_hash_handle by_id, by_ufrag;
};

struct media_loop {
    struct media_loop_config config;
    struct log log;
    struct loop *loop, *worker;
    struct udp *udp;
    struct addr local;

    struct { /* loop thread only */
        uv_timer_t timer;
        unsigned ticks;
        struct entry *by_id, *by_ufrag;
        struct route *routes;
        unsigned count;
        struct list touched;       /* struct entry, by .in_touched */
        struct list tickers;       /* struct media_ticker, by .in_loop */
        struct link *next_ticker;  /* while they run */
        struct session_stats past; /* of sessions that are over */
        uint64_t nobodys;
    } own;

    struct { /* any thread, under lock; a leaf lock */
        pthread_mutex_t lock;
        struct media_stats stats;
    } shown;
};

/* --- routes --- */

static void route_remove(struct media_loop *m, struct route *r)
{
    HASH_DEL(m->own.routes, r);
    list_remove(&r->in_entry);
    r->entry->route_count--;
    free(r);
}

static struct route *route_find(struct media_loop *m, struct addr from)
{
    struct route *r;
    HASH_FIND(hh, m->own.routes, &from, sizeof from, r);
    return r;
}

/* The address is this session's from now on, whoever had it before. */
static void route_learn(struct media_loop *m, struct entry *e, struct addr from)
{
    struct route *r = route_find(m, from);
    if (r && r->entry == e)
        return;
    if (r)
        route_remove(m, r);
    if (e->route_count == MAX_ROUTES_PER_SESSION)
        route_remove(m, list_first(&e->routes, struct route, in_entry));
    r = calloc(1, sizeof *r);
    if (!r)
        return; /* the next check brings it again */
    r->from = from;
    r->entry = e;
    HASH_ADD(hh, m->own.routes, from, sizeof r->from, r);
    list_append(&e->routes, &r->in_entry);
    e->route_count++;
}

/* --- sessions --- */

static struct entry *entry_find(struct media_loop *m, uint64_t id)
{
    struct entry *e;
    HASH_FIND(by_id, m->own.by_id, &id, sizeof id, e);
    return e;
}

static void keep_stats(struct media_loop *m, const struct session *session)
{
    struct session_stats stats;
    session_get_stats(session, &stats);
    stats.aac.waiting = 0;
    session_stats_add(&m->own.past, &stats);
}

static void entry_free(struct media_loop *m, struct entry *e)
{
    keep_stats(m, e->session);
    session_free(e->session);
    list_each(r, &e->routes, struct route, in_entry) route_remove(m, r);
    list_remove(&e->in_touched);
    HASH_DELETE(by_id, m->own.by_id, e);
    HASH_DELETE(by_ufrag, m->own.by_ufrag, e);
    m->own.count--;
    free(e);
}

/* May run when the media loop is gone. */
struct event_message {
    struct message message;
    void (*tell)(void *ctx, const struct session_event *event);
    void *ctx;
    struct session_event event;
};

static void event_run(struct message *message)
{
    struct event_message *e = (struct event_message *)message;
    e->tell(e->ctx, &e->event);
    free(e);
}

static void event_discard(struct message *message)
{
    free(message);
}

static void tell(void *ctx, const struct session_event *event)
{
    struct media_loop *m = ctx;
    struct event_message *e = malloc(sizeof *e);
    if (!e) {
        log_error(&m->log, "out of memory: an event of a session is lost");
        return;
    }
    *e = (struct event_message){
        { .run = event_run, .discard = event_discard }, m->config.event, m->config.ctx, *event
    };
    loop_post_must(m->config.control, &e->message);
}

static void tell_ended(struct media_loop *m, uint64_t id, enum session_end end)
{
    const struct session_event event = { .type = SESSION_ENDED, .session = id, .end = end };
    tell(m, &event);
}

static void send_datagram(void *ctx, struct addr to, struct bytes datagram)
{
    struct media_loop *m = ctx;
    udp_send(m->udp, to, datagram);
}

static int entry_add(struct media_loop *m, const struct session_config *config, usec_t now)
{
    struct entry *e, *same;
    HASH_FIND(by_ufrag, m->own.by_ufrag, config->local.ufrag, strlen(config->local.ufrag), same);
    if (same || entry_find(m, config->id))
        return ERR_EXISTS;
    if (m->own.count == m->config.max_sessions)
        return ERR_LIMIT;
    e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    const struct session_owner owner = { m, tell, send_datagram, m->loop, m->worker };
    int err = session_new(&e->session, config, m->config.identity, &owner, now);
    if (err) {
        free(e);
        return err;
    }
    e->id = config->id;
    strcpy(e->ufrag, config->local.ufrag);
    list_init(&e->routes);
    link_init(&e->in_touched);
    HASH_ADD(by_id, m->own.by_id, id, sizeof e->id, e);
    HASH_ADD_KEYPTR(by_ufrag, m->own.by_ufrag, e->ufrag, strlen(e->ufrag), e);
    m->own.count++;
    return OK;
}

/* Lets a session do what is due; frees it when it has ended. */
static void serve(struct media_loop *m, struct entry *e, usec_t now)
{
    enum session_end end;
    if (!session_tick(e->session, now, &end))
        return;
    log_info(session_log(e->session), "session ended: %s", session_end_text(end));
    uint64_t id = e->id;
    entry_free(m, e);
    tell_ended(m, id, end);
}

/* --- datagrams --- */

static struct entry *find_by_ufrag(struct media_loop *m, const struct udp_datagram *d)
{
    struct bytes username, ufrag, theirs;
    struct entry *e = NULL;
    if (!stun_peek_username(bytes_of(d->data, d->len), &username) ||
        !stun_split_username(username, &ufrag, &theirs))
        return NULL;
    HASH_FIND(by_ufrag, m->own.by_ufrag, ufrag.ptr, ufrag.len, e);
    return e;
}

static void on_datagram(struct media_loop *m, const struct udp_datagram *d, usec_t now)
{
    /* RFC 7983: the first byte of STUN is 0 to 3. */
    bool check = d->len > 0 && d->data[0] < 4;
    struct entry *e = check ? find_by_ufrag(m, d) : NULL;
    if (!e) {
        struct route *r = route_find(m, d->from);
        e = r ? r->entry : NULL;
    }
    if (!e) { /* scanners, or a session that is over */
        m->own.nobodys++;
        return;
    }
    session_feed(e->session, d, now);
    if (check && session_knows(e->session, d->from))
        route_learn(m, e, d->from);
    if (!link_linked(&e->in_touched))
        list_append(&m->own.touched, &e->in_touched);
}

static void on_batch(void *ctx, const struct udp_datagram *batch, size_t count, usec_t now)
{
    struct media_loop *m = ctx;
    for (size_t i = 0; i < count; i++)
        on_datagram(m, &batch[i], now);
    list_each(e, &m->own.touched, struct entry, in_touched)
    {
        list_remove(&e->in_touched);
        serve(m, e, now);
    }
}

static void run_tickers(struct media_loop *m, usec_t now)
{
    struct link *end = &m->own.tickers.head;
    for (struct link *l = end->next; l != end; l = m->own.next_ticker) {
        m->own.next_ticker = l->next;
        struct media_ticker *t = list_item(l, struct media_ticker, in_loop);
        t->tick(t, now);
    }
    m->own.next_ticker = NULL;
}

/* A reader holds the lock for a copy; then it is shown the next time. */
static void show_stats(struct media_loop *m)
{
    struct media_stats now = { .sessions = m->own.past,
                               .udp = udp_stats(m->udp),
                               .nobodys = m->own.nobodys };
    struct entry *e, *next;
    HASH_ITER(by_id, m->own.by_id, e, next)
    {
        struct session_stats stats;
        session_get_stats(e->session, &stats);
        session_stats_add(&now.sessions, &stats);
    }
    if (pthread_mutex_trylock(&m->shown.lock))
        return;
    m->shown.stats = now;
    pthread_mutex_unlock(&m->shown.lock);
}

void media_loop_stats(struct media_loop *m, struct media_stats *out)
{
    pthread_mutex_lock(&m->shown.lock);
    *out = m->shown.stats;
    pthread_mutex_unlock(&m->shown.lock);
}

static void on_timer(uv_timer_t *timer)
{
    struct media_loop *m = timer->data;
    usec_t now = clock_mono();
    struct entry *e, *next;
    HASH_ITER(by_id, m->own.by_id, e, next)
    {
        if (session_deadline(e->session) <= now)
            serve(m, e, now);
    }
    if (++m->own.ticks % SLOW_TICKS == 0)
        run_tickers(m, now);
    if (m->own.ticks % STATS_TICKS == 0)
        show_stats(m);
}

void media_loop_add_ticker(struct media_loop *m, struct media_ticker *t)
{
    assert(loop_is_current(m->loop));
    list_append(&m->own.tickers, &t->in_loop);
}

void media_loop_remove_ticker(struct media_loop *m, struct media_ticker *t)
{
    assert(loop_is_current(m->loop));
    if (m->own.next_ticker == &t->in_loop)
        m->own.next_ticker = t->in_loop.next;
    list_remove(&t->in_loop);
}

/* --- messages from the control loop --- */

struct open_message {
    struct message message;
    struct media_loop *media;
    struct session_config *config;
};

static void open_run(struct message *message)
{
    struct open_message *o = (struct open_message *)message;
    struct media_loop *m = o->media;
    int err = entry_add(m, o->config, clock_mono());
    if (err) {
        log_warn(&o->config->log, "cannot open the session: %s", err_text(err));
        tell_ended(m, o->config->id, SESSION_FAILED);
    }
    free(o->config);
    free(o);
}

static void open_discard(struct message *message)
{
    struct open_message *o = (struct open_message *)message;
    free(o->config);
    free(o);
}

void media_loop_open_session(struct media_loop *m, struct session_config *config)
{
    struct open_message *o = malloc(sizeof *o);
    if (!o) {
        log_error(&config->log, "out of memory: the session is not opened");
        tell_ended(m, config->id, SESSION_FAILED);
        free(config);
        return;
    }
    *o = (struct open_message){ { .run = open_run, .discard = open_discard }, m, config };
    loop_post_must(m->loop, &o->message);
}

struct close_message {
    struct message message;
    struct media_loop *media;
    uint64_t id;
};

static void close_run(struct message *message)
{
    struct close_message *c = (struct close_message *)message;
    struct entry *e = entry_find(c->media, c->id);
    if (e) {
        log_info(session_log(e->session), "session ended: %s", session_end_text(SESSION_CLOSED));
        entry_free(c->media, e);
        tell_ended(c->media, c->id, SESSION_CLOSED);
    }
    free(c);
}

void media_loop_close_session(struct media_loop *m, uint64_t id)
{
    struct close_message *c = malloc(sizeof *c);
    if (!c)
        return; /* without media it ends by consent */
    *c = (struct close_message){ { .run = close_run, .discard = event_discard }, m, id };
    loop_post_must(m->loop, &c->message);
}

struct session *media_loop_session(struct media_loop *m, uint64_t id)
{
    assert(loop_is_current(m->loop));
    struct entry *e = entry_find(m, id);
    return e ? e->session : NULL;
}

/* --- start and stop --- */

struct start_call {
    struct media_loop *media;
    int err;
};

static void start_on_loop(void *ctx)
{
    struct start_call *call = ctx;
    struct media_loop *m = call->media;
    call->err = udp_open(&m->udp, loop_uv(m->loop), m->config.listen, on_batch, m);
    if (call->err)
        return;
    m->local = udp_local(m->udp);
    uv_timer_init(loop_uv(m->loop), &m->own.timer);
    m->own.timer.data = m;
    uv_timer_start(&m->own.timer, on_timer, TICK_MS, TICK_MS);
}

static void stop_on_loop(void *ctx)
{
    struct media_loop *m = ctx;
    struct entry *e, *next;
    HASH_ITER(by_id, m->own.by_id, e, next)
    {
        entry_free(m, e);
    }
    if (!m->udp)
        return;
    uv_close((uv_handle_t *)&m->own.timer, NULL);
    udp_close(m->udp);
}

int media_loop_start(struct media_loop **out, const struct media_loop_config *config)
{
    struct media_loop *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    char index[16];
    snprintf(index, sizeof index, "%u", config->index);
    m->config = *config;
    m->log = log_with(NULL, "media", index);
    list_init(&m->own.touched);
    list_init(&m->own.tickers);
    pthread_mutex_init(&m->shown.lock, NULL);

    struct start_call call = { m, OK };
    call.err = loop_new(&m->worker, "audio", MAILBOX);
    if (!call.err)
        call.err = loop_new(&m->loop, "media", MAILBOX);
    if (!call.err)
        loop_call(m->loop, start_on_loop, &call);
    if (call.err) {
        media_loop_stop(m);
        return call.err;
    }
    *out = m;
    return OK;
}

void media_loop_stop(struct media_loop *m)
{
    if (!m)
        return;
    if (m->loop)
        loop_call(m->loop, stop_on_loop, m);
    loop_free(m->worker); /* may still post to the media loop */
    loop_free(m->loop);
    pthread_mutex_destroy(&m->shown.lock);
    free(m);
}

struct loop *media_loop_thread(struct media_loop *m)
{
    return m->loop;
}

struct loop *media_loop_worker(struct media_loop *m)
{
    return m->worker;
}

struct addr media_loop_local(const struct media_loop *m)
{
    return m->local;
}
