#include "api/params.h"

#include <stdio.h>

#include "api/errors.h"
#include "api/tables.h"
#include "base/err.h"

void api_problem_set(struct api_problem *problem, const char *code, const char *fmt, ...)
{
    if (problem->code)
        return;
    problem->code = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(problem->detail, sizeof problem->detail, fmt, args);
    va_end(args);
}

/* The first error of each kind. */
struct firsts {
    struct api_problem by_kind[SCHEMA_OUT_OF_RANGE + 1];
};

static const char *code_of(const struct schema_error *e)
{
    switch (e->kind) {
    case SCHEMA_UNKNOWN: return API_UNKNOWN_PARAMETER;
    case SCHEMA_WRONG_TYPE: return API_INVALID_PARAMETER;
    case SCHEMA_MISSING: return api_missing_code(e->row->name);
    case SCHEMA_OUT_OF_RANGE: break;
    }
    return API_OUT_OF_RANGE;
}

/* An incomplete VideoParams or AudioParams is out of range as a whole (api.md 6.3). */
static bool incomplete_set(const struct schema_error *e)
{
    static const char parent[] = "MixTranscodeParams.";
    return e->kind == SCHEMA_MISSING && strncmp(e->path, parent, sizeof parent - 1) == 0;
}

static void keep_first(void *ctx, const struct schema_error *e)
{
    struct firsts *firsts = ctx;
    bool set = incomplete_set(e);
    struct buf text;
    buf_init(&text, sizeof firsts->by_kind[0].detail);
    schema_error_text(e, &text);
    api_problem_set(&firsts->by_kind[set ? SCHEMA_OUT_OF_RANGE : e->kind],
                    set ? API_OUT_OF_RANGE : code_of(e), "%s", buf_str(&text));
    buf_fini(&text);
}

int params_read(const struct schema *table, void *out, const struct value *in,
                struct api_problem *problem, struct api_problem *range)
{
    struct firsts firsts = { 0 };
    struct schema_sink sink = { keep_first, &firsts, SCHEMA_DOTTED };
    int err = schema_read(table, out, in, &sink);
    if (err)
        return err;
    for (int kind = SCHEMA_UNKNOWN; kind < SCHEMA_OUT_OF_RANGE; kind++)
        if (firsts.by_kind[kind].code && !problem->code)
            *problem = firsts.by_kind[kind];
    *range = firsts.by_kind[SCHEMA_OUT_OF_RANGE];
    return OK;
}

static const struct schema_row describe_rows[] = {
    TABLE_SDK_APP_ID_ROW(task_query, "The application of the task."),
    TABLE_TASK_ID_ROW(task_query),
    { "RecorderKey", SCHEMA_STRING, offsetof(struct task_query, recorder_key), .max = 256,
      .help = "Accepted and ignored." },
};
static const struct schema_row delete_rows[] = {
    TABLE_SDK_APP_ID_ROW(task_query, "The application of the task."),
    TABLE_TASK_ID_ROW(task_query),
};

const struct schema describe_schema = SCHEMA(struct task_query, describe_rows);
const struct schema delete_schema = SCHEMA(struct task_query, delete_rows);

int task_query_read(const struct schema *table, struct task_query *out, const struct value *in,
                    struct api_problem *problem)
{
    struct api_problem range = { 0 };
    int err = params_read(table, out, in, problem, &range);
    if (err)
        return err;
    if (!problem->code)
        *problem = range;
    if (!problem->code)
        return OK;
    schema_free(table, out);
    return ERR_MALFORMED;
}
