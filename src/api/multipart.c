#include "api/multipart.h"

#include "base/err.h"
#include "base/str.h"

#define MAX_BOUNDARY 70 /* RFC 2046 5.1.1 */

#define BOUNDARY_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=? "

/* The value of `;name=value` or `;name="value"`; empty when there is none. */
static struct bytes parameter(struct bytes header, const char *name)
{
    str_split(header, ';', &header);
    while (header.len) {
        struct bytes value, key = str_split(str_trim(str_split(header, ';', &header)), '=', &value);
        if (!str_equal_nocase(str_trim(key), name))
            continue;
        value = str_trim(value);
        bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
        return quoted ? bytes_of(value.ptr + 1, value.len - 2) : value;
    }
    return bytes_of(NULL, 0);
}

struct bytes multipart_boundary(const char *content_type)
{
    struct bytes boundary = parameter(bytes_str(content_type), "boundary");
    bool good = boundary.len && boundary.len <= MAX_BOUNDARY &&
                str_only(boundary, BOUNDARY_CHARS) && boundary.ptr[boundary.len - 1] != ' ';
    return good ? boundary : bytes_of(NULL, 0);
}

static bool starts(struct bytes text, struct bytes with)
{
    return text.len >= with.len && bytes_equal(bytes_of(text.ptr, with.len), with);
}

static struct bytes skip(struct bytes text, size_t len)
{
    return bytes_of(text.ptr + len, text.len - len);
}

/* Takes "--boundary" off the front. */
static bool take_delimiter(struct bytes *body, struct bytes boundary)
{
    if (!str_starts(*body, "--") || !starts(skip(*body, 2), boundary))
        return false;
    *body = skip(*body, 2 + boundary.len);
    return true;
}

/* Takes a line without its end; false: no line ends here. */
static bool take_line(struct bytes *body, struct bytes *line)
{
    const uint8_t *end = body->len ? memchr(body->ptr, '\n', body->len) : NULL;
    size_t len = end ? (size_t)(end - body->ptr) : 0;
    if (!len || body->ptr[len - 1] != '\r')
        return false;
    *line = bytes_of(body->ptr, len - 1);
    *body = skip(*body, len + 1);
    return true;
}

static bool read_disposition(struct multipart_part *part, struct bytes value)
{
    struct bytes rest;
    return str_equal_nocase(str_trim(str_split(value, ';', &rest)), "form-data") &&
           str_copy(part->name, sizeof part->name, parameter(value, "name")) && *part->name;
}

/* The header lines up to the empty one. */
static bool take_head(struct bytes *body, struct multipart_part *part)
{
    struct bytes line, value, rest;
    *part = (struct multipart_part){ 0 };
    while (take_line(body, &line)) {
        if (!line.len)
            return *part->name;
        struct bytes name = str_split(line, ':', &value);
        if (str_equal_nocase(name, "Content-Disposition") && !read_disposition(part, value))
            return false;
        if (str_equal_nocase(name, "Content-Type"))
            part->json =
                str_equal_nocase(str_trim(str_split(value, ';', &rest)), "application/json");
    }
    return false;
}

/* Everything up to the CRLF before the next delimiter. */
static bool take_content(struct bytes *body, struct bytes boundary, struct bytes *content)
{
    for (struct bytes at = *body; at.len;) {
        const uint8_t *line_end = memchr(at.ptr, '\r', at.len);
        if (!line_end)
            return false;
        at = skip(at, (size_t)(line_end - at.ptr));
        struct bytes after = skip(at, at.len > 1 ? 2 : 1);
        if (str_starts(at, "\r\n") && take_delimiter(&after, boundary)) {
            *content = bytes_of(body->ptr, (size_t)(at.ptr - body->ptr));
            *body = skip(at, 2);
            return true;
        }
        at = skip(at, 1);
    }
    return false;
}

int multipart_read(struct bytes body, struct bytes boundary, multipart_each *each, void *ctx)
{
    struct multipart_part part;
    struct bytes line;
    for (unsigned count = 0;; count++) {
        if (!take_delimiter(&body, boundary))
            return ERR_MALFORMED;
        if (str_starts(body, "--"))
            return OK;
        if (!take_line(&body, &line) || str_trim(line).len || !take_head(&body, &part) ||
            !take_content(&body, boundary, &part.content))
            return ERR_MALFORMED;
        if (count == MULTIPART_MAX_PARTS)
            return ERR_LIMIT;
        if (!each(ctx, &part))
            return OK;
    }
}
