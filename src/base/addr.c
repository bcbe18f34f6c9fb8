#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

bool addr_equal(struct addr a, struct addr b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

bool addr_parse(struct addr *out, const char *ip, uint16_t port)
{
    *out = (struct addr){ .port = port };
    if (inet_pton(AF_INET, ip, out->ip) == 1)
        out->family = AF_INET;
    else if (inet_pton(AF_INET6, ip, out->ip) == 1)
        out->family = AF_INET6;
    return out->family != 0;
}

bool addr_parse_hostport(struct addr *out, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    struct bytes host = bytes_of(text, (size_t)(colon - text));
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = bytes_of(host.ptr + 1, host.len - 2);

    char ip[INET6_ADDRSTRLEN];
    uint64_t port;
    return str_to_u64(bytes_str(colon + 1), 65535, &port) && str_copy(ip, sizeof ip, host) &&
           addr_parse(out, ip, (uint16_t)port);
}

bool addr_from_sockaddr(struct addr *out, const struct sockaddr *sa)
{
    *out = (struct addr){ 0 };
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        out->family = AF_INET;
        out->port = ntohs(in->sin_port);
        memcpy(out->ip, &in->sin_addr, 4);
        return true;
    }
    if (sa->sa_family != AF_INET6)
        return false;

    const struct sockaddr_in6 *in6 = (const void *)sa;
    out->port = ntohs(in6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        out->family = AF_INET;
        memcpy(out->ip, in6->sin6_addr.s6_addr + 12, 4);
    } else {
        out->family = AF_INET6;
        memcpy(out->ip, &in6->sin6_addr, 16);
    }
    return true;
}

socklen_t addr_to_sockaddr(struct addr a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (a.family == AF_INET6) {
        struct sockaddr_in6 *in6 = (void *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a.port);
        memcpy(&in6->sin6_addr, a.ip, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in = (void *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons(a.port);
    memcpy(&in->sin_addr, a.ip, 4);
    return sizeof *in;
}

const char *addr_ip_text(struct addr a, char out[ADDR_TEXT_SIZE])
{
    if (!a.family || !inet_ntop(a.family, a.ip, out, ADDR_TEXT_SIZE))
        strcpy(out, "none");
    return out;
}

const char *addr_text(struct addr a, char out[ADDR_TEXT_SIZE])
{
    char ip[ADDR_TEXT_SIZE];
    addr_ip_text(a, ip);
    snprintf(out, ADDR_TEXT_SIZE, a.family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u", ip,
             (unsigned)a.port);
    return out;
}
