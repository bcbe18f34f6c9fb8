/* One peer connection: ICE, DTLS and SRTP composed. Datagrams and time go in; plain RTP and RTCP
 * come back at the same place, datagrams to send, events and the next deadline come out.
 *
 *     datagram --first byte (RFC 7983)--+-- 0..3     STUN -> ice/
 *                                       +-- 20..63   DTLS -> dtls/ --keys--> srtp/
 *                                       +-- 128..191 RTP, RTCP (RFC 5761) -> srtp/ -> caller
 *
 *     connecting --DTLS done--> connected --close_notify, consent lost, peer_close--> closed
 *         |--30 s, DTLS failed, consent lost, peer_close----------------------------------^
 *
 * DTLS, RTP and RTCP count only from an address that ICE found valid. Nothing of a datagram is
 * kept: who owns the port feeds what recvmmsg gave and uses what comes back. After each round of
 * feeding or a tick: call peer_output and peer_event until false, and ask for the deadline.
 *
 * Which peer a datagram belongs to is for the port's owner to know: STUN requests name our ufrag
 * (stun_peek_username, stun_split_username); when peer_valid says yes afterwards, its address
 * belongs to the peer until another peer's check takes it over. Everything else goes by address.
 *
 * Pure, but OpenSSL's DTLS timers read the real clock. A peer belongs to one thread at a time. */
#ifndef SESSION_PEER_H
#define SESSION_PEER_H

#include "base/addr.h"
#include "base/clock.h"
#include "dtls/dtls.h"
#include "ice/credentials.h"

#define PEER_SETUP_TIMEOUT (30 * SEC)

/* The most that sealing adds to a packet. */
#define PEER_MAX_TRAILER 20

enum peer_role {
    PEER_SERVER, /* ICE-lite, DTLS passive */
    PEER_CLIENT, /* full ICE and controlling, DTLS active */
};

struct peer_config {
    enum peer_role role;
    struct ice_credentials ice;
    const struct dtls_identity *identity; /* outlives the peer */
    struct dtls_fingerprint fingerprint;  /* of the remote certificate, from its SDP */
    enum dtls_srtp_profile profile;       /* this one only; DTLS_SRTP_NONE: both, GCM preferred */
    usec_t consent_timeout;               /* 0: 30 s */
    usec_t setup_timeout;                 /* 0: PEER_SETUP_TIMEOUT */
};

enum peer_state { PEER_CONNECTING, PEER_CONNECTED, PEER_CLOSED };

enum peer_reason {
    PEER_NOT_CLOSED,
    PEER_CLOSED_BY_US,
    PEER_CLOSED_BY_REMOTE, /* close_notify */
    PEER_CONSENT_LOST,     /* the remote fell silent (RFC 7675) */
    PEER_DTLS_FAILED,      /* refused, broken, wrong fingerprint, no common profile */
    PEER_SETUP_TIMED_OUT,
};

/* "consent lost", ...: for logs. Never NULL. */
const char *peer_reason_text(enum peer_reason reason);

struct peer_event {
    enum peer_state state;   /* PEER_CONNECTED or PEER_CLOSED, once each; none for peer_close */
    enum peer_reason reason; /* of PEER_CLOSED */
    const char *detail;      /* what DTLS said, "" otherwise; lives as long as the peer */
};

enum peer_input { PEER_NOTHING, PEER_RTP, PEER_RTCP };

struct peer_datagram {
    struct addr to;
    struct bytes bytes; /* borrowed until the next call of any function here */
};

struct peer_stats {
    uint64_t rtp, rtcp;       /* packets that came out plain */
    uint64_t unknown_address; /* from where no check was valid */
    uint64_t early;           /* RTP and RTCP before the keys were there */
    uint64_t not_authentic;   /* tag does not verify */
    uint64_t replayed;        /* seen before, or too old */
    uint64_t malformed;       /* none of the three protocols, or broken */
    uint64_t over_limit;      /* a new SSRC beyond SRTP_MAX_STREAMS */
    uint64_t refused_checks;  /* lite agent: not authentic, not understood, in conflict */
};

struct peer;

/* `config` is copied. ERR_NOMEM, ERR_CRYPTO. */
int peer_new(struct peer **out, const struct peer_config *config, usec_t now);
void peer_free(struct peer *p); /* NULL is fine */

/* A client's remote candidate. ERR_LIMIT: ICE_MAX_PAIRS are there. ERR_BAD_STATE: we are a server.
 */
int peer_add_candidate(struct peer *p, struct addr remote, uint32_t priority, usec_t now);

/* A server's new credentials after an ICE restart; media goes on. ERR_BAD_STATE: we are a client.
 */
int peer_restart_ice(struct peer *p, const struct ice_credentials *ice);

/* Takes in one datagram. PEER_RTP and PEER_RTCP: `datagram` now holds `*len` plain bytes.
 * PEER_NOTHING: it was for us, or dropped and counted; its bytes are undefined. */
enum peer_input peer_feed(struct peer *p, struct addr from, uint8_t *datagram, size_t *len,
                          usec_t now);

bool peer_output(struct peer *p, struct peer_datagram *out); /* call until false */
bool peer_event(struct peer *p, struct peer_event *out);     /* call until false */

usec_t peer_deadline(const struct peer *p); /* USEC_NEVER when closed */
void peer_tick(struct peer *p, usec_t now); /* early is harmless */

/* Seals a packet in place; `size` is the block's, PEER_MAX_TRAILER beyond `*len` suffices. Send it
 * to peer_remote. ERR_BAD_STATE: not connected; else as srtp_seal_rtp. */
int peer_protect_rtp(struct peer *p, uint8_t *packet, size_t *len, size_t size);
int peer_protect_rtcp(struct peer *p, uint8_t *packet, size_t *len, size_t size);

/* Where to send; family 0: nowhere yet. */
struct addr peer_remote(const struct peer *p);

/* Whether ICE found that address valid. */
bool peer_valid(const struct peer *p, struct addr from);

enum peer_state peer_state(const struct peer *p);
void peer_stats(const struct peer *p, struct peer_stats *out);

/* Ends the connection; the remote learns by close_notify, which waits in peer_output. No event
 * follows. */
void peer_close(struct peer *p);

#endif
