#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "observe/log.h"
#include "store/seal.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static struct seal_key key_one(void)
{
    struct seal_key key;
    assert_int_equal(seal_key_parse(&key, bytes_str(HEX)), OK);
    return key;
}

static void what_is_sealed_opens(void **state)
{
    (void)state;
    struct seal_key key = key_one();
    static const char *const texts[] = { "", "x", "{\"SecretKey\":\"k\"}" };
    for (size_t i = 0; i < 3; i++) {
        struct buf sealed, plain;
        buf_init(&sealed, 1000);
        buf_init(&plain, 1000);
        buf_put_str(&sealed, "before");
        assert_int_equal(seal_close(&sealed, &key, bytes_str(texts[i]), bytes_str("task-1")), OK);
        assert_int_equal(sealed.len, 6 + SEAL_OVERHEAD + strlen(texts[i]));
        struct bytes value = bytes_of(sealed.ptr + 6, sealed.len - 6);
        buf_put_str(&plain, "=");
        assert_int_equal(seal_open(&plain, &key, value, bytes_str("task-1")), OK);
        assert_string_equal(buf_str(&plain) + 1, texts[i]);
        buf_fini(&sealed);
        seal_wipe_buf(&plain);
    }
}

/* Made outside this program: the format stays readable. */
static void a_value_of_the_first_release_opens(void **state)
{
    (void)state;
    struct seal_key key = key_one();
    static const uint8_t sealed[] = {
        0x01, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
        0x29, 0x3b, 0xad, 0x03, 0x1a, 0x9b, 0x33, 0xea, 0x3b, 0xb6, 0x28, 0xce, 0x26,
        0x15, 0x1c, 0xe2, 0x9f, 0xd4, 0x7d, 0x84, 0x83, 0xd7, 0xd6, 0xda,
    };
    struct buf plain;
    buf_init(&plain, 100);
    assert_int_equal(seal_open(&plain, &key, bytes_of(sealed, sizeof sealed), bytes_str("task-1")),
                     OK);
    assert_string_equal(buf_str(&plain), "a secret");
    buf_fini(&plain);
}

static void every_change_is_noticed(void **state)
{
    (void)state;
    struct seal_key key = key_one();
    struct buf sealed, plain;
    buf_init(&sealed, 1000);
    buf_init(&plain, 1000);
    assert_int_equal(seal_close(&sealed, &key, bytes_str("secret"), bytes_str("task-1")), OK);
    for (size_t i = 0; i < sealed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sealed.ptr[i] ^= (uint8_t)(1 << bit);
            int want = i == 0 ? ERR_UNSUPPORTED : ERR_AUTH;
            assert_int_equal(seal_open(&plain, &key, buf_bytes(&sealed), bytes_str("task-1")),
                             want);
            sealed.ptr[i] ^= (uint8_t)(1 << bit);
        }
        int want = i < SEAL_OVERHEAD ? ERR_MALFORMED : ERR_AUTH;
        assert_int_equal(seal_open(&plain, &key, bytes_of(sealed.ptr, i), bytes_str("task-1")),
                         want);
    }
    assert_int_equal(seal_open(&plain, &key, buf_bytes(&sealed), bytes_str("task-2")), ERR_AUTH);
    key.secret[31] ^= 1;
    assert_int_equal(seal_open(&plain, &key, buf_bytes(&sealed), bytes_str("task-1")), ERR_AUTH);
    assert_int_equal(plain.len, 0);
    buf_fini(&sealed);
    buf_fini(&plain);
}

static void the_same_secret_never_looks_the_same(void **state)
{
    (void)state;
    struct seal_key key = key_one();
    struct buf a, b;
    buf_init(&a, 100);
    buf_init(&b, 100);
    assert_int_equal(seal_close(&a, &key, bytes_str("secret"), bytes_str("t")), OK);
    assert_int_equal(seal_close(&b, &key, bytes_str("secret"), bytes_str("t")), OK);
    assert_memory_not_equal(a.ptr, b.ptr, a.len);
    buf_fini(&a);
    buf_fini(&b);
}

static void keys_are_hex_or_raw(void **state)
{
    (void)state;
    struct seal_key want = key_one(), key;
    static const struct {
        const char *text;
        size_t len;
        int want;
    } rows[] = {
        { HEX "\n", 65, OK },
        { "  " HEX "\r\n", 68, OK },
        { "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36"
          "\37",
          32, OK },
        { "", 0, ERR_MALFORMED },
        { HEX, 63, ERR_MALFORMED },
        { HEX "0", 65, ERR_MALFORMED },
        { HEX, 31, ERR_MALFORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(&key, 0xee, sizeof key);
        assert_int_equal(seal_key_parse(&key, bytes_of(rows[i].text, rows[i].len)), rows[i].want);
        if (rows[i].want == OK)
            assert_memory_equal(&key, &want, sizeof key);
    }
}

static void a_key_file_is_made_once(void **state)
{
    (void)state;
    char folder[] = "/tmp/seal-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/master.key", folder);
    struct seal_key first, again;
    struct stat st;
    assert_int_equal(seal_key_load(&first, path), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(seal_key_load(&again, path), OK);
    assert_memory_equal(&first, &again, sizeof first);

    FILE *file = fopen(path, "w");
    fputs("too short", file);
    fclose(file);
    assert_int_equal(seal_key_load(&again, path), ERR_MALFORMED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left there */
    assert_int_equal(seal_key_load(&again, path), ERR_IO);
}

static void the_environment_forgets_the_key(void **state)
{
    (void)state;
    struct seal_key want = key_one(), key;
    setenv("RT_TEST_KEY", HEX, 1);
    char *place = getenv("RT_TEST_KEY");
    assert_int_equal(seal_key_env(&key, "RT_TEST_KEY"), OK);
    assert_memory_equal(&key, &want, sizeof key);
    assert_null(getenv("RT_TEST_KEY"));
    assert_int_equal(place[0], 0);
    assert_int_equal(seal_key_env(&key, "RT_TEST_KEY"), ERR_NOT_FOUND);
    seal_key_wipe(&key);
    assert_int_equal(key.secret[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens),
        cmocka_unit_test(a_value_of_the_first_release_opens),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(the_same_secret_never_looks_the_same),
        cmocka_unit_test(keys_are_hex_or_raw),
        cmocka_unit_test(a_key_file_is_made_once),
        cmocka_unit_test(the_environment_forgets_the_key),
    };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
