#include <stdio.h>
#include <stdlib.h>

#include "whip/internal.h"

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "room/usersig.h"

struct resource *resource_new(void)
{
    struct resource *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    random_name(r->id, RESOURCE_ID_LEN);
    random_name(r->etag, ETAG_LEN);
    return r;
}

bool resource_add(struct whip *whip, struct resource *r)
{
    HASH_ADD(hh, whip->by_id, id, RESOURCE_ID_LEN, r);
    if (!r->hh.tbl)
        return false;
    HASH_ADD(by_session, whip->by_session, session, sizeof r->session, r);
    if (r->by_session.tbl)
        return true;
    HASH_DELETE(hh, whip->by_id, r);
    return false;
}

struct resource *resource_find(const struct whip *whip, struct bytes id)
{
    struct resource *r = NULL;
    if (id.len == RESOURCE_ID_LEN)
        HASH_FIND(hh, whip->by_id, id.ptr, RESOURCE_ID_LEN, r);
    return r;
}

void resource_remove(struct whip *whip, struct resource *r)
{
    HASH_DELETE(hh, whip->by_id, r);
    HASH_DELETE(by_session, whip->by_session, r);
    free(r);
}

void whip_session_ended(struct whip *whip, uint64_t session)
{
    struct resource *r;
    HASH_FIND(by_session, whip->by_session, &session, sizeof session, r);
    if (r)
        resource_remove(whip, r);
}

/* The token must be a UserSig of the session's user. One that has expired since will do: it still
 * proves who this is, and a publisher must be able to end a session that outlives its token. */
static bool authorize(struct exchange *x, const struct resource *r)
{
    const struct whip_app *app = x->whip->ops.find_app(x->whip->ctx, r->sdk_app_id);
    struct bytes token = bearer_token(x->request);
    int err = ERR_AUTH;
    if (app && token.len)
        err = usersig_verify(token, r->sdk_app_id, bytes_str(r->user), bytes_str(app->key),
                             x->wall_now);
    if (!err || err == ERR_EXPIRED)
        return true;
    reply_error(x->out, 401, "the bearer token is not a UserSig of this session's user");
    return false;
}

/* RFC 9110, 13.1.1. Without the header nothing is compared: that the fragment fits is seen by its
 * ufrag as well. */
static bool matches(const char *if_match, const struct resource *r)
{
    if (!if_match)
        return true;
    struct bytes list = bytes_str(if_match);
    while (list.len) {
        struct bytes tag = str_trim(str_split(list, ',', &list));
        if (bytes_equal_str(tag, "*"))
            return true;
        if (tag.len == ETAG_LEN + 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"' &&
            memcmp(tag.ptr + 1, r->etag, ETAG_LEN) == 0)
            return true;
    }
    return false;
}

static bool has_foreign_ufrag(const struct sdp *fragment, const struct resource *r)
{
    struct bytes session = fragment->session.ufrag;
    if (session.len && !bytes_equal_str(session, r->ufrag))
        return true;
    for (size_t i = 0; i < fragment->media_count; i++)
        if (fragment->media[i].ufrag.len && !bytes_equal_str(fragment->media[i].ufrag, r->ufrag))
            return true;
    return false;
}

static void trickle(struct exchange *x, const struct resource *r, const struct sdp *fragment)
{
    if (has_foreign_ufrag(fragment, r)) {
        reply_error(x->out, 422, "an ICE restart is not served; publish anew");
        return;
    }
    struct negotiated_candidate candidates[NEGOTIATED_MAX_CANDIDATES];
    size_t count = negotiation_candidates(fragment, candidates, NEGOTIATED_MAX_CANDIDATES);
    uint64_t session = r->session;
    reply_ok(x->out, 204);
    http_answer_header(x->out, "ETag", "\"%s\"", r->etag);
    if (count)
        x->whip->ops.trickle(x->whip->ctx, session, candidates, count);
}

void resource_patch(struct exchange *x, struct resource *r)
{
    if (!authorize(x, r))
        return;
    if (x->request->too_large || x->request->body.len > WHIP_MAX_BODY) {
        reply_error(x->out, 413, "the body is above 64 KiB");
        return;
    }
    if (!has_content_type(x->request, "application/trickle-ice-sdpfrag")) {
        reply_error(x->out, 415, "needed is application/trickle-ice-sdpfrag");
        return;
    }
    if (!matches(http_header(x->request, "If-Match"), r)) {
        reply_error(x->out, 412, "If-Match names another ICE session");
        return;
    }
    struct sdp_why why;
    struct sdp *fragment;
    int err = sdp_parse_fragment(x->request->body, &why, &fragment);
    if (err) {
        reply_error(x->out, err == ERR_NOMEM ? 503 : 400,
                    err == ERR_NOMEM ? "out of memory" : why.text);
        return;
    }
    trickle(x, r, fragment);
    sdp_free(fragment);
}

void resource_delete(struct exchange *x, struct resource *r)
{
    if (!authorize(x, r))
        return;
    uint64_t session = r->session;
    resource_remove(x->whip, r);
    reply_ok(x->out, 200);
    x->whip->ops.stop(x->whip->ctx, session);
}
