/* A change of what survives: statements about tasks and events that are committed together or not
 * at all. A change of a task and the events that tell of it belong into one.
 *
 * Built by one thread, then handed to store_submit. Texts are copied; an error while copying
 * (ERR_NOMEM) sticks and is what the submission reports. Statements are carried out in the order in
 * which they were added. */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "store/event.h"

/* A row. The texts are borrowed for the call. The names of the states belong to task/. */
struct store_task {
    const char *task_id;
    uint32_t sdk_app_id;
    int room_id_type; /* as in the API: 0 string, 1 number */
    const char *room_id;
    const char *user_id; /* the robot */
    const char *params;  /* JSON object, whole; the store takes the secrets out and seals them */
    const char *wanted, *actual;
    const char *owner; /* node */
    int64_t epoch;     /* grows with each owner; a change with an older one than the row's fails */
    usec_t created, expires, ended; /* Unix time; 0: not (yet) */
    int leave_code;                 /* callbacks.md 4 (302); -1: none */
};

#define STORE_FINGERPRINT_SIZE 32

/* A start that carries its caller's key, so that it happens once. The texts are borrowed for the
 * call. */
struct store_start {
    uint32_t sdk_app_id;
    const char *secret_id, *key; /* with the application: the row's name */
    const char *task_id;
    uint8_t fingerprint[STORE_FINGERPRINT_SIZE]; /* of the parameters */
    usec_t created;                              /* Unix time */
};

/* A playlist of a task of which event 307 tells. The texts are borrowed for the call. */
struct store_playlist {
    const char *task_id, *name;
    const char *user_id, *track_type; /* as in 307 */
    usec_t begin;                     /* Unix time */
    bool uploaded;                    /* event 304 tells of it */
};

struct store_change;

struct store_change *store_change_new(void); /* NULL: out of memory */
void store_change_free(
    struct store_change *change); /* with the events it still holds; NULL is fine */

/* A new task. The submission fails with ERR_EXISTS if there is one. */
void store_change_insert_task(struct store_change *change, const struct store_task *task);

/* Sets wanted, actual, owner, epoch, expires, ended and leave_code of `task->task_id`; the rest is
 * not looked at. ERR_NOT_FOUND: no such task, or its epoch is higher. */
void store_change_update_task(struct store_change *change, const struct store_task *task);

/* Replaces the parameters (after Modify). ERR_NOT_FOUND as above. */
void store_change_update_params(struct store_change *change, const char *task_id, int64_t epoch,
                                const char *params);

/* Remembers a playlist, not uploaded; one that is known stays as it is. */
void store_change_add_playlist(struct store_change *change, const struct store_playlist *playlist);

/* No error when there is none. */
void store_change_playlist_uploaded(struct store_change *change, const char *task_id,
                                    const char *name);

/* Forgets a task and its playlists. Its events stay until delivered. No error when there is none.
 */
void store_change_delete_task(struct store_change *change, const char *task_id);

/* Remembers a start, in place of an older one of the same name. */
void store_change_add_start(struct store_change *change, const struct store_start *start);

/* Forgets the starts that were created before this moment or in it. */
void store_change_expire_starts(struct store_change *change, usec_t before);

/* Appends an event, which belongs to the change until taken back. It gets its id when the change is
 * submitted. NULL is out of memory, and makes the submission fail with ERR_NOMEM. */
void store_change_add_event(struct store_change *change, struct event *event);

/* The change's events in their order, yours from then on; NULL when there are no more. For after
 * the commit. */
struct event *store_change_take_event(struct store_change *change);

/* An event was delivered or given up. No error when there is none. */
void store_change_remove_event(struct store_change *change, int64_t id);

/* Writes down attempts, first_attempt and next_attempt. No error when there is none. */
void store_change_reschedule_event(struct store_change *change, const struct event *event);

#endif
