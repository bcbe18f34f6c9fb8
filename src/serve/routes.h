/* Which part answers which address:
 *     /            the cloud API; also PREFIX and PREFIX/
 *     /v2/...      WHIP
 *     /metrics     numbers for Prometheus
 *     /healthz     200 while the control loop and every media loop turn
 *     /readyz      200 while new work is taken
 * Control loop, but for /healthz: that one is answered by the HTTP server's own thread. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "api/api.h"
#include "io/http_server.h"
#include "serve/metrics_page.h"
#include "whip/whip.h"

struct routes {
    struct api *api;
    struct whip *whip;
    const char *prefix; /* "/api", or NULL */
    const struct disk_watch *disk;
    const struct metrics_sources *metrics; /* NULL: not served */
    struct whip_stats whip_stats;
    bool ready, draining;

    /* Constant while the server runs: those that /healthz watches. */
    const struct named_loop *watched;
    size_t watched_count;
};

/* An http_server's functions; ctx: the routes. */
bool routes_at_once(void *ctx, const struct http_request *request, struct http_answer *answer);
void routes_handle(void *ctx, struct http_exchange *exchange);

#endif
