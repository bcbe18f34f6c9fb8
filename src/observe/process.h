/* What the kernel says of this process. Linux. Any thread; reads /proc, which costs about as much
 * as there are open descriptors. */
#ifndef OBSERVE_PROCESS_H
#define OBSERVE_PROCESS_H

#include <stdint.h>

#include "base/clock.h"

struct process_stats {
    uint64_t resident; /* bytes */
    uint64_t open_fds, max_fds;
    usec_t cpu; /* of all threads, user and system */
};

/* What cannot be read is 0. */
void process_read(struct process_stats *out);

#endif
