/* Frames made ahead by one thread and sent by another, once for however many users: an audio and a
 * video lane in the order of their times, each frame under a running number.
 *
 *     source's thread: tape_put ... tape_end      sending loop: tape_get, tape_release
 *
 * The tape holds what lies between the last release and TAPE_AHEAD after it; whoever puts more
 * waits. Its own lock, a leaf; the functions say which thread may call them. */
#ifndef PUBLISH_TAPE_H
#define PUBLISH_TAPE_H

#include "media/frame.h"

#define TAPE_AHEAD (10 * SEC)
#define TAPE_SLOTS 8192 /* frames of a lane; full: putting waits */

struct tape;

struct tape *tape_new(void);       /* NULL: out of memory */
void tape_free(struct tape *tape); /* after both threads are done with it; NULL is fine */

/* Takes over the frame, whose start is `time` on the tape (from 0, never less than before in its
 * lane). Waits for room. False: tape_stop was called, the frame is gone. */
bool tape_put(struct tape *tape, struct frame *frame, usec_t time);

/* No more frames come; `err` says why, OK if that is all. The source's thread. */
void tape_end(struct tape *tape, int err);

/* Makes tape_put give up. Any thread. */
void tape_stop(struct tape *tape);

/* Waits until `ahead` of each wanted lane lies on the tape, or it ended. ERR_NOT_FOUND: it ended
 * without a frame; else the source's error. Any thread but the source's. */
int tape_wait(struct tape *tape, bool audio, bool video, usec_t ahead);

struct tape_item {
    struct frame *frame; /* a reference, the caller's */
    usec_t time;
};

enum tape_state { TAPE_ITEM, TAPE_NOT_YET, TAPE_OVER };

/* The frame of that number; if it is released already, the oldest there is (`*number` is set). */
enum tape_state tape_get(struct tape *tape, enum media_kind kind, uint64_t *number,
                         struct tape_item *out);

/* The first frame that begins at `from` or later, a key frame in the video lane. False: none yet.
 */
bool tape_find(struct tape *tape, enum media_kind kind, usec_t from, uint64_t *number,
               usec_t *time);

/* Frames that begin before `time` are not needed any more. */
void tape_release(struct tape *tape, usec_t time);

#endif
