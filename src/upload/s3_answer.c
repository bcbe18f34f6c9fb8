#include "upload/s3_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/str.h"
#include "upload/s3_xml.h"

/* --- by code, where the status alone says too little --- */

static const struct {
    const char *code;
    enum upload_result result;
} codes[] = {
    { "RequestTimeTooSkewed", UPLOAD_RETRY }, /* with a corrected clock */
    { "QuotaExceeded", UPLOAD_RETRY },        /* like a full disk */
    { "RequestTimeout", UPLOAD_RETRY },
    { "IncompleteBody", UPLOAD_RETRY },
    { "BadDigest", UPLOAD_RETRY },
    { "XAmzContentSHA256Mismatch", UPLOAD_RETRY },
    { "SlowDown", UPLOAD_RETRY },
    { "ServiceUnavailable", UPLOAD_RETRY },
    { "InternalError", UPLOAD_RETRY },
    { "OperationAborted", UPLOAD_RETRY },
    { "NoSuchUpload", UPLOAD_RETRY }, /* from the start */
    { "AccessDenied", UPLOAD_DENIED },
    { "InvalidAccessKeyId", UPLOAD_DENIED },
    { "SignatureDoesNotMatch", UPLOAD_DENIED },
    { "InvalidToken", UPLOAD_DENIED },
    { "ExpiredToken", UPLOAD_DENIED },
    { "AccountProblem", UPLOAD_DENIED },
    { "NoSuchBucket", UPLOAD_NO_BUCKET },
};

static enum upload_result result_of(const char *code, int status)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].result;
    if (status >= 500 || status == 408 || status == 409 || status == 429)
        return UPLOAD_RETRY;
    return status == 401 || status == 403 ? UPLOAD_DENIED : UPLOAD_BAD_REQUEST;
}

/* --- no answer --- */

static const struct {
    enum upload_result result;
    const char *code;
} failures[] = {
    [HTTP_FAIL_URL] = { UPLOAD_BAD_REQUEST, "InvalidURL" },
    [HTTP_FAIL_RESOLVE] = { UPLOAD_RETRY, "HostNotFound" },
    [HTTP_FAIL_CONNECT] = { UPLOAD_RETRY, "NoConnection" },
    [HTTP_FAIL_REFUSED] = { UPLOAD_BAD_REQUEST, "AddressNotAllowed" },
    [HTTP_FAIL_TLS] = { UPLOAD_RETRY, "TLSFailed" },
    [HTTP_FAIL_CERTIFICATE] = { UPLOAD_UNTRUSTED, "CertificateRefused" },
    [HTTP_FAIL_TIMEOUT] = { UPLOAD_RETRY, "Timeout" },
    [HTTP_FAIL_BROKEN] = { UPLOAD_RETRY, "ConnectionBroken" },
    [HTTP_FAIL_ANSWER] = { UPLOAD_RETRY, "BadAnswer" },
    [HTTP_FAIL_BODY] = { UPLOAD_RETRY, "LocalRead" },
    [HTTP_FAIL_OTHER] = { UPLOAD_RETRY, "RequestFailed" },
};

void s3_outcome_set(struct upload_outcome *out, enum upload_result result, const char *code,
                    const char *message)
{
    out->result = result;
    snprintf(out->code, sizeof out->code, "%s", code);
    snprintf(out->message, sizeof out->message, "%s", message);
}

static void set_failure(struct upload_outcome *out, const struct http_result *answer)
{
    const char *detail =
        answer->detail && answer->detail[0] ? answer->detail : http_failure_text(answer->failure);
    s3_outcome_set(out, failures[answer->failure].result, failures[answer->failure].code, detail);
}

/* --- an error --- */

static void append(char *message, size_t size, const char *text)
{
    size_t len = strlen(message);
    snprintf(message + len, size - len, "%s", text);
}

/* Of the bucket, where the request came to the wrong one. */
static bool right_region(const struct http_result *answer, char *out, size_t size)
{
    struct bytes header = http_result_header(answer, "x-amz-bucket-region");
    if (header.len && str_only(header, "abcdefghijklmnopqrstuvwxyz0123456789-_") &&
        str_copy(out, size, header))
        return true;
    return (s3_xml_text(answer->body, "Region", out, size) ||
            s3_xml_text(answer->body, "Endpoint", out, size)) &&
           out[0];
}

static void set_error(struct upload_outcome *out, const struct http_result *answer, int status)
{
    char region[128];
    if (!s3_xml_text(answer->body, "Code", out->code, sizeof out->code) || !out->code[0])
        snprintf(out->code, sizeof out->code, "HTTP %d", status);
    s3_xml_text(answer->body, "Message", out->message, sizeof out->message);
    out->result = result_of(out->code, status);
    bool elsewhere = status / 100 == 3 || strcmp(out->code, "AuthorizationHeaderMalformed") == 0;
    if (!elsewhere || !right_region(answer, region, sizeof region))
        return;
    append(out->message, sizeof out->message, out->message[0] ? " (region " : "(region ");
    append(out->message, sizeof out->message, region);
    append(out->message, sizeof out->message, ")");
}

void s3_answer_outcome(const struct http_result *answer, struct upload_outcome *out)
{
    *out = (struct upload_outcome){ .result = UPLOAD_OK };
    if (answer->failure != HTTP_ANSWERED)
        set_failure(out, answer);
    else if (answer->status / 100 != 2)
        set_error(out, answer, answer->status);
    else if (s3_xml_root_is(answer->body, "Error"))
        set_error(out, answer, 500);
}

/* --- headers --- */

bool s3_answer_time(const struct http_result *answer, usec_t *out)
{
    char text[40];
    struct tm tm = { 0 };
    struct bytes date = http_result_header(answer, "Date");
    if (!date.ptr || !str_copy(text, sizeof text, date))
        return false;
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end)
        return false;
    *out = (usec_t)timegm(&tm) * SEC;
    return true;
}

bool s3_answer_etag(const struct http_result *answer, char out[S3_ETAG_SIZE])
{
    struct bytes tag = http_result_header(answer, "ETag");
    for (size_t i = 0; i < tag.len; i++)
        if (tag.ptr[i] <= ' ' || tag.ptr[i] > '~' || strchr("<>&", tag.ptr[i]))
            return false;
    return tag.len > 0 && str_copy(out, S3_ETAG_SIZE, tag);
}

static struct bytes unquoted(struct bytes tag)
{
    bool quoted = tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"';
    return quoted ? bytes_of(tag.ptr + 1, tag.len - 2) : tag;
}

/* Amazon S3 API reference, "Object", ETag: no MD5 when encrypted with SSE-C or SSE-KMS. */
static bool foreign_encryption(const struct http_result *answer)
{
    struct bytes by = http_result_header(answer, "x-amz-server-side-encryption");
    return str_starts(by, "aws:") ||
           http_result_header(answer, "x-amz-server-side-encryption-customer-algorithm").ptr;
}

bool s3_answer_etag_differs(const struct http_result *answer, const uint8_t md5[S3_MD5_SIZE])
{
    uint8_t tag[S3_MD5_SIZE];
    struct bytes text = unquoted(http_result_header(answer, "ETag"));
    return hex_decode(tag, sizeof tag, text) && !foreign_encryption(answer) &&
           memcmp(tag, md5, sizeof tag) != 0;
}
