/* Where a writer's bytes go: the spool's disk queue, or memory in tests. For those who write files
 * and for those who implement the other side. A sink carries one growing file at a time (begin,
 * append..., finish or abandon) and besides it small files that are replaced whole (put). It
 * belongs to one thread, that of its writer. No call may block: what cannot be taken now is refused
 * with ERR_LIMIT.
 *
 * An MP4 or AAC file has a journal beside its body (design "Files"): append gives the body's bytes,
 * note the record that tells of them. After a crash the file is made whole from the journal, up to
 * its last whole record. */
#ifndef SEGMENT_SINK_H
#define SEGMENT_SINK_H

#include "base/bytes.h"
#include "base/clock.h"

enum sink_kind { SINK_SEGMENT, SINK_PLAYLIST, SINK_MEDIA /* a body with a journal */ };

struct sink_file {
    enum sink_kind kind;
    const char *name;     /* base name */
    const char *playlist; /* SINK_SEGMENT: the playlist that will name it */
    usec_t start;         /* of the first sample, Unix time of the server clock */
    usec_t duration;
    uint64_t bytes;
};

struct sink;

struct sink_ops {
    /* Opens a file that is not visible yet. ERR_BAD_STATE: one is open already; ERR_LIMIT: queue
     * full; ERR_IO. */
    int (*begin)(struct sink *sink, const char *name);

    /* Adds to the open file; the bytes are borrowed for the call. ERR_LIMIT: queue full, nothing
     * was taken and the file stays as it was; ERR_IO: the disk failed, now or since the last call.
     * No bytes at all: what was taken so far is not to wait for more; never refused for a full
     * queue. */
    int (*append)(struct sink *sink, struct bytes bytes);

    /* Adds a record to the open file's journal; the bytes are borrowed for the call. It reaches the
     * disk after what was appended before it. Never refused for a full queue, so what append took
     * can always be told of. ERR_BAD_STATE: no file is open; ERR_NOMEM; ERR_IO as above. */
    int (*note)(struct sink *sink, struct bytes record);

    /* The file is whole and becomes visible under its name. `info` and its texts are borrowed for
     * the call. Never refused for a full queue. ERR_IO as above. */
    int (*finish)(struct sink *sink, const struct sink_file *info);

    /* Forgets the open file, and its journal. */
    void (*abandon)(struct sink *sink);

    /* Replaces the small file `name` whole. Generations of one name only grow; `last`: no further
     * one follows. Never refused for a full queue. ERR_IO as above. */
    int (*put)(struct sink *sink, const char *name, struct bytes text, unsigned generation,
               bool last);
};

/* Implementations put this first. */
struct sink {
    const struct sink_ops *ops;
};

#endif
