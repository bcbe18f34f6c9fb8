/* Runs tests/data/api_cases.txt, which says how it is to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/api.h"
#include "api/doc.h"
#include "api/tc3.h"
#include "api/v1.h"
#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"

#define ID   "AKIDexample0000000000000000000000001"
#define KEY  "example-secret-key-0001"
#define HOST "trtc.example.test"
#define WHEN 1735707617u
#define FORM "application/x-www-form-urlencoded"

#define MAX_NAMED 32
#define MAX_TEXT  (1u << 20)

/* --- a task layer that takes everything --- */

static void op_create(void *ctx, struct create_params *params, struct api_call *call)
{
    (void)ctx;
    create_params_free(params);
    api_call_succeed(call, NULL);
}

static void op_task(void *ctx, uint32_t app, const char *task, struct api_call *call)
{
    (void)ctx;
    assert_int_equal(app, 1400000001);
    assert_true(*task);
    api_call_succeed(call, NULL);
}

static void op_modify(void *ctx, struct modify_params *params, struct api_call *call)
{
    (void)ctx;
    modify_params_free(params);
    api_call_succeed(call, NULL);
}

static bool op_app_known(void *ctx, uint32_t app)
{
    (void)ctx;
    return app == 1400000001;
}

static const char *op_secret_key(void *ctx, const char *id)
{
    (void)ctx;
    return strcmp(id, ID) == 0 ? KEY : NULL;
}

/* Application 1400000009 belongs to somebody else. */
static bool op_may(void *ctx, const char *id, const char *action, uint32_t app)
{
    (void)ctx;
    (void)id;
    (void)action;
    return app != 1400000009;
}

static usec_t op_now(void *ctx)
{
    (void)ctx;
    return 0;
}

static const struct api_ops ops = { op_create,    op_task,       op_modify, op_task,
                                    op_app_known, op_secret_key, op_may,    op_now };

/* --- requests --- */

struct answer {
    int replies;
    char code[80]; /* "ok" */
    char message[400];
};

static void on_reply(void *ctx, struct http_answer *http)
{
    struct answer *a = ctx;
    a->replies++;
    assert_int_equal(http->status, 200);
    json_t *json = json_loads(buf_str(&http->body), 0, NULL);
    json_t *error = json_object_get(json_object_get(json, "Response"), "Error");
    const char *code = json_string_value(json_object_get(error, "Code"));
    const char *message = json_string_value(json_object_get(error, "Message"));
    snprintf(a->code, sizeof a->code, "%s", error ? code : "ok");
    snprintf(a->message, sizeof a->message, "%s", error ? message : "");
    json_decref(json);
    http_answer_fini(http);
}

static struct answer send_request(struct api *api, const struct http_request *request)
{
    struct answer a = { 0 };
    api_handle(api, request, (usec_t)WHEN * SEC, (struct api_reply){ on_reply, &a });
    assert_int_equal(a.replies, 1);
    return a;
}

static struct answer send_tc3(struct api *api, const char *method, const char *type,
                              const char *action, struct bytes query, struct bytes body)
{
    struct tc3_signing signing = { ID, KEY, "trtc", method, HOST, type, query, body, WHEN, false };
    struct buf authorization;
    buf_init(&authorization, 1024);
    assert_int_equal(tc3_sign(&signing, &authorization), OK);
    const struct http_header headers[] = {
        { "Host", HOST },
        { "Content-Type", type },
        { "X-TC-Action", action },
        { "X-TC-Version", "2019-07-22" },
        { "X-TC-Region", "ap-singapore" },
        { "X-TC-Timestamp", "1735707617" },
        { "Authorization", buf_str(&authorization) },
    };
    const struct http_request r = { .method = method,
                                    .path = bytes_str("/"),
                                    .query = query,
                                    .headers = headers,
                                    .header_count = sizeof headers / sizeof *headers,
                                    .body = body };
    struct answer a = send_request(api, &r);
    buf_fini(&authorization);
    return a;
}

static void put_encoded(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++)
        if (strchr("-._~", *c) || (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
            (*c >= 'a' && *c <= 'z'))
            buf_put_u8(out, (uint8_t)*c);
        else
            buf_printf(out, "%%%02X", (uint8_t)*c);
}

static void put_pair(struct buf *out, const char *name, const char *value)
{
    if (out->len)
        buf_put_u8(out, '&');
    put_encoded(out, name);
    buf_put_u8(out, '=');
    put_encoded(out, value);
}

/* Dotted keys, as clients flatten (api.md 2.3): what is null or empty is not sent. */
static void flatten(const json_t *value, const char *name, struct buf *out)
{
    char inner[400];
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            snprintf(inner, sizeof inner, "%s%s%s", name, *name ? "." : "", key);
            flatten(member, inner, out);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            snprintf(inner, sizeof inner, "%s.%zu", name, i);
            flatten(member, inner, out);
        }
    } else if (json_is_string(value)) {
        put_pair(out, name, json_string_value(value));
    } else if (!json_is_null(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
        put_pair(out, name, text);
        free(text);
    }
}

static struct answer send_form(struct api *api, const char *action, const struct buf *params)
{
    struct buf text, signature;
    struct pairs pairs;
    buf_init(&text, MAX_TEXT);
    buf_init(&signature, 100);
    buf_printf(&text,
               "Action=%s&Version=2019-07-22&Region=ap-singapore&Timestamp=%u&Nonce=7&SecretId=" ID
               "&SignatureMethod=HmacSHA256&",
               action, WHEN);
    buf_put_bytes(&text, buf_bytes(params));
    assert_int_equal(pairs_read(&pairs, buf_bytes(&text)), OK);
    assert_int_equal(v1_sign("POST", HOST, &pairs, V1_SHA256, KEY, &signature), OK);
    put_pair(&text, "Signature", buf_str(&signature));
    static const struct http_header headers[] = { { "Host", HOST }, { "Content-Type", FORM } };
    const struct http_request r = { .method = "POST",
                                    .path = bytes_str("/"),
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = buf_bytes(&text) };
    struct answer a = send_request(api, &r);
    pairs_fini(&pairs);
    buf_fini(&signature);
    buf_fini(&text);
    return a;
}

/* --- the file --- */

enum kind { GOOD, LOW, HIGH, TYPE, ABSENT, UNKNOWN, RULE, KINDS };
static const char *const kind_names[KINDS] = { "good",   "low",     "high", "type",
                                               "absent", "unknown", "rule" };

struct base {
    char name[32];
    const struct doc_action *action;
    json_t *params;
};

struct coverage {
    const void *what; /* a row, or a table for UNKNOWN */
    unsigned kinds;
};

struct file {
    struct api *api;
    struct base bases[MAX_NAMED];
    struct {
        char name[32], code[80];
    } codes[MAX_NAMED];
    size_t base_count, code_count, covered_count;
    struct coverage covered[400];
    const struct base *base; /* of the section */
    char path[200];
    char line[8192], next[8192];
    int line_number, rows, failures;
};

static void __attribute__((format(printf, 2, 3), noreturn))
broken(const struct file *f, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fail_msg("api_cases.txt:%d: %s", f->line_number, text);
    abort();
}

static char *trim(char *text)
{
    text += strspn(text, " ");
    for (size_t len = strlen(text); len && strchr(" \n", text[len - 1]); len--)
        text[len - 1] = 0;
    return text;
}

/* Cuts at the next " | ", which no value holds. NULL: there was none. */
static char *cut(char **rest)
{
    char *part = *rest, *bar = part ? strstr(part, "| ") : NULL;
    *rest = bar ? bar + 2 : NULL;
    if (bar)
        *bar = 0;
    return part ? trim(part) : NULL;
}

static const struct doc_action *action_named(const struct file *f, const char *name)
{
    for (size_t i = 0; i < DOC_ACTIONS; i++)
        if (strcmp(doc_actions[i].name, name) == 0)
            return &doc_actions[i];
    broken(f, "no action %s", name);
}

static const struct base *base_named(const struct file *f, const char *name)
{
    for (size_t i = 0; i < f->base_count; i++)
        if (strcmp(f->bases[i].name, name) == 0)
            return &f->bases[i];
    broken(f, "no base %s", name);
}

static const char *code_named(const struct file *f, const char *name)
{
    for (size_t i = 0; i < f->code_count; i++)
        if (strcmp(f->codes[i].name, name) == 0)
            return f->codes[i].code;
    return name;
}

static json_t *text_of(const char *head, unsigned long len, const char *tail)
{
    struct buf text;
    buf_init(&text, MAX_TEXT);
    buf_put_str(&text, head);
    while (text.len + strlen(tail) < len)
        buf_put_u8(&text, 'a');
    buf_put_str(&text, tail);
    json_t *out = json_string(buf_str(&text));
    buf_fini(&text);
    return out;
}

static json_t *parse_value(const struct file *f, const char *text);

static json_t *list_of(const struct file *f, unsigned long count, const char *item)
{
    json_t *out = json_array();
    for (unsigned long i = 0; i < count; i++)
        json_array_append_new(out, parse_value(f, item));
    return out;
}

static json_t *parse_value(const struct file *f, const char *text)
{
    unsigned long n;
    int used = 0;
    if (sscanf(text, "text(%lu)%n", &n, &used) == 1 && used)
        return text_of("", n, "");
    if (sscanf(text, "[text(%lu)]%n", &n, &used) == 1 && used)
        return json_pack("[o]", text_of("", n, ""));
    if (sscanf(text, "picture(%lu)%n", &n, &used) == 1 && used)
        return text_of("http://a/", n, ".png");
    if (sscanf(text, "host(%lu)%n", &n, &used) == 1 && used)
        return text_of("a", n, "");
    if (sscanf(text, "list(%lu) %n", &n, &used) == 1 && used)
        return list_of(f, n, text + used);
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!value)
        broken(f, "%s is no value", text);
    return value;
}

/* Sets or (`value` NULL) takes out what stands at the end of the path; objects on the way are
 * made. Takes `value`. */
static void put_at(const struct file *f, json_t *root, const char *path, json_t *value)
{
    char name[100];
    size_t len = strcspn(path, ".");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    bool last = !path[len];
    if (json_is_array(root)) {
        json_t *item = json_array_get(root, (size_t)atoi(name));
        if (!item || last)
            broken(f, "%s leads nowhere", path);
        put_at(f, item, path + len + 1, value);
    } else if (last && value) {
        json_object_set_new(root, name, value);
    } else if (last) {
        json_object_del(root, name);
    } else {
        if (!json_object_get(root, name))
            json_object_set_new(root, name, json_object());
        put_at(f, json_object_get(root, name), path + len + 1, value);
    }
}

static void put_text_at(const struct file *f, json_t *root, const char *path, const char *text)
{
    put_at(f, root, path, strcmp(text, "absent") == 0 ? NULL : parse_value(f, text));
}

/* --- which parameters have rows --- */

static const struct schema_row *row_named(const struct schema *table, const char *name, size_t len)
{
    for (size_t i = 0; i < table->count; i++)
        if (strlen(table->rows[i].name) == len && strncmp(table->rows[i].name, name, len) == 0)
            return &table->rows[i];
    return NULL;
}

/* The row, or for a neighbour that does not exist the table. */
static const void *resolve(const struct file *f, bool unknown)
{
    const struct schema *table = f->base->action->request;
    const struct schema_row *row = NULL;
    for (const char *at = f->path; *at;) {
        size_t len = strcspn(at, ".");
        bool index = len && strspn(at, "0123456789") == len, last = !at[len];
        if (!index)
            row = table ? row_named(table, at, len) : NULL;
        if (last && unknown && table && !row)
            return table;
        if (!row)
            broken(f, "%s is no parameter", f->path);
        table = row->table;
        at += len + !last;
    }
    if (unknown)
        broken(f, "%s is known", f->path);
    return row;
}

static void cover(struct file *f, enum kind kind)
{
    const void *what = resolve(f, kind == UNKNOWN);
    size_t i = 0;
    while (i < f->covered_count && f->covered[i].what != what)
        i++;
    if (i == f->covered_count)
        f->covered[f->covered_count++].what = what;
    f->covered[i].kinds |= 1u << kind;
}

static unsigned kinds_of(const struct file *f, const void *what)
{
    for (size_t i = 0; i < f->covered_count; i++)
        if (f->covered[i].what == what)
            return f->covered[i].kinds;
    return 0;
}

/* What can be wrong with a parameter. */
static unsigned kinds_wanted(const struct schema_row *row)
{
    bool text = row->type == SCHEMA_STRING || row->type == SCHEMA_STRINGS;
    bool bounded = row->type == SCHEMA_U64 && row->max < INT64_MAX;
    bool object = row->type == SCHEMA_OBJECT || row->type == SCHEMA_SECTION;
    unsigned kinds = 1u << TYPE | 1u << ABSENT;
    if (!object)
        kinds |= 1u << GOOD;
    if (text || row->type == SCHEMA_U64)
        kinds |= 1u << LOW;
    if (text || bounded || row->type == SCHEMA_OBJECTS)
        kinds |= 1u << HIGH;
    return kinds;
}

static void expect_covered(struct file *f, const char *where, const struct schema *table)
{
    if (!kinds_of(f, table)) {
        print_error("%s: no row with an unknown member\n", where);
        f->failures++;
    }
    for (size_t i = 0; i < table->count; i++) {
        unsigned missing = kinds_wanted(&table->rows[i]) & ~kinds_of(f, &table->rows[i]);
        for (int kind = 0; kind < KINDS; kind++)
            if (missing & 1u << kind) {
                print_error("%s.%s: no row `%s`\n", where, table->rows[i].name, kind_names[kind]);
                f->failures++;
            }
    }
}

static void expect_all_covered(struct file *f)
{
    struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    for (size_t i = 0; i < DOC_ACTIONS; i++)
        expect_covered(f, doc_actions[i].name, doc_actions[i].request);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)objects[i].name_len, objects[i].name);
        if (objects[i].table->size)
            expect_covered(f, name, objects[i].table);
    }
}

/* --- running --- */

static void compare(struct file *f, const char *how, const struct answer *a, const char *want)
{
    want = code_named(f, want);
    if (strcmp(a->code, want) == 0)
        return;
    print_error("api_cases.txt:%d: %s as %s: wanted %s, got %s %s\n", f->line_number, f->path, how,
                want, a->code, a->message);
    f->failures++;
}

static void run(struct file *f, const json_t *params, const char *json_code, const char *form_code)
{
    const char *action = f->base->action->name;
    char *json = json_dumps(params, JSON_COMPACT);
    struct buf form;
    buf_init(&form, MAX_TEXT);
    flatten(params, "", &form);
    assert_int_equal(form.err, OK);

    struct answer a =
        send_tc3(f->api, "POST", "application/json", action, bytes_str(""), bytes_str(json));
    compare(f, "JSON", &a, json_code);
    a = send_form(f->api, action, &form);
    compare(f, "form", &a, form_code);
    a = send_tc3(f->api, "GET", FORM, action, buf_bytes(&form), bytes_str(""));
    compare(f, "query", &a, form_code);
    f->rows++;
    free(json);
    buf_fini(&form);
}

static bool read_line(struct file *f, FILE *in)
{
    if (!*f->next && !fgets(f->next, sizeof f->next, in))
        return false;
    strcpy(f->line, f->next);
    f->line_number++;
    if (!fgets(f->next, sizeof f->next, in))
        *f->next = 0;
    return true;
}

static enum kind kind_of(const struct file *f, const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kind_names[i], name) == 0)
            return (enum kind)i;
    broken(f, "no kind %s", name);
}

static void run_row(struct file *f, FILE *in)
{
    char *rest = f->line, *kind = cut(&rest), *value = cut(&rest), *code = cut(&rest),
         *form_code = cut(&rest);
    if (!code || !f->base)
        broken(f, "a row has a kind, a value and a code");
    char codes[2][80];
    snprintf(codes[0], sizeof codes[0], "%s", code);
    snprintf(codes[1], sizeof codes[1], "%s", form_code ? form_code : code);
    cover(f, kind_of(f, kind));
    json_t *params = json_deep_copy(f->base->params);
    put_text_at(f, params, f->path, value);
    while (*f->next == '&' && read_line(f, in)) {
        char *more = f->line + 1, *path = cut(&more), *text = cut(&more);
        put_text_at(f, params, path, text);
    }
    run(f, params, codes[0], codes[1]);
    json_decref(params);
}

static void read_base(struct file *f)
{
    char action[64];
    int used = 0;
    struct base *b = &f->bases[f->base_count++];
    assert_true(f->base_count < MAX_NAMED);
    if (sscanf(f->line, "base %31s %63s %n", b->name, action, &used) != 2)
        broken(f, "base NAME ACTION JSON");
    b->action = action_named(f, action);
    b->params = parse_value(f, trim(f->line + used));
}

static void read_code(struct file *f)
{
    assert_true(f->code_count < MAX_NAMED);
    if (sscanf(f->line, "code %31s %79s", f->codes[f->code_count].name,
               f->codes[f->code_count].code) != 2)
        broken(f, "code NAME CODE");
    f->code_count++;
}

static void read_section(struct file *f)
{
    char name[32];
    if (sscanf(f->line, "[%31[^]]] %199s", name, f->path) != 2)
        broken(f, "[NAME] PATH");
    f->base = base_named(f, name);
}

static void every_row(void **state)
{
    (void)state;
    struct file *f = calloc(1, sizeof *f);
    static const char *const regions[] = { "ap-singapore" };
    const struct api_settings settings = { .regions = regions, .region_count = 1 };
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/data/api_cases.txt", getenv("SOURCE_ROOT"));
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    f->api = api_new(&settings, &ops, NULL);
    while (read_line(f, in)) {
        if (*f->line == '#' || *f->line == '\n')
            continue;
        if (strncmp(f->line, "base ", 5) == 0)
            read_base(f);
        else if (strncmp(f->line, "code ", 5) == 0)
            read_code(f);
        else if (*f->line == '[')
            read_section(f);
        else
            run_row(f, in);
    }
    fclose(in);
    expect_all_covered(f);
    int failures = f->failures;
    printf("%d rows, each as JSON, form and query\n", f->rows);
    assert_in_range(f->rows, 500, 100000);
    for (size_t i = 0; i < f->base_count; i++)
        json_decref(f->bases[i].params);
    api_free(f->api);
    free(f);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_row) };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
