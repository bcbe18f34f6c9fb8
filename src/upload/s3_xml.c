#include "upload/s3_xml.h"

#include "base/str.h"

enum piece_kind { PIECE_TEXT, PIECE_RAW, PIECE_OPEN, PIECE_CLOSE, PIECE_EMPTY, PIECE_END };

/* A tag's name without prefix, or a text. */
struct piece {
    enum piece_kind kind;
    struct bytes text;
};

/* Takes what stands before `mark`, and the mark. False: it does not come. */
static bool take_until(struct bytes *rest, const char *mark, struct bytes *out)
{
    size_t len = strlen(mark);
    const uint8_t *at = rest->len ? memmem(rest->ptr, rest->len, mark, len) : NULL;
    if (!at)
        return false;
    *out = bytes_of(rest->ptr, (size_t)(at - rest->ptr));
    *rest = bytes_of(at + len, rest->len - out->len - len);
    return true;
}

/* The inside of a tag; a '>' between quotes does not end it. */
static bool take_tag(struct bytes *rest, struct bytes *out)
{
    uint8_t quote = 0;
    for (size_t i = 0; i < rest->len; i++) {
        uint8_t c = rest->ptr[i];
        if (quote ? c == quote : c == '"' || c == '\'')
            quote = quote ? 0 : c;
        else if (c == '>' && !quote) {
            *out = bytes_of(rest->ptr, i);
            *rest = bytes_of(rest->ptr + i + 1, rest->len - i - 1);
            return true;
        }
    }
    return false;
}

static struct bytes local_name(struct bytes tag)
{
    size_t len = 0, start = 0;
    while (len < tag.len && !strchr(" \t\r\n/", tag.ptr[len])) {
        if (tag.ptr[len] == ':')
            start = len + 1;
        len++;
    }
    return bytes_of(tag.ptr + start, len - start);
}

static bool element(struct bytes *rest, struct piece *out)
{
    struct bytes tag;
    bool close = str_starts(*rest, "/");
    if (close)
        *rest = bytes_of(rest->ptr + 1, rest->len - 1);
    if (!take_tag(rest, &tag) || !tag.len)
        return false;
    bool empty = tag.ptr[tag.len - 1] == '/';
    out->kind = close ? PIECE_CLOSE : empty ? PIECE_EMPTY : PIECE_OPEN;
    out->text = local_name(tag);
    return out->text.len > 0;
}

static bool skip_or_element(struct bytes *rest, struct piece *out, bool *skipped)
{
    static const struct {
        const char *start, *end;
        bool skip;
    } special[] = { { "?", "?>", true }, { "!--", "-->", true }, { "![CDATA[", "]]>", false } };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (str_starts(*rest, special[i].start)) {
            size_t len = strlen(special[i].start);
            *rest = bytes_of(rest->ptr + len, rest->len - len);
            out->kind = PIECE_RAW;
            *skipped = special[i].skip;
            return take_until(rest, special[i].end, &out->text);
        }
    *skipped = false;
    return !str_starts(*rest, "!") && element(rest, out);
}

/* False: the XML is broken here. */
static bool next_piece(struct bytes *rest, struct piece *out)
{
    bool skipped = true;
    while (skipped) {
        if (rest->len == 0) {
            *out = (struct piece){ PIECE_END };
            return true;
        }
        if (rest->ptr[0] != '<') {
            const uint8_t *end = memchr(rest->ptr, '<', rest->len);
            size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
            *out = (struct piece){ PIECE_TEXT, bytes_of(rest->ptr, len) };
            *rest = bytes_of(rest->ptr + len, rest->len - len);
            return true;
        }
        *rest = bytes_of(rest->ptr + 1, rest->len - 1);
        if (!skip_or_element(rest, out, &skipped))
            return false;
    }
    return true;
}

bool s3_xml_root_is(struct bytes xml, const char *name)
{
    struct piece p;
    while (next_piece(&xml, &p) && p.kind != PIECE_END)
        if (p.kind != PIECE_TEXT)
            return (p.kind == PIECE_OPEN || p.kind == PIECE_EMPTY) && bytes_equal_str(p.text, name);
    return false;
}

/* --- texts --- */

struct sink {
    char *pos, *end; /* end: where the NUL must fit */
};

static bool put_char(struct sink *out, uint32_t c)
{
    if (out->pos == out->end)
        return false;
    bool blank = c == '\n' || c == '\r' || c == '\t';
    *out->pos++ = blank ? ' ' : c >= 0x20 && c < 0x7f ? (char)c : '?';
    *out->pos = 0;
    return true;
}

static int digit(uint8_t c, uint32_t base)
{
    int d = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : 99;
    return d < (int)base ? d : -1;
}

static bool put_number(struct sink *out, struct bytes number)
{
    uint32_t base = str_starts(number, "x") ? 16 : 10, c = 0;
    size_t i = base == 16;
    if (i == number.len)
        return false;
    for (; i < number.len; i++) {
        int d = digit(number.ptr[i], base);
        if (d < 0 || c > 0x10ffff)
            return false;
        c = c * base + (uint32_t)d;
    }
    return put_char(out, c);
}

static bool put_entity(struct sink *out, struct bytes name)
{
    static const struct {
        const char *name;
        char c;
    } named[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' } };
    if (str_starts(name, "#"))
        return put_number(out, bytes_of(name.ptr + 1, name.len - 1));
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (bytes_equal_str(name, named[i].name))
            return put_char(out, (uint8_t)named[i].c);
    return false;
}

/* A character of several bytes becomes one '?'. */
static bool put_text(struct sink *out, struct bytes text, bool raw)
{
    while (text.len) {
        uint8_t c = text.ptr[0];
        text = bytes_of(text.ptr + 1, text.len - 1);
        if (c == '&' && !raw) {
            struct bytes name;
            if (!take_until(&text, ";", &name) || !put_entity(out, name))
                return false;
        } else if ((c & 0xc0) != 0x80 && !put_char(out, c)) {
            return false;
        }
    }
    return true;
}

static bool collect(struct bytes rest, struct sink *out)
{
    struct piece p;
    while (next_piece(&rest, &p)) {
        if (p.kind == PIECE_CLOSE)
            return true;
        bool text = p.kind == PIECE_TEXT || p.kind == PIECE_RAW;
        if (!text || !put_text(out, p.text, p.kind == PIECE_RAW))
            return false;
    }
    return false;
}

bool s3_xml_text(struct bytes xml, const char *name, char *out, size_t size)
{
    struct piece p;
    struct sink sink = { out, out + size - 1 };
    out[0] = 0;
    while (next_piece(&xml, &p) && p.kind != PIECE_END) {
        bool found = bytes_equal_str(p.text, name);
        if (found && p.kind == PIECE_EMPTY)
            return true;
        if (found && p.kind == PIECE_OPEN)
            return collect(xml, &sink);
    }
    return false;
}

bool s3_xml_next(struct bytes *xml, const char *name, struct bytes *inside)
{
    struct piece p;
    const uint8_t *start = NULL, *before = xml->ptr;
    for (; next_piece(xml, &p) && p.kind != PIECE_END; before = xml->ptr) {
        bool found = bytes_equal_str(p.text, name);
        if (found && p.kind == PIECE_OPEN)
            start = xml->ptr;
        if (found && p.kind == PIECE_CLOSE && start) {
            *inside = bytes_of(start, (size_t)(before - start));
            return true;
        }
    }
    return false;
}
