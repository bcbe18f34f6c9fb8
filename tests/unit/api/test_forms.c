/* The forms in which a request comes: pairs, multipart bodies, envelopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/authenticate.h"
#include "api/errors.h"
#include "api/multipart.h"
#include "api/tc3.h"
#include "api/v1.h"
#include "base/err.h"

#define ID   "AKIDexample0000000000000000000000001"
#define KEY  "example-secret-key-0001"
#define HOST "trtc.example.test"
#define WHEN 1735707617u

/* --- pairs --- */

static void pairs_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
        const char *name, *value;
    } rows[] = {
        { "a=1", OK, "a", "1" },
        { "a=", OK, "a", "" },
        { "", OK, "a", NULL },
        { "a=1&b=2", OK, "b", "2" },
        { "&a=1&&b=2&", OK, "a", "1" },
        { "a=x+y%20z", OK, "a", "x y z" },
        { "a=%2B%26%3D", OK, "a", "+&=" },
        { "a%2Eb=1", OK, "a.b", "1" },
        { "a==", OK, "a", "=" },
        { "a=%E4%BD%A0", OK, "a", "\xE4\xBD\xA0" },
        { "a", ERR_MALFORMED, NULL, NULL },
        { "a=1&b", ERR_MALFORMED, NULL, NULL },
        { "=1", ERR_MALFORMED, NULL, NULL },
        { "a=%", ERR_MALFORMED, NULL, NULL },
        { "a=%2", ERR_MALFORMED, NULL, NULL },
        { "a=%zz", ERR_MALFORMED, NULL, NULL },
        { "a=%00", ERR_MALFORMED, NULL, NULL },
        { "a=%FF", ERR_MALFORMED, NULL, NULL },
        { "a=%C0%80", ERR_MALFORMED, NULL, NULL },
        { "a=%ED%A0%80", ERR_MALFORMED, NULL, NULL },
        { "a=\xE4\xBD", ERR_MALFORMED, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pairs pairs = { 0 };
        if (pairs_read(&pairs, bytes_str(rows[i].text)) != rows[i].want)
            fail_msg("%s", rows[i].text);
        const char *value = rows[i].name ? pairs_find(&pairs, rows[i].name) : NULL;
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
        pairs_fini(&pairs);
    }
    struct pairs pairs;
    assert_int_equal(pairs_read(&pairs, bytes_of("a=1\0b", 5)), ERR_MALFORMED);
}

static void pairs_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    struct pairs pairs;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < PAIRS_MAX; i++)
        buf_put_str(&text, i ? "&a=1" : "a=1");
    assert_int_equal(pairs_read(&pairs, buf_bytes(&text)), OK);
    assert_int_equal(pairs.count, PAIRS_MAX);
    pairs_fini(&pairs);
    buf_put_str(&text, "&a=1");
    assert_int_equal(pairs_read(&pairs, buf_bytes(&text)), ERR_LIMIT);
    buf_fini(&text);
}

/* --- multipart --- */

static void boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *type, *want;
    } rows[] = {
        { "multipart/form-data; boundary=abc", "abc" },
        { "multipart/form-data; charset=utf-8; Boundary=\"a b:c\"", "a b:c" },
        { "multipart/form-data;boundary=--x", "--x" },
        { "multipart/form-data", "" },
        { "multipart/form-data; boundary=", "" },
        { "multipart/form-data; boundary=\"a \"", "" },
        { "multipart/form-data; boundary=a\tb", "" },
        { "multipart/form-data; boundary=a_____________________________________________________"
          "________________b",
          "a_____________________________________________________________________b" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes got = multipart_boundary(rows[i].type);
        bool too_long = strlen(rows[i].want) > 70;
        if (!bytes_equal_str(got, too_long ? "" : rows[i].want))
            fail_msg("%s", rows[i].type);
    }
}

struct parts {
    struct buf text;
    int stop_after; /* 0: never */
};

static bool print_part(void *ctx, const struct multipart_part *part)
{
    struct parts *parts = ctx;
    buf_printf(&parts->text, "%s%s=", part->name, part->json ? "(json)" : "");
    buf_put_bytes(&parts->text, part->content);
    buf_put_u8(&parts->text, ';');
    return --parts->stop_after != 0;
}

#define PART(name) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define JSON_PART(n)                                                                               \
    "--b\r\ncontent-type: application/json\r\nContent-Disposition: form-data; name=" n "\r\n\r\n"

static void multipart_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want; /* NULL: malformed */
    } rows[] = {
        { PART("a") "1\r\n--b--\r\n", "a=1;" },
        { PART("a") "1\r\n--b--", "a=1;" },
        { PART("a") "\r\n--b--", "a=;" },
        { PART("a") "1\r\n" PART("c") "2\r\n2\r\n--b--\r\n", "a=1;c=2\r\n2;" },
        { PART("a") "\r-\n--\r\n-b\r\n--b--\r\n", "a=\r-\n--\r\n-b;" },
        { JSON_PART("a") "{}\r\n--b--\r\n", "a(json)={};" },
        { "--b--", "" },
        { "--b--\r\nwhat follows", "" },
        { "", NULL },
        { "--c--", NULL },
        { "--b", NULL },
        { "--b\r\n", NULL },
        { "--b\n", NULL },
        { "--bx\r\n", NULL },
        { PART("") "1\r\n--b--\r\n", NULL },
        { "--b\r\n\r\n1\r\n--b--\r\n", NULL },
        { "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--\r\n", NULL },
        { PART("a") "1\r\n--bc", NULL },
        { PART("a") "1", NULL },
        { PART("a") "1--b--", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parts parts = { 0 };
        buf_init(&parts.text, 4096);
        int err = multipart_read(bytes_str(rows[i].body), bytes_str("b"), print_part, &parts);
        if (err != (rows[i].want ? OK : ERR_MALFORMED) ||
            (rows[i].want && strcmp(buf_str(&parts.text), rows[i].want) != 0))
            fail_msg("%s gave %d %s", rows[i].body, err, buf_str(&parts.text));
        buf_fini(&parts.text);
    }
}

static void every_prefix_is_malformed(void **state)
{
    (void)state;
    const char *whole = PART("a") "1\r\n" JSON_PART("c") "[2]\r\n--b--";
    for (size_t len = 0; len < strlen(whole); len++) {
        struct parts parts = { 0 };
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, whole, len);
        buf_init(&parts.text, 4096);
        assert_int_equal(multipart_read(bytes_of(copy, len), bytes_str("b"), print_part, &parts),
                         ERR_MALFORMED);
        buf_fini(&parts.text);
        free(copy);
    }
}

static void parts_are_bounded(void **state)
{
    (void)state;
    struct buf body;
    struct parts parts = { .stop_after = 2 };
    buf_init(&body, 1 << 20);
    buf_init(&parts.text, 1 << 20);
    for (int i = 0; i < MULTIPART_MAX_PARTS + 1; i++)
        buf_put_str(&body, PART("a") "1\r\n");
    buf_put_str(&body, "--b--");
    assert_int_equal(multipart_read(buf_bytes(&body), bytes_str("b"), print_part, &parts), OK);
    assert_string_equal(buf_str(&parts.text), "a=1;a=1;");
    assert_int_equal(multipart_read(buf_bytes(&body), bytes_str("b"), print_part, &parts),
                     ERR_LIMIT);
    buf_fini(&parts.text);
    buf_fini(&body);
}

/* --- envelopes: as clients of each kind send one and the same call --- */

static const char *key_of(void *ctx, const char *secret_id)
{
    (void)ctx;
    return strcmp(secret_id, ID) == 0 ? KEY : NULL;
}

struct sent {
    const char *method, *type, *query, *body; /* NULL: absent */
    bool v1;
    const char *algorithm; /* of v1; NULL: absent */
};

#define COMMON                                                                                     \
    "Action=DescribeCloudRecording&Version=2019-07-22&Region=ap-singapore&Timestamp=1735707617&"   \
    "Nonce=4711&SecretId=" ID
#define BUSINESS "SdkAppId=1400000001&TaskId=task-1"
#define FORM     "application/x-www-form-urlencoded"

/* Appends the signature of a v1 query or form to its text. */
static void sign_v1(const struct sent *in, struct buf *text)
{
    struct pairs pairs;
    struct buf signature;
    buf_init(&signature, 64);
    assert_int_equal(pairs_read(&pairs, buf_bytes(text)), OK);
    assert_int_equal(
        v1_sign(in->method, HOST, &pairs, v1_algorithm_of(in->algorithm), KEY, &signature), OK);
    buf_put_str(text, "&Signature=");
    for (const char *c = buf_str(&signature); *c; c++)
        buf_printf(text, "%%%02X", (unsigned)*c);
    buf_fini(&signature);
    pairs_fini(&pairs);
}

static void sign_tc3(const struct sent *in, const struct http_request *r, struct buf *out)
{
    const struct tc3_signing signing = {
        ID, KEY, "trtc", r->method, HOST, in->type ? in->type : "", r->query, r->body, WHEN, false
    };
    assert_int_equal(tc3_sign(&signing, out), OK);
}

static void read_sent(const struct sent *in, struct value **out, struct api_problem *problem)
{
    struct http_header headers[8] = { { "Host", HOST },
                                      { "X-TC-Action", "DescribeCloudRecording" },
                                      { "X-TC-Version", "2019-07-22" },
                                      { "X-TC-Region", "ap-singapore" },
                                      { "X-TC-Timestamp", "1735707617" } };
    struct http_request r = { .method = in->method, .path = bytes_str("/"), .headers = headers };
    struct buf text, authorization;
    struct envelope envelope;
    struct signer signer;
    buf_init(&text, 1 << 16);
    buf_init(&authorization, 1024);
    buf_put_str(&text, in->body ? in->body : in->query ? in->query : "");
    if (in->v1)
        sign_v1(in, &text);
    *(in->body ? &r.body : &r.query) = buf_bytes(&text);
    r.header_count = in->v1 ? 1 : 5;
    if (in->type)
        headers[r.header_count++] = (struct http_header){ "Content-Type", in->type };
    if (!in->v1) {
        sign_tc3(in, &r, &authorization);
        headers[r.header_count++] =
            (struct http_header){ "Authorization", buf_str(&authorization) };
    }
    const struct key_source keys = { key_of, NULL };
    *problem = (struct api_problem){ 0 };
    if (envelope_read(&envelope, &r, problem) &&
        authenticate(&envelope, &r, (usec_t)WHEN * SEC, keys, &signer, problem)) {
        assert_string_equal(signer.secret_id, ID);
        assert_string_equal(envelope.common.action, "DescribeCloudRecording");
        assert_string_equal(envelope.common.region, "ap-singapore");
        envelope_params(&envelope, &r, out, problem);
    }
    envelope_fini(&envelope);
    buf_fini(&authorization);
    buf_fini(&text);
}

static void every_way_says_the_same(void **state)
{
    (void)state;
    static const struct sent rows[] = {
        { "POST", "application/json", NULL, "{\"SdkAppId\":1400000001,\"TaskId\":\"task-1\"}" },
        { "POST", "application/json; charset=utf-8", NULL,
          "{\"SdkAppId\": 1400000001, \"TaskId\": \"task-1\"}" },
        { "POST", "application/json; charset=utf-8", "ignored=1",
          "{\"SdkAppId\": 1400000001, \"TaskId\": \"task-1\"}" },
        { "GET", FORM, BUSINESS, NULL },
        { "GET", FORM "; charset=utf-8", "TaskId=task-1&SdkAppId=1400000001", NULL },
        { "POST", "multipart/form-data; boundary=b", NULL,
          PART("SdkAppId") "1400000001\r\n" PART("TaskId") "task-1\r\n--b--\r\n" },
        { "POST", "multipart/form-data; boundary=b", NULL,
          JSON_PART("SdkAppId") "1400000001\r\n" JSON_PART("TaskId") "\"task-1\"\r\n--b--\r\n" },
        { "POST", FORM, NULL, COMMON "&" BUSINESS, true, NULL },
        { "POST", FORM "; charset=utf-8", NULL, BUSINESS "&" COMMON, true, NULL },
        { "POST", FORM, NULL, COMMON "&" BUSINESS "&SignatureMethod=HmacSHA256", true,
          "HmacSHA256" },
        { "GET", NULL, COMMON "&" BUSINESS "&Language=en-US&RequestClient=x", NULL, true, NULL },
        { "GET", NULL, COMMON "&" BUSINESS "&SignatureMethod=HmacSHA256", NULL, true,
          "HmacSHA256" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_problem problem;
        struct value *in = NULL;
        struct task_query query;
        read_sent(&rows[i], &in, &problem);
        if (problem.code)
            fail_msg("row %zu: %s %s", i, problem.code, problem.detail);
        assert_int_equal(task_query_read(&describe_schema, &query, in, &problem), OK);
        assert_int_equal(query.sdk_app_id, 1400000001);
        assert_string_equal(query.task_id, "task-1");
        schema_free(&describe_schema, &query);
        value_free(in);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        struct sent sent;
        const char *code, *detail;
    } rows[] = {
        { { "GET", FORM, "SdkAppId", NULL }, "InvalidParameter", "query" },
        { { "GET", FORM, "A=1&A=2", NULL }, "InvalidParameter", "`A` is given twice" },
        { { "POST", FORM, NULL, COMMON "&A.1=2", true, NULL }, "InvalidParameter", "`A.1`" },
        { { "POST", FORM, NULL, "A=1", true, NULL }, "MissingParameter", "`Action`" },
        { { "POST", FORM, NULL, "Action=A&Version=V&Region=R&Timestamp=1735707617&SecretId=" ID,
            true, NULL },
          "MissingParameter",
          "`Nonce`" },
        { { "POST", FORM, NULL, "Action=A&Version=V&Region=R&Timestamp=1735707617&Nonce=1", true,
            NULL },
          "MissingParameter",
          "`SecretId`" },
        { { "GET", NULL, "Action=A&Version=V&Region=&Timestamp=1735707617&Nonce=1&SecretId=" ID,
            NULL, true, NULL },
          "MissingParameter",
          "`Region`" },
        { { "GET", NULL, "Action=A&Version=V&Region=R&Timestamp=1735707617&Nonce=1&SecretId=other",
            NULL, true, NULL },
          "AuthFailure.SecretIdNotFound",
          "" },
        { { "GET", NULL, "Action=A&Version=V&Region=R&Timestamp=1735707617&Nonce=-1&SecretId=" ID,
            NULL, true, NULL },
          "InvalidParameter",
          "`Nonce`" },
        { { "GET", NULL, "Action=A&Version=V&Region=R&Timestamp=x&Nonce=1&SecretId=" ID, NULL, true,
            NULL },
          "InvalidParameter",
          "`Timestamp`" },
        { { "GET", NULL, "Action=A&Version=V&Region=R&Timestamp=1735707000&Nonce=1&SecretId=" ID,
            NULL, true, NULL },
          "AuthFailure.SignatureExpire",
          "300 s" },
        { { "GET", NULL, COMMON "&" BUSINESS "&Token=t", NULL, true, NULL },
          "AuthFailure.TokenFailure",
          "" },
        { { "GET", NULL, COMMON "&" BUSINESS "&SignatureMethod=hmacsha256", NULL, true,
            "HmacSHA256" },
          "AuthFailure.SignatureFailure",
          "" },
        { { "GET", NULL, "", NULL, true, NULL }, "MissingParameter", "`Action`" },
        { { "POST", "multipart/form-data", NULL, PART("a") "1\r\n--b--" },
          "InvalidRequest",
          "boundary" },
        { { "POST", "multipart/form-data; boundary=b", NULL, PART("a") "1" },
          "InvalidRequest",
          "boundary" },
        { { "POST", "multipart/form-data; boundary=b", NULL, PART("a") "\xFF\r\n--b--" },
          "InvalidParameter",
          "UTF-8" },
        { { "POST", "multipart/form-data; boundary=b", NULL, JSON_PART("a") "{\r\n--b--" },
          "InvalidParameter",
          "JSON" },
        { { "POST", "multipart/form-data; boundary=b", NULL,
            PART("a") "1\r\n" PART("a") "1\r\n--b--" },
          "InvalidParameter",
          "`a` is given twice" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_problem problem;
        struct value *in = NULL;
        read_sent(&rows[i].sent, &in, &problem);
        if (!problem.code || strcmp(problem.code, rows[i].code) != 0 ||
            !strstr(problem.detail, rows[i].detail))
            fail_msg("row %zu: %s %s", i, problem.code ? problem.code : "(none)", problem.detail);
        assert_null(in);
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct http_header form[] = { { "Content-Type", FORM } };
    static const struct http_header json[] = { { "Content-Type", "application/json" } };
    static char big[(10 << 20) + 1];
    static const struct {
        const char *method;
        const struct http_header *header;
        size_t body, query;
        bool fits;
    } rows[] = {
        { "POST", form, 1 << 20, 0, true },       { "POST", form, (1 << 20) + 1, 0, false },
        { "POST", json, 10 << 20, 0, true },      { "POST", json, (10 << 20) + 1, 0, false },
        { "POST", json, 2, 64 << 10, true }, /* only GET's target is measured */
        { "GET", json, 0, (32 << 10) - 2, true }, { "GET", json, 0, (32 << 10) - 1, false },
    };
    memset(big, '&', sizeof big);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_problem problem = { 0 };
        struct envelope envelope;
        const struct http_request r = { .method = rows[i].method,
                                        .path = bytes_str("/"),
                                        .headers = rows[i].header,
                                        .header_count = 1,
                                        .body = bytes_of(big, rows[i].body),
                                        .query = bytes_of(big, rows[i].query) };
        assert_false(envelope_read(&envelope, &r, &problem));
        if ((strcmp(problem.code, API_REQUEST_SIZE_EXCEEDED) != 0) != rows[i].fits)
            fail_msg("row %zu: %s", i, problem.code);
        envelope_fini(&envelope);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_decoded),
        cmocka_unit_test(pairs_are_bounded),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(multipart_bodies),
        cmocka_unit_test(every_prefix_is_malformed),
        cmocka_unit_test(parts_are_bounded),
        cmocka_unit_test(every_way_says_the_same),
        cmocka_unit_test(refusals),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
