/* Playlists of a task of a former run: which of them were told of (events 307 and 304), so that
 * nothing is told twice and nothing is left out. Inside task/ only. Control loop. */
#ifndef TASK_FORMER_H
#define TASK_FORMER_H

#include "store/store.h"

struct task;

struct former_playlist {
    struct link in_task;       /* task.former */
    struct store_playlist row; /* texts owned */
};

/* As the store has it. ERR_NOMEM. */
int former_add(struct task *t, const struct store_playlist *row);
void former_free(struct task *t); /* all of them */

struct former_playlist *former_find(struct task *t, const char *name); /* NULL: none */

/* Compares with what is in the spool now. What is there and was never told of, or whose row is
 * lost, is told of (307); what is not there any more was uploaded, which is told of unless it was
 * (304). After the folder's repair, before the first upload. */
void former_take_up(struct task *t);

#endif
