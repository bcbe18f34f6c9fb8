/* UserSig and PrivateMapKey against the vectors of rooms.md 1 and 2, and against tickets that are
 * wrong in one way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "room/mapkey.h"
#include "room/ticket.h"
#include "room/usersig.h"

#define APP    1400000001u
#define SECRET "example-sdk-secret-key-0000000000000000000000000000000000000001"
#define ISSUED 1735707600
#define LIFE   86400

static const char vector[] =
    "eNqrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwok5mcmpUInilOzEgoLMFCUrQxMDCDCEyKRWFGQWpSpZWZgBJSBCJZ"
    "m5QAFDc2NTcwNzM5"
    "hocWY60NDQvHwLy8CQynyX0IyI3Fy-wlIDv5Ly4tyScC*j1ERHo0QjX8fU1DI3X4tQW6VaALNdMTI_";

#define SIG "Uno89QTyoDUhXmmNqu0NtwsmtWJ2eaA2a2MAeevFM8U="

static usec_t at(int64_t seconds)
{
    return seconds * SEC;
}

static int verify(const char *text, const char *user, int64_t now)
{
    return usersig_verify(bytes_str(text), APP, bytes_str(user), bytes_str(SECRET), at(now));
}

static void the_vector_is_good(void **state)
{
    (void)state;
    assert_int_equal(verify(vector, "alice", ISSUED), OK);
    assert_int_equal(verify(vector, "alice", ISSUED + LIFE), OK);
    assert_int_equal(verify(vector, "alice", ISSUED + LIFE + 1), ERR_EXPIRED);
    assert_int_equal(verify(vector, "alice", ISSUED - 300), OK);
    assert_int_equal(verify(vector, "alice", ISSUED - 301), ERR_AUTH);
    assert_int_equal(verify(vector, "alicf", ISSUED), ERR_AUTH);
    assert_int_equal(verify(vector, "", ISSUED), ERR_AUTH);
    assert_int_equal(usersig_verify(bytes_str(vector), APP + 1, bytes_str("alice"),
                                    bytes_str(SECRET), at(ISSUED)),
                     ERR_AUTH);
    assert_int_equal(usersig_verify(bytes_str(vector), APP, bytes_str("alice"),
                                    bytes_str(SECRET "0"), at(ISSUED)),
                     ERR_AUTH);
}

/* The JSON text of a ticket. */
static void unpack(const char *text, struct buf *json)
{
    struct buf packed;
    buf_init(&packed, 1 << 16);
    assert_int_equal(base64_decode(&packed, bytes_str(text), BASE64_USERSIG), OK);
    uLongf size = 1 << 16;
    uint8_t *room = malloc(size);
    assert_int_equal(uncompress(room, &size, packed.ptr, packed.len), Z_OK);
    buf_put(json, room, size);
    free(room);
    buf_fini(&packed);
}

/* A ticket of any JSON text. */
static char *pack(struct bytes json, int level)
{
    uLongf size = compressBound(json.len);
    uint8_t *room = malloc(size);
    assert_int_equal(compress2(room, &size, json.ptr, json.len, level), Z_OK);
    struct buf out;
    buf_init(&out, 1 << 20);
    base64_encode(&out, bytes_of(room, size), BASE64_USERSIG);
    free(room);
    return buf_detach(&out);
}

static void mint_writes_the_vector(void **state)
{
    (void)state;
    struct buf out, got, want;
    buf_init(&out, 4096);
    buf_init(&got, 4096);
    buf_init(&want, 4096);
    assert_int_equal(
        usersig_mint(APP, bytes_str("alice"), bytes_str(SECRET), at(ISSUED), LIFE, &out), OK);
    unpack(buf_str(&out), &got); /* compressors differ, their content must not */
    unpack(vector, &want);
    assert_string_equal(buf_str(&got), buf_str(&want));
    assert_int_equal(verify(buf_str(&out), "alice", ISSUED), OK);
    buf_fini(&out);
    buf_fini(&got);
    buf_fini(&want);
}

static void json_in_any_dress(void **state)
{
    (void)state;
    static const struct {
        const char *what, *json;
        int want;
    } rows[] = {
        { "other order and spaces",
          "{ \"TLS.sig\": \"" SIG
          "\", \"TLS.time\": 1735707600,\n\"TLS.expire\": 86400, \"TLS.sdkappid\": 1400000001, "
          "\"TLS.identifier\": \"alice\", \"TLS.ver\": \"2.0\" }",
          OK },
        { "numbers as strings",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":\"1400000001\",\"TLS."
          "expire\":\"86400\","
          "\"TLS.time\":\"1735707600\",\"TLS.sig\":\"" SIG "\"}",
          OK },
        { "an unknown key",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.time\":1735707600,\"x\":[1],\"TLS.sig\":\"" SIG "\"}",
          OK },
        { "another life than was signed",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86401,"
          "\"TLS.time\":1735707600,\"TLS.sig\":\"" SIG "\"}",
          ERR_AUTH },
        { "no signature",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.time\":1735707600}",
          ERR_MALFORMED },
        { "an empty signature",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.time\":1735707600,\"TLS.sig\":\"\"}",
          ERR_AUTH },
        { "version 1",
          "{\"TLS.ver\":\"1.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.time\":1735707600,\"TLS.sig\":\"" SIG "\"}",
          ERR_MALFORMED },
        { "a negative time",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.time\":-1,\"TLS.sig\":\"" SIG "\"}",
          ERR_MALFORMED },
        { "a life that would overflow",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,"
          "\"TLS.expire\":9223372036854775807,\"TLS.time\":1735707600,\"TLS.sig\":\"" SIG "\"}",
          ERR_MALFORMED },
        { "a fraction",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400.0,"
          "\"TLS.time\":1735707600,\"TLS.sig\":\"" SIG "\"}",
          ERR_MALFORMED },
        { "a key twice",
          "{\"TLS.ver\":\"2.0\",\"TLS.identifier\":\"alice\",\"TLS.sdkappid\":1400000001,\"TLS."
          "expire\":86400,"
          "\"TLS.expire\":86400,\"TLS.time\":1735707600,\"TLS.sig\":\"" SIG "\"}",
          ERR_MALFORMED },
        { "no object", "[]", ERR_MALFORMED },
        { "no JSON", "hello", ERR_MALFORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int level = 0; level <= 9; level += 9) {
            char *text = pack(bytes_str(rows[i].json), level);
            if (verify(text, "alice", ISSUED) != rows[i].want)
                fail_msg("%s: %d", rows[i].what, verify(text, "alice", ISSUED));
            free(text);
        }
}

static void not_a_ticket_at_all(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "AAAA", "A", "eNq", "====", "hello world", "eNoDAAAAAAE_"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verify(bad[i], "alice", ISSUED), ERR_MALFORMED);

    char *zeros = calloc(1, 1 << 20);
    char *bomb = pack(bytes_of(zeros, 1 << 20), 9);
    assert_int_equal(verify(bomb, "alice", ISSUED), ERR_LIMIT);
    memset(zeros, 'A', TICKET_MAX_TEXT + 4);
    assert_int_equal(usersig_verify(bytes_of(zeros, TICKET_MAX_TEXT + 4), APP, bytes_str("alice"),
                                    bytes_str(SECRET), at(ISSUED)),
                     ERR_LIMIT);
    free(bomb);
    free(zeros);
}

static void every_prefix_and_every_changed_byte_is_refused(void **state)
{
    (void)state;
    size_t len = strlen(vector);
    for (size_t i = 0; i < len; i++) {
        char *text = strdup(vector);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify(text, "alice", ISSUED), OK);
        text[i] = 0;
        assert_int_not_equal(verify(text, "alice", ISSUED), OK);
        free(text);
    }
}

static struct room_key room(enum room_id_type type, const char *id)
{
    struct room_key key = { .sdk_app_id = APP };
    assert_int_equal(room_id_parse(bytes_str(id), type, &key.id), OK);
    return key;
}

static const struct map_vector {
    enum room_id_type type;
    const char *room;
    uint32_t rights;
    const char *hex, *userbuf, *sig;
} maps[] = {
    { ROOM_ID_INT, "4711", 42, "000005616c69636553724e010000126767761d500000002a00000000",
      "AAAFYWxpY2VTck4BAAASZ2d2HVAAAAAqAAAAAA==", "8n5BjTBmmTdyYY7LfIKkklVt0CgPRWKXigDRyyvcOAc=" },
    { ROOM_ID_STRING, "class-7", 255,
      "010005616c69636553724e010000000067761d50000000ff000000000007636c6173732d37",
      "AQAFYWxpY2VTck4BAAAAAGd2HVAAAAD/AAAAAAAHY2xhc3MtNw==",
      "7sZ21V05yaTt4ZJU9PXAOA9VSeJ+zuaswdHo5XQTi30=" },
};

static size_t unhex(const char *hex, uint8_t *out)
{
    assert_true(hex_decode(out, strlen(hex) / 2, bytes_str(hex)));
    return strlen(hex) / 2;
}

static void map_key_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        struct room_key key = room(maps[i].type, maps[i].room);
        struct buf out, json;
        buf_init(&out, 4096);
        buf_init(&json, 4096);
        assert_int_equal(mapkey_mint(&key, bytes_str("alice"), maps[i].rights, bytes_str(SECRET),
                                     at(ISSUED), LIFE, &out),
                         OK);
        unpack(buf_str(&out), &json);
        assert_non_null(strstr(buf_str(&json), maps[i].userbuf));
        assert_non_null(strstr(buf_str(&json), maps[i].sig));

        uint32_t rights = 0;
        assert_int_equal(mapkey_verify(buf_bytes(&out), &key, bytes_str("alice"), bytes_str(SECRET),
                                       at(ISSUED), &rights),
                         OK);
        assert_int_equal(rights, maps[i].rights);
        buf_fini(&out);
        buf_fini(&json);
    }
}

static void map_key_buffer_layout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        uint8_t block[128];
        size_t len = unhex(maps[i].hex, block);
        struct map_key k;
        assert_int_equal(mapkey_parse(bytes_of(block, len), &k), OK);
        assert_string_equal(k.user, "alice");
        assert_int_equal(k.sdk_app_id, APP);
        assert_int_equal(k.room_type, maps[i].type);
        assert_int_equal(k.room_number, maps[i].type == ROOM_ID_INT ? 4711 : 0);
        assert_string_equal(k.room_text, maps[i].type == ROOM_ID_INT ? "" : "class-7");
        assert_int_equal(k.expiry, 1735794000);
        assert_int_equal(k.rights, maps[i].rights);

        struct buf out;
        buf_init(&out, 1024);
        mapkey_write(&k, &out);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(block, len)));
        buf_fini(&out);

        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(mapkey_parse(bytes_of(block, cut), &k), ERR_MALFORMED);
        block[len] = 0;
        assert_int_equal(mapkey_parse(bytes_of(block, len + 1), &k), ERR_MALFORMED);
        block[0] = 2;
        assert_int_equal(mapkey_parse(bytes_of(block, len), &k), ERR_MALFORMED);
    }
}

static void map_keys_are_for_one_user_and_room(void **state)
{
    (void)state;
    struct room_key key = room(ROOM_ID_STRING, "123"), number = room(ROOM_ID_INT, "123"),
                    other = room(ROOM_ID_STRING, "1234");
    struct buf out, sig;
    buf_init(&out, 4096);
    buf_init(&sig, 4096);
    uint32_t rights = 77;
    assert_int_equal(
        mapkey_mint(&key, bytes_str("bob"), 255, bytes_str(SECRET), at(ISSUED), 60, &out), OK);
    assert_int_equal(usersig_mint(APP, bytes_str("bob"), bytes_str(SECRET), at(ISSUED), 60, &sig),
                     OK);
    const struct {
        const struct buf *text;
        const struct room_key *room;
        const char *user;
        int64_t now;
        int want;
    } rows[] = {
        { &out, &number, "bob", ISSUED, ERR_AUTH },      { &out, &other, "bob", ISSUED, ERR_AUTH },
        { &out, &key, "alice", ISSUED, ERR_AUTH },       { &sig, &key, "bob", ISSUED, ERR_AUTH },
        { &out, &key, "bob", ISSUED + 61, ERR_EXPIRED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(mapkey_verify(buf_bytes(rows[i].text), rows[i].room,
                                       bytes_str(rows[i].user), bytes_str(SECRET), at(rows[i].now),
                                       &rights),
                         rows[i].want);
    assert_int_equal(rights, 77);
    assert_int_equal(verify(buf_str(&out), "bob", ISSUED),
                     ERR_AUTH); /* a PrivateMapKey is no UserSig */
    assert_int_equal(verify(buf_str(&sig), "bob", ISSUED), OK);
    buf_fini(&out);
    buf_fini(&sig);
}

static void random_tickets_round_trip(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 200; round++) {
        char user[33] = "";
        int len = 1 + rand() % 32;
        for (int i = 0; i < len; i++)
            user[i] = "abcXYZ019_-"[rand() % 11];
        uint64_t life = (uint64_t)rand();
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(
            usersig_mint(APP, bytes_str(user), bytes_str(SECRET), at(ISSUED), life, &out), OK);
        assert_int_equal(verify(buf_str(&out), user, ISSUED + (int64_t)life), OK);
        assert_int_equal(verify(buf_str(&out), user, ISSUED + (int64_t)life + 1), ERR_EXPIRED);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_is_good),
        cmocka_unit_test(mint_writes_the_vector),
        cmocka_unit_test(json_in_any_dress),
        cmocka_unit_test(not_a_ticket_at_all),
        cmocka_unit_test(every_prefix_and_every_changed_byte_is_refused),
        cmocka_unit_test(map_key_vectors),
        cmocka_unit_test(map_key_buffer_layout),
        cmocka_unit_test(map_keys_are_for_one_user_and_room),
        cmocka_unit_test(random_tickets_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
