#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/tc3.h"
#include "base/base64.h"
#include "base/err.h"
#include "sign/canonical.h"

/* api.md 3.5 */
#define ID    "AKIDexample0000000000000000000000001"
#define KEY   "example-secret-key-0001"
#define HOST  "trtc.example.test"
#define WHEN  1735707617u
#define BODY  "{\"SdkAppId\":1400000001,\"TaskId\":\"task-1\"}"
#define SCOPE "Credential=" ID "/2025-01-01/trtc/tc3_request"

#define POST_SIGNATURE     "2d9df4c080df7817e1fecfe114e62fc833d17b9edb274056f742d053e3c527a2"
#define GET_SIGNATURE      "d0cb8337c6bbe797566bc447cda5de8d14d7217d657031f52fcd2799ef80c70a"
#define UNSIGNED_SIGNATURE "917504550c9871d3d4c946dcbce1ff0260d1184b9aa97efa823d487b3680b887"

static struct http_request post(const struct http_header *headers, size_t count)
{
    return (struct http_request){ .method = "POST",
                                  .path = bytes_str("/"),
                                  .headers = headers,
                                  .header_count = count,
                                  .body = bytes_str(BODY) };
}

static int verify(const struct http_request *request, const char *header)
{
    struct tc3_authorization auth;
    assert_int_equal(tc3_parse(&auth, header), OK);
    return tc3_verify(&auth, request, WHEN, KEY);
}

static void vectors_are_made(void **state)
{
    (void)state;
    struct tc3_signing signing = {
        ID,   KEY,  "trtc", "POST", HOST, "application/json", bytes_str(""), bytes_str(BODY),
        WHEN, false
    };
    struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(tc3_sign(&signing, &out), OK);
    assert_string_equal(buf_str(&out), "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=content-type;host"
                                       ", Signature=" POST_SIGNATURE);
    buf_clear(&out);
    signing.unsigned_payload = true;
    assert_int_equal(tc3_sign(&signing, &out), OK);
    assert_non_null(strstr(buf_str(&out), "Signature=" UNSIGNED_SIGNATURE));
    buf_clear(&out);
    signing = (struct tc3_signing){ ID,
                                    KEY,
                                    "trtc",
                                    "GET",
                                    HOST,
                                    "application/x-www-form-urlencoded",
                                    bytes_str("SdkAppId=1400000001&TaskId=task-1"),
                                    bytes_str(""),
                                    WHEN,
                                    false };
    assert_int_equal(tc3_sign(&signing, &out), OK);
    assert_non_null(strstr(buf_str(&out), "Signature=" GET_SIGNATURE));
    buf_fini(&out);
}

static void canonical_hashes(void **state)
{
    (void)state;
    static const struct {
        const char *method, *type, *query, *body, *payload, *canonical;
    } rows[] = {
        { "POST", "application/json", "", BODY,
          "9d2da4253578e682487017a571b255d6250d669101004e04f94926791156d291",
          "02abba608c8982275222bfdb836ba2867caa7a9ebf2c3b1fc90b820207b012e4" },
        { "GET", "application/x-www-form-urlencoded", "SdkAppId=1400000001&TaskId=task-1", "",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "ce2158391e2ee38493277e74209e84c648c66b57a8c6a7421b7732114e429580" },
        { "POST", "application/json", "", "UNSIGNED-PAYLOAD",
          "438d4109ef0d676b8c2c7ed13cdfcb418e494d53b843d4634ce3b1085f07bb96", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hash[SHA256_HEX_SIZE], of_canonical[SHA256_HEX_SIZE];
        assert_int_equal(sha256_hex(bytes_str(rows[i].body), hash), OK);
        assert_string_equal(hash, rows[i].payload);
        const struct canonical_header headers[] = {
            { bytes_str("content-type"), bytes_str(rows[i].type) },
            { bytes_str("host"), bytes_str(HOST) },
        };
        const struct canonical_request request = { bytes_str(rows[i].method),
                                                   bytes_str("/"),
                                                   bytes_str(rows[i].query),
                                                   headers,
                                                   2,
                                                   false,
                                                   hash };
        struct buf text;
        buf_init(&text, 4096);
        canonical_write(&request, &text);
        assert_int_equal(sha256_hex(buf_bytes(&text), of_canonical), OK);
        if (rows[i].canonical)
            assert_string_equal(of_canonical, rows[i].canonical);
        buf_fini(&text);
    }
}

/* The worked example of document 34264, of which only parts of the hashes are kept. The canonical
 * request holds the whole payload hash. */
static void documented_example(void **state)
{
    (void)state;
    char hash[SHA256_HEX_SIZE], of_canonical[SHA256_HEX_SIZE];
    const char *body = "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"unnamed\"], \"Name\": "
                       "\"instance-name\"}]}";
    assert_int_equal(sha256_hex(bytes_str(body), hash), OK);
    assert_memory_equal(hash, "99d58dfb", 8);
    const struct canonical_header headers[] = {
        { bytes_str("content-type"), bytes_str("application/json; charset=utf-8") },
        { bytes_str("host"), bytes_str("cvm.tencentcloudapi.com") },
    };
    const struct canonical_request request = {
        bytes_str("POST"), bytes_str("/"), bytes_str(""), headers, 2, true, hash
    };
    struct buf text;
    buf_init(&text, 4096);
    canonical_write(&request, &text);
    assert_int_equal(sha256_hex(buf_bytes(&text), of_canonical), OK);
    assert_memory_equal(of_canonical, "2815", 4);
    assert_string_equal(of_canonical + 60, "da7a");
    buf_fini(&text);
}

static void vectors_verify(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        { "HOST", HOST },
        { "Content-Type", "application/json" },
    };
    struct http_request request = post(headers, 2);
    const char *good = "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=content-type;host, Signature=";
    char header[512];
    snprintf(header, sizeof header, "%s%s", good, POST_SIGNATURE);
    assert_int_equal(verify(&request, header), OK);

    request.body = bytes_str("{}");
    assert_int_equal(verify(&request, header), ERR_AUTH);

    snprintf(header, sizeof header, "%s%s", good, UNSIGNED_SIGNATURE);
    assert_int_equal(verify(&request, header), ERR_AUTH);
    const struct http_header loose[] = {
        { "Host", HOST },
        { "Content-Type", "application/json" },
        { "X-TC-Content-SHA256", "UNSIGNED-PAYLOAD" },
    };
    request = post(loose, 3);
    assert_int_equal(verify(&request, header), OK);

    const struct http_header form[] = {
        { "Host", HOST },
        { "Content-Type", "application/x-www-form-urlencoded" },
    };
    request = (struct http_request){ .method = "GET",
                                     .path = bytes_str("/"),
                                     .headers = form,
                                     .header_count = 2,
                                     .query = bytes_str("SdkAppId=1400000001&TaskId=task-1") };
    snprintf(header, sizeof header, "%s%s", good, GET_SIGNATURE);
    assert_int_equal(verify(&request, header), OK);
}

/* A client of one's own: what it signs and what it sends may differ, as with real ones. */
struct quirk {
    const char *what;
    const char *service, *signed_host, *signed_type, *signed_uri; /* as the client reckoned */
    const char *sent_host, *sent_type, *sent_path;
    int want;
};

static void sign_as(const struct quirk *q, char out[512])
{
    const struct canonical_header headers[] = {
        { bytes_str("content-type"), bytes_str(q->signed_type) },
        { bytes_str("host"), bytes_str(q->signed_host) },
    };
    char payload[SHA256_HEX_SIZE], hash[SHA256_HEX_SIZE], hex[SHA256_HEX_SIZE];
    uint8_t key[SHA256_SIZE], mac[SHA256_SIZE];
    assert_int_equal(sha256_hex(bytes_str(BODY), payload), OK);
    const struct canonical_request request = {
        bytes_str("POST"), bytes_str(q->signed_uri), bytes_str(""), headers, 2, false, payload
    };
    struct buf text;
    buf_init(&text, 4096);
    canonical_write(&request, &text);
    assert_int_equal(sha256_hex(buf_bytes(&text), hash), OK);
    buf_clear(&text);
    buf_printf(&text, "TC3-HMAC-SHA256\n%u\n2025-01-01/%s/tc3_request\n%s", WHEN, q->service, hash);
    struct bytes links[] = { bytes_str("2025-01-01"), bytes_str(q->service),
                             bytes_str("tc3_request") };
    assert_int_equal(hmac_chain("TC3", KEY, links, 3, key), OK);
    assert_int_equal(hmac_sha256(bytes_of(key, sizeof key), buf_bytes(&text), mac), OK);
    buf_fini(&text);
    hex_encode(hex, bytes_of(mac, sizeof mac));
    snprintf(out, 512,
             "TC3-HMAC-SHA256 Credential=" ID "/2025-01-01/%s/tc3_request, "
             "SignedHeaders=content-type;host, Signature=%s",
             q->service, hex);
}

#define J "application/json"

static void client_quirks(void **state)
{
    (void)state;
    static const struct quirk rows[] = {
        { "plain", "trtc", HOST, J, "/", HOST, J, "/", OK },
        { "Node, address", "127", "127.0.0.1", J, "/", "127.0.0.1:18080", J, "/", OK },
        { "Node, localhost", "localhost:18080", "localhost", J, "/", "localhost:18080", J, "/",
          OK },
        { "Node, path", "trtc", HOST, J, "/v1/", HOST, J, "/v1/", OK },
        { "Go, path", "trtc", HOST ":81", J, "/", HOST ":81", J, "/v1/", OK },
        { "Java", "trtc", HOST, J "; charset=utf-8", "/", HOST, J "; charset=utf-8", "/", OK },
        { "capitals kept", "trtc", HOST, "multipart/form-data; boundary=aBc", "/", HOST,
          "multipart/form-data; boundary=aBc", "/", OK },
        { "capitals lowered", "trtc", HOST, J "; charset=utf-8", "/", HOST, J "; charset=UTF-8",
          "/", OK },
        { "lowered, no port, path", "x", HOST, J "; charset=utf-8", "/p", HOST ":1",
          J "; charset=UTF-8", "/p", OK },
        { "IPv6", "x", "[::1]", J, "/", "[::1]:9000", J, "/", OK },
        { "padded value", "x", HOST, J, "/", " " HOST "\t", J " ", "/", OK },
        { "another host", "trtc", "other.test", J, "/", HOST, J, "/", ERR_AUTH },
        { "another port", "trtc", HOST ":1", J, "/", HOST ":2", J, "/", ERR_AUTH },
        { "another type", "trtc", HOST, "text/plain", "/", HOST, J, "/", ERR_AUTH },
        { "another path", "trtc", HOST, J, "/a", HOST, J, "/b", ERR_AUTH },
        { "no type sent", "trtc", HOST, "", "/", HOST, NULL, "/", ERR_AUTH },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char header[512];
        sign_as(&rows[i], header);
        const struct http_header headers[] = { { "Host", rows[i].sent_host },
                                               { "Content-Type", rows[i].sent_type } };
        struct http_request request = post(headers, rows[i].sent_type ? 2 : 1);
        request.path = bytes_str(rows[i].sent_path);
        if (verify(&request, header) != rows[i].want)
            fail_msg("%s", rows[i].what);
    }
}

#define SIG    "Signature=" POST_SIGNATURE
#define SIGNED "SignedHeaders=content-type;host"

static void headers_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        { "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", " SIG, OK },
        { "TC3-HMAC-SHA256   " SCOPE "," SIGNED ",   " SIG "  ", OK },
        { "TC3-HMAC-SHA256 " SIG ", " SIGNED ", " SCOPE, OK },
        { "", ERR_MALFORMED },
        { "SKIP", ERR_MALFORMED },
        { "TC3-HMAC-SHA256", ERR_MALFORMED },
        { "TC3-HMAC-SHA512 " SCOPE ", " SIGNED ", " SIG, ERR_MALFORMED },
        { "Basic " SCOPE ", " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SIGNED, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SCOPE ", " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", Other=1, " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", " SIG "00", ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", Signature=2D", ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=, " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=host;host, " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=Host, " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=a;;b, " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 Credential=a/2025-1-1/x/tc3_request, " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 Credential=/2025-01-01/x/tc3_request, " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 Credential=a/2025-01-01//tc3_request, " SIGNED ", " SIG, ERR_MALFORMED },
        { "TC3-HMAC-SHA256 Credential=a/2025-01-01/x/aws4_request, " SIGNED ", " SIG,
          ERR_MALFORMED },
        { "TC3-HMAC-SHA256 Credential=a/2025-01-01/x/tc3_request/y, " SIGNED ", " SIG,
          ERR_MALFORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tc3_authorization auth;
        if (tc3_parse(&auth, rows[i].text) != rows[i].want)
            fail_msg("%s", rows[i].text);
    }
}

static void every_prefix_refused(void **state)
{
    (void)state;
    const char *whole = "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", " SIG;
    for (size_t len = 0; len < strlen(whole); len++) {
        char *text = calloc(1, len + 1);
        assert_non_null(text);
        memcpy(text, whole, len);
        struct tc3_authorization auth;
        assert_int_equal(tc3_parse(&auth, text), ERR_MALFORMED);
        free(text);
    }
}

static void what_must_be_signed(void **state)
{
    (void)state;
    const struct http_header headers[] = { { "Host", HOST }, { "Content-Type", J } };
    struct http_request request = post(headers, 2);
    static const char *const lists[] = { "host", "content-type", "content-type;host;x-absent" };
    for (size_t i = 0; i < 3; i++) {
        char header[512];
        snprintf(header, sizeof header, "TC3-HMAC-SHA256 " SCOPE ", SignedHeaders=%s, " SIG,
                 lists[i]);
        assert_int_equal(verify(&request, header), ERR_AUTH);
    }
    /* The scope's date is that of the timestamp. */
    struct tc3_authorization auth;
    assert_int_equal(tc3_parse(&auth, "TC3-HMAC-SHA256 " SCOPE ", " SIGNED ", " SIG), OK);
    assert_int_equal(tc3_verify(&auth, &request, WHEN, KEY), OK);
    assert_int_equal(tc3_verify(&auth, &request, WHEN + 86400, KEY), ERR_AUTH);
    assert_int_equal(tc3_verify(&auth, &request, UINT64_MAX, KEY), ERR_AUTH);
    assert_int_equal(tc3_verify(&auth, &request, WHEN, "another key"), ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_made),     cmocka_unit_test(canonical_hashes),
        cmocka_unit_test(documented_example),   cmocka_unit_test(vectors_verify),
        cmocka_unit_test(client_quirks),        cmocka_unit_test(headers_parsed),
        cmocka_unit_test(every_prefix_refused), cmocka_unit_test(what_must_be_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
