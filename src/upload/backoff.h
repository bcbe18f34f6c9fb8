/* How long to wait after failures in a row: growing pauses from 1 s to 10 min (files.md 7), each
 * drawn from the upper half of its range, so that tasks that failed together do not come back
 * together. Pure. */
#ifndef UPLOAD_BACKOFF_H
#define UPLOAD_BACKOFF_H

#include <stdint.h>

#include "base/clock.h"

#define BACKOFF_MIN SEC
#define BACKOFF_MAX (600 * SEC)

/* The pause after the n-th failure in a row, n >= 1: within [1 s, 2 s], [2 s, 4 s], ... [5 min, 10
 * min]. `random`: any number. */
usec_t backoff_pause(unsigned failures, uint32_t random);

#endif
