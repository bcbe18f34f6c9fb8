/* The progress of a task's end, as `reeltime ctl wait` shows it: what is left of the upload,
 * against the most that was ever seen waiting since the task ended. Pure; times are monotonic. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "base/clock.h"
#include "ctl/task_view.h"

enum progress_stage {
    PROGRESS_RECORDING,
    PROGRESS_DELIVERING,
    PROGRESS_GONE,
    PROGRESS_LOST, /* no connection; it is tried again */
};

struct progress {
    enum progress_stage stage;
    struct upload_left left;
    bool seen;                       /* Describe knew it once */
    bool ending;                     /* delivery has begun, whatever became of the connection */
    uint64_t most_files, most_bytes; /* since delivery began */
    usec_t started;
};

void progress_start(struct progress *p, usec_t now);

/* What Describe said. */
void progress_told(struct progress *p, const json_t *response);
/* It is being delivered, and this is left. */
void progress_left(struct progress *p, const struct upload_left *left);
void progress_lost(struct progress *p);
void progress_gone(struct progress *p);

/* 0 to 100; 100 only when it is gone. */
unsigned progress_percent(const struct progress *p);

/* One line of at most `width` columns, without its end:
 *     Delivering [=========>          ]  47%  3 files, 12.4 MB left  0:12 */
void progress_bar(const struct progress *p, unsigned width, usec_t now, struct buf *out);

/* The same without bar and time, for logs: equal as long as nothing changed. */
void progress_words(const struct progress *p, struct buf *out);

/* {"Stage":"Delivering","Percent":47,"Files":3,"Bytes":12400000} */
void progress_json(const struct progress *p, struct buf *out);

#endif
