/* docs/openapi.json. An action is a path of its own, `/#Name`: the fragment is not sent, and the
 * header X-TC-Action says the same. */
#include <jansson.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/doc.h"
#include "base/err.h"

static json_t *reference(const char *kind, const char *name, size_t len)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%.*s", kind, (int)len, name));
}

/* A charset as the inside of a regular expression's brackets. */
static json_t *pattern(const char *charset)
{
    struct buf text;
    buf_init(&text, 1024);
    buf_put_str(&text, "^[");
    for (const char *c = charset; *c; c++)
        buf_printf(&text, strchr("[]^\\", *c) ? "\\%c" : "%c", *c);
    buf_put_str(&text, "]*$");
    json_t *out = json_string(buf_str(&text));
    buf_fini(&text);
    return out;
}

static json_t *string_schema(const struct schema_row *row)
{
    json_t *out =
        json_pack("{s:s, s:I, s:I}", "type", "string", "minLength",
                  (json_int_t)(row->min ? row->min : 1), "maxLength", (json_int_t)row->max);
    if (row->charset)
        json_object_set_new(out, "pattern", pattern(row->charset));
    return out;
}

static json_t *integer_schema(const struct schema_row *row)
{
    json_t *out = json_pack("{s:s, s:s, s:I}", "type", "integer", "format", "int64", "minimum",
                            (json_int_t)row->min);
    if (row->max < INT64_MAX)
        json_object_set_new(out, "maximum", json_integer((json_int_t)row->max));
    return out;
}

static json_t *word_schema(const struct schema_row *row)
{
    json_t *words = json_array();
    for (size_t i = 0; row->words[i]; i++)
        json_array_append_new(words, json_string(row->words[i]));
    return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

static json_t *list_schema(const struct schema_row *row, json_t *items)
{
    return json_pack("{s:s, s:I, s:o}", "type", "array", "maxItems", (json_int_t)row->max_items,
                     "items", items);
}

static json_t *object_reference(const struct schema_row *row)
{
    struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    for (size_t i = 0; i < count; i++)
        if (objects[i].table == row->table)
            return reference("schemas", objects[i].name, objects[i].name_len);
    return json_object();
}

static json_t *type_schema(const struct schema_row *row)
{
    switch (row->type) {
    case SCHEMA_U64: return integer_schema(row);
    case SCHEMA_BOOL: return json_pack("{s:s}", "type", "boolean");
    case SCHEMA_STRING: return string_schema(row);
    case SCHEMA_WORD: return word_schema(row);
    case SCHEMA_STRINGS: return list_schema(row, string_schema(row));
    case SCHEMA_OBJECTS: return list_schema(row, object_reference(row));
    case SCHEMA_SECTION:
    case SCHEMA_OBJECT: break;
    }
    return object_reference(row);
}

/* What an answer holds has a type and no rules. */
static void loosen(json_t *schema)
{
    static const char *const rules[] = { "minLength", "maxLength", "minimum", "maxItems" };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        json_object_del(schema, rules[i]);
}

static void put_default(json_t *schema, const struct schema_row *row)
{
    if (row->type == SCHEMA_U64)
        json_object_set_new(schema, "default", json_integer(atoll(row->fallback)));
    else if (row->type == SCHEMA_BOOL)
        json_object_set_new(schema, "default", json_boolean(strcmp(row->fallback, "true") == 0));
    else
        json_object_set_new(schema, "default", json_string(row->fallback));
}

static json_t *row_schema(const struct schema_row *row, bool answer)
{
    json_t *out = type_schema(row);
    struct buf text;
    buf_init(&text, 4096);
    buf_put_str(&text, row->help);
    if (row->format)
        buf_printf(&text, " Form: %s.", row->format->wanted);
    if (row->required && row->fallback)
        buf_printf(&text, " Without the object: %s.", row->fallback);
    json_object_set_new(out, "description", json_string(buf_str(&text)));
    buf_fini(&text);
    if (answer)
        loosen(out);
    if (row->fallback && !row->required)
        put_default(out, row);
    if (row->secret)
        json_object_set_new(out, "writeOnly", json_true());
    return out;
}

static json_t *table_schema(const struct schema *table, bool answer)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        json_object_set_new(properties, row->name, row_schema(row, answer));
        if (row->required)
            json_array_append_new(required, json_string(row->name));
    }
    json_t *out = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (json_array_size(required))
        json_object_set(out, "required", required);
    json_decref(required);
    if (!answer)
        json_object_set_new(out, "additionalProperties", json_false());
    return out;
}

static json_t *answer_schema(const struct doc_action *a)
{
    json_t *response = table_schema(a->response, true);
    json_t *id = json_pack("{s:s, s:s, s:s}", "type", "string", "format", "uuid", "description",
                           "Names this request in the service's log.");
    json_object_set_new(json_object_get(response, "properties"), "RequestId", id);
    json_array_append_new(json_object_get(response, "required"), json_string("RequestId"));
    return json_pack("{s:s, s:[s], s:{s:o}}", "type", "object", "required", "Response",
                     "properties", "Response", response);
}

static bool is_first(size_t place)
{
    for (size_t i = 0; i < place; i++)
        if (strcmp(doc_errors[i].code, doc_errors[place].code) == 0)
            return false;
    return true;
}

static json_t *error_schema(void)
{
    json_t *codes = json_array();
    for (size_t i = 0; i < doc_error_count; i++)
        if (is_first(i))
            json_array_append_new(codes, json_string(doc_errors[i].code));
    json_t *error = json_pack("{s:s, s:[s, s], s:{s:{s:s, s:o}, s:{s:s}}}", "type", "object",
                              "required", "Code", "Message", "properties", "Code", "type", "string",
                              "enum", codes, "Message", "type", "string");
    json_t *response = json_pack("{s:s, s:[s, s], s:{s:o, s:{s:s, s:s}}}", "type", "object",
                                 "required", "Error", "RequestId", "properties", "Error", error,
                                 "RequestId", "type", "string", "format", "uuid");
    return json_pack("{s:s, s:[s], s:{s:o}}", "type", "object", "required", "Response",
                     "properties", "Response", response);
}

static json_t *schemas(void)
{
    struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    json_t *out = json_object();
    char name[80];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%.*s", (int)objects[i].name_len, objects[i].name);
        json_object_set_new(out, name, table_schema(objects[i].table, objects[i].table->size == 0));
    }
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        const struct doc_action *a = &doc_actions[i];
        snprintf(name, sizeof name, "%sRequest", a->name);
        json_object_set_new(out, name, table_schema(a->request, false));
        snprintf(name, sizeof name, "%sAnswer", a->name);
        json_object_set_new(out, name, answer_schema(a));
    }
    json_object_set_new(out, "ErrorAnswer", error_schema());
    return out;
}

static const struct header {
    const char *key, *name, *help, *value;
    bool required;
} headers[] = {
    { "Version", "X-TC-Version", "Version of the API.", "2019-07-22", true },
    { "Region", "X-TC-Region", "One of the service's `regions`.", NULL, true },
    { "Timestamp", "X-TC-Timestamp", "Unix seconds, at most 300 away from the server's.", NULL,
      true },
    { "Language", "X-TC-Language", "`zh-CN` for Chinese messages; English otherwise.", NULL,
      false },
    { "IdempotencyKey", API_IDEMPOTENCY_HEADER,
      "A start with a key happens once: within 24 hours a repeat with the same key, SecretId, "
      "SdkAppId and parameters is answered with the first TaskId. Printable characters without "
      "blanks.",
      NULL, false },
};
#define COMMON_HEADERS 4 /* the last is for Create alone */

static json_t *parameters(void)
{
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct header *h = &headers[i];
        json_t *type = json_pack("{s:s}", "type", i == 2 ? "integer" : "string");
        if (h->value)
            json_object_set_new(type, "const", json_string(h->value));
        if (i >= COMMON_HEADERS)
            json_object_set_new(type, "maxLength", json_integer(API_MAX_IDEMPOTENCY_KEY));
        json_object_set_new(out, h->key,
                            json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", h->name, "in", "header",
                                      "required", (int)h->required, "description", h->help,
                                      "schema", type));
    }
    return out;
}

static json_t *action_parameters(const struct doc_action *a, bool create)
{
    json_t *action = json_pack("{s:s, s:s, s:b, s:s, s:{s:s, s:s}}", "name", "X-TC-Action", "in",
                               "header", "required", 1, "description", "The action.", "schema",
                               "type", "string", "const", a->name);
    json_t *out = json_pack("[o]", action);
    for (size_t i = 0; i < COMMON_HEADERS + (size_t)create; i++)
        json_array_append_new(out, reference("parameters", headers[i].key, strlen(headers[i].key)));
    return out;
}

static json_t *media(const struct doc_action *a, const char *suffix, json_t *example)
{
    char name[80];
    snprintf(name, sizeof name, "%s%s", a->name, suffix);
    return json_pack("{s:o, s:o}", "schema", reference("schemas", name, strlen(name)), "example",
                     example);
}

static json_t *example_answer(const struct doc_action *a)
{
    json_t *response = json_loads(a->answer, 0, NULL);
    json_object_set_new(response, "RequestId", json_string("5b0d8a0e-93a5-4b6c-8f0c-0d6b2c1f7e10"));
    return json_pack("{s:o}", "Response", response);
}

static json_t *errors_text(unsigned action)
{
    struct buf text;
    buf_init(&text, 64 << 10);
    buf_put_str(&text, "Success, or an error (`Response.Error`):\n\n| Code | When |\n|---|---|\n");
    for (size_t i = 0; i < doc_error_count; i++)
        if (doc_errors[i].actions & action)
            buf_printf(&text, "| `%s` | %s |\n", doc_errors[i].code, doc_errors[i].when);
    json_t *out = json_string(buf_str(&text));
    buf_fini(&text);
    return out;
}

static json_t *operation(size_t place)
{
    const struct doc_action *a = &doc_actions[place];
    json_t *answer = media(a, "Answer", example_answer(a));
    json_t *either =
        json_pack("{s:[o, o]}", "oneOf", json_incref(json_object_get(answer, "schema")),
                  reference("schemas", "ErrorAnswer", strlen("ErrorAnswer")));
    json_object_set_new(answer, "schema", either);
    json_t *body = media(a, "Request", json_loads(a->example, 0, NULL));
    json_t *responses = json_pack("{s:{s:o, s:{s:o}}}", "200", "description",
                                  errors_text(1u << place), "content", "application/json", answer);
    return json_pack("{s:s, s:s, s:s, s:o, s:{s:b, s:{s:o}}, s:o}", "operationId", a->name,
                     "summary", a->title, "description", a->about, "parameters",
                     action_parameters(a, place == 0), "requestBody", "required", 1, "content",
                     "application/json", body, "responses", responses);
}

static json_t *paths(void)
{
    json_t *out = json_object();
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        char path[80];
        snprintf(path, sizeof path, "/#%s", doc_actions[i].name);
        json_object_set_new(out, path, json_pack("{s:o}", "post", operation(i)));
    }
    return out;
}

static json_t *information(void)
{
    return json_pack(
        "{s:s, s:s, s:s}", "title", "Reeltime recording API", "version", "2019-07-22",
        "description",
        "The cloud recording API of Tencent RTC (product trtc) as Reeltime serves it: the cloud's "
        "own SDKs work unchanged. All requests go to one path; the header X-TC-Action names the "
        "action, and the fragment of a path here only tells the actions apart. Every answer has "
        "the HTTP status 200. Besides JSON with a TC3-HMAC-SHA256 signature the service takes "
        "multipart, GET, and forms with HmacSHA256 or HmacSHA1 signatures; docs/api.md describes "
        "them.");
}

static json_t *document(void)
{
    static const char tc3[] =
        "`TC3-HMAC-SHA256 Credential={SecretId}/{date}/trtc/tc3_request, "
        "SignedHeaders=content-type;host, Signature={hex}`. The SDKs make it.";
    json_t *scheme = json_pack("{s:s, s:s, s:s, s:s}", "type", "apiKey", "in", "header", "name",
                               "Authorization", "description", tc3);
    json_t *components = json_pack("{s:o, s:o, s:{s:o}}", "schemas", schemas(), "parameters",
                                   parameters(), "securitySchemes", "TC3", scheme);
    return json_pack("{s:s, s:o, s:[{s:s, s:s}], s:[{s:[]}], s:o, s:o}", "openapi", "3.1.0", "info",
                     information(), "servers", "url", "http://127.0.0.1:9000", "description",
                     "`api.listen` of the configuration", "security", "TC3", "paths", paths(),
                     "components", components);
}

static int put(const char *text, size_t len, void *ctx)
{
    buf_put(ctx, text, len);
    return 0;
}

int doc_openapi(struct buf *out)
{
    json_t *json = document();
    int err = json && json_dump_callback(json, put, out, JSON_INDENT(2)) == 0 ? OK : ERR_NOMEM;
    json_decref(json);
    buf_put_u8(out, '\n');
    return err ? err : out->err;
}
