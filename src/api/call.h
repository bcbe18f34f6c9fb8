/* One request on its way. Inside api/ only. */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/api.h"
#include "api/authenticate.h"

/* A header that clients like to find again in the answer (api.md 2.1). */
#define API_TRACE_ID      "X-TC-TraceId"
#define API_TRACE_ID_SIZE 65

struct api_call {
    struct api *api;
    struct api_reply reply;
    enum api_language language;
    struct signer signer; /* once authenticated */
    usec_t started;       /* monotonic */
    char request_id[37];
    char action[48];     /* for the log; "" when none was named */
    uint32_t sdk_app_id; /* for the log; 0 until known */
    char idempotency_key[API_MAX_IDEMPOTENCY_KEY + 1];
    char trace_id[API_TRACE_ID_SIZE]; /* "" when the client sent none, or no good one */
};

/* NULL: out of memory. */
struct api_call *api_call_new(struct api *api, struct api_reply reply);

/* Takes over what an answer and the log need of the request and its envelope. */
void api_call_name(struct api_call *call, const struct common_params *common,
                   const struct http_request *request);

void api_call_fail_problem(struct api_call *call, const struct api_problem *problem);

/* What calls need of their api. */
usec_t api_now(const struct api *api);
void api_call_begun(struct api *api);
void api_call_ended(struct api *api, const char *action, const char *code, usec_t took);

#endif
