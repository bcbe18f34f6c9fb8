#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/http.h"

static void query_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *query, *name, *want; /* want NULL: absent or refused */
    } rows[] = {
        { "a=1&b=2", "b", "2" }, { "a=1&b=2", "c", NULL },      { "", "a", NULL },
        { "a", "a", "" },        { "a=x%20y+z", "a", "x y z" }, { "a=%4", "a", NULL },
        { "a=%zz", "a", NULL },  { "a=%00", "a", NULL },        { "ab=1&a=2&a=3", "a", "2" },
        { "a=1=2", "a", "1=2" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 64);
        bool found = http_query(bytes_str(rows[i].query), rows[i].name, &out);
        assert_int_equal(found, rows[i].want != NULL);
        if (found)
            assert_string_equal(buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

static void headers_of_any_case(void **state)
{
    (void)state;
    const struct http_header headers[] = { { "Content-Type", "a" }, { "X-Y", "" } };
    struct http_request request = { .headers = headers, .header_count = 2 };
    assert_string_equal(http_header(&request, "content-type"), "a");
    assert_string_equal(http_header(&request, "x-y"), "");
    assert_null(http_header(&request, "x"));
}

static void answers_own_their_headers(void **state)
{
    (void)state;
    struct http_answer answer;
    http_answer_init(&answer, 200);
    for (int i = 0; i < HTTP_ANSWER_HEADERS + 2; i++)
        http_answer_header(&answer, "X", "%d", i);
    assert_int_equal(answer.header_count, HTTP_ANSWER_HEADERS);
    assert_string_equal(answer.headers[3].value, "3");
    http_answer_fini(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_parameters),
        cmocka_unit_test(headers_of_any_case),
        cmocka_unit_test(answers_own_their_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
