/* User fragments and passwords of the two sides (RFC 8445 5.3). Plain values; any thread. */
#ifndef ICE_CREDENTIALS_H
#define ICE_CREDENTIALS_H

#include "base/bytes.h"

/* RFC 8839 5.4: 4 to 256 and 22 to 256 characters. */
#define ICE_MIN_UFRAG 4
#define ICE_MIN_PWD   22
#define ICE_MAX_TEXT  256

struct ice_side {
    char ufrag[ICE_MAX_TEXT + 1];
    char pwd[ICE_MAX_TEXT + 1];
};

struct ice_credentials {
    struct ice_side local, remote;
};

/* Takes the values of an SDP. Their characters are A-Z a-z 0-9 + / (RFC 8839); others are kept out
 * because the fragments are joined by a colon. ERR_RANGE: a length or character that is not
 * allowed. */
int ice_side_set(struct ice_side *out, struct bytes ufrag, struct bytes pwd);

/* Fresh ones of our own: 8 and 24 characters, 47 and 142 bits. */
void ice_side_random(struct ice_side *out);

/* "FIRST:SECOND" as USERNAME carries it: first the fragment of the side that is asked. */
#define ICE_USERNAME_SIZE (2 * ICE_MAX_TEXT + 2)
struct bytes ice_username(char block[ICE_USERNAME_SIZE], const struct ice_side *asked,
                          const struct ice_side *asking);

#endif
