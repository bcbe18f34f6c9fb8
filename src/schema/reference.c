#include "schema/rules.h"

struct prefix {
    const struct prefix *up;
    const char *name, *suffix;
};

static void put_prefix(const struct prefix *p, struct buf *out)
{
    if (!p)
        return;
    put_prefix(p->up, out);
    buf_printf(out, "%s%s.", p->name, p->suffix);
}

static void put_row(const struct schema_row *row, const struct prefix *prefix, struct buf *out)
{
    char wanted[SCHEMA_TEXT_SIZE];
    put_prefix(prefix, out);
    buf_printf(out, "%s\n    %s", row->name, schema_wanted(row, wanted));
    if (row->required)
        buf_put_str(out, "; required");
    if (row->fallback)
        buf_printf(out, "; default %s", row->fallback);
    buf_printf(out, "\n    %s\n", row->help);
}

static void put_table(const struct schema *table, const struct prefix *prefix, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        put_row(row, prefix, out);
        struct prefix here = { prefix, row->name, row->type == SCHEMA_OBJECTS ? "[]" : "" };
        if (row->table)
            put_table(row->table, &here, out);
    }
}

void schema_reference(const struct schema *table, struct buf *out)
{
    put_table(table, NULL, out);
}
