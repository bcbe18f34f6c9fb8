/* H.264 as a conference sender makes it: x264 through FFmpeg, constrained baseline, no B-frames, no
 * delay, a key frame with its parameter sets each second. One thread at a time. */
#ifndef PUBLISH_VIDEO_H
#define PUBLISH_VIDEO_H

#include "media/frame.h"
#include "publish/painter.h"

struct video_encoder;

/* ERR_UNSUPPORTED: FFmpeg here has no x264, or it refuses (logged). ERR_NOMEM. */
int video_encoder_new(struct video_encoder **out, unsigned width, unsigned height, unsigned fps,
                      unsigned bitrate);
void video_encoder_free(struct video_encoder *v); /* NULL is fine */

/* Where the next picture is to be painted; until video_encode. `luma` is NULL without memory. */
struct picture video_picture(struct video_encoder *v);

/* Encodes what was painted; the frame is the caller's. ERR_UNSUPPORTED, ERR_NOMEM, ERR_LIMIT. */
int video_encode(struct video_encoder *v, struct frame **out);

#endif
