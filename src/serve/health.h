/* Whether the daemon is alive: every loop it watches has turned a short while ago. Any thread; it
 * must answer while the control loop hangs. */
#ifndef SERVE_HEALTH_H
#define SERVE_HEALTH_H

#include "base/buf.h"
#include "io/loop.h"

#define HEALTH_STALL (5 * SEC)

/* A loop and what operators call it: "control", "media-0". */
struct named_loop {
    char name[32];
    struct loop *loop;
};

/* Appends the names of those that have not turned for HEALTH_STALL, with commas; false: there are
 * none. `now` is monotonic. */
bool health_stalled(const struct named_loop *loops, size_t count, usec_t now, struct buf *out);

#endif
