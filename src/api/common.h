/* What every request says beside the action's own parameters (api.md 2): headers with a TC3
 * signature, members of the query or form with an older one. Pure. Inside api/ only. */
#ifndef API_COMMON_H
#define API_COMMON_H

#include "api/pairs.h"
#include "api/params.h"
#include "io/http.h"

/* NULL when absent or empty; borrowed from the request or the pairs. */
struct common_params {
    bool v1; /* from pairs */
    const char *action, *version, *region, *timestamp, *token, *language;
    const char *authorization;                                    /* TC3 */
    const char *secret_id, *signature, *signature_method, *nonce; /* v1 */
};

/* Clients that have no region or token to send may send the word null or undefined in its header;
 * that is taken as absent. */
void common_from_headers(struct common_params *out, const struct http_request *request);
void common_from_pairs(struct common_params *out, const struct pairs *pairs);

/* False: a required one is missing. */
bool common_complete(const struct common_params *common, struct api_problem *problem);

/* Whether a member of a query or form with an older signature is a common parameter. */
bool common_is_name(const char *name);

#endif
