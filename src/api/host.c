#include "api/host.h"

struct bytes host_without_port(struct bytes host)
{
    size_t digits = host.len;
    while (digits && host.ptr[digits - 1] >= '0' && host.ptr[digits - 1] <= '9')
        digits--;
    bool port = digits > 1 && digits < host.len && host.ptr[digits - 1] == ':';
    return port ? bytes_of(host.ptr, digits - 1) : host;
}
