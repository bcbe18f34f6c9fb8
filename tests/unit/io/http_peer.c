#include "http_peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define MAX_HEAD        (64 << 10)
#define MAX_BODY        (32 << 20)

struct conn {
    struct peer *peer;
    int number, fd; /* -1: reset */
    bool reset;
    SSL *ssl;
    pthread_t thread;
    char *in; /* head and body */
    size_t len;
};

struct peer {
    peer_script *script;
    peer_cut *cut;
    void *ctx;
    SSL_CTX *tls;
    int fd, port;
    char url[128];
    pthread_t thread;

    pthread_mutex_t lock;
    struct conn *conns[MAX_CONNECTIONS];
    int conn_count, requests, open, most_open;
    bool stopping;
};

static ssize_t conn_read(struct conn *c, void *out, size_t len)
{
    return c->ssl ? SSL_read(c->ssl, out, (int)len) : recv(c->fd, out, len, 0);
}

static bool conn_write(struct conn *c, const char *text, size_t len)
{
    while (len) {
        ssize_t n =
            c->ssl ? SSL_write(c->ssl, text, (int)len) : send(c->fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool fill(struct conn *c)
{
    ssize_t n = conn_read(c, c->in + c->len, MAX_HEAD + MAX_BODY - c->len);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    c->in[c->len] = 0;
    return true;
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    return at ? strtoul(at + 17, NULL, 10) : 0;
}

/* Length of the whole request at the front of the buffer, 0: more is needed. */
static size_t whole_request(struct conn *c, size_t *head_len)
{
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return 0;
    *head_len = (size_t)(end - c->in) + 4;
    size_t need = *head_len + content_length(c->in);
    return c->len >= need ? need : 0;
}

/* Reads so much of the body and no more; the other side sees a reset. */
static bool cut_off(struct conn *c)
{
    char *end = strstr(c->in, "\r\n\r\n");
    long most = -1;
    if (!end || !c->peer->cut)
        return false;
    pthread_mutex_lock(&c->peer->lock);
    most = c->peer->cut(c->peer->ctx, c->in);
    pthread_mutex_unlock(&c->peer->lock);
    if (most < 0)
        return false;
    size_t want = (size_t)(end - c->in) + 4 + (size_t)most;
    while (c->len < want && fill(c))
        ;
    c->reset = true;
    return true;
}

static void end_connection(struct conn *c)
{
    struct linger now = { .l_onoff = 1 };
    pthread_mutex_lock(&c->peer->lock);
    if (!c->reset) {
        shutdown(c->fd, SHUT_RDWR);
    } else {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(c->fd);
        c->fd = -1;
    }
    pthread_mutex_unlock(&c->peer->lock);
}

static struct peer_answer ask(struct conn *c, size_t head_len, size_t len)
{
    struct peer *p = c->peer;
    char *head = strndup(c->in, head_len - 2);
    pthread_mutex_lock(&p->lock);
    p->open++;
    if (p->open > p->most_open)
        p->most_open = p->open;
    struct peer_request request = { .number = p->requests++,
                                    .connection = c->number,
                                    .open = p->open,
                                    .head = head,
                                    .body = bytes_of(c->in + head_len, len - head_len) };
    struct peer_answer answer = p->script(p->ctx, &request);
    pthread_mutex_unlock(&p->lock);
    free(head);
    return answer;
}

static bool serve_one(struct conn *c)
{
    size_t head_len, len;
    bool asked = false;
    while (!(len = whole_request(c, &head_len))) {
        if (!fill(c))
            return false;
        if (!asked && strstr(c->in, "\r\n\r\n")) {
            asked = true;
            if (cut_off(c))
                return false;
        }
    }
    struct peer_answer answer = ask(c, head_len, len);
    bool go_on = !answer.close;
    pthread_mutex_lock(&c->peer->lock);
    if (!answer.hang)
        c->peer->open--;
    pthread_mutex_unlock(&c->peer->lock);
    if (answer.text)
        go_on &= conn_write(c, answer.text, answer.len ? answer.len : strlen(answer.text));
    memmove(c->in, c->in + len, c->len - len + 1);
    c->len -= len;
    while (answer.hang && fill(c))
        ;
    if (answer.hang) {
        pthread_mutex_lock(&c->peer->lock);
        c->peer->open--;
        pthread_mutex_unlock(&c->peer->lock);
        go_on = false;
    }
    return go_on;
}

static void *conn_run(void *arg)
{
    struct conn *c = arg;
    c->in = malloc(MAX_HEAD + MAX_BODY + 1);
    c->in[0] = 0;
    bool ready = true;
    if (c->peer->tls) {
        c->ssl = SSL_new(c->peer->tls);
        SSL_set_fd(c->ssl, c->fd);
        ready = SSL_accept(c->ssl) == 1;
    }
    while (ready && serve_one(c))
        ;
    SSL_free(c->ssl);
    end_connection(c);
    free(c->in);
    return NULL;
}

static void *accept_run(void *arg)
{
    struct peer *p = arg;
    for (;;) {
        int fd = accept(p->fd, NULL, NULL);
        pthread_mutex_lock(&p->lock);
        if (fd < 0 || p->stopping || p->conn_count == MAX_CONNECTIONS) {
            pthread_mutex_unlock(&p->lock);
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        struct conn *c = calloc(1, sizeof *c);
        *c = (struct conn){ .peer = p, .number = p->conn_count, .fd = fd };
        p->conns[p->conn_count++] = c;
        pthread_create(&c->thread, NULL, conn_run, c);
        pthread_mutex_unlock(&p->lock);
    }
}

struct peer *peer_new(peer_script *script, void *ctx, SSL_CTX *tls)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    *p = (struct peer){ .script = script, .ctx = ctx, .tls = tls };
    pthread_mutex_init(&p->lock, NULL);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(p->fd, (struct sockaddr *)&sa, len) || listen(p->fd, 64) ||
        getsockname(p->fd, (struct sockaddr *)&sa, &len))
        abort();
    p->port = ntohs(sa.sin_port);
    pthread_create(&p->thread, NULL, accept_run, p);
    return p;
}

void peer_set_cut(struct peer *p, peer_cut *cut)
{
    peer_lock(p);
    p->cut = cut;
    peer_unlock(p);
}

void peer_free(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    for (int i = 0; i < p->conn_count; i++)
        if (p->conns[i]->fd >= 0)
            shutdown(p->conns[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&p->lock);
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    for (int i = 0; i < p->conn_count; i++) {
        pthread_join(p->conns[i]->thread, NULL);
        if (p->conns[i]->fd >= 0)
            close(p->conns[i]->fd);
        free(p->conns[i]);
    }
    close(p->fd);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void peer_lock(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
}

void peer_unlock(struct peer *p)
{
    pthread_mutex_unlock(&p->lock);
}

int peer_port(const struct peer *p)
{
    return p->port;
}

const char *peer_url(struct peer *p, const char *path)
{
    snprintf(p->url, sizeof p->url, "%s://127.0.0.1:%d%s", p->tls ? "https" : "http", p->port,
             path);
    return p->url;
}

int peer_connections(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->conn_count;
    pthread_mutex_unlock(&p->lock);
    return n;
}

int peer_most_open(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->most_open;
    pthread_mutex_unlock(&p->lock);
    return n;
}
