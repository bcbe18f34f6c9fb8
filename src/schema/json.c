#include "schema/json.h"

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

/* Counts before anything is allocated, so that a hostile body costs no more than one pass: values
 * are at most one more than the commas and openings outside strings. */
static bool within_limits(struct bytes text)
{
    size_t depth = 0, deepest = 0, nodes = 1;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (quoted) {
            if (c == '\\')
                i++;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            nodes++;
            deepest = ++depth > deepest ? depth : deepest;
        } else if (c == ',') {
            nodes++;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest <= VALUE_MAX_DEPTH && nodes <= VALUE_MAX_NODES;
}

static struct value *convert(const json_t *in);

static struct value *convert_list(const json_t *in)
{
    struct value *list = value_new(VALUE_LIST, 0);
    for (size_t i = 0; list && i < json_array_size(in); i++)
        if (!value_add(list, NULL, convert(json_array_get(in, i)))) {
            value_free(list);
            return NULL;
        }
    return list;
}

static struct value *convert_object(json_t *in)
{
    struct value *object = value_new(VALUE_OBJECT, 0);
    const char *key;
    json_t *member;
    json_object_foreach(in, key, member)
    {
        if (object && !value_add(object, key, convert(member))) {
            value_free(object);
            object = NULL;
        }
    }
    return object;
}

static struct value *convert_number(const json_t *in)
{
    bool natural = json_is_integer(in) && json_integer_value(in) >= 0;
    struct value *v = value_new(natural               ? VALUE_U64
                                : json_is_integer(in) ? VALUE_NEGATIVE
                                                      : VALUE_FRACTION,
                                0);
    if (v && natural)
        v->number = (uint64_t)json_integer_value(in);
    return v;
}

static struct value *convert_bool(const json_t *in)
{
    struct value *v = value_new(VALUE_BOOL, 0);
    if (v)
        v->truth = json_is_true(in);
    return v;
}

static struct value *convert(const json_t *in)
{
    switch (json_typeof(in)) {
    case JSON_OBJECT: return convert_object((json_t *)in);
    case JSON_ARRAY: return convert_list(in);
    case JSON_STRING:
        return value_new_text(VALUE_STRING, 0,
                              bytes_of(json_string_value(in), json_string_length(in)));
    case JSON_INTEGER:
    case JSON_REAL: return convert_number(in);
    case JSON_TRUE:
    case JSON_FALSE: return convert_bool(in);
    case JSON_NULL: break;
    }
    return value_new(VALUE_NULL, 0);
}

static int fail(struct value_error *error, int err, const char *why, const json_error_t *at)
{
    *error = (struct value_error){ 0 };
    if (at && at->line > 0) {
        error->line = at->line;
        error->column = at->column;
    }
    snprintf(error->message, sizeof error->message, "%s", why);
    return err;
}

/* The library's own texts quote the input, which may be a secret. */
static const char *reason(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input: return "the JSON text ends too early";
    case json_error_end_of_input_expected: return "there is more after the JSON text";
    case json_error_invalid_utf8: return "the JSON text is not valid UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key: return "a JSON string holds a NUL";
    case json_error_duplicate_key: return "a JSON object has the same member twice";
    case json_error_numeric_overflow: return "a JSON number is too large";
    default: return "the JSON text is malformed";
    }
}

/* Into jansson's tree. */
static int load(json_t **out, struct bytes text, struct value_error *error)
{
    if (!within_limits(text))
        return fail(error, ERR_LIMIT, "the JSON text holds too many values or is nested too deep",
                    NULL);
    json_error_t at;
    *out =
        json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
    if (*out)
        return OK;
    if (json_error_code(&at) == json_error_out_of_memory)
        return ERR_NOMEM;
    return fail(error, ERR_MALFORMED, reason(&at), &at);
}

static int convert_root(struct value **out, json_t *json)
{
    struct value *value = convert(json);
    json_decref(json);
    if (!value)
        return ERR_NOMEM;
    *out = value;
    return OK;
}

int value_from_json(struct value **out, struct bytes text, struct value_error *error)
{
    json_t *json;
    int err = load(&json, text, error);
    if (err)
        return err;
    if (!json_is_object(json)) {
        json_decref(json);
        return fail(error, ERR_MALFORMED, "the JSON text is not an object", NULL);
    }
    return convert_root(out, json);
}

int value_from_any_json(struct value **out, struct bytes text, struct value_error *error)
{
    json_t *json;
    int err = load(&json, text, error);
    return err ? err : convert_root(out, json);
}
