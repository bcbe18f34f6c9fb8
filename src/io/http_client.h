/* HTTP requests of ours to others: callbacks, uploads, pictures. libcurl on a libuv loop;
 * connections are kept and used again. Only http and https, HTTP/1.1; redirects are not followed
 * (their answer is the answer); proxies of the environment and .netrc are not looked at.
 *
 * An object belongs to one loop; all functions here are called on its thread, and `done` is. */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "base/clock.h"
#include "io/http.h"
#include "io/loop.h"

struct http_client;
struct http_transfer;

struct http_client_settings {
    unsigned per_host; /* connections to one host and port, further calls wait (their timeout runs);
                          0: 4 */
    unsigned total;    /* connections; 0: 64 */
    const char
        *ca_file; /* PEM of the authorities to trust and no others; NULL: the system's. Copied */

    /* Asked for each address before a connection is made to it; false refuses it. NULL: any address
     * will do. */
    bool (*allow)(void *ctx, struct addr peer);
    void *allow_ctx;
};

enum http_failure {
    HTTP_ANSWERED, /* there is a status, whatever it says */
    HTTP_FAIL_URL,
    HTTP_FAIL_RESOLVE,
    HTTP_FAIL_CONNECT,
    HTTP_FAIL_REFUSED,     /* by settings.allow */
    HTTP_FAIL_TLS,         /* the handshake */
    HTTP_FAIL_CERTIFICATE, /* not from a trusted authority, for another name, expired, ... */
    HTTP_FAIL_TIMEOUT,     /* the whole, the connect or the stall time */
    HTTP_FAIL_BROKEN,      /* the connection ended in the middle, or without an answer */
    HTTP_FAIL_ANSWER,      /* no HTTP, or larger than allowed */
    HTTP_FAIL_BODY,        /* the file to send could not be read, or is shorter than said */
    HTTP_FAIL_OTHER,
};

/* "timed out", "connection broken", ...: for logs. */
const char *http_failure_text(enum http_failure failure);

struct http_call {
    const char *method; /* "POST" */
    const char *url;
    const struct http_header *headers; /* an empty value sends the header empty */
    size_t header_count;

    /* At most one of the three. PUT, POST and PATCH always have a body, maybe an empty one; GET and
     * HEAD never. A file is read in pieces on the loop's thread, `file_len` bytes from
     * `file_offset`. */
    struct bytes body;  /* borrowed until done or cancelled */
    const char *file;   /* its path */
    const int *file_fd; /* an open file; the descriptor is borrowed until done or cancelled */
    uint64_t file_offset, file_len;

    usec_t timeout;         /* for the whole; 0: none */
    usec_t connect_timeout; /* 0: 10 s */
    usec_t stall_timeout;   /* nothing moved for so long (whole seconds); 0: none */
    size_t max_answer;      /* bytes of the answer's body; more is a failure */
    bool drop_answer;       /* instead: any body is read and thrown away */
    bool insecure_tls;      /* do not check the certificate */
};

/* Borrowed for the call of `done`. */
struct http_result {
    enum http_failure failure;
    int status;           /* 0 unless HTTP_ANSWERED */
    struct bytes body;    /* whole; empty unless HTTP_ANSWERED */
    struct bytes headers; /* of the final answer, as lines; see http_result_header */
    const char *detail;   /* more about a failure, for logs; "" if there is none */
};

/* The value of the first answer header of that name (any case), trimmed; ptr is NULL when absent.
 */
struct bytes http_result_header(const struct http_result *result, const char *name);

/* ERR_NOMEM, ERR_IO. */
int http_client_new(struct http_client **out, struct loop *loop,
                    const struct http_client_settings *settings);

/* Cancels what is under way. The loop must turn once more before it ends (loop_free does that).
 * NULL is fine. */
void http_client_free(struct http_client *client);

/* Called once for each call that was sent and not cancelled, never from within http_client_send. It
 * may send and cancel; the transfer is gone with it. */
typedef void http_done(void *ctx, const struct http_result *result);

/* Texts are copied; the body is borrowed. `out` (may be NULL) is for cancelling. ERR_MALFORMED: a
 * header or the method would break the request. ERR_IO: the file cannot be opened (logged).
 * ERR_NOMEM. No `done` after an error. */
int http_client_send(struct http_client *client, const struct http_call *call, http_done *done,
                     void *ctx, struct http_transfer **out);

/* Ends a transfer without its `done`; the connection is closed. */
void http_client_cancel(struct http_transfer *transfer);

#endif
