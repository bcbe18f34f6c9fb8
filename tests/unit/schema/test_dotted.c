#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "schema/dotted.h"
#include "schema/schema.h"

#define MAX_PAIRS 64

static void print(const struct value *v, struct buf *out)
{
    bool object = v->kind == VALUE_OBJECT;
    if (v->text) {
        buf_put_str(out, v->text);
        return;
    }
    buf_put_u8(out, object ? '{' : '[');
    for (const struct value *c = v->first; c; c = c->next) {
        if (object)
            buf_printf(out, "%s:", c->key);
        print(c, out);
        if (c->next)
            buf_put_u8(out, ' ');
    }
    buf_put_u8(out, object ? '}' : ']');
}

/* "a.b=1 a.c=2" */
static int read_text(const char *text, struct value **out, struct value_error *error)
{
    struct dotted_pair pairs[MAX_PAIRS];
    char *keys[MAX_PAIRS];
    size_t count = 0;
    struct bytes rest = bytes_str(text);
    while (rest.len) {
        struct bytes value, pair = str_split(rest, ' ', &rest);
        struct bytes key = str_split(pair, '=', &value);
        keys[count] = str_dup(key);
        pairs[count] = (struct dotted_pair){ keys[count], value_new_text(VALUE_TEXT, 0, value) };
        count++;
    }
    int err = value_from_dotted(out, pairs, count, error);
    while (count)
        free(keys[--count]);
    return err;
}

static void trees(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        int err;
    } rows[] = {
        { "", "{}", OK },
        { "a=1", "{a:1}", OK },
        { "b=2 a=1", "{a:1 b:2}", OK },
        { "a.b=1", "{a:{b:1}}", OK },
        { "a.c=2 a.b=1 d=3", "{a:{b:1 c:2} d:3}", OK },
        { "a.b-c=1 a.b.d=2", "{a:{b:{d:2} b-c:1}}", OK },
        { "a.0=x", "{a:[x]}", OK },
        { "a.1=y a.0=x", "{a:[x y]}", OK },
        { "a.10=k a.2=c a.0=a a.1=b a.3=d a.4=e a.5=f a.6=g a.7=h a.8=i a.9=j",
          "{a:[a b c d e f g h i j k]}", OK },
        { "a.1.w=2 a.0.h=3 a.0.w=1", "{a:[{h:3 w:1} {w:2}]}", OK },
        { "0=x", "{0:x}", OK },         /* the root is no list */
        { "a.00=x", "{a:{00:x}}", OK }, /* no index */
        { "a.0=x a.b=y", "{a:{0:x b:y}}", OK },
        { "a=", "{a:}", OK },
        { "a=1 a=2", "`a` is given twice", ERR_MALFORMED },
        { "a=1 a.b=2", "`a` is given twice, or is both", ERR_MALFORMED },
        { "a.b=1 a=2 a-b=3", "`a` is given twice, or is both", ERR_MALFORMED },
        { "a..b=1", "`a..b` has an empty name", ERR_MALFORMED },
        { ".a=1", "`.a` has an empty name", ERR_MALFORMED },
        { "a.=1", "`a.` has an empty name", ERR_MALFORMED },
        { "a.1=x", "`a.1` belongs to a list", ERR_MALFORMED },
        { "a.0=x a.2=y", "belongs to a list", ERR_MALFORMED },
        { "a.99999999999999999999=x", "belongs to a list", ERR_MALFORMED },
        { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1",
          "{a:{b:{c:{d:{e:{f:{g:{h:{i:{j:{k:{l:{m:{n:{o:{p:1}"
          "}}}}}}}}}}}}}}}",
          OK },
        { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "is nested too deep", ERR_LIMIT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value *v = NULL;
        struct value_error error = { 0 };
        struct buf text;
        int err = read_text(rows[i].text, &v, &error);
        buf_init(&text, 4096);
        if (!err)
            print(v, &text);
        if (err != rows[i].err || (err && !strstr(error.message, rows[i].want)) ||
            (!err && strcmp(buf_str(&text), rows[i].want) != 0))
            fail_msg("%s: %s %s", rows[i].text, buf_str(&text), error.message);
        buf_fini(&text);
        value_free(v);
    }
}

static void too_many(void **state)
{
    (void)state;
    const size_t count = VALUE_MAX_NODES + 1;
    struct dotted_pair *pairs = calloc(count, sizeof *pairs);
    char(*keys)[16] = calloc(count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "a.%zu", i);
        pairs[i] = (struct dotted_pair){ keys[i], value_new(VALUE_NULL, 0) };
    }
    struct value *v;
    struct value_error error;
    assert_int_equal(value_from_dotted(&v, pairs, count, &error), ERR_LIMIT);
    free(pairs);
    free(keys);
}

/* A list in any order is the list. */
static void order_does_not_matter(void **state)
{
    (void)state;
    unsigned seed = 20250101;
    for (int round = 0; round < 200; round++) {
        struct dotted_pair pairs[MAX_PAIRS];
        char keys[MAX_PAIRS][16];
        size_t count = 1 + (size_t)rand_r(&seed) % MAX_PAIRS;
        for (size_t i = 0; i < count; i++) {
            snprintf(keys[i], sizeof keys[i], "list.%zu", i);
            pairs[i] =
                (struct dotted_pair){ keys[i], value_new_text(VALUE_TEXT, 0, bytes_str(keys[i])) };
        }
        for (size_t i = count - 1; i > 0; i--) {
            size_t other = (size_t)rand_r(&seed) % (i + 1);
            struct dotted_pair swap = pairs[i];
            pairs[i] = pairs[other];
            pairs[other] = swap;
        }
        struct value *v;
        struct value_error error;
        assert_int_equal(value_from_dotted(&v, pairs, count, &error), OK);
        const struct value *item = value_member(v, "list")->first;
        for (size_t i = 0; i < count; i++, item = item->next)
            assert_string_equal(item->text, keys[i]);
        assert_null(item);
        value_free(v);
    }
}

struct sample {
    uint64_t n;
    bool flag;
};

static const struct schema_row sample_rows[] = {
    { "N", SCHEMA_U64, offsetof(struct sample, n), .max = 9, .help = "A number." },
    { "Flag", SCHEMA_BOOL, offsetof(struct sample, flag), .help = "A word." },
};
static const struct schema sample_schema = SCHEMA(struct sample, sample_rows);

static void keep_kind(void *ctx, const struct schema_error *e)
{
    *(int *)ctx = (int)e->kind;
}

/* Texts are typed by the row. */
static void typed_by_the_table(void **state)
{
    (void)state;
    enum { FINE = -1 };
    static const struct {
        const char *text;
        int kind;
    } rows[] = {
        { "N=9", FINE },
        { "N=", FINE },
        { "Flag=true", FINE },
        { "Flag=False", FINE },
        { "Flag=TRUE", SCHEMA_WRONG_TYPE },
        { "Flag=1", SCHEMA_WRONG_TYPE },
        { "N=10", SCHEMA_OUT_OF_RANGE },
        { "N=-1", SCHEMA_OUT_OF_RANGE },
        { "N=1.5", SCHEMA_WRONG_TYPE },
        { "N=18446744073709551616", SCHEMA_OUT_OF_RANGE },
        { "N=1.", SCHEMA_WRONG_TYPE },
        { "N=-", SCHEMA_WRONG_TYPE },
        { "N=0x1", SCHEMA_WRONG_TYPE },
        { "N=+1", SCHEMA_WRONG_TYPE },
        { "N=true", SCHEMA_WRONG_TYPE },
        { "N.0=1", SCHEMA_WRONG_TYPE },
        { "N.a=1", SCHEMA_WRONG_TYPE },
        { "M=1", SCHEMA_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value *v;
        struct value_error error;
        struct sample sample;
        int kind = FINE;
        const struct schema_sink sink = { keep_kind, &kind, SCHEMA_DOTTED };
        assert_int_equal(read_text(rows[i].text, &v, &error), OK);
        assert_int_equal(schema_read(&sample_schema, &sample, v, &sink), OK);
        if (kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].text, kind);
        schema_prune(&sample_schema, v);
        kind = FINE;
        assert_int_equal(schema_read(&sample_schema, &sample, v, &sink), OK);
        assert_int_equal(kind, rows[i].kind == SCHEMA_UNKNOWN ? FINE : rows[i].kind);
        value_free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(too_many),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(typed_by_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
