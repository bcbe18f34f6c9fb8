#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/actions.h"
#include "api/doc.h"
#include "api/errors.h"
#include "base/err.h"
#include "schema/json.h"

/* The documents in the tree are those that the program prints now. */
static void expect_current(const char *name, const struct buf *want)
{
    char path[4096];
    struct buf have;
    assert_non_null(getenv("SOURCE_ROOT"));
    snprintf(path, sizeof path, "%s/docs/%s", getenv("SOURCE_ROOT"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    buf_init(&have, 4u << 20);
    for (int c; (c = getc(file)) != EOF;)
        buf_put_u8(&have, (uint8_t)c);
    fclose(file);
    if (strcmp(buf_str(&have), buf_str(want)) != 0)
        fail_msg("docs/%s is not what the tables say now: run tools/make-docs", name);
    buf_fini(&have);
}

static void documents_are_current(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4u << 20);
    doc_markdown(&text);
    assert_int_equal(text.err, OK);
    assert_null(strstr(buf_str(&text), "(null)"));
    expect_current("api.md", &text);
    buf_clear(&text);
    assert_int_equal(doc_openapi(&text), OK);
    expect_current("openapi.json", &text);
    buf_fini(&text);
}

static struct value *read_json(const char *text)
{
    struct value *in;
    struct value_error error;
    if (value_from_json(&in, bytes_str(text), &error))
        fail_msg("%s: %s", error.message, text);
    return in;
}

static void fail_on_error(void *ctx, const struct schema_error *e)
{
    struct buf text;
    buf_init(&text, 1024);
    schema_error_text(e, &text);
    fail_msg("%s: %s", (const char *)ctx, buf_str(&text));
}

/* Every example is a request that is served. */
static void examples_are_good(void **state)
{
    (void)state;
    static const char task[] = "q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx";
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        const struct doc_action *a = &doc_actions[i];
        struct schema_sink sink = { fail_on_error, (void *)a->name, SCHEMA_DOTTED };
        struct value *in = read_json(a->example);
        void *out = calloc(1, a->request->size);
        assert_int_equal(schema_read(a->request, out, in, &sink), OK);
        schema_free(a->request, out);
        free(out);
        value_free(in);
        assert_non_null(strstr(a->answer, task));
    }
    struct create_params *params;
    struct api_problem problem = { 0 };
    struct value *in = read_json(doc_actions[0].example);
    if (create_params_read(&params, in, 0, &problem) || create_params_unserved(params, &problem))
        fail_msg("%s %s", problem.code, problem.detail);
    create_params_free(params);
    value_free(in);
}

static bool has_member(const struct schema *table, const char *name, const struct schema **inner)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0) {
            *inner = table->rows[i].table;
            return true;
        }
    return false;
}

static void expect_documented(const struct schema *table, const struct value *object)
{
    for (const struct value *v = object->first; v; v = v->next) {
        const struct schema *inner = NULL;
        if (v->key && !has_member(table, v->key, &inner))
            fail_msg("`%s` of an answer is not documented", v->key);
        if (inner && v->kind == VALUE_LIST && v->first)
            expect_documented(inner, v->first);
        if (inner && v->kind == VALUE_OBJECT)
            expect_documented(inner, v);
    }
}

static void example_answers_are_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        struct value *answer = read_json(doc_actions[i].answer);
        expect_documented(doc_actions[i].response, answer);
        value_free(answer);
    }
}

static void actions_are_those_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        struct api_problem problem = { 0 };
        const struct action *a = action_find("2019-07-22", doc_actions[i].name, &problem);
        assert_non_null(a);
        assert_string_equal(action_name(a), doc_actions[i].name);
    }
}

static const struct doc_object *object_named(const char *name)
{
    static struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    assert_in_range(count, 1, DOC_MAX_OBJECTS - 1);
    for (size_t i = 0; i < count; i++)
        if (strlen(name) == objects[i].name_len &&
            strncmp(name, objects[i].name, objects[i].name_len) == 0)
            return &objects[i];
    return NULL;
}

static void every_object_has_a_name_of_its_own(void **state)
{
    (void)state;
    struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    assert_non_null(object_named("MixLayout"));
    assert_non_null(object_named("WaterMarkTimestamp"));
    assert_null(object_named("MixLayoutList"));
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)objects[i].name_len, objects[i].name);
        assert_ptr_equal(object_named(name)->table, objects[i].table);
    }
}

/* A code has one meaning for each action, beside what it means to all. */
static void errors_are_listed_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < doc_error_count; i++) {
        assert_true(doc_errors[i].actions != 0 && !(doc_errors[i].actions & ~15u));
        for (size_t k = 0; k < i; k++)
            if (strcmp(doc_errors[i].code, doc_errors[k].code) == 0)
                assert_true(doc_errors[i].actions == DOC_EVERY ||
                            doc_errors[k].actions == DOC_EVERY ||
                            !(doc_errors[i].actions & doc_errors[k].actions));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_current),
        cmocka_unit_test(examples_are_good),
        cmocka_unit_test(example_answers_are_documented),
        cmocka_unit_test(actions_are_those_served),
        cmocka_unit_test(every_object_has_a_name_of_its_own),
        cmocka_unit_test(errors_are_listed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
