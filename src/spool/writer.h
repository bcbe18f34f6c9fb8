/* The disk writers: threads that take files from the media loops and bring them into the spool.
 *
 *     media loop                disk thread                          control loop
 *     sink append, finish  ->   pwritev, fsync, rename, fsync   ->   ready(file)
 *     spool_sink_close     ->   all that was queued             ->   drained
 *
 * A sink (segment/sink.h) never blocks: bytes are copied into pooled blocks and handed over in
 * batches of about 256 KiB or 0.7 s, so that a crash takes no more than about a second. A sink may
 * hold `track_bytes`, all together `total_bytes`; then append and begin give ERR_LIMIT and take
 * nothing. After a failed write or fsync a sink is dead: `failed` is called once and its calls give
 * ERR_IO; what became whole before stays whole, and the file in the works stays as .part.
 *
 * A file with a journal (segment/sink.h: note) is NAME.part and NAME.idx while it grows; both are
 * synced every SPOOL_SYNC. Its finish goes on to a thread of its own, which calls the writer's
 * `finish` function, and then is told like any other. What a failure or a close left unfinished
 * stays as it is, to be finished later by the same function. */
#ifndef SPOOL_WRITER_H
#define SPOOL_WRITER_H

#include "segment/sink.h"
#include "spool/spool.h"

struct loop;
struct spool_writer;

struct spool_limits {
    unsigned threads;   /* disk threads, 1 to 32; a sink stays with one */
    size_t track_bytes; /* memory a sink may hold; counted in blocks of 16 KiB */
    size_t total_bytes; /* memory all sinks may hold */
};

#define SPOOL_LIMITS_DEFAULT                                                                       \
    (struct spool_limits)                                                                          \
    {                                                                                              \
        .threads = 4, .track_bytes = 8u << 20, .total_bytes = 512u << 20                           \
    }

#define SPOOL_SYNC (10 * SEC)

/* Makes a media file whole: NAME.part and NAME.idx are closed and become NAME, durably, and a short
 * NAME.idx (segment/media_file.h). Called again after a crash at any of its steps, it goes on. */
typedef int spool_finish_fn(int dir, const char *name, uint64_t *bytes);

/* `finish`: NULL when no sink will write media files. ERR_NOMEM, ERR_IO (no thread). */
int spool_writer_new(struct spool_writer **out, const struct spool_limits *limits,
                     spool_finish_fn *finish);

/* Writes all that is queued and ends the threads. Every sink was closed before; the control loops
 * still run or at least exist. NULL is fine. */
void spool_writer_free(struct spool_writer *w);

size_t spool_writer_bytes(const struct spool_writer *w); /* held now, for metrics; any thread */

/* How often a sink refused for a full queue; any thread. */
uint64_t spool_writer_overflows(const struct spool_writer *w);

/* A file that is whole on the disk. Texts are borrowed for the call. */
struct spool_ready {
    enum sink_kind kind;
    const char *name;
    uint64_t bytes;
    const char *playlist;   /* SINK_SEGMENT: as the sink was told; "": none. Else "" */
    usec_t start, duration; /* SINK_SEGMENT, SINK_MEDIA */
    unsigned generation;    /* SINK_PLAYLIST */
    bool last;              /* SINK_PLAYLIST: no further version follows */
    int err; /* SINK_MEDIA: not OK when it could not be finished and stays as it is */
    int fd; /* SINK_PLAYLIST: this very version, to read; borrowed for the call (dup it). Else -1 */
};

/* Called on the control loop, in the order of the sink's calls. When playlist versions come faster
 * than the disk takes them, versions in between are left out. A segment with a playlist is told
 * when a version is on the disk that names it: whoever hears of it may deliver and delete it, and
 * after a crash the playlist must still have it. */
struct spool_events {
    void (*ready)(void *ctx, const struct spool_ready *file);
    void (*failed)(void *ctx, int err); /* at most once */
    void (*drained)(void *ctx); /* once, the last call: all is in the spool, the sink is gone */
};

/* A sink that writes into `folder` (a reference is taken). Any thread; afterwards the sink belongs
 * to one thread. `events` and `ctx` live until `drained` was called or `control` has ended.
 * ERR_NOMEM. */
int spool_sink_new(struct sink **out, struct spool_writer *w, struct spool_folder *folder,
                   struct loop *control, const struct spool_events *events, void *ctx);

/* The sink's thread, which does not touch the sink afterwards. A file that is open is given up; one
 * with a journal stays unfinished. */
void spool_sink_close(struct sink *sink);

#endif
