/* Single values: numbers, booleans, words and texts, and lists of texts by default. */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "schema/rules.h"

static bool is_text(const struct value *v)
{
    return v->kind == VALUE_STRING || v->kind == VALUE_TEXT;
}

static bool as_u64(const struct value *v, uint64_t *out)
{
    *out = v->number;
    return v->kind == VALUE_U64 ||
           (v->kind == VALUE_TEXT && str_to_u64(bytes_str(v->text), UINT64_MAX, out));
}

/* The words of untyped syntaxes; with a capital they are Python's and YAML's. */
static bool word_is(const char *text, const char *small, const char *capital)
{
    return strcmp(text, small) == 0 || strcmp(text, capital) == 0;
}

static bool as_bool(const struct value *v, bool *out)
{
    bool text = v->kind == VALUE_TEXT;
    *out = v->kind == VALUE_BOOL ? v->truth : text && word_is(v->text, "true", "True");
    return v->kind == VALUE_BOOL || *out || (text && word_is(v->text, "false", "False"));
}

/* A whole number, though none that as_u64() takes: negative, or too large. */
static bool is_other_integer(const struct value *v)
{
    if (v->kind != VALUE_TEXT)
        return v->kind == VALUE_NEGATIVE;
    const char *text = v->text + (*v->text == '-');
    size_t digits = strspn(text, "0123456789");
    return digits && !text[digits];
}

static int word_index(const struct schema_row *row, const char *text)
{
    for (int i = 0; row->words[i]; i++)
        if (strcmp(row->words[i], text) == 0)
            return i;
    return -1;
}

static int copy_text(char **out, struct bytes text)
{
    *out = str_dup(text);
    return *out ? OK : ERR_NOMEM;
}

bool scalar_absent(const struct schema_row *row, const struct value *v)
{
    if (!v || v->kind == VALUE_NULL || (is_text(v) && !*v->text))
        return true;
    uint64_t n;
    return row->zero_missing && as_u64(v, &n) && n == 0;
}

int scalar_text(const struct schema_row *row, char **out, const struct value *v)
{
    if (!is_text(v))
        return ERR_MALFORMED;
    return rule_text_ok(row, v->text) ? copy_text(out, bytes_str(v->text)) : ERR_RANGE;
}

static int scalar_u64(const struct schema_row *row, uint64_t *out, const struct value *v)
{
    uint64_t n;
    if (!as_u64(v, &n))
        return is_other_integer(v) ? ERR_RANGE : ERR_MALFORMED;
    if (n < row->min || n > row->max)
        return ERR_RANGE;
    *out = n;
    return OK;
}

static int scalar_word(const struct schema_row *row, int *out, const struct value *v)
{
    if (!is_text(v))
        return ERR_MALFORMED;
    int i = word_index(row, v->text);
    if (i < 0)
        return ERR_RANGE;
    *out = i;
    return OK;
}

int scalar_read(const struct schema_row *row, void *field, const struct value *v)
{
    bool truth;
    switch (row->type) {
    case SCHEMA_U64: return scalar_u64(row, field, v);
    case SCHEMA_WORD: return scalar_word(row, field, v);
    case SCHEMA_STRING: return scalar_text(row, field, v);
    default: break;
    }
    if (!as_bool(v, &truth))
        return ERR_MALFORMED;
    *(bool *)field = truth;
    return OK;
}

static size_t count_parts(struct bytes text)
{
    size_t count = 0;
    for (; text.len; count++)
        str_split(text, ',', &text);
    return count;
}

static int default_strings(struct bytes text, struct schema_strings *out)
{
    out->items = calloc(count_parts(text), sizeof *out->items);
    if (!out->items)
        return ERR_NOMEM;
    while (text.len) {
        int err = copy_text(&out->items[out->count], str_split(text, ',', &text));
        if (err)
            return err;
        out->count++;
    }
    return OK;
}

int scalar_default(const struct schema_row *row, void *field)
{
    struct bytes text = bytes_str(row->fallback);
    switch (row->type) {
    case SCHEMA_U64: return str_to_u64(text, UINT64_MAX, field) ? OK : ERR_RANGE;
    case SCHEMA_BOOL: *(bool *)field = bytes_equal_str(text, "true"); return OK;
    case SCHEMA_WORD: *(int *)field = word_index(row, row->fallback); return OK;
    case SCHEMA_STRING: return copy_text(field, text);
    case SCHEMA_STRINGS: return default_strings(text, field);
    default: return OK;
    }
}
