/* A media file as frames in memory, to be sent again and again: its H.264 as it is, its Opus as it
 * is, other sound made into Opus. */
#ifndef PUBLISH_CLIP_H
#define PUBLISH_CLIP_H

#include "publish/tape.h"

#define CLIP_MAX_SIZE   ((size_t)1 << 30) /* bytes of frames */
#define CLIP_MAX_FRAMES ((size_t)1 << 20)

struct clip;

/* Reads the first video and the first audio stream, as far as wanted. Errors are logged: ERR_IO:
 * not readable. ERR_UNSUPPORTED: video that is not H.264, B-frames, sound that cannot be decoded.
 * ERR_NOT_FOUND: nothing to send in it. ERR_LIMIT: larger than the limits above. ERR_NOMEM. */
int clip_load(struct clip **out, const char *path, bool audio, bool video);
void clip_free(struct clip *clip); /* NULL is fine */

bool clip_has(const struct clip *clip, enum media_kind kind);

/* Puts it on the tape round after round until the tape is stopped. A round lasts as long as the
 * longer of the two; where the other has ended there is a gap. */
void clip_play(const struct clip *clip, struct tape *tape);

#endif
