/* Makes the event that the store keeps and the outbox sends: body, CallbackTs and signature are
 * fixed here, for all attempts. Pure. */
#ifndef CALLBACK_COMPOSE_H
#define CALLBACK_COMPOSE_H

#include "callback/body.h"
#include "store/event.h"

/* `key` may be NULL or "": no signature. `now` is Unix time. The event is the caller's, usually for
 * store_change_add_event. ERR_MALFORMED: a text is not UTF-8. ERR_LIMIT: task id or body too long.
 * ERR_CRYPTO, ERR_NOMEM. */
int callback_compose(struct event **out, const struct callback_event *what, uint32_t sdk_app_id,
                     const char *key, const struct callback_style *style, usec_t now);

#endif
