#include "api/limits.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/errors.h"
#include "api/rate.h"

#define MAX_NAMES 4096 /* of each limit */
#define NAME_SIZE 320

enum limit { PER_ACTION, PER_KEY, PER_REGION, PER_ADDRESS, LIMIT_COUNT };

static const char *const codes[LIMIT_COUNT] = {
    [PER_ACTION] = API_REQUEST_LIMIT_EXCEEDED,
    [PER_KEY] = API_KEY_LIMIT_EXCEEDED,
    [PER_REGION] = API_REGION_LIMIT_EXCEEDED,
    [PER_ADDRESS] = API_ADDRESS_LIMIT_EXCEEDED,
};

struct limits {
    struct rate *rates[LIMIT_COUNT]; /* NULL: no limit */
    unsigned per_second[LIMIT_COUNT];
};

struct limits *limits_new(const struct api_rates *rates)
{
    struct limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        return NULL;
    const unsigned wanted[LIMIT_COUNT] = { rates->per_action, rates->per_key, rates->per_region,
                                           rates->per_address };
    for (int i = 0; i < LIMIT_COUNT; i++) {
        limits->per_second[i] = wanted[i];
        limits->rates[i] = wanted[i] ? rate_new(wanted[i], MAX_NAMES) : NULL;
        if (wanted[i] && !limits->rates[i]) {
            limits_free(limits);
            return NULL;
        }
    }
    return limits;
}

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    for (int i = 0; i < LIMIT_COUNT; i++)
        rate_free(limits->rates[i]);
    free(limits);
}

static bool take(struct limits *limits, enum limit which, const char *name, const char *what,
                 usec_t now, struct api_problem *problem)
{
    unsigned count;
    if (!limits->rates[which] || rate_take(limits->rates[which], name, now, &count))
        return true;
    api_problem_set(problem, codes[which], "%u requests %s within a second, the limit is %u", count,
                    what, limits->per_second[which]);
    return false;
}

bool limits_address(struct limits *limits, struct addr from, usec_t now,
                    struct api_problem *problem)
{
    char name[ADDR_TEXT_SIZE];
    from.port = 0;
    return take(limits, PER_ADDRESS, addr_text(from, name), "from this address", now, problem);
}

bool limits_call(struct limits *limits, const char *secret_id, const char *action,
                 const char *region, usec_t now, struct api_problem *problem)
{
    char name[NAME_SIZE], what[80];
    snprintf(name, sizeof name, "%s/%s", secret_id, action);
    snprintf(what, sizeof what, "of %s", action);
    if (!take(limits, PER_ACTION, name, what, now, problem) ||
        !take(limits, PER_KEY, secret_id, "with this key", now, problem))
        return false;
    snprintf(name, sizeof name, "%s/%s", secret_id, region);
    return take(limits, PER_REGION, name, "with this key in this region", now, problem);
}
