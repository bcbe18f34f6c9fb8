#include "api/pairs.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "io/http.h"

static size_t count_pairs(struct bytes text)
{
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '&';
    return count;
}

/* Appends one part with its NUL. The text has room for everything, so that nothing moves. */
static bool take(const char **out, struct bytes part, struct buf *text)
{
    size_t start = text->len;
    bool nul = part.len && memchr(part.ptr, 0, part.len);
    if (nul || !http_percent_decode(part, true, text))
        return false;
    struct bytes decoded = bytes_of(text->ptr + start, text->len - start);
    if (!str_is_utf8(decoded))
        return false;
    buf_put_u8(text, 0);
    *out = (const char *)text->ptr + start;
    return true;
}

static int read_pair(struct pairs *out, struct bytes part, struct buf *text)
{
    struct pair *pair = &out->items[out->count];
    struct bytes value, name = str_split(part, '=', &value);
    if (!part.len)
        return OK;
    if (!name.len || name.len == part.len || !take(&pair->name, name, text) ||
        !take(&pair->value, value, text))
        return text->err ? text->err : ERR_MALFORMED;
    out->count++;
    return OK;
}

/* Memory for all pairs at once; decoding only makes them shorter. */
static int make_room(struct pairs *out, struct buf *text, size_t count, size_t len)
{
    size_t room = len + 2 * count;
    buf_init(text, room);
    out->items = calloc(count, sizeof *out->items);
    if (!out->items || !buf_extend(text, room))
        return ERR_NOMEM;
    buf_clear(text);
    out->text = (char *)text->ptr;
    out->text_len = room;
    return OK;
}

int pairs_read(struct pairs *out, struct bytes text)
{
    struct pairs pairs = { 0 };
    struct buf decoded;
    size_t count = count_pairs(text);
    if (count > PAIRS_MAX)
        return ERR_LIMIT;
    int err = count ? make_room(&pairs, &decoded, count, text.len) : OK;
    while (!err && text.len)
        err = read_pair(&pairs, str_split(text, '&', &text), &decoded);
    if (err)
        pairs_fini(&pairs);
    else
        *out = pairs;
    return err;
}

void pairs_fini(struct pairs *pairs)
{
    if (pairs->text)
        explicit_bzero(pairs->text, pairs->text_len);
    free(pairs->text);
    free(pairs->items);
    *pairs = (struct pairs){ 0 };
}

const char *pairs_find(const struct pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}
