/* A media thread: a UDP port, the sessions whose packets come through it, and a companion worker
 * for audio encoding.
 *
 *   datagram -> which session? by the ICE user name of a STUN check, else by the address that a
 * check has proven
 *            -> session_feed -> tracks -> subscribers
 *
 * Sessions are opened and closed from the control loop by message; what happens to them comes back
 * as events there. */
#ifndef SESSION_MEDIA_LOOP_H
#define SESSION_MEDIA_LOOP_H

#include "base/addr.h"
#include "io/loop.h"
#include "io/udp.h"
#include "session/session.h"

struct media_loop;

struct media_loop_config {
    unsigned index;
    struct addr listen;
    unsigned max_sessions;
    const struct dtls_identity *identity; /* read only; outlives the loop */
    struct loop *control;
    void (*event)(void *ctx, const struct session_event *event); /* control loop */
    void *ctx;
};

/* From the starting thread. ERR_IO: cannot bind (logged), ERR_NOMEM. */
int media_loop_start(struct media_loop **out, const struct media_loop_config *config);

/* Ends all sessions (without events) and the threads. From the stopping thread; nobody posts any
 * more. NULL is fine. */
void media_loop_stop(struct media_loop *m);

/* Any thread, constant. */
struct loop *media_loop_thread(struct media_loop *m);
struct loop *media_loop_worker(struct media_loop *m); /* for derived audio */
struct addr media_loop_local(const struct media_loop *m);

struct media_stats {
    struct session_stats sessions; /* of all there were since the start */
    struct udp_stats udp;
    uint64_t nobodys; /* datagrams that belong to no session */
};

/* Any thread. As it was at most half a second ago, while the loop turns. */
void media_loop_stats(struct media_loop *m, struct media_stats *out);

/* Control loop. Takes the config (heap). An open that fails comes back as SESSION_ENDED. */
void media_loop_open_session(struct media_loop *m, struct session_config *config);
void media_loop_close_session(struct media_loop *m, uint64_t id);

/* Media loop's thread. NULL: not, or no longer, here. */
struct session *media_loop_session(struct media_loop *m, uint64_t id);

/* Called about every 100 ms on the media loop's thread, for those with slow deadlines. */
struct media_ticker {
    struct link in_loop;
    void (*tick)(struct media_ticker *self, usec_t now); /* monotonic */
};
void media_loop_add_ticker(struct media_loop *m, struct media_ticker *t);
void media_loop_remove_ticker(struct media_loop *m,
                              struct media_ticker *t); /* also from inside a tick */

#endif
