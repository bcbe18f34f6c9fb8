/* In which order one task's files go up. Pure but for the descriptors of playlist versions, which
 * it owns.
 *
 *   - A playlist version goes up only when every segment it names is acknowledged: those that were
 * added before it.
 *   - Of the versions of a playlist that may go, the newest goes; older ones are dropped.
 *   - One version that waits for its segments is kept though newer ones wait as well, so that a
 * slow bucket still gets playlists while the recording runs ahead of it.
 *   - Versions of one playlist go up one after the other.
 *   - What fails goes to the end of the line.
 *
 * A segment without a playlist (an MP4) waits for nothing and nobody waits for it. */
#ifndef UPLOAD_PLAN_H
#define UPLOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan;

struct plan *plan_new(void); /* NULL: out of memory */
void plan_free(struct plan *p);

/* A whole file. `playlist`: the one that will name it, "": none. ERR_NOMEM; ERR_EXISTS: it is in
 * the plan already. */
int plan_add_segment(struct plan *p, const char *name, const char *playlist, uint64_t bytes);

/* A version of a playlist, open as `fd`, which becomes the plan's on success. A generation that is
 * not above the newest known one is dropped silently. ERR_NOMEM; ERR_BAD_STATE: after the last
 * version. */
int plan_add_version(struct plan *p, const char *playlist, int fd, uint64_t bytes,
                     int64_t generation, bool last);

/* Something to put. It stays in the plan until one of the three below is called for it, exactly
 * once. */
struct plan_item {
    const char *name; /* lives as long as the item is taken */
    uint64_t bytes;
    int fd;     /* a playlist's version, the plan's; -1: a segment */
    bool first; /* a playlist that was never acknowledged */
    bool last;  /* a playlist's last version */
    void *impl;
};

bool plan_next(struct plan *p, struct plan_item *out);         /* false: nothing may go now */
void plan_done(struct plan *p, const struct plan_item *item);  /* acknowledged */
void plan_retry(struct plan *p, const struct plan_item *item); /* failed, to be tried again */
void plan_lost(struct plan *p,
               const struct plan_item *item); /* given up; nobody waits for it any more */

/* Nothing waits and nothing is taken. */
bool plan_empty(const struct plan *p);

/* Something may go now: plan_next would give it. */
bool plan_ready(const struct plan *p);

/* A playlist whose last version is not known, NULL when there is none. Borrowed until the plan
 * changes. */
const char *plan_unfinished(const struct plan *p);

/* Forgets an unfinished playlist; its segments, if any, go on without. */
void plan_forget(struct plan *p, const char *playlist);

struct plan_counts {
    size_t files; /* waiting or taken; a playlist counts once a version */
    uint64_t bytes;
};

struct plan_counts plan_counts(const struct plan *p);

#endif
