/* Tickets: the first byte chooses between a UserSig's text, the JSON inside of one, and a
 * PrivateMapKey's buffer. */
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/base64.h"
#include "room/mapkey.h"
#include "room/usersig.h"

#define NOW (1735707600 * SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_ticket(struct bytes text)
{
    struct room_key room = { .sdk_app_id = 1400000001,
                             .id = { .type = ROOM_ID_STRING, .text = "class-7" } };
    uint32_t rights;
    usersig_verify(text, 1400000001, bytes_str("alice"), bytes_str("key"), NOW);
    mapkey_verify(text, &room, bytes_str("alice"), bytes_str("key"), NOW, &rights);
}

static void try_json(struct bytes json)
{
    struct buf text;
    uLongf len = compressBound(json.len);
    uint8_t *packed = malloc(len);
    buf_init(&text, 1 << 20);
    if (packed && compress(packed, &len, json.ptr, json.len) == Z_OK) {
        base64_encode(&text, bytes_of(packed, len), BASE64_USERSIG);
        try_ticket(buf_bytes(&text));
    }
    buf_fini(&text);
    free(packed);
}

static void try_buffer(struct bytes buffer)
{
    struct map_key key;
    if (mapkey_parse(buffer, &key))
        return;
    struct buf out;
    buf_init(&out, 4096);
    mapkey_write(&key, &out);
    struct map_key again;
    if (mapkey_parse(buf_bytes(&out), &again))
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0: try_ticket(rest); break;
    case 1: try_json(rest); break;
    default: try_buffer(rest); break;
    }
    return 0;
}
