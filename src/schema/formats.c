#include "schema/formats.h"

#include "base/addr.h"
#include "base/network.h"
#include "base/str.h"

static bool port_ok(struct bytes text)
{
    uint64_t port;
    return str_to_u64(text, 65535, &port) && port > 0;
}

static bool host_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool name_ok(struct bytes host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!host_char(host.ptr[i]))
            return false;
    return host.len > 0 && host.len <= 253;
}

static bool ipv6_authority_ok(struct bytes text)
{
    char ip[64];
    struct addr addr;
    struct bytes rest, host = str_split(bytes_of(text.ptr + 1, text.len - 1), ']', &rest);
    if (!str_copy(ip, sizeof ip, host) || !strchr(ip, ':') || !addr_parse(&addr, ip, 0) ||
        host.len + 2 > text.len)
        return false;
    return rest.len == 0 || (rest.ptr[0] == ':' && port_ok(bytes_of(rest.ptr + 1, rest.len - 1)));
}

static bool authority_ok(struct bytes text)
{
    if (text.len && text.ptr[0] == '[')
        return ipv6_authority_ok(text);
    struct bytes port, host = str_split(text, ':', &port);
    return name_ok(host) && (host.len == text.len || port_ok(port));
}

bool url_is_http(const char *text)
{
    size_t scheme = str_starts(bytes_str(text), "http://")    ? 7
                    : str_starts(bytes_str(text), "https://") ? 8
                                                              : 0;
    if (!scheme)
        return false;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    const char *host = text + scheme;
    return authority_ok(bytes_of(host, strcspn(host, "/?#")));
}

static bool hostport_ok(const char *text)
{
    struct addr a;
    return addr_parse_hostport(&a, text);
}

static bool ip_ok(const char *text)
{
    struct addr a;
    return addr_parse(&a, text, 0);
}

static bool path_prefix_ok(const char *text)
{
    size_t len = strlen(text);
    return len > 1 && text[0] == '/' && text[len - 1] != '/' && !strstr(text, "//");
}

static bool network_ok(const char *text)
{
    struct network n;
    return network_parse(&n, text);
}

const struct schema_format format_http_url = { "an http or https URL with a host", url_is_http };
const struct schema_format format_hostport = { "an address with a port, like 127.0.0.1:9000",
                                               hostport_ok };
const struct schema_format format_ip = { "an IP address, like 127.0.0.1", ip_ok };
const struct schema_format format_path_prefix = { "a path like /api, without a slash at its end",
                                                  path_prefix_ok };
const struct schema_format format_network = { "a network, like 10.0.0.0/8", network_ok };
