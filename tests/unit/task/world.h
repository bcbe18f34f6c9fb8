/* Tasks with all that is below them: a real loop, store and spool, folder buckets, and an uploader
 * whose time the test moves. No media: the test puts files into the spool itself. No receiver
 * answers, so that all events stay in the store to be read. */
#ifndef TEST_TASK_WORLD_H
#define TEST_TASK_WORLD_H

#include "../temp_dir.h"
#include "api/api.h"
#include "task/task.h"

#define WORLD_APP 1400000001u

struct world {
    struct temp_dir dir; /* buckets/, spool/, state.db */
    struct config *config;
    struct loop *loop;
    struct store *store;
    struct delivery *delivery;
    struct spool *spool;
    struct spool_writer *writer;
    struct uploader *uploader;
    struct rooms *rooms;
    struct tasks *tasks;
    struct recorder_stats recorded;

    usec_t now, wake; /* the uploader's clock, which stands still; a start sets it right */
    uv_timer_t timer;

    bool nobody_listens;    /* events are dropped */
    unsigned output_format; /* of the next Create */

    uv_check_t check; /* after each turn of the loop */
    bool (*wanted)(struct world *w);
    uv_sem_t came;

    char answer[1024]; /* of the last call of the API: the JSON, or the error's code */
    bool answered;
    char task_id[64]; /* of the last Create */
};

void world_init(struct world *w); /* with folders, and a first start */
void world_fini(struct world *w);

/* As when the process ends and starts again: nothing is said to the tasks before. */
void world_stop(struct world *w);
void world_start(struct world *w);

/* Runs `act` on the loop. */
void world_do(struct world *w, void (*act)(struct world *w));

/* Waits for the next turn of the loop after which it is true. */
void world_wait(struct world *w, bool (*wanted)(struct world *w));

/* Moves the uploader's clock, from deadline to deadline; each time what has begun comes to its end.
 */
void world_pass(struct world *w, usec_t time);

/* Calls of the API, below its requests and signatures; true: it succeeded. */
bool world_create(struct world *w, const char *room, const char *robot);
bool world_describe(struct world *w, const char *task_id);
bool world_delete(struct world *w, const char *task_id);
bool world_failed_with(const struct world *w, const char *code);

/* A whole file in the task's spool folder, and queued for upload. */
void world_record(struct world *w, const char *task_id, const char *name);

/* "301 0, 302 100, 307, ..." with Status, LeaveCode or Code: what the store holds of a task in its
 * order. Stops the world before and starts nothing. `out` of 1024 bytes. */
void world_events(struct world *w, const char *task_id, char *out);

int world_rows(struct world *w); /* of tasks in the store; the world is stopped */

#endif
