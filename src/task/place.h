/* Which bucket a task's storage parameters name (api.md 9.2): the request's EndpointUrl comes
 * before an entry of the configuration for the Region, and that before the vendor's own host.
 * Inside task/ only. Control loop. */
#ifndef TASK_PLACE_H
#define TASK_PLACE_H

#include "api/create.h"
#include "task/tasks.h"
#include "upload/bucket.h"

/* Borrowed texts. */
struct place_wanted {
    uint64_t vendor; /* enum storage_vendor */
    const char *region, *bucket;
    const char *endpoint; /* NULL: none; "host" or "https://host", see upload/s3_place.h */
};

/* Whether a task of this application may be created with it. Says nothing about whether the bucket
 * is there (files.md 7). False: `problem` is filled. */
bool place_ok(const struct config *config, uint32_t sdk_app_id, const struct place_wanted *wanted,
              struct api_problem *problem);

/* The keys are for object stores; NULL: it needs none. ERR_MALFORMED: no such place or name;
 * ERR_AUTH: no keys; ERR_NOMEM. */
int place_open(struct bucket **out, const struct tasks_config *config,
               const struct place_wanted *wanted, const char *access_key, const char *secret_key);

#endif
