/* All publishers of the process on one loop: starts them one after the other, ticks them, lets the
 * tape go on, and adds up. All functions on the loop's thread but crowd_over. */
#ifndef PUBLISH_CROWD_H
#define PUBLISH_CROWD_H

#include "publish/publisher.h"

struct crowd;

struct crowd_totals {
    unsigned connected; /* now */
    unsigned done, failed, ever_connected;
    struct publisher_stats sums;
};

/* `args` and `tape` outlive it; `profile` is the H.264's. ERR_CRYPTO, ERR_NOMEM, ERR_IO,
 * ERR_MALFORMED (a user name that cannot be signed for). */
int crowd_new(struct crowd **out, struct loop *loop, const struct publish_args *args,
              struct tape *tape, const char *profile);

/* Closes everything; crowd_free comes after the loop has ended. NULL is fine for both. */
void crowd_close(struct crowd *c);
void crowd_free(struct crowd *c);

/* All leave in good order. */
void crowd_leave(struct crowd *c);

/* All are done or failed. Any thread. */
bool crowd_over(const struct crowd *c);

struct crowd_totals crowd_totals(const struct crowd *c);

#endif
