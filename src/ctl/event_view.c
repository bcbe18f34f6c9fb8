#include "ctl/event_view.h"

#include <stdlib.h>

#include "base/err.h"
#include "callback/sign.h"
#include "ctl/answer.h"
#include "ctl/text.h"

enum event_signature event_signature(struct bytes key, const char *sign, struct bytes body)
{
    char want[CALLBACK_SIGN_SIZE];
    if (!key.len)
        return EVENT_UNCHECKED;
    if (!sign || !*sign)
        return EVENT_UNSIGNED;
    if (callback_sign(want, key, body))
        return EVENT_WRONG;
    return bytes_equal_secret(bytes_str(want), bytes_str(sign)) ? EVENT_SIGNED : EVENT_WRONG;
}

/* callbacks.md 3 and 6. */
static const char *type_name(uint64_t type)
{
    static const struct {
        unsigned type;
        const char *name;
    } names[] = {
        { 101, "ROOM_CREATED" },  { 102, "ROOM_CLOSED" },   { 103, "USER_ENTERED" },
        { 104, "USER_LEFT" },     { 105, "ROLE_CHANGED" },  { 201, "VIDEO_STARTED" },
        { 202, "VIDEO_STOPPED" }, { 203, "AUDIO_STARTED" }, { 204, "AUDIO_STOPPED" },
        { 205, "AUX_STARTED" },   { 206, "AUX_STOPPED" },   { 301, "RECORDER_START" },
        { 302, "RECORDER_STOP" }, { 303, "UPLOAD_START" },  { 304, "FILE_INFO" },
        { 305, "UPLOAD_STOP" },   { 306, "FAILOVER" },      { 307, "FILE_SLICE" },
        { 308, "UPLOAD_ERROR" },  { 309, "IMAGE_ERROR" },   { 310, "MP4_STOP" },
        { 311, "VOD_COMMIT" },    { 312, "VOD_STOP" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return "unknown";
}

static void put_value(const json_t *value, struct buf *out)
{
    if (json_is_string(value)) {
        text_put_printable(json_string_value(value), out);
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text)
        text_put_printable(text, out);
    free(text);
}

static void put_members(const json_t *object, struct buf *out)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        buf_put_u8(out, ' ');
        text_put_printable(name, out);
        buf_put_u8(out, '=');
        put_value(value, out);
    }
}

static void put_word(const json_t *value, struct buf *out)
{
    if (value) {
        buf_put_u8(out, ' ');
        put_value(value, out);
    }
}

static void put_clock(const json_t *event, struct buf *out)
{
    const json_t *info = json_object_get(event, "EventInfo");
    uint64_t ms = json_number(info, "EventMsTs");
    char iso[25];
    if (!ms)
        ms = json_number(event, "CallbackTs");
    clock_format_rfc3339((usec_t)(ms % 253402300800000u) * MSEC, iso);
    buf_printf(out, "%.12s", iso + 11);
}

static const char *signature_text(enum event_signature signature)
{
    switch (signature) {
    case EVENT_UNCHECKED:
    case EVENT_SIGNED: return "";
    case EVENT_UNSIGNED: return "  UNSIGNED";
    case EVENT_WRONG: return "  WRONG SIGN: not made with this key";
    }
    return "";
}

void event_view_text(const json_t *event, enum event_signature signature, struct buf *out)
{
    const json_t *info = json_object_get(event, "EventInfo");
    uint64_t type = json_number(event, "EventType");
    if (json_is_object(event)) {
        put_clock(event, out);
        buf_printf(out, " %llu %-14s", (unsigned long long)type, type_name(type));
        put_word(json_object_get(info, "RoomId"), out);
        put_word(json_object_get(info, json_object_get(info, "TaskId") ? "TaskId" : "UserId"), out);
        put_members(json_object_get(info, "Payload"), out);
    } else {
        buf_put_str(out, "a request whose body is no event");
    }
    buf_printf(out, "%s\n", signature_text(signature));
}
