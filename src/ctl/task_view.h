/* What Describe says about a task, for people to read. Pure.
 *
 * ReeltimeUpload is a member of our own (docs/ctl.md): what is recorded and not yet acknowledged by
 * the bucket. A service that does not send it is fine. */
#ifndef CTL_TASK_VIEW_H
#define CTL_TASK_VIEW_H

#include <jansson.h>

#include "base/buf.h"

struct upload_left {
    bool known; /* the service says */
    uint64_t files, bytes;
    uint64_t failing_s; /* nothing got through for so long; 0: it works */
};

struct upload_left task_view_upload(const json_t *response);

/* Several lines, the last one ended. */
void task_view_text(const json_t *response, struct buf *out);

#endif
