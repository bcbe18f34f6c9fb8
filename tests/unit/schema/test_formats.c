#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema/formats.h"

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        { "http://a", true },
        { "https://example.test/x?y=z", true },
        { "http://127.0.0.1:80", true },
        { "http://[::1]:9000/x", true },
        { "http://[::1]", true },
        { "ftp://a", false },
        { "http://", false },
        { "http:///x", false },
        { "http://a:0", false },
        { "http://a:", false },
        { "http://a:65536", false },
        { "http://u:p@a/", false },
        { "http://a b", false },
        { "http://[::1", false },
        { "http://[1.2.3.4]", false },
        { "http://[::1]x", false },
        { "HTTP://a", false },
        { "http://a\x80", false },
        { "http://?x", false },
        { "http://[", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (url_is_http(rows[i].text) != rows[i].ok)
            fail_msg("%s", rows[i].text);
}

static void addresses(void **state)
{
    (void)state;
    assert_true(format_ip.ok("::1"));
    assert_false(format_ip.ok("localhost"));
    assert_true(format_hostport.ok("[::1]:9000"));
    assert_false(format_hostport.ok("127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(urls), cmocka_unit_test(addresses) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
