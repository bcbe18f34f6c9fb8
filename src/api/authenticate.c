#include "api/authenticate.h"

#include "api/errors.h"
#include "api/tc3.h"
#include "api/v1.h"
#include "base/err.h"
#include "base/str.h"

static bool within_window(uint64_t timestamp, usec_t wall_now)
{
    uint64_t now = wall_now > 0 ? (uint64_t)(wall_now / SEC) : 0;
    return timestamp + TC3_WINDOW_S >= now && timestamp <= now + TC3_WINDOW_S;
}

/* One text for every way in which a signature can fail. */
static void fail_signature(struct api_problem *problem, int err)
{
    if (err == ERR_AUTH)
        api_problem_set(problem, API_SIGNATURE_FAILURE,
                        "the request does not match its signature; check the secret key, and that "
                        "what is signed is what is sent (content type, host, parameters)");
    else
        api_problem_set(problem, API_INTERNAL_ERROR, "%s", err_text(err));
}

/* The header's parts, or nothing to read for the older signatures. */
static bool read_id(const struct common_params *c, struct tc3_authorization *auth,
                    char secret_id[SECRET_ID_SIZE], struct api_problem *problem)
{
    if (c->v1 && !str_copy(secret_id, SECRET_ID_SIZE, bytes_str(c->secret_id)))
        api_problem_set(problem, API_SECRET_ID_NOT_FOUND, "%s", "");
    else if (!c->v1 && (tc3_parse(auth, c->authorization) ||
                        !str_copy(secret_id, SECRET_ID_SIZE, auth->secret_id)))
        api_problem_set(problem, API_INVALID_AUTHORIZATION,
                        "wanted TC3-HMAC-SHA256 Credential=.../date/service/tc3_request, "
                        "SignedHeaders=..., Signature=...");
    return !problem->code;
}

static bool check_numbers(const struct common_params *c, usec_t wall_now, struct signer *out,
                          struct api_problem *problem)
{
    if (!str_to_u64(bytes_str(c->timestamp), INT64_MAX, &out->timestamp))
        api_problem_set(problem, API_INVALID_PARAMETER, "`Timestamp` must be Unix seconds");
    else if (c->v1 && !str_to_u64(bytes_str(c->nonce), UINT64_MAX, &out->nonce))
        api_problem_set(problem, API_INVALID_PARAMETER, "`Nonce` must be a positive integer");
    else if (!within_window(out->timestamp, wall_now))
        api_problem_set(problem, API_SIGNATURE_EXPIRE,
                        "`Timestamp` is more than %d s away from the server's time", TC3_WINDOW_S);
    return !problem->code;
}

bool authenticate(const struct envelope *envelope, const struct http_request *request,
                  usec_t wall_now, struct key_source keys, struct signer *out,
                  struct api_problem *problem)
{
    const struct common_params *c = &envelope->common;
    struct tc3_authorization auth;
    if (!read_id(c, &auth, out->secret_id, problem))
        return false;
    const char *key = keys.secret_key(keys.ctx, out->secret_id);
    if (!key)
        api_problem_set(problem, API_SECRET_ID_NOT_FOUND, "%s", "");
    if (!key || !check_numbers(c, wall_now, out, problem))
        return false;
    int err = c->v1 ? v1_verify(request, &envelope->pairs, c->signature,
                                v1_algorithm_of(c->signature_method), key)
                    : tc3_verify(&auth, request, out->timestamp, key);
    if (err)
        fail_signature(problem, err);
    else if (c->token)
        api_problem_set(problem, API_TOKEN_FAILURE, "temporary credentials are not issued here");
    return !problem->code;
}
