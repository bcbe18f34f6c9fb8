#include "serve/publishers.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"

struct publisher {
    uint64_t session;
    size_t loop;
    struct log log;
    UT_hash_handle hh; /* publishers.by_session */
};

struct publishers {
    struct publishers_config config;
    struct whip *whip;
    struct whip_app app; /* the last one asked for */
    struct publisher *by_session;
    size_t *per_loop; /* sessions on each media loop */
    uint64_t last;    /* session number given */
    bool draining;
    bool let_go; /* of the media loops */
    struct publishers_stats stats;
};

struct publishers *publishers_new(const struct publishers_config *config)
{
    struct publishers *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->config = *config;
    p->per_loop = calloc(config->loop_count, sizeof *p->per_loop);
    if (!p->per_loop) {
        free(p);
        return NULL;
    }
    return p;
}

static void publisher_free(struct publishers *p, struct publisher *one)
{
    HASH_DEL(p->by_session, one);
    p->per_loop[one->loop]--;
    free(one);
}

void publishers_free(struct publishers *p)
{
    if (!p)
        return;
    struct publisher *one, *next;
    HASH_ITER(hh, p->by_session, one, next)
    {
        publisher_free(p, one);
    }
    free(p->per_loop);
    free(p);
}

void publishers_set_whip(struct publishers *p, struct whip *whip)
{
    p->whip = whip;
}

void publishers_drain(struct publishers *p)
{
    p->draining = true;
}

void publishers_let_go(struct publishers *p)
{
    p->draining = true;
    p->let_go = true;
}

size_t publishers_count(const struct publishers *p)
{
    return HASH_COUNT(p->by_session);
}

const struct publishers_stats *publishers_stats(const struct publishers *p)
{
    return &p->stats;
}

static struct publisher *find(struct publishers *p, uint64_t session)
{
    struct publisher *one;
    HASH_FIND(hh, p->by_session, &session, sizeof session, one);
    return one;
}

struct media_loop *publishers_media_of(void *ctx, uint64_t session)
{
    struct publishers *p = ctx;
    const struct publisher *one = p->let_go ? NULL : find(p, session);
    return one ? p->config.loops[one->loop] : NULL;
}

/* --- the door's questions --- */

static const struct whip_app *find_app(void *ctx, uint32_t sdk_app_id)
{
    struct publishers *p = ctx;
    const struct config *config = p->config.config;
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == sdk_app_id) {
            p->app = (struct whip_app){ .sdk_app_id = sdk_app_id,
                                        .key = config->apps.items[i].key,
                                        .map_key_required = config->apps.items[i].private_map_key };
            return &p->app;
        }
    return NULL;
}

static bool room_exists(void *ctx, const struct room_key *room)
{
    const struct publishers *p = ctx;
    return rooms_find(p->config.rooms, room) != NULL;
}

static size_t least_loaded(const struct publishers *p)
{
    size_t best = 0;
    for (size_t i = 1; i < p->config.loop_count; i++)
        if (p->per_loop[i] < p->per_loop[best])
            best = i;
    return best;
}

static struct publisher *add(struct publishers *p, const struct whip_publication *publication)
{
    struct publisher *one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    one->session = ++p->last;
    one->loop = least_loaded(p);
    one->log = log_with(NULL, "room", publication->room.id.text);
    one->log = log_with(&one->log, "user", publication->user);
    HASH_ADD(hh, p->by_session, session, sizeof one->session, one);
    p->per_loop[one->loop]++;
    return one;
}

static void fill_local(const struct publishers *p, const struct publisher *one,
                       const struct ice_side *ice, struct negotiation_local *local)
{
    const struct config *config = p->config.config;
    uint16_t port = media_loop_local(p->config.loops[one->loop]).port;
    *local = (struct negotiation_local){ 0 };
    str_copy(local->ufrag, sizeof local->ufrag, bytes_str(ice->ufrag));
    str_copy(local->pwd, sizeof local->pwd, bytes_str(ice->pwd));
    snprintf(local->fingerprint, sizeof local->fingerprint, "sha-256 %s",
             dtls_identity_fingerprint_text(p->config.identity));
    for (size_t i = 0;
         i < config->media.advertise.count && local->candidate_count < NEGOTIATION_MAX_LOCAL; i++)
        if (addr_parse(&local->candidates[local->candidate_count], config->media.advertise.items[i],
                       port))
            local->candidate_count++;
    random_bytes(&local->sdp_session_id, sizeof local->sdp_session_id);
}

/* The media loop hears of the session before the room does: whoever records it posts behind. */
static int open_session(struct publishers *p, const struct publisher *one,
                        const struct whip_publication *publication, const struct ice_side *ice)
{
    struct session_config *session = calloc(1, sizeof *session);
    if (!session)
        return ERR_NOMEM;
    session->id = one->session;
    session->log = one->log;
    session->local = *ice;
    session->negotiated = *publication->negotiated;
    media_loop_open_session(p->config.loops[one->loop], session);
    return OK;
}

static void close_session(struct publishers *p, uint64_t session)
{
    struct media_loop *media = publishers_media_of(p, session);
    if (media)
        media_loop_close_session(media, session);
}

static int enter(struct publishers *p, const struct publisher *one,
                 const struct whip_publication *publication)
{
    const struct room_entry entry = {
        .user = publication->user,
        .stream = publication->stream,
        .session = one->session,
        .audio = negotiated_of(publication->negotiated, MEDIA_AUDIO) != NULL,
        .video = negotiated_of(publication->negotiated, MEDIA_VIDEO) != NULL,
        .now = clock_wall()
    };
    struct room_replaced replaced;
    int err = rooms_enter(p->config.rooms, &publication->room, &entry, &replaced);
    if (err)
        return err;
    for (size_t i = 0; i < replaced.count; i++) {
        log_info(&one->log, "the user's former session is replaced");
        whip_session_ended(p->whip, replaced.sessions[i]);
        close_session(p, replaced.sessions[i]);
    }
    return OK;
}

static int start(void *ctx, const struct whip_publication *publication, uint64_t *session,
                 struct negotiation_local *local)
{
    struct publishers *p = ctx;
    struct ice_side ice;
    if (p->draining)
        return ERR_BAD_STATE;
    if (HASH_COUNT(p->by_session) >= p->config.config->limits.sessions)
        return ERR_LIMIT;
    struct publisher *one = add(p, publication);
    if (!one)
        return ERR_NOMEM;
    ice_side_random(&ice);
    int err = open_session(p, one, publication, &ice);
    if (err) {
        publisher_free(p, one);
        return err;
    }
    err = enter(p, one, publication);
    if (err) {
        close_session(p, one->session);
        return err;
    }
    log_info(&one->log, "%s offers %s%s",
             publication->user_agent[0] ? publication->user_agent : "a publisher",
             negotiated_of(publication->negotiated, MEDIA_AUDIO) ? "audio " : "",
             negotiated_of(publication->negotiated, MEDIA_VIDEO) ? "video" : "");
    fill_local(p, one, &ice, local);
    *session = one->session;
    return OK;
}

/* A lite agent needs no remote candidates: the publisher's checks bring its addresses. */
static void trickle(void *ctx, uint64_t session, const struct negotiated_candidate *candidates,
                    size_t count)
{
    (void)ctx;
    (void)session;
    (void)candidates;
    (void)count;
}

static void stop(void *ctx, uint64_t session)
{
    struct publishers *p = ctx;
    rooms_leave(p->config.rooms, session, ROOM_EXIT_NORMAL);
    close_session(p, session);
}

const struct whip_ops publishers_whip_ops = { find_app, room_exists, start, trickle, stop };

/* --- the media loops' news --- */

static enum room_exit exit_of(enum session_end end)
{
    bool said_so = end == SESSION_CLOSED || end == SESSION_CLOSED_PEER;
    return said_so ? ROOM_EXIT_NORMAL : ROOM_EXIT_TIMEOUT;
}

void publishers_event(void *ctx, const struct session_event *event)
{
    struct publishers *p = ctx;
    struct publisher *one = find(p, event->session);
    switch (event->type) {
    case SESSION_MEDIA:
        rooms_media(p->config.rooms, event->session, event->kind, event->live);
        break;
    case SESSION_ENDED:
        p->stats.ended[event->end]++;
        rooms_leave(p->config.rooms, event->session, exit_of(event->end));
        whip_session_ended(p->whip, event->session);
        if (one)
            publisher_free(p, one);
        break;
    }
}
