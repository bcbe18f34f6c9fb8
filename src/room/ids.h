/* Room ids and user ids (rooms.md 3) as plain values. */
#ifndef ROOM_IDS_H
#define ROOM_IDS_H

#include "base/bytes.h"

#define ROOM_ID_MAX        64 /* bytes */
#define USER_ID_MAX        64 /* bytes, with the wide rule */
#define USER_ID_MAX_NARROW 32

/* Numbered as the API's RoomIdType. Integer 123 and string "123" are different rooms. */
enum room_id_type { ROOM_ID_STRING = 0, ROOM_ID_INT = 1 };

struct room_id {
    enum room_id_type type;
    uint32_t number;            /* 1 to 4294967295; 0 for a string room */
    char text[ROOM_ID_MAX + 1]; /* the string, or the number in decimal without leading zeros */
};

/* A room of one application. */
struct room_key {
    uint32_t sdk_app_id;
    struct room_id id;
};

/* ERR_RANGE: an integer id that is no decimal number from 1 to 4294967295; a string id that is
 * empty or too long. ERR_MALFORMED: a character that a string id must not hold. */
int room_id_parse(struct bytes text, enum room_id_type type, struct room_id *out);

bool room_key_equal(const struct room_key *a, const struct room_key *b);

/* 1 to 32 bytes of letters, digits, '_' and '-'; with `wide` 1 to 64 bytes of what a string room id
 * may hold but the space. */
bool user_id_valid(struct bytes text, bool wide);

#endif
