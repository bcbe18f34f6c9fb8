#include "schema/schema.h"

static const struct schema_row *row_of(const struct schema *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

static void prune_below(const struct schema_row *row, struct value *in)
{
    if (!row->table)
        return;
    if (in->kind == VALUE_OBJECT)
        schema_prune(row->table, in);
    for (struct value *item = in->kind == VALUE_LIST ? in->first : NULL; item; item = item->next)
        if (item->kind == VALUE_OBJECT)
            schema_prune(row->table, item);
}

void schema_prune(const struct schema *table, struct value *in)
{
    struct value *kept = NULL;
    for (struct value *v = in->first, *next; v; v = next) {
        const struct schema_row *row = row_of(table, v->key);
        next = v->next;
        if (!row) {
            *(kept ? &kept->next : &in->first) = next;
            value_free(v);
            continue;
        }
        prune_below(row, v);
        kept = v;
    }
    in->last = kept;
}
