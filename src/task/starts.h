/* Starts that carry a key of their caller, so that each happens once: a repeat within a day finds
 * the first task, or waits for it. The memory side; once.h keeps the same in the store.
 *
 *     ask --> new ----done----> kept for a day --> forgotten
 *               \----failed---> forgotten at once: a repeat may try again
 *
 * A name is application, secret id and key, so that nobody meets the keys of others. Pure; one
 * thread; times are Unix time. */
#ifndef TASK_STARTS_H
#define TASK_STARTS_H

#include "store/change.h"

#define STARTS_KEPT        (24 * 3600 * SEC)
#define STARTS_MAX_WAITING 16 /* repeats of one start that is not done yet */

struct starts;
struct start;
struct api_call;

struct start_name {
    uint32_t sdk_app_id;
    const char *secret_id, *key;
};

/* `most` starts of one application are kept. NULL: out of memory. */
struct starts *starts_new(size_t most);
void starts_free(struct starts *starts); /* NULL is fine */

enum start_answer {
    START_NEW,     /* *out wants start_done() or start_failed() */
    START_DONE,    /* *out has a start_task() */
    START_PENDING, /* *out is not done yet: start_wait() */
    START_OTHER,   /* the name stands for other parameters */
    START_FULL,    /* too many are kept for this application */
    START_NOMEM,
};

/* `out` is set by the first three; it lives until it fails or expires. */
enum start_answer starts_ask(struct starts *starts, const struct start_name *name,
                             const uint8_t fingerprint[STORE_FINGERPRINT_SIZE], usec_t now,
                             struct start **out);

const char *start_task(const struct start *start); /* "" until it is done */
void start_done(struct start *start, const char *task_id);
void start_failed(struct start *start); /* nobody waits any more; frees it */

/* Calls that wait for a start that is not done, in their order. False: too many, or no memory. */
bool start_wait(struct start *start, struct api_call *call);
struct api_call *start_take_waiting(struct start *start); /* NULL: no more */

/* What is to be stored of one that is being done by `task_id`; the texts are the start's. */
struct store_start start_row(const struct start *start, const char *task_id);

/* Takes up a stored one, the oldest first. False: out of memory. */
bool starts_restore(struct starts *starts, const struct store_start *row);

/* Forgets what has been kept for long enough. True: there was something. */
bool starts_expire(struct starts *starts, usec_t now);

size_t starts_count(const struct starts *starts);

#endif
