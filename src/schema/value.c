#include "schema/value.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/str.h"

struct value *value_new(enum value_kind kind, int line)
{
    struct value *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->kind = kind;
    v->line = line;
    return v;
}

struct value *value_new_text(enum value_kind kind, int line, struct bytes text)
{
    struct value *v = value_new(kind, line);
    if (!v)
        return NULL;
    v->text = str_dup(text);
    if (v->text)
        return v;
    value_free(v);
    return NULL;
}

void value_free(struct value *value)
{
    if (!value)
        return;
    for (struct value *child = value->first, *next; child; child = next) {
        next = child->next;
        value_free(child);
    }
    if (value->text)
        OPENSSL_cleanse(value->text, strlen(value->text));
    free(value->text);
    free(value->key);
    free(value);
}

bool value_add(struct value *parent, const char *key, struct value *child)
{
    if (!child)
        return false;
    if (key && !(child->key = strdup(key))) {
        value_free(child);
        return false;
    }
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    return true;
}

const struct value *value_member(const struct value *object, const char *key)
{
    if (!object || object->kind != VALUE_OBJECT)
        return NULL;
    for (const struct value *v = object->first; v; v = v->next)
        if (strcmp(v->key, key) == 0)
            return v;
    return NULL;
}

static const struct value *item(const struct value *list, uint64_t index)
{
    const struct value *v = list->first;
    while (v && index--)
        v = v->next;
    return v;
}

static const struct value *step(const struct value *from, struct bytes name)
{
    uint64_t index;
    if (from->kind == VALUE_LIST)
        return str_to_u64(name, VALUE_MAX_NODES, &index) ? item(from, index) : NULL;
    if (from->kind != VALUE_OBJECT)
        return NULL;
    for (const struct value *v = from->first; v; v = v->next)
        if (bytes_equal_str(name, v->key))
            return v;
    return NULL;
}

const struct value *value_at(const struct value *root, const char *path)
{
    while (root && *path) {
        size_t len = strcspn(path, ".[]");
        const struct value *next = len ? step(root, bytes_of(path, len)) : root;
        if (!next)
            break;
        root = next;
        path += len;
        path += strspn(path, ".[]");
    }
    return root;
}
