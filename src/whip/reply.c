#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "whip/internal.h"

static const char *title(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

/* Any page may publish: what counts is the token, and no cookies are used. */
void reply_cors(struct http_answer *out)
{
    http_answer_header(out, "Access-Control-Allow-Origin", "*");
    http_answer_header(out, "Access-Control-Expose-Headers", "Location, Link, ETag");
}

void reply_ok(struct http_answer *out, int status)
{
    http_answer_init(out, status);
    reply_cors(out);
}

void reply_error(struct http_answer *out, int status, const char *detail)
{
    http_answer_init(out, status);
    reply_cors(out);
    if (status == 401)
        http_answer_header(out, "WWW-Authenticate", "Bearer");
    if (status == 503)
        http_answer_header(out, "Retry-After", "5");
    http_answer_header(out, "Content-Type", "application/problem+json");

    json_t *body = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title(status),
                             "status", status, "detail", detail);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    buf_put_str(&out->body, text ? text : "{}");
    free(text);
    json_decref(body);
}

void reply_bad_method(struct http_answer *out, const char *allow)
{
    reply_error(out, 405, "this address does not take that method");
    http_answer_header(out, "Allow", "%s", allow);
}

struct bytes bearer_token(const struct http_request *request)
{
    const char *value = http_header(request, "Authorization");
    if (!value)
        return bytes_of(NULL, 0);
    struct bytes token, scheme = str_split(str_trim(bytes_str(value)), ' ', &token);
    return str_equal_nocase(scheme, "Bearer") ? str_trim(token) : bytes_of(NULL, 0);
}

bool has_content_type(const struct http_request *request, const char *type)
{
    const char *value = http_header(request, "Content-Type");
    struct bytes rest;
    return value && str_equal_nocase(str_trim(str_split(bytes_str(value), ';', &rest)), type);
}
