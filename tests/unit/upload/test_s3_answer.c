#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "upload/s3_answer.h"
#include "upload/s3_xml.h"

/* --- XML --- */

static void texts_of_elements(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *want;
        bool whole;
    } cases[] = {
        { "<Error><Code>NoSuchKey</Code></Error>", "NoSuchKey", true },
        { "<?xml version=\"1.0\"?>\n<!-- <Code>no</Code> --><Error>\n <Code>a b</Code></Error>",
          "a b", true },
        { "<e:Error xmlns:e='u'><e:Code a='>' b=\"<'>\">x</e:Code></e:Error>", "x", true },
        { "<Code>&lt;a&gt;&amp;&quot;&apos;&#65;&#x42;&#x6a;</Code>", "<a>&\"'ABj", true },
        { "<Code><![CDATA[<a>&lt;]]>b</Code>", "<a>&lt;b", true },
        { "<Code>a<!-- c -->b</Code>", "ab", true },
        { "<Code>\xc3\xa4&#228;&#10;\n\x01</Code>", "??  ?", true },
        { "<Code/>", "", true },
        { "<Code></Code>", "", true },
        { "<Codes>1</Codes><Code >2</Code >", "2", true },
        { "<Code>first</Code><Code>second</Code>", "first", true },
        { "<Code>0123456789abcdef</Code>", "0123456789abcde", false },
        { "<Code>0123456789abcde</Code>", "0123456789abcde", true },
        { "<Code>a<b>c</b></Code>", "a", false },
        { "<Code>a&nope;b</Code>", "a", false },
        { "<Code>a&b</Code>", "a", false },
        { "<Code>a&#;b</Code>", "a", false },
        { "<Code>a&#xz;b</Code>", "a", false },
        { "<Code>a&#99999999999;b</Code>", "a", false },
        { "<Code>a", "a", false },
        { "<Code>a</", "a", false },
        { "<Code>a<![CDATA[b", "a", false },
        { "<Code", "", false },
        { "<>a</><Code>x</Code>", "", false },
        { "<!DOCTYPE a [<!ENTITY b 'c'>]><Code>x</Code>", "", false },
        { "<Message>x</Message>", "", false },
        { "Code", "", false },
        { "", "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[16];
        bool whole = s3_xml_text(bytes_str(cases[i].xml), "Code", out, sizeof out);
        if (whole != cases[i].whole || strcmp(out, cases[i].want) != 0)
            fail_msg("%s: %d `%s`", cases[i].xml, whole, out);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    static const char xml[] =
        "<?xml version='1.0'?><!-- c --><a:Error b='>'><Code>&lt;<![CDATA[x]]>y</Code></a:Error>";
    size_t whole_from = (size_t)(strstr(xml, "</Code>") - xml) + strlen("</Code>");
    for (size_t len = 0; len < sizeof xml; len++) {
        char out[16], *copy = malloc(len ? len : 1);
        memcpy(copy, xml, len);
        assert_int_equal(s3_xml_text(bytes_of(copy, len), "Code", out, sizeof out),
                         len >= whole_from);
        free(copy);
    }
}

static void roots(void **state)
{
    (void)state;
    assert_true(s3_xml_root_is(bytes_str("<?xml?> \n<!-- --><Error><A/></Error>"), "Error"));
    assert_true(s3_xml_root_is(bytes_str("   <s:Error xmlns:s='x'/>"), "Error"));
    assert_false(s3_xml_root_is(bytes_str("<A><Error/></A>"), "Error"));
    assert_false(s3_xml_root_is(bytes_str("</Error>"), "Error"));
    assert_false(s3_xml_root_is(bytes_str("Error"), "Error"));
    assert_false(s3_xml_root_is(bytes_of(NULL, 0), "Error"));
}

/* --- outcomes --- */

#define ERROR(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static void outcomes(void **state)
{
    (void)state;
    static const struct {
        struct http_result answer;
        const char *body, *headers;
        enum upload_result result;
        const char *code, *message;
    } cases[] = {
        { { 0, 200 }, "", "", UPLOAD_OK, "", "" },
        { { 0, 204 }, "", "", UPLOAD_OK, "", "" },
        { { 0, 200 }, "<Result/>", "", UPLOAD_OK, "", "" },
        { { 0, 200 }, "\n\n " ERROR("InternalError"), "", UPLOAD_RETRY, "InternalError", "m" },
        { { 0, 200 }, ERROR("AccessDenied"), "", UPLOAD_DENIED, "AccessDenied", "m" },
        { { 0, 200 }, ERROR("Whatever"), "", UPLOAD_RETRY, "Whatever", "m" },
        { { 0, 403 }, ERROR("AccessDenied"), "", UPLOAD_DENIED, "AccessDenied", "m" },
        { { 0, 403 }, ERROR("InvalidAccessKeyId"), "", UPLOAD_DENIED, "InvalidAccessKeyId", "m" },
        { { 0, 403 },
          ERROR("SignatureDoesNotMatch"),
          "",
          UPLOAD_DENIED,
          "SignatureDoesNotMatch",
          "m" },
        { { 0, 403 },
          ERROR("RequestTimeTooSkewed"),
          "",
          UPLOAD_RETRY,
          "RequestTimeTooSkewed",
          "m" },
        { { 0, 403 }, ERROR("QuotaExceeded"), "", UPLOAD_RETRY, "QuotaExceeded", "m" },
        { { 0, 400 }, ERROR("ExpiredToken"), "", UPLOAD_DENIED, "ExpiredToken", "m" },
        { { 0, 400 }, ERROR("RequestTimeout"), "", UPLOAD_RETRY, "RequestTimeout", "m" },
        { { 0, 400 }, ERROR("BadDigest"), "", UPLOAD_RETRY, "BadDigest", "m" },
        { { 0, 400 }, ERROR("InvalidArgument"), "", UPLOAD_BAD_REQUEST, "InvalidArgument", "m" },
        { { 0, 401 }, "", "", UPLOAD_DENIED, "HTTP 401", "" },
        { { 0, 404 }, ERROR("NoSuchBucket"), "", UPLOAD_NO_BUCKET, "NoSuchBucket", "m" },
        { { 0, 404 }, "<html>not found</html>", "", UPLOAD_BAD_REQUEST, "HTTP 404", "" },
        { { 0, 404 }, ERROR("NoSuchUpload"), "", UPLOAD_RETRY, "NoSuchUpload", "m" },
        { { 0, 409 }, "", "", UPLOAD_RETRY, "HTTP 409", "" },
        { { 0, 429 }, "", "", UPLOAD_RETRY, "HTTP 429", "" },
        { { 0, 500 }, "", "", UPLOAD_RETRY, "HTTP 500", "" },
        { { 0, 503 }, ERROR("SlowDown"), "", UPLOAD_RETRY, "SlowDown", "m" },
        { { 0, 301 },
          ERROR("PermanentRedirect"),
          "x-amz-bucket-region: eu-west-1\r\n",
          UPLOAD_BAD_REQUEST,
          "PermanentRedirect",
          "m (region eu-west-1)" },
        { { 0, 307 },
          "<Error><Code>TemporaryRedirect</Code><Endpoint>b.s3.x.com</Endpoint></Error>",
          "",
          UPLOAD_BAD_REQUEST,
          "TemporaryRedirect",
          "(region b.s3.x.com)" },
        { { 0, 302 }, "", "", UPLOAD_BAD_REQUEST, "HTTP 302", "" },
        { { 0, 400 },
          "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message>"
          "<Region>eu-1</Region></Error>",
          "",
          UPLOAD_BAD_REQUEST,
          "AuthorizationHeaderMalformed",
          "m (region eu-1)" },
        { { 0, 301 }, "", "x-amz-bucket-region: <b>\r\n", UPLOAD_BAD_REQUEST, "HTTP 301", "" },
        { { HTTP_FAIL_TIMEOUT }, "", "", UPLOAD_RETRY, "Timeout", "timed out" },
        { { HTTP_FAIL_BROKEN, .detail = "d" }, "", "", UPLOAD_RETRY, "ConnectionBroken", "d" },
        { { HTTP_FAIL_CONNECT }, "", "", UPLOAD_RETRY, "NoConnection", "no connection" },
        { { HTTP_FAIL_RESOLVE }, "", "", UPLOAD_RETRY, "HostNotFound", "host not found" },
        { { HTTP_FAIL_TLS }, "", "", UPLOAD_RETRY, "TLSFailed", "TLS failed" },
        { { HTTP_FAIL_CERTIFICATE },
          "",
          "",
          UPLOAD_UNTRUSTED,
          "CertificateRefused",
          "certificate not accepted" },
        { { HTTP_FAIL_REFUSED },
          "",
          "",
          UPLOAD_BAD_REQUEST,
          "AddressNotAllowed",
          "address not allowed" },
        { { HTTP_FAIL_URL }, "", "", UPLOAD_BAD_REQUEST, "InvalidURL", "bad URL" },
        { { HTTP_FAIL_OTHER }, "", "", UPLOAD_RETRY, "RequestFailed", "failed" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_result answer = cases[i].answer;
        struct upload_outcome out;
        answer.body = bytes_str(cases[i].body);
        answer.headers = bytes_str(cases[i].headers);
        s3_answer_outcome(&answer, &out);
        if (out.result != cases[i].result || strcmp(out.code, cases[i].code) != 0 ||
            strcmp(out.message, cases[i].message) != 0)
            fail_msg("case %zu: %s, `%s`, `%s`", i, upload_result_text(out.result), out.code,
                     out.message);
    }
}

static void long_answers_are_cut(void **state)
{
    (void)state;
    char body[2000], text[600];
    struct upload_outcome out;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    snprintf(body, sizeof body,
             "<Error><Code>%s</Code><Message>%s</Message><Region>r</Region>"
             "</Error>",
             text, text);
    struct http_result answer = { .status = 301, .body = bytes_str(body) };
    s3_answer_outcome(&answer, &out);
    assert_string_equal(out.code, "HTTP 301");
    assert_int_equal(strlen(out.message), sizeof out.message - 1);
}

/* --- headers --- */

static void dates(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        usec_t want; /* 0: refused */
    } cases[] = {
        { "Date: Fri, 24 May 2013 00:00:00 GMT\r\n", 1369353600 * SEC },
        { "date:  Fri, 24 May 2013 00:00:00 GMT \r\n", 1369353600 * SEC },
        { "Date: Fri, 24 May 2013 00:00:00\r\n", 0 },
        { "Date: 2013-05-24\r\n", 0 },
        { "Date: Fri, 24 May 2013 00:00:00 GMT and something very long after it\r\n", 0 },
        { "Date:\r\n", 0 },
        { "X: y\r\n", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_result answer = { .headers = bytes_str(cases[i].headers) };
        usec_t got = 0;
        assert_int_equal(s3_answer_time(&answer, &got), cases[i].want != 0);
        assert_true(got == cases[i].want);
    }
}

#define MD5_OF_A "0cc175b9c0f1b6a831c399e269772661"

static void etags(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool usable, differs;
    } cases[] = {
        { "ETag: \"" MD5_OF_A "\"\r\n", true, false },
        { "etag: " MD5_OF_A "\r\n", true, false },
        { "ETag: \"0CC175B9C0F1B6A831C399E269772661\"\r\n", true, false },
        { "ETag: \"1cc175b9c0f1b6a831c399e269772661\"\r\n", true, true },
        { "ETag: \"1cc175b9c0f1b6a831c399e269772661\"\r\nx-amz-server-side-encryption: AES256\r\n",
          true, true },
        { "ETag: \"1cc175b9c0f1b6a831c399e269772661\"\r\nx-amz-server-side-encryption: aws:kms\r\n",
          true, false },
        { "ETag: \"1cc175b9c0f1b6a831c399e269772661\"\r\n"
          "x-amz-server-side-encryption-customer-algorithm: AES256\r\n",
          true, false },
        { "ETag: \"1cc175b9c0f1b6a831c399e269772661-2\"\r\n", true, false },
        { "ETag: \"a<b\"\r\n", false, false },
        { "ETag: \"a b\"\r\n", false, false },
        { "ETag: \r\n", false, false },
        { "ETag: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
          "23456789012345\r\n",
          false, false },
        { "", false, false },
    };
    uint8_t md5[S3_MD5_SIZE];
    hex_decode(md5, sizeof md5, bytes_str(MD5_OF_A));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_result answer = { .headers = bytes_str(cases[i].headers) };
        char tag[S3_ETAG_SIZE];
        if (s3_answer_etag(&answer, tag) != cases[i].usable ||
            s3_answer_etag_differs(&answer, md5) != cases[i].differs)
            fail_msg("%s", cases[i].headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_elements),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(roots),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(long_answers_are_cut),
        cmocka_unit_test(dates),
        cmocka_unit_test(etags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
