#include "api/common.h"

#include "api/errors.h"

static const char *present(const char *value)
{
    return value && *value ? value : NULL;
}

static const char *header(const struct http_request *request, const char *name)
{
    const char *value = present(http_header(request, name));
    bool nothing = value && (strcmp(value, "null") == 0 || strcmp(value, "undefined") == 0);
    return nothing ? NULL : value;
}

void common_from_headers(struct common_params *out, const struct http_request *request)
{
    *out = (struct common_params){
        .action = header(request, "X-TC-Action"),
        .version = header(request, "X-TC-Version"),
        .region = header(request, "X-TC-Region"),
        .timestamp = header(request, "X-TC-Timestamp"),
        .token = header(request, "X-TC-Token"),
        .language = header(request, "X-TC-Language"),
        .authorization = header(request, "Authorization"),
    };
}

void common_from_pairs(struct common_params *out, const struct pairs *pairs)
{
    *out = (struct common_params){
        .v1 = true,
        .action = present(pairs_find(pairs, "Action")),
        .version = present(pairs_find(pairs, "Version")),
        .region = present(pairs_find(pairs, "Region")),
        .timestamp = present(pairs_find(pairs, "Timestamp")),
        .token = present(pairs_find(pairs, "Token")),
        .language = present(pairs_find(pairs, "Language")),
        .secret_id = present(pairs_find(pairs, "SecretId")),
        .signature = present(pairs_find(pairs, "Signature")),
        .signature_method = present(pairs_find(pairs, "SignatureMethod")),
        .nonce = present(pairs_find(pairs, "Nonce")),
    };
}

bool common_complete(const struct common_params *c, struct api_problem *problem)
{
    static const char given[] = "";
    const struct {
        const char *value, *name;
    } required[] = {
        { c->action, "Action" },
        { c->version, "Version" },
        { c->timestamp, "Timestamp" },
        { c->v1 ? given : c->authorization, "Authorization" },
        { c->v1 ? c->nonce : given, "Nonce" },
        { c->v1 ? c->secret_id : given, "SecretId" },
        { c->v1 ? c->signature : given, "Signature" },
        { c->region, "Region" },
    };
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!required[i].value)
            api_problem_set(problem, API_MISSING_PARAMETER, "`%s`", required[i].name);
    return !problem->code;
}

bool common_is_name(const char *name)
{
    static const char *const names[] = { "Action", "Version",  "Region",       "Timestamp",
                                         "Nonce",  "SecretId", "Signature",    "SignatureMethod",
                                         "Token",  "Language", "RequestClient" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
