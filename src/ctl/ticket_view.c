#include "ctl/ticket_view.h"

#include "base/base64.h"
#include "base/err.h"
#include "ctl/text.h"

int ticket_view_read(struct ticket_view *out, struct bytes text)
{
    *out = (struct ticket_view){ 0 };
    ticket_init(&out->ticket);
    int err = ticket_open(&out->ticket, text);
    if (err) {
        ticket_fini(&out->ticket);
        return err;
    }
    out->is_map_key = out->ticket.userbuf.len > 0;
    struct buf inside;
    buf_init(&inside, 4096);
    if (out->is_map_key &&
        !base64_decode(&inside, buf_bytes(&out->ticket.userbuf), BASE64_STANDARD))
        out->map_readable = !mapkey_parse(buf_bytes(&inside), &out->map);
    buf_fini(&inside);
    return OK;
}

void ticket_view_fini(struct ticket_view *view)
{
    ticket_fini(&view->ticket);
}

static bool buffer_good(const struct ticket_view *view)
{
    return !view->is_map_key ||
           (view->map_readable && view->map.sdk_app_id == view->ticket.sdk_app_id &&
            bytes_equal_str(buf_bytes(&view->ticket.identifier), view->map.user));
}

static uint64_t expiry(const struct ticket_view *view)
{
    uint64_t end = view->ticket.time + view->ticket.expire;
    return view->is_map_key && view->map.expiry < end ? view->map.expiry : end;
}

int ticket_view_check(const struct ticket_view *view, const struct ticket_wish *wish,
                      usec_t wall_now, enum ticket_verdict *out)
{
    const struct ticket *t = &view->ticket;
    uint64_t now = (uint64_t)(wall_now / SEC);
    if (wish->sdk_app_id && wish->sdk_app_id != t->sdk_app_id) {
        *out = TICKET_WRONG_APP;
        return OK;
    }
    if (wish->user.len && !bytes_equal(wish->user, buf_bytes(&t->identifier))) {
        *out = TICKET_WRONG_USER;
        return OK;
    }
    if (!wish->key.len) {
        *out = TICKET_UNCHECKED;
        return OK;
    }
    /* At the time of its issue only the signature can be wrong. */
    int err = ticket_check(t, (uint32_t)t->sdk_app_id, buf_bytes(&t->identifier), wish->key,
                           (usec_t)t->time * SEC);
    if (err && err != ERR_AUTH)
        return err;
    *out = err                                 ? TICKET_WRONG_SIGNATURE
           : !buffer_good(view)                ? TICKET_BROKEN_BUFFER
           : t->time > now + TICKET_MAX_FUTURE ? TICKET_NOT_YET
           : now > expiry(view)                ? TICKET_EXPIRED
                                               : TICKET_GOOD;
    return OK;
}

const char *ticket_verdict_text(enum ticket_verdict verdict)
{
    switch (verdict) {
    case TICKET_GOOD: return "good";
    case TICKET_UNCHECKED: return "not checked: the application's key is not known";
    case TICKET_WRONG_SIGNATURE: return "not signed with the application's key";
    case TICKET_WRONG_APP: return "for another application";
    case TICKET_WRONG_USER: return "for another user";
    case TICKET_BROKEN_BUFFER: return "its room permission is unreadable or somebody else's";
    case TICKET_NOT_YET: return "issued in the future";
    case TICKET_EXPIRED: return "expired";
    }
    return "";
}

static void put_rights(uint32_t rights, struct buf *out)
{
    static const char *const names[] = { "create room",   "enter room", "send audio",
                                         "receive audio", "send video", "receive video",
                                         "send aux",      "receive aux" };
    const char *between = " (";
    buf_printf(out, "  rights    %u", rights);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rights & 1u << i) {
            buf_printf(out, "%s%s", between, names[i]);
            between = ", ";
        }
    buf_put_str(out, *between == ',' ? ")\n" : "\n");
}

static void put_map(const struct ticket_view *view, struct buf *out)
{
    if (!view->map_readable) {
        buf_put_str(out, "  room      unreadable\n");
        return;
    }
    buf_put_str(out, "  room      ");
    if (view->map.room_type == ROOM_ID_INT)
        buf_printf(out, "%u (number)", view->map.room_number);
    else
        text_put_printable(view->map.room_text, out);
    buf_put_str(out, "\n");
    put_rights(view->map.rights, out);
}

void ticket_view_text(const struct ticket_view *view, enum ticket_verdict verdict, usec_t wall_now,
                      struct buf *out)
{
    const struct ticket *t = &view->ticket;
    uint64_t end = expiry(view), now = (uint64_t)(wall_now / SEC);
    buf_printf(out, "%s\n  user      ", view->is_map_key ? "PrivateMapKey" : "UserSig");
    text_put_printable(buf_str(&t->identifier), out);
    buf_printf(out, "\n  SdkAppId  %llu\n", (unsigned long long)t->sdk_app_id);
    if (view->is_map_key)
        put_map(view, out);
    buf_put_str(out, "  issued    ");
    text_put_time(t->time, out);
    buf_put_str(out, "\n  expires   ");
    text_put_time(end, out);
    buf_put_str(out, end >= now ? ", in " : ", ");
    text_put_duration(end >= now ? end - now : now - end, out);
    buf_put_str(out, end >= now ? "\n" : " ago\n");
    buf_printf(out, "  verdict   %s\n", ticket_verdict_text(verdict));
}

json_t *ticket_view_json(const struct ticket_view *view, enum ticket_verdict verdict)
{
    const struct ticket *t = &view->ticket;
    json_t *out =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s}", "Kind",
                  view->is_map_key ? "PrivateMapKey" : "UserSig", "UserId", buf_str(&t->identifier),
                  "SdkAppId", (json_int_t)t->sdk_app_id, "IssuedAt", (json_int_t)t->time,
                  "ExpiresAt", (json_int_t)expiry(view), "Good", verdict == TICKET_GOOD, "Verdict",
                  ticket_verdict_text(verdict));
    if (out && view->map_readable) {
        const char *room = view->map.room_text;
        bool number = view->map.room_type == ROOM_ID_INT;
        json_object_set_new(out, "Room",
                            number ? json_integer(view->map.room_number) : json_string(room));
        json_object_set_new(out, "Rights", json_integer(view->map.rights));
    }
    return out;
}
