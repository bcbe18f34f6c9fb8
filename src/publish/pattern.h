/* Puts the test pattern on a tape: pictures by painter.h and the beep that goes with the flash.
 * Frame n begins at n / fps seconds and shows n. Runs on the source's thread. */
#ifndef PUBLISH_PATTERN_H
#define PUBLISH_PATTERN_H

#include "publish/args.h"
#include "publish/tape.h"

/* Until the tape is stopped: OK then. ERR_UNSUPPORTED: an encoder refused. ERR_NOMEM. */
int pattern_play(const struct publish_args *args, struct tape *tape);

#endif
