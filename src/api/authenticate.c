#include "api/authenticate.h"

#include "api/errors.h"
#include "api/tc3.h"
#include "base/err.h"
#include "base/str.h"

static const char *header(const struct http_request *request, const char *name)
{
    const char *value = http_header(request, name);
    return value && *value ? value : NULL;
}

bool common_params_read(struct common_params *out, const struct http_request *request,
                        struct api_problem *problem)
{
    *out = (struct common_params){
        .action = header(request, "X-TC-Action"),
        .version = header(request, "X-TC-Version"),
        .region = header(request, "X-TC-Region"),
        .timestamp = header(request, "X-TC-Timestamp"),
        .authorization = header(request, "Authorization"),
        .token = header(request, "X-TC-Token"),
    };
    const struct {
        const char *value, *name;
    } required[] = {
        { out->action, "Action" },       { out->version, "Version" },
        { out->timestamp, "Timestamp" }, { out->authorization, "Authorization" },
        { out->region, "Region" },
    };
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!required[i].value)
            api_problem_set(problem, API_MISSING_PARAMETER, "`%s`", required[i].name);
    return !problem->code;
}

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
                        "content-type and host are signed as they are sent");
    else
        api_problem_set(problem, API_INTERNAL_ERROR, "%s", err_text(err));
}

bool authenticate(const struct common_params *common, const struct http_request *request,
                  usec_t wall_now, struct key_source keys, char secret_id[SECRET_ID_SIZE],
                  struct api_problem *problem)
{
    struct tc3_authorization auth;
    uint64_t timestamp;
    if (tc3_parse(&auth, common->authorization) ||
        !str_copy(secret_id, SECRET_ID_SIZE, auth.secret_id)) {
        api_problem_set(problem, API_INVALID_AUTHORIZATION,
                        "wanted TC3-HMAC-SHA256 Credential=.../date/service/tc3_request, "
                        "SignedHeaders=..., Signature=...");
        return false;
    }
    const char *key = keys.secret_key(keys.ctx, secret_id);
    if (!key) {
        api_problem_set(problem, API_SECRET_ID_NOT_FOUND, "%s", "");
        return false;
    }
    if (!str_to_u64(bytes_str(common->timestamp), INT64_MAX, &timestamp)) {
        api_problem_set(problem, API_INVALID_PARAMETER, "`Timestamp` must be Unix seconds");
        return false;
    }
    if (!within_window(timestamp, wall_now)) {
        api_problem_set(problem, API_SIGNATURE_EXPIRE,
                        "`Timestamp` is more than %d s away from the server's time", TC3_WINDOW_S);
        return false;
    }
    int err = tc3_verify(&auth, request, timestamp, key);
    if (err)
        fail_signature(problem, err);
    else if (common->token)
        api_problem_set(problem, API_TOKEN_FAILURE, "temporary credentials are not issued here");
    return !problem->code;
}
