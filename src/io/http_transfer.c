#include "io/http_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"

#define MAX_ANSWER_HEADERS (64u << 10)
#define CONNECT_TIMEOUT    (10 * SEC)
#define FILE_PIECE         (256L << 10) /* read from a file at a time */

const char *http_failure_text(enum http_failure failure)
{
    switch (failure) {
    case HTTP_ANSWERED: return "answered";
    case HTTP_FAIL_URL: return "bad URL";
    case HTTP_FAIL_RESOLVE: return "host not found";
    case HTTP_FAIL_CONNECT: return "no connection";
    case HTTP_FAIL_REFUSED: return "address not allowed";
    case HTTP_FAIL_TLS: return "TLS failed";
    case HTTP_FAIL_CERTIFICATE: return "certificate not accepted";
    case HTTP_FAIL_TIMEOUT: return "timed out";
    case HTTP_FAIL_BROKEN: return "connection broken";
    case HTTP_FAIL_ANSWER: return "bad answer";
    case HTTP_FAIL_BODY: return "file cannot be read";
    case HTTP_FAIL_OTHER: break;
    }
    return "failed";
}

/* --- what libcurl calls --- */

static size_t read_file(struct http_transfer *t, char *out, size_t len)
{
    ssize_t got = pread(t->fd, out, len, (off_t)(t->offset + t->pos));
    if (got <= 0) {
        t->unreadable = true;
        return CURL_READFUNC_ABORT;
    }
    return (size_t)got;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct http_transfer *t = ctx;
    uint64_t left = t->len - t->pos;
    size_t len = size * count < left ? size * count : (size_t)left;
    if (len == 0)
        return 0;
    if (t->fd >= 0)
        len = read_file(t, out, len);
    else
        memcpy(out, t->memory.ptr + t->pos, len);
    if (len != CURL_READFUNC_ABORT)
        t->pos += len;
    return len;
}

/* When a kept connection turns out to be dead, the body is sent again. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_transfer *t = ctx;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->len)
        return CURL_SEEKFUNC_FAIL;
    t->pos = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t keep(struct http_transfer *t, struct buf *where, const char *data, size_t len)
{
    buf_put(where, data, len);
    if (where->err == OK)
        return len;
    t->too_large = true;
    return 0; /* ends the transfer */
}

static size_t on_write(char *data, size_t size, size_t count, void *ctx)
{
    struct http_transfer *t = ctx;
    return t->drop_answer ? size * count : keep(t, &t->answer, data, size * count);
}

/* An interim answer (100) is followed by another one. libcurl (7.88) takes a connection that ends
 * within the headers for a good answer, so we look for their end ourselves. */
static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct http_transfer *t = ctx;
    struct bytes line = bytes_of(data, size * count);
    if (str_starts(line, "HTTP/")) {
        buf_clear(&t->answer_headers);
        t->head_whole = false;
    }
    t->head_whole |= bytes_equal_str(line, "\r\n") || bytes_equal_str(line, "\n");
    return keep(t, &t->answer_headers, data, line.len);
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *t = ctx;
    struct addr peer;
    (void)purpose;
    if (t->allow && (!addr_from_sockaddr(&peer, &address->addr) || !t->allow(t->allow_ctx, peer))) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- setting up --- */

static bool plain(const char *text)
{
    for (const uint8_t *p = (const uint8_t *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

static bool token(const char *text)
{
    return *text && str_only(bytes_str(text), "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static int add_header_line(struct http_transfer *t, const char *line)
{
    struct curl_slist *list = curl_slist_append(t->headers, line);
    if (!list)
        return ERR_NOMEM;
    t->headers = list;
    return OK;
}

static int add_header(struct http_transfer *t, const struct http_header *header)
{
    if (!token(header->name) || !plain(header->value))
        return ERR_MALFORMED;
    char *line;
    int len = header->value[0] ? asprintf(&line, "%s: %s", header->name, header->value)
                               : asprintf(&line, "%s;", header->name);
    if (len < 0)
        return ERR_NOMEM;
    int err = add_header_line(t, line);
    free(line);
    return err;
}

static int set_headers(struct http_transfer *t, const struct http_call *call)
{
    bool expect = false;
    int err = OK;
    for (size_t i = 0; !err && i < call->header_count; i++) {
        expect |= str_equal_nocase(bytes_str(call->headers[i].name), "Expect");
        err = add_header(t, &call->headers[i]);
    }
    /* libcurl asks for leave to send larger bodies, and waits a second for servers that do not know
     * about it. */
    if (!err && !expect)
        err = add_header_line(t, "Expect:");
    if (!err)
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    return err;
}

static int take_file(struct http_transfer *t, const struct http_call *call)
{
    t->owns_fd = call->file != NULL;
    t->fd = call->file ? open(call->file, O_RDONLY | O_CLOEXEC) : *call->file_fd;
    if (t->fd >= 0)
        return OK;
    log_error(NULL, "cannot open %s: %s", call->file, strerror(errno));
    return ERR_IO;
}

static int set_body(struct http_transfer *t, const struct http_call *call)
{
    t->memory = call->body;
    t->len = call->body.len;
    if (call->file || call->file_fd) {
        int err = take_file(t, call);
        if (err)
            return err;
        t->offset = call->file_offset;
        t->len = call->file_len;
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, FILE_PIECE);
    }
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->len);
    curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
    return OK;
}

static bool one_of(const char *method, const char *a, const char *b, const char *c)
{
    return strcmp(method, a) == 0 || strcmp(method, b) == 0 || strcmp(method, c) == 0;
}

static int set_method(struct http_transfer *t, const struct http_call *call)
{
    if (!token(call->method))
        return ERR_MALFORMED;
    int err = OK;
    if (one_of(call->method, "PUT", "POST", "PATCH") || call->body.len || call->file ||
        call->file_fd)
        err = set_body(t, call);
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, call->method);
    return err;
}

static long whole_ms(usec_t time)
{
    return (long)((time + MSEC - 1) / MSEC);
}

static void set_limits(struct http_transfer *t, const struct http_call *call)
{
    usec_t connect = call->connect_timeout ? call->connect_timeout : CONNECT_TIMEOUT;
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, whole_ms(connect));
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, whole_ms(call->timeout));
    if (call->stall_timeout) {
        curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME,
                         (long)((call->stall_timeout + SEC - 1) / SEC));
    }
    t->drop_answer = call->drop_answer;
    buf_init(&t->answer, call->max_answer);
    buf_init(&t->answer_headers, MAX_ANSWER_HEADERS);
}

static void set_answer(struct http_transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->detail);
}

static void set_manners(struct http_transfer *t, const struct http_call *call,
                        const struct http_client_settings *settings)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "reeltime");
    curl_easy_setopt(t->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    if (settings->ca_file) {
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, settings->ca_file);
        curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL); /* the system's folder of them */
    }
    if (call->insecure_tls) {
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    t->allow = settings->allow;
    t->allow_ctx = settings->allow_ctx;
}

int http_transfer_new(struct http_transfer **out, const struct http_call *call,
                      const struct http_client_settings *settings)
{
    struct http_transfer *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    link_init(&t->in_client);
    t->fd = -1;
    t->easy = curl_easy_init();
    int err = t->easy ? OK : ERR_NOMEM;
    if (!err && curl_easy_setopt(t->easy, CURLOPT_URL, call->url) != CURLE_OK)
        err = ERR_NOMEM;
    if (!err) {
        set_limits(t, call);
        set_answer(t);
        set_manners(t, call, settings);
        err = set_method(t, call);
    }
    if (!err)
        err = set_headers(t, call);
    if (err)
        http_transfer_free(t);
    else
        *out = t;
    return err;
}

void http_transfer_free(struct http_transfer *t)
{
    if (!t)
        return;
    list_remove(&t->in_client);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    if (t->owns_fd && t->fd >= 0)
        close(t->fd);
    buf_fini(&t->answer);
    buf_fini(&t->answer_headers);
    free(t);
}

/* --- the end --- */

/* libcurl speaks of an unsupported protocol for a scheme it does not serve, and for an answer that
 * is no HTTP. */
static bool request_sent(const struct http_transfer *t)
{
    long size = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
    return size > 0;
}

static enum http_failure failure_of(const struct http_transfer *t, CURLcode code)
{
    if (t->refused && code == CURLE_COULDNT_CONNECT)
        return HTTP_FAIL_REFUSED;
    if (t->unreadable)
        return HTTP_FAIL_BODY;
    if (t->too_large)
        return HTTP_FAIL_ANSWER;
    switch (code) {
    case CURLE_OK: return t->head_whole ? HTTP_ANSWERED : HTTP_FAIL_BROKEN;
    case CURLE_URL_MALFORMAT: return HTTP_FAIL_URL;
    case CURLE_UNSUPPORTED_PROTOCOL: return request_sent(t) ? HTTP_FAIL_ANSWER : HTTP_FAIL_URL;
    case CURLE_COULDNT_RESOLVE_HOST: return HTTP_FAIL_RESOLVE;
    case CURLE_COULDNT_CONNECT: return HTTP_FAIL_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_FAIL_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION: return HTTP_FAIL_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER: return HTTP_FAIL_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE: return HTTP_FAIL_BROKEN;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return HTTP_FAIL_ANSWER;
    default: return HTTP_FAIL_OTHER;
    }
}

void http_transfer_result(const struct http_transfer *t, CURLcode code, struct http_result *out)
{
    *out = (struct http_result){
        .failure = failure_of(t, code),
        .detail = t->detail[0] || code == CURLE_OK ? t->detail : curl_easy_strerror(code),
    };
    if (out->failure != HTTP_ANSWERED)
        return;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    out->body = buf_bytes(&t->answer);
    out->headers = buf_bytes(&t->answer_headers);
}

struct bytes http_result_header(const struct http_result *result, const char *name)
{
    struct bytes rest = result->headers;
    while (rest.len) {
        struct bytes line = str_split(rest, '\n', &rest), value;
        struct bytes key = str_split(line, ':', &value);
        if (value.len && value.ptr[value.len - 1] == '\r')
            value.len--;
        if (str_equal_nocase(key, name))
            return str_trim(value);
    }
    return bytes_of(NULL, 0);
}
