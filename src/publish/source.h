/* The thread that fills the tape: with the test pattern, or with a file. Started and ended by the
 * main thread. */
#ifndef PUBLISH_SOURCE_H
#define PUBLISH_SOURCE_H

#include "publish/args.h"
#include "publish/tape.h"

struct source;

/* Starts it and waits until the first seconds are there. `args` (kept) becomes what there is to
 * send: a file without sound clears `audio`, one without picture `video`. Errors are logged:
 * ERR_NOT_FOUND, ERR_UNSUPPORTED, ERR_IO, ERR_NOMEM. */
int source_start(struct source **out, struct publish_args *args);
void source_stop(struct source *s); /* waits for the thread; the tape goes too. NULL is fine */

struct tape *source_tape(struct source *s);

#endif
