/* SDP (RFC 8866) as far as WebRTC uses it (JSEP, RFC 9429): a text becomes a plain struct, and a
 * struct becomes text. Every slice borrows from the text that was parsed, or from whatever the
 * caller put there before printing.
 *
 * Attributes of the session level that also exist on the media level (ICE, fingerprint, setup,
 * direction, extmap) are handed down: a media section has its own value, or else the session's.
 * Unknown lines and attributes are skipped. Pure; use from one thread at a time. */
#ifndef SDP_SDP_H
#define SDP_SDP_H

#include "base/addr.h"
#include "base/buf.h"

#define SDP_MAX_SIZE         (64u << 10) /* bytes of text */
#define SDP_MAX_LINES        2048
#define SDP_MAX_MEDIA        16
#define SDP_MAX_GROUPS       4
#define SDP_MAX_CODECS       128 /* a section; there are no more payload types */
#define SDP_MAX_EXTMAPS      32
#define SDP_MAX_SSRCS        32
#define SDP_MAX_RIDS         8
#define SDP_MAX_CANDIDATES   64 /* a section */
#define SDP_MAX_FINGERPRINTS 4
#define SDP_MAX_MID          32 /* characters */
#define SDP_MAX_ICE          256 /* characters of an ICE user name fragment or password (RFC 8839, 5.4) */
#define SDP_MAX_DIGEST       64 /* bytes of a fingerprint */

/* RFC 8866, 6.7. The zero value is what counts when nothing is said. */
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

enum sdp_setup {
    SDP_SETUP_NONE,
    SDP_SETUP_ACTPASS,
    SDP_SETUP_ACTIVE,
    SDP_SETUP_PASSIVE
}; /* RFC 4145 */

/* a=rtcp-fb (RFC 4585, RFC 5104), a set of bits. */
enum sdp_feedback {
    SDP_FB_NACK = 1,
    SDP_FB_NACK_PLI = 2,
    SDP_FB_CCM_FIR = 4,
    SDP_FB_TRANSPORT_CC = 8,
};

/* a=rtpmap, a=fmtp and a=rtcp-fb of one payload type. */
struct sdp_codec {
    uint8_t payload_type;
    uint8_t channels;  /* 1 when the rtpmap is silent */
    uint32_t clock;    /* Hz; 0: no rtpmap */
    struct bytes name; /* "H264"; empty: no rtpmap */
    struct bytes fmtp; /* the parameters as sent; sdp_fmtp() finds one */
    unsigned feedback; /* enum sdp_feedback */
};

/* a=extmap (RFC 8285). */
struct sdp_extmap {
    uint16_t id; /* 1 to 255 */
    bool has_direction;
    enum sdp_direction direction;
    struct bytes uri;
};

/* a=ssrc (RFC 5576). */
struct sdp_ssrc {
    uint32_t ssrc;
    bool repair; /* retransmission or FEC for another one, by a=ssrc-group */
    struct bytes cname;
};

/* a=rid (RFC 8851). */
struct sdp_rid {
    struct bytes id;
    bool send;
};

enum sdp_candidate_type { SDP_HOST, SDP_SRFLX, SDP_PRFLX, SDP_RELAY };

/* a=candidate (RFC 8839, 5.1): UDP, component 1 and a numeric address. Others are skipped when
 * parsing. */
struct sdp_candidate {
    struct bytes foundation;
    uint32_t priority;
    struct addr addr;
    enum sdp_candidate_type type;
};

/* a=fingerprint (RFC 8122). */
struct sdp_fingerprint {
    struct bytes algorithm; /* "sha-256" */
    struct bytes value;     /* "AB:CD:..." */
};

/* One m= section, or the session level (which then has no kind). */
struct sdp_media {
    struct bytes kind; /* "audio", "video", "application" */
    uint16_t port;
    struct bytes protocol; /* "UDP/TLS/RTP/SAVPF" */
    struct bytes formats;  /* the rest of the m= line as sent */
    struct bytes address;  /* of the c= line: "IP4 0.0.0.0" without "IN "; empty: none */
    struct bytes mid;
    enum sdp_direction direction;

    struct bytes ufrag, pwd;
    struct bytes ice_options; /* "trickle" */
    enum sdp_setup setup;
    struct sdp_fingerprint fingerprints[SDP_MAX_FINGERPRINTS];
    size_t fingerprint_count;
    struct sdp_candidate candidates[SDP_MAX_CANDIDATES];
    size_t candidate_count;
    bool end_of_candidates;

    bool rtcp_mux, rtcp_rsize, bundle_only;
    int group; /* index into sdp.groups of the BUNDLE group it is in; -1: none */

    struct sdp_codec codecs[SDP_MAX_CODECS]; /* in the order of the m= line */
    size_t codec_count;
    struct sdp_extmap extmaps[SDP_MAX_EXTMAPS];
    size_t extmap_count;
    struct sdp_ssrc ssrcs[SDP_MAX_SSRCS];
    size_t ssrc_count;
    struct sdp_rid rids[SDP_MAX_RIDS];
    size_t rid_count;
    struct bytes simulcast_send, simulcast_recv; /* the lists of a=simulcast (RFC 8853): "h;m;l" */
    struct bytes msid;                           /* "stream track" */
};

struct sdp {
    uint64_t session_id, session_version;
    bool ice_lite;
    struct bytes groups[SDP_MAX_GROUPS]; /* BUNDLE groups: the mids, separated by spaces */
    size_t group_count;
    struct sdp_media
        session; /* the session level: what is handed down, and candidates of a bare fragment */
    struct sdp_media media[SDP_MAX_MEDIA];
    size_t media_count;
};

/* Why a text was refused: "line 12: a=candidate: no such port". Our own words only, fit for an
 * answer to the sender. */
struct sdp_why {
    char text[120];
};

/* An empty description, to be filled and printed. About 190 KiB. NULL: out of memory. */
struct sdp *sdp_new(void);
void sdp_free(struct sdp *sdp); /* NULL is fine */

/* A whole description. `*out` is the caller's to sdp_free() and borrows from `text`. Lines end with
 * CRLF or LF. ERR_MALFORMED, ERR_LIMIT: with `why` set. ERR_NOMEM. */
int sdp_parse(struct bytes text, struct sdp_why *why, struct sdp **out);

/* A fragment for trickle ICE (application/trickle-ice-sdpfrag, RFC 8840, 9): ICE attributes, m=
 * lines and what belongs to them, without v=, o=, s= and t=. Otherwise as sdp_parse(). */
int sdp_parse_fragment(struct bytes text, struct sdp_why *why, struct sdp **out);

/* Appends the description with CRLF line ends. Parsing it gives an equal one, but for SSRCs without
 * a cname, `repair` and the session level, of which only groups and ice_lite are printed. The
 * buffer carries the error. */
void sdp_print(const struct sdp *sdp, struct buf *out);

/* One parameter of an fmtp text, names in any case: "a=1; b" has "a" with value "1" and "b" with an
 * empty value. */
bool sdp_fmtp(struct bytes fmtp, const char *name, struct bytes *value);

/* The digest of "AB:CD:..." for sha-256, sha-384 or sha-512, whose length must fit; 0: neither. */
size_t sdp_fingerprint_digest(const struct sdp_fingerprint *f, uint8_t digest[SDP_MAX_DIGEST]);

/* The codec of that payload type in the section, NULL when it is not offered. */
const struct sdp_codec *sdp_codec_of(const struct sdp_media *media, uint8_t payload_type);

#endif
