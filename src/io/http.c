#include "io/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/base64.h"
#include "base/str.h"

#define MAX_ANSWER (8u << 20)

const char *http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

bool http_percent_decode(struct bytes in, bool plus, struct buf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        if (c == '%') {
            if (in.len - i < 3 || !hex_decode(&c, 1, bytes_of(in.ptr + i + 1, 2)) || c == 0)
                return false;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        buf_put_u8(out, c);
    }
    return out->err == 0;
}

bool http_query(struct bytes query, const char *name, struct buf *out)
{
    while (query.len) {
        struct bytes pair = str_split(query, '&', &query), value;
        struct bytes key = str_split(pair, '=', &value);
        if (bytes_equal_str(key, name))
            return http_percent_decode(value, true, out);
    }
    return false;
}

void http_answer_init(struct http_answer *answer, int status)
{
    *answer = (struct http_answer){ .status = status };
    buf_init(&answer->body, MAX_ANSWER);
}

void http_answer_fini(struct http_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++)
        free(answer->headers[i].value);
    answer->header_count = 0;
    buf_fini(&answer->body);
}

void http_answer_header(struct http_answer *answer, const char *name, const char *fmt, ...)
{
    if (answer->header_count == HTTP_ANSWER_HEADERS)
        return;
    char *value = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&value, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    answer->headers[answer->header_count].name = name;
    answer->headers[answer->header_count].value = value;
    answer->header_count++;
}
