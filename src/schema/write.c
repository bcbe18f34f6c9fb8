#include <jansson.h>
#include <stdlib.h>

#include "base/err.h"
#include "schema/schema.h"

/* Each gives NULL without memory: a value is never left out silently. */
static json_t *to_json(const struct schema *table, const void *in);

/* Takes `item` over. False: out of memory, and `list` is gone. */
static bool append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return true;
    json_decref(list);
    return false;
}

static json_t *strings(const struct schema_strings *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (!append(out, json_string(list->items[i])))
            return NULL;
    return out;
}

static json_t *objects(const struct schema *table, const void *field)
{
    SCHEMA_LIST(const void) list;
    memcpy(&list, field, sizeof list);
    json_t *out = json_array();
    for (size_t i = 0; i < list.count; i++)
        if (!append(out, to_json(table, (const char *)list.items + i * table->size)))
            return NULL;
    return out;
}

static json_t *object(const struct schema *table, const void *field)
{
    const void *in;
    memcpy(&in, field, sizeof in);
    return in ? to_json(table, in) : json_null();
}

static json_t *text(const char *in)
{
    return in ? json_string(in) : json_null();
}

static json_t *member(const struct schema_row *row, const void *field)
{
    switch (row->type) {
    case SCHEMA_U64: return json_integer((json_int_t) * (const uint64_t *)field);
    case SCHEMA_BOOL: return json_boolean(*(const bool *)field);
    case SCHEMA_WORD: return json_string(row->words[*(const int *)field]);
    case SCHEMA_STRING: return text(*(char *const *)field);
    case SCHEMA_STRINGS: return strings(field);
    case SCHEMA_SECTION: return to_json(row->table, field);
    case SCHEMA_OBJECT: return object(row->table, field);
    case SCHEMA_OBJECTS: break;
    }
    return objects(row->table, field);
}

static json_t *to_json(const struct schema *table, const void *in)
{
    json_t *out = json_object();
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        json_t *value = member(row, (const char *)in + row->offset);
        if (json_is_null(value))
            continue; /* the null of jansson is one constant: nothing to release */
        if (json_object_set_new(out, row->name, value)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static int put(const char *text, size_t len, void *ctx)
{
    buf_put(ctx, text, len);
    return 0;
}

void schema_write_json(const struct schema *table, const void *in, struct buf *out)
{
    json_t *json = to_json(table, in);
    if (json_dump_callback(json, put, out, JSON_COMPACT) && !out->err)
        out->err = ERR_NOMEM;
    json_decref(json);
}
