#include "ice/outbox.h"

uint8_t *ice_outbox_room(struct ice_outbox *box)
{
    if (box->count == ICE_OUTBOX_SLOTS) {
        box->first = (box->first + 1) % ICE_OUTBOX_SLOTS;
        box->count--;
    }
    return box->slot[(box->first + box->count) % ICE_OUTBOX_SLOTS].bytes;
}

void ice_outbox_commit(struct ice_outbox *box, struct addr to, size_t len)
{
    size_t at = (box->first + box->count) % ICE_OUTBOX_SLOTS;
    if (!len)
        return;
    box->slot[at].to = to;
    box->slot[at].len = len;
    box->count++;
}

bool ice_outbox_next(struct ice_outbox *box, struct ice_datagram *out)
{
    if (!box->count)
        return false;
    size_t at = box->first;
    *out =
        (struct ice_datagram){ box->slot[at].to, bytes_of(box->slot[at].bytes, box->slot[at].len) };
    box->first = (at + 1) % ICE_OUTBOX_SLOTS;
    box->count--;
    return true;
}
