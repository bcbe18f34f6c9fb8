#include "io/http_server.h"

#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/err.h"
#include "base/list.h"
#include "observe/log.h"

#define HEAD_MEMORY                                                                                \
    (128u << 10) /* MHD's pool per connection; 32 KiB request targets do not fit into its default  \
                  */
#define IDLE_SECONDS 60u
#define MAX_HELD     (64u << 20) /* bytes of all bodies together */
#define LEAVE_TIME   SEC         /* for answers on their way when the server stops */

struct http_server {
    struct http_server_config config;
    struct MHD_Daemon *daemon;
    uint16_t port;

    pthread_mutex_t
        lock; /* holds suspend and post together, so that a stop sees every suspended request */
    pthread_cond_t settled; /* handed_over became 0 */
    bool stopping;          /* under lock */
    unsigned handed_over;   /* under lock: requests whose answer has not left yet */
    size_t held;            /* bytes of all bodies; server thread */

    struct list open; /* struct http_exchange, by .in_server; home loop */
    uv_timer_t timer; /* home loop */
};

/* The server thread's side of a request. While it is suspended the home loop fills in the response;
 * the resume hands it back. Freed by the server thread when MHD is done with the request. */
struct conn {
    struct message message; /* server thread -> home loop */
    struct http_server *server;
    struct MHD_Connection *mhd;
    char *target; /* as sent, from the URI log callback */
    struct buf body;
    struct http_request request;
    struct http_header headers[HTTP_MAX_HEADERS];
    bool too_many_headers, overloaded, posted;
    struct MHD_Response *response;
    unsigned status;
};

/* The home loop's side: what `handle` holds until it answers. */
struct http_exchange {
    struct http_server *server;
    struct conn *conn;     /* NULL once something was answered for the holder */
    struct link in_server; /* http_server.open */
    usec_t deadline;       /* monotonic */
};

/* --- server thread --- */

static void drop_body(struct conn *c)
{
    c->server->held -= c->body.len;
    buf_fini(&c->body);
}

static void conn_free(struct conn *c)
{
    if (!c)
        return;
    if (c->response)
        MHD_destroy_response(c->response);
    drop_body(c);
    free(c->target);
    free(c);
}

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *server = ctx;
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = server;
    c->mhd = mhd;
    c->target = strdup(uri);
    buf_init(&c->body, server->config.max_body);
    if (!c->target) {
        conn_free(c);
        return NULL;
    }
    return c;
}

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    (void)kind;
    struct conn *c = ctx;
    if (c->request.header_count == HTTP_MAX_HEADERS) {
        c->too_many_headers = true;
        return MHD_NO;
    }
    c->headers[c->request.header_count++] = (struct http_header){ key, value ? value : "" };
    return MHD_YES;
}

static void read_head(struct conn *c, const char *method)
{
    struct bytes target = bytes_str(c->target);
    const uint8_t *mark = target.len ? memchr(target.ptr, '?', target.len) : NULL;
    size_t path_len = mark ? (size_t)(mark - target.ptr) : target.len;
    c->request.method = method;
    c->request.path = bytes_of(target.ptr, path_len);
    if (mark)
        c->request.query = bytes_of(mark + 1, target.len - path_len - 1);
    c->request.headers = c->headers;
    MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_header, c);

    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr)
        addr_from_sockaddr(&c->request.peer, info->client_addr);
}

static void take_body(struct conn *c, const char *part, size_t len)
{
    if (c->request.too_large || c->overloaded)
        return;
    if (len > MAX_HELD - c->server->held) {
        c->overloaded = true;
        drop_body(c);
        return;
    }
    size_t before = c->body.len;
    buf_put(&c->body, part, len);
    c->server->held += c->body.len - before;
    if (c->body.err) {
        c->request.too_large = true;
        drop_body(c);
    }
}

static enum MHD_Result answer_empty(struct MHD_Connection *mhd, unsigned status)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *response_of(struct http_answer *answer)
{
    size_t len = answer->body.len;
    char *body = buf_detach(&answer->body);
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(body);
        return NULL;
    }
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    return response;
}

static bool answer_at_once(struct conn *c)
{
    const struct http_server_config *config = &c->server->config;
    struct http_answer answer;
    http_answer_init(&answer, 200);
    bool answered = config->at_once && config->at_once(config->ctx, &c->request, &answer);
    if (answered) {
        c->status = (unsigned)answer.status;
        c->response = response_of(&answer);
    }
    http_answer_fini(&answer);
    return answered;
}

static void conn_arrive(struct message *m);
static void conn_discard(struct message *m);

/* Suspends the request and hands it over; 503 when the home loop cannot take it. */
static enum MHD_Result hand_over(struct conn *c)
{
    struct http_server *server = c->server;
    c->message = (struct message){ .run = conn_arrive, .discard = conn_discard };

    pthread_mutex_lock(&server->lock);
    bool taken = !server->stopping;
    if (taken) {
        MHD_suspend_connection(c->mhd);
        c->posted = true;
        server->handed_over++;
        if (!loop_post(server->config.home, &c->message))
            MHD_resume_connection(c->mhd); /* comes back without a response: 503 */
    }
    pthread_mutex_unlock(&server->lock);
    return taken ? MHD_YES : answer_empty(c->mhd, MHD_HTTP_SERVICE_UNAVAILABLE);
}

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *part,
                                 size_t *part_len, void **slot)
{
    (void)ctx;
    (void)url;
    (void)version;
    struct conn *c = *slot;
    if (!c)
        return MHD_NO;
    if (!c->request.method) {
        read_head(c, method);
        return MHD_YES;
    }
    if (*part_len) {
        take_body(c, part, *part_len);
        *part_len = 0;
        return MHD_YES;
    }
    c->request.body = buf_bytes(&c->body);
    if (c->too_many_headers)
        return answer_empty(mhd, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE);
    if (c->overloaded)
        return answer_empty(mhd, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (!c->posted && !answer_at_once(c))
        return hand_over(c);
    return c->response ? MHD_queue_response(mhd, c->status, c->response)
                       : answer_empty(mhd, MHD_HTTP_SERVICE_UNAVAILABLE);
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct http_server *server = ctx;
    struct conn *c = *slot;
    (void)mhd;
    (void)code;
    if (c && c->posted) {
        pthread_mutex_lock(&server->lock);
        if (--server->handed_over == 0)
            pthread_cond_signal(&server->settled);
        pthread_mutex_unlock(&server->lock);
    }
    conn_free(c);
    *slot = NULL;
}

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *ctx, const char *fmt,
                                                             va_list args)
{
    (void)ctx;
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = 0;
    log_debug(NULL, "http: %s", text);
}

/* --- home loop --- */

/* Gives the connection its answer and lets go of it. */
static void settle(struct http_exchange *x, struct http_answer *answer)
{
    struct conn *c = x->conn;
    x->conn = NULL;
    list_remove(&x->in_server);
    c->status = (unsigned)answer->status;
    c->response = response_of(answer);
    MHD_resume_connection(c->mhd); /* from here on c is the server thread's */
}

static void arm_timer(struct http_server *server);

/* Requests come with the same time limit, so the oldest one is the first to run out. */
static void on_timer(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    usec_t now = clock_mono();
    struct http_exchange *x;
    while ((x = list_first(&server->open, struct http_exchange, in_server)) && x->deadline <= now) {
        struct http_answer answer;
        http_answer_init(&answer, 504);
        server->config.on_timeout(server->config.ctx, &answer);
        settle(x, &answer);
        http_answer_fini(&answer);
    }
    arm_timer(server);
}

static void arm_timer(struct http_server *server)
{
    const struct http_exchange *x = list_first(&server->open, struct http_exchange, in_server);
    if (!x)
        return;
    usec_t left = x->deadline - clock_mono();
    uv_timer_start(&server->timer, on_timer, left > 0 ? (uint64_t)(left / MSEC) + 1 : 0, 0);
}

static void conn_arrive(struct message *m)
{
    struct conn *c = (struct conn *)m;
    struct http_server *server = c->server;
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x) {
        MHD_resume_connection(c->mhd);
        return;
    }
    x->server = server;
    x->conn = c;
    x->deadline = clock_mono() + server->config.timeout;
    list_append(&server->open, &x->in_server);
    if (!uv_is_active((uv_handle_t *)&server->timer))
        arm_timer(server);
    server->config.handle(server->config.ctx, x);
}

static void conn_discard(struct message *m)
{
    MHD_resume_connection(((struct conn *)m)->mhd);
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return exchange->conn ? &exchange->conn->request : NULL;
}

void http_exchange_answer(struct http_exchange *x, struct http_answer *answer)
{
    if (x->conn)
        settle(x, answer);
    http_answer_fini(answer);
    free(x);
}

/* --- start and stop --- */

static void home_start(void *ctx)
{
    struct http_server *server = ctx;
    uv_timer_init(loop_uv(server->config.home), &server->timer);
    server->timer.data = server;
}

static void home_stop(void *ctx)
{
    struct http_server *server = ctx;
    list_each(x, &server->open, struct http_exchange, in_server)
    {
        struct http_answer answer;
        http_answer_init(&answer, 503);
        settle(x, &answer);
        http_answer_fini(&answer);
    }
    uv_close((uv_handle_t *)&server->timer, NULL);
}

static void timer_closed(void *ctx)
{
    (void)ctx; /* a turn of the home loop has passed, so the timer's close callback is behind us */
}

static struct MHD_Daemon *start_daemon(struct http_server *server, const struct sockaddr *sa)
{
    const struct http_server_config *config = &server->config;
    bool tls = config->tls_cert != NULL;
    struct MHD_OptionItem options[] = {
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, server },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_MEMORY, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->max_connections, NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL },
        { MHD_OPTION_SOCK_ADDR, 0, (void *)(uintptr_t)sa },
        { tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
          (void *)(uintptr_t)config->tls_cert },
        { tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, (void *)(uintptr_t)config->tls_key },
        { MHD_OPTION_END, 0, NULL },
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (sa->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u) |
                     (tls ? (unsigned)MHD_USE_TLS : 0u);
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER,
                            on_mhd_log, NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

int http_server_start(struct http_server **out, const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return ERR_NOMEM;
    server->config = *config;
    server->port = config->listen.port;
    list_init(&server->open);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->settled, NULL);
    loop_call(config->home, home_start, server);

    char text[ADDR_TEXT_SIZE];
    struct sockaddr_storage sa;
    addr_to_sockaddr(config->listen, &sa);
    server->daemon = start_daemon(server, (struct sockaddr *)&sa);
    if (!server->daemon) {
        log_error(NULL, "cannot serve HTTP on %s: is the port in use, or the certificate unusable?",
                  addr_text(config->listen, text));
        http_server_stop(server);
        return ERR_IO;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info && info->port)
        server->port = info->port;
    *out = server;
    return OK;
}

/* Everything is answered; MHD would cut off what its thread has not written yet. */
static void let_answers_leave(struct http_server *server)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += LEAVE_TIME / SEC;
    pthread_mutex_lock(&server->lock);
    while (server->handed_over && !pthread_cond_timedwait(&server->settled, &server->lock, &end))
        ;
    pthread_mutex_unlock(&server->lock);
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    loop_call(server->config.home, home_stop, server);
    loop_call(server->config.home, timer_closed, NULL);
    let_answers_leave(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    pthread_cond_destroy(&server->settled);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}
