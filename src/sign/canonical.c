#include "sign/canonical.h"

#include <ctype.h>

#include "base/str.h"

static void put_case(struct buf *out, struct bytes text, int (*fold)(int))
{
    for (size_t i = 0; i < text.len; i++)
        buf_put_u8(out, (uint8_t)(text.ptr[i] < 0x80 ? fold(text.ptr[i]) : text.ptr[i]));
}

static void put_header(const struct canonical_header *header, bool lower, struct buf *out)
{
    struct bytes value = str_trim(header->value);
    put_case(out, header->name, tolower);
    buf_put_u8(out, ':');
    if (lower)
        put_case(out, value, tolower);
    else
        buf_put_bytes(out, value);
    buf_put_u8(out, '\n');
}

void canonical_names(const struct canonical_request *request, struct buf *out)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (i)
            buf_put_u8(out, ';');
        put_case(out, request->headers[i].name, tolower);
    }
}

void canonical_write(const struct canonical_request *request, struct buf *out)
{
    put_case(out, request->method, toupper);
    buf_put_u8(out, '\n');
    buf_put_bytes(out, request->uri);
    buf_put_u8(out, '\n');
    buf_put_bytes(out, request->query);
    buf_put_u8(out, '\n');
    for (size_t i = 0; i < request->header_count; i++)
        put_header(&request->headers[i], request->lower_values, out);
    buf_put_u8(out, '\n');
    canonical_names(request, out);
    buf_put_u8(out, '\n');
    buf_put_str(out, request->payload_hash);
}
