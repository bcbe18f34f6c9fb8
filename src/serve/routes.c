#include "serve/routes.h"

#include "base/str.h"

static void reply(void *ctx, struct http_answer *answer)
{
    http_exchange_answer(ctx, answer);
}

static void answer_text(struct http_exchange *exchange, int status, const char *text)
{
    struct http_answer answer;
    http_answer_init(&answer, status);
    http_answer_header(&answer, "Content-Type", "text/plain");
    buf_printf(&answer.body, "%s\n", text);
    http_exchange_answer(exchange, &answer);
}

static bool is_api(const struct routes *routes, struct bytes path)
{
    size_t len = routes->prefix ? strlen(routes->prefix) : 0;
    bool below = len && str_starts(path, routes->prefix);
    return bytes_equal_str(path, "/") || (below && path.len == len) ||
           (below && path.len == len + 1 && path.ptr[len] == '/');
}

void routes_handle(void *ctx, struct http_exchange *exchange)
{
    struct routes *routes = ctx;
    const struct http_request *request = http_exchange_request(exchange);
    if (is_api(routes, request->path)) {
        api_handle(routes->api, request, clock_wall(), (struct api_reply){ reply, exchange });
    } else if (str_starts(request->path, "/v2/")) {
        struct http_answer answer;
        whip_handle(routes->whip, request, clock_wall(), &answer);
        http_exchange_answer(exchange, &answer);
    } else if (bytes_equal_str(request->path, "/healthz")) {
        answer_text(exchange, 200, "ok");
    } else if (bytes_equal_str(request->path, "/readyz")) {
        answer_text(exchange, routes->draining ? 503 : 200,
                    routes->draining ? "shutting down" : "ready");
    } else {
        answer_text(exchange, 404,
                    "not found; the API is at /, publishers use /v2/pub/{SdkAppId}/{RoomId}");
    }
}
