/* Automatic recording per application (`apps[].auto_record`; rooms.md 6): the first anchor who
 * publishes in a room starts a task, which records the first 25 anchors and ends when all have been
 * gone for longer than the resume timeout. It is an ordinary task: same events, same files, seen
 * and stopped through the API by the TaskId of its 301. It takes no place of
 * `limits.tasks_per_app`. Its robot has a random id that no user bears. Inside task/ only. Control
 * loop.
 *
 *        first PUBLISHED                 idle, or closed and over
 *   (none) ------------> RECORDING -----------------------------> (none)
 *                         |      \--ended by the API or 101--> SPENT --room closed--> (none)
 *                         \--cannot start--> FAILED --every 10 s--> RECORDING
 *
 * After a restart nothing is left of a former run here: its tasks have ended (100), and whoever
 * publishes again starts a new one. */
#ifndef TASK_AUTO_H
#define TASK_AUTO_H

#include "task/task.h"

/* Checks the settings of all applications as Create would, and watches the rooms from now on.
 * ERR_MALFORMED: logged, with the application. ERR_NOMEM. */
int autos_begin(struct tasks *tasks);
void autos_free(struct tasks *tasks); /* after the tasks; the loop turns once more */

/* The task of this room is over, or could not start. */
void auto_over(struct auto_room *room, bool failed, int leave_code);

#endif
