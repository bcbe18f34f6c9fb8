#include "upload/s3_place.h"

#include <stdlib.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "upload/key.h"

#define MAX_TEXT 4096
#define LOWER    "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"
#define UPPER    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* --- names --- */

static bool lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool s3_bucket_name_ok(const char *name)
{
    size_t len = strlen(name);
    struct addr ip;
    return len >= 3 && len <= 63 && str_only(bytes_str(name), LOWER DIGITS ".-") &&
           lower_or_digit(name[0]) && lower_or_digit(name[len - 1]) && !strstr(name, "..") &&
           !addr_parse(&ip, name, 0);
}

bool s3_key_ok(const char *key)
{
    struct bytes rest = bytes_str(key);
    if (rest.len == 0 || rest.len > KEY_MAX || rest.ptr[rest.len - 1] == '/')
        return false;
    while (rest.len) {
        char name[FILE_NAME_SIZE];
        if (!str_copy(name, sizeof name, str_split(rest, '/', &rest)) || !file_name_ok(name))
            return false;
    }
    return true;
}

/* --- endpoints --- */

/* An endpoint's parts, borrowed from it. */
struct parts {
    bool https;
    struct bytes host, port, base; /* base: "/a/b" or "" */
    bool is_ip;
};

static bool host_ok(struct bytes host, bool *is_ip)
{
    char text[256];
    struct addr ip;
    bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (brackets)
        host = bytes_of(host.ptr + 1, host.len - 2);
    if (!host.len || !str_copy(text, sizeof text, host))
        return false;
    *is_ip = addr_parse(&ip, text, 0);
    return brackets ? *is_ip && ip.family == AF_INET6 : str_only(host, LOWER UPPER DIGITS ".-_");
}

static bool split_authority(struct parts *p, struct bytes authority)
{
    const uint8_t *bracket = authority.len ? memrchr(authority.ptr, ']', authority.len) : NULL;
    size_t host = bracket ? (size_t)(bracket - authority.ptr) + 1 : 0;
    struct bytes tail = bytes_of(authority.ptr + host, authority.len - host);
    struct bytes name = str_split(tail, ':', &p->port);
    uint64_t port;
    p->host = bytes_of(authority.ptr, host + name.len);
    bool has_port = name.len < tail.len;
    return (!bracket || name.len == 0) && host_ok(p->host, &p->is_ip) &&
           (!has_port || (str_to_u64(p->port, 65535, &port) && port > 0));
}

static bool split(struct parts *p, const char *endpoint)
{
    struct bytes rest = bytes_str(endpoint);
    p->https = str_starts(rest, "https://");
    if (!p->https && !str_starts(rest, "http://"))
        return false;
    size_t scheme = p->https ? 8 : 7;
    size_t authority = strcspn(endpoint + scheme, "/");
    p->base = bytes_str(endpoint + scheme + authority);
    while (p->base.len && p->base.ptr[p->base.len - 1] == '/')
        p->base.len--;
    return split_authority(p, bytes_of(endpoint + scheme, authority)) &&
           str_only(p->base, LOWER UPPER DIGITS "-._~/");
}

static bool own_port(const struct parts *p)
{
    return bytes_equal_str(p->port, p->https ? "443" : "80");
}

static char *make_host(const struct parts *p, const char *bucket)
{
    struct buf b;
    buf_init(&b, MAX_TEXT);
    if (bucket)
        buf_printf(&b, "%s.", bucket);
    buf_put_bytes(&b, p->host);
    if (p->port.len && !own_port(p)) {
        buf_put_u8(&b, ':');
        buf_put_bytes(&b, p->port);
    }
    return buf_detach(&b);
}

static char *make_path(const struct parts *p, const char *bucket)
{
    struct buf b;
    buf_init(&b, MAX_TEXT);
    buf_put_bytes(&b, p->base);
    buf_printf(&b, "/%s%s", bucket ? bucket : "", bucket ? "/" : "");
    return buf_detach(&b);
}

static char *make_origin(const struct parts *p, const char *host)
{
    struct buf b;
    buf_init(&b, MAX_TEXT);
    buf_printf(&b, "%s://%s", p->https ? "https" : "http", host);
    return buf_detach(&b);
}

int s3_place_init(struct s3_place *out, const char *endpoint, const char *bucket, bool path_style)
{
    struct parts p;
    if (!s3_bucket_name_ok(bucket) || strlen(endpoint) > MAX_TEXT / 2 || !split(&p, endpoint))
        return ERR_MALFORMED;
    bool in_path = path_style || p.is_ip;
    struct s3_place place = { .host = make_host(&p, in_path ? NULL : bucket),
                              .path = make_path(&p, in_path ? bucket : NULL) };
    place.origin = place.host ? make_origin(&p, place.host) : NULL;
    if (!place.origin || !place.path) {
        s3_place_fini(&place);
        return ERR_NOMEM;
    }
    *out = place;
    return OK;
}

void s3_place_fini(struct s3_place *place)
{
    free(place->origin);
    free(place->host);
    free(place->path);
    *place = (struct s3_place){ 0 };
}

/* --- vendors --- */

static bool region_ok(const char *region)
{
    return region[0] && str_only(bytes_str(region), LOWER DIGITS "-") && strlen(region) <= 63;
}

int s3_endpoint_cos(struct buf *out, const char *region)
{
    if (!region_ok(region))
        return ERR_MALFORMED;
    buf_printf(out, "https://cos.%s.myqcloud.com", region);
    return out->err;
}

int s3_endpoint_aws(struct buf *out, const char *region)
{
    if (!region_ok(region))
        return ERR_MALFORMED;
    bool china = str_starts(bytes_str(region), "cn-");
    buf_printf(out, "https://s3.%s.amazonaws.com%s", region, china ? ".cn" : "");
    return out->err;
}
