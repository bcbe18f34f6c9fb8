/* One MP4 or AAC file in the making, whatever its format: body and journal through a sink. For the
 * media writer above, which orders the frames, names the files and splits them, and for those who
 * implement a format. Single thread. */
#ifndef SEGMENT_FILE_FORMAT_H
#define SEGMENT_FILE_FORMAT_H

#include "media/frame.h"
#include "segment/media_journal.h"
#include "segment/sink.h"

struct media_file; /* the format's own */

struct media_file_config {
    const char *name;        /* of the whole file */
    const char *user;        /* recorded user; "": mixed */
    const char *media;       /* "main", "aux", "mix" */
    unsigned part;           /* 0 for the first, then as in the name */
    enum media_fill fill;    /* FillType */
    struct bytes silence[2]; /* silent AAC frame, mono and stereo; outlive the file */
    usec_t start;            /* Unix time, whole ms: file time zero */
    struct sink *sink;       /* outlives the file */
};

struct file_format {
    const char *extension; /* of names, without its dot */
    bool video;            /* takes H.264 besides AAC */
    bool run_in; /* a file that goes on from another wants the two audio frames before it */

    /* START of a file that begins with this frame: whole ms. */
    usec_t (*start_at)(const struct frame *first);

    /* Texts are borrowed for the call. ERR_LIMIT: the sink is full, there is no file; ERR_IO,
     * ERR_NOMEM; ERR_UNSUPPORTED: the fill. */
    int (*begin)(struct media_file **out, const struct media_file_config *config);

    /* Frames in order of time. Holes in audio are filled with silence here. ERR_LIMIT: the sink is
     * full, nothing of the frame was taken; ERR_MALFORMED: it is broken; ERR_EXPIRED: what is
     * written reaches beyond it already; ERR_RANGE: it cannot follow in this file, the next one
     * begins with it; ERR_IO, ERR_NOMEM: nothing can be written any more. */
    int (*push)(struct media_file *f, const struct frame *frame);

    /* Something is missing; Unix time. */
    void (*gap)(struct media_file *f, usec_t from, usec_t to, enum journal_gap_reason reason);

    /* What a crash would lose goes to the sink. ERR_IO, ERR_NOMEM. */
    int (*flush)(struct media_file *f);

    /* Ends the file; media that reaches up to `end` (Unix time) or beyond ends there. `info` says
     * what will become visible; its texts live as long as the file. ERR_AGAIN: it held nothing and
     * was abandoned. ERR_IO, ERR_NOMEM. */
    int (*finish)(struct media_file *f, usec_t end, struct sink_file *info);

    /* A file that was not finished stays with the sink, to be finished from its journal; one that
     * holds nothing is abandoned. NULL is fine. */
    void (*free)(struct media_file *f);

    usec_t (*end)(const struct media_file *f); /* Unix time of the end of what is written */
    uint64_t (*bytes)(
        const struct media_file *f); /* of the whole file, if it ended now; at least */
};

extern const struct file_format file_format_adts, file_format_mp4;

#endif
