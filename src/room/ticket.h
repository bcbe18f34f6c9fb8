/* The signed envelope that UserSig and PrivateMapKey share (rooms.md 1): JSON, zlib, base64 with
 * its own alphabet. For room/, and for ctl/, which shows what a ticket holds; whoever only verifies
 * or makes one uses usersig.h and mapkey.h. */
#ifndef ROOM_TICKET_H
#define ROOM_TICKET_H

#include "base/buf.h"
#include "base/clock.h"

#define TICKET_MAX_TEXT   (16u << 10) /* characters of a ticket */
#define TICKET_MAX_JSON   (16u << 10) /* bytes it may inflate to */
#define TICKET_MAX_FUTURE 300         /* seconds by which a ticket may be ahead of our clock */

struct ticket {
    uint64_t sdk_app_id;
    uint64_t time, expire; /* Unix seconds of issue, seconds of life */
    struct buf identifier;
    struct buf userbuf; /* base64 text; empty: none */
    struct buf sig;     /* base64 text */
};

void ticket_init(struct ticket *t);
void ticket_fini(struct ticket *t);

/* Fills a ticket that was just initialised; nothing is verified yet. ERR_MALFORMED, ERR_LIMIT,
 * ERR_NOMEM. */
int ticket_open(struct ticket *t, struct bytes text);

/* Application, identifier, signature, life, in this order. ERR_AUTH; ERR_EXPIRED only for a ticket
 * that is good otherwise. */
int ticket_check(const struct ticket *t, uint32_t sdk_app_id, struct bytes user, struct bytes key,
                 usec_t wall_now);

/* Signs and appends the ticket; `sig` is ignored. ERR_NOMEM, ERR_LIMIT, ERR_MALFORMED (an
 * identifier that is not UTF-8). */
int ticket_seal(const struct ticket *t, struct bytes key, struct buf *out);

#endif
