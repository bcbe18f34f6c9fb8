/* How many requests there were, how they ended and how long they took. For one thread, but the
 * times, which any may read. All zero is a good start. */
#ifndef API_STATS_H
#define API_STATS_H

#include <stddef.h>

#include "observe/counter.h"

enum { API_CREATE, API_DESCRIBE, API_MODIFY, API_DELETE, API_OTHER, API_ACTIONS };

extern const char *const api_action_names[API_ACTIONS]; /* as on the wire; "other" */

struct api_stats {
    struct api_count {
        int action;
        const char *code; /* "OK", or one of errors.h */
        uint64_t requests;
    } * counts; /* as many as there are different ones */
    size_t count;
    struct durations took[API_ACTIONS];
};

/* `action` as the request named it, known or not; `code` is a literal. */
void api_stats_add(struct api_stats *s, const char *action, const char *code, usec_t took);
void api_stats_fini(struct api_stats *s);

#endif
