/* HTTP requests and answers as plain values, between the server that carries them (io/http_server)
 * and the parts that answer (api/, whip/, observe/). */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "base/addr.h"
#include "base/buf.h"

#define HTTP_MAX_HEADERS 64

struct http_header {
    const char *name, *value;
};

/* Everything is borrowed from the exchange and lives until it is answered. */
struct http_request {
    const char *method; /* as sent: "POST" */
    struct bytes path;  /* as sent, not decoded, without the query: "/v2/pub/1/room" */
    struct bytes query; /* as sent, without '?'; empty when there is none */
    const struct http_header *headers;
    size_t header_count;
    struct bytes body; /* whole */
    bool too_large;    /* the body passed the server's limit and was dropped; `body` is empty */
    struct addr peer;
};

/* The value of the first header of that name (any case), NULL when absent. */
const char *http_header(const struct http_request *request, const char *name);

/* The value of a query parameter, percent-decoded ('+' is a space), appended to `out`. False when
 * absent or malformed. */
bool http_query(struct bytes query, const char *name, struct buf *out);

/* Appends `in` percent-decoded; `plus` turns '+' into a space. False: a broken escape or an encoded
 * NUL. */
bool http_percent_decode(struct bytes in, bool plus, struct buf *out);

#define HTTP_ANSWER_HEADERS 12

/* Filled by whoever answers. Names are literals; values are owned and freed by http_answer_fini. */
struct http_answer {
    int status;
    struct {
        const char *name;
        char *value;
    } headers[HTTP_ANSWER_HEADERS];
    size_t header_count;
    struct buf body;
};

void http_answer_init(struct http_answer *answer, int status);
void http_answer_fini(struct http_answer *answer);
void http_answer_header(struct http_answer *answer, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3,
                          4))); /* ignored when all places are taken, or without memory */

#endif
