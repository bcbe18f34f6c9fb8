#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "room/ids.h"

#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void room_ids(void **state)
{
    (void)state;
    static const struct {
        enum room_id_type type;
        const char *text;
        int want;
        const char *canonical;
        uint32_t number;
    } rows[] = {
        { ROOM_ID_INT, "1", OK, "1", 1 },
        { ROOM_ID_INT, "4294967295", OK, "4294967295", 4294967295u },
        { ROOM_ID_INT, "007", OK, "7", 7 },
        { ROOM_ID_INT, "0", ERR_RANGE },
        { ROOM_ID_INT, "4294967296", ERR_RANGE },
        { ROOM_ID_INT, "", ERR_RANGE },
        { ROOM_ID_INT, "-1", ERR_RANGE },
        { ROOM_ID_INT, "1a", ERR_RANGE },
        { ROOM_ID_STRING, "class-7", OK, "class-7", 0 },
        { ROOM_ID_STRING, "123", OK, "123", 0 },
        { ROOM_ID_STRING, "a b!#$%&()+-:;<=.>?@[]^_{}|~,", OK, "a b!#$%&()+-:;<=.>?@[]^_{}|~,", 0 },
        { ROOM_ID_STRING, SIXTY "abcd", OK, SIXTY "abcd", 0 },
        { ROOM_ID_STRING, SIXTY "abcde", ERR_RANGE },
        { ROOM_ID_STRING, "", ERR_RANGE },
        { ROOM_ID_STRING, "a/b", ERR_MALFORMED },
        { ROOM_ID_STRING, "a'b", ERR_MALFORMED },
        { ROOM_ID_STRING, "a\"b", ERR_MALFORMED },
        { ROOM_ID_STRING, "a\nb", ERR_MALFORMED },
        { ROOM_ID_STRING, "caf\xc3\xa9", ERR_MALFORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room_id id = { 0 };
        assert_int_equal(room_id_parse(bytes_str(rows[i].text), rows[i].type, &id), rows[i].want);
        if (rows[i].want)
            continue;
        assert_string_equal(id.text, rows[i].canonical);
        assert_int_equal(id.number, rows[i].number);
        assert_int_equal(id.type, rows[i].type);
    }
}

static void a_number_and_its_text_are_two_rooms(void **state)
{
    (void)state;
    struct room_key a = { .sdk_app_id = 1 }, b = { .sdk_app_id = 1 };
    assert_int_equal(room_id_parse(bytes_str("123"), ROOM_ID_INT, &a.id), OK);
    assert_int_equal(room_id_parse(bytes_str("123"), ROOM_ID_STRING, &b.id), OK);
    assert_false(room_key_equal(&a, &b));
    b = a;
    assert_true(room_key_equal(&a, &b));
    b.sdk_app_id = 2;
    assert_false(room_key_equal(&a, &b));
}

static void user_ids(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool narrow, wide;
    } rows[] = {
        { "alice", true, true },
        { "A-z_09", true, true },
        { TEN TEN TEN "12", true, true },
        { TEN TEN TEN "123", false, true },
        { SIXTY "1234", false, true },
        { SIXTY "12345", false, false },
        { "", false, false },
        { "a b", false, false },
        { "a@b.c", false, true },
        { "a\n", false, false },
        { "\xc3\xa9", false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(user_id_valid(bytes_str(rows[i].text), false), rows[i].narrow);
        assert_int_equal(user_id_valid(bytes_str(rows[i].text), true), rows[i].wide);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_ids),
        cmocka_unit_test(a_number_and_its_text_are_two_rooms),
        cmocka_unit_test(user_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
