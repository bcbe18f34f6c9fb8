#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "schema/rules.h"
#include "schema/schema.h"

/* The way from the root to where the reader is: a chain through its own calls. */
struct place {
    const struct place *up;
    const char *name; /* NULL: an item of a list */
    size_t index;
};

struct job {
    const struct schema_sink *sink;
    int err; /* ERR_NOMEM sticks */
};

static size_t append(char *out, size_t at, const char *text)
{
    char clean[80];
    schema_printable(clean, sizeof clean, text);
    int len = snprintf(out + at, SCHEMA_PATH_SIZE - at, "%s", clean);
    size_t end = at + (size_t)len;
    return end < SCHEMA_PATH_SIZE ? end : SCHEMA_PATH_SIZE - 1;
}

static size_t print_path(const struct place *p, enum schema_paths style, char *out)
{
    if (!p)
        return 0;
    size_t at = print_path(p->up, style, out);
    char index[32];
    if (!p->name && style == SCHEMA_BRACKETS) {
        snprintf(index, sizeof index, "[%zu]", p->index);
        return append(out, at, index);
    }
    if (at)
        at = append(out, at, ".");
    snprintf(index, sizeof index, "%zu", p->index);
    return append(out, at, p->name ? p->name : index);
}

static void print_got(const struct value *v, char *out, size_t size)
{
    if (v->kind == VALUE_U64)
        snprintf(out, size, "%llu", (unsigned long long)v->number);
    else if (v->kind == VALUE_BOOL)
        snprintf(out, size, "%s", v->truth ? "true" : "false");
    else if (v->text && strlen(v->text) < size)
        schema_printable(out, size, v->text);
}

static void report(struct job *job, enum schema_error_kind kind, const struct place *at,
                   const struct schema_row *row, const struct value *v, const struct value *around)
{
    struct schema_error e = { .kind = kind, .row = row };
    e.line = v ? v->line : around ? around->line : 0;
    print_path(at, job->sink->paths, e.path);
    if (row)
        schema_wanted(row, e.wanted);
    if (v && row && !row->secret)
        print_got(v, e.got, sizeof e.got);
    job->sink->report(job->sink->ctx, &e);
}

static void *field(void *out, const struct schema_row *row)
{
    return (char *)out + row->offset;
}

static void read_table(struct job *job, const struct schema *table, void *out,
                       const struct value *in, const struct place *at);

/* Room for `count` items of `size`; NULL when there are none, or no memory. */
static void *room(struct job *job, size_t count, size_t size)
{
    void *p = count ? calloc(count, size) : NULL;
    if (count && !p)
        job->err = ERR_NOMEM;
    return p;
}

static void note(struct job *job, int err)
{
    if (err)
        job->err = err;
}

/* What came of reading a value: reported when it is the writer's mistake, kept when it is ours. */
static void complain(struct job *job, int err, const struct place *at, const struct schema_row *row,
                     const struct value *v, const struct value *parent)
{
    if (err == ERR_MALFORMED)
        report(job, SCHEMA_WRONG_TYPE, at, row, v, parent);
    else if (err == ERR_RANGE)
        report(job, SCHEMA_OUT_OF_RANGE, at, row, v, parent);
    else
        note(job, err);
}

/* The field is zero before. */
static void set_default(struct job *job, const struct schema_row *row, void *out)
{
    if (row->type == SCHEMA_SECTION)
        read_table(job, row->table, field(out, row), NULL, NULL);
    else if (row->fallback)
        note(job, scalar_default(row, field(out, row)));
}

static size_t count_items(const struct value *list)
{
    size_t n = 0;
    for (const struct value *v = list->first; v; v = v->next)
        n++;
    return n;
}

static void read_strings(struct job *job, const struct schema_row *row, struct schema_strings *out,
                         const struct value *in, const struct place *at)
{
    out->items = room(job, count_items(in), sizeof *out->items);
    size_t index = 0;
    for (const struct value *v = in->first; v && out->items; v = v->next, index++) {
        struct place here = { at, NULL, index };
        char **item = &out->items[out->count];
        complain(job, scalar_text(row, item, v), &here, row, v, in);
        out->count += *item != NULL;
    }
}

typedef SCHEMA_LIST(void) schema_any_list;

static void read_objects(struct job *job, const struct schema_row *row, void *out,
                         const struct value *in, const struct place *at)
{
    schema_any_list list = { 0 };
    list.count = count_items(in);
    list.items = room(job, list.count, row->table->size);
    if (!list.items)
        return;
    memcpy(field(out, row), &list, sizeof list);
    size_t index = 0;
    for (const struct value *v = in->first; v; v = v->next, index++) {
        struct place here = { at, NULL, index };
        void *item = (char *)list.items + index * row->table->size;
        if (v->kind == VALUE_OBJECT)
            read_table(job, row->table, item, v, &here);
        else
            report(job, SCHEMA_WRONG_TYPE, &here, row, v, in);
    }
}

static int read_list(struct job *job, const struct schema_row *row, void *out,
                     const struct value *v, const struct place *at)
{
    if (v->kind != VALUE_LIST)
        return ERR_MALFORMED;
    if (count_items(v) > row->max_items)
        return ERR_RANGE;
    if (row->type == SCHEMA_STRINGS)
        read_strings(job, row, field(out, row), v, at);
    else
        read_objects(job, row, out, v, at);
    return 0;
}

static int read_object(struct job *job, const struct schema_row *row, void *out,
                       const struct value *v, const struct place *at)
{
    if (v->kind != VALUE_OBJECT)
        return ERR_MALFORMED;
    void *target = field(out, row);
    if (row->type == SCHEMA_OBJECT) {
        void *made = room(job, 1, row->table->size);
        if (!made)
            return 0;
        memcpy(target, &made, sizeof made);
        target = made;
    }
    read_table(job, row->table, target, v, at);
    return 0;
}

/* Errors of scalar_read(). */
static int read_value(struct job *job, const struct schema_row *row, void *out,
                      const struct value *v, const struct place *at)
{
    switch (row->type) {
    case SCHEMA_STRINGS:
    case SCHEMA_OBJECTS: return read_list(job, row, out, v, at);
    case SCHEMA_SECTION:
    case SCHEMA_OBJECT: return read_object(job, row, out, v, at);
    default: return scalar_read(row, field(out, row), v);
    }
}

static void read_row(struct job *job, const struct schema_row *row, void *out,
                     const struct value *in, const struct place *at)
{
    struct place here = { at, row->name, 0 };
    const struct value *v = value_member(in, row->name);
    if (scalar_absent(row, v)) {
        if (row->required && in)
            report(job, SCHEMA_MISSING, &here, row, NULL, in);
        set_default(job, row, out);
        return;
    }
    int err = read_value(job, row, out, v, &here);
    complain(job, err, &here, row, v, in);
    if (err)
        set_default(job, row, out);
}

static const struct schema_row *find_row(const struct schema *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

static void read_table(struct job *job, const struct schema *table, void *out,
                       const struct value *in, const struct place *at)
{
    for (const struct value *v = in ? in->first : NULL; v; v = v->next)
        if (!find_row(table, v->key)) {
            struct place here = { at, v->key, 0 };
            report(job, SCHEMA_UNKNOWN, &here, NULL, v, in);
        }
    for (size_t i = 0; i < table->count; i++)
        read_row(job, &table->rows[i], out, in, at);
}

static void ignore(void *ctx, const struct schema_error *e)
{
    (void)ctx;
    (void)e;
}

int schema_read(const struct schema *table, void *out, const struct value *in,
                const struct schema_sink *sink)
{
    static const struct schema_sink nobody = { .report = ignore };
    struct job job = { .sink = sink ? sink : &nobody };
    memset(out, 0, table->size);
    read_table(&job, table, out, in, NULL);
    if (job.err)
        schema_free(table, out);
    return job.err;
}
