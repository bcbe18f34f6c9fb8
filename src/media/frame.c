#include "media/frame.h"

#include <stdlib.h>
#include <string.h>

struct frame *frame_new(enum codec codec, size_t size)
{
    struct frame *f = size <= FRAME_MAX_SIZE ? malloc(sizeof *f + size + FRAME_PADDING) : NULL;
    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    memset(f->data + size, 0, FRAME_PADDING);
    atomic_init(&f->refs, 1);
    f->codec = codec;
    f->time = USEC_UNSET;
    f->size = size;
    return f;
}

struct frame *frame_ref(struct frame *f)
{
    /* Relaxed: whoever takes a reference already holds one. */
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame *f)
{
    /* Release before the last one frees, acquire in the one that frees: all uses happen before. */
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        free(f);
}

unsigned codec_clock_rate(enum codec codec)
{
    return codec == CODEC_H264 ? 90000 : 48000;
}

enum media_kind codec_kind(enum codec codec)
{
    return codec == CODEC_H264 ? MEDIA_VIDEO : MEDIA_AUDIO;
}
