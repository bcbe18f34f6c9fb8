#include <stdio.h>

#include "schema/rules.h"

static bool in_class(const char *set, unsigned char c)
{
    for (const unsigned char *s = (const unsigned char *)set; *s; s++) {
        if (s[1] == '-' && s[2]) {
            if (c >= s[0] && c <= s[2])
                return true;
            s += 2;
        } else if (*s == c) {
            return true;
        }
    }
    return false;
}

bool rule_text_ok(const struct schema_row *row, const char *text)
{
    size_t len = strlen(text);
    if (len < (row->min ? row->min : 1) || len > row->max)
        return false;
    for (const char *c = text; row->charset && *c; c++)
        if (!in_class(row->charset, (unsigned char)*c))
            return false;
    return !row->format || row->format->ok(text);
}

static void want_integer(const struct schema_row *row, char *out)
{
    unsigned long long min = row->min, max = row->max;
    if (max - min == 1)
        snprintf(out, SCHEMA_TEXT_SIZE, "%llu or %llu", min, max);
    else if (max >= INT64_MAX)
        snprintf(out, SCHEMA_TEXT_SIZE, "an integer from %llu on", min);
    else
        snprintf(out, SCHEMA_TEXT_SIZE, "an integer from %llu to %llu", min, max);
}

static void want_text(const struct schema_row *row, char *out)
{
    unsigned long long min = row->min ? row->min : 1, max = row->max;
    if (row->format) {
        snprintf(out, SCHEMA_TEXT_SIZE, row->charset ? "%s, of [%.80s]" : "%s", row->format->wanted,
                 row->charset);
        return;
    }
    int at = min == max ? snprintf(out, SCHEMA_TEXT_SIZE, "%llu bytes", max)
                        : snprintf(out, SCHEMA_TEXT_SIZE, "%llu to %llu bytes", min, max);
    if (row->charset)
        snprintf(out + at, SCHEMA_TEXT_SIZE - (size_t)at, " of [%.80s]", row->charset);
}

static void want_word(const struct schema_row *row, char *out)
{
    size_t at = (size_t)snprintf(out, SCHEMA_TEXT_SIZE, "one of");
    for (int i = 0; row->words[i] && at < SCHEMA_TEXT_SIZE; i++)
        at +=
            (size_t)snprintf(out + at, SCHEMA_TEXT_SIZE - at, "%s %s", i ? "," : "", row->words[i]);
}

static void want_string(const struct schema_row *row, char *out)
{
    char text[SCHEMA_TEXT_SIZE];
    want_text(row, text);
    snprintf(out, SCHEMA_TEXT_SIZE, row->format ? "%.150s" : "a string of %.140s", text);
}

static void want_strings(const struct schema_row *row, char *out)
{
    char each[SCHEMA_TEXT_SIZE];
    want_text(row, each);
    snprintf(out, SCHEMA_TEXT_SIZE, "a list of at most %zu strings, each %.100s", row->max_items,
             each);
}

const char *schema_wanted(const struct schema_row *row, char out[SCHEMA_TEXT_SIZE])
{
    switch (row->type) {
    case SCHEMA_U64: want_integer(row, out); break;
    case SCHEMA_BOOL: snprintf(out, SCHEMA_TEXT_SIZE, "true or false"); break;
    case SCHEMA_WORD: want_word(row, out); break;
    case SCHEMA_STRING: want_string(row, out); break;
    case SCHEMA_STRINGS: want_strings(row, out); break;
    case SCHEMA_SECTION:
    case SCHEMA_OBJECT: snprintf(out, SCHEMA_TEXT_SIZE, "an object"); break;
    case SCHEMA_OBJECTS:
        snprintf(out, SCHEMA_TEXT_SIZE, "a list of at most %zu objects", row->max_items);
        break;
    }
    return out;
}

void schema_printable(char *out, size_t size, const char *text)
{
    size_t at = 0;
    for (; text[at] && at + 1 < size; at++) {
        bool plain = text[at] >= ' ' && text[at] <= '~' && text[at] != '`';
        out[at] = plain ? text[at] : '?';
    }
    out[at] = 0;
}

void schema_error_text(const struct schema_error *e, struct buf *out)
{
    if (e->kind == SCHEMA_UNKNOWN) {
        buf_printf(out, "`%s` is not known", e->path);
        return;
    }
    if (e->kind == SCHEMA_MISSING) {
        buf_printf(out, "`%s` is missing, it must be %s", e->path, e->wanted);
        return;
    }
    buf_printf(out, "`%s` must be %s", e->path, e->wanted);
    if (*e->got)
        buf_printf(out, ", not `%s`", e->got);
}
