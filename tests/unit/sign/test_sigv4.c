#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "sign/digest.h"
#include "sign/sigv4.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PREFIX                                                                                     \
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "        \
    "SignedHeaders="

/* The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization
 * Header: Transferring Payload in a Single Chunk". */
struct example {
    const char *method, *path;
    struct sigv4_param query[2];
    const char *headers[6][2];
    const char *payload_hash, *target, *authorization;
};

#define COMMON(hash)                                                                               \
    { "X-Amz-Date", "20130524T000000Z" }, { "x-amz-content-sha256", hash },                        \
    {                                                                                              \
        "Host", "examplebucket.s3.amazonaws.com"                                                   \
    }
#define PUT_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const struct example examples[] = {
    { "GET",
      "/test.txt",
      { { 0 } },
      { COMMON(EMPTY_HASH), { "Range", "bytes=0-9" } },
      EMPTY_HASH,
      "/test.txt",
      PREFIX "host;range;x-amz-content-sha256;x-amz-date, Signature="
             "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { "PUT",
      "/test$file.text",
      { { 0 } },
      { COMMON(PUT_HASH),
        { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
        { "Date", "Fri, 24 May 2013 00:00:00 GMT" } },
      PUT_HASH,
      "/test%24file.text",
      PREFIX "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature="
             "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { "GET",
      "/",
      { { "lifecycle", "" } },
      { COMMON(EMPTY_HASH) },
      EMPTY_HASH,
      "/?lifecycle=",
      PREFIX "host;x-amz-content-sha256;x-amz-date, Signature="
             "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { "GET",
      "/",
      { { "prefix", "J" }, { "max-keys", "2" } },
      { COMMON(EMPTY_HASH) },
      EMPTY_HASH,
      "/?max-keys=2&prefix=J",
      PREFIX "host;x-amz-content-sha256;x-amz-date, Signature="
             "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static struct sigv4_request request_of(const struct example *e, struct canonical_header *headers)
{
    struct sigv4_request request = { .access_key = "AKIAIOSFODNN7EXAMPLE",
                                     .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                     .region = "us-east-1",
                                     .service = "s3",
                                     .date = "20130524T000000Z",
                                     .method = e->method,
                                     .path = e->path,
                                     .query = e->query,
                                     .headers = headers,
                                     .payload_hash = e->payload_hash };
    while (request.query_count < 2 && e->query[request.query_count].name)
        request.query_count++;
    for (size_t i = 0; i < 6 && e->headers[i][0]; i++)
        headers[request.header_count++] =
            (struct canonical_header){ bytes_str(e->headers[i][0]), bytes_str(e->headers[i][1]) };
    return request;
}

static void published_examples(void **state)
{
    (void)state;
    char hash[SHA256_HEX_SIZE];
    sha256_hex(bytes_str("Welcome to Amazon S3."), hash);
    assert_string_equal(hash, PUT_HASH);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct canonical_header headers[6];
        struct sigv4_request request = request_of(&examples[i], headers);
        struct buf target, authorization;
        buf_init(&target, 1000);
        buf_init(&authorization, 1000);
        assert_int_equal(sigv4_target(&request, &target), OK);
        assert_int_equal(sigv4_sign(&request, &authorization), OK);
        assert_string_equal(buf_str(&target), examples[i].target);
        assert_string_equal(buf_str(&authorization), examples[i].authorization);
        buf_fini(&target);
        buf_fini(&authorization);
    }
}

static void check_target(const char *path, const struct sigv4_param *query, size_t count,
                         const char *want)
{
    struct sigv4_request request = { .path = path, .query = query, .query_count = count };
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(sigv4_target(&request, &out), OK);
    assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void targets_are_encoded_and_sorted(void **state)
{
    (void)state;
    check_target("/b/a b+c=d@e.ts", NULL, 0, "/b/a%20b%2Bc%3Dd%40e.ts");
    check_target("/b/\xc3\xa4~-_.", NULL, 0, "/b/%C3%A4~-_.");
    check_target("/b//../%41", NULL, 0, "/b//../%2541");
    const struct sigv4_param query[] = {
        { "a-b", "1" }, { "b", "/" }, { "a", "2" }, { "a", "1+" }, { "a~", "" }, { "a:", "x" },
    };
    check_target("/", query, 6, "/?a=1%2B&a=2&a%3A=x&a-b=1&a~=&b=%2F");
}

static void dates(void **state)
{
    (void)state;
    char out[SIGV4_DATE_SIZE];
    assert_int_equal(sigv4_date(1369353600 * SEC, out), OK);
    assert_string_equal(out, "20130524T000000Z");
    assert_int_equal(sigv4_date(1369353600 * SEC + SEC - 1, out), OK);
    assert_string_equal(out, "20130524T000000Z");
    assert_int_equal(sigv4_date(1369353600 * SEC - 1, out), OK);
    assert_string_equal(out, "20130523T235959Z");
    assert_int_equal(sigv4_date(INT64_MAX, out), ERR_RANGE);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    struct sigv4_param query[SIGV4_MAX_PARAMS + 1];
    struct canonical_header headers[SIGV4_MAX_HEADERS + 1];
    for (size_t i = 0; i < SIGV4_MAX_PARAMS + 1; i++)
        query[i] = (struct sigv4_param){ "a", "b" };
    for (size_t i = 0; i < SIGV4_MAX_HEADERS + 1; i++)
        headers[i] = (struct canonical_header){ bytes_str("host"), bytes_str("h") };
    struct canonical_header few[6];
    struct sigv4_request request = request_of(&examples[0], few);
    struct buf out;
    buf_init(&out, 10000);

    request.query = query;
    request.query_count = SIGV4_MAX_PARAMS + 1;
    assert_int_equal(sigv4_sign(&request, &out), ERR_LIMIT);
    assert_int_equal(sigv4_target(&request, &out), ERR_LIMIT);
    request.query_count = SIGV4_MAX_PARAMS;
    assert_int_equal(sigv4_sign(&request, &out), OK);
    request.headers = headers;
    request.header_count = SIGV4_MAX_HEADERS + 1;
    assert_int_equal(sigv4_sign(&request, &out), ERR_LIMIT);
    request.header_count = 1;
    request.date = "20130524";
    assert_int_equal(sigv4_sign(&request, &out), ERR_RANGE);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(targets_are_encoded_and_sorted),
        cmocka_unit_test(dates),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
