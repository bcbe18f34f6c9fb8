#include <stdio.h>
#include <stdlib.h>

#include "whip/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "room/mapkey.h"
#include "room/usersig.h"

/* Who wants to publish what, where. */
struct wish {
    const struct whip_app *app;
    struct room_key room;
    char user[USER_ID_MAX + 1];
    enum room_stream stream;
    uint32_t rights; /* enum map_right; all when the application asks for no PrivateMapKey */
};

/* A step that fails has written the answer. */
static bool fail(struct exchange *x, int status, const char *detail)
{
    reply_error(x->out, status, detail);
    return false;
}

static bool query_has(struct bytes query, const char *name)
{
    while (query.len) {
        struct bytes value;
        if (bytes_equal_str(str_split(str_split(query, '&', &query), '=', &value), name))
            return true;
    }
    return false;
}

/* A query parameter of at most `max` bytes; absent is empty. False: malformed or too long. */
static bool query_text(struct exchange *x, const char *name, size_t max, struct buf *out)
{
    buf_init(out, max);
    return http_query(x->request->query, name, out) || !query_has(x->request->query, name);
}

static bool read_room(struct exchange *x, struct bytes path, struct wish *w)
{
    struct buf type, room;
    bool good = query_text(x, "roomidtype", 8, &type);
    bool number = bytes_equal_str(buf_bytes(&type), "1");
    good = good && (number || type.len == 0 || bytes_equal_str(buf_bytes(&type), "0"));
    buf_fini(&type);
    if (!good)
        return fail(x, 400, "roomidtype is neither 0 nor 1");

    buf_init(&room, ROOM_ID_MAX);
    good =
        http_percent_decode(path, false, &room) &&
        room_id_parse(buf_bytes(&room), number ? ROOM_ID_INT : ROOM_ID_STRING, &w->room.id) == OK;
    buf_fini(&room);
    if (!good)
        return fail(
            x, 400,
            number
                ? "the room id is no number from 1 to 4294967295"
                : "the room id is longer than 64 bytes or holds a character that is not allowed");
    return true;
}

static bool read_user(struct exchange *x, struct wish *w)
{
    struct buf user;
    bool good = query_text(x, "SessionID", USER_ID_MAX, &user) &&
                user_id_valid(buf_bytes(&user), x->whip->settings.wide_user_ids);
    if (good)
        str_copy(w->user, sizeof w->user, buf_bytes(&user));
    buf_fini(&user);
    return good ? true : fail(x, 400, "SessionID is not a user id");
}

static bool read_stream(struct exchange *x, struct wish *w)
{
    struct buf stream;
    bool good = query_text(x, "stream", 8, &stream);
    bool aux = bytes_equal_str(buf_bytes(&stream), "aux");
    good = good && (aux || stream.len == 0 || bytes_equal_str(buf_bytes(&stream), "main"));
    buf_fini(&stream);
    w->stream = aux ? ROOM_AUX : ROOM_MAIN;
    return good ? true : fail(x, 400, "stream is neither main nor aux");
}

static bool check_token(struct exchange *x, const struct wish *w)
{
    struct bytes token = bearer_token(x->request);
    if (token.len == 0)
        return fail(x, 401, "no bearer token");
    int err = usersig_verify(token, w->room.sdk_app_id, bytes_str(w->user), bytes_str(w->app->key),
                             x->wall_now);
    if (err == ERR_EXPIRED)
        return fail(x, 401, "the UserSig has expired");
    return err ? fail(x, 401, "the bearer token is not a UserSig of this user") : true;
}

static bool read_rights(struct exchange *x, struct wish *w)
{
    w->rights = UINT32_MAX;
    if (!w->app->map_key_required)
        return true;
    struct buf key;
    int err = ERR_AUTH;
    if (query_text(x, "private_map_key", 16u << 10, &key) && key.len)
        err = mapkey_verify(buf_bytes(&key), &w->room, bytes_str(w->user), bytes_str(w->app->key),
                            x->wall_now, &w->rights);
    buf_fini(&key);
    if (err == ERR_EXPIRED)
        return fail(x, 403, "the PrivateMapKey has expired");
    return err ? fail(x, 403, "private_map_key is not a PrivateMapKey of this user and room")
               : true;
}

static bool check_rights(struct exchange *x, const struct wish *w, const struct negotiated *n)
{
    if (!w->app->map_key_required)
        return true;
    uint32_t need = MAP_ENTER_ROOM;
    if (!x->whip->ops.room_exists(x->whip->ctx, &w->room))
        need |= MAP_CREATE_ROOM;
    if (w->stream == ROOM_AUX)
        need |= MAP_SEND_AUX;
    if (negotiated_of(n, MEDIA_AUDIO))
        need |= MAP_SEND_AUDIO;
    if (negotiated_of(n, MEDIA_VIDEO) && w->stream == ROOM_MAIN)
        need |= MAP_SEND_VIDEO;
    return (w->rights & need) == need
               ? true
               : fail(x, 403, "the PrivateMapKey does not grant what this offer needs");
}

static bool read_wish(struct exchange *x, uint32_t sdk_app_id, struct bytes room, struct wish *w)
{
    w->app = x->whip->ops.find_app(x->whip->ctx, sdk_app_id);
    w->room.sdk_app_id = sdk_app_id;
    if (!w->app)
        return fail(x, 404, "no such application");
    if (x->request->too_large || x->request->body.len > WHIP_MAX_BODY)
        return fail(x, 413, "the body is above 64 KiB");
    if (!has_content_type(x->request, "application/sdp"))
        return fail(x, 415, "needed is application/sdp");
    return read_room(x, room, w) && read_user(x, w) && read_stream(x, w) && check_token(x, w) &&
           read_rights(x, w);
}

static void created(struct exchange *x, const struct resource *r, const struct buf *answer)
{
    const struct whip_settings *s = &x->whip->settings;
    reply_ok(x->out, 201);
    http_answer_header(x->out, "Content-Type", "application/sdp");
    http_answer_header(x->out, "Location", "%s/v2/res/%s/%s", s->public_url, s->node, r->id);
    http_answer_header(x->out, "ETag", "\"%s\"", r->etag);
    http_answer_header(x->out, "Accept-Patch", "application/trickle-ice-sdpfrag");
    if (s->link[0])
        http_answer_header(x->out, "Link", "%s", s->link);
    buf_put_bytes(&x->out->body, buf_bytes(answer));
}

/* The session runs; give it an address and the peer its answer, or stop it. */
static void finish(struct exchange *x, struct resource *r, const struct sdp *offer,
                   const struct negotiated *n, const struct negotiation_local *local)
{
    struct buf answer;
    buf_init(&answer, SDP_MAX_SIZE);
    int err = negotiation_answer(offer, n, local, &answer);
    if (!err && resource_add(x->whip, r)) {
        created(x, r, &answer);
    } else {
        fail(x, err && err != ERR_NOMEM ? 500 : 503, "no answer could be made");
        x->whip->ops.stop(x->whip->ctx, r->session);
        free(r);
    }
    buf_fini(&answer);
}

static void start(struct exchange *x, const struct wish *w, const struct sdp *offer,
                  const struct negotiated *n)
{
    struct whip *whip = x->whip;
    const char *agent = http_header(x->request, "User-Agent");
    struct whip_publication publication = {
        .room = w->room,
        .user = w->user,
        .stream = w->stream,
        .negotiated = n,
        .peer = x->request->peer,
        .user_agent = agent ? agent : "",
    };
    struct negotiation_local local = { 0 };
    struct resource *r =
        whip_session_count(whip) < whip->settings.max_sessions ? resource_new() : NULL;
    int err = r ? whip->ops.start(whip->ctx, &publication, &r->session, &local) : ERR_LIMIT;
    if (err) {
        bool busy = err == ERR_LIMIT || err == ERR_NOMEM || err == ERR_BAD_STATE;
        fail(x, busy ? 503 : 500,
             busy ? "no more publishers can be taken now" : "the session could not be started");
        free(r);
        return;
    }
    r->sdk_app_id = w->room.sdk_app_id;
    str_copy(r->user, sizeof r->user, bytes_str(w->user));
    str_copy(r->ufrag, sizeof r->ufrag, bytes_str(n->ufrag));
    finish(x, r, offer, n, &local);
}

static int status_of(int err)
{
    switch (err) {
    case ERR_NOMEM: return 503;
    case ERR_UNSUPPORTED: return 406;
    default: return 400;
    }
}

void publish_post(struct exchange *x, uint32_t sdk_app_id, struct bytes room)
{
    struct wish w = { 0 };
    if (!read_wish(x, sdk_app_id, room, &w))
        return;
    struct sdp_why why;
    struct sdp *offer = NULL;
    struct negotiated n;
    int err = sdp_parse(x->request->body, &why, &offer);
    if (!err)
        err = negotiate(offer, x->whip->settings.simulcast, &why, &n);
    if (err)
        fail(x, status_of(err), why.text);
    else if (check_rights(x, &w, &n))
        start(x, &w, offer, &n);
    sdp_free(offer);
}
