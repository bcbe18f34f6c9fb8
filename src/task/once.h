/* A start with an idempotency key (api.h, API_IDEMPOTENCY_HEADER) happens once, also across
 * restarts: who repeats it within a day is answered with the first TaskId. Inside task/ only;
 * control loop.
 *
 * The name of a start is the key together with SecretId and SdkAppId. The parameters must be the
 * same, but for the tickets (UserSig, PrivateMapKey), which a client may have made anew. A start
 * that failed is not remembered. */
#ifndef TASK_ONCE_H
#define TASK_ONCE_H

#include "task/task.h"

/* Takes up what is stored, before the first submission to the store. ERR_IO, ERR_NOMEM: logged. */
int once_load(struct tasks *tasks);

/* True: go on; `*start` is NULL when the call has no key, otherwise once_done() or once_failed() is
 * due. False: the call is answered, or will be when the start that it repeats is done. */
bool once_begin(struct tasks *tasks, const struct create_params *params, struct api_call *call,
                struct start **start);

/* Adds to the change that inserts the task what a repeat must find. `start` may be NULL. */
void once_store(struct store_change *change, const struct start *start, const char *task_id);

/* The change is committed, or the start has come to nothing: answers those who wait. `start` may be
 * NULL; it is gone after a failure. */
void once_done(struct start *start, const char *task_id);
void once_failed(struct start *start, const char *code, const char *detail);

#endif
