/* The offer of a WHIP client (RFC 9725): one section each for sound and picture, sent only, all on
 * one transport; and what the answer says. Pure; any thread. */
#ifndef PUBLISH_OFFER_H
#define PUBLISH_OFFER_H

#include "dtls/identity.h"
#include "ice/credentials.h"
#include "media/frame.h"
#include "sdp/sdp.h"

#define OFFER_OPUS 111 /* payload types */
#define OFFER_H264 96

#define ANSWER_MAX_CANDIDATES 8

struct offer {
    struct ice_side ice;
    const char *fingerprint; /* "AB:CD:..." of our certificate, SHA-256 */
    const char *cname;
    bool send[2];     /* by media_kind */
    uint32_t ssrc[2]; /* likewise */
    char profile[7];  /* profile-level-id of the H.264 */
    uint64_t session_id;
};

/* Appends the text. ERR_NOMEM; the buffer's own error. */
int offer_print(const struct offer *offer, struct buf *out);

struct answer {
    struct ice_side ice;
    struct dtls_fingerprint fingerprint;
    struct {
        struct addr addr;
        uint32_t priority;
    } candidates[ANSWER_MAX_CANDIDATES];
    size_t candidate_count; /* one at least */
};

/* ERR_MALFORMED, ERR_LIMIT, ERR_UNSUPPORTED (the server refuses a section, wants to be DTLS client,
 * or has no candidate): with `why` set. ERR_NOMEM. */
int answer_read(struct bytes text, const struct offer *offer, struct sdp_why *why,
                struct answer *out);

#endif
