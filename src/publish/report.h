/* What `reeltime publish` prints about its publishers: a line a second, and a summary. */
#ifndef PUBLISH_REPORT_H
#define PUBLISH_REPORT_H

#include "publish/crowd.h"

struct report {
    const struct publish_args *args;
    usec_t start, last; /* monotonic */
    struct crowd_totals before;
    bool terminal, open_line;
};

void report_init(struct report *r, const struct publish_args *args, usec_t now);
void report_second(struct report *r, const struct crowd_totals *t, usec_t now);
void report_end(struct report *r, const struct crowd_totals *t, usec_t now);

#endif
