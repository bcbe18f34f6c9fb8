#include "api/envelope.h"

#include <stdlib.h>

#include "api/errors.h"
#include "api/multipart.h"
#include "base/err.h"
#include "base/str.h"
#include "schema/dotted.h"
#include "schema/json.h"

/* --- the outside --- */

static bool has_authorization(const struct http_request *request)
{
    return http_header(request, "Authorization") != NULL;
}

static bool media_type_is(const char *content_type, const char *name)
{
    struct bytes parameters;
    return str_equal_nocase(str_trim(str_split(bytes_str(content_type), ';', &parameters)), name);
}

static enum envelope_kind kind_of(const struct http_request *request)
{
    static const struct {
        const char *type;
        enum envelope_kind kind;
    } kinds[] = {
        { "application/json", ENVELOPE_JSON },
        { "multipart/form-data", ENVELOPE_MULTIPART },
        { "application/x-www-form-urlencoded", ENVELOPE_FORM },
    };
    const char *type = http_header(request, "Content-Type");
    if (strcmp(request->method, "GET") == 0)
        return ENVELOPE_QUERY;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (type && media_type_is(type, kinds[i].type))
            return kinds[i].kind;
    return ENVELOPE_OTHER;
}

static bool check_method(const struct http_request *request, struct api_problem *problem)
{
    bool known = strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0;
    if (!known)
        api_problem_set(problem, API_UNSUPPORTED_PROTOCOL, "only GET and POST are known");
    return known;
}

static bool check_type(const struct envelope *e, const struct http_request *request,
                       struct api_problem *problem)
{
    const char *type = http_header(request, "Content-Type");
    char name[64];
    if (e->kind != ENVELOPE_OTHER)
        return true;
    schema_printable(name, sizeof name, type ? type : "");
    api_problem_set(problem, API_UNSUPPORTED_OPERATION,
                    "Content-Type `%s` is not served; send application/json, "
                    "application/x-www-form-urlencoded or multipart/form-data",
                    name);
    return false;
}

static bool check_size(const struct envelope *e, const struct http_request *request,
                       struct api_problem *problem)
{
    size_t target = request->path.len + request->query.len + (request->query.len > 0);
    size_t most = e->kind == ENVELOPE_FORM ? ENVELOPE_MAX_FORM : ENVELOPE_MAX_BODY;
    if (request->too_large || request->body.len > most)
        api_problem_set(problem, API_REQUEST_SIZE_EXCEEDED, "the body is limited to %zu bytes",
                        most);
    else if (e->kind == ENVELOPE_QUERY && target > ENVELOPE_MAX_TARGET)
        api_problem_set(problem, API_REQUEST_SIZE_EXCEEDED, "the target is limited to %u bytes",
                        ENVELOPE_MAX_TARGET);
    return !problem->code;
}

static bool read_pairs(struct envelope *e, const struct http_request *request,
                       struct api_problem *problem)
{
    bool form = e->kind == ENVELOPE_FORM;
    const char *where = form ? "form" : "query";
    int err = pairs_read(&e->pairs, form ? request->body : request->query);
    if (err == ERR_NOMEM)
        api_problem_set(problem, API_INTERNAL_ERROR, "%s", err_text(err));
    else if (err == ERR_LIMIT)
        api_problem_set(problem, API_INVALID_PARAMETER, "the %s holds more than %u parameters",
                        where, PAIRS_MAX);
    else if (err)
        api_problem_set(problem, API_INVALID_PARAMETER,
                        "the %s is no list of name=value in percent-encoded UTF-8", where);
    return !err;
}

static bool check_form_signature(const struct envelope *e, const struct http_request *request,
                                 struct api_problem *problem)
{
    if (e->kind != ENVELOPE_FORM || !has_authorization(request))
        return true;
    api_problem_set(problem, API_INVALID_AUTHORIZATION,
                    "a form is signed by its parameter Signature (HmacSHA1, HmacSHA256); send "
                    "application/json with a TC3-HMAC-SHA256 signature");
    return false;
}

bool envelope_read(struct envelope *out, const struct http_request *request,
                   struct api_problem *problem)
{
    *out = (struct envelope){ .kind = kind_of(request) };
    common_from_headers(&out->common, request);
    if (!check_method(request, problem) || !check_size(out, request, problem) ||
        !check_type(out, request, problem) || !check_form_signature(out, request, problem))
        return false;
    bool pairs = out->kind == ENVELOPE_QUERY || out->kind == ENVELOPE_FORM;
    bool v1 = out->kind == ENVELOPE_FORM || (pairs && !has_authorization(request));
    if (pairs && !read_pairs(out, request, problem))
        return false;
    if (v1)
        common_from_pairs(&out->common, &out->pairs);
    return common_complete(&out->common, problem);
}

void envelope_fini(struct envelope *envelope)
{
    pairs_fini(&envelope->pairs);
}

/* --- the inside --- */

static void refuse_tree(struct api_problem *problem, int err, const struct value_error *error)
{
    if (err == ERR_NOMEM)
        api_problem_set(problem, API_INTERNAL_ERROR, "%s", err_text(err));
    else if (error->line)
        api_problem_set(problem, API_INVALID_PARAMETER, "%s (line %d, column %d of the body)",
                        error->message, error->line, error->column);
    else
        api_problem_set(problem, API_INVALID_PARAMETER, "%s", error->message);
}

/* For pairs that did not become a tree. */
static void drop_values(struct dotted_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        value_free(pairs[i].value);
}

static int tree_of_pairs(const struct envelope *e, struct value **out, struct value_error *error)
{
    size_t count = 0;
    struct dotted_pair *dotted = calloc(e->pairs.count + 1, sizeof *dotted);
    int err = dotted ? OK : ERR_NOMEM;
    for (size_t i = 0; i < e->pairs.count && !err; i++) {
        const struct pair *pair = &e->pairs.items[i];
        if (e->common.v1 && common_is_name(pair->name))
            continue;
        dotted[count].key = pair->name;
        dotted[count].value = value_new_text(VALUE_TEXT, 0, bytes_str(pair->value));
        err = dotted[count++].value ? OK : ERR_NOMEM;
    }
    if (err)
        drop_values(dotted, count);
    else
        err = value_from_dotted(out, dotted, count, error);
    free(dotted);
    return err;
}

struct parts {
    struct dotted_pair items[MULTIPART_MAX_PARTS];
    char names[MULTIPART_MAX_PARTS][MULTIPART_MAX_NAME];
    size_t count;
    int err; /* of a part's content */
    struct value_error *error;
};

static int read_part(struct value **out, const struct multipart_part *part,
                     struct value_error *error)
{
    if (part->json)
        return value_from_any_json(out, part->content, error);
    bool nul = part->content.len && memchr(part->content.ptr, 0, part->content.len);
    if (nul || !str_is_utf8(part->content)) {
        *error = (struct value_error){ .message = "a part is no UTF-8 text" };
        return ERR_MALFORMED;
    }
    *out = value_new_text(VALUE_TEXT, 0, part->content);
    return *out ? OK : ERR_NOMEM;
}

static bool take_part(void *ctx, const struct multipart_part *part)
{
    struct parts *parts = ctx;
    struct dotted_pair *item = &parts->items[parts->count];
    item->key = memcpy(parts->names[parts->count], part->name, MULTIPART_MAX_NAME);
    parts->err = read_part(&item->value, part, parts->error);
    parts->count += !parts->err;
    return !parts->err;
}

static void refuse_multipart(struct api_problem *problem, int err)
{
    api_problem_set(problem, API_INVALID_REQUEST,
                    err == ERR_LIMIT ? "the multipart body holds too many parts"
                                     : "the multipart body or its boundary is broken");
}

static int tree_of_parts(const struct http_request *request, struct value **out,
                         struct value_error *error, struct api_problem *problem)
{
    struct bytes boundary = multipart_boundary(http_header(request, "Content-Type"));
    struct parts *parts = calloc(1, sizeof *parts);
    if (!parts)
        return ERR_NOMEM;
    parts->error = error;
    int err =
        boundary.len ? multipart_read(request->body, boundary, take_part, parts) : ERR_MALFORMED;
    if (err)
        refuse_multipart(problem, err);
    else
        err = parts->err;
    if (err)
        drop_values(parts->items, parts->count);
    else
        err = value_from_dotted(out, parts->items, parts->count, error);
    free(parts);
    return err;
}

bool envelope_params(const struct envelope *envelope, const struct http_request *request,
                     struct value **out, struct api_problem *problem)
{
    struct value_error error = { 0 };
    int err;
    if (envelope->kind == ENVELOPE_JSON)
        err = value_from_json(out, request->body, &error);
    else if (envelope->kind == ENVELOPE_MULTIPART)
        err = tree_of_parts(request, out, &error, problem);
    else
        err = tree_of_pairs(envelope, out, &error);
    if (err)
        refuse_tree(problem, err, &error);
    return !err;
}
