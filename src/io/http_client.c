#include "io/http_client.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/http_transfer.h"
#include "observe/log.h"

#define PER_HOST 4
#define TOTAL    64

/* libcurl says which sockets and which time it waits for; libuv waits:
 *     socket callback -> uv_poll per socket -> curl_multi_socket_action(fd)
 *     timer callback  -> one uv_timer       -> curl_multi_socket_action(timeout)
 *
 * libcurl (7.88, cf_socket_close) closes a socket that is still connecting before it says that it
 * waits for it no more; meanwhile another thread may be given the number. So the loop polls a
 * descriptor of its own for each socket. When the host has another address libcurl then waits for
 * nothing, not even a socket (baller_start_next), until time runs out: `stranded`. */
struct http_client {
    struct loop *loop;
    struct http_client_settings settings;
    char *ca_file;
    CURLM *multi;
    uv_timer_t timer;
    struct list transfers; /* struct http_transfer, by .in_client */
    bool closing;
    bool stranded; /* a transfer that is still connecting let go of its socket */
};

struct watch {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd; /* libcurl's; perhaps closed already */
    int polled;       /* ours, of the same socket */
};

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    close(watch->polled);
    free(watch);
}

static void finish(struct http_transfer *t, CURLcode code)
{
    struct http_result result;
    curl_multi_remove_handle(t->client->multi, t->easy);
    list_remove(&t->in_client);
    http_transfer_result(t, code, &result);
    t->done(t->ctx, &result);
    http_transfer_free(t);
}

/* `done` may free the client, but only its memory's end comes later (on_timer_closed), so `closing`
 * can be read. */
static void take_finished(struct http_client *client)
{
    CURLMsg *message;
    int left;
    while (!client->closing && (message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct http_transfer *t;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(t, code);
    }
}

static void act(struct http_client *client, curl_socket_t fd, int flags)
{
    int running;
    curl_multi_socket_action(client->multi, fd, flags, &running);
    while (client->stranded) {
        client->stranded = false;
        CURL_IGNORE_DEPRECATION(curl_multi_socket_all(client->multi, &running);)
    }
    take_finished(client);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(watch->client, watch->fd, flags);
}

static void on_time(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_client *client = ctx;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_time, (uint64_t)timeout_ms, 0);
    return 0;
}

static struct watch *watch_new(struct http_client *client, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->client = client;
    watch->fd = fd;
    watch->poll.data = watch;
    watch->polled = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (watch->polled < 0 ||
        uv_poll_init_socket(loop_uv(client->loop), &watch->poll, watch->polled)) {
        if (watch->polled >= 0)
            close(watch->polled);
        free(watch);
        return NULL;
    }
    curl_multi_assign(client->multi, fd, watch);
    return watch;
}

static void watch_drop(struct watch *watch)
{
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static bool connecting(CURL *easy)
{
    curl_off_t took = 0;
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &took);
    return took == 0;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_client *client = ctx;
    struct watch *watch = socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        client->stranded |= connecting(easy);
        if (watch)
            watch_drop(watch);
        curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (!watch)
        watch = watch_new(client, fd);
    if (!watch)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_ready) ? -1 : 0;
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_up(struct http_client *client)
{
    const struct http_client_settings *s = &client->settings;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)(s->per_host ? s->per_host : PER_HOST));
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)(s->total ? s->total : TOTAL));
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)(s->total ? s->total : TOTAL));
}

int http_client_new(struct http_client **out, struct loop *loop,
                    const struct http_client_settings *settings)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    assert(loop_is_current(loop));
    pthread_once(&once, start_curl);
    struct http_client *client = calloc(1, sizeof *client);
    if (!client)
        return ERR_NOMEM;
    client->loop = loop;
    client->settings = *settings;
    list_init(&client->transfers);
    if (settings->ca_file)
        client->ca_file = strdup(settings->ca_file);
    client->settings.ca_file = client->ca_file;
    client->multi = curl_multi_init();
    if (!client->multi || (settings->ca_file && !client->ca_file)) {
        curl_multi_cleanup(client->multi);
        free(client->ca_file);
        free(client);
        return ERR_NOMEM;
    }
    uv_timer_init(loop_uv(loop), &client->timer);
    client->timer.data = client;
    set_up(client);
    *out = client;
    return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_client *client = handle->data;
    free(client->ca_file);
    free(client);
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    assert(loop_is_current(client->loop));
    client->closing = true;
    list_each(t, &client->transfers, struct http_transfer, in_client) http_client_cancel(t);
    curl_multi_cleanup(client->multi);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

int http_client_send(struct http_client *client, const struct http_call *call, http_done *done,
                     void *ctx, struct http_transfer **out)
{
    assert(loop_is_current(client->loop));
    struct http_transfer *t;
    int err = http_transfer_new(&t, call, &client->settings);
    if (err)
        return err;
    t->client = client;
    t->done = done;
    t->ctx = ctx;
    CURLMcode code = curl_multi_add_handle(client->multi, t->easy);
    if (code != CURLM_OK) {
        log_error(NULL, "http: %s", curl_multi_strerror(code));
        http_transfer_free(t);
        return ERR_NOMEM;
    }
    list_append(&client->transfers, &t->in_client);
    if (out)
        *out = t;
    return OK;
}

void http_client_cancel(struct http_transfer *t)
{
    assert(loop_is_current(t->client->loop));
    curl_multi_remove_handle(t->client->multi, t->easy);
    http_transfer_free(t);
}
