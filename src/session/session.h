/* One publisher's peer connection with what it sends: transport, one receiver and one track per
 * accepted medium. Lives on a media loop; every function on that loop's thread. Wiring only: the
 * ideas are in peer.h, rtp/receiver.h and track/track.h. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/addr.h"
#include "base/list.h"
#include "io/udp.h"
#include "observe/log.h"
#include "session/negotiation.h"
#include "session/peer.h"
#include "session/stats.h"
#include "track/track.h"

/* Why a session ended. */
enum session_end {
    SESSION_CLOSED,      /* by us: DELETE, replaced, shutdown */
    SESSION_CLOSED_PEER, /* DTLS close, or RTCP BYE of all it sent */
    SESSION_LOST,        /* no consent: the network or the peer is gone */
    SESSION_FAILED,      /* never came up */
};

const char *session_end_text(enum session_end end);

/* What a session tells the control loop. */
struct session_event {
    enum { SESSION_MEDIA, SESSION_ENDED } type;
    uint64_t session;
    enum media_kind kind; /* SESSION_MEDIA */
    bool live;            /* SESSION_MEDIA: media arrives, or has stopped */
    enum session_end end; /* SESSION_ENDED */
};

/* Filled by the control loop, handed over whole. */
struct session_config {
    uint64_t id;
    struct log log;
    struct ice_side local;
    struct negotiated negotiated;
};

struct session;

struct session_owner {
    void *ctx;
    void (*event)(void *ctx, const struct session_event *event);
    void (*send)(void *ctx, struct addr to, struct bytes datagram);
    struct loop *loop, *worker; /* this media loop, and its audio worker */
};

/* `config` is copied. ERR_NOMEM, ERR_CRYPTO, ERR_UNSUPPORTED (fingerprint). */
int session_new(struct session **out, const struct session_config *config,
                const struct dtls_identity *identity, const struct session_owner *owner,
                usec_t now);

/* Ends the tracks (their subscribers hear it), says goodbye to the peer. Sends no event. */
void session_free(struct session *s);

uint64_t session_id(const struct session *s);
const struct log *session_log(const struct session *s);

/* A datagram that was routed here; decrypted in place. */
void session_feed(struct session *s, const struct udp_datagram *d, usec_t now);

/* After a batch, and when the deadline has passed: sends what is due, reports what happened. True:
 * the session has ended
 * (`*end` set) and is to be freed. */
bool session_tick(struct session *s, usec_t now, enum session_end *end);
usec_t session_deadline(const struct session *s);

/* Whether the peer has proven that it receives at this address (ICE). */
bool session_knows(const struct session *s, struct addr from);

/* NULL: the session does not send this medium. */
struct track *session_track(struct session *s, enum media_kind kind);

/* A key frame would help whoever records the video. Asked for at most every 500 ms. */
void session_request_key(struct session *s);

/* The audio track as AAC, made for the first who asks and shared; NULL: no audio, or no memory.
 * Lives as long as the session. */
struct aac_fanout *session_aac(struct session *s);

void session_get_stats(const struct session *s, struct session_stats *out);

#endif
