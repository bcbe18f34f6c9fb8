/* What a change is made of. Inside store/ only. */
#ifndef STORE_CHANGE_STEPS_H
#define STORE_CHANGE_STEPS_H

#include "io/loop.h"
#include "store/store.h"

enum step_kind {
    STEP_INSERT_TASK,
    STEP_UPDATE_TASK,
    STEP_UPDATE_PARAMS,
    STEP_DELETE_TASK,
    STEP_ADD_PLAYLIST,
    STEP_PLAYLIST_UPLOADED,
    STEP_ADD_START,
    STEP_EXPIRE_STARTS,
    STEP_ADD_EVENT,
    STEP_REMOVE_EVENT,
    STEP_RESCHEDULE_EVENT,
};

struct step {
    struct link in_change; /* store_change.steps */
    enum step_kind kind;
    struct store_task task;         /* texts point into `texts` */
    struct store_start start;       /* the same */
    struct store_playlist playlist; /* the same */
    usec_t before;                  /* STEP_EXPIRE_STARTS */
    struct event *event;            /* STEP_ADD_EVENT: owned; NULL once taken */
    int64_t event_id;
    int attempts;
    usec_t first_attempt, next_attempt;
    size_t texts_len;
    char texts[]; /* wiped before it is freed: params hold secrets */
};

/* One thing for the store thread to do; it goes there and comes back as one message. */
struct job {
    struct message message; /* in_mailbox: store.queue, then the home loop's */
    int err;
    bool is_fetch;
};

struct store_change {
    struct job job;
    int err;           /* sticky, while it is built */
    struct list steps; /* struct step, by .in_change */
    store_done *done;
    void *ctx;
};

struct fetch {
    struct job job;
    int64_t id;
    struct event *event;
    store_fetched *done;
    void *ctx;
};

#endif
