/* ModifyCloudRecording (api.md 7.2): replaces the lists of a running task, at once and in its row.
 * The answer waits for the commit. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "task/task.h"

struct modification {
    struct api_call *call;
    char task_id[FILE_NAME_SIZE];
};

static void on_committed(void *ctx, int err, struct store_change *change)
{
    struct modification *m = ctx;
    store_change_free(change);
    if (err == ERR_NOT_FOUND)
        api_call_fail(m->call, API_FAILED, "the task has ended meanwhile");
    else if (err)
        api_call_fail(m->call, API_RECORDING_ERROR,
                      "the change holds for now, but it could not be stored; send it again");
    else
        api_call_succeed(m->call, json_pack("{s:s}", "TaskId", m->task_id));
    free(m);
}

static bool check(const struct task *t, const struct modify_params *params,
                  struct api_problem *problem)
{
    bool mixed = t && t->params && t->params->record.mode == RECORD_MIXED;
    if (!t)
        api_problem_set(problem, API_RESOURCE_NOT_FOUND,
                        "TaskId names no task of this application");
    else if (t->state != TASK_RUNNING)
        api_problem_set(problem, API_FAILED, "the task has ended, nothing can be changed");
    else if (mixed && params->layout)
        layout_check_canvas(params->layout, &t->params->mix.video, problem);
    return !problem->code;
}

/* What is there replaces the whole of its kind. In single mode there is no layout to change. */
static void apply(struct task *t, struct modify_params *params)
{
    struct create_params *now = t->params;
    if (params->layout && now->record.mode == RECORD_MIXED) {
        struct mix_layouts *former = now->layout;
        now->layout = params->layout;
        params->layout = former;
    }
    if (params->subscribe) {
        struct subscribe_params former = now->record.subscribe;
        now->record.subscribe = *params->subscribe;
        *params->subscribe = former;
        recording_resubscribe(t->recording);
    }
}

static void submit(struct task *t, struct api_call *call)
{
    struct modification *m = calloc(1, sizeof *m);
    struct store_change *change = m ? task_change_params(t) : NULL;
    int err = ERR_NOMEM;
    if (change) {
        m->call = call;
        snprintf(m->task_id, sizeof m->task_id, "%s", t->id);
        err = store_submit(t->tasks->config.store, change, on_committed, m);
    }
    if (!err)
        return;
    store_change_free(change);
    free(m);
    api_call_fail(call, API_RECORDING_ERROR,
                  "the change holds for now, but it could not be stored (%s); send it again",
                  err_text(err));
}

void task_modify(void *ctx, struct modify_params *params, struct api_call *call)
{
    struct api_problem problem = { 0 };
    struct task *t = task_visible(ctx, (uint32_t)params->sdk_app_id, params->task_id);
    if (check(t, params, &problem)) {
        log_info(&t->log, "modified:%s%s", params->subscribe ? " lists" : "",
                 params->layout ? " layout" : "");
        apply(t, params);
        submit(t, call);
    } else {
        api_call_fail(call, problem.code, "%s", problem.detail);
    }
    modify_params_free(params);
}
