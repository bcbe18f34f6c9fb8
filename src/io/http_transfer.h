/* One call of http_client as a libcurl handle: how the request is set up, how its body is read and
 * its answer kept. Inside io/ only; the loop's thread. */
#ifndef IO_HTTP_TRANSFER_H
#define IO_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "base/list.h"
#include "io/http_client.h"

struct http_transfer {
    struct link in_client;      /* http_client.transfers */
    struct http_client *client; /* set by the client */
    CURL *easy;
    struct curl_slist *headers;
    http_done *done;
    void *ctx;

    struct bytes memory; /* the body, or a file: */
    int fd;              /* -1: none */
    bool owns_fd;
    uint64_t offset, len, pos;

    struct buf answer, answer_headers;
    bool (*allow)(void *ctx, struct addr peer);
    void *allow_ctx;
    bool drop_answer, head_whole;
    bool refused, unreadable, too_large;
    char detail[CURL_ERROR_SIZE];
};

/* Errors as http_client_send. */
int http_transfer_new(struct http_transfer **out, const struct http_call *call,
                      const struct http_client_settings *settings);
void http_transfer_free(
    struct http_transfer *t); /* not while the handle is in a multi handle; NULL is fine */

/* Fills the result from what libcurl said; it borrows from the transfer. */
void http_transfer_result(const struct http_transfer *t, CURLcode code, struct http_result *out);

#endif
