#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "schema/json.h"
#include "schema/yaml.h"

typedef int parse_fn(struct value **out, struct bytes text, struct value_error *error);

/* Parses an exact-size copy, so that the sanitizer sees a read past the end. */
static int parse(parse_fn *fn, struct bytes text, struct value **out, struct value_error *error)
{
    uint8_t *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    int err = fn(out, bytes_of(copy, text.len), error);
    free(copy);
    return err;
}

struct refused {
    const char *what, *text, *message;
    int err, line;
};

static void check_refused(parse_fn *fn, const struct refused *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct value *v = NULL;
        struct value_error error = { 0 };
        int err = parse(fn, bytes_str(rows[i].text), &v, &error);
        if (err != rows[i].err || error.line != rows[i].line ||
            !strstr(error.message, rows[i].message))
            fail_msg("%s: err %d line %d: %s", rows[i].what, err, error.line, error.message);
        assert_null(v);
    }
}

static void json_refused(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        { "empty", "", "too early", ERR_MALFORMED, 1 },
        { "no object", "[1]", "not an object", ERR_MALFORMED, 0 },
        { "duplicate", "{\"a\":1,\n\"a\":2}", "twice", ERR_MALFORMED, 2 },
        { "more after", "{} x", "more after", ERR_MALFORMED, 1 },
        { "not UTF-8", "{\"a\":\"\xff\"}", "UTF-8", ERR_MALFORMED, 1 },
        { "NUL", "{\"a\":\"\\u0000\"}", "NUL", ERR_MALFORMED, 1 },
        { "too large", "{\"a\":99999999999999999999}", "too large", ERR_MALFORMED, 1 },
        { "comment", "{/* */}", "malformed", ERR_MALFORMED, 1 },
        { "deep", "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "too deep", ERR_LIMIT, 0 },
    };
    check_refused(value_from_json, rows, sizeof rows / sizeof *rows);
}

static void yaml_refused(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        { "scalar", "hello", "not a mapping", ERR_MALFORMED, 1 },
        { "list", "- 1", "not a mapping", ERR_MALFORMED, 1 },
        { "duplicate", "a: 1\nb: 2\na: 3\n", "same key", ERR_MALFORMED, 3 },
        { "anchor", "a: &x 1\nb: 2", "anchors", ERR_MALFORMED, 1 },
        { "alias", "a: 1\nb: *x", "aliases", ERR_MALFORMED, 2 },
        { "tag", "a: !!str 1", "tags", ERR_MALFORMED, 1 },
        { "NUL", "a: \"\\0\"", "NUL", ERR_MALFORMED, 1 },
        { "NUL in a key", "\"x\\0\": 1", "key", ERR_MALFORMED, 1 },
        { "list as key", "? [1]\n: 2", "key", ERR_MALFORMED, 1 },
        { "two documents", "a: 1\n---\nb: 2", "more than one", ERR_MALFORMED, 2 },
        { "tab", "a:\n\t- 1", "token", ERR_MALFORMED, 2 },
        { "open", "a: [1, 2", "expected", ERR_MALFORMED, 2 },
        { "deep", "a: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "too deep", ERR_LIMIT, 1 },
    };
    check_refused(value_from_yaml, rows, sizeof rows / sizeof *rows);
}

static void too_many_values(void **state)
{
    (void)state;
    static parse_fn *const fns[] = { value_from_json, value_from_yaml };
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_str(&text, "{\"a\":[1");
    for (int i = 0; i < VALUE_MAX_NODES; i++)
        buf_put_str(&text, ",1");
    buf_put_str(&text, "]}");
    for (int i = 0; i < 2; i++) {
        struct value *v = NULL;
        struct value_error error;
        assert_int_equal(parse(fns[i], buf_bytes(&text), &v, &error), ERR_LIMIT);
    }
    buf_fini(&text);
}

static void json_kinds(void **state)
{
    (void)state;
    struct value *v;
    struct value_error error;
    const char *text = "{\"n\":null,\"b\":true,\"u\":9007199254740993,\"m\":-1,\"r\":1.0,"
                       "\"s\":\"x,[\\\"{\",\"l\":[1,2],\"o\":{\"k\":\"v\"}}";
    assert_int_equal(parse(value_from_json, bytes_str(text), &v, &error), OK);
    assert_int_equal(value_member(v, "n")->kind, VALUE_NULL);
    assert_true(value_member(v, "b")->truth);
    assert_true(value_member(v, "u")->number == 9007199254740993u);
    assert_int_equal(value_member(v, "m")->kind, VALUE_NEGATIVE);
    assert_int_equal(value_member(v, "r")->kind, VALUE_FRACTION);
    assert_string_equal(value_member(v, "s")->text, "x,[\"{");
    assert_int_equal(value_at(v, "l.1")->number, 2);
    assert_int_equal(value_at(v, "l[1]")->number, 2);
    assert_string_equal(value_at(v, "o.k")->text, "v");
    assert_ptr_equal(value_at(v, "o.none.deeper"), value_member(v, "o"));
    assert_null(value_member(v, "none"));
    value_free(v);
}

static void yaml_kinds_and_lines(void **state)
{
    (void)state;
    struct value *v;
    struct value_error error;
    const char *text = "# comment\nn: ~\ne:\np: 12\nq: \"12\"\nl:\n  - x: 1\n    y: 2\n  - 'z'\n";
    assert_int_equal(parse(value_from_yaml, bytes_str(text), &v, &error), OK);
    assert_int_equal(value_member(v, "n")->kind, VALUE_NULL);
    assert_int_equal(value_member(v, "e")->kind, VALUE_NULL);
    assert_int_equal(value_member(v, "p")->kind, VALUE_TEXT);
    assert_int_equal(value_member(v, "q")->kind, VALUE_STRING);
    assert_int_equal(value_member(v, "q")->line, 5);
    assert_int_equal(value_at(v, "l[0].y")->line, 8);
    assert_string_equal(value_at(v, "l[1]")->text, "z");
    assert_int_equal(value_at(v, "l[1]")->line, 9);
    value_free(v);

    assert_int_equal(parse(value_from_yaml, bytes_str("# nothing\n"), &v, &error), OK);
    assert_int_equal(v->kind, VALUE_OBJECT);
    assert_null(v->first);
    value_free(v);
}

/* Every prefix gives a tree or a clean refusal. */
static void prefixes(void **state)
{
    (void)state;
    const char *json = "{\"a\":[1,{\"b\":\"\\u00e9\\\"\"}],\"c\":false}";
    const char *yaml = "a:\n  - {b: \"\\u00e9\", c: [x]}\n  - 'q'\nd: |\n  text\n";
    for (size_t i = 0; i < strlen(json); i++) {
        struct value *v = NULL;
        struct value_error error;
        assert_int_equal(parse(value_from_json, bytes_of(json, i), &v, &error), ERR_MALFORMED);
    }
    for (size_t i = 0; i <= strlen(yaml); i++) {
        struct value *v = NULL;
        struct value_error error;
        int err = parse(value_from_yaml, bytes_of(yaml, i), &v, &error);
        assert_true(err == OK ? v != NULL : err == ERR_MALFORMED && v == NULL);
        value_free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_refused),         cmocka_unit_test(yaml_refused),
        cmocka_unit_test(too_many_values),      cmocka_unit_test(json_kinds),
        cmocka_unit_test(yaml_kinds_and_lines), cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
