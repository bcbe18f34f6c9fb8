/* Inside struct hls_playlist, for playlist.c, which writes its text, and playlist_read.c, which
 * takes up a text that was written before. */
#ifndef SEGMENT_PLAYLIST_PARTS_H
#define SEGMENT_PLAYLIST_PARTS_H

#include "base/buf.h"
#include "segment/playlist.h"

#define END_ROOM 4096 /* beyond the limit, so that a full playlist can still be ended */

struct hls_playlist {
    char name[NAMES_SIZE];
    usec_t start, last, end; /* of all; the newest segment's start; the end of all */
    struct buf text;
    size_t target_at; /* where the digits of TARGETDURATION stand in `text` */
    size_t target_len;
    unsigned target;
    unsigned segments, generation;
    bool ended;
    unsigned channels, width, height; /* of the last metadata lines */
};

#endif
