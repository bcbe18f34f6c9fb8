#include "publish/url.h"

#include "base/str.h"

static size_t find(struct bytes text, char c)
{
    size_t i = 0;
    while (i < text.len && text.ptr[i] != (uint8_t)c)
        i++;
    return i;
}

static size_t scheme_len(struct bytes url)
{
    if (str_starts(url, "http://"))
        return 7;
    return str_starts(url, "https://") ? 8 : 0;
}

/* Where the path begins, or what comes instead of one. */
static size_t path_at(struct bytes url)
{
    size_t i = scheme_len(url);
    while (i < url.len && !strchr("/?#", url.ptr[i]))
        i++;
    return i;
}

bool url_valid(struct bytes url)
{
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] == 0x7f)
            return false;
    return scheme_len(url) && path_at(url) > scheme_len(url);
}

bool url_app(struct bytes url, uint32_t *sdk_app_id)
{
    static const char before[] = "/v2/pub/";
    size_t at = path_at(url);
    struct bytes path = bytes_of(url.ptr + at, url.len - at), rest;
    path.len = find(path, '?');
    uint64_t app;
    if (!str_starts(path, before))
        return false;
    path = bytes_of(path.ptr + sizeof before - 1, path.len - (sizeof before - 1));
    if (!str_to_u64(str_split(path, '/', &rest), UINT32_MAX, &app) || !rest.len)
        return false;
    *sdk_app_id = (uint32_t)app;
    return true;
}

static struct bytes query_of(struct bytes url)
{
    size_t at = find(url, '?');
    if (at < url.len)
        at++;
    struct bytes query = bytes_of(url.ptr + at, url.len - at);
    query.len = find(query, '#');
    return query;
}

static bool is_user(struct bytes pair, struct bytes *value)
{
    return bytes_equal_str(str_split(pair, '=', value), "SessionID");
}

struct bytes url_user(struct bytes url)
{
    struct bytes query = query_of(url), value;
    while (query.len)
        if (is_user(str_split(query, '&', &query), &value))
            return value;
    return bytes_of(NULL, 0);
}

void url_put_with_user(struct buf *out, struct bytes url, const char *user)
{
    struct bytes query = query_of(url), value;
    buf_put(out, url.ptr, find(bytes_of(url.ptr, find(url, '#')), '?'));
    buf_printf(out, "?SessionID=%s", user);
    while (query.len) {
        struct bytes pair = str_split(query, '&', &query);
        if (!pair.len || is_user(pair, &value))
            continue;
        buf_put_str(out, "&");
        buf_put_bytes(out, pair);
    }
}

void url_put_location(struct buf *out, struct bytes base, struct bytes location)
{
    size_t keep = path_at(base);
    if (scheme_len(location))
        keep = 0;
    else if (str_starts(location, "//"))
        keep = find(base, ':') + 1;
    else if (!str_starts(location, "/")) { /* beside the last part of the path */
        size_t end = keep;
        for (size_t i = keep; i < base.len && base.ptr[i] != '?' && base.ptr[i] != '#'; i++)
            if (base.ptr[i] == '/')
                end = i + 1;
        keep = end;
    }
    buf_put(out, base.ptr, keep);
    buf_put_bytes(out, location);
}
