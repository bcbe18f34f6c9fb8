/* The outside of a request (api.md 1, 2): which method and body it uses, where its common
 * parameters are, and, once it is authenticated, its action's parameters as a tree.
 *
 *     POST application/json                     headers   TC3     the body
 *     POST multipart/form-data                  headers   TC3     each part is a member
 *     GET  with an Authorization header         headers   TC3     the query
 *     POST application/x-www-form-urlencoded    form      v1      the form
 *     GET  without                              query     v1      the query
 *
 * Pure. Inside api/ only. */
#ifndef API_ENVELOPE_H
#define API_ENVELOPE_H

#include "api/common.h"

#define ENVELOPE_MAX_BODY   (10u << 20)
#define ENVELOPE_MAX_FORM   (1u << 20)
#define ENVELOPE_MAX_TARGET (32u << 10) /* of GET */

enum envelope_kind {
    ENVELOPE_OTHER,
    ENVELOPE_JSON,
    ENVELOPE_MULTIPART,
    ENVELOPE_QUERY,
    ENVELOPE_FORM
};

struct envelope {
    enum envelope_kind kind;
    struct common_params common;
    struct pairs pairs; /* of query and form */
};

/* False: `problem` says why; what was read until then is there all the same, for the log. Always
 * wants envelope_fini(). JSON and multipart bodies are not looked at yet: strangers cannot make us
 * parse them. */
bool envelope_read(struct envelope *out, const struct http_request *request,
                   struct api_problem *problem);
void envelope_fini(struct envelope *envelope);

/* The action's parameters; the caller's to value_free(). */
bool envelope_params(const struct envelope *envelope, const struct http_request *request,
                     struct value **out, struct api_problem *problem);

#endif
