/* The attributes (a= lines) that the parser understands. Inside of sdp/ only. */
#ifndef SDP_ATTRIBUTE_H
#define SDP_ATTRIBUTE_H

#include "sdp/sdp.h"

/* Where an attribute goes. */
struct sdp_place {
    struct sdp *sdp;
    struct sdp_media *media;   /* the current section, or &sdp->session */
    bool fingerprint_replaced; /* the section has a fingerprint of its own, the session's no longer
                                  counts */
    const char *problem;       /* set with an error: what is wrong, a literal */
    const char *name;          /* set with an error: the attribute's name, a literal */
};

/* Takes in "name" or "name:value". ERR_MALFORMED or ERR_LIMIT with `problem` and `name` set. */
int sdp_attribute(struct sdp_place *place, struct bytes line);

/* Notes the problem; returns `err`. */
int sdp_refuse(struct sdp_place *place, int err, const char *problem);

/* transport.c: one attribute each, called by sdp_attribute(). */
int sdp_take_ufrag(struct sdp_place *place, struct bytes value);
int sdp_take_pwd(struct sdp_place *place, struct bytes value);
int sdp_take_ice_options(struct sdp_place *place, struct bytes value);
int sdp_take_setup(struct sdp_place *place, struct bytes value);
int sdp_take_fingerprint(struct sdp_place *place, struct bytes value);
int sdp_take_candidate(struct sdp_place *place, struct bytes value);
int sdp_take_end_of_candidates(struct sdp_place *place, struct bytes value);

/* The next word of `*text`, which moves behind it and its spaces; empty at the end. */
struct bytes sdp_word(struct bytes *text);

/* Which of the names the text is. */
bool sdp_named(struct bytes text, const char *const *names, unsigned count, unsigned *out);

/* Letters, digits and the marks of a token (RFC 8866, 9), at least one. */
bool sdp_is_token(struct bytes text);

#endif
