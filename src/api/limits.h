/* How often who may ask (api.md 5, "Rate limiting"): token buckets by what a request says of
 * itself. Pure; times are monotonic. Inside api/ only. */
#ifndef API_LIMITS_H
#define API_LIMITS_H

#include "api/params.h"
#include "base/addr.h"
#include "base/clock.h"

/* Requests per second; 0: no limit. */
struct api_rates {
    unsigned per_action;  /* of one secret id for one action */
    unsigned per_key;     /* of one secret id */
    unsigned per_region;  /* of one secret id in one region */
    unsigned per_address; /* of one source address, good signature or not */
};

struct limits;

struct limits *limits_new(const struct api_rates *rates); /* NULL: out of memory */
void limits_free(struct limits *limits);                  /* NULL is fine */

/* Before anything else is known. False: too many, `problem` says so. */
bool limits_address(struct limits *limits, struct addr from, usec_t now,
                    struct api_problem *problem);

/* Once the request is authenticated, and its action and region are known to exist. */
bool limits_call(struct limits *limits, const char *secret_id, const char *action,
                 const char *region, usec_t now, struct api_problem *problem);

#endif
