#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/v1.h"
#include "base/err.h"

#define KEY  "example-secret-key-0001"
#define HOST "trtc.example.test"

/* api.md 3.5, in an order that no client sends. */
#define FORM                                                                                       \
    "Version=2019-07-22&TaskId=task-1&Action=DeleteCloudRecording&Nonce=4711&"                     \
    "SecretId=AKIDexample0000000000000000000000001&Region=ap-singapore&Timestamp=1735707617&"      \
    "SdkAppId=1400000001"

static const struct vector {
    const char *method, *form, *signature;
    enum v1_algorithm algorithm;
} vectors[] = {
    { "POST", FORM, "CXLDwDrYDmqEjglpEW3iYcxC4Go=", V1_SHA1 },
    { "POST", FORM "&SignatureMethod=HmacSHA256",
      "+IhqFKI53GUeenTB+KMRVOgd3HR4utUuzuVhXeNUeV4=", V1_SHA256 },
    { "GET", FORM, "AWmPiuuaNB8d5PYtrp4RudyMFTY=", V1_SHA1 },
    { "GET", FORM "&SignatureMethod=HmacSHA256",
      "+QOnEzj82vpJnrhTczneU/OiQCYSmQS2btV5krpERok=", V1_SHA256 },
};

static struct pairs read_pairs(const char *text)
{
    struct pairs pairs;
    assert_int_equal(pairs_read(&pairs, bytes_str(text)), OK);
    return pairs;
}

static struct http_request request_of(const char *method, const struct http_header *host,
                                      const char *path)
{
    return (struct http_request){
        .method = method, .path = bytes_str(path), .headers = host, .header_count = 1
    };
}

static void vectors_are_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        struct pairs pairs = read_pairs(v->form);
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(v1_sign(v->method, HOST, &pairs, v->algorithm, KEY, &out), OK);
        assert_string_equal(buf_str(&out), v->signature);
        buf_fini(&out);
        pairs_fini(&pairs);
    }
}

static void vectors_verify(void **state)
{
    (void)state;
    const struct http_header host = { "host", HOST };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        struct pairs pairs = read_pairs(v->form);
        struct http_request request = request_of(v->method, &host, "/");
        assert_int_equal(v1_verify(&request, &pairs, v->signature, v->algorithm, KEY), OK);
        assert_int_equal(v1_verify(&request, &pairs, v->signature, !v->algorithm, KEY), ERR_AUTH);
        assert_int_equal(v1_verify(&request, &pairs, v->signature, v->algorithm, "other"),
                         ERR_AUTH);
        request.method = i < 2 ? "GET" : "POST";
        assert_int_equal(v1_verify(&request, &pairs, v->signature, v->algorithm, KEY), ERR_AUTH);
        pairs_fini(&pairs);
    }
}

/* Each parameter counts, the signature itself does not. */
static void every_parameter_is_signed(void **state)
{
    (void)state;
    const struct http_header host = { "Host", HOST };
    const struct http_request request = request_of("POST", &host, "/");
    static const struct {
        const char *form;
        int want;
    } rows[] = {
        { FORM "&Signature=anything", OK },
        { FORM "&Extra=1", ERR_AUTH },
        { "A=1", ERR_AUTH },
        { FORM "&SdkAppId2=", ERR_AUTH },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pairs pairs = read_pairs(rows[i].form);
        assert_int_equal(v1_verify(&request, &pairs, vectors[0].signature, V1_SHA1, KEY),
                         rows[i].want);
        pairs_fini(&pairs);
    }
}

static void client_quirks(void **state)
{
    (void)state;
    static const struct {
        const char *what, *signed_host, *sent_host, *sent_path;
        int want;
    } rows[] = {
        { "port in both", "127.0.0.1:9000", "127.0.0.1:9000", "/", OK },
        { "port sent only", "127.0.0.1", "127.0.0.1:9000", "/", OK },
        { "port signed only", "127.0.0.1:9000", "127.0.0.1", "/", ERR_AUTH },
        { "below a path", HOST, HOST, "/api", OK },
        { "another host", "other.test", HOST, "/", ERR_AUTH },
        { "padded", HOST, " " HOST " ", "/", OK },
    };
    struct pairs pairs = read_pairs(FORM);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct http_header host = { "Host", rows[i].sent_host };
        const struct http_request request = request_of("POST", &host, rows[i].sent_path);
        struct buf signature;
        buf_init(&signature, 64);
        assert_int_equal(v1_sign("POST", rows[i].signed_host, &pairs, V1_SHA256, KEY, &signature),
                         OK);
        if (v1_verify(&request, &pairs, buf_str(&signature), V1_SHA256, KEY) != rows[i].want)
            fail_msg("%s", rows[i].what);
        buf_fini(&signature);
    }
    pairs_fini(&pairs);
}

static void odd_signatures(void **state)
{
    (void)state;
    const struct http_header host = { "Host", HOST };
    const struct http_request request = request_of("POST", &host, "/");
    static const char *const odd[] = { "", "=", "CXLDwDrYDmqEjglpEW3iYcxC4Go", "????",
                                       "CXLDwDrYDmqEjglpEW3iYcxC4Go=CXLDwDrYDmqEjglpEW3iYcxC4Go=" };
    struct pairs pairs = read_pairs(FORM);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(v1_verify(&request, &pairs, odd[i], V1_SHA1, KEY), ERR_AUTH);
    struct http_request no_host = request;
    no_host.header_count = 0;
    assert_int_equal(v1_verify(&no_host, &pairs, vectors[0].signature, V1_SHA1, KEY), ERR_AUTH);
    pairs_fini(&pairs);
}

static void methods_by_name(void **state)
{
    (void)state;
    assert_int_equal(v1_algorithm_of("HmacSHA256"), V1_SHA256);
    assert_int_equal(v1_algorithm_of(NULL), V1_SHA1);
    assert_int_equal(v1_algorithm_of("HmacSHA1"), V1_SHA1);
    assert_int_equal(v1_algorithm_of("hmacsha256"), V1_SHA1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_made),
        cmocka_unit_test(vectors_verify),
        cmocka_unit_test(every_parameter_is_signed),
        cmocka_unit_test(client_quirks),
        cmocka_unit_test(odd_signatures),
        cmocka_unit_test(methods_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
