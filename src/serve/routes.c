#include "serve/routes.h"

#include "base/err.h"
#include "base/str.h"
#include "observe/metrics.h"

#define MAX_PAGE (4u << 20)

static void reply(void *ctx, struct http_answer *answer)
{
    http_exchange_answer(ctx, answer);
}

static void set_text(struct http_answer *answer, int status, const char *text)
{
    answer->status = status;
    http_answer_header(answer, "Content-Type", "text/plain");
    buf_printf(&answer->body, "%s\n", text);
}

static void answer_text(struct http_exchange *exchange, int status, const char *text)
{
    struct http_answer answer;
    http_answer_init(&answer, status);
    set_text(&answer, status, text);
    http_exchange_answer(exchange, &answer);
}

bool routes_at_once(void *ctx, const struct http_request *request, struct http_answer *answer)
{
    const struct routes *routes = ctx;
    if (!bytes_equal_str(request->path, "/healthz"))
        return false;
    struct buf text;
    buf_init(&text, 4096);
    buf_put_str(&text, "stalled: ");
    bool stalled = health_stalled(routes->watched, routes->watched_count, clock_mono(), &text);
    set_text(answer, stalled ? 503 : 200, stalled ? buf_str(&text) : "ok");
    buf_fini(&text);
    return true;
}

static void answer_ready(const struct routes *routes, struct http_exchange *exchange)
{
    if (routes->draining)
        answer_text(exchange, 503, "shutting down");
    else if (!routes->ready)
        answer_text(exchange, 503, "starting");
    else if (disk_watch_usage(routes->disk).low)
        answer_text(exchange, 503,
                    "the disk under data has less room than limits.disk_reserve_mib");
    else
        answer_text(exchange, 200, "ready");
}

static void answer_metrics(const struct routes *routes, struct http_exchange *exchange)
{
    struct buf page;
    buf_init(&page, MAX_PAGE);
    int err = metrics_page(routes->metrics, &page);
    if (err) {
        answer_text(exchange, 503, err_text(err));
    } else {
        struct http_answer answer;
        http_answer_init(&answer, 200);
        http_answer_header(&answer, "Content-Type", METRICS_CONTENT_TYPE);
        buf_put_bytes(&answer.body, buf_bytes(&page));
        http_exchange_answer(exchange, &answer);
    }
    buf_fini(&page);
}

static void answer_whip(struct routes *routes, const struct http_request *request,
                        struct http_exchange *exchange)
{
    struct http_answer answer;
    whip_handle(routes->whip, request, clock_wall(), &answer);
    whip_stats_add(&routes->whip_stats, answer.status);
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
    if (is_api(routes, request->path))
        api_handle(routes->api, request, clock_wall(), (struct api_reply){ reply, exchange });
    else if (str_starts(request->path, "/v2/"))
        answer_whip(routes, request, exchange);
    else if (bytes_equal_str(request->path, "/readyz"))
        answer_ready(routes, exchange);
    else if (bytes_equal_str(request->path, "/metrics") && routes->metrics)
        answer_metrics(routes, exchange);
    else
        answer_text(exchange, 404,
                    "not found; the API is at /, publishers use /v2/pub/{SdkAppId}/{RoomId}");
}
