/* The datagrams an agent wants sent: a small ring. When it is full the oldest goes; ICE repeats its
 * checks. Part of an agent; same thread. */
#ifndef ICE_OUTBOX_H
#define ICE_OUTBOX_H

#include "base/addr.h"
#include "base/bytes.h"

#define ICE_OUTBOX_SLOTS  8
#define ICE_DATAGRAM_SIZE 704 /* the longest check: two user fragments of 256 */

struct ice_datagram {
    struct addr to;
    struct bytes bytes; /* borrowed until the agent is next touched */
};

struct ice_outbox {
    struct {
        struct addr to;
        size_t len;
        uint8_t bytes[ICE_DATAGRAM_SIZE];
    } slot[ICE_OUTBOX_SLOTS];
    size_t first, count;
};

/* Room of ICE_DATAGRAM_SIZE bytes; it counts only after ice_outbox_commit. */
uint8_t *ice_outbox_room(struct ice_outbox *box);
void ice_outbox_commit(struct ice_outbox *box, struct addr to, size_t len); /* len 0: nothing */

bool ice_outbox_next(struct ice_outbox *box, struct ice_datagram *out);

#endif
