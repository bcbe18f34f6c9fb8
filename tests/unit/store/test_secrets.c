#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/secrets.h"

static const struct {
    const char *whole, *clean, *secrets, *joined; /* joined NULL: as whole */
} rows[] = {
    { "{}", "{}", "", NULL },
    { "{\"RoomId\":\"4711\",\"N\":9007199254740993}",
      "{\"RoomId\":\"4711\",\"N\":9007199254740993}", "", NULL },
    { "{\"RoomId\":\"1\",\"UserSig\":\"eJ\"}", "{\"RoomId\":\"1\"}", "{\"UserSig\":\"eJ\"}", NULL },
    { "{\"UserSig\":\"eJ\",\"RoomId\":\"1\"}", "{\"RoomId\":\"1\"}", "{\"UserSig\":\"eJ\"}",
      "{\"RoomId\":\"1\",\"UserSig\":\"eJ\"}" },
    { "{\"A\":{\"B\":{\"x\":1,\"AccessKey\":\"AK\",\"SecretKey\":\"SK\"}},\"PrivateMapKey\":null}",
      "{\"A\":{\"B\":{\"x\":1}}}",
      "{\"A\":{\"B\":{\"AccessKey\":\"AK\",\"SecretKey\":\"SK\"}},\"PrivateMapKey\":null}", NULL },
    { "{\"L\":[{\"a\":1},{\"SecretKey\":\"s\"},[]]}", "{\"L\":[{\"a\":1},{},[]]}",
      "{\"L\":{\"1\":{\"SecretKey\":\"s\"}}}", NULL },
};

static void split_and_join(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf clean, secrets, whole;
        buf_init(&clean, 1000);
        buf_init(&secrets, 1000);
        buf_init(&whole, 1000);
        assert_int_equal(secrets_split(&clean, &secrets, bytes_str(rows[i].whole)), OK);
        assert_string_equal(buf_str(&clean), rows[i].clean);
        assert_string_equal(buf_str(&secrets), rows[i].secrets);
        assert_int_equal(secrets_join(&whole, buf_bytes(&clean), buf_bytes(&secrets)), OK);
        assert_string_equal(buf_str(&whole), rows[i].joined ? rows[i].joined : rows[i].whole);
        buf_fini(&clean);
        buf_fini(&secrets);
        buf_fini(&whole);
    }
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct buf a, b;
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    assert_int_equal(secrets_split(&a, &b, bytes_str("")), ERR_MALFORMED);
    assert_int_equal(secrets_split(&a, &b, bytes_str("[]")), ERR_MALFORMED);
    assert_int_equal(secrets_split(&a, &b, bytes_str("{\"a\":1")), ERR_MALFORMED);
    assert_int_equal(secrets_join(&a, bytes_str("{}"), bytes_str("{\"A\":{\"SecretKey\":\"s\"}}")),
                     ERR_MALFORMED);
    assert_int_equal(secrets_join(&a, bytes_str("{}"), bytes_str("{\"A\":1}")), ERR_MALFORMED);
    assert_int_equal(secrets_join(&a, bytes_str("{}"), bytes_str("x")), ERR_MALFORMED);
    assert_int_equal(a.len, 0);
    buf_fini(&a);

    buf_init(&a, 8);
    assert_int_equal(secrets_split(&a, &b, bytes_str("{\"RoomId\":\"4711\"}")), ERR_LIMIT);
    buf_fini(&a);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_and_join),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
