/* A thread with an event loop (libuv) and a mailbox. An object belongs to one loop; other threads
 * send it messages that carry ownership. Functions that need the loop's thread assert
 * loop_is_current(). */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"

struct loop;

/* Embedded as the first member of a larger, heap-allocated struct. Whoever runs it owns it then:
 *     struct join { struct message message; char user[64]; };
 *     static void join_run(struct message *m) { struct join *join = (struct join *)m; ...;
 * free(join); } */
struct message {
    struct link in_mailbox;         /* the mailbox's, while posted */
    void (*run)(struct message *m); /* on the loop's thread; frees m */
    void (*discard)(
        struct message *m); /* the loop ended before it ran; frees m. NULL: run is called instead */
};

/* Starts the thread. `name` is a literal of at most 15 characters. `limit`: messages that may wait.
 * ERR_NOMEM, ERR_IO. */
int loop_new(struct loop **out, const char *name, unsigned limit);

/* Ends the loop: asks it to stop, waits for the thread, discards what still waits. The loop's owner
 * has closed its handles before (from the loop's thread). NULL is fine. */
void loop_free(struct loop *loop);

uv_loop_t *loop_uv(struct loop *loop); /* the loop's thread only */
bool loop_is_current(const struct loop *loop);

/* Any thread. When the loop turned last, monotonic; while it turns, never much older than a second.
 */
usec_t loop_pulse(const struct loop *loop);

unsigned loop_waiting(struct loop *loop); /* any thread; messages in the mailbox */

/* Any thread. False when `limit` messages wait or the loop has ended: the message stays the
 * caller's. Messages of one sender run in the order in which they were posted. */
bool loop_post(struct loop *loop, struct message *m);

/* For messages that must not be lost and whose number something else bounds (answers, ends):
 * ignores the limit. False only when the loop has ended; the message was discarded then. */
bool loop_post_must(struct loop *loop, struct message *m);

/* Runs `fn(ctx)` on the loop and waits until it returned. Not from the loop's own thread. For start
 * and stop. */
void loop_call(struct loop *loop, void (*fn)(void *ctx), void *ctx);

#endif
