#include "callback/room_body.h"

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "callback/sign.h"

int room_callback_group(enum room_callback_type type)
{
    return (int)type / 100;
}

static bool carries_user(enum room_callback_type type)
{
    return type != CALLBACK_ROOM_CLOSED;
}

static bool carries_role(enum room_callback_type type)
{
    return type == CALLBACK_USER_ENTERED || type == CALLBACK_USER_LEFT ||
           type == CALLBACK_ROLE_CHANGED;
}

static bool carries_reason(enum room_callback_type type)
{
    return type == CALLBACK_USER_ENTERED || type == CALLBACK_USER_LEFT ||
           type == CALLBACK_VIDEO_STOPPED || type == CALLBACK_AUDIO_STOPPED ||
           type == CALLBACK_AUX_STOPPED;
}

static bool put_number(json_t *info, const char *name, json_int_t value)
{
    return json_object_set_new(info, name, json_integer(value)) == 0;
}

static bool put_text(json_t *info, const char *name, const char *value)
{
    return json_object_set_new(info, name, json_string(value)) == 0;
}

/* In the order of the samples. NULL: no memory, or a text is not UTF-8. */
static json_t *info_of(const struct room_callback *e)
{
    json_t *info = json_object();
    bool good = e->room_is_number ? put_number(info, "RoomId", e->room_number)
                                  : put_text(info, "RoomId", e->room_text);
    good = good && put_number(info, "EventTs", e->happened / SEC);
    good = good && put_number(info, "EventMsTs", e->happened / MSEC);
    if (carries_user(e->type))
        good = good && put_text(info, "UserId", e->user_id);
    if (carries_role(e->type))
        good = good && put_number(info, "Role", e->role);
    if (e->type == CALLBACK_USER_ENTERED)
        good = good && put_number(info, "TerminalType", e->terminal) &&
               put_number(info, "UserType", e->user_type);
    if (carries_reason(e->type))
        good = good && put_number(info, "Reason", e->reason);
    if (good)
        return info;
    json_decref(info);
    return NULL;
}

static int put(const char *text, size_t len, void *out)
{
    buf_put(out, text, len);
    return ((struct buf *)out)->err ? -1 : 0;
}

int room_callback_body(struct buf *out, const struct room_callback *event, usec_t callback_ts)
{
    json_t *info = info_of(event);
    if (!info)
        return ERR_MALFORMED;
    json_t *body = json_pack("{s:i,s:i,s:I,s:o}", "EventGroupId", room_callback_group(event->type),
                             "EventType", (int)event->type, "CallbackTs",
                             (json_int_t)(callback_ts / MSEC), "EventInfo", info);
    if (!body)
        return ERR_NOMEM;
    int failed = json_dump_callback(body, put, out, JSON_COMPACT);
    json_decref(body);
    if (!failed)
        return OK;
    return out->err ? out->err : ERR_NOMEM;
}

static int fill(struct event *event, const struct room_callback *what, const char *order,
                const char *key, usec_t now)
{
    if (!str_copy(event->task_id, sizeof event->task_id, bytes_str(order)))
        return ERR_LIMIT;
    int err = room_callback_body(&event->body, what, now);
    if (!err && key && *key)
        err = callback_sign(event->sign, bytes_str(key), buf_bytes(&event->body));
    return err;
}

int room_callback_compose(struct event **out, const struct room_callback *what, const char *order,
                          uint32_t sdk_app_id, const char *key, usec_t now)
{
    struct event *event = event_new();
    if (!event)
        return ERR_NOMEM;
    event->sdk_app_id = sdk_app_id;
    event->group = room_callback_group(what->type);
    event->type = (int)what->type;
    event->callback_ts = now / MSEC;
    int err = fill(event, what, order, key, now);
    if (err)
        event_free(event);
    else
        *out = event;
    return err;
}
