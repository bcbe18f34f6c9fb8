/* The cloud API: takes HTTP requests, checks them in the order of api.md 5, and hands whole, valid
 * calls to the task layer, which answers each once, at once or later.
 *
 *   request -> method, size, form (envelope) -> common parameters -> signature (authenticate)
 *           -> version, action, region -> rate (limits) -> may this key do this
 *           -> parameters: unknown, type, missing, range -> application -> ops
 *           -> api_call_succeed / api_call_fail
 *
 * Bodies of JSON and multipart are read after the signature, not before as the list has it:
 * strangers cannot make us parse. Messages follow X-TC-Language or Language (zh-CN, en-US; English
 * otherwise): the sentence of the code is translated, the detail after it is English.
 *
 * All functions on one thread (the control loop); nothing blocks. */
#ifndef API_API_H
#define API_API_H

#include "api/errors.h"
#include "api/limits.h"
#include "api/modify.h"
#include "api/stats.h"

#define API_MAX_BODY (10u << 20) /* for the HTTP server's limit */

struct api;
struct api_call;

/* The layer below. Each of the first four leads to exactly one api_call_succeed() or
 * api_call_fail(), then or later. */
struct api_ops {
    /* `params` are the callee's to create_params_free(). */
    void (*create)(void *ctx, struct create_params *params, struct api_call *call);
    /* `task_id` is borrowed for the call of the function. */
    void (*describe)(void *ctx, uint32_t sdk_app_id, const char *task_id, struct api_call *call);
    /* `params` are the callee's to modify_params_free(). */
    void (*modify)(void *ctx, struct modify_params *params, struct api_call *call);
    void (*delete)(void *ctx, uint32_t sdk_app_id, const char *task_id, struct api_call *call);

    bool (*app_known)(void *ctx, uint32_t sdk_app_id);
    /* NULL: no such id. Borrowed until the function is called again. */
    const char *(*secret_key)(void *ctx, const char *secret_id);
    /* Whether the owner of this id may call the action, for the application or, when that is 0, for
     * any at all. */
    bool (*may)(void *ctx, const char *secret_id, const char *action, uint32_t sdk_app_id);
    usec_t (*now)(void *ctx); /* monotonic; for the rate limit and the log's durations */
};

struct api_settings {
    const char *const *regions; /* that requests may name; copied */
    size_t region_count;
    struct api_rates rates;
    uint64_t max_idle_s; /* default of MaxIdleTime; 0: 30 */
    bool lenient;        /* unknown parameters are ignored, not refused */
    bool refuse_replays; /* of the older signatures, by their Nonce */
};

/* Gets the answer: its content is the callee's (http_answer_fini), the struct itself lives for the
 * call. */
struct api_reply {
    void (*reply)(void *ctx, struct http_answer *answer);
    void *ctx;
};

/* `ops` must outlive it. NULL: out of memory. */
struct api *api_new(const struct api_settings *settings, const struct api_ops *ops, void *ctx);

/* Every call has been completed before. NULL is fine. */
void api_free(struct api *api);

/* Leads to exactly one reply, maybe before it returns. `request` is borrowed for this call only.
 * `wall_now`: Unix time, for the signature. */
void api_handle(struct api *api, const struct http_request *request, usec_t wall_now,
                struct api_reply reply);

/* Answers and frees the call. `fields` (may be NULL) go into Response; the reference is taken. */
void api_call_succeed(struct api_call *call, json_t *fields);

/* `code` is one of errors.h, the detail (may be "") says more; no secrets in it. */
void api_call_fail(struct api_call *call, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

const struct api_stats *api_stats(const struct api *api); /* since the start, for metrics */

const char *api_call_request_id(const struct api_call *call);

/* Who signed the request. */
const char *api_call_secret_id(const struct api_call *call);

/* Create's header X-Reeltime-Idempotency-Key, valid and not empty; NULL when there is none. */
#define API_IDEMPOTENCY_HEADER  "X-Reeltime-Idempotency-Key"
#define API_MAX_IDEMPOTENCY_KEY 128
const char *api_call_idempotency_key(const struct api_call *call);

#endif
