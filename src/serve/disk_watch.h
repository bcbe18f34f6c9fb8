/* How much room the disk under data/ has, and what the spool takes of it. Measured on libuv's pool
 * every few seconds, so that asking costs nothing. Warns once when the room falls below the
 * reserve, and says when it is back. Control loop. */
#ifndef SERVE_DISK_WATCH_H
#define SERVE_DISK_WATCH_H

#include "io/loop.h"
#include "spool/spool.h"

struct disk_watch;

struct disk_usage {
    uint64_t free, size; /* bytes of the file system; what only root may use is not free */
    uint64_t spool;      /* bytes of all tasks' files */
    bool low;            /* less free than the reserve */
};

struct disk_watch_config {
    struct loop *loop;
    const char *path; /* the data folder; borrowed */
    const struct spool *spool;
    uint64_t reserve; /* bytes */
};

/* Measures at once, which blocks. ERR_IO: there is nothing to measure; ERR_NOMEM. */
int disk_watch_open(struct disk_watch **out, const struct disk_watch_config *config);

struct disk_usage disk_watch_usage(const struct disk_watch *w); /* the last one measured */

/* A measurement under way ends before the loop does; the spool and the path outlive the loop. NULL
 * is fine. */
void disk_watch_close(struct disk_watch *w);

#endif
