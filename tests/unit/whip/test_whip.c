/* Requests in, statuses and headers out; behind the door stands a double that keeps what it was
 * asked to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "room/mapkey.h"
#include "room/usersig.h"
#include "whip/whip.h"

#define APP        1400000001u
#define STRICT_APP 1400000002u /* wants a PrivateMapKey */
#define KEY        "example-sdk-secret-key-0000000000000000000000000000000000000001"
#define NOW        ((usec_t)1735707600 * SEC)
#define PUB        "/v2/pub/1400000001/class-7"
#define USER       "SessionID=alice"

#define HEAD                                                                                       \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=setup:actpass\r\n" \
    "a=ice-ufrag:obs1\r\na=ice-pwd:obsobsobsobsobsobsobsobs\r\n"                                   \
    "a=fingerprint:sha-256 "                                                                       \
    "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:"            \
    "CC:DD:EE:FF:00\r\n"
#define AUDIO                                                                                      \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 "      \
    "opus/48000/2\r\n"
#define VIDEO                                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 "        \
    "H264/90000\r\n"                                                                               \
    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\r\n"
#define VP8 "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

struct behind {
    struct whip *whip;
    int start_err;
    bool room_open;
    uint64_t next, replaced;
    struct whip_publication last;
    char user[USER_ID_MAX + 1], agent[64];
    size_t sections;
    int starts, stops;
    uint64_t stopped;
    size_t candidates;
    struct negotiated_candidate first;
};

static const struct whip_app *find_app(void *ctx, uint32_t sdk_app_id)
{
    static const struct whip_app apps[] = { { APP, KEY, false }, { STRICT_APP, KEY, true } };
    (void)ctx;
    for (size_t i = 0; i < 2; i++)
        if (apps[i].sdk_app_id == sdk_app_id)
            return &apps[i];
    return NULL;
}

static bool room_exists(void *ctx, const struct room_key *room)
{
    (void)room;
    return ((struct behind *)ctx)->room_open;
}

static int start(void *ctx, const struct whip_publication *p, uint64_t *session,
                 struct negotiation_local *local)
{
    struct behind *b = ctx;
    if (b->start_err)
        return b->start_err;
    b->starts++;
    b->last = *p;
    b->sections = p->negotiated->media_count;
    snprintf(b->user, sizeof b->user, "%s", p->user);
    snprintf(b->agent, sizeof b->agent, "%.60s", p->user_agent);
    if (b->replaced)
        whip_session_ended(b->whip, b->replaced);
    *session = ++b->next;
    *local = (struct negotiation_local){ .ufrag = "ours",
                                         .pwd = "ourpasswordourpassword",
                                         .candidate_count = 1 };
    snprintf(local->fingerprint, sizeof local->fingerprint, "sha-256 00:11");
    addr_parse(&local->candidates[0], "198.51.100.7", 9000);
    return OK;
}

static void trickle(void *ctx, uint64_t session, const struct negotiated_candidate *c, size_t count)
{
    struct behind *b = ctx;
    assert_int_equal(session, b->next);
    assert_true(count > 0);
    b->candidates += count;
    b->first = c[0];
}

static void stop(void *ctx, uint64_t session)
{
    struct behind *b = ctx;
    b->stops++;
    b->stopped = session;
}

static const struct whip_ops ops = { find_app, room_exists, start, trickle, stop };
static const struct whip_settings settings = {
    .node = "n1", .public_url = "", .link = "", .max_sessions = 2
};

static int setup_with(void **state, const struct whip_settings *s)
{
    static struct behind b;
    b = (struct behind){ 0 };
    b.whip = whip_new(s, &ops, &b);
    *state = &b;
    return b.whip ? 0 : -1;
}

static int setup(void **state)
{
    return setup_with(state, &settings);
}

static int teardown(void **state)
{
    whip_free(((struct behind *)*state)->whip);
    return 0;
}

/* A request on one line. `token` NULL: no Authorization. */
struct shot {
    const char *method, *path, *query, *type, *token, *if_match, *body;
    bool too_large;
};

static void shoot(struct behind *b, struct shot s, struct http_answer *out)
{
    struct http_header headers[4];
    struct http_request r = { .method = s.method, .headers = headers, .too_large = s.too_large };
    char authorization[8192];
    r.path = bytes_str(s.path);
    r.query = bytes_str(s.query ? s.query : "");
    r.body = bytes_str(s.body ? s.body : "");
    headers[r.header_count++] =
        (struct http_header){ "User-Agent", "Mozilla/5.0 (OBS-Studio/31.0; Linux x86_64; en-US)" };
    if (s.type)
        headers[r.header_count++] = (struct http_header){ "content-type", s.type };
    if (s.token) {
        snprintf(authorization, sizeof authorization, "Bearer %s", s.token);
        headers[r.header_count++] = (struct http_header){ "Authorization", authorization };
    }
    if (s.if_match)
        headers[r.header_count++] = (struct http_header){ "If-Match", s.if_match };
    whip_handle(b->whip, &r, NOW, out);
}

static const char *header(const struct http_answer *a, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < a->header_count; i++)
        if (strcmp(a->headers[i].name, name) == 0) {
            assert_null(found); /* each at most once: OBS demands it of Location */
            found = a->headers[i].value;
        }
    return found;
}

static char *sig_of(const char *user, usec_t issued, uint64_t life)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(usersig_mint(APP, bytes_str(user), bytes_str(KEY), issued, life, &out), OK);
    return buf_detach(&out);
}

static char *good, *expired, *bobs; /* UserSigs */

static void publishing(void **state)
{
    static const char offer[] = HEAD AUDIO VIDEO;
    struct behind *b = *state;
    const struct {
        const char *what;
        struct shot shot;
        int want;
        const char *detail; /* part of the body */
    } rows[] = {
        { "no such address",
          { "POST", "/v2/pub/", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "no room",
          { "POST", "/v2/pub/1400000001", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "empty room",
          { "POST", "/v2/pub/1400000001/", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "more behind",
          { "POST", PUB "/x", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "play",
          { "POST", "/v2/sub/1400000001/class-7", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "application no number",
          { "POST", "/v2/pub/4294967296/r", USER, "application/sdp", good, NULL, offer },
          404,
          "address" },
        { "unknown application",
          { "POST", "/v2/pub/1400000009/r", USER, "application/sdp", good, NULL, offer },
          404,
          "application" },
        { "GET", { "GET", PUB, USER, NULL, NULL, NULL, NULL }, 405, "method" },
        { "HEAD", { "HEAD", PUB, USER, NULL, NULL, NULL, NULL }, 405, "method" },
        { "PUT", { "PUT", PUB, USER, "application/sdp", good, NULL, offer }, 405, "method" },
        { "too large",
          { "POST", PUB, USER, "application/sdp", good, NULL, "", true },
          413,
          "64 KiB" },
        { "no type", { "POST", PUB, USER, NULL, good, NULL, offer }, 415, "application/sdp" },
        { "JSON",
          { "POST", PUB, USER, "application/json", good, NULL, offer },
          415,
          "application/sdp" },
        { "no user",
          { "POST", PUB, NULL, "application/sdp", good, NULL, offer },
          400,
          "SessionID" },
        { "empty user",
          { "POST", PUB, "SessionID=", "application/sdp", good, NULL, offer },
          400,
          "SessionID" },
        { "odd user",
          { "POST", PUB, "SessionID=a%2Fb", "application/sdp", good, NULL, offer },
          400,
          "SessionID" },
        { "broken user",
          { "POST", PUB, "SessionID=a%", "application/sdp", good, NULL, offer },
          400,
          "SessionID" },
        { "odd room",
          { "POST", "/v2/pub/1400000001/a%2Fb", USER, "application/sdp", good, NULL, offer },
          400,
          "room id" },
        { "integer room",
          { "POST", PUB, USER "&roomidtype=1", "application/sdp", good, NULL, offer },
          400,
          "number from 1" },
        { "room type",
          { "POST", PUB, USER "&roomidtype=2", "application/sdp", good, NULL, offer },
          400,
          "roomidtype" },
        { "room type broken",
          { "POST", PUB, USER "&roomidtype=%", "application/sdp", good, NULL, offer },
          400,
          "roomidtype" },
        { "stream",
          { "POST", PUB, USER "&stream=third", "application/sdp", good, NULL, offer },
          400,
          "stream" },
        { "no token",
          { "POST", PUB, USER, "application/sdp", NULL, NULL, offer },
          401,
          "no bearer" },
        { "empty token",
          { "POST", PUB, USER, "application/sdp", "", NULL, offer },
          401,
          "no bearer" },
        { "garbage",
          { "POST", PUB, USER, "application/sdp", "hello", NULL, offer },
          401,
          "UserSig" },
        { "expired",
          { "POST", PUB, USER, "application/sdp", expired, NULL, offer },
          401,
          "expired" },
        { "of another",
          { "POST", PUB, USER, "application/sdp", bobs, NULL, offer },
          401,
          "UserSig" },
        { "empty body",
          { "POST", PUB, USER, "application/sdp", good, NULL, "" },
          400,
          "no v= line" },
        { "bad SDP",
          { "POST", PUB, USER, "application/sdp", good, NULL, HEAD "m=audio\r\n" },
          400,
          "line 10: m=" },
        { "no codec",
          { "POST", PUB, USER, "application/sdp", good, NULL, HEAD VP8 },
          406,
          "no common codec" },
        { "no mux",
          { "POST", PUB, USER, "application/sdp", good, NULL,
            HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" },
          406,
          "rtcp-mux" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_answer a;
        shoot(b, rows[i].shot, &a);
        if (a.status != rows[i].want || !strstr(buf_str(&a.body), rows[i].detail))
            fail_msg("%s: %d %s", rows[i].what, a.status, buf_str(&a.body));
        assert_string_equal(header(&a, "Access-Control-Allow-Origin"), "*");
        assert_string_equal(header(&a, "Content-Type"), "application/problem+json");
        if (a.status == 405)
            assert_string_equal(header(&a, "Allow"), "POST, OPTIONS");
        if (a.status == 401)
            assert_string_equal(header(&a, "WWW-Authenticate"), "Bearer");
        if (rows[i].shot.token && *rows[i].shot.token)
            assert_null(strstr(buf_str(&a.body), rows[i].shot.token));
        http_answer_fini(&a);
    }
    assert_int_equal(b->starts, 0);
    assert_int_equal(whip_session_count(b->whip), 0);
}

/* Publishes as OBS does; gives the resource's path. */
static char *publish(struct behind *b, const char *query, char **etag)
{
    struct http_answer a;
    shoot(b, (struct shot){ "POST", PUB, query, "application/sdp", good, NULL, HEAD AUDIO VIDEO },
          &a);
    if (a.status != 201)
        fail_msg("%d %s", a.status, buf_str(&a.body));
    char *location = strdup(header(&a, "Location"));
    if (etag)
        *etag = strdup(header(&a, "ETag"));
    http_answer_fini(&a);
    return location;
}

static void obs_publishes_and_stops(void **state)
{
    struct behind *b = *state;
    struct http_answer a;
    shoot(b, (struct shot){ "POST", PUB, USER, "application/sdp", good, NULL, HEAD AUDIO VIDEO },
          &a);
    assert_int_equal(a.status, 201);
    assert_string_equal(header(&a, "Content-Type"), "application/sdp");
    assert_true(strncmp(header(&a, "Location"), "/v2/res/n1/", 11) == 0);
    assert_int_equal(strlen(header(&a, "Location")), 11 + 32);
    assert_int_equal(header(&a, "ETag")[0], '"');
    assert_null(header(&a, "Link"));
    assert_string_equal(header(&a, "Access-Control-Expose-Headers"), "Location, Link, ETag");
    assert_non_null(
        strstr(buf_str(&a.body), "a=candidate:1 1 udp 2130706431 198.51.100.7 9000 typ host\r\n"));
    assert_non_null(strstr(buf_str(&a.body), "a=recvonly\r\n"));
    char *location = strdup(header(&a, "Location"));
    http_answer_fini(&a);

    assert_string_equal(b->user, "alice");
    assert_string_equal(b->last.room.id.text, "class-7");
    assert_int_equal(b->last.room.id.type, ROOM_ID_STRING);
    assert_int_equal(b->last.stream, ROOM_MAIN);
    assert_int_equal(b->sections, 2);
    assert_non_null(strstr(b->agent, "OBS-Studio"));
    assert_int_equal(whip_session_count(b->whip), 1);

    shoot(b, (struct shot){ "DELETE", location, NULL, NULL, good }, &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.len, 0);
    http_answer_fini(&a);
    assert_int_equal(b->stops, 1);
    assert_int_equal(b->stopped, 1);

    shoot(b, (struct shot){ "DELETE", location, NULL, NULL, good }, &a);
    assert_int_equal(a.status, 404);
    http_answer_fini(&a);
    assert_int_equal(b->stops, 1);
    free(location);
}

static void other_rooms_and_streams(void **state)
{
    struct behind *b = *state;
    struct http_answer a;
    shoot(b,
          (struct shot){ "POST", "/v2/pub/1400000001/4711", USER "&stream=aux&roomidtype=1",
                         "Application/SDP; charset=x", good, NULL, HEAD VIDEO },
          &a);
    assert_int_equal(a.status, 201);
    http_answer_fini(&a);
    assert_int_equal(b->last.room.id.type, ROOM_ID_INT);
    assert_int_equal(b->last.room.id.number, 4711);
    assert_int_equal(b->last.stream, ROOM_AUX);
    shoot(b,
          (struct shot){ "POST", "/v2/pub/1400000001/a%20b%7E+",
                         "x=1&SessionID=%61lice&stream=main&roomidtype=0", "application/sdp", good,
                         NULL, HEAD AUDIO },
          &a);
    assert_int_equal(a.status, 201);
    http_answer_fini(&a);
    assert_string_equal(b->last.room.id.text, "a b~+");
    assert_string_equal(b->user, "alice");
}

static void limits_and_failures(void **state)
{
    static const struct {
        int err, want;
    } rows[] = {
        { ERR_LIMIT, 503 },
        { ERR_NOMEM, 503 },
        { ERR_BAD_STATE, 503 },
        { ERR_IO, 500 },
    };
    struct behind *b = *state;
    struct http_answer a;
    struct shot shot = { "POST", PUB, USER, "application/sdp", good, NULL, HEAD AUDIO };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b->start_err = rows[i].err;
        shoot(b, shot, &a);
        assert_int_equal(a.status, rows[i].want);
        assert_int_equal(header(&a, "Retry-After") != NULL, rows[i].want == 503);
        http_answer_fini(&a);
    }
    b->start_err = OK;
    free(publish(b, USER, NULL));
    free(publish(b, USER, NULL));
    shoot(b, shot, &a);
    assert_int_equal(a.status, 503);
    http_answer_fini(&a);
    assert_int_equal(b->starts, 2);
    whip_session_ended(b->whip, 1);
    whip_session_ended(b->whip, 1);
    free(publish(b, USER, NULL));
}

static void a_replaced_session_answers_404(void **state)
{
    struct behind *b = *state;
    struct http_answer a;
    char *first = publish(b, USER, NULL);
    b->replaced = 1;
    char *second = publish(b, USER, NULL);
    shoot(b, (struct shot){ "DELETE", first, NULL, NULL, good }, &a);
    assert_int_equal(a.status, 404);
    http_answer_fini(&a);
    assert_int_equal(b->stops, 0);
    shoot(b, (struct shot){ "DELETE", second, NULL, NULL, good }, &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    free(first);
    free(second);
}

#define TRICKLE "application/trickle-ice-sdpfrag"
#define UFRAG   "a=ice-ufrag:obs1\r\na=ice-pwd:obsobsobsobsobsobsobsobs\r\n"
#define RESTART "a=ice-ufrag:new1\r\na=ice-pwd:newnewnewnewnewnewnewnew\r\n"
#define SECTION "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
#define FOUND   "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"

static void trickling(void **state)
{
    struct behind *b = *state;
    char *etag, *path = publish(b, USER, &etag), list[64];
    snprintf(list, sizeof list, "\"other\", %s", etag);
    const struct {
        const char *what;
        struct shot shot;
        int want;
        size_t candidates;
    } rows[] = {
        { "a candidate",
          { "PATCH", path, NULL, TRICKLE, good, etag, UFRAG SECTION FOUND },
          204,
          1 },
        { "without If-Match",
          { "PATCH", path, NULL, TRICKLE, good, NULL, UFRAG SECTION FOUND },
          204,
          1 },
        { "several tags",
          { "PATCH", path, NULL, TRICKLE, good, list, UFRAG SECTION FOUND FOUND },
          204,
          1 },
        { "the end",
          { "PATCH", path, NULL, TRICKLE, good, etag, UFRAG SECTION "a=end-of-candidates\r\n" },
          204,
          0 },
        { "no section", { "PATCH", path, NULL, TRICKLE, good, "*", FOUND }, 204, 1 },
        { "an expired token",
          { "PATCH", path, NULL, TRICKLE, expired, etag, UFRAG SECTION FOUND },
          204,
          1 },
        { "another tag",
          { "PATCH", path, NULL, TRICKLE, good, "\"0123456789abcdef\"", UFRAG SECTION FOUND },
          412,
          0 },
        { "restart", { "PATCH", path, NULL, TRICKLE, good, "*", RESTART SECTION FOUND }, 422, 0 },
        { "restart in a section",
          { "PATCH", path, NULL, TRICKLE, good, etag, SECTION RESTART FOUND },
          422,
          0 },
        { "another user",
          { "PATCH", path, NULL, TRICKLE, bobs, etag, UFRAG SECTION FOUND },
          401,
          0 },
        { "no token", { "PATCH", path, NULL, TRICKLE, NULL, etag, UFRAG SECTION FOUND }, 401, 0 },
        { "an offer", { "PATCH", path, NULL, "application/sdp", good, etag, HEAD AUDIO }, 415, 0 },
        { "nonsense", { "PATCH", path, NULL, TRICKLE, good, etag, "{}" }, 400, 0 },
        { "too large", { "PATCH", path, NULL, TRICKLE, good, etag, "", true }, 413, 0 },
        { "another method", { "GET", path, NULL, NULL, good, NULL, NULL }, 405, 0 },
        { "a second offer",
          { "POST", path, NULL, "application/sdp", good, NULL, HEAD AUDIO },
          405,
          0 },
        { "another node", { "PATCH", "/v2/res/n2/x", NULL, TRICKLE, good, etag, UFRAG }, 404, 0 },
        { "no id", { "DELETE", "/v2/res/n1/", NULL, NULL, good, NULL, NULL }, 404, 0 },
        { "short id", { "DELETE", "/v2/res/n1/abc", NULL, NULL, good, NULL, NULL }, 404, 0 },
        { "no node", { "DELETE", "/v2/res/", NULL, NULL, good, NULL, NULL }, 404, 0 },
        { "delete, another user", { "DELETE", path, NULL, NULL, bobs, NULL, NULL }, 401, 0 },
        { "delete, no token", { "DELETE", path, NULL, NULL, NULL, NULL, NULL }, 401, 0 },
        { "delete, an expired token", { "DELETE", path, NULL, NULL, expired, NULL, NULL }, 200, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_answer a;
        b->candidates = 0;
        shoot(b, rows[i].shot, &a);
        if (a.status != rows[i].want || b->candidates != rows[i].candidates)
            fail_msg("%s: %d, %zu candidates, %s", rows[i].what, a.status, b->candidates,
                     buf_str(&a.body));
        if (a.status == 204) {
            assert_string_equal(header(&a, "ETag"), etag);
            assert_int_equal(a.body.len, 0);
        }
        if (a.status == 405)
            assert_string_equal(header(&a, "Allow"), "PATCH, DELETE, OPTIONS");
        http_answer_fini(&a);
    }
    assert_int_equal(b->stops, 1);
    assert_int_equal(b->first.addr.port, 5000);
    free(path);
    free(etag);
}

static void preflights(void **state)
{
    struct behind *b = *state;
    static const struct {
        const char *path, *methods, *accept, *types;
    } rows[] = {
        { PUB, "POST, OPTIONS", "Accept-Post", "application/sdp" },
        { "/v2/res/n1/whatever", "PATCH, DELETE, OPTIONS", "Accept-Patch", TRICKLE },
    };
    for (size_t i = 0; i < 2; i++) {
        struct http_answer a;
        shoot(b, (struct shot){ .method = "OPTIONS", .path = rows[i].path }, &a);
        assert_int_equal(a.status, 200);
        assert_string_equal(header(&a, "Access-Control-Allow-Origin"), "*");
        assert_string_equal(header(&a, "Access-Control-Allow-Methods"), rows[i].methods);
        assert_string_equal(header(&a, "Access-Control-Allow-Headers"),
                            "Authorization, Content-Type, If-Match");
        assert_string_equal(header(&a, "Access-Control-Expose-Headers"), "Location, Link, ETag");
        assert_string_equal(header(&a, rows[i].accept), rows[i].types);
        http_answer_fini(&a);
    }
}

static int setup_public(void **state)
{
    static const struct whip_settings s = { .node = "n1",
                                            .public_url = "https://rec.example.com",
                                            .link = "<stun:stun.example.com>; rel=\"ice-server\"",
                                            .max_sessions = 9,
                                            .wide_user_ids = true };
    return setup_with(state, &s);
}

static void a_public_address(void **state)
{
    struct behind *b = *state;
    struct http_answer a;
    char *sig = sig_of("a@b", NOW, 60);
    shoot(b,
          (struct shot){ "POST", PUB, "SessionID=a%40b", "application/sdp", sig, NULL, HEAD AUDIO },
          &a);
    assert_int_equal(a.status, 201);
    assert_true(strncmp(header(&a, "Location"), "https://rec.example.com/v2/res/n1/", 34) == 0);
    assert_string_equal(header(&a, "Link"), "<stun:stun.example.com>; rel=\"ice-server\"");
    http_answer_fini(&a);
    free(sig);
}

static char *map_query(const char *user, const char *room_name, uint32_t rights, uint32_t life)
{
    struct room_key room = { .sdk_app_id = STRICT_APP };
    struct buf out;
    buf_init(&out, 8192);
    assert_int_equal(room_id_parse(bytes_str(room_name), ROOM_ID_STRING, &room.id), OK);
    buf_put_str(&out, USER "&private_map_key=");
    assert_int_equal(
        mapkey_mint(&room, bytes_str(user), rights, bytes_str(KEY), NOW - 100 * SEC, life, &out),
        OK);
    return buf_detach(&out);
}

static void permission_control(void **state)
{
    struct behind *b = *state;
    struct buf sig;
    buf_init(&sig, 4096);
    assert_int_equal(usersig_mint(STRICT_APP, bytes_str("alice"), bytes_str(KEY), NOW, 60, &sig),
                     OK);
    static const struct {
        const char *what, *user, *room;
        uint32_t rights, life;
        bool room_open, aux;
        const char *body;
        int want;
    } rows[] = {
        { "everything", "alice", "r", 255, 600, false, false, HEAD AUDIO VIDEO, 201 },
        { "create, enter, send", "alice", "r", 1 + 2 + 4 + 16, 600, false, false, HEAD AUDIO VIDEO,
          201 },
        { "may not create", "alice", "r", 2 + 4 + 16, 600, false, false, HEAD AUDIO VIDEO, 403 },
        { "need not create", "alice", "r", 2 + 4 + 16, 600, true, false, HEAD AUDIO VIDEO, 201 },
        { "may not enter", "alice", "r", 4 + 16, 600, true, false, HEAD AUDIO VIDEO, 403 },
        { "no video", "alice", "r", 2 + 4, 600, true, false, HEAD AUDIO VIDEO, 403 },
        { "audio alone", "alice", "r", 2 + 4, 600, true, false, HEAD AUDIO, 201 },
        { "no audio", "alice", "r", 2 + 16, 600, true, false, HEAD AUDIO VIDEO, 403 },
        { "aux", "alice", "r", 2 + 64, 600, true, true, HEAD VIDEO, 201 },
        { "no aux", "alice", "r", 2 + 16, 600, true, true, HEAD VIDEO, 403 },
        { "receive only", "alice", "r", 42, 600, true, false, HEAD AUDIO, 403 },
        { "another room", "alice", "s", 255, 600, true, false, HEAD AUDIO, 403 },
        { "another user", "bob", "r", 255, 600, true, false, HEAD AUDIO, 403 },
        { "expired", "alice", "r", 255, 60, true, false, HEAD AUDIO, 403 },
        { "none", NULL, NULL, 0, 0, true, false, HEAD AUDIO, 403 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_answer a;
        char query[8192];
        char *map = rows[i].user
                        ? map_query(rows[i].user, rows[i].room, rows[i].rights, rows[i].life)
                        : strdup(USER);
        snprintf(query, sizeof query, "%s%s", map, rows[i].aux ? "&stream=aux" : "");
        b->room_open = rows[i].room_open;
        shoot(b,
              (struct shot){ "POST", "/v2/pub/1400000002/r", query, "application/sdp",
                             buf_str(&sig), NULL, rows[i].body },
              &a);
        if (a.status != rows[i].want)
            fail_msg("%s: %d %s", rows[i].what, a.status, buf_str(&a.body));
        http_answer_fini(&a);
        whip_session_ended(b->whip, b->next);
        free(map);
    }
    buf_fini(&sig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishing, setup, teardown),
        cmocka_unit_test_setup_teardown(obs_publishes_and_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(other_rooms_and_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_and_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replaced_session_answers_404, setup, teardown),
        cmocka_unit_test_setup_teardown(trickling, setup, teardown),
        cmocka_unit_test_setup_teardown(preflights, setup, teardown),
        cmocka_unit_test_setup_teardown(a_public_address, setup_public, teardown),
        cmocka_unit_test_setup_teardown(permission_control, setup, teardown),
    };
    good = sig_of("alice", NOW, 3600);
    expired = sig_of("alice", NOW - 7200 * SEC, 3600);
    bobs = sig_of("bob", NOW, 3600);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(good);
    free(expired);
    free(bobs);
    return failed;
}
