/* A black picture, as one key frame of H.264 (ITU-T H.264, constrained baseline) that needs no
 * encoder: the first macroblock holds its samples (I_PCM), every other one is predicted from its
 * neighbours (Intra_16x16, DC) and adds nothing, which is one byte for each. Any thread. */
#ifndef MEDIA_H264_BLACK_H
#define MEDIA_H264_BLACK_H

#include "base/buf.h"

#define H264_BLACK_MAX 8192 /* pixels either way */

/* Appends the frame: SPS, PPS and IDR slice, each after its 32-bit length. An odd size is rounded
 * down, to at least 2. ERR_LIMIT: a size of 0 or above H264_BLACK_MAX; the buffer's own error. */
int h264_black_put(struct buf *out, unsigned width, unsigned height);

#endif
