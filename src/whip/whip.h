/* The door for publishers: WHIP (RFC 9725) over HTTP values.
 *
 *     POST   /v2/pub/{SdkAppId}/{RoomId}?SessionID={UserId}   an offer comes, a session begins, the
 * answer goes PATCH  /v2/res/{node}/{id}                              trickled candidates DELETE
 * /v2/res/{node}/{id}                              the session ends OPTIONS on both what browsers
 * ask before
 *
 * The bearer token is the user's UserSig. More query parameters of the POST: `roomidtype=1` for an
 * integer room, `private_map_key=` where the application demands one, `stream=aux` for the second
 * stream (rooms.md 4).
 *
 * Statuses: 200, 201, 204; 400 a bad parameter or body; 401 token; 403 PrivateMapKey; 404 unknown
 * address, application or session; 405; 406 an offer we have nothing in common with; 412 If-Match;
 * 413; 415; 422 an ICE restart, which is not done; 500; 503 a limit. Bodies of errors are
 * application/problem+json (RFC 9457) in our own words.
 *
 * It owns the table of resources; sessions themselves belong to whoever implements whip_ops. No
 * clock, no IO; all of it on one thread (the control loop). */
#ifndef WHIP_WHIP_H
#define WHIP_WHIP_H

#include "io/http.h"
#include "room/room.h"
#include "session/negotiation.h"

#define WHIP_MAX_BODY                                                                              \
    (64u << 10) /* bytes; the server's limit for these addresses should be the same */

/* An application, as far as this door needs it. */
struct whip_app {
    uint32_t sdk_app_id;
    const char *key;       /* secret key of its tickets, as text */
    bool map_key_required; /* advanced permission control is on */
};

/* A publisher that was let in. Borrowed for the call of `start`. */
struct whip_publication {
    struct room_key room;
    const char *user;
    enum room_stream stream;
    const struct negotiated *negotiated;
    struct addr peer;       /* of the HTTP request, for logs */
    const char *user_agent; /* "" when absent */
};

/* What stands behind the door. Every function is called from within whip_handle(). */
struct whip_ops {
    /* NULL: no such application. Good until whip_handle() returns. */
    const struct whip_app *(*find_app)(void *ctx, uint32_t sdk_app_id);

    /* Somebody is in the room now. Without map_key_required never called. */
    bool (*room_exists)(void *ctx, const struct room_key *room);

    /* Makes a session that waits for the peer and enters it into the room. On success fills the
     * session's number (not 0) and what the answer must say. ERR_LIMIT, ERR_NOMEM, ERR_BAD_STATE
     * (not serving now): 503; others: 500. Sessions that this one replaces are reported by
     * whip_session_ended(), now or later. */
    int (*start)(void *ctx, const struct whip_publication *publication, uint64_t *session,
                 struct negotiation_local *local);

    /* More remote candidates, at least one. Borrowed. */
    void (*trickle)(void *ctx, uint64_t session, const struct negotiated_candidate *candidates,
                    size_t count);

    /* The publisher is done (or its answer could not be made). The resource is gone already. */
    void (*stop)(void *ctx, uint64_t session);
};

/* Texts are borrowed for the life of the door. */
struct whip_settings {
    const char
        *node; /* this machine's name in resource addresses: letters, digits, '-', '_', '.' */
    const char
        *public_url; /* "https://host" without a slash at the end, for Location; "": a path alone */
    const char *link; /* the Link header of a 201 (ICE servers, RFC 9725 4.6); "": none */
    size_t max_sessions;
    bool wide_user_ids; /* see user_id_valid() */
    bool simulcast;     /* see negotiate() */
};

struct whip;

struct whip *whip_new(const struct whip_settings *settings, const struct whip_ops *ops,
                      void *ctx);  /* NULL: no memory */
void whip_free(struct whip *whip); /* stops nothing; NULL is fine */

/* Answers a request for any address below /v2/. Initialises `out`, which the caller sends and
 * finishes. `wall_now` is Unix time. */
void whip_handle(struct whip *whip, const struct http_request *request, usec_t wall_now,
                 struct http_answer *out);

/* The session ended by itself, or was replaced: its address answers 404 from now on. Unknown ones
 * are fine. */
void whip_session_ended(struct whip *whip, uint64_t session);

size_t whip_session_count(const struct whip *whip);

#endif
