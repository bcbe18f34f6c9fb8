#include "api/api.h"

#include <assert.h>
#include <stdlib.h>

#include "api/actions.h"
#include "api/regions.h"
#include "api/replay.h"
#include "base/str.h"

#define MAX_REPLAYS 65536

struct api {
    struct action_context actions;
    struct schema_strings regions;
    struct limits *limits;
    struct replay *replay; /* NULL: repeats are not looked for */
    size_t calls;          /* not completed yet */
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
    api->actions = (struct action_context){ ops, ctx, settings->max_idle_s, settings->lenient };
    api->limits = limits_new(&settings->rates);
    api->replay = settings->refuse_replays ? replay_new(MAX_REPLAYS) : NULL;
    if (copy_regions(api, settings) && api->limits && (api->replay || !settings->refuse_replays))
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
    limits_free(api->limits);
    replay_free(api->replay);
    api_stats_fini(&api->stats);
    free(api);
}

usec_t api_now(const struct api *api)
{
    return api->actions.ops->now(api->actions.ctx);
}

void api_call_begun(struct api *api)
{
    api->calls++;
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

/* --- the checks between envelope and action --- */

static bool check_replay(struct api *api, const struct envelope *e, const struct signer *signer,
                         struct api_problem *problem)
{
    if (!api->replay || !e->common.v1 ||
        replay_note(api->replay, signer->secret_id, signer->nonce, signer->timestamp, api_now(api)))
        return true;
    api_problem_set(problem, API_SIGNATURE_FAILURE,
                    "a request with this `Nonce` and `Timestamp` has come before");
    return false;
}

static bool check_right(struct api *api, const char *secret_id, const char *action,
                        struct api_problem *problem)
{
    if (api->actions.ops->may(api->actions.ctx, secret_id, action, 0))
        return true;
    api_problem_set(problem, API_UNAUTHORIZED_OPERATION, "this key has no right to %s", action);
    return false;
}

/* A key for a start that is not to happen twice: printable, without blanks. */
static bool take_idempotency_key(struct api_call *call, const struct http_request *request,
                                 struct api_problem *problem)
{
    const char *key = http_header(request, API_IDEMPOTENCY_HEADER);
    bool good =
        str_copy(call->idempotency_key, sizeof call->idempotency_key, bytes_str(key ? key : ""));
    for (const char *c = call->idempotency_key; *c; c++)
        good = good && *c > ' ' && *c <= '~';
    if (!good)
        api_problem_set(problem, API_INVALID_VALUE,
                        "`" API_IDEMPOTENCY_HEADER "` must be at most %d printable characters "
                        "without blanks",
                        API_MAX_IDEMPOTENCY_KEY);
    return good;
}

/* True: an action took the call over. */
static bool dispatch(struct api *api, const struct envelope *e, const struct http_request *request,
                     usec_t wall_now, struct api_call *call, struct api_problem *problem)
{
    const struct key_source keys = { api->actions.ops->secret_key, api->actions.ctx };
    const struct common_params *common = &e->common;
    if (!authenticate(e, request, wall_now, keys, &call->signer, problem) ||
        !check_replay(api, e, &call->signer, problem))
        return false;

    const char *who = call->signer.secret_id, *region_name = common->v1 ? "Region" : "X-TC-Region";
    const struct action *action = action_find(common->version, common->action, problem);
    struct value *in;
    if (!action || !region_check(common->region, &api->regions, region_name, problem) ||
        !limits_call(api->limits, who, action_name(action), common->region, api_now(api),
                     problem) ||
        !check_right(api, who, action_name(action), problem) ||
        !take_idempotency_key(call, request, problem) || !envelope_params(e, request, &in, problem))
        return false;
    bool taken = action_run(action, &api->actions, in, call, problem);
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
    struct envelope envelope;
    struct api_call *call = api_call_new(api, reply);
    if (!call) {
        refuse(reply);
        return;
    }
    bool good = envelope_read(&envelope, request, &problem);
    api_call_name(call, &envelope.common, request);
    if (!good || !limits_address(api->limits, request->peer, api_now(api), &problem) ||
        !dispatch(api, &envelope, request, wall_now, call, &problem))
        api_call_fail_problem(call, &problem);
    envelope_fini(&envelope);
}
