/* Who sends a request: the common parameters of the header form and the signature over it
 * (api.md 2.1, 3.1). Pure. Inside api/ only. */
#ifndef API_AUTHENTICATE_H
#define API_AUTHENTICATE_H

#include "api/params.h"
#include "base/clock.h"
#include "io/http.h"

/* The headers, NULL when absent or empty; borrowed from the request. */
struct common_params {
    const char *action, *version, *region, *timestamp, *authorization, *token;
};

/* False: one is missing. */
bool common_params_read(struct common_params *out, const struct http_request *request,
                        struct api_problem *problem);

#define SECRET_ID_SIZE 129

struct key_source {
    const char *(*secret_key)(void *ctx, const char *secret_id);
    void *ctx;
};

/* True: the request is signed by `secret_id`, which is set. */
bool authenticate(const struct common_params *common, const struct http_request *request,
                  usec_t wall_now, struct key_source keys, char secret_id[SECRET_ID_SIZE],
                  struct api_problem *problem);

#endif
