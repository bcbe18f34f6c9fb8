#include "api/call.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/str.h"
#include "observe/log.h"

struct api_call *api_call_new(struct api *api, struct api_reply reply)
{
    struct api_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->api = api;
    call->reply = reply;
    call->started = api_now(api);
    random_uuid(call->request_id);
    api_call_begun(api);
    return call;
}

static void take_trace_id(struct api_call *call, const char *trace_id)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    struct bytes text = bytes_str(trace_id ? trace_id : "");
    if (str_only(text, chars))
        str_copy(call->trace_id, sizeof call->trace_id, text);
}

void api_call_name(struct api_call *call, const struct common_params *common,
                   const struct http_request *request)
{
    bool chinese = common->language && strcmp(common->language, "zh-CN") == 0;
    call->language = chinese ? API_CHINESE : API_ENGLISH;
    schema_printable(call->action, sizeof call->action, common->action ? common->action : "");
    take_trace_id(call, http_header(request, API_TRACE_ID));
}

const char *api_call_idempotency_key(const struct api_call *call)
{
    return *call->idempotency_key ? call->idempotency_key : NULL;
}

const char *api_call_secret_id(const struct api_call *call)
{
    return call->signer.secret_id;
}

const char *api_call_request_id(const struct api_call *call)
{
    return call->request_id;
}

/* Sends the answer and frees the call. */
static void finish(struct api_call *call, struct http_answer *answer, const char *code)
{
    struct log log = log_with(NULL, "request", call->request_id);
    usec_t took = api_now(call->api) - call->started;
    log_info(&log, "api %s app %u: %s in %lld ms", *call->action ? call->action : "-",
             (unsigned)call->sdk_app_id, code, (long long)(took / MSEC));
    struct api_reply reply = call->reply;
    if (*call->trace_id)
        http_answer_header(answer, API_TRACE_ID, "%s", call->trace_id);
    api_call_ended(call->api, call->action, code, took);
    free(call);
    reply.reply(reply.ctx, answer);
}

void api_call_succeed(struct api_call *call, json_t *fields)
{
    struct http_answer answer;
    api_answer_fields(&answer, fields, call->request_id);
    json_decref(fields);
    finish(call, &answer, "OK");
}

static void fail_text(struct api_call *call, const char *code, const char *detail)
{
    struct http_answer answer;
    api_answer_error(&answer, call->language, code, detail, call->request_id);
    finish(call, &answer, code);
}

void api_call_fail(struct api_call *call, const char *code, const char *fmt, ...)
{
    struct buf detail;
    buf_init(&detail, 1024);
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&detail, fmt, args);
    va_end(args);
    fail_text(call, code, buf_str(&detail));
    buf_fini(&detail);
}

void api_call_fail_problem(struct api_call *call, const struct api_problem *problem)
{
    fail_text(call, problem->code, problem->detail);
}
