/* The disk writers: threads that take files from the media loops and bring them into the spool.
 *
 *     media loop                disk thread                          control loop
 *     sink append, finish  ->   pwritev, fsync, rename, fsync   ->   ready(file)
 *     spool_sink_close     ->   all that was queued             ->   drained
 *
 * A sink (segment/sink.h) never blocks: bytes are copied into pooled blocks and handed over in
 * batches of about 256 KiB or one second. A sink may hold `track_bytes`, all together
 * `total_bytes`; then append and begin give ERR_LIMIT and take nothing. After a failed write or
 * fsync a sink is dead: `failed` is called once and its calls give ERR_IO; what became whole before
 * stays whole, and the file in the works stays as .part. */
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

/* ERR_NOMEM, ERR_IO (no thread). */
int spool_writer_new(struct spool_writer **out, const struct spool_limits *limits);

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
    usec_t start, duration; /* SINK_SEGMENT */
    unsigned generation;    /* SINK_PLAYLIST */
    bool last;              /* SINK_PLAYLIST: no further version follows */
    int fd; /* SINK_PLAYLIST: this very version, to read; borrowed for the call (dup it). Else -1 */
};

/* Called on the control loop, in the order of the sink's calls. When playlist versions come faster
 * than the disk takes them, versions in between are left out. */
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

/* The sink's thread, which does not touch the sink afterwards. A file that is open is given up. */
void spool_sink_close(struct sink *sink);

#endif
