/* How an action's parameters are read: through its table, with the order of errors of api.md 5
 * (unknown, type, missing, out of range). Pure. */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include "schema/schema.h"

/* Why a request is refused. */
struct api_problem {
    const char *code; /* NULL: there is none yet */
    char detail[512];
};

/* Sets the problem, unless there is one already. */
void api_problem_set(struct api_problem *problem, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads `in` into `out`, as schema_read(). The first unknown member, else the first wrong type,
 * else the first missing value is put into `problem`, the first value out of range into `range` for
 * a later moment. ERR_NOMEM. */
int params_read(const struct schema *table, void *out, const struct value *in,
                struct api_problem *problem, struct api_problem *range);

/* Describe and Delete: who and which. */
struct task_query {
    uint64_t sdk_app_id; /* 32 bits */
    char *task_id;
    char *recorder_key; /* accepted and ignored (api.md 10) */
};

extern const struct schema describe_schema, delete_schema;

/* ERR_MALFORMED: `problem` says why. ERR_NOMEM. On success `out` wants schema_free(table). */
int task_query_read(const struct schema *table, struct task_query *out, const struct value *in,
                    struct api_problem *problem);

#endif
