#include "publish/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "observe/log.h"
#include "publish/offer.h"
#include "publish/stream.h"
#include "publish/url.h"
#include "room/usersig.h"

#define REQUEST_TIMEOUT (15 * SEC)
#define LINGER          (500 * MSEC) /* so that the last packets can be asked for again */
#define TOKEN_LIFE      86400        /* seconds */
#define MAX_URL         8192
#define PHASE_STEP      7919 /* microseconds; prime: spreads the users over a frame's time */
#define MAX_NACKS       256  /* sequence numbers of one request that are looked at */

struct publisher {
    struct world *world;
    struct log log;
    enum publisher_state state;
    bool connected, leaving;
    struct buf url, authorization, resource, offer_text;
    struct http_transfer *transfer;
    struct offer offer;
    char cname[20];
    struct peer *peer;
    struct udp *udp;
    struct stream streams[2]; /* by media_kind; kept == NULL: not sent */
    usec_t phase;             /* by how much this user is later than the tape */
    usec_t begin, needs;      /* on the tape */
    usec_t linger_end;
    struct publisher_stats stats;
    uint64_t lost[2];
};

static void fail(struct publisher *p, const char *what, const char *detail)
{
    log_error(&p->log, "%s%s%s", what, *detail ? ": " : "", detail);
    p->state = PUBLISHER_FAILED;
}

/* ---- making ---- */

static int set_token(struct publisher *p, const char *user)
{
    const struct publish_args *args = p->world->args;
    uint32_t app = 0;
    buf_put_str(&p->authorization, "Bearer ");
    if (args->token) {
        buf_put_str(&p->authorization, args->token);
        return p->authorization.err;
    }
    url_app(bytes_str(args->url), &app);
    return usersig_mint(app, bytes_str(user), bytes_str(args->key), clock_wall(), TOKEN_LIFE,
                        &p->authorization);
}

static int set_user(struct publisher *p, unsigned index)
{
    const struct publish_args *args = p->world->args;
    char user[128];
    if (args->user_prefix) {
        snprintf(user, sizeof user, "%s%u", args->user_prefix, index + 1);
        url_put_with_user(&p->url, bytes_str(args->url), user);
    } else {
        if (!str_copy(user, sizeof user, url_user(bytes_str(args->url))))
            return ERR_MALFORMED;
        buf_put_str(&p->url, args->url);
    }
    p->log = log_with(NULL, "user", user);
    int err = set_token(p, user);
    return err ? err : p->url.err;
}

static int set_streams(struct publisher *p)
{
    static const uint8_t types[] = { [MEDIA_AUDIO] = OFFER_OPUS, [MEDIA_VIDEO] = OFFER_H264 };
    struct offer *o = &p->offer;
    int err = OK;
    ice_side_random(&o->ice);
    random_name(p->cname, 16);
    o->fingerprint = dtls_identity_fingerprint_text(p->world->identity);
    o->cname = p->cname;
    o->session_id = random_u32();
    o->send[MEDIA_AUDIO] = p->world->args->audio;
    o->send[MEDIA_VIDEO] = p->world->args->video;
    memcpy(o->profile, p->world->profile, sizeof o->profile);
    for (int kind = 0; kind < 2 && !err; kind++) {
        o->ssrc[kind] = random_u32();
        p->streams[kind].over = !o->send[kind];
        if (o->send[kind])
            err = stream_init(&p->streams[kind], (enum media_kind)kind, types[kind], o->ssrc[kind]);
    }
    return err ? err : offer_print(o, &p->offer_text);
}

int publisher_new(struct publisher **out, struct world *world, unsigned index)
{
    struct publisher *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->world = world;
    p->needs = USEC_NEVER;
    p->phase = (usec_t)index * PHASE_STEP % (SEC / world->args->fps);
    buf_init(&p->url, MAX_URL);
    buf_init(&p->authorization, 32u << 10);
    buf_init(&p->resource, MAX_URL);
    buf_init(&p->offer_text, SDP_MAX_SIZE);
    int err = set_user(p, index);
    if (!err)
        err = set_streams(p);
    if (err) {
        publisher_free(p);
        return err;
    }
    *out = p;
    return OK;
}

void publisher_free(struct publisher *p)
{
    if (!p)
        return;
    if (p->transfer)
        http_client_cancel(p->transfer);
    udp_close(p->udp);
    peer_free(p->peer);
    for (int kind = 0; kind < 2; kind++)
        stream_fini(&p->streams[kind]);
    buf_fini(&p->url);
    buf_fini(&p->authorization);
    buf_fini(&p->resource);
    buf_fini(&p->offer_text);
    free(p);
}

/* ---- leaving ---- */

static struct outlet outlet(struct publisher *p)
{
    return (struct outlet){ p->peer, p->udp };
}

static void flush_peer(struct publisher *p)
{
    struct peer_datagram d;
    while (peer_output(p->peer, &d))
        udp_send(p->udp, d.to, d.bytes);
}

static void on_deleted(void *ctx, const struct http_result *result)
{
    struct publisher *p = ctx;
    char status[32];
    p->transfer = NULL;
    if (p->peer) {
        peer_close(p->peer);
        flush_peer(p);
    }
    snprintf(status, sizeof status, "status %d", result->status);
    if (p->state == PUBLISHER_FAILED)
        return;
    if (result->failure)
        fail(p, "could not leave", http_failure_text(result->failure));
    else if (result->status / 100 != 2)
        fail(p, "could not leave", status);
    else
        p->state = PUBLISHER_DONE;
}

static void delete_resource(struct publisher *p)
{
    struct http_header header = { "Authorization", buf_str(&p->authorization) };
    struct http_call call = { .method = "DELETE",
                              .url = buf_str(&p->resource),
                              .headers = &header,
                              .header_count = 1,
                              .timeout = REQUEST_TIMEOUT,
                              .drop_answer = true,
                              .insecure_tls = p->world->args->insecure };
    if (p->state != PUBLISHER_FAILED)
        p->state = PUBLISHER_LEAVING;
    int err = http_client_send(p->world->http, &call, on_deleted, p, &p->transfer);
    if (err && p->state != PUBLISHER_FAILED)
        fail(p, "could not leave", err_text(err));
}

static void begin_linger(struct publisher *p, usec_t now)
{
    p->state = PUBLISHER_LINGERING;
    p->linger_end = now + LINGER;
    p->needs = USEC_NEVER;
}

void publisher_leave(struct publisher *p)
{
    p->leaving = true;
    switch (p->state) {
    case PUBLISHER_WAITING: p->state = PUBLISHER_DONE; break;
    case PUBLISHER_CONNECTING:
    case PUBLISHER_JOINING: delete_resource(p); break;
    case PUBLISHER_SENDING: begin_linger(p, clock_mono()); break;
    default: break; /* over, or on its way; an answer to wait for comes first */
    }
}

/* ---- receiving ---- */

static struct stream *stream_of(struct publisher *p, uint32_t ssrc)
{
    for (int kind = 0; kind < 2; kind++)
        if (p->streams[kind].kept && p->streams[kind].ssrc == ssrc)
            return &p->streams[kind];
    return NULL;
}

static void read_nack(struct publisher *p, const struct rtcp_packet *packet)
{
    uint16_t seqs[MAX_NACKS];
    uint32_t ssrc;
    size_t count;
    if (rtcp_parse_nack(&ssrc, seqs, MAX_NACKS, &count, packet))
        return;
    struct stream *s = stream_of(p, ssrc);
    for (size_t i = 0; s && i < count; i++) {
        p->stats.nacked++;
        stream_resend(s, seqs[i], outlet(p));
    }
}

static void read_blocks(struct publisher *p, const struct rtcp_packet *packet)
{
    struct rtcp_block block;
    for (unsigned i = 0; rtcp_parse_block(&block, packet, i) == OK; i++) {
        const struct stream *s = stream_of(p, block.ssrc);
        if (s && block.cumulative_lost >= 0)
            p->lost[s->kind] = (uint64_t)block.cumulative_lost;
    }
}

/* A key frame that is asked for is not made: the tape has one every second, and the next one is
 * waited for. */
static void read_rtcp(struct publisher *p, struct bytes datagram)
{
    struct reader in = reader_of(datagram);
    struct rtcp_packet packet;
    while (rtcp_next(&in, &packet) == OK)
        switch (packet.type) {
        case RTCP_SR:
        case RTCP_RR: read_blocks(p, &packet); break;
        case RTCP_RTPFB: read_nack(p, &packet); break;
        case RTCP_PSFB:
            p->stats.plis += packet.count == RTCP_PSFB_PLI || packet.count == RTCP_PSFB_FIR;
            break;
        default: break;
        }
}

static void on_datagrams(void *ctx, const struct udp_datagram *batch, size_t count, usec_t now)
{
    struct publisher *p = ctx;
    if (!p->peer)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t len = batch[i].len;
        if (peer_feed(p->peer, batch[i].from, batch[i].data, &len, now) == PEER_RTCP)
            read_rtcp(p, bytes_of(batch[i].data, len));
    }
    flush_peer(p);
}

/* ---- connecting ---- */

/* The socket is opened for the family of the server's candidates, at any address and port. */
static int connect_to(struct publisher *p, const struct answer *answer)
{
    struct peer_config config = { .role = PEER_CLIENT,
                                  .ice = { p->offer.ice, answer->ice },
                                  .identity = p->world->identity,
                                  .fingerprint = answer->fingerprint };
    struct addr any = { .family = answer->candidates[0].addr.family };
    usec_t now = clock_mono();
    int err = udp_open(&p->udp, loop_uv(p->world->loop), any, on_datagrams, p);
    if (!err)
        err = peer_new(&p->peer, &config, now);
    for (size_t i = 0; !err && i < answer->candidate_count; i++)
        err = peer_add_candidate(p->peer, answer->candidates[i].addr,
                                 answer->candidates[i].priority, now);
    return err;
}

static bool take_answer(struct publisher *p, const struct http_result *result)
{
    struct sdp_why why = { "" };
    struct answer answer;
    char status[400];
    struct bytes location = http_result_header(result, "Location");
    if (result->failure) {
        fail(p, http_failure_text(result->failure), result->detail);
        return false;
    }
    if (result->status != 201) {
        snprintf(status, sizeof status, "%d %.*s", result->status,
                 (int)(result->body.len < 300 ? result->body.len : 300),
                 (const char *)result->body.ptr);
        fail(p, "the server refused", status);
        return false;
    }
    if (!location.len) {
        fail(p, "the answer has no Location", "");
        return false;
    }
    url_put_location(&p->resource, buf_bytes(&p->url), location);
    int err = answer_read(result->body, &p->offer, &why, &answer);
    if (err)
        fail(p, "cannot use the answer", *why.text ? why.text : err_text(err));
    else if ((err = connect_to(p, &answer)))
        fail(p, "cannot connect", err_text(err));
    return true;
}

static void on_answer(void *ctx, const struct http_result *result)
{
    struct publisher *p = ctx;
    p->transfer = NULL;
    if (!take_answer(p, result))
        return;
    if (p->state == PUBLISHER_FAILED || p->leaving)
        delete_resource(p);
    else
        p->state = PUBLISHER_CONNECTING;
}

void publisher_start(struct publisher *p)
{
    struct http_header headers[] = { { "Authorization", buf_str(&p->authorization) },
                                     { "Content-Type", "application/sdp" },
                                     { "Accept", "application/sdp" } };
    struct http_call call = { .method = "POST",
                              .url = buf_str(&p->url),
                              .headers = headers,
                              .header_count = sizeof headers / sizeof *headers,
                              .body = buf_bytes(&p->offer_text),
                              .timeout = REQUEST_TIMEOUT,
                              .max_answer = SDP_MAX_SIZE,
                              .insecure_tls = p->world->args->insecure };
    p->state = PUBLISHER_ASKING;
    int err = http_client_send(p->world->http, &call, on_answer, p, &p->transfer);
    if (err)
        fail(p, "cannot ask", err_text(err));
}

/* ---- sending ---- */

/* Where the tape is for this user. */
static usec_t played(const struct publisher *p, usec_t now)
{
    return now - p->world->origin - p->phase;
}

/* Everyone joins at a key frame that is yet to come; the first one sets the tape going. */
static void join(struct publisher *p, usec_t now)
{
    struct world *w = p->world;
    enum media_kind lead = w->args->video ? MEDIA_VIDEO : MEDIA_AUDIO;
    if (w->origin == USEC_UNSET)
        w->origin = now;
    usec_t from = played(p, now), begin;
    if (!tape_find(w->tape, lead, from > 0 ? from : 0, &p->streams[lead].number, &begin))
        return;
    p->begin = p->needs = begin;
    p->state = PUBLISHER_SENDING;
}

/* Sends what is due of one stream; gives the time of what comes next. */
static usec_t send_stream(struct publisher *p, struct stream *s, usec_t until)
{
    usec_t duration = p->world->args->duration;
    usec_t end = duration == USEC_NEVER ? USEC_NEVER : p->begin + duration;
    struct tape_item item;
    enum tape_state state = TAPE_ITEM;
    while (!s->over &&
           (state = tape_get(p->world->tape, s->kind, &s->number, &item)) == TAPE_ITEM) {
        bool due = item.time <= until;
        s->over = item.time >= end;
        if (due && !s->over && item.time >= p->begin)
            stream_send(s, item.frame, item.time, outlet(p));
        frame_unref(item.frame);
        if (!due || s->over)
            return s->over ? USEC_NEVER : item.time;
        s->number++;
    }
    s->over |= state == TAPE_OVER;
    return s->over ? USEC_NEVER : p->needs;
}

static void send_due(struct publisher *p, usec_t now)
{
    usec_t until = played(p, now), next = USEC_NEVER;
    for (int kind = 0; kind < 2; kind++) {
        struct stream *s = &p->streams[kind];
        if (!s->kept)
            continue;
        usec_t at = send_stream(p, s, until);
        next = at < next ? at : next;
        stream_report(s, p->cname, clock_server(now), until, now, outlet(p));
    }
    p->needs = next;
    if (p->streams[0].over && p->streams[1].over)
        begin_linger(p, now);
}

static void read_events(struct publisher *p)
{
    struct peer_event event;
    while (peer_event(p->peer, &event)) {
        if (event.state == PEER_CONNECTED && p->state == PUBLISHER_CONNECTING) {
            p->connected = true;
            p->state = PUBLISHER_JOINING;
        } else if (event.state == PEER_CLOSED && p->state < PUBLISHER_LEAVING) {
            fail(p, peer_reason_text(event.reason), event.detail);
            p->needs = USEC_NEVER;
        }
    }
}

void publisher_tick(struct publisher *p, usec_t now)
{
    if (!p->peer || p->state >= PUBLISHER_DONE)
        return;
    if (peer_deadline(p->peer) <= now)
        peer_tick(p->peer, now);
    read_events(p);
    if (p->state == PUBLISHER_JOINING)
        join(p, now);
    if (p->state == PUBLISHER_SENDING)
        send_due(p, now);
    if (p->state == PUBLISHER_LINGERING && now >= p->linger_end)
        delete_resource(p);
    flush_peer(p);
}

/* ---- telling ---- */

enum publisher_state publisher_state(const struct publisher *p)
{
    return p->state;
}

bool publisher_over(const struct publisher *p)
{
    return p->state >= PUBLISHER_DONE && !p->transfer;
}

bool publisher_was_connected(const struct publisher *p)
{
    return p->connected;
}

usec_t publisher_needs(const struct publisher *p)
{
    return p->state == PUBLISHER_SENDING ? p->needs : USEC_NEVER;
}

struct publisher_stats publisher_stats(const struct publisher *p)
{
    struct publisher_stats stats = p->stats;
    for (int kind = 0; kind < 2; kind++) {
        stats.frames[kind] = p->streams[kind].frames;
        stats.packets += p->streams[kind].packets;
        stats.bytes += p->streams[kind].octets;
        stats.resent += p->streams[kind].resent;
        stats.lost += p->lost[kind];
    }
    return stats;
}
