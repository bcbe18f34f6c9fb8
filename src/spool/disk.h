/* The insides of the disk writers, for sink.c (the media loop's side) and worker.c (the disk's
 * side). */
#ifndef SPOOL_DISK_H
#define SPOOL_DISK_H

#include "io/file.h"
#include "io/loop.h"
#include "observe/counter.h"
#include "spool/block.h"
#include "spool/writer.h"

#define WRITER_MAX_THREADS 32

struct worker {
    struct spool_writer *writer;
    pthread_t thread;
    pthread_mutex_t lock; /* a leaf lock */
    pthread_cond_t wake;
    struct list ready; /* struct disk_sink with a queue, by .in_ready; under lock */
    bool stop;         /* under lock */
};

/* Makes media files whole, since that can take longer than other sinks may wait. */
struct finisher {
    struct spool_writer *writer;
    pthread_t thread;
    pthread_mutex_t lock; /* a leaf lock */
    pthread_cond_t wake;
    struct list queue; /* struct op, by .item.in_queue; under lock */
    bool stop;         /* under lock */
};

struct spool_writer {
    struct spool_limits limits;
    spool_finish_fn *finish;
    struct block_pool pool;
    _Atomic unsigned next; /* worker for the next sink */
    struct counter overflows;
    struct finisher finisher;
    bool finishing; /* its thread runs */
    unsigned count; /* workers that run */
    struct worker workers[WRITER_MAX_THREADS];
};

/* Something to do besides data; it travels to the disk thread and, if it has an answer, becomes the
 * message that brings it to the control loop. */
struct op {
    struct message message;
    struct item item;
    struct disk_sink *sink;
    struct spool_ready file; /* its texts stand in `texts`, file.fd is ours to close */
    struct bytes content;    /* ITEM_PUT; in `texts` */
    char texts[];
};

struct op *op_new(struct disk_sink *s, int kind, const char *name, const char *playlist,
                  struct bytes content);
void op_free(struct op *op);

struct failure {
    struct message message;
    struct disk_sink *sink;
};

struct disk_sink {
    struct sink sink;
    struct spool_writer *writer;
    struct worker *worker;
    struct spool_folder *folder;
    struct loop *control;
    const struct spool_events *events;
    void *ctx;
    struct op *close; /* made with the sink, so that closing cannot fail */
    struct failure failure;

    _Atomic size_t held; /* bytes of blocks; the media loop adds, the disk thread subtracts */
    _Atomic int err;     /* set once by the disk thread */

    struct { /* the sink's thread */
        bool open;
        char name[FILE_NAME_SIZE];
        struct list blocks; /* struct block, by .item.in_queue; not handed over yet */
        struct list notes;  /* struct block likewise: of the journal */
        bool journal;       /* the open file has one */
        size_t bytes;       /* in all of these */
        usec_t since;       /* monotonic time of the first of these bytes */
    } media;

    struct link in_ready; /* worker.ready; under its lock */
    struct list queue;    /* struct item, by .in_queue; under worker.lock */

    struct { /* the disk thread */
        int fd;
        uint64_t pos;
        int journal; /* descriptor */
        uint64_t journal_pos;
        usec_t synced;  /* monotonic time at which body and journal were last surely on the disk */
        bool had_media; /* some file went to the finisher */
        struct list unlisted; /* struct op, by .item.in_queue: finished, and in no playlist yet */
        char name[FILE_NAME_SIZE];
    } disk;
};

void disk_sink_free(struct disk_sink *s);

/* finish.c */
int finisher_start(struct spool_writer *w);
void finisher_stop(struct spool_writer *w); /* after all that is queued; not started is fine */

/* The disk thread: an ITEM_FINISH of a media file whose bytes are all written, or the ITEM_CLOSE of
 * a sink that had one. */
void finisher_take(struct spool_writer *w, struct op *op);

/* The disk thread: takes over what the sink queued. */
void disk_work(struct disk_sink *s, struct list *items);

#endif
