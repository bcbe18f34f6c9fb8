#include "session/peer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "session/agent.h"
#include "srtp/srtp.h"

static_assert((int)SRTP_AES128_CM_SHA1_80 == (int)DTLS_SRTP_AES128_CM_SHA1_80, "IANA's number");
static_assert((int)SRTP_AEAD_AES_128_GCM == (int)DTLS_SRTP_AEAD_AES_128_GCM, "IANA's number");
static_assert(PEER_MAX_TRAILER == SRTP_MAX_TRAILER, "as the header says");

struct peer {
    struct agent agent;
    struct dtls *dtls;
    struct srtp *in, *out; /* from connected on */
    struct peer_stats stats;

    enum peer_state state;
    enum peer_reason reason;
    bool tell_connected, tell_closed;
    bool dtls_started; /* a client begins when ICE knows where to send */
    usec_t setup_end;
    usec_t dtls_at; /* when DTLS repeats its flight */
};

const char *peer_reason_text(enum peer_reason reason)
{
    switch (reason) {
    case PEER_NOT_CLOSED: return "not closed";
    case PEER_CLOSED_BY_US: return "closed by us";
    case PEER_CLOSED_BY_REMOTE: return "closed by the remote";
    case PEER_CONSENT_LOST: return "consent lost";
    case PEER_DTLS_FAILED: return "DTLS failed";
    case PEER_SETUP_TIMED_OUT: return "set-up timed out";
    }
    return "unknown";
}

int peer_new(struct peer **out, const struct peer_config *config, usec_t now)
{
    bool server = config->role == PEER_SERVER;
    struct dtls_config dtls = {
        .identity = config->identity,
        .role = server ? DTLS_SERVER : DTLS_CLIENT,
        .peer = config->fingerprint,
        .profile = config->profile,
    };
    struct peer *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    int err = dtls_new(&p->dtls, &dtls);
    if (err) {
        peer_free(p);
        return err;
    }
    agent_init(&p->agent, server, &config->ice, config->consent_timeout);
    p->setup_end = now + (config->setup_timeout ? config->setup_timeout : PEER_SETUP_TIMEOUT);
    p->dtls_at = USEC_NEVER;
    *out = p;
    return OK;
}

void peer_free(struct peer *p)
{
    if (!p)
        return;
    dtls_free(p->dtls);
    srtp_free(p->in);
    srtp_free(p->out);
    free(p);
}

int peer_add_candidate(struct peer *p, struct addr remote, uint32_t priority, usec_t now)
{
    return p->agent.lite ? ERR_BAD_STATE
                         : ice_client_add(&p->agent.as.client, remote, priority, now);
}

int peer_restart_ice(struct peer *p, const struct ice_credentials *ice)
{
    if (!p->agent.lite)
        return ERR_BAD_STATE;
    ice_lite_restart(&p->agent.as.server, ice);
    return OK;
}

static void close_because(struct peer *p, enum peer_reason reason)
{
    if (p->state == PEER_CLOSED)
        return;
    p->state = PEER_CLOSED;
    p->reason = reason;
    p->tell_closed = reason != PEER_CLOSED_BY_US;
    dtls_close(p->dtls);
}

static int make_srtp(struct peer *p)
{
    struct dtls_srtp_keys keys;
    int err = dtls_srtp_keys(p->dtls, &keys);
    if (err)
        return err;
    struct srtp_key in = { .profile = (enum srtp_profile)keys.profile }, out = in;
    memcpy(in.key, keys.remote.key, sizeof in.key);
    memcpy(in.salt, keys.remote.salt, sizeof in.salt);
    memcpy(out.key, keys.local.key, sizeof out.key);
    memcpy(out.salt, keys.local.salt, sizeof out.salt);
    err = srtp_new(&p->in, &in, SRTP_RECEIVE);
    return err ? err : srtp_new(&p->out, &out, SRTP_SEND);
}

static void become_connected(struct peer *p)
{
    if (make_srtp(p)) {
        close_because(p, PEER_DTLS_FAILED);
        return;
    }
    p->state = PEER_CONNECTED;
    p->tell_connected = true;
}

/* What DTLS has become by the last thing done to it. */
static void follow_dtls(struct peer *p, usec_t now)
{
    usec_t left = dtls_timeout(p->dtls);
    p->dtls_at = left == USEC_NEVER ? USEC_NEVER : now + (left > MSEC ? left : MSEC);
    switch (dtls_state(p->dtls)) {
    case DTLS_HANDSHAKE: break;
    case DTLS_CONNECTED:
        if (p->state == PEER_CONNECTING)
            become_connected(p);
        break;
    case DTLS_CLOSED: close_because(p, PEER_CLOSED_BY_REMOTE); break;
    case DTLS_FAILED: close_because(p, PEER_DTLS_FAILED); break;
    }
}

static void start_dtls(struct peer *p, usec_t now)
{
    if (p->dtls_started || !agent_remote(&p->agent).family)
        return;
    p->dtls_started = true;
    dtls_start(p->dtls);
    follow_dtls(p, now);
}

static void feed_stun(struct peer *p, struct addr from, struct bytes datagram, usec_t now)
{
    struct stun_message m;
    if (stun_parse(&m, datagram)) {
        p->stats.malformed++;
        return;
    }
    agent_feed(&p->agent, from, &m, now);
    start_dtls(p, now);
}

static void feed_dtls(struct peer *p, struct bytes datagram, usec_t now)
{
    dtls_feed(p->dtls, datagram);
    follow_dtls(p, now);
}

/* RFC 5761 4: RTCP types 192 to 223 stand where RTP has its marker and payload type. */
static bool is_rtcp(const uint8_t *datagram, size_t len)
{
    return len > 1 && datagram[1] >= 192 && datagram[1] <= 223;
}

static void count_refused(struct peer_stats *stats, int err)
{
    switch (err) {
    case ERR_AUTH: stats->not_authentic++; break;
    case ERR_REPLAY: stats->replayed++; break;
    case ERR_LIMIT: stats->over_limit++; break;
    default: stats->malformed++;
    }
}

static enum peer_input feed_srtp(struct peer *p, uint8_t *datagram, size_t *len)
{
    if (!p->in) {
        p->stats.early++;
        return PEER_NOTHING;
    }
    bool rtcp = is_rtcp(datagram, *len);
    int err = rtcp ? srtp_open_rtcp(p->in, datagram, len) : srtp_open_rtp(p->in, datagram, len);
    if (err) {
        count_refused(&p->stats, err);
        return PEER_NOTHING;
    }
    if (rtcp)
        p->stats.rtcp++;
    else
        p->stats.rtp++;
    return rtcp ? PEER_RTCP : PEER_RTP;
}

enum peer_input peer_feed(struct peer *p, struct addr from, uint8_t *datagram, size_t *len,
                          usec_t now)
{
    if (p->state == PEER_CLOSED || !*len)
        return PEER_NOTHING;
    uint8_t first = datagram[0];
    if (first < 4) {
        feed_stun(p, from, bytes_of(datagram, *len), now);
        return PEER_NOTHING;
    }
    if (!agent_valid(&p->agent, from)) {
        p->stats.unknown_address++;
        return PEER_NOTHING;
    }
    if (first >= 128 && first < 192)
        return feed_srtp(p, datagram, len);
    if (first >= 20 && first < 64)
        feed_dtls(p, bytes_of(datagram, *len), now);
    else
        p->stats.malformed++;
    return PEER_NOTHING;
}

/* After consent is lost nothing may be sent any more (RFC 7675 5.1). */
bool peer_output(struct peer *p, struct peer_datagram *out)
{
    if (p->reason == PEER_CONSENT_LOST)
        return false;
    struct ice_datagram ice;
    if (agent_output(&p->agent, &ice)) {
        *out = (struct peer_datagram){ ice.to, ice.bytes };
        return true;
    }
    struct bytes flight;
    struct addr to = agent_remote(&p->agent);
    if (!to.family || !dtls_output(p->dtls, &flight))
        return false;
    *out = (struct peer_datagram){ to, flight };
    return true;
}

bool peer_event(struct peer *p, struct peer_event *out)
{
    if (p->tell_connected) {
        p->tell_connected = false;
        *out = (struct peer_event){ .state = PEER_CONNECTED, .detail = "" };
        return true;
    }
    if (p->tell_closed) {
        p->tell_closed = false;
        *out = (struct peer_event){ PEER_CLOSED, p->reason, dtls_error(p->dtls) };
        return true;
    }
    return false;
}

static usec_t sooner(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

usec_t peer_deadline(const struct peer *p)
{
    if (p->state == PEER_CLOSED)
        return USEC_NEVER;
    usec_t at = sooner(agent_deadline(&p->agent), p->dtls_at);
    return p->state == PEER_CONNECTING ? sooner(at, p->setup_end) : at;
}

void peer_tick(struct peer *p, usec_t now)
{
    if (p->state == PEER_CLOSED)
        return;
    agent_tick(&p->agent, now);
    if (agent_lost(&p->agent)) {
        close_because(p, PEER_CONSENT_LOST);
        return;
    }
    if (p->state == PEER_CONNECTING && now >= p->setup_end) {
        close_because(p, PEER_SETUP_TIMED_OUT);
        return;
    }
    if (now >= p->dtls_at) {
        dtls_handle_timeout(p->dtls);
        follow_dtls(p, now);
    }
}

int peer_protect_rtp(struct peer *p, uint8_t *packet, size_t *len, size_t size)
{
    return p->state == PEER_CONNECTED ? srtp_seal_rtp(p->out, packet, len, size) : ERR_BAD_STATE;
}

int peer_protect_rtcp(struct peer *p, uint8_t *packet, size_t *len, size_t size)
{
    return p->state == PEER_CONNECTED ? srtp_seal_rtcp(p->out, packet, len, size) : ERR_BAD_STATE;
}

struct addr peer_remote(const struct peer *p)
{
    return agent_remote(&p->agent);
}

bool peer_valid(const struct peer *p, struct addr from)
{
    return agent_valid(&p->agent, from);
}

enum peer_state peer_state(const struct peer *p)
{
    return p->state;
}

void peer_stats(const struct peer *p, struct peer_stats *out)
{
    *out = p->stats;
    out->refused_checks = p->agent.lite ? p->agent.as.server.refused : 0;
}

void peer_close(struct peer *p)
{
    close_because(p, PEER_CLOSED_BY_US);
}
