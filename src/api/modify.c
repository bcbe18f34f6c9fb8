#include "api/modify.h"

#include <stdlib.h>

#include "api/tables.h"
#include "base/err.h"

static const struct schema_row modify_rows[] = {
    TABLE_SDK_APP_ID_ROW(modify_params, "The application of the task."),
    TABLE_TASK_ID_ROW(modify_params),
    { "MixLayoutParams", SCHEMA_OBJECT, offsetof(struct modify_params, layout),
      .table = &layouts_schema,
      .help = "Mixed mode: replaces the whole layout; members left out go back to their defaults. "
              "Without it "
              "the layout stays. Ignored in single mode." },
    { "SubscribeStreamUserIds", SCHEMA_OBJECT, offsetof(struct modify_params, subscribe),
      .table = &subscribe_schema,
      .help = "Replaces all four lists; those left out become empty. Without it the lists stay." },
};
const struct schema modify_schema = SCHEMA(struct modify_params, modify_rows);

static void check(const struct modify_params *params, const struct api_problem *range,
                  struct api_problem *problem)
{
    *problem = *range;
    layout_check_members(params->layout, problem);
    if (params->subscribe)
        subscribe_check(params->subscribe, problem);
}

int modify_params_read(struct modify_params **out, const struct value *in,
                       struct api_problem *problem)
{
    struct api_problem range = { 0 };
    struct modify_params *params = calloc(1, sizeof *params);
    if (!params)
        return ERR_NOMEM;
    int err = params_read(&modify_schema, params, in, problem, &range);
    if (!err && !problem->code)
        check(params, &range, problem);
    if (!err && problem->code)
        err = ERR_MALFORMED;
    if (err)
        modify_params_free(params);
    else
        *out = params;
    return err;
}

void modify_params_free(struct modify_params *params)
{
    if (!params)
        return;
    schema_free(&modify_schema, params);
    free(params);
}
