/* Whose streams a task records: the allow and block lists of one medium against the users in the
 * room (api.md 8, "Wildcard in lists"; 9.5). Audio and video are judged separately. Pure.
 *
 *   entry "alice"    that user
 *   entry "1.*$"     every user whose id begins with "1", also "1" itself; but when a user in the
 * room is literally called "1.*$", that one user alone
 *
 * An empty allow list means all. A user on the block list is out. */
#ifndef RECORDER_SUBSCRIBE_H
#define RECORDER_SUBSCRIBE_H

#include <stdbool.h>
#include <stddef.h>

/* Borrowed. */
struct user_ids {
    const char *const *items;
    size_t count;
};

/* Sets wanted[i] for each of `present`, the users in the room. Both lists may be given; block wins.
 */
void subscribe_select(struct user_ids allow, struct user_ids block, struct user_ids present,
                      bool *wanted);

#endif
