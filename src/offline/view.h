/* A task in the spool as people see it. */
#ifndef OFFLINE_VIEW_H
#define OFFLINE_VIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "spool/spool.h"

enum spool_state {
    SPOOL_WHOLE, /* every file is whole and every playlist has its end */
    SPOOL_OPEN,  /* a playlist waits for its end, or does not name all its segments */
    SPOOL_TORN,  /* a file was being written */
    SPOOL_ALIEN, /* task.json is missing or cannot be read: it can be repaired, and pushed --to */
};

struct spool_view {
    enum spool_state state;
    const char *task, *room, *robot; /* borrowed from `found`; room and robot NULL: not known */
    uint64_t sdk_app_id;
    usec_t start;   /* USEC_UNSET: not known */
    size_t files;   /* without torn ones */
    uint64_t bytes; /* of all files */
    size_t torn;    /* files */
    uint64_t torn_bytes;
    const struct spool_found *found;
};

/* Reads the playlists too. ERR_NOMEM, ERR_IO. */
int spool_view_of(struct spool_view *out, const struct spool_found *found);

void spool_view_head(struct buf *out);                             /* a line over the table */
void spool_view_text(const struct spool_view *v, struct buf *out); /* its line, and one for each
                                                                      torn file */
json_t *spool_view_json(const struct spool_view *v);               /* NULL: out of memory */

#endif
