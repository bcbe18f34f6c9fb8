#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "schema/json.h"
#include "schema/schema.h"
#include "schema/yaml.h"

struct point {
    uint64_t x;
    char *label;
};

struct door {
    char *password;
    bool open;
};

struct house {
    uint64_t number, floors;
    bool lit;
    int kind;
    char *owner;
    struct schema_strings names, colours;
    struct door door, back;
    struct door *gate;
    SCHEMA_LIST(struct point) points;
};

static const struct schema_row point_rows[] = {
    { "X", SCHEMA_U64, offsetof(struct point, x), .required = true, .max = 9, .help = "Place." },
    { "Label", SCHEMA_STRING, offsetof(struct point, label), .max = 4, .charset = "a-c_-",
      .fallback = "b", .help = "Name." },
};
static const struct schema point_schema = SCHEMA(struct point, point_rows);

static const struct schema_row door_rows[] = {
    { "Password", SCHEMA_STRING, offsetof(struct door, password), .secret = true, .required = true,
      .max = 8, .help = "Opens it." },
    { "Open", SCHEMA_BOOL, offsetof(struct door, open), .fallback = "true", .help = "State." },
};
static const struct schema door_schema = SCHEMA(struct door, door_rows);

static bool not_bob(const char *text)
{
    return strcmp(text, "bob") != 0;
}

static const struct schema_format format_not_bob = { "anyone but bob", not_bob };
static const char *const kinds[] = { "hut", "castle", NULL };

static const struct schema_row house_rows[] = {
    { "Number", SCHEMA_U64, offsetof(struct house, number), .required = true, .zero_missing = true,
      .min = 1, .max = UINT32_MAX, .help = "In the street." },
    { "Floors", SCHEMA_U64, offsetof(struct house, floors), .min = 1, .max = 3, .fallback = "2",
      .help = "Height." },
    { "Lit", SCHEMA_BOOL, offsetof(struct house, lit), .help = "Light." },
    { "Kind", SCHEMA_WORD, offsetof(struct house, kind), .words = kinds, .fallback = "castle",
      .help = "Sort." },
    { "Owner", SCHEMA_STRING, offsetof(struct house, owner), .max = 8, .format = &format_not_bob,
      .help = "Person." },
    { "Names", SCHEMA_STRINGS, offsetof(struct house, names), .max = 4, .max_items = 2,
      .help = "Texts." },
    { "Colours", SCHEMA_STRINGS, offsetof(struct house, colours), .max = 8, .max_items = 4,
      .fallback = "red,blue", .help = "Paint." },
    { "Door", SCHEMA_SECTION, offsetof(struct house, door), .table = &door_schema, .required = true,
      .help = "Front." },
    { "Back", SCHEMA_SECTION, offsetof(struct house, back), .table = &door_schema,
      .help = "Behind." },
    { "Gate", SCHEMA_OBJECT, offsetof(struct house, gate), .table = &door_schema,
      .help = "Outside." },
    { "Points", SCHEMA_OBJECTS, offsetof(struct house, points), .table = &point_schema,
      .max_items = 2, .help = "Places." },
};
static const struct schema house_schema = SCHEMA(struct house, house_rows);

/* All errors as lines "KIND path line: text". */
struct heard {
    struct buf text;
};

static void hear(void *ctx, const struct schema_error *e)
{
    static const char *const names[] = { "unknown", "type", "missing", "range" };
    struct heard *heard = ctx;
    buf_printf(&heard->text, "%s %s %d: ", names[e->kind], e->path, e->line);
    schema_error_text(e, &heard->text);
    buf_put_str(&heard->text, "\n");
}

static const char *read_house(struct heard *heard, struct house *out, const char *text, bool yaml)
{
    struct value *v = NULL;
    struct value_error error;
    buf_init(&heard->text, 1 << 16);
    int err = yaml ? value_from_yaml(&v, bytes_str(text), &error)
                   : value_from_json(&v, bytes_str(text), &error);
    assert_int_equal(err, OK);
    struct schema_sink sink = { hear, heard, yaml ? SCHEMA_BRACKETS : SCHEMA_DOTTED };
    assert_int_equal(schema_read(&house_schema, out, v, &sink), OK);
    value_free(v);
    return buf_str(&heard->text);
}

static void fills_everything(void **state)
{
    (void)state;
    struct heard heard;
    struct house h;
    const char *errors =
        read_house(&heard, &h,
                   "{\"Number\":7,\"Floors\":3,\"Lit\":true,\"Kind\":\"hut\",\"Owner\":\"eve\","
                   "\"Names\":[\"a\",\"b\"],\"Colours\":[],\"Door\":{\"Password\":\"p\","
                   "\"Open\":false},\"Gate\":{\"Password\":\"q\"},\"Points\":[{\"X\":1},"
                   "{\"X\":0,\"Label\":\"a-_c\"}]}",
                   false);
    assert_string_equal(errors, "");
    assert_int_equal(h.number, 7);
    assert_int_equal(h.floors, 3);
    assert_true(h.lit);
    assert_int_equal(h.kind, 0);
    assert_string_equal(h.owner, "eve");
    assert_int_equal(h.names.count, 2);
    assert_string_equal(h.names.items[1], "b");
    assert_int_equal(h.colours.count, 0);
    assert_string_equal(h.door.password, "p");
    assert_false(h.door.open);
    assert_string_equal(h.gate->password, "q");
    assert_true(h.gate->open);
    assert_int_equal(h.points.count, 2);
    assert_string_equal(h.points.items[0].label, "b");
    assert_string_equal(h.points.items[1].label, "a-_c");
    schema_free(&house_schema, &h);
    assert_null(h.gate);
    buf_fini(&heard.text);
}

static void defaults(void **state)
{
    (void)state;
    struct house h;
    assert_int_equal(schema_read(&house_schema, &h, NULL, NULL), OK);
    assert_int_equal(h.floors, 2);
    assert_int_equal(h.kind, 1);
    assert_int_equal(h.colours.count, 2);
    assert_string_equal(h.colours.items[1], "blue");
    assert_true(h.back.open);
    assert_null(h.gate);
    assert_null(h.owner);
    schema_free(&house_schema, &h);
}

#define GOOD "\"Number\":1,\"Door\":{\"Password\":\"p\"}"

static void errors_of_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } rows[] = {
        { "{}",
          "missing Number 0: `Number` is missing, it must be an integer from 1 to 4294967295\n"
          "missing Door 0: `Door` is missing, it must be an object\n" },
        { "{\"Number\":0,\"Door\":{\"Password\":\"\"}}",
          "missing Number 0: `Number` is missing, it must be an integer from 1 to 4294967295\n"
          "missing Door.Password 0: `Door.Password` is missing, it must be a string of 1 to 8 "
          "bytes\n" },
        { "{" GOOD ",\"Tower\":1}", "unknown Tower 0: `Tower` is not known\n" },
        { "{" GOOD ",\"To\\u00e9`\":1}", "unknown To??? 0: `To???` is not known\n" },
        { "{" GOOD ",\"Lit\":1}", "type Lit 0: `Lit` must be true or false, not `1`\n" },
        { "{" GOOD ",\"Lit\":null,\"Owner\":\"\",\"Gate\":null}", "" },
        { "{" GOOD ",\"Floors\":\"2\"}",
          "type Floors 0: `Floors` must be an integer from 1 to 3, not `2`\n" },
        { "{" GOOD ",\"Floors\":-1}", "range Floors 0: `Floors` must be an integer from 1 to 3\n" },
        { "{" GOOD ",\"Floors\":4}",
          "range Floors 0: `Floors` must be an integer from 1 to 3, not `4`\n" },
        { "{" GOOD ",\"Kind\":\"tent\"}",
          "range Kind 0: `Kind` must be one of hut, castle, not `tent`\n" },
        { "{" GOOD ",\"Owner\":\"bob\"}",
          "range Owner 0: `Owner` must be anyone but bob, not `bob`\n" },
        { "{" GOOD ",\"Owner\":[]}", "type Owner 0: `Owner` must be anyone but bob\n" },
        { "{" GOOD ",\"Names\":[\"a\",\"b\",\"c\"]}",
          "range Names 0: `Names` must be a list of at most 2 strings, each 1 to 4 bytes\n" },
        { "{" GOOD ",\"Names\":[\"abcde\",1]}",
          "range Names.0 0: `Names.0` must be a list of at most 2 strings, each 1 to 4 bytes, not "
          "`abcde`\n"
          "type Names.1 0: `Names.1` must be a list of at most 2 strings, each 1 to 4 bytes, not "
          "`1`\n" },
        { "{" GOOD ",\"Points\":[{\"X\":1,\"Label\":\"d\"},{\"Y\":1}]}",
          "range Points.0.Label 0: `Points.0.Label` must be a string of 1 to 4 bytes of [a-c_-], "
          "not `d`\n"
          "unknown Points.1.Y 0: `Points.1.Y` is not known\n"
          "missing Points.1.X 0: `Points.1.X` is missing, it must be an integer from 0 to 9\n" },
        { "{" GOOD ",\"Points\":[3,{\"X\":1}]}",
          "type Points.0 0: `Points.0` must be a list of at most 2 objects, not `3`\n" },
        { "{" GOOD ",\"Back\":\"x\"}", "type Back 0: `Back` must be an object, not `x`\n" },
        { "{\"Number\":1,\"Door\":{\"Password\":\"topsecret\"}}",
          "range Door.Password 0: `Door.Password` must be a string of 1 to 8 bytes\n" },
        { "{\"Number\":1,\"Door\":{\"Password\":12345}}",
          "type Door.Password 0: `Door.Password` must be a string of 1 to 8 bytes\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct heard heard;
        struct house h;
        assert_string_equal(read_house(&heard, &h, rows[i].json, false), rows[i].want);
        assert_int_equal(h.back.open, true);
        schema_free(&house_schema, &h);
        buf_fini(&heard.text);
    }
}

static void yaml_is_typed_by_the_row(void **state)
{
    (void)state;
    struct heard heard;
    struct house h;
    const char *errors = read_house(&heard, &h,
                                    "Number: 5\nOwner: 123\nLit: true\nKind: hut\nDoor:\n"
                                    "  Password: 0815\n  Open: false\nNames: [1, true]\n",
                                    true);
    assert_string_equal(errors, "");
    assert_string_equal(h.owner, "123");
    assert_string_equal(h.door.password, "0815");
    assert_string_equal(h.names.items[1], "true");
    schema_free(&house_schema, &h);
    buf_fini(&heard.text);
}

static void yaml_errors_have_lines(void **state)
{
    (void)state;
    struct heard heard;
    struct house h;
    const char *errors = read_house(&heard, &h,
                                    "Number: x\nFloors: 9\nDoor:\n  Open: yes\nPoints:\n"
                                    "  - X: 1\n  - X: 1\n    Z: 2\nLit: \"true\"\n",
                                    true);
    assert_string_equal(errors,
                        "type Number 1: `Number` must be an integer from 1 to 4294967295, not `x`\n"
                        "range Floors 2: `Floors` must be an integer from 1 to 3, not `9`\n"
                        "type Lit 9: `Lit` must be true or false, not `true`\n"
                        "missing Door.Password 3: `Door.Password` is missing, it must be a string "
                        "of 1 to 8 bytes\n"
                        "type Door.Open 4: `Door.Open` must be true or false, not `yes`\n"
                        "unknown Points[1].Z 8: `Points[1].Z` is not known\n");
    schema_free(&house_schema, &h);
    buf_fini(&heard.text);
}

static char *random_text(void)
{
    char text[9] = { 0 };
    for (int i = 0, len = 1 + rand() % 8; i < len; i++)
        text[i] = (char)(' ' + rand() % 95);
    return strdup(strcmp(text, "bob") == 0 ? "eve" : text);
}

static void random_house(struct house *h)
{
    assert_int_equal(schema_read(&house_schema, h, NULL, NULL), OK);
    h->number = 1 + (uint64_t)rand();
    h->floors = 1 + (uint64_t)rand() % 3;
    h->lit = rand() % 2;
    h->kind = rand() % 2;
    h->owner = rand() % 2 ? random_text() : NULL;
    h->door.password = random_text();
    h->back.password = random_text();
    if (rand() % 2 && (h->gate = calloc(1, sizeof *h->gate)))
        h->gate->password = random_text();
    h->points.count = (size_t)rand() % 3;
    h->points.items = calloc(2, sizeof *h->points.items);
    for (size_t i = 0; i < h->points.count; i++) {
        h->points.items[i].x = (uint64_t)rand() % 10;
        h->points.items[i].label = strdup("cab");
    }
}

/* read(write(x)) == x, seen by writing again. */
static void written_and_read_again(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 200; i++) {
        struct house h, again;
        random_house(&h);
        struct buf text, text2;
        buf_init(&text, 1 << 16);
        buf_init(&text2, 1 << 16);
        schema_write_json(&house_schema, &h, &text);
        struct heard heard;
        assert_string_equal(read_house(&heard, &again, buf_str(&text), false), "");
        schema_write_json(&house_schema, &again, &text2);
        assert_string_equal(buf_str(&text), buf_str(&text2));
        schema_free(&house_schema, &h);
        schema_free(&house_schema, &again);
        buf_fini(&heard.text);
        buf_fini(&text);
        buf_fini(&text2);
    }
}

static void reference_names_every_row(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    schema_reference(&house_schema, &text);
    assert_non_null(
        strstr(buf_str(&text), "\nFloors\n    an integer from 1 to 3; default 2\n    Height.\n"));
    assert_non_null(
        strstr(buf_str(&text), "\nDoor.Password\n    a string of 1 to 8 bytes; required\n"));
    assert_non_null(strstr(buf_str(&text), "\nPoints[].Label\n"));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_everything),          cmocka_unit_test(defaults),
        cmocka_unit_test(errors_of_each_kind),       cmocka_unit_test(yaml_is_typed_by_the_row),
        cmocka_unit_test(yaml_errors_have_lines),    cmocka_unit_test(written_and_read_again),
        cmocka_unit_test(reference_names_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
