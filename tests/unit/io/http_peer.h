/* A small HTTP server for tests: a thread per connection, and a script that says what each request
 * gets. */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <openssl/ssl.h>

#include "base/bytes.h"

struct peer;

struct peer_request {
    int number;       /* of the request, from 0 */
    int connection;   /* from 0 */
    int open;         /* requests under way, with this one */
    const char *head; /* request line and headers */
    struct bytes body;
};

struct peer_answer {
    const char *text; /* raw, with headers; NULL: none. PEER_OK and friends */
    size_t len;       /* of `text`; 0: up to its NUL */
    bool hang;        /* then: nothing more until the other side goes */
    bool close;       /* then: close */
};

#define PEER_OK "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"code\":0}\n"

/* Called on the connections' threads, one at a time. */
typedef struct peer_answer peer_script(void *ctx, const struct peer_request *request);

/* Asked as soon as a request's head is there, before the script: how many bytes of its body to read
 * before the connection is reset; -1: read it all and answer. */
typedef long peer_cut(void *ctx, const char *head);

/* `tls` NULL: plain. Borrowed. */
struct peer *peer_new(peer_script *script, void *ctx, SSL_CTX *tls);
void peer_free(struct peer *peer);
void peer_set_cut(struct peer *peer, peer_cut *cut); /* before the first request */

/* No script runs in between: for changing what it reads. */
void peer_lock(struct peer *peer);
void peer_unlock(struct peer *peer);

int peer_port(const struct peer *peer);
const char *peer_url(struct peer *peer, const char *path); /* borrowed until the next call */
int peer_connections(struct peer *peer);                   /* accepted so far */
int peer_most_open(struct peer *peer);                     /* requests under way at the same time */

#endif
