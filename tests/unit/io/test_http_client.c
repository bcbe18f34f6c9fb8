#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/str.h"
#include "http_peer.h"
#include "io/http_client.h"

/* What came back for one call, kept beyond `done`. */
struct outcome {
    enum http_failure failure;
    int status, count;
    char body[256], header[64];
};

#define MAX_CALLS 32

/* A loop with a client, and calls sent together and waited for. */
struct bench {
    struct loop *loop;
    struct http_client_settings settings;
    struct http_client *client;
    struct http_call call; /* of the next send */
    int send_err, cancel;  /* cancel: every transfer at once */
    int waiting;
    uv_sem_t done;
    struct outcome outcome[MAX_CALLS];

    /* the peer's side */
    struct peer *peer;
    struct peer_answer answer;
    char head[8192], body[256];
    size_t body_len;
    uint64_t body_sum;
};

static struct peer_answer script(void *ctx, const struct peer_request *request)
{
    struct bench *b = ctx;
    snprintf(b->head, sizeof b->head, "%s", request->head);
    size_t len = request->body.len < sizeof b->body - 1 ? request->body.len : sizeof b->body - 1;
    memcpy(b->body, request->body.ptr, len);
    b->body[len] = 0;
    b->body_len = request->body.len;
    b->body_sum = 0;
    for (size_t i = 0; i < request->body.len; i++)
        b->body_sum = b->body_sum * 31 + request->body.ptr[i];
    return b->answer;
}

static void set_answer(struct bench *b, struct peer_answer answer)
{
    peer_lock(b->peer);
    b->answer = answer;
    peer_unlock(b->peer);
}

static void set_text(struct bench *b, const char *text)
{
    set_answer(b, (struct peer_answer){ .text = text });
}

static void open_client(void *ctx)
{
    struct bench *b = ctx;
    assert_int_equal(http_client_new(&b->client, b->loop, &b->settings), OK);
}

static void close_client(void *ctx)
{
    struct bench *b = ctx;
    http_client_free(b->client);
    b->client = NULL;
}

static struct bench *bench_new(SSL_CTX *tls)
{
    struct bench *b = calloc(1, sizeof *b);
    b->answer.text = PEER_OK;
    b->peer = peer_new(script, b, tls);
    b->call = (struct http_call){ .method = "GET", .max_answer = 1000, .timeout = 20 * SEC };
    b->call.url = peer_url(b->peer, "/hook?a=1");
    uv_sem_init(&b->done, 0);
    assert_int_equal(loop_new(&b->loop, "test", 100), OK);
    return b;
}

static int setup(void **state)
{
    struct bench *b = bench_new(NULL);
    loop_call(b->loop, open_client, b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    loop_call(b->loop, close_client, b);
    loop_free(b->loop);
    peer_free(b->peer);
    uv_sem_destroy(&b->done);
    free(b);
    return 0;
}

struct wait {
    struct bench *b;
    struct outcome *out;
};

static void on_done(void *ctx, const struct http_result *result)
{
    struct wait *wait = ctx;
    struct outcome *out = wait->out;
    out->failure = result->failure;
    out->status = result->status;
    out->count++;
    str_copy(out->body, sizeof out->body, result->body);
    struct bytes header = http_result_header(result, "x-test");
    if (header.ptr)
        str_copy(out->header, sizeof out->header, header);
    if (--wait->b->waiting == 0)
        uv_sem_post(&wait->b->done);
    free(wait);
}

static void send_all(void *ctx)
{
    struct bench *b = ctx;
    int count = b->waiting;
    for (int i = 0; i < count; i++) {
        struct wait *wait = malloc(sizeof *wait);
        struct http_transfer *transfer;
        *wait = (struct wait){ b, &b->outcome[i] };
        b->send_err = http_client_send(b->client, &b->call, on_done, wait, &transfer);
        if (b->send_err || b->cancel)
            free(wait);
        if (!b->send_err && b->cancel)
            http_client_cancel(transfer);
    }
}

static struct outcome *run(struct bench *b, int count)
{
    memset(b->outcome, 0, sizeof b->outcome);
    b->waiting = count;
    loop_call(b->loop, send_all, b);
    assert_int_equal(b->send_err, OK);
    uv_sem_wait(&b->done);
    assert_int_equal(b->outcome[0].count, 1);
    return &b->outcome[0];
}

static void a_post_arrives_as_given(void **state)
{
    struct bench *b = *state;
    struct http_header headers[] = { { "Content-Type", "application/json" },
                                     { "Sign", "a+/=" },
                                     { "X-Empty", "" } };
    b->call.method = "POST";
    b->call.headers = headers;
    b->call.header_count = 3;
    b->call.body = bytes_str("{\"a\":1}");
    set_text(
        b,
        "HTTP/1.1 404 Gone\r\nX-Other: 1\r\nX-TEST:  some value \r\nContent-Length: 2\r\n\r\nno");
    struct outcome *out = run(b, 1);
    assert_int_equal(out->failure, HTTP_ANSWERED);
    assert_int_equal(out->status, 404);
    assert_string_equal(out->body, "no");
    assert_string_equal(out->header, "some value");
    assert_string_equal(b->body, "{\"a\":1}");
    assert_memory_equal(b->head, "POST /hook?a=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(b->head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(b->head, "\r\nSign: a+/=\r\n"));
    assert_non_null(strstr(b->head, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(b->head, "\r\nUser-Agent: reeltime\r\n"));
    assert_non_null(strstr(b->head, "\r\nContent-Length: 7\r\n"));
    assert_null(strcasestr(b->head, "Expect"));
    assert_null(strcasestr(b->head, "Transfer-Encoding"));
}

static void methods_and_bodies(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *method, *body, *line;
        bool length;
    } rows[] = {
        { "GET", "", "GET /hook?a=1 HTTP/1.1\r\n", false },
        { "HEAD", "", "HEAD /hook?a=1 HTTP/1.1\r\n", false },
        { "DELETE", "", "DELETE /hook?a=1 HTTP/1.1\r\n", false },
        { "POST", "", "POST /hook?a=1 HTTP/1.1\r\n", true },
        { "PUT", "xyz", "PUT /hook?a=1 HTTP/1.1\r\n", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b->call.method = rows[i].method;
        b->call.body = bytes_str(rows[i].body);
        set_text(b,
                 i == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Test: h\r\n\r\n" : PEER_OK);
        struct outcome *out = run(b, 1);
        assert_int_equal(out->status, 200);
        assert_memory_equal(b->head, rows[i].line, strlen(rows[i].line));
        assert_string_equal(b->body, rows[i].body);
        assert_int_equal(strcasestr(b->head, "\r\nContent-Length: ") != NULL, rows[i].length);
    }
    assert_int_equal(peer_connections(b->peer), 1); /* kept */
}

static void a_part_of_a_file_is_sent(void **state)
{
    struct bench *b = *state;
    char path[] = "/tmp/http-client-XXXXXX";
    const size_t size = 3 << 20, from = 12345, len = (2 << 20) + 77;
    int fd = mkstemp(path);
    uint8_t *data = malloc(size);
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 9));
    for (size_t i = from; i < from + len; i++)
        sum = sum * 31 + data[i];
    assert_int_equal(write(fd, data, size), size);
    b->call.method = "PUT";
    b->call.file = path;
    b->call.file_offset = from;
    b->call.file_len = len;
    b->call.stall_timeout = 10 * SEC;
    assert_int_equal(run(b, 1)->status, 200);
    assert_int_equal(b->body_len, len);
    assert_true(b->body_sum == sum);

    /* A file that is shorter than said, and one that is gone. */
    b->call.file_offset = size - 10;
    b->call.file_len = 11;
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_BODY);
    unlink(path);
    b->waiting = 1;
    loop_call(b->loop, send_all, b);
    assert_int_equal(b->send_err, ERR_IO);

    /* An open file needs no name. */
    b->call.file = NULL;
    b->call.file_fd = &fd;
    b->call.file_offset = from;
    b->call.file_len = len;
    b->body_sum = 0;
    assert_int_equal(run(b, 1)->status, 200);
    assert_true(b->body_sum == sum);
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
    close(fd);
    free(data);
}

/* The first connection answers once, and dies under the second request without a byte. */
static struct peer_answer dies_when_reused(void *ctx, const struct peer_request *request)
{
    struct peer_answer answer = script(ctx, request);
    if (request->connection == 0 && request->number > 0)
        answer = (struct peer_answer){ .close = true };
    return answer;
}

static void a_dead_kept_connection_is_replaced(void **state)
{
    struct bench *b = *state;
    peer_free(b->peer);
    b->peer = peer_new(dies_when_reused, b, NULL);
    b->call.url = peer_url(b->peer, "/hook");
    b->call.method = "POST";
    b->call.body = bytes_str("once more");
    assert_int_equal(run(b, 1)->status, 200);
    assert_int_equal(run(b, 1)->status, 200);
    assert_string_equal(b->body, "once more");
    assert_int_equal(peer_connections(b->peer), 2);
}

static void odd_answers(void **state)
{
    struct bench *b = *state;
    static char huge[80 << 10], many_headers[80 << 10];
    memset(huge, 'x', sizeof huge - 1);
    memcpy(huge, "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", 42);
    memset(many_headers, 'y', sizeof many_headers - 1);
    memcpy(many_headers, "HTTP/1.1 200 OK\r\n", 17);
    for (size_t i = 17; i + 100 < sizeof many_headers; i += 100)
        memcpy(many_headers + i, "X: ", 3), memcpy(many_headers + i + 98, "\r\n", 2);
    const struct {
        const char *what;
        struct peer_answer answer;
        enum http_failure want;
        int status;
        bool drop;
    } rows[] = {
        { "no length, closed",
          { .text = "HTTP/1.0 200 OK\r\n\r\nbody", .close = true },
          HTTP_ANSWERED,
          200,
          false },
        { "interim answer",
          { .text = "HTTP/1.1 100 Continue\r\nX-Test: a\r\n\r\n" PEER_OK },
          HTTP_ANSWERED,
          200,
          false },
        { "redirect is the answer",
          { .text = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
                    "0\r\n\r\n" },
          HTTP_ANSWERED,
          302,
          false },
        { "closed without a byte", { .close = true }, HTTP_FAIL_BROKEN, 0, false },
        { "closed in the head",
          { .text = "HTTP/1.1 200 OK\r\nConte", .close = true },
          HTTP_FAIL_BROKEN,
          0,
          false },
        { "closed in the body",
          { .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .close = true },
          HTTP_FAIL_BROKEN,
          0,
          false },
        { "not HTTP",
          { .text = "SSH-2.0-OpenSSH\r\n\r\n", .close = true },
          HTTP_FAIL_ANSWER,
          0,
          false },
        { "body too large", { .text = huge, .close = true }, HTTP_FAIL_ANSWER, 0, false },
        { "large body dropped", { .text = huge, .close = true }, HTTP_ANSWERED, 200, true },
        { "headers too large",
          { .text = many_headers, .close = true },
          HTTP_FAIL_ANSWER,
          0,
          false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_answer(b, rows[i].answer);
        b->call.drop_answer = rows[i].drop;
        struct outcome *out = run(b, 1);
        if (out->failure != rows[i].want || out->status != rows[i].status)
            fail_msg("%s: %s, status %d", rows[i].what, http_failure_text(out->failure),
                     out->status);
        if (rows[i].status != 200 || rows[i].drop)
            assert_string_equal(out->body, "");
        assert_string_equal(out->header, "");
    }
}

static void no_answer_is_a_timeout(void **state)
{
    struct bench *b = *state;
    set_answer(b, (struct peer_answer){ .hang = true });
    b->call.timeout = 50 * MSEC;
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_TIMEOUT);
    set_answer(b, (struct peer_answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                                        .hang = true });
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_TIMEOUT);
}

static void places_that_cannot_be_reached(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *url;
        enum http_failure want;
    } rows[] = {
        { "http://127.0.0.1:1/", HTTP_FAIL_CONNECT },
        { "http://nobody.invalid/", HTTP_FAIL_RESOLVE },
        { "ftp://127.0.0.1/x", HTTP_FAIL_URL },
        { "file:///etc/passwd", HTTP_FAIL_URL },
        { "http://", HTTP_FAIL_URL },
        { "http://127.0.0.1:99999/", HTTP_FAIL_URL },
    };
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(run(b, 1)->status, 200);
    unsetenv("http_proxy");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b->call.url = rows[i].url;
        struct outcome *out = run(b, 1);
        if (out->failure != rows[i].want)
            fail_msg("%s: %s", rows[i].url, http_failure_text(out->failure));
    }
}

static void broken_requests_are_refused(void **state)
{
    struct bench *b = *state;
    static const struct http_header bad[] = {
        { "A", "b\r\nInjected: yes" }, { "A b", "c" }, { "", "c" }, { "A:", "c" }, { "A", "b\n" },
    };
    b->waiting = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        b->call.headers = &bad[i];
        b->call.header_count = 1;
        loop_call(b->loop, send_all, b);
        assert_int_equal(b->send_err, ERR_MALFORMED);
    }
    b->call.header_count = 0;
    b->call.method = "GET / HTTP/1.1\r\nX:";
    loop_call(b->loop, send_all, b);
    assert_int_equal(b->send_err, ERR_MALFORMED);
}

static void many_at_once_share_the_connections(void **state)
{
    struct bench *b = *state;
    run(b, MAX_CALLS);
    for (int i = 0; i < MAX_CALLS; i++) {
        assert_int_equal(b->outcome[i].count, 1);
        assert_int_equal(b->outcome[i].status, 200);
    }
    assert_in_range(peer_connections(b->peer), 1, 4);
}

static void cancelled_calls_say_nothing(void **state)
{
    struct bench *b = *state;
    set_answer(b, (struct peer_answer){ .hang = true });
    b->cancel = true;
    b->waiting = 5;
    loop_call(b->loop, send_all, b);
    b->cancel = false;
    set_answer(b, (struct peer_answer){ .text = PEER_OK });
    assert_int_equal(run(b, 1)->status, 200);
}

/* `done` may send the next one, and may end the client. */
struct chain {
    struct bench *b;
    int left;
};

static void chain_next(void *ctx, const struct http_result *result)
{
    struct chain *chain = ctx;
    struct bench *b = chain->b;
    if (result && result->status != 200)
        chain->left = -1;
    if (chain->left-- > 0) {
        http_client_send(b->client, &b->call, chain_next, chain, NULL);
        return;
    }
    close_client(b);
    uv_sem_post(&b->done);
}

static void chain_start(void *ctx)
{
    chain_next(ctx, NULL);
}

static void done_may_send_and_close(void **state)
{
    struct bench *b = *state;
    struct chain chain = { b, 5 };
    loop_call(b->loop, chain_start, &chain);
    uv_sem_wait(&b->done);
    assert_int_equal(chain.left, -1);
    assert_int_equal(peer_connections(b->peer), 1);
}

static void hang_many(void *ctx)
{
    struct bench *b = ctx;
    for (int i = 0; i < 6; i++)
        assert_int_equal(http_client_send(b->client, &b->call, NULL, NULL, NULL), OK);
}

static void closing_ends_what_is_under_way(void **state)
{
    struct bench *b = *state;
    set_answer(b, (struct peer_answer){ .hang = true });
    loop_call(b->loop, hang_many, b);
}

static bool never(void *ctx, struct addr peer)
{
    char text[ADDR_TEXT_SIZE];
    assert_string_equal(addr_ip_text(peer, text), "127.0.0.1");
    ++*(int *)ctx;
    return false;
}

static void an_address_can_be_refused(void **state)
{
    struct bench *b = *state;
    int asked = 0;
    loop_call(b->loop, close_client, b);
    b->settings.allow = never;
    b->settings.allow_ctx = &asked;
    loop_call(b->loop, open_client, b);
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_REFUSED);
    assert_int_equal(asked, 1);
    assert_int_equal(peer_connections(b->peer), 0);
}

/* --- connections that are not there yet --- */

/* In place of the C library's. Counts what the loop asks about descriptors that are none. */
static atomic_int bad_descriptors;

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    int got = (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
    if (got < 0 && errno == EBADF)
        atomic_fetch_add(&bad_descriptors, 1);
    return got;
}

/* In place of the C library's: "two.test" is at 127.0.0.2 and then at 127.0.0.1. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "two.test") != 0)
        return real(node, service, hints, out);
    int err = real("127.0.0.2", service, hints, out);
    if (!err)
        err = real("127.0.0.1", service, hints, &(*out)->ai_next);
    return err;
}

/* A port where connections are neither taken nor refused: the queue is full. */
struct deaf {
    int fd, fill[3];
    struct sockaddr_in at;
};

static struct deaf deaf_new(const char *ip, int port)
{
    struct deaf d = { .at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) } };
    socklen_t len = sizeof d.at;
    inet_pton(AF_INET, ip, &d.at.sin_addr);
    d.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d.fd, (struct sockaddr *)&d.at, len), 0);
    assert_int_equal(listen(d.fd, 0), 0);
    assert_int_equal(getsockname(d.fd, (struct sockaddr *)&d.at, &len), 0);
    for (int i = 0; i < 3; i++) {
        d.fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(d.fill[i], (struct sockaddr *)&d.at, len);
    }
    return d;
}

static void deaf_free(const struct deaf *d)
{
    for (int i = 0; i < 3; i++)
        close(d->fill[i]);
    close(d->fd);
}

struct connecting {
    struct bench *b;
    struct http_transfer *transfer;
    uv_timer_t timer;
};

static void never_done(void *ctx, const struct http_result *result)
{
    (void)ctx, (void)result;
    abort();
}

static void cancel_connecting(uv_timer_t *timer)
{
    struct connecting *c = timer->data;
    http_client_cancel(c->transfer);
    uv_close((uv_handle_t *)timer, NULL);
    uv_sem_post(&c->b->done);
}

/* libcurl wants its own timer, of 0 ms, before it connects; ours comes after that. */
static void connect_and_cancel(void *ctx)
{
    struct connecting *c = ctx;
    uv_timer_init(loop_uv(c->b->loop), &c->timer);
    c->timer.data = c;
    assert_int_equal(http_client_send(c->b->client, &c->b->call, never_done, NULL, &c->transfer),
                     OK);
    uv_timer_start(&c->timer, cancel_connecting, 20, 0);
}

/* libcurl closes the socket before it says so. The loop must not be left with its number. */
static void cancelled_while_connecting(void **state)
{
    struct bench *b = *state;
    struct deaf d = deaf_new("127.0.0.1", 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(d.at.sin_port));
    const char *good = b->call.url;
    atomic_store(&bad_descriptors, 0);
    for (int i = 0; i < 5; i++) {
        struct connecting c = { .b = b };
        b->call.url = url;
        loop_call(b->loop, connect_and_cancel, &c);
        uv_sem_wait(&b->done);
        b->call.url = good;
        assert_int_equal(run(b, 1)->status, 200);
    }
    assert_int_equal(atomic_load(&bad_descriptors), 0);
    deaf_free(&d);
}

/* The first address does not answer. The socket to the second must not be taken for the first. */
static void the_next_address_is_tried(void **state)
{
    struct bench *b = *state;
    struct deaf d = deaf_new("127.0.0.2", peer_port(b->peer));
    char url[64];
    snprintf(url, sizeof url, "http://two.test:%d/hook", peer_port(b->peer));
    b->call.url = url;
    b->call.connect_timeout = 6 * SEC; /* half of it for the first address */
    atomic_store(&bad_descriptors, 0);
    struct outcome *out = run(b, 1);
    if (out->failure != HTTP_ANSWERED)
        fail_msg("%s", http_failure_text(out->failure));
    assert_int_equal(atomic_load(&bad_descriptors), 0);
    deaf_free(&d);
}

/* --- TLS --- */

/* A certificate of its own for 127.0.0.1, also written to `path`. */
static SSL_CTX *self_signed(char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());

    FILE *file = fdopen(mkstemp(path), "w");
    PEM_write_X509(file, cert);
    fclose(file);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

static void certificates_are_checked(void **state)
{
    (void)state;
    char path[] = "/tmp/http-client-ca-XXXXXX";
    SSL_CTX *tls = self_signed(path);
    void *bench = bench_new(tls);
    struct bench *b = bench;
    loop_call(b->loop, open_client, b);
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_CERTIFICATE);
    b->call.insecure_tls = true;
    assert_int_equal(run(b, 1)->status, 200);
    b->call.insecure_tls = false; /* the connection made without a check is not used for this one */
    assert_int_equal(run(b, 1)->failure, HTTP_FAIL_CERTIFICATE);

    loop_call(b->loop, close_client, b);
    b->settings.ca_file = path;
    loop_call(b->loop, open_client, b);
    assert_int_equal(run(b, 1)->status, 200);
    teardown(&bench);
    SSL_CTX_free(tls);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_post_arrives_as_given, setup, teardown),
        cmocka_unit_test_setup_teardown(methods_and_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(a_part_of_a_file_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_kept_connection_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(no_answer_is_a_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(places_that_cannot_be_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_requests_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once_share_the_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_calls_say_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(done_may_send_and_close, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_ends_what_is_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_can_be_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_while_connecting, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_address_is_tried, setup, teardown),
        cmocka_unit_test(certificates_are_checked),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
