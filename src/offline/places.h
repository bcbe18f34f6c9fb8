/* Where the tasks of a spool go, without a daemon: the configuration, the master key, clients for
 * object stores; or one folder for all. */
#ifndef OFFLINE_PLACES_H
#define OFFLINE_PLACES_H

#include "base/buf.h"
#include "io/loop.h"
#include "spool/spool.h"
#include "upload/bucket.h"

struct places;

struct place_options {
    const char *config; /* file; NULL: the defaults, with the data around the spool */
    const char *to;     /* folder; NULL: each task's own storage */
};

/* Reads what it needs; changes nothing but that the folder `to` is made. `spool`: its path. What is
 * wrong is appended to `complaint`. ERR_MALFORMED, ERR_IO, ERR_NOMEM. */
int places_new(struct places **out, const struct place_options *options, const char *spool,
               struct buf *complaint);

/* Control loop; after the last bucket is free, and before the loop ends. ERR_IO, ERR_NOMEM. */
int places_start(struct places *p, struct loop *control);
void places_stop(struct places *p);

void places_free(struct places *p); /* NULL is fine */

/* The bucket of a task, and the prefix of its keys (to free()); both the caller's. Control loop.
 * ERR_AUTH: its keys do not open; errors of task.json; ERR_MALFORMED, ERR_NOMEM. */
int places_open(struct bucket **bucket, char **prefix, struct places *p,
                const struct spool_found *found);

#endif
