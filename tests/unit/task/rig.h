/* Real tasks over a real store, spool, folder bucket and control loop; the room is played by hand,
 * and no media loop is there: what is recorded are decisions, not frames. Callbacks go nowhere and
 * so stay in the store, to be read at the end. The rig's functions are for the test's thread. There
 * cmocka's assertions hold; on the rig's other thread they would end the process without a word, so
 * that what is wrong there is noted, and the rig's function that comes back next fails the test. */
#ifndef TESTS_TASK_RIG_H
#define TESTS_TASK_RIG_H

#include "../temp_dir.h"
#include "api/create.h"
#include "task/task.h"

#define RIG_APP      1 /* without, */
#define RIG_AUTO_APP 2 /* with auto_record, into bucket "auto" */

struct rig {
    struct temp_dir dir;
    struct config *config;
    struct loop *loop;
    struct store *store;
    struct delivery *delivery;
    struct spool *spool;
    struct spool_writer *writer;
    struct loop_clock *clock;
    struct uploader *uploader;
    struct recorder_stats recorded;
    struct rooms *rooms;
    struct tasks *tasks;
    struct api *api;
    uint64_t session; /* the last one given */
    char wrong[512];
};

void rig_open(struct rig *rig);

/* Ends everything without waiting for what is under way, and starts again: rooms are empty. */
void rig_restart(struct rig *rig);

/* The same without a word to the tasks before, as when the process is killed. */
void rig_kill(struct rig *rig);

/* After a failure, in the place of rig_close() or after it: nothing more is looked at. */
void rig_abandon(struct rig *rig);

/* On the control loop, and in the `on_event` of rig_close(): the first complaint counts. */
void rig_wrong(struct rig *rig, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ends everything. Each event of the store, in its order, is given to `on_event` before. */
void rig_close(struct rig *rig, store_event_row *on_event, void *ctx);

/* Until no task is starting, ending, or has its idle time over. */
void rig_settle(struct rig *rig);

/* Actions of the API: they wait for the answer, whose Code is "" for a success. */
struct rig_answer {
    char code[64], task_id[FILE_NAME_SIZE], status[16];
};

struct rig_create {
    const char *room, *robot;
    uint64_t max_idle_s;                   /* 0: the task ends as soon as nobody is there */
    const char *allow_audio, *block_audio; /* one entry; NULL: none */
};
struct rig_answer rig_create(struct rig *rig, const struct rig_create *wanted);
struct rig_answer rig_describe(struct rig *rig, const char *task_id);
struct rig_answer rig_delete(struct rig *rig, const char *task_id);
struct rig_answer rig_modify(struct rig *rig, const char *task_id, const char *allow_audio);

/* Rooms, all of them string rooms. */
uint64_t rig_enter(struct rig *rig, uint32_t app, const char *room, const char *user,
                   enum room_stream stream);
void rig_leave(struct rig *rig, uint64_t session);
void rig_media(struct rig *rig, uint64_t session, enum media_kind kind, bool live);

/* On the control loop: what is inside. */
void rig_look(struct rig *rig, void (*fn)(struct rig *rig, void *ctx), void *ctx);

#endif
