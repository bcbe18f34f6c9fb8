#include "api/api.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/authenticate.h"
#include "api/call.h"
#include "api/rate.h"
#include "api/regions.h"
#include "base/err.h"
#include "base/str.h"
#include "schema/json.h"

#define VERSION        "2019-07-22"
#define MAX_RATE_NAMES 4096

struct api {
    const struct api_ops *ops;
    void *ctx;
    struct schema_strings regions;
    struct rate *rate; /* NULL: no limit */
    uint64_t max_idle_s;
    size_t calls; /* not completed yet */
    struct api_stats stats;
};

static bool copy_regions(struct api *api, const struct api_settings *settings)
{
    api->regions.items = calloc(settings->region_count + 1, sizeof *api->regions.items);
    if (!api->regions.items)
        return false;
    for (; api->regions.count < settings->region_count; api->regions.count++) {
        char *copy = strdup(settings->regions[api->regions.count]);
        if (!copy)
            return false;
        api->regions.items[api->regions.count] = copy;
    }
    return true;
}

struct api *api_new(const struct api_settings *settings, const struct api_ops *ops, void *ctx)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return NULL;
    api->ops = ops;
    api->ctx = ctx;
    api->max_idle_s = settings->max_idle_s;
    bool ok = copy_regions(api, settings);
    if (ok && settings->requests_per_second) {
        api->rate = rate_new(settings->requests_per_second, MAX_RATE_NAMES);
        ok = api->rate != NULL;
    }
    if (ok)
        return api;
    api_free(api);
    return NULL;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    assert(api->calls == 0);
    for (size_t i = 0; i < api->regions.count; i++)
        free(api->regions.items[i]);
    free(api->regions.items);
    rate_free(api->rate);
    api_stats_fini(&api->stats);
    free(api);
}

usec_t api_now(const struct api *api)
{
    return api->ops->now(api->ctx);
}

void api_call_ended(struct api *api, const char *action, const char *code, usec_t took)
{
    api->calls--;
    api_stats_add(&api->stats, action, code, took);
}

const struct api_stats *api_stats(const struct api *api)
{
    return &api->stats;
}

/* The actions: each takes the call over when it returns true. */
typedef bool action_fn(struct api *api, const struct value *in, struct api_call *call,
                       struct api_problem *problem);

static bool check_app(struct api *api, struct api_call *call, uint64_t sdk_app_id,
                      struct api_problem *problem)
{
    call->sdk_app_id = (uint32_t)sdk_app_id;
    if (api->ops->app_known(api->ctx, (uint32_t)sdk_app_id))
        return true;
    api_problem_set(problem, API_INVALID_SDK_APP_ID, "`SdkAppId` is `%u`", (unsigned)sdk_app_id);
    return false;
}

static void out_of_memory(struct api_problem *problem, int err)
{
    if (err == ERR_NOMEM)
        api_problem_set(problem, API_RECORDING_ERROR, "%s", err_text(err));
}

static bool do_create(struct api *api, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    struct create_params *params;
    int err = create_params_read(&params, in, api->max_idle_s, problem);
    out_of_memory(problem, err);
    if (err)
        return false;
    if (!check_app(api, call, params->sdk_app_id, problem) ||
        create_params_unserved(params, problem)) {
        create_params_free(params);
        return false;
    }
    api->ops->create(api->ctx, params, call);
    return true;
}

static bool do_task(struct api *api, const struct schema *table, const struct value *in,
                    struct api_call *call, struct api_problem *problem,
                    void (*op)(void *ctx, uint32_t sdk_app_id, const char *task_id,
                               struct api_call *call))
{
    struct task_query query;
    int err = task_query_read(table, &query, in, problem);
    out_of_memory(problem, err);
    if (err)
        return false;
    bool known = check_app(api, call, query.sdk_app_id, problem);
    if (known)
        op(api->ctx, (uint32_t)query.sdk_app_id, query.task_id, call);
    schema_free(table, &query);
    return known;
}

static bool do_describe(struct api *api, const struct value *in, struct api_call *call,
                        struct api_problem *problem)
{
    return do_task(api, &describe_schema, in, call, problem, api->ops->describe);
}

static bool do_delete(struct api *api, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    return do_task(api, &delete_schema, in, call, problem, api->ops->delete);
}

static bool do_modify(struct api *api, const struct value *in, struct api_call *call,
                      struct api_problem *problem)
{
    (void)api;
    (void)in;
    (void)call;
    api_problem_set(problem, API_UNSUPPORTED_METHOD, "ModifyCloudRecording");
    return false;
}

static const struct action {
    const char *name;
    action_fn *run;
} actions[] = {
    { "CreateCloudRecording", do_create },
    { "DescribeCloudRecording", do_describe },
    { "ModifyCloudRecording", do_modify },
    { "DeleteCloudRecording", do_delete },
};

static const struct action *find_action(const struct common_params *common,
                                        struct api_problem *problem)
{
    char name[64];
    if (strcmp(common->version, VERSION) != 0) {
        schema_printable(name, sizeof name, common->version);
        api_problem_set(problem, API_NO_SUCH_VERSION, "`%s`; there is `" VERSION "`", name);
        return NULL;
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, common->action) == 0)
            return &actions[i];
    schema_printable(name, sizeof name, common->action);
    api_problem_set(problem, API_INVALID_ACTION, "`%s` of service `trtc`, version `" VERSION "`",
                    name);
    return NULL;
}

/* Method and size, before anything else is looked at. */
static bool check_transport(const struct http_request *request, struct api_problem *problem)
{
    bool get = strcmp(request->method, "GET") == 0;
    if (!get && strcmp(request->method, "POST") != 0)
        api_problem_set(problem, API_UNSUPPORTED_PROTOCOL, "only GET and POST are known");
    else if (request->too_large || request->body.len > API_MAX_BODY)
        api_problem_set(problem, API_REQUEST_SIZE_EXCEEDED, "the body is limited to %u bytes",
                        API_MAX_BODY);
    else if (request->path.len + request->query.len + 1 > API_MAX_TARGET)
        api_problem_set(problem, API_REQUEST_SIZE_EXCEEDED, "the target is limited to %u bytes",
                        API_MAX_TARGET);
    else if (get)
        api_problem_set(problem, API_UNSUPPORTED_OPERATION,
                        "GET is not served; send POST with application/json");
    return !problem->code;
}

static bool check_content_type(const struct http_request *request, struct api_problem *problem)
{
    const char *type = http_header(request, "Content-Type");
    struct bytes parameters, media = str_split(bytes_str(type ? type : ""), ';', &parameters);
    char name[64];
    if (str_equal_nocase(str_trim(media), "application/json"))
        return true;
    schema_printable(name, sizeof name, type ? type : "");
    api_problem_set(problem, API_UNSUPPORTED_OPERATION,
                    "Content-Type `%s` is not served; send application/json with a "
                    "TC3-HMAC-SHA256 signature",
                    name);
    return false;
}

static bool check_rate(struct api *api, const char *secret_id, const struct action *action,
                       struct api_problem *problem)
{
    char name[SECRET_ID_SIZE + 64];
    unsigned count;
    snprintf(name, sizeof name, "%s/%s", secret_id, action->name);
    if (!api->rate || rate_take(api->rate, name, api_now(api), &count))
        return true;
    api_problem_set(problem, API_REQUEST_LIMIT_EXCEEDED,
                    "%u requests of %s within a second; see the limit of the server", count,
                    action->name);
    return false;
}

static bool read_body(const struct http_request *request, struct value **out,
                      struct api_problem *problem)
{
    struct value_error error = { 0 };
    int err = value_from_json(out, request->body, &error);
    if (!err)
        return true;
    if (err == ERR_NOMEM)
        api_problem_set(problem, API_INTERNAL_ERROR, "%s", err_text(err));
    else if (error.line)
        api_problem_set(problem, API_INVALID_PARAMETER, "%s (line %d, column %d of the body)",
                        error.message, error.line, error.column);
    else
        api_problem_set(problem, API_INVALID_PARAMETER, "%s", error.message);
    return false;
}

/* True: an action took the call over. */
static bool dispatch(struct api *api, const struct http_request *request, usec_t wall_now,
                     struct api_call *call, struct api_problem *problem)
{
    struct common_params common;
    char secret_id[SECRET_ID_SIZE];
    struct key_source keys = { api->ops->secret_key, api->ctx };
    if (!check_transport(request, problem) || !check_content_type(request, problem) ||
        !common_params_read(&common, request, problem) ||
        !authenticate(&common, request, wall_now, keys, secret_id, problem))
        return false;

    struct value *in;
    const struct action *action = find_action(&common, problem);
    if (!action || !region_check(common.region, &api->regions, problem) ||
        !check_rate(api, secret_id, action, problem) || !read_body(request, &in, problem))
        return false;
    bool taken = action->run(api, in, call, problem);
    value_free(in);
    return taken;
}

/* Without memory for a call. */
static void refuse(struct api_reply reply)
{
    struct http_answer answer;
    http_answer_init(&answer, 503);
    reply.reply(reply.ctx, &answer);
}

void api_handle(struct api *api, const struct http_request *request, usec_t wall_now,
                struct api_reply reply)
{
    struct api_problem problem = { 0 };
    struct api_call *call = api_call_new(api, request, reply);
    if (!call) {
        refuse(reply);
        return;
    }
    api->calls++;
    if (!dispatch(api, request, wall_now, call, &problem))
        api_call_fail_problem(call, &problem);
}
