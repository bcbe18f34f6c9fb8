/* The actions: from parameters to the call of the layer below. Inside api/ only. */
#ifndef API_ACTIONS_H
#define API_ACTIONS_H

#include "api/call.h"

struct action;

/* NULL: no such version or action. */
const struct action *action_find(const char *version, const char *name,
                                 struct api_problem *problem);

const char *action_name(const struct action *action);

/* What actions need of their api. */
struct action_context {
    const struct api_ops *ops;
    void *ctx;
    uint64_t max_idle_s;
    bool lenient;
};

/* True: the call was handed on. `in` is changed. */
bool action_run(const struct action *action, const struct action_context *context, struct value *in,
                struct api_call *call, struct api_problem *problem);

#endif
