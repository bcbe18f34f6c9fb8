#include "ctl/answer.h"

#include "base/err.h"

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

uint64_t json_number(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));
    return number > 0 ? (uint64_t)number : 0;
}

static int take(struct answer *out, json_t *response)
{
    const json_t *error = json_object_get(response, "Error");
    if (!json_is_object(response) || !*json_text(response, "RequestId") ||
        (error && !*json_text(error, "Code")))
        return ERR_MALFORMED;
    *out = (struct answer){ json_incref(response), json_text(error, "Code"),
                            json_text(error, "Message") };
    return OK;
}

int answer_parse(struct answer *out, struct bytes body)
{
    json_t *root = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    int err = root ? take(out, json_object_get(root, "Response")) : ERR_MALFORMED;
    json_decref(root);
    return err;
}

void answer_fini(struct answer *answer)
{
    json_decref(answer->response);
    *answer = (struct answer){ NULL, "", "" };
}
