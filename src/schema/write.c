#include <jansson.h>
#include <stdlib.h>

#include "base/err.h"
#include "schema/schema.h"

static json_t *to_json(const struct schema *table, const void *in);

static json_t *strings(const struct schema_strings *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(out, json_string(list->items[i]));
    return out;
}

static json_t *objects(const struct schema *table, const void *field)
{
    SCHEMA_LIST(const void) list;
    memcpy(&list, field, sizeof list);
    json_t *out = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(out, to_json(table, (const char *)list.items + i * table->size));
    return out;
}

static json_t *object(const struct schema *table, const void *field)
{
    const void *in;
    memcpy(&in, field, sizeof in);
    return in ? to_json(table, in) : json_null();
}

static json_t *member(const struct schema_row *row, const void *field)
{
    switch (row->type) {
    case SCHEMA_U64: return json_integer((json_int_t) * (const uint64_t *)field);
    case SCHEMA_BOOL: return json_boolean(*(const bool *)field);
    case SCHEMA_WORD: return json_string(row->words[*(const int *)field]);
    case SCHEMA_STRING:
        return *(char *const *)field ? json_string(*(char *const *)field) : json_null();
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
            json_decref(value);
        else
            json_object_set_new(out, row->name, value);
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
