/* Tells customers' servers what happens in their rooms: events 101 to 104 and 201 to 206
 * (callbacks.md 6), for applications that have an address for the group. They go the way of all
 * callbacks: made once, stored, then sent by callback/delivery. Control loop.
 *
 *   101 103        the first user enters a room (101 before 103)
 *   103 Reason 2   a user's stream comes in by a new connection, which replaces the old one
 *   201 203 205    video or sound of the main stream, or video of the aux stream, begins to arrive
 *   202 204 206    it ceases, or its stream ends, while the user stays in the room
 *   104 (102)      a user leaves (Reason 1 by itself, 2 not heard of any more, 3 the daemon stops);
 *                  the last one closes the room. What the user sent ends with this, without events
 *
 * Every user here is an anchor (20) that came by WebRTC (1) from a terminal we do not know (100);
 * nobody can change roles, so 105 does not occur. Robots are not told of. After a crash rooms begin
 * anew: those who come again are told of by 101 and 103.
 *
 * While more than ROOM_CALLBACKS_MAX_WAITING callbacks wait for their receivers, these are dropped
 * (logged once each time): users can make any number of them, recordings only some. */
#ifndef SERVE_ROOM_CALLBACKS_H
#define SERVE_ROOM_CALLBACKS_H

#include "callback/delivery.h"
#include "config/config.h"
#include "room/room.h"
#include "store/store.h"

#define ROOM_CALLBACKS_MAX_WAITING 20000

struct room_callbacks;

/* All borrowed. NULL: out of memory. */
struct room_callbacks *room_callbacks_new(const struct config *config, struct rooms *rooms,
                                          struct store *store, struct delivery *delivery);

/* No more events from now on; what was told is stored. Before delivery_close. NULL is fine. */
void room_callbacks_end(struct room_callbacks *r);

/* After store_close, when the loop has turned once. NULL is fine. */
void room_callbacks_free(struct room_callbacks *r);

#endif
