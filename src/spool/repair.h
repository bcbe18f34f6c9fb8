/* Makes a task's folder whole again when nobody writes in it any more: after a crash, or when a
 * disk failed.
 *
 *   X.ts.part   cut to its last whole frame and made X.ts; left alone when no frame can be played
 *   X.mp4.part  with its journal, or another format with one: finished (spool/media_file.h)
 *   X.ts        that no playlist names yet: gets its lines in the playlist of its name, as the
 *               writer would have written them; one without a first version is begun
 *   X.m3u8      gets #EXT-X-ENDLIST
 *
 * All it needs is in the names and in the files themselves: START-REC-TIME is the time in the first
 * segment's name, a DISCONTINUITY stands in the stream (segment/ts.h). Each step is durable and may
 * be repeated after a crash in the middle of it. The calls block. */
#ifndef SPOOL_REPAIR_H
#define SPOOL_REPAIR_H

#include "spool/spool.h"

/* For playlists that have to be begun: TRTC-VERSION and TRTC-DATE. */
struct spool_build {
    const char *version, *date;
};

struct spool_repaired {
    unsigned salvaged;  /* torn segments and media files made whole */
    unsigned hopeless;  /* torn files without a frame to play, left as they are */
    unsigned failing;   /* torn segments that want a better disk, or memory: left as they are */
    unsigned listed;    /* segments that got into a playlist */
    unsigned ended;     /* playlists that got their end */
    uint64_t cut_bytes; /* torn tails */
};

/* What cannot be repaired (logged) does not hold up the rest; then the first error: ERR_IO,
 * ERR_NOMEM. `out` is always filled. */
int spool_folder_repair(struct spool_folder *f, const struct spool_build *build,
                        struct spool_repaired *out);

#endif
