/* Which part answers which address:
 *     /            the cloud API; also PREFIX and PREFIX/
 *     /v2/...      WHIP
 *     /healthz     200 while the control loop turns
 *     /readyz      200 while new work is taken
 * Control loop. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "api/api.h"
#include "io/http_server.h"
#include "whip/whip.h"

struct routes {
    struct api *api;
    struct whip *whip;
    const char *prefix; /* "/api", or NULL */
    bool draining;
};

/* An http_server's handler; ctx: the routes. */
void routes_handle(void *ctx, struct http_exchange *exchange);

#endif
