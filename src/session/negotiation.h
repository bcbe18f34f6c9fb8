/* What an offer and this server agree on: a publisher's offer goes in, what the media path needs
 * comes out, and from both of them and the local transport comes the answer. Pure functions; any
 * thread.
 *
 * The rules: this end is ICE-lite and DTLS server. Everything goes over one transport, so sections
 * outside of the first accepted section's BUNDLE group are rejected (port 0), and rtcp-mux is a
 * must. At most one audio section (Opus) and one video section (H.264 with packetization mode 0 or
 * 1) are accepted, each with the first such payload type in the order of the offer; red, ulpfec,
 * rtx and all else are left out. */
#ifndef SESSION_NEGOTIATION_H
#define SESSION_NEGOTIATION_H

#include "media/frame.h"
#include "sdp/sdp.h"

/* The RTP header extensions that are negotiated. */
#define EXT_MID          "urn:ietf:params:rtp-hdrext:sdes:mid"
#define EXT_RID          "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define EXT_TRANSPORT_CC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

#define NEGOTIATED_MAX_CANDIDATES 32
#define NEGOTIATED_MAX_SSRCS      8
#define NEGOTIATED_MAX_NAME       64 /* bytes of a cname; longer ones are cut */

/* One accepted m= section. Slices of the offer are copied, so that this may outlive it and cross
 * threads. */
struct negotiated_media {
    unsigned section; /* its place in the offer */
    enum media_kind kind;
    enum codec codec;
    char mid[SDP_MAX_MID + 1]; /* "": the offer has none */

    uint8_t payload_type;
    uint32_t clock; /* Hz */
    unsigned channels;
    bool stereo;               /* Opus: the sender says it sends stereo */
    bool has_profile;          /* H.264: profile_level_id was given */
    uint32_t profile_level_id; /* H.264: 24 bits, as "42e01f" */
    unsigned packetization_mode;

    /* Ids of RTP header extensions (RFC 8285); 0: not negotiated. */
    uint8_t ext_mid, ext_rid, ext_transport_cc;

    bool nack, pli, fir, transport_cc; /* what the sender understands */
    bool rtcp_rsize;

    uint32_t
        ssrcs[NEGOTIATED_MAX_SSRCS]; /* announced media streams, without retransmission and FEC */
    size_t ssrc_count;
    char cname[NEGOTIATED_MAX_NAME]; /* "": not announced */

    /* Simulcast: the layers in the order of the offer; none: a single stream. */
    char rids[SDP_MAX_RIDS][SDP_MAX_MID + 1];
    size_t rid_count;
};

struct negotiated_candidate {
    struct addr addr;
    uint32_t priority;
};

struct negotiated {
    char ufrag[SDP_MAX_ICE + 1], pwd[SDP_MAX_ICE + 1]; /* of the remote end */
    char fingerprint_algorithm[8];                     /* "sha-256", "sha-384" or "sha-512" */
    uint8_t fingerprint[SDP_MAX_DIGEST];               /* of its certificate */
    size_t fingerprint_size;
    struct negotiated_candidate
        candidates[NEGOTIATED_MAX_CANDIDATES]; /* may be none: then peer-reflexive ones come */
    size_t candidate_count;

    struct negotiated_media media[2];
    size_t media_count;
};

/* Our side of the transport. */
#define NEGOTIATION_MAX_LOCAL 8

struct negotiation_local {
    char ufrag[33], pwd[65];
    char fingerprint[160];                         /* "sha-256 AB:CD:..." */
    struct addr candidates[NEGOTIATION_MAX_LOCAL]; /* where the media port is reached, the best
                                                      first; at least one */
    size_t candidate_count;
    uint64_t sdp_session_id; /* any number; the top bit is dropped */
};

/* `simulcast`: accept the layers of a section that offers some; otherwise the sender falls back to
 * one stream. ERR_MALFORMED: the offer contradicts itself or lacks what WebRTC demands.
 * ERR_UNSUPPORTED: nothing in common (codec, rtcp-mux, DTLS role, fingerprint). Both with `why`
 * set. */
int negotiate(const struct sdp *offer, bool simulcast, struct sdp_why *why, struct negotiated *out);

/* Appends the answer. ERR_NOMEM; ERR_LIMIT: above 64 KiB. */
int negotiation_answer(const struct sdp *offer, const struct negotiated *n,
                       const struct negotiation_local *local, struct buf *out);

/* The section of that kind, NULL when none was accepted. */
const struct negotiated_media *negotiated_of(const struct negotiated *n, enum media_kind kind);

/* Copies candidates of all sections, as far as they fit; gives how many there are now. For offers
 * and for fragments. */
size_t negotiation_candidates(const struct sdp *sdp, struct negotiated_candidate *out, size_t max);

#endif
