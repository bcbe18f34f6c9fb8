/* Delivers callbacks: the outbox with its sockets, its clock and its store. Lives on the store's
 * home loop; all functions are called on its thread. An event is added after the store has
 * committed it. */
#ifndef CALLBACK_DELIVERY_H
#define CALLBACK_DELIVERY_H

#include "callback/outbox.h"
#include "io/http_client.h"
#include "store/store.h"

#define DELIVERY_TIMEOUT (5 * SEC) /* callbacks.md 1 */

struct delivery;

struct delivery_settings {
    /* Where events of an application go; false: nowhere, they are dropped. The URL lives as long as
     * the delivery. */
    bool (*receiver)(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out);
    void *ctx;
    struct http_client_settings http; /* per_host is ours */
};

/* Starts, and goes on with the events that are in the store: before its first submission.
 * ERR_NOMEM, ERR_IO. */
int delivery_open(struct delivery **out, struct loop *loop, struct store *store,
                  const struct delivery_settings *settings);

/* Breaks off what is under way; it is sent again after the next start. Before store_close; the loop
 * turns once more. NULL is fine. */
void delivery_close(struct delivery *delivery);

/* Takes an event that is in the store. */
void delivery_add(struct delivery *delivery, struct event *event);

size_t delivery_waiting(const struct delivery *delivery); /* events not yet delivered or given up */
const struct outbox_stats *delivery_stats(const struct delivery *delivery);

#endif
