#include <openssl/crypto.h>
#include <stdlib.h>

#include "schema/schema.h"

static void free_text(const struct schema_row *row, char *text)
{
    if (text && row->secret)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static void free_strings(const struct schema_row *row, struct schema_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_text(row, list->items[i]);
    free(list->items);
}

static void free_objects(const struct schema_row *row, const void *field)
{
    SCHEMA_LIST(void) list;
    memcpy(&list, field, sizeof list);
    for (size_t i = 0; i < list.count; i++)
        schema_free(row->table, (char *)list.items + i * row->table->size);
    free(list.items);
}

static void free_object(const struct schema_row *row, const void *field)
{
    void *object;
    memcpy(&object, field, sizeof object);
    if (object)
        schema_free(row->table, object);
    free(object);
}

void schema_free(const struct schema *table, void *in)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        void *field = (char *)in + row->offset;
        switch (row->type) {
        case SCHEMA_STRING: free_text(row, *(char **)field); break;
        case SCHEMA_STRINGS: free_strings(row, field); break;
        case SCHEMA_SECTION: schema_free(row->table, field); break;
        case SCHEMA_OBJECT: free_object(row, field); break;
        case SCHEMA_OBJECTS: free_objects(row, field); break;
        default: break;
        }
    }
    memset(in, 0, table->size);
}
