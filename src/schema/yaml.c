#include "schema/yaml.h"

#include <stdio.h>
#include <yaml.h>

#include "base/err.h"

struct yaml_reader {
    yaml_parser_t parser;
    struct value_error *error;
    size_t nodes;
    int err; /* sticks */
};

static int fail(struct yaml_reader *r, int err, yaml_mark_t at, const char *why)
{
    if (r->err)
        return r->err;
    r->err = err;
    *r->error = (struct value_error){ .line = (int)at.line + 1, .column = (int)at.column + 1 };
    snprintf(r->error->message, sizeof r->error->message, "%s", why);
    return err;
}

/* The parser's own texts name structures, never the input. */
static int fail_parse(struct yaml_reader *r)
{
    if (r->parser.error == YAML_MEMORY_ERROR)
        return r->err = ERR_NOMEM;
    const char *why = r->parser.problem ? r->parser.problem : "malformed YAML";
    return fail(r, ERR_MALFORMED, r->parser.problem_mark, why);
}

static bool next_event(struct yaml_reader *r, yaml_event_t *event)
{
    if (r->err)
        return false;
    if (yaml_parser_parse(&r->parser, event))
        return true;
    fail_parse(r);
    return false;
}

static bool is_null(const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static struct value *scalar(struct yaml_reader *r, const yaml_event_t *e)
{
    struct bytes text = bytes_of(e->data.scalar.value, e->data.scalar.length);
    int line = (int)e->start_mark.line + 1;
    if (memchr(text.ptr, 0, text.len)) {
        fail(r, ERR_MALFORMED, e->start_mark, "a NUL in a text");
        return NULL;
    }
    if (is_null(e))
        return value_new(VALUE_NULL, line);
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return value_new_text(plain ? VALUE_TEXT : VALUE_STRING, line, text);
}

static const char *refused_features(const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT: return "aliases are not supported";
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default: break;
    }
    return anchor ? "anchors are not supported" : tag ? "tags are not supported" : NULL;
}

static struct value *node(struct yaml_reader *r, const yaml_event_t *e, int depth);

static struct value *sequence(struct yaml_reader *r, int line, int depth)
{
    struct value *list = value_new(VALUE_LIST, line);
    yaml_event_t e;
    while (list && next_event(r, &e)) {
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        if (!end && !value_add(list, NULL, node(r, &e, depth)) && !r->err)
            r->err = ERR_NOMEM;
        yaml_event_delete(&e);
        if (end)
            return list;
    }
    value_free(list);
    return NULL;
}

/* The value of `key`, added to `object`. */
static void member(struct yaml_reader *r, struct value *object, const yaml_event_t *key, int depth)
{
    const char *name = (const char *)key->data.scalar.value;
    if (key->type != YAML_SCALAR_EVENT || strlen(name) != key->data.scalar.length) {
        fail(r, ERR_MALFORMED, key->start_mark, "a key must be a plain text");
        return;
    }
    if (value_member(object, name)) {
        char why[80];
        snprintf(why, sizeof why, "%.40s: the same key twice", name);
        fail(r, ERR_MALFORMED, key->start_mark, why);
        return;
    }
    yaml_event_t e;
    if (!next_event(r, &e))
        return;
    struct value *value = node(r, &e, depth);
    if (value)
        value->line = (int)key->start_mark.line + 1;
    if (!value_add(object, name, value) && !r->err)
        r->err = ERR_NOMEM;
    yaml_event_delete(&e);
}

static struct value *mapping(struct yaml_reader *r, int line, int depth)
{
    struct value *object = value_new(VALUE_OBJECT, line);
    yaml_event_t e;
    while (object && next_event(r, &e)) {
        bool end = e.type == YAML_MAPPING_END_EVENT;
        if (!end)
            member(r, object, &e, depth);
        yaml_event_delete(&e);
        if (end)
            return object;
    }
    value_free(object);
    return NULL;
}

static struct value *node(struct yaml_reader *r, const yaml_event_t *e, int depth)
{
    int line = (int)e->start_mark.line + 1;
    const char *refused = refused_features(e);
    if (refused) {
        fail(r, ERR_MALFORMED, e->start_mark, refused);
        return NULL;
    }
    if (++r->nodes > VALUE_MAX_NODES || depth > VALUE_MAX_DEPTH) {
        fail(r, ERR_LIMIT, e->start_mark, "too many values, or nested too deep");
        return NULL;
    }
    switch (e->type) {
    case YAML_SCALAR_EVENT: return scalar(r, e);
    case YAML_SEQUENCE_START_EVENT: return sequence(r, line, depth + 1);
    case YAML_MAPPING_START_EVENT: return mapping(r, line, depth + 1);
    default: fail(r, ERR_MALFORMED, e->start_mark, "malformed YAML"); return NULL;
    }
}

/* Takes over `root` (NULL after an error). */
static struct value *object_root(struct yaml_reader *r, struct value *root, yaml_mark_t at)
{
    if (root && root->kind == VALUE_NULL)
        root->kind = VALUE_OBJECT;
    if (root && root->kind == VALUE_OBJECT)
        return root;
    if (!root && !r->err)
        r->err = ERR_NOMEM;
    value_free(root);
    fail(r, ERR_MALFORMED, at, "the document is not a mapping");
    return NULL;
}

static struct value *document(struct yaml_reader *r)
{
    struct value *root = NULL;
    yaml_event_t e;
    for (bool more = true; more && next_event(r, &e);) {
        switch (e.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_DOCUMENT_START_EVENT:
            if (root)
                fail(r, ERR_MALFORMED, e.start_mark, "more than one document");
            break;
        case YAML_STREAM_END_EVENT: more = false; break;
        default: root = object_root(r, node(r, &e, 0), e.start_mark); break;
        }
        yaml_event_delete(&e);
    }
    return root ? root : r->err ? NULL : value_new(VALUE_OBJECT, 1);
}

int value_from_yaml(struct value **out, struct bytes text, struct value_error *error)
{
    struct yaml_reader r = { .error = error };
    if (text.len > YAML_MAX_SIZE)
        return fail(&r, ERR_LIMIT, (yaml_mark_t){ 0 }, "the file is too large");
    if (!yaml_parser_initialize(&r.parser))
        return ERR_NOMEM;
    yaml_parser_set_input_string(&r.parser, text.len ? text.ptr : (const uint8_t *)"", text.len);
    struct value *root = document(&r);
    yaml_parser_delete(&r.parser);
    if (!root && !r.err)
        r.err = ERR_NOMEM;
    if (r.err) {
        value_free(root);
        return r.err;
    }
    *out = root;
    return OK;
}
