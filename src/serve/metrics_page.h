/* The page /metrics: asks every part for its numbers. Control loop; nothing blocks but the reading
 * of /proc. */
#ifndef SERVE_METRICS_PAGE_H
#define SERVE_METRICS_PAGE_H

#include "api/api.h"
#include "callback/delivery.h"
#include "recorder/stats.h"
#include "serve/disk_watch.h"
#include "serve/health.h"
#include "serve/publishers.h"
#include "serve/whip_stats.h"
#include "task/tasks.h"

/* All borrowed. */
struct metrics_sources {
    const char *revision, *date; /* of the build */
    usec_t started;              /* Unix time */
    uint64_t reserve;            /* bytes of disk */
    const struct tasks *tasks;
    const struct rooms *rooms;
    const struct publishers *publishers;
    const struct whip_stats *whip;
    struct media_loop *const *media;
    size_t media_count;
    const struct recorder_stats *recorded;
    const struct spool_writer *writer;
    const struct disk_watch *disk;
    const struct uploader *uploader;
    const struct delivery *delivery;
    const struct api *api;
    struct store *store;
    const struct named_loop *loops; /* all there are */
    size_t loop_count;
};

/* Appends it. ERR_NOMEM; ERR_LIMIT: `out` is full. */
int metrics_page(const struct metrics_sources *sources, struct buf *out);

#endif
