/* What a UserSig or PrivateMapKey holds, and whether it is good, for people to read. Pure. */
#ifndef CTL_TICKET_VIEW_H
#define CTL_TICKET_VIEW_H

#include <jansson.h>

#include "room/mapkey.h"
#include "room/ticket.h"

enum ticket_verdict {
    TICKET_GOOD,
    TICKET_UNCHECKED, /* no key to check it with */
    TICKET_WRONG_SIGNATURE,
    TICKET_WRONG_APP,     /* of another application than was asked for */
    TICKET_WRONG_USER,    /* of another user than was asked for */
    TICKET_BROKEN_BUFFER, /* a PrivateMapKey whose inside is unreadable, or for another user */
    TICKET_NOT_YET,
    TICKET_EXPIRED,
};

struct ticket_view {
    struct ticket ticket;
    bool is_map_key;
    struct map_key map; /* of a PrivateMapKey; zeroes when it is unreadable */
    bool map_readable;
};

/* Whom it should be for; 0 and an empty text: anybody. An empty key: the signature is not looked
 * at. */
struct ticket_wish {
    uint32_t sdk_app_id;
    struct bytes user, key;
};

/* ERR_MALFORMED, ERR_LIMIT: not a ticket. ERR_NOMEM. On success `out` wants ticket_view_fini. */
int ticket_view_read(struct ticket_view *out, struct bytes text);
void ticket_view_fini(struct ticket_view *view);

/* ERR_NOMEM, ERR_CRYPTO: it could not be checked. */
int ticket_view_check(const struct ticket_view *view, const struct ticket_wish *wish,
                      usec_t wall_now, enum ticket_verdict *out);

const char *ticket_verdict_text(enum ticket_verdict verdict);
void ticket_view_text(const struct ticket_view *view, enum ticket_verdict verdict, usec_t wall_now,
                      struct buf *out);
json_t *ticket_view_json(const struct ticket_view *view, enum ticket_verdict verdict);

#endif
