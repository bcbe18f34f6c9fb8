/* Real H.264 for tests: a moving picture, encoded by x264 through FFmpeg as a conference sender
 * does it. */
#ifndef TEST_CAMERA_H
#define TEST_CAMERA_H

#include "media/frame.h"

struct camera;

/* NULL: FFmpeg has no x264 here. */
struct camera *camera_new(int width, int height, int key_interval);
void camera_free(struct camera *c);
struct frame *camera_next(struct camera *c, usec_t time);

#endif
