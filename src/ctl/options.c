#include "ctl/options.h"

#include <stdio.h>

#include "base/str.h"

#define HELP_COLUMN 30

static void *at(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* Walks all rows of all groups. */
#define EACH_ROW(row, table)                                                                       \
    for (const struct option_group *group = (table)->groups; group->count; group++)                \
        for (const struct option_row *row = group->rows; row < group->rows + group->count; row++)

static const struct option_row *find(const struct option_table *table, struct bytes name)
{
    EACH_ROW(row, table)
    {
        if (bytes_equal_str(name, row->name))
            return row;
    }
    return NULL;
}

static bool set_number(const struct option_row *row, struct option_number *to, const char *value,
                       struct buf *complaint)
{
    uint64_t number;
    if (!str_to_u64(bytes_str(value), row->max, &number) || number < row->min) {
        buf_printf(complaint, "--%s wants a whole number from %llu to %llu", row->name,
                   (unsigned long long)row->min, (unsigned long long)row->max);
        return false;
    }
    *to = (struct option_number){ true, number };
    return true;
}

static void put_words(const struct option_row *row, const char *between, struct buf *out)
{
    for (size_t i = 0; row->words[i]; i++)
        buf_printf(out, "%s%s", i ? between : "", row->words[i]);
}

static bool set_word(const struct option_row *row, struct option_number *to, const char *value,
                     struct buf *complaint)
{
    for (size_t i = 0; row->words[i]; i++)
        if (strcmp(row->words[i], value) == 0) {
            *to = (struct option_number){ true, i };
            return true;
        }
    buf_printf(complaint, "--%s wants one of ", row->name);
    put_words(row, ", ", complaint);
    return false;
}

static bool set(const struct option_row *row, void *out, const char *value, struct buf *complaint)
{
    void *to = at(out, row->offset);
    switch (row->kind) {
    case OPTION_FLAG: *(bool *)to = true; return true;
    case OPTION_TEXT: *(const char **)to = value; return true;
    case OPTION_NUMBER: return set_number(row, to, value, complaint);
    case OPTION_WORD: return set_word(row, to, value, complaint);
    }
    return false;
}

/* One option with its value, which may be the next argument. */
static bool take_option(const struct option_table *table, void *out, int argc, char **argv, int *i,
                        struct buf *complaint)
{
    const char *text = argv[*i] + 2;
    const char *equals = strchr(text, '=');
    struct bytes name = bytes_of(text, equals ? (size_t)(equals - text) : strlen(text));
    const struct option_row *row = find(table, name);
    if (!row) {
        buf_printf(complaint, "there is no option --%.*s", (int)name.len, text);
        return false;
    }
    if (row->kind == OPTION_FLAG) {
        if (equals)
            buf_printf(complaint, "--%s takes no value", row->name);
        return !equals && set(row, out, NULL, complaint);
    }
    const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
    if (!value || !*value) {
        buf_printf(complaint, "--%s needs a value", row->name);
        return false;
    }
    return set(row, out, value, complaint);
}

static bool take_operand(const struct option_table *table, void *out, const char *text,
                         struct buf *complaint)
{
    const char **to = table->operand ? at(out, table->operand_offset) : NULL;
    if (!to || *to) {
        buf_printf(complaint, "'%s' is one argument too many", text);
        return false;
    }
    *to = text;
    return true;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static bool complete(const struct option_table *table, void *out, struct buf *complaint)
{
    if (table->operand && !*(const char **)at(out, table->operand_offset)) {
        buf_printf(complaint, "%s is missing", table->operand);
        return false;
    }
    EACH_ROW(row, table)
    {
        if (!row->required)
            continue;
        const void *value = at(out, row->offset);
        if (row->kind == OPTION_TEXT ? !*(const char *const *)value
                                     : !((const struct option_number *)value)->given) {
            buf_printf(complaint, "--%s is missing", row->name);
            return false;
        }
    }
    return true;
}

enum options_result options_parse(const struct option_table *table, void *out, int argc,
                                  char **argv, struct buf *complaint)
{
    bool plain = false; /* "--" was there */
    if (wants_help(argc, argv))
        return OPTIONS_HELP;
    for (int i = 1; i < argc; i++) {
        bool good;
        if (!plain && strcmp(argv[i], "--") == 0) {
            plain = true;
            continue;
        }
        if (!plain && strncmp(argv[i], "--", 2) == 0)
            good = take_option(table, out, argc, argv, &i, complaint);
        else
            good = take_operand(table, out, argv[i], complaint);
        if (!good)
            return OPTIONS_WRONG;
    }
    return complete(table, out, complaint) ? OPTIONS_GOOD : OPTIONS_WRONG;
}

/* --- help --- */

static void put_help_lines(const char *help, struct buf *out)
{
    struct bytes line, rest = bytes_str(help);
    bool first = true;
    while (rest.len) {
        line = str_split(rest, '\n', &rest);
        buf_printf(out, "%*s%.*s\n", first ? 0 : HELP_COLUMN, "", (int)line.len, line.ptr);
        first = false;
    }
}

static void put_row(const struct option_row *row, struct buf *out)
{
    size_t start = out->len;
    buf_printf(out, "  --%s", row->name);
    if (row->kind == OPTION_WORD) {
        buf_put_u8(out, ' ');
        put_words(row, "|", out);
    } else if (row->kind != OPTION_FLAG) {
        buf_printf(out, " %s", row->value);
    }
    size_t used = out->len - start;
    if (used + 2 > HELP_COLUMN) {
        buf_put_u8(out, '\n');
        used = 0;
    }
    buf_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
    put_help_lines(row->help, out);
}

static void put_required(const struct option_table *table, struct buf *out)
{
    EACH_ROW(row, table)
    {
        if (row->required)
            buf_printf(out, " --%s %s", row->name, row->value ? row->value : "WORD");
    }
}

void options_help(const struct option_table *table, struct buf *out)
{
    buf_printf(out, "usage: %s", table->command);
    if (table->operand)
        buf_printf(out, " %s", table->operand);
    if (table->usual)
        buf_printf(out, " %s", table->usual);
    else
        put_required(table, out);
    buf_printf(out, " [OPTIONS]\n\n%s", table->about);
    for (const struct option_group *group = table->groups; group->count; group++) {
        buf_printf(out, "\n%s:\n", group->title ? group->title : "Options");
        for (size_t i = 0; i < group->count; i++)
            put_row(&group->rows[i], out);
    }
    buf_printf(out, "\n%s", table->after);
}
