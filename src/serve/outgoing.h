/* The daemon's HTTP clients for object stores: one that may reach any address, for stores that the
 * operator configured, and one under the address policy, for those that API callers name. Control
 * loop. */
#ifndef SERVE_OUTGOING_H
#define SERVE_OUTGOING_H

#include "io/address_policy.h"
#include "io/http_client.h"

struct config;

struct outgoing {
    struct http_client *own, *guarded;
    struct address_policy policy;
};

/* ERR_IO (logged): the file of authorities cannot be read; ERR_NOMEM. After an error, and on a
 * zeroed one, outgoing_close is fine. */
int outgoing_open(struct outgoing *out, const struct config *config, struct loop *control);

/* After everything that sends through it. The loop turns once more. */
void outgoing_close(struct outgoing *outgoing);

#endif
