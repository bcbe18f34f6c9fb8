/* The bucket that a task's task.json names. */
#ifndef TASK_STORAGE_H
#define TASK_STORAGE_H

#include "spool/spool.h"
#include "task/tasks.h"

/* Bucket and prefix of the keys (to free()), both the caller's. Of `config` the members config,
 * control, own_stores, named_stores and key are used. Control loop. ERR_MALFORMED: no usable
 * storage; ERR_AUTH: the keys do not open, or are missing; ERR_NOMEM. */
int storage_open(struct bucket **out, char **prefix, const struct tasks_config *config,
                 const struct spool_meta *meta);

#endif
