#include "api/actions.h"

#include "base/err.h"

#define VERSION "2019-07-22"

/* Takes the call over when it returns true. */
typedef bool run_fn(const struct action_context *context, const struct value *in,
                    struct api_call *call, struct api_problem *problem);

struct action {
    const char *name;
    const struct schema *table;
    run_fn *run;
};

static bool check_app(const struct action_context *c, struct api_call *call, uint64_t sdk_app_id,
                      const char *unknown, struct api_problem *problem)
{
    uint32_t app = (uint32_t)sdk_app_id;
    call->sdk_app_id = app;
    if (!c->ops->may(c->ctx, call->signer.secret_id, call->action, app))
        api_problem_set(problem, API_UNAUTHORIZED_OPERATION,
                        "this key has no right to %s for `SdkAppId` `%u`", call->action,
                        (unsigned)app);
    else if (!c->ops->app_known(c->ctx, app))
        api_problem_set(problem, unknown, "`SdkAppId` is `%u`", (unsigned)app);
    return !problem->code;
}

static void out_of_memory(struct api_problem *problem, int err)
{
    if (err == ERR_NOMEM)
        api_problem_set(problem, API_RECORDING_ERROR, "%s", err_text(err));
}

static bool do_create(const struct action_context *c, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    struct create_params *params;
    int err = create_params_read(&params, in, c->max_idle_s, problem);
    out_of_memory(problem, err);
    if (err)
        return false;
    if (!check_app(c, call, params->sdk_app_id, API_INVALID_SDK_APP_ID, problem) ||
        create_params_unserved(params, problem)) {
        create_params_free(params);
        return false;
    }
    c->ops->create(c->ctx, params, call);
    return true;
}

static bool do_modify(const struct action_context *c, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    struct modify_params *params;
    int err = modify_params_read(&params, in, problem);
    out_of_memory(problem, err);
    if (err)
        return false;
    /* InvalidParameter.SdkAppId is not in this action's list (api.md 7.4). */
    if (!check_app(c, call, params->sdk_app_id, API_RESOURCE_NOT_FOUND, problem)) {
        modify_params_free(params);
        return false;
    }
    c->ops->modify(c->ctx, params, call);
    return true;
}

static bool do_task(const struct action_context *c, const struct schema *table,
                    const struct value *in, struct api_call *call, struct api_problem *problem,
                    void (*op)(void *ctx, uint32_t sdk_app_id, const char *task_id,
                               struct api_call *call))
{
    struct task_query query;
    int err = task_query_read(table, &query, in, problem);
    out_of_memory(problem, err);
    if (err)
        return false;
    bool good = check_app(c, call, query.sdk_app_id, API_INVALID_SDK_APP_ID, problem);
    if (good)
        op(c->ctx, (uint32_t)query.sdk_app_id, query.task_id, call);
    schema_free(table, &query);
    return good;
}

static bool do_describe(const struct action_context *c, const struct value *in,
                        struct api_call *call, struct api_problem *problem)
{
    return do_task(c, &describe_schema, in, call, problem, c->ops->describe);
}

static bool do_delete(const struct action_context *c, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    return do_task(c, &delete_schema, in, call, problem, c->ops->delete);
}

static const struct action actions[] = {
    { "CreateCloudRecording", &create_schema, do_create },
    { "DescribeCloudRecording", &describe_schema, do_describe },
    { "ModifyCloudRecording", &modify_schema, do_modify },
    { "DeleteCloudRecording", &delete_schema, do_delete },
};

const struct action *action_find(const char *version, const char *name, struct api_problem *problem)
{
    char text[64];
    if (strcmp(version, VERSION) != 0) {
        schema_printable(text, sizeof text, version);
        api_problem_set(problem, API_NO_SUCH_VERSION, "`%s`; there is `" VERSION "`", text);
        return NULL;
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    schema_printable(text, sizeof text, name);
    api_problem_set(problem, API_INVALID_ACTION, "`%s` of service `trtc`, version `" VERSION "`",
                    text);
    return NULL;
}

const char *action_name(const struct action *action)
{
    return action->name;
}

bool action_run(const struct action *action, const struct action_context *context, struct value *in,
                struct api_call *call, struct api_problem *problem)
{
    if (context->lenient)
        schema_prune(action->table, in);
    return action->run(context, in, call, problem);
}
