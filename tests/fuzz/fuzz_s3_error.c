/* What a store answers: the first byte chooses status, the rest up to an empty line is headers,
 * then comes the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "upload/s3_answer.h"
#include "upload/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int statuses[] = { 200, 204, 301, 400, 403, 404, 503 };

static void check_text(const char *text, size_t size)
{
    if (!memchr(text, 0, size))
        abort();
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            abort();
}

static void try_answer(const struct http_result *answer)
{
    struct upload_outcome outcome;
    char etag[S3_ETAG_SIZE], id[64];
    uint8_t md5[S3_MD5_SIZE] = { 0 };
    usec_t time;
    s3_answer_outcome(answer, &outcome);
    check_text(outcome.code, sizeof outcome.code);
    check_text(outcome.message, sizeof outcome.message);
    if (outcome.result == UPLOAD_OK && answer->status / 100 != 2)
        abort();
    if (s3_answer_etag(answer, etag))
        check_text(etag, sizeof etag);
    s3_answer_etag_differs(answer, md5);
    s3_answer_time(answer, &time);
    s3_xml_text(answer->body, "UploadId", id, sizeof id);
    check_text(id, sizeof id);
    struct bytes rest = answer->body, part;
    while (s3_xml_next(&rest, "Part", &part)) {
        if (part.ptr < answer->body.ptr || part.ptr + part.len > rest.ptr)
            abort();
        s3_xml_text(part, "ETag", id, sizeof id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    const uint8_t *gap = rest.len ? memmem(rest.ptr, rest.len, "\r\n\r\n", 4) : NULL;
    size_t head = gap ? (size_t)(gap - rest.ptr) + 2 : 0;
    size_t body = gap ? head + 2 : 0;
    struct http_result answer = {
        .status = statuses[data[0] % (sizeof statuses / sizeof *statuses)],
        .headers = bytes_of(rest.ptr, head),
        .body = bytes_of(rest.ptr + body, rest.len - body),
        .detail = "",
    };
    try_answer(&answer);
    return 0;
}
