#include "callback/compose.h"

#include <assert.h>

#include "base/err.h"
#include "base/str.h"
#include "callback/sign.h"

static_assert(CALLBACK_SIGN_SIZE <= EVENT_SIGN_SIZE, "a signature fits into an event");

static int fill(struct event *event, const struct callback_event *what, const char *key,
                const struct callback_style *style, usec_t now)
{
    if (!str_copy(event->task_id, sizeof event->task_id, bytes_str(what->task_id)))
        return ERR_LIMIT;
    int err = callback_body(&event->body, what, now, style);
    if (!err && key && *key)
        err = callback_sign(event->sign, bytes_str(key), buf_bytes(&event->body));
    return err;
}

int callback_compose(struct event **out, const struct callback_event *what, uint32_t sdk_app_id,
                     const char *key, const struct callback_style *style, usec_t now)
{
    struct event *event = event_new();
    if (!event)
        return ERR_NOMEM;
    event->sdk_app_id = sdk_app_id;
    event->group = CALLBACK_GROUP_RECORDING;
    event->type = (int)what->type;
    event->callback_ts = now / MSEC;
    int err = fill(event, what, key, style, now);
    if (err)
        event_free(event);
    else
        *out = event;
    return err;
}
