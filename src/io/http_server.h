/* An HTTP/1.1 server, with TLS when it is given a certificate. One thread of its own reads
 * requests; each whole request is handed to `handle` on the home loop, suspended until it is
 * answered there.
 *
 *   server thread: head, body -> [suspended] -> home loop: handle(exchange) ...
 * http_exchange_answer() -> server thread
 *
 * Limits: bodies of `max_body` bytes (a larger one arrives with request.too_large and no body), of
 * 64 MiB together (503), 64 KiB of head, HTTP_MAX_HEADERS headers (more: 431), `max_connections`;
 * idle connections close after 60 s. A request that the home loop does not answer within `timeout`
 * is answered by `on_timeout`. */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include "base/clock.h"
#include "io/http.h"
#include "io/loop.h"

struct http_server;
struct http_exchange;

struct http_server_config {
    struct addr listen;
    const char *tls_cert, *tls_key; /* PEM texts, not paths; NULL: plain HTTP */
    size_t max_body;
    unsigned max_connections;
    usec_t timeout;

    /* Asked first; true: `answer` (initialised with 200) is the answer and the home loop never
     * hears of the request. For what must answer when that loop hangs. Server thread. NULL:
     * nothing. */
    bool (*at_once)(void *ctx, const struct http_request *request, struct http_answer *answer);

    struct loop *home;
    void *ctx;
    void (*handle)(void *ctx,
                   struct http_exchange *exchange); /* home loop; must lead to one answer */
    void (*on_timeout)(
        void *ctx, struct http_answer *answer); /* home loop; `answer` is initialised with 504 */
};

/* Any thread but the home loop's. ERR_IO: cannot listen (logged). */
int http_server_start(struct http_server **out, const struct http_server_config *config);

/* Answers what is still open with 503, lets answers leave (one second at most) and ends the thread.
 * Not from the home loop, which must be running. Exchanges that somebody still holds may be
 * answered afterwards; that only frees them. NULL is fine. */
void http_server_stop(struct http_server *server);

/* Home loop's thread. The request, borrowed: valid until `handle` returns or the exchange is
 * answered, whichever comes first; NULL once the time limit has answered. */
const struct http_request *http_exchange_request(const struct http_exchange *exchange);

/* Home loop's thread. Sends the answer, unless the time limit was faster, and frees its content
 * (fini). The exchange is gone for the caller. */
void http_exchange_answer(struct http_exchange *exchange, struct http_answer *answer);

uint16_t http_server_port(const struct http_server *server);

#endif
