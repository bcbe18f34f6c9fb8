/* A segment's file name taken apart again (files.md 1): what a playlist needs to know of it after a
 * crash. Pure, any thread. */
#ifndef SEGMENT_NAMES_READ_H
#define SEGMENT_NAMES_READ_H

#include "segment/names.h"

struct segment_name {
    char playlist[NAMES_SIZE]; /* the first playlist that may name it: the stem and ".m3u8" */
    char user[NAMES_SIZE];     /* plain; "" in a mix */
    enum names_media media;    /* not in a mix */
    enum names_type type;      /* in a mix NAMES_AUDIO_VIDEO */
    usec_t start;              /* whole milliseconds */
};

/* ERR_MALFORMED: not the name of a segment. */
int names_read_segment(struct segment_name *out, const char *name);

#endif
