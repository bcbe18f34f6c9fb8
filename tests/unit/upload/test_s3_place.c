/* Where buckets are, their names, and the hashes of what goes there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/base64.h"
#include "base/err.h"
#include "upload/content.h"
#include "upload/key.h"
#include "upload/s3_place.h"

static void places(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        bool path_style;
        const char *origin, *host, *path;
    } cases[] = {
        { "https://s3.example.test", true, "https://s3.example.test", "s3.example.test",
          "/bucket/" },
        { "https://s3.example.test/", false, "https://bucket.s3.example.test",
          "bucket.s3.example.test", "/" },
        { "http://s3.example.test:9000", true, "http://s3.example.test:9000",
          "s3.example.test:9000", "/bucket/" },
        { "http://s3.example.test:9000", false, "http://bucket.s3.example.test:9000",
          "bucket.s3.example.test:9000", "/" },
        { "https://h:443", true, "https://h", "h", "/bucket/" },
        { "http://h:80", true, "http://h", "h", "/bucket/" },
        { "http://h:443", true, "http://h:443", "h:443", "/bucket/" },
        { "https://h/a/b~//", true, "https://h", "h", "/a/b~/bucket/" },
        { "https://h/a", false, "https://bucket.h", "bucket.h", "/a/" },
        { "http://127.0.0.1:9000", false, "http://127.0.0.1:9000", "127.0.0.1:9000", "/bucket/" },
        { "http://[::1]:9000", false, "http://[::1]:9000", "[::1]:9000", "/bucket/" },
        { "http://[::1]", true, "http://[::1]", "[::1]", "/bucket/" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct s3_place p;
        assert_int_equal(s3_place_init(&p, cases[i].endpoint, "bucket", cases[i].path_style), OK);
        assert_string_equal(p.origin, cases[i].origin);
        assert_string_equal(p.host, cases[i].host);
        assert_string_equal(p.path, cases[i].path);
        s3_place_fini(&p);
    }
}

static void bad_endpoints(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "h",
        "ftp://h",
        "https://",
        "https:///a",
        "https://h:0",
        "https://h:",
        "https://h:a",
        "https://a b",
        "https://u@h",
        "https://h?a",
        "https://h/a?b",
        "https://h#",
        "https://[::1",
        "https://::1",
        "https://[h]",
        "https://h:65536",
        "https://h/%41",
        "https://h/a b",
        "https://[::1]x",
        "https://[127.0.0.1]",
        "HTTPS://h",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct s3_place p;
        if (s3_place_init(&p, bad[i], "bucket", true) != ERR_MALFORMED)
            fail_msg("%s", bad[i]);
    }
}

static void bucket_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        { "abc", true },
        { "recordings-1250000000", true },
        { "a.b-c", true },
        { "1a2", true },
        { "ab", false },
        { "Abc", false },
        { "a_b", false },
        { "a/b", false },
        { "-ab", false },
        { "ab-", false },
        { ".ab", false },
        { "ab.", false },
        { "a..b", false },
        { "10.1.2.3", false },
        { "", false },
        { "a b", false },
        { "a\xc3\xa4"
          "b",
          false },
        { "a23456789012345678901234567890123456789012345678901234567890123", true },
        { "a234567890123456789012345678901234567890123456789012345678901234", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct s3_place p;
        bool good = s3_place_init(&p, "https://h", cases[i].name, true) == OK;
        if (good != cases[i].good)
            fail_msg("%s", cases[i].name);
        if (good)
            s3_place_fini(&p);
    }
}

static void keys(void **state)
{
    (void)state;
    char longest[KEY_MAX + 2];
    static const char *const bad[] = { "",    "/a",   "a/",  "a//b", "../a",  "a/../b",
                                       "./a", "a/.b", "a b", "a?b",  "a%2fb", "a\nb" };
    assert_true(s3_key_ok("a"));
    assert_true(s3_key_ok("class/2025/Task-1/1400000001_a+b=.@_main_audio.ts"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (s3_key_ok(bad[i]))
            fail_msg("`%s`", bad[i]);
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 100 == 99 ? '/' : 'a';
    longest[KEY_MAX] = 0;
    assert_true(s3_key_ok(longest));
    longest[KEY_MAX] = 'a';
    longest[KEY_MAX + 1] = 0;
    assert_false(s3_key_ok(longest));
}

static void check_vendor(int (*make)(struct buf *, const char *), const char *region,
                         const char *host)
{
    struct buf b;
    struct s3_place p;
    buf_init(&b, 1000);
    int err = make(&b, region);
    assert_int_equal(err, host ? OK : ERR_MALFORMED);
    if (host) {
        assert_int_equal(s3_place_init(&p, buf_str(&b), "bucket-125", false), OK);
        assert_string_equal(p.host, host);
        s3_place_fini(&p);
    }
    buf_fini(&b);
}

static void vendors(void **state)
{
    (void)state;
    check_vendor(s3_endpoint_cos, "ap-shanghai", "bucket-125.cos.ap-shanghai.myqcloud.com");
    check_vendor(s3_endpoint_aws, "us-east-1", "bucket-125.s3.us-east-1.amazonaws.com");
    check_vendor(s3_endpoint_aws, "cn-north-1", "bucket-125.s3.cn-north-1.amazonaws.com.cn");
    check_vendor(s3_endpoint_aws, "evil.example.test/", NULL);
    check_vendor(s3_endpoint_cos, "a.b", NULL);
    check_vendor(s3_endpoint_aws, "", NULL);
}

/* RFC 1321 A.5, FIPS 180-2 B. */
static void contents(void **state)
{
    (void)state;
    struct temp_dir dir = temp_dir_new();
    struct content whole, part;
    char hex[33];
    temp_dir_write(&dir, "f", "xxabcyy");
    int fd = openat(dir.fd, "f", O_RDONLY);
    assert_int_equal(content_of(&whole, bytes_str("abc")), OK);
    assert_string_equal(whole.sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hex_encode(hex, bytes_of(whole.md5, MD5_SIZE));
    assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");

    assert_int_equal(content_of_file(&part, fd, 2, 3), OK);
    assert_memory_equal(&part, &whole, sizeof part);
    assert_int_equal(content_of_file(&part, fd, 0, 0), OK);
    assert_int_equal(content_of(&whole, bytes_of(NULL, 0)), OK);
    assert_memory_equal(&part, &whole, sizeof part);
    assert_int_equal(content_of_file(&part, fd, 2, 6), ERR_NOT_FOUND);
    close(fd);
    assert_int_equal(content_of_file(&part, -1, 0, 1), ERR_IO);
    temp_dir_free(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places), cmocka_unit_test(bad_endpoints), cmocka_unit_test(bucket_names),
        cmocka_unit_test(keys),   cmocka_unit_test(vendors),       cmocka_unit_test(contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
