/* Events of rooms and of what users send in them, groups 1 and 2 (callbacks.md 6): bodies byte for
 * byte in the form of the sample, and the events that the store keeps. Pure. */
#ifndef CALLBACK_ROOM_BODY_H
#define CALLBACK_ROOM_BODY_H

#include "base/buf.h"
#include "base/clock.h"
#include "store/event.h"

#define CALLBACK_GROUP_ROOM  1
#define CALLBACK_GROUP_MEDIA 2

enum room_callback_type {
    CALLBACK_ROOM_CREATED = 101,
    CALLBACK_ROOM_CLOSED = 102,
    CALLBACK_USER_ENTERED = 103,
    CALLBACK_USER_LEFT = 104,
    CALLBACK_ROLE_CHANGED = 105,
    CALLBACK_VIDEO_STARTED = 201,
    CALLBACK_VIDEO_STOPPED = 202,
    CALLBACK_AUDIO_STARTED = 203,
    CALLBACK_AUDIO_STOPPED = 204,
    CALLBACK_AUX_STARTED = 205,
    CALLBACK_AUX_STOPPED = 206,
};

enum { CALLBACK_ROLE_ANCHOR = 20, CALLBACK_ROLE_AUDIENCE = 21 };
enum { CALLBACK_TERMINAL_OTHER = 100 };
enum { CALLBACK_USER_WEBRTC = 1 };
enum { CALLBACK_ENTRY_NORMAL = 1, CALLBACK_ENTRY_NETWORK = 2 };

/* What happened. Members that the type does not carry are not looked at. Borrowed for the call. */
struct room_callback {
    enum room_callback_type type;
    bool room_is_number; /* RoomId is a number then, as the client sees it */
    uint32_t room_number;
    const char *room_text;
    usec_t happened; /* Unix time */
    const char *user_id;
    int role, terminal, user_type;
    int reason; /* 103: of the entry; 104: of the exit; 202, 204, 206: 0 */
};

int room_callback_group(enum room_callback_type type); /* 1 or 2 */

/* Appends the body. `callback_ts` is Unix time. ERR_MALFORMED: a text is not UTF-8. The buffer's
 * own error. */
int room_callback_body(struct buf *out, const struct room_callback *event, usec_t callback_ts);

/* Makes the event that the store keeps, see callback/compose.h. Events of one `order` (a text below
 * EVENT_TASK_ID_SIZE) are sent in their order, as those of one task are. `key` may be NULL or "":
 * no signature. ERR_LIMIT: `order` or body too long. ERR_MALFORMED, ERR_CRYPTO, ERR_NOMEM. */
int room_callback_compose(struct event **out, const struct room_callback *what, const char *order,
                          uint32_t sdk_app_id, const char *key, usec_t now);

#endif
