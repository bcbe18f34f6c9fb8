#include "whip/whip.h"

#include <stdlib.h>

#include "base/str.h"
#include "whip/internal.h"

struct whip *whip_new(const struct whip_settings *settings, const struct whip_ops *ops, void *ctx)
{
    struct whip *whip = calloc(1, sizeof *whip);
    if (!whip)
        return NULL;
    whip->settings = *settings;
    whip->ops = *ops;
    whip->ctx = ctx;
    return whip;
}

void whip_free(struct whip *whip)
{
    if (!whip)
        return;
    while (whip->by_id)
        resource_remove(whip, whip->by_id);
    free(whip);
}

static void preflight(struct http_answer *out, const char *methods)
{
    reply_ok(out, 200);
    http_answer_header(out, "Access-Control-Allow-Methods", "%s", methods);
    http_answer_header(out, "Access-Control-Allow-Headers",
                       "Authorization, Content-Type, If-Match");
    http_answer_header(out, "Access-Control-Max-Age", "86400");
    http_answer_header(out, "Allow", "%s", methods);
}

/* The next part between slashes; a part that is missing is empty. */
static struct bytes next_part(struct bytes *path)
{
    return str_split(*path, '/', path);
}

static void handle_publish(struct exchange *x, struct bytes path)
{
    static const char methods[] = "POST, OPTIONS";
    uint64_t sdk_app_id;
    struct bytes app = next_part(&path), room = path;
    if (!str_to_u64(app, UINT32_MAX, &sdk_app_id) || room.len == 0 ||
        memchr(room.ptr, '/', room.len)) {
        reply_error(x->out, 404, "no such address");
    } else if (strcmp(x->request->method, "OPTIONS") == 0) {
        preflight(x->out, methods);
        http_answer_header(x->out, "Accept-Post", "application/sdp");
    } else if (strcmp(x->request->method, "POST") == 0) {
        publish_post(x, (uint32_t)sdk_app_id, room);
    } else {
        reply_bad_method(x->out, methods);
    }
}

static void handle_resource(struct exchange *x, struct bytes path)
{
    static const char methods[] = "PATCH, DELETE, OPTIONS";
    const char *method = x->request->method;
    struct bytes node = next_part(&path);
    struct resource *r =
        bytes_equal_str(node, x->whip->settings.node) ? resource_find(x->whip, path) : NULL;
    if (strcmp(method, "OPTIONS") == 0) {
        preflight(x->out, methods);
        http_answer_header(x->out, "Accept-Patch", "application/trickle-ice-sdpfrag");
    } else if (strcmp(method, "PATCH") != 0 && strcmp(method, "DELETE") != 0) {
        reply_bad_method(x->out, methods);
    } else if (!r) {
        reply_error(x->out, 404, "no such session, or it has ended");
    } else if (strcmp(method, "PATCH") == 0) {
        resource_patch(x, r);
    } else {
        resource_delete(x, r);
    }
}

void whip_handle(struct whip *whip, const struct http_request *request, usec_t wall_now,
                 struct http_answer *out)
{
    static const char publish[] = "/v2/pub/", resource[] = "/v2/res/";
    struct exchange x = { whip, request, wall_now, out };
    struct bytes path = request->path, rest = bytes_of(NULL, 0);
    if (path.len > sizeof publish - 1)
        rest = bytes_of(path.ptr + sizeof publish - 1, path.len - (sizeof publish - 1));
    if (rest.len && str_starts(path, publish))
        handle_publish(&x, rest);
    else if (rest.len && str_starts(path, resource))
        handle_resource(&x, rest);
    else
        reply_error(out, 404, "no such address");
}

size_t whip_session_count(const struct whip *whip)
{
    return HASH_COUNT(whip->by_id);
}
