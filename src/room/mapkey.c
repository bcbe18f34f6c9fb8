#include "room/mapkey.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"
#include "room/ticket.h"

int mapkey_parse(struct bytes buffer, struct map_key *out)
{
    struct map_key k = { 0 };
    struct reader r = reader_of(buffer);
    uint8_t type = read_u8(&r);
    struct bytes user = read_bytes(&r, read_u16(&r));
    k.sdk_app_id = read_u32(&r);
    k.room_number = read_u32(&r);
    k.expiry = read_u32(&r);
    k.rights = read_u32(&r);
    k.account_type = read_u32(&r);
    k.room_type = type == 1 ? ROOM_ID_STRING : ROOM_ID_INT;
    struct bytes room = type == 1 ? read_bytes(&r, read_u16(&r)) : bytes_of(NULL, 0);
    if (r.failed || reader_left(&r) || type > 1 || !str_copy(k.user, sizeof k.user, user) ||
        !str_copy(k.room_text, sizeof k.room_text, room))
        return ERR_MALFORMED;
    *out = k;
    return OK;
}

void mapkey_write(const struct map_key *key, struct buf *out)
{
    bool text = key->room_type == ROOM_ID_STRING;
    buf_put_u8(out, text);
    buf_put_u16(out, (uint16_t)strlen(key->user));
    buf_put_str(out, key->user);
    buf_put_u32(out, key->sdk_app_id);
    buf_put_u32(out, text ? 0 : key->room_number);
    buf_put_u32(out, key->expiry);
    buf_put_u32(out, key->rights);
    buf_put_u32(out, key->account_type);
    if (!text)
        return;
    buf_put_u16(out, (uint16_t)strlen(key->room_text));
    buf_put_str(out, key->room_text);
}

static bool fits(const struct map_key *k, const struct room_key *room, struct bytes user)
{
    bool same_room = k->room_type == room->id.type &&
                     (k->room_type == ROOM_ID_INT ? k->room_number == room->id.number
                                                  : strcmp(k->room_text, room->id.text) == 0);
    return same_room && k->sdk_app_id == room->sdk_app_id && bytes_equal_str(user, k->user);
}

static int check_buffer(const struct ticket *t, const struct room_key *room, struct bytes user,
                        usec_t wall_now, uint32_t *rights)
{
    struct buf buffer;
    struct map_key k;
    buf_init(&buffer, 1024);
    int err = base64_decode(&buffer, buf_bytes(&t->userbuf), BASE64_STANDARD);
    if (!err)
        err = mapkey_parse(buf_bytes(&buffer), &k);
    buf_fini(&buffer);
    if (err)
        return err;
    if (!fits(&k, room, user))
        return ERR_AUTH;
    if (wall_now / SEC > k.expiry)
        return ERR_EXPIRED;
    *rights = k.rights;
    return OK;
}

int mapkey_verify(struct bytes text, const struct room_key *room, struct bytes user,
                  struct bytes key, usec_t wall_now, uint32_t *rights)
{
    struct ticket t;
    ticket_init(&t);
    int err = ticket_open(&t, text);
    if (!err)
        err = ticket_check(&t, room->sdk_app_id, user, key, wall_now);
    if (!err)
        err = t.userbuf.len ? check_buffer(&t, room, user, wall_now, rights) : ERR_AUTH;
    ticket_fini(&t);
    return err;
}

static int fill(struct ticket *t, const struct map_key *k)
{
    struct buf buffer;
    buf_init(&buffer, 1024);
    mapkey_write(k, &buffer);
    base64_encode(&t->userbuf, buf_bytes(&buffer), BASE64_STANDARD);
    int err = buffer.err ? buffer.err : t->userbuf.err;
    buf_fini(&buffer);
    return err;
}

int mapkey_mint(const struct room_key *room, struct bytes user, uint32_t rights, struct bytes key,
                usec_t wall_now, uint32_t life, struct buf *out)
{
    uint64_t now = (uint64_t)(wall_now / SEC);
    struct map_key k = {
        .sdk_app_id = room->sdk_app_id,
        .room_type = room->id.type,
        .room_number = room->id.number,
        .expiry = now + life > UINT32_MAX ? UINT32_MAX : (uint32_t)(now + life),
        .rights = rights,
    };
    if (!str_copy(k.user, sizeof k.user, user))
        return ERR_LIMIT;
    if (room->id.type == ROOM_ID_STRING)
        str_copy(k.room_text, sizeof k.room_text, bytes_str(room->id.text));

    struct ticket t;
    ticket_init(&t);
    t.sdk_app_id = room->sdk_app_id;
    t.time = now;
    t.expire = life;
    buf_put_bytes(&t.identifier, user);
    int err = fill(&t, &k);
    if (!err)
        err = ticket_seal(&t, key, out);
    ticket_fini(&t);
    return err;
}
