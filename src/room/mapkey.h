/* PrivateMapKey (rooms.md 2): a UserSig that carries which room a user may enter, and what it may
 * do there. Needed only where the application has switched advanced permission control on. Pure;
 * any thread. */
#ifndef ROOM_MAPKEY_H
#define ROOM_MAPKEY_H

#include "base/buf.h"
#include "base/clock.h"
#include "room/ids.h"

enum map_right {
    MAP_CREATE_ROOM = 1,
    MAP_ENTER_ROOM = 2,
    MAP_SEND_AUDIO = 4,
    MAP_RECEIVE_AUDIO = 8,
    MAP_SEND_VIDEO = 16,
    MAP_RECEIVE_VIDEO = 32,
    MAP_SEND_AUX = 64,
    MAP_RECEIVE_AUX = 128,
};

/* What the buffer inside says. */
struct map_key {
    char user[256];
    uint32_t sdk_app_id;
    enum room_id_type room_type;
    uint32_t room_number;            /* 0 for a string room */
    char room_text[ROOM_ID_MAX + 1]; /* "" for an integer room */
    uint32_t expiry;                 /* Unix seconds */
    uint32_t rights;                 /* enum map_right */
    uint32_t account_type;           /* 0 */
};

/* The buffer alone. ERR_MALFORMED. */
int mapkey_parse(struct bytes buffer, struct map_key *out);
void mapkey_write(const struct map_key *key, struct buf *out);

/* Verifies envelope and buffer for that user and room, and gives the rights; which of them are
 * needed is the caller's matter. Errors as of usersig_verify(); ERR_AUTH also for another user,
 * application or room in the buffer, and for a UserSig; ERR_EXPIRED when the envelope or the buffer
 * has expired. */
int mapkey_verify(struct bytes text, const struct room_key *room, struct bytes user,
                  struct bytes key, usec_t wall_now, uint32_t *rights);

/* Appends a PrivateMapKey issued now that lives for `life` seconds. ERR_LIMIT: the user is longer
 * than 255 bytes. ERR_NOMEM, ERR_MALFORMED. */
int mapkey_mint(const struct room_key *room, struct bytes user, uint32_t rights, struct bytes key,
                usec_t wall_now, uint32_t life, struct buf *out);

#endif
