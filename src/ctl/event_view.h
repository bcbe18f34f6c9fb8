/* A callback of the service (callbacks.md 1 to 4), checked and told in one line. Pure. */
#ifndef CTL_EVENT_VIEW_H
#define CTL_EVENT_VIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"

enum event_signature { EVENT_UNCHECKED, EVENT_SIGNED, EVENT_UNSIGNED, EVENT_WRONG };

/* `sign`: the header, NULL when there is none. An empty key: not checked. */
enum event_signature event_signature(struct bytes key, const char *sign, struct bytes body);

/* "05:00:17.250 302 RECORDER_STOP  room-1 q3vJ... LeaveCode=0"; `event` NULL: the body is no JSON.
 */
void event_view_text(const json_t *event, enum event_signature signature, struct buf *out);

#endif
