#include "base/str.h"

#include <stdlib.h>
#include <strings.h>

bool str_to_u64(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned d = text.ptr[i] - (unsigned)'0';
        if (d > 9 || v > (max - (d > max ? max : d)) / 10 || d > max)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool str_copy(char *out, size_t size, struct bytes text)
{
    out[0] = 0;
    if (text.len >= size || (text.len && memchr(text.ptr, 0, text.len)))
        return false;
    if (text.len)
        memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    return true;
}

char *str_dup(struct bytes text)
{
    char *p = malloc(text.len + 1);
    if (!p)
        return NULL;
    if (text.len)
        memcpy(p, text.ptr, text.len);
    p[text.len] = 0;
    return p;
}

bool str_equal_nocase(struct bytes a, const char *text)
{
    return a.len == strlen(text) &&
           (a.len == 0 || strncasecmp((const char *)a.ptr, text, a.len) == 0);
}

bool str_starts(struct bytes text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && (len == 0 || memcmp(text.ptr, prefix, len) == 0);
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct bytes str_trim(struct bytes text)
{
    while (text.len && blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len && blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

struct bytes str_split(struct bytes text, char sep, struct bytes *rest)
{
    const uint8_t *at = text.len ? memchr(text.ptr, sep, text.len) : NULL;
    size_t len = at ? (size_t)(at - text.ptr) : text.len;
    *rest = at ? bytes_of(at + 1, text.len - len - 1) : bytes_of(text.ptr + text.len, 0);
    return bytes_of(text.ptr, len);
}

bool str_only(struct bytes text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == 0 || !strchr(set, text.ptr[i]))
            return false;
    return true;
}

/* The length of the character at the front; 0: not well-formed (RFC 3629, section 4). */
static size_t utf8_length(struct bytes text)
{
    uint8_t first = text.ptr[0], low = 0x80, high = 0xBF;
    if (first < 0x80)
        return 1;
    size_t len = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || text.len < len)
        return 0;
    low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : low;
    high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : high;
    if (text.ptr[1] < low || text.ptr[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((text.ptr[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool str_is_utf8(struct bytes text)
{
    while (text.len) {
        size_t len = utf8_length(text);
        if (!len)
            return false;
        text = bytes_of(text.ptr + len, text.len - len);
    }
    return true;
}
