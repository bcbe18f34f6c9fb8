#include "room/ids.h"

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define MARKS        "!#$%&()+-:;<=.>?@[]^_{}|~,"

static int parse_number(struct bytes text, struct room_id *out)
{
    uint64_t number;
    if (!str_to_u64(text, UINT32_MAX, &number) || number == 0)
        return ERR_RANGE;
    *out = (struct room_id){ .type = ROOM_ID_INT, .number = (uint32_t)number };
    snprintf(out->text, sizeof out->text, "%u", out->number);
    return OK;
}

int room_id_parse(struct bytes text, enum room_id_type type, struct room_id *out)
{
    if (type == ROOM_ID_INT)
        return parse_number(text, out);
    if (text.len == 0 || text.len > ROOM_ID_MAX)
        return ERR_RANGE;
    if (!str_only(text, ALPHANUMERIC MARKS " "))
        return ERR_MALFORMED;
    *out = (struct room_id){ .type = ROOM_ID_STRING };
    str_copy(out->text, sizeof out->text, text);
    return OK;
}

bool room_key_equal(const struct room_key *a, const struct room_key *b)
{
    return a->sdk_app_id == b->sdk_app_id && a->id.type == b->id.type &&
           strcmp(a->id.text, b->id.text) == 0;
}

bool user_id_valid(struct bytes text, bool wide)
{
    if (text.len == 0 || text.len > (wide ? USER_ID_MAX : USER_ID_MAX_NARROW))
        return false;
    return str_only(text, wide ? ALPHANUMERIC MARKS : ALPHANUMERIC "_-");
}
