/* A whole MP4 file from what a sink got, in memory. */
#ifndef TEST_MP4_BUILD_H
#define TEST_MP4_BUILD_H

#include "memory_sink.h"
#include "segment/media_scan.h"

/* `scan`: what the journal came to; may be NULL. */
void mp4_build(struct buf *out, struct bytes body, struct bytes journal, struct media_scan *scan);

#endif
