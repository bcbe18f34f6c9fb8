/* Puts the audio and video of one file into one order by time. Both come in their own order, but
 * not at the same speed: audio passes an encoder. A frame waits until the other kind has come as
 * far, at most `wait` of media time. Single thread. */
#ifndef SEGMENT_INTERLEAVE_H
#define SEGMENT_INTERLEAVE_H

#include "media/frame.h"

#define INTERLEAVE_SLOTS 256 /* frames of one kind; the oldest go on before this is reached */

struct interleave {
    struct interleave_queue {
        struct frame *slot[INTERLEAVE_SLOTS];
        unsigned first, count;
        usec_t last; /* time of the newest frame ever taken */
        usec_t wait; /* how long a frame of this kind waits for the other */
    } kind[2];       /* by enum media_kind */
    usec_t newest;   /* how far time has come */
};

void interleave_init(struct interleave *il, usec_t audio_wait, usec_t video_wait);
void interleave_fini(struct interleave *il);

/* Takes a reference of its own. Pull until NULL after each push. ERR_RANGE: not later than the one
 * before of its kind; it is not taken. */
int interleave_push(struct interleave *il, struct frame *f);

/* Time goes on without frames. */
void interleave_tick(struct interleave *il, usec_t time);

/* The next frame in order, the caller's to unref; NULL: none may go yet. With `all` nothing waits.
 */
struct frame *interleave_pull(struct interleave *il, bool all);

/* When a tick would set a frame free; USEC_NEVER: nothing waits. */
usec_t interleave_deadline(const struct interleave *il);

#endif
