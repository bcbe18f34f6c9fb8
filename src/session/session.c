#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "derive/aac_fanout.h"
#include "rtp/feedback.h"
#include "rtp/packet.h"
#include "rtp/receiver.h"

#define MAX_DATAGRAMS_PER_SECOND 20000u /* 200 Mbit/s of full packets */

#define KEY_INTERVAL                                                                               \
    (2 * SEC) /* a recorded sender without key frames for so long is asked for one */

/* A sender report of a source that no packet has come from: the network may hold up packets and let
 * reports pass. */
struct early_report {
    struct rtcp_sr sr; /* ssrc 0: none */
    usec_t arrival;
};

/* One accepted medium. */
struct medium {
    struct session *session;
    const struct negotiated_media *negotiated; /* NULL: not accepted */
    struct receiver *receiver;
    struct track *track;
    bool live; /* frames come */
    bool left; /* said BYE */
};

struct session {
    struct session_config config;
    struct session_owner owner;
    struct peer *peer;
    struct peer_clock clock;      /* the participant's, for both media */
    struct medium media[2];       /* by enum media_kind */
    struct early_report early[2]; /* the newest two */
    unsigned next_early;
    struct aac_fanout *aac;
    uint8_t ext_transport_cc;
    struct twcc twcc;
    struct feedback feedback;
    usec_t second; /* in which `datagrams` came */
    unsigned datagrams;
    bool over;
    enum session_end end;
};

const char *session_end_text(enum session_end end)
{
    switch (end) {
    case SESSION_CLOSED: return "closed here";
    case SESSION_CLOSED_PEER: return "the publisher closed it";
    case SESSION_LOST: return "the publisher is gone";
    case SESSION_FAILED: return "it did not come up";
    }
    return "unknown";
}

static void set_live(struct medium *m, bool live)
{
    struct session *s = m->session;
    const struct session_event event = {
        .type = SESSION_MEDIA, .session = s->config.id, .kind = m->negotiated->kind, .live = live
    };
    if (m->live == live)
        return;
    m->live = live;
    log_info(&s->config.log, "%s %s", event.kind == MEDIA_AUDIO ? "audio" : "video",
             live ? "arrives" : "has stopped");
    s->owner.event(s->owner.ctx, &event);
}

/* --- construction --- */

static int new_peer(struct session *s, const struct dtls_identity *identity, usec_t now)
{
    const struct negotiated *n = &s->config.negotiated;
    struct peer_config config = { .role = PEER_SERVER, .identity = identity };
    config.ice.local = s->config.local;
    int err = ice_side_set(&config.ice.remote, bytes_str(n->ufrag), bytes_str(n->pwd));
    if (!err)
        err = dtls_fingerprint_set(&config.fingerprint, bytes_str(n->fingerprint_algorithm),
                                   bytes_of(n->fingerprint, n->fingerprint_size));
    return err ? err : peer_new(&s->peer, &config, now);
}

static void on_key_wanted(void *ctx)
{
    const struct medium *m = ctx;
    receiver_request_key(m->receiver);
}

static void on_watched(void *ctx, bool watched)
{
    const struct medium *m = ctx;
    receiver_set_watched(m->receiver, watched);
}

static void on_stalled(void *ctx)
{
    set_live(ctx, false);
}

static const struct track_ops track_ops = { .request_key = on_key_wanted,
                                            .watched = on_watched,
                                            .stalled = on_stalled };

static int new_medium(struct session *s, const struct negotiated_media *n, usec_t now)
{
    struct medium *m = &s->media[n->kind];
    const struct receiver_config receiver = { .codec = n->codec,
                                              .payload_type = n->payload_type,
                                              .nack = n->nack,
                                              .pli = n->pli,
                                              .fir = n->fir,
                                              .key_interval = KEY_INTERVAL };
    const struct track_config track = { .codec = n->codec,
                                        .clock = &s->clock,
                                        .stall_after = TRACK_STALL,
                                        .ops = &track_ops,
                                        .ctx = m };
    m->session = s;
    m->negotiated = n;
    int err = receiver_new(&m->receiver, &receiver);
    if (!err)
        err = track_new(&m->track, &track, now);
    if (!err)
        err = feedback_add(&s->feedback, m->receiver, now);
    return err;
}

int session_new(struct session **out, const struct session_config *config,
                const struct dtls_identity *identity, const struct session_owner *owner, usec_t now)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->config = *config;
    s->owner = *owner;
    const struct negotiated *n = &s->config.negotiated;

    bool rsize = n->media_count && n->media[0].rtcp_rsize;
    s->ext_transport_cc = n->media_count ? n->media[0].ext_transport_cc : 0;
    twcc_init(&s->twcc);
    feedback_init(&s->feedback, random_u32() | 1, "reeltime", rsize,
                  s->ext_transport_cc ? &s->twcc : NULL);

    peer_clock_init(&s->clock, clock_server(0));
    int err = new_peer(s, identity, now);
    for (size_t i = 0; !err && i < n->media_count; i++)
        err = new_medium(s, &n->media[i], now);
    if (err)
        goto fail;
    *out = s;
    return OK;

fail:
    session_free(s);
    return err;
}

static void send_all(struct session *s)
{
    struct peer_datagram d;
    while (peer_output(s->peer, &d))
        s->owner.send(s->owner.ctx, d.to, d.bytes);
}

static void log_stats(const struct session *s)
{
    struct receiver_stats stats;
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].receiver) {
            receiver_get_stats(s->media[kind].receiver, &stats);
            log_info(&s->config.log,
                     "%s: %llu packets, %llu lost, %llu recovered, %llu frames, %llu damaged",
                     kind == MEDIA_AUDIO ? "audio" : "video", (unsigned long long)stats.packets,
                     (unsigned long long)stats.lost, (unsigned long long)stats.recovered,
                     (unsigned long long)stats.frames, (unsigned long long)stats.damaged);
        }
}

void session_free(struct session *s)
{
    if (!s)
        return;
    log_stats(s);
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++) {
        track_free(s->media[kind].track);
        receiver_free(s->media[kind].receiver);
    }
    aac_fanout_free(s->aac); /* has the track's last frames now */
    if (s->peer) {
        peer_close(s->peer);
        send_all(s);
        peer_free(s->peer);
    }
    free(s);
}

uint64_t session_id(const struct session *s)
{
    return s->config.id;
}

const struct log *session_log(const struct session *s)
{
    return &s->config.log;
}

/* --- packets --- */

static void pull_frames(struct medium *m, usec_t now)
{
    struct frame *f;
    while ((f = receiver_pull(m->receiver))) {
        set_live(m, true);
        track_frame(m->track, f, now);
    }
}

static struct medium *medium_of_type(struct session *s, uint8_t payload_type)
{
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].negotiated && s->media[kind].negotiated->payload_type == payload_type)
            return &s->media[kind];
    return NULL;
}

static struct medium *medium_of_ssrc(struct session *s, uint32_t ssrc)
{
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].receiver && receiver_ssrc(s->media[kind].receiver) == ssrc)
            return &s->media[kind];
    return NULL;
}

static void note_arrival(struct session *s, const uint8_t *packet, size_t len, usec_t now)
{
    struct rtp_packet p;
    struct bytes seq;
    if (rtp_parse(&p, bytes_of(packet, len)) == OK && rtp_ext_find(&p, s->ext_transport_cc, &seq) &&
        seq.len == 2)
        twcc_arrived(&s->twcc, get_u16(seq.ptr), now);
}

static void keep_early_report(struct session *s, const struct rtcp_sr *sr, usec_t now)
{
    s->early[s->next_early] = (struct early_report){ *sr, now };
    s->next_early = (s->next_early + 1) % 2;
}

static void take_report(struct medium *m, const struct rtcp_sr *sr, usec_t arrival)
{
    receiver_report_in(m->receiver, sr, arrival);
    track_report(m->track, sr, arrival);
}

/* The medium has a new source. The older report first. */
static void take_early_report(struct session *s, struct medium *m)
{
    for (unsigned i = 0; i < 2; i++) {
        struct early_report *early = &s->early[(s->next_early + i) % 2];
        if (early->sr.ssrc == receiver_ssrc(m->receiver)) {
            take_report(m, &early->sr, early->arrival);
            early->sr.ssrc = 0;
        }
    }
}

static void on_rtp(struct session *s, const uint8_t *packet, size_t len, usec_t now)
{
    if (s->ext_transport_cc)
        note_arrival(s, packet, len, now);
    struct medium *m = len >= RTP_HEADER_SIZE ? medium_of_type(s, packet[1] & 0x7f) : NULL;
    if (!m)
        return;
    m->left = false;
    uint32_t source = receiver_ssrc(m->receiver);
    receiver_push(m->receiver, packet, len, now);
    if (receiver_ssrc(m->receiver) != source)
        take_early_report(s, m);
    pull_frames(m, now);
}

static void on_sender_report(struct session *s, const struct rtcp_packet *packet, usec_t now)
{
    struct rtcp_sr sr;
    if (rtcp_parse_sr(&sr, packet))
        return;
    struct medium *m = medium_of_ssrc(s, sr.ssrc);
    if (m)
        take_report(m, &sr, now);
    else
        keep_early_report(s, &sr, now);
}

/* A sender that says goodbye for all its streams has ended; one of several may come back. */
static void on_bye(struct session *s, const struct rtcp_packet *packet)
{
    uint32_t ssrc;
    for (unsigned i = 0; rtcp_parse_bye(&ssrc, packet, i) == OK; i++) {
        struct medium *m = medium_of_ssrc(s, ssrc);
        if (m)
            m->left = true;
    }
    bool any = false, all = true;
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].receiver && receiver_ssrc(s->media[kind].receiver)) {
            any = true;
            all = all && s->media[kind].left;
        }
    if (any && all) {
        s->over = true;
        s->end = SESSION_CLOSED_PEER;
    }
}

static void on_rtcp(struct session *s, const uint8_t *datagram, size_t len, usec_t now)
{
    struct reader in = reader_of(bytes_of(datagram, len));
    struct rtcp_packet packet;
    while (rtcp_next(&in, &packet) == OK) {
        if (packet.type == RTCP_SR)
            on_sender_report(s, &packet, now);
        else if (packet.type == RTCP_BYE)
            on_bye(s, &packet);
    }
}

/* A publisher that floods loses the rest of its second. */
static bool within_rate(struct session *s, usec_t now)
{
    if (now - s->second >= SEC) {
        s->second = now;
        s->datagrams = 0;
    }
    if (++s->datagrams == MAX_DATAGRAMS_PER_SECOND)
        log_warn(&s->config.log, "more than %u datagrams in a second: the others are dropped",
                 MAX_DATAGRAMS_PER_SECOND);
    return s->datagrams < MAX_DATAGRAMS_PER_SECOND;
}

void session_feed(struct session *s, const struct udp_datagram *d, usec_t now)
{
    size_t len = d->len;
    if (!within_rate(s, now))
        return;
    switch (peer_feed(s->peer, d->from, d->data, &len, now)) {
    case PEER_RTP: on_rtp(s, d->data, len, now); break;
    case PEER_RTCP: on_rtcp(s, d->data, len, now); break;
    case PEER_NOTHING: break;
    }
}

/* --- time --- */

static enum session_end end_of(enum peer_reason reason)
{
    switch (reason) {
    case PEER_CLOSED_BY_REMOTE: return SESSION_CLOSED_PEER;
    case PEER_CONSENT_LOST: return SESSION_LOST;
    case PEER_CLOSED_BY_US: return SESSION_CLOSED;
    default: return SESSION_FAILED;
    }
}

static void read_peer_events(struct session *s)
{
    struct peer_event event;
    while (peer_event(s->peer, &event)) {
        if (event.state == PEER_CONNECTED) {
            char text[ADDR_TEXT_SIZE];
            log_info(&s->config.log, "connected, media from %s",
                     addr_text(peer_remote(s->peer), text));
            continue;
        }
        log_info(&s->config.log, "connection closed: %s%s%s", peer_reason_text(event.reason),
                 event.detail[0] ? ": " : "", event.detail);
        s->over = true;
        s->end = end_of(event.reason);
    }
}

static void send_feedback(struct session *s, usec_t now)
{
    uint8_t block[FEEDBACK_SIZE + PEER_MAX_TRAILER];
    size_t len;
    struct addr to = peer_remote(s->peer);
    if (peer_state(s->peer) != PEER_CONNECTED || !to.family)
        return;
    while ((len = feedback_write(&s->feedback, block, FEEDBACK_SIZE, now)) > 0)
        if (peer_protect_rtcp(s->peer, block, &len, sizeof block) == OK)
            s->owner.send(s->owner.ctx, to, bytes_of(block, len));
}

bool session_tick(struct session *s, usec_t now, enum session_end *end)
{
    if (peer_deadline(s->peer) <= now)
        peer_tick(s->peer, now);
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++) {
        struct medium *m = &s->media[kind];
        if (!m->receiver)
            continue;
        if (receiver_deadline(m->receiver) <= now) {
            receiver_tick(m->receiver, now);
            pull_frames(m, now);
        }
        if (track_deadline(m->track) <= now)
            track_tick(m->track, now);
    }
    if (s->aac)
        aac_fanout_tick(s->aac, now);
    if (feedback_deadline(&s->feedback) <= now)
        send_feedback(s, now);
    send_all(s);
    read_peer_events(s);
    if (s->over)
        *end = s->end;
    return s->over;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

usec_t session_deadline(const struct session *s)
{
    usec_t at = peer_deadline(s->peer);
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].receiver) {
            at = earlier(at, receiver_deadline(s->media[kind].receiver));
            at = earlier(at, track_deadline(s->media[kind].track));
        }
    if (s->aac)
        at = earlier(at, aac_fanout_deadline(s->aac));
    return peer_state(s->peer) == PEER_CONNECTED ? earlier(at, feedback_deadline(&s->feedback))
                                                 : at;
}

bool session_knows(const struct session *s, struct addr from)
{
    return peer_valid(s->peer, from);
}

struct track *session_track(struct session *s, enum media_kind kind)
{
    return s->media[kind].track;
}

void session_request_key(struct session *s)
{
    if (s->media[MEDIA_VIDEO].receiver)
        receiver_request_key(s->media[MEDIA_VIDEO].receiver);
}

struct aac_fanout *session_aac(struct session *s)
{
    struct medium *m = &s->media[MEDIA_AUDIO];
    if (!s->aac && m->track && aac_fanout_new(&s->aac, m->track, 0, s->owner.loop, s->owner.worker))
        log_error(&s->config.log, "the audio encoder does not start: no audio is recorded");
    return s->aac;
}

void session_get_stats(const struct session *s, struct session_stats *out)
{
    *out = (struct session_stats){ 0 };
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (s->media[kind].receiver)
            receiver_get_stats(s->media[kind].receiver, &out->received[kind]);
    peer_stats(s->peer, &out->peer);
    if (s->aac)
        out->aac = aac_fanout_stats(s->aac);
}
