#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/random.h"
#include "base/str.h"

static void reader_stops_at_the_end(void **state)
{
    (void)state;
    static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7 };
    struct reader r = reader_of(bytes_of(in, sizeof in));
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u32(&r), 0x04050607);
    assert_false(r.failed);
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.failed);
    assert_int_equal(read_bytes(&r, 0).len, 0);
}

static void writer_sticks_when_full(void **state)
{
    (void)state;
    uint8_t out[4];
    struct writer w = writer_of(out, sizeof out);
    write_u24(&w, 0x010203);
    write_u16(&w, 9);
    write_u8(&w, 4);
    assert_true(w.failed);
    assert_int_equal(writer_len(&w), 3);
    assert_memory_equal(out, "\x01\x02\x03", 3);
}

static void buf_keeps_its_limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_printf(&b, "%d-%s", 42, "ab");
    buf_put_str(&b, "xyz!");
    assert_int_equal(b.err, ERR_LIMIT);
    buf_put_str(&b, "x");
    assert_string_equal(buf_str(&b), "42-ab");
    buf_clear(&b);
    buf_put_str(&b, "12345678");
    assert_int_equal(b.err, OK);
    buf_consume(&b, 3);
    char *text = buf_detach(&b);
    assert_string_equal(text, "45678");
    free(text);
    text = buf_detach(&b);
    assert_string_equal(text, "");
    free(text);
    buf_fini(&b);
}

static void base64_alphabets(void **state)
{
    (void)state;
    /* files.md 1 */
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        { "alice", "YWxpY2U." },       { "recorder_4711", "cmVjb3JkZXJfNDcxMQ.." },
        { "class-7", "Y2xhc3MtNw.." }, { "a", "YQ.." },
        { ">>>>?", "Pj4+Pj8." },       { "", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 100);
        base64_encode(&b, bytes_str(rows[i].text), BASE64_ESCAPED);
        assert_string_equal(buf_str(&b), rows[i].escaped);
        buf_clear(&b);
        assert_int_equal(base64_decode(&b, bytes_str(rows[i].escaped), BASE64_ESCAPED), OK);
        assert_string_equal(buf_str(&b), rows[i].text);
        buf_fini(&b);
    }
}

static void base64_round_trip_and_refusals(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        uint8_t in[70];
        random_bytes(in, sizeof in);
        struct buf text, back;
        buf_init(&text, 200);
        buf_init(&back, 200);
        base64_encode(&text, bytes_of(in, len), BASE64_USERSIG);
        assert_int_equal(base64_decode(&back, buf_bytes(&text), BASE64_USERSIG), OK);
        assert_true(bytes_equal(buf_bytes(&back), bytes_of(in, len)));
        buf_fini(&text);
        buf_fini(&back);
    }
    static const char *const bad[] = { "A",    "AA",   "AAA",  "A===",     "AA=A",
                                       "AB==", "AAB=", "A A=", "AAAA=AAA", "====" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(base64_decode(&out, bytes_str(bad[i]), BASE64_STANDARD), ERR_MALFORMED);
        buf_fini(&out);
    }
}

static void numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(str_to_u64(bytes_str("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(str_to_u64(bytes_str("18446744073709551616"), UINT64_MAX, &v));
    assert_true(str_to_u64(bytes_str("65535"), 65535, &v));
    assert_int_equal(v, 65535);
    assert_false(str_to_u64(bytes_str("65536"), 65535, &v));
    assert_false(str_to_u64(bytes_str("5"), 4, &v));
    assert_true(str_to_u64(bytes_str("0"), 0, &v));
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1e3" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_u64(bytes_str(bad[i]), UINT64_MAX, &v));
}

static void splitting(void **state)
{
    (void)state;
    struct bytes rest, part = str_split(bytes_str("a;b"), ';', &rest);
    assert_true(bytes_equal_str(part, "a"));
    part = str_split(rest, ';', &rest);
    assert_true(bytes_equal_str(part, "b"));
    assert_int_equal(rest.len, 0);
    assert_true(bytes_equal_str(str_trim(bytes_str(" \tx y ")), "x y"));
}

static void addresses(void **state)
{
    (void)state;
    struct addr a;
    char text[ADDR_TEXT_SIZE];
    assert_true(addr_parse_hostport(&a, "127.0.0.1:9000"));
    assert_string_equal(addr_text(a, text), "127.0.0.1:9000");
    assert_true(addr_parse_hostport(&a, "[::1]:65535"));
    assert_string_equal(addr_text(a, text), "[::1]:65535");
    assert_false(addr_parse_hostport(&a, "localhost:1"));
    assert_false(addr_parse_hostport(&a, "1.2.3.4:65536"));

    struct addr mapped, plain;
    struct sockaddr_storage sa;
    addr_parse(&mapped, "::ffff:10.1.2.3", 5);
    addr_to_sockaddr(mapped, &sa);
    assert_true(addr_from_sockaddr(&mapped, (struct sockaddr *)&sa));
    addr_parse(&plain, "10.1.2.3", 5);
    assert_true(addr_equal(mapped, plain));
}

static void times(void **state)
{
    (void)state;
    char utc[18], rfc[25];
    clock_format_utc17(1735707617101 * MSEC, utc);
    assert_string_equal(utc, "20250101050017101"); /* files.md 1 */
    clock_format_rfc3339(1735707617101 * MSEC, rfc);
    assert_string_equal(rfc, "2025-01-01T05:00:17.101Z");
    usec_t mono = clock_mono();
    assert_true(clock_server(mono + SEC) == clock_server(mono) + SEC);
}

struct item {
    int n;
    struct link in_list;
};

static void lists(void **state)
{
    (void)state;
    struct list list;
    struct item items[3] = { { .n = 0 }, { .n = 1 }, { .n = 2 } };
    list_init(&list);
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].in_list);
    int seen = 0;
    list_each(it, &list, struct item, in_list)
    {
        assert_int_equal(it->n, seen++);
        if (it->n == 1)
            list_remove(&it->in_list);
    }
    assert_int_equal(seen, 3);
    list_remove(&items[1].in_list); /* harmless */
    assert_int_equal(list_first(&list, struct item, in_list)->n, 0);
    assert_int_equal(list_last(&list, struct item, in_list)->n, 2);
}

static void utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        { "", true },
        { "plain", true },
        { "\xC2\x80", true },
        { "\xDF\xBF", true },
        { "\xE0\xA0\x80", true },
        { "\xED\x9F\xBF", true },
        { "\xEE\x80\x80", true },
        { "\xF0\x90\x80\x80", true },
        { "\xF4\x8F\xBF\xBF", true },
        { "\x80", false },             /* a tail alone */
        { "\xC0\x80", false },         /* overlong */
        { "\xC1\xBF", false },         /* overlong */
        { "\xE0\x9F\xBF", false },     /* overlong */
        { "\xF0\x8F\xBF\xBF", false }, /* overlong */
        { "\xED\xA0\x80", false },     /* a surrogate */
        { "\xF4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xF5\x80\x80\x80", false },
        { "\xFF", false },
        { "\xC2", false },
        { "\xE4\xBD", false },
        { "\xF0\x90\x80", false },
        { "\xC2x", false },
        { "\xE4\xBDx", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_is_utf8(bytes_str(rows[i].text)) != rows[i].good)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_stops_at_the_end),
        cmocka_unit_test(writer_sticks_when_full),
        cmocka_unit_test(buf_keeps_its_limit),
        cmocka_unit_test(base64_alphabets),
        cmocka_unit_test(base64_round_trip_and_refusals),
        cmocka_unit_test(numbers),
        cmocka_unit_test(splitting),
        cmocka_unit_test(utf8),
        cmocka_unit_test(addresses),
        cmocka_unit_test(times),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
