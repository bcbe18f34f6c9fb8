/* UserSig 2.0 (rooms.md 1): the ticket by which a user, or a robot, proves who it is. Pure; any
 * thread. */
#ifndef ROOM_USERSIG_H
#define ROOM_USERSIG_H

#include "base/buf.h"
#include "base/clock.h"

#define USERSIG_DEFAULT_LIFE                                                                       \
    ((uint64_t)180 * 86400) /* seconds; what the published libraries use                           \
                             */

/* `key` is the application's secret key as its text; `wall_now` Unix time.
 * ERR_MALFORMED or ERR_LIMIT: not a UserSig. ERR_AUTH: not for this application and user, not
 * signed with this key, more than 300 s in the future, or a PrivateMapKey. ERR_EXPIRED: good in
 * every other way. ERR_NOMEM, ERR_CRYPTO. */
int usersig_verify(struct bytes text, uint32_t sdk_app_id, struct bytes user, struct bytes key,
                   usec_t wall_now);

/* Appends a UserSig issued now that lives for `life` seconds. ERR_NOMEM, ERR_LIMIT, ERR_MALFORMED
 * (the user is not UTF-8). */
int usersig_mint(uint32_t sdk_app_id, struct bytes user, struct bytes key, usec_t wall_now,
                 uint64_t life, struct buf *out);

#endif
