/* Sound of a file, in whatever FFmpeg decodes, made into Opus packets of 20 ms. One thread at a
 * time. */
#ifndef PUBLISH_TRANSCODE_H
#define PUBLISH_TRANSCODE_H

#include <libavcodec/avcodec.h>

#include "media/frame.h"

struct transcode;

/* ERR_UNSUPPORTED: no decoder, or it refuses. ERR_NOMEM. */
int transcode_new(struct transcode **out, const AVCodecParameters *from);
void transcode_free(struct transcode *t); /* NULL is fine */

/* Called with each packet: `time` from the first sample on; the frame is the callee's. */
typedef int transcode_put(void *ctx, struct frame *frame, usec_t time);

/* Takes one packet; NULL: the end, what is left is filled up with silence. A packet that cannot be
 * decoded is passed over. The callee's error; ERR_UNSUPPORTED; ERR_NOMEM. */
int transcode_push(struct transcode *t, const AVPacket *packet, transcode_put *put, void *ctx);

#endif
