/* What a former run of the daemon left in the store of a large file: an upload, and perhaps parts.
 *
 *     list uploads of the key -> list the parts of the newest -> each is hashed here, and counts
 *                                                                when its ETag is that MD5
 *
 * Older uploads of the key are forgotten. A store that refuses to tell (no right to list, not
 * implemented) gets a new upload. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "upload/s3.h"
#include "upload/s3_xml.h"

/* Of an answer that must stay below S3_MAX_ANSWER. */
#define MAX_UPLOADS "20"
#define MAX_PARTS   "150"

/* False: nothing can be asked of this store now, and the put has ended. */
static bool answered(struct bucket_job *job, const struct http_result *answer,
                     struct upload_outcome *outcome)
{
    job->transfer = NULL;
    s3_take_outcome(job->bucket, answer, outcome);
    if (answer->failure == HTTP_ANSWERED && strcmp(outcome->code, "RequestTimeTooSkewed") != 0)
        return true;
    s3_job_end(job, outcome);
    return false;
}

static bool number_in(struct bytes xml, const char *name, uint64_t *out)
{
    char text[24];
    return s3_xml_text(xml, name, text, sizeof text) &&
           str_to_u64(bytes_str(text), UINT64_MAX, out);
}

/* The parts that count begin with the first and leave none out. */
static bool take_part(struct s3_upload *u, struct bytes part)
{
    uint64_t number, size;
    if (u->claimed == u->count || !number_in(part, "PartNumber", &number) ||
        number != u->claimed + 1 || !number_in(part, "Size", &size) ||
        size != s3_upload_part_len(u, u->claimed) ||
        !s3_xml_text(part, "ETag", u->parts[u->claimed].etag, S3_ETAG_SIZE))
        return false;
    u->claimed++;
    return true;
}

static void list_parts(struct bucket_job *job);

static void on_parts(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct s3_upload *u = job->upload;
    struct upload_outcome outcome;
    struct bytes rest = answer->body, part;
    unsigned before = u->claimed;
    char more[8];
    if (!answered(job, answer, &outcome))
        return;
    if (outcome.result != UPLOAD_OK) {
        u->id[0] = 0;
        u->claimed = 0;
        s3_upload_step(job);
        return;
    }
    while (s3_xml_next(&rest, "Part", &part) && take_part(u, part))
        ;
    if (u->claimed > before && s3_xml_text(answer->body, "IsTruncated", more, sizeof more) &&
        strcmp(more, "true") == 0)
        list_parts(job);
    else
        s3_upload_step(job);
}

static void list_parts(struct bucket_job *job)
{
    char after[12];
    snprintf(after, sizeof after, "%u", job->upload->claimed);
    const struct s3_request request = { .method = "GET",
                                        .key = job->key,
                                        .query = { { "uploadId", job->upload->id },
                                                   { "max-parts", MAX_PARTS },
                                                   { "part-number-marker", after } },
                                        .query_count = 3 };
    s3_job_ask(job, &request, on_parts);
}

/* The newest comes last (Amazon S3 API reference, ListMultipartUploads). */
static void choose(struct bucket_job *job, struct bytes uploads)
{
    struct s3_upload *u = job->upload;
    struct bytes one;
    char key[KEY_MAX + 1], id[S3_UPLOAD_ID_SIZE];
    while (s3_xml_next(&uploads, "Upload", &one)) {
        if (!s3_xml_text(one, "Key", key, sizeof key) || strcmp(key, job->key) != 0 ||
            !s3_xml_text(one, "UploadId", id, sizeof id) || !id[0])
            continue;
        s3_upload_forget(job->bucket, u);
        memcpy(u->id, id, sizeof id);
    }
}

static void on_uploads(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct upload_outcome outcome;
    if (!answered(job, answer, &outcome))
        return;
    job->upload->looked = true;
    if (outcome.result == UPLOAD_OK)
        choose(job, answer->body);
    if (job->upload->id[0])
        list_parts(job);
    else
        s3_upload_step(job);
}

void s3_resume_look(struct bucket_job *job)
{
    const struct s3_request request = {
        .method = "GET",
        .key = "",
        .query = { { "uploads", "" }, { "prefix", job->key }, { "max-uploads", MAX_UPLOADS } },
        .query_count = 3
    };
    s3_job_ask(job, &request, on_uploads);
}

bool s3_resume_has_part(struct s3_upload *u, const uint8_t md5[MD5_SIZE])
{
    struct s3_part *part = &u->parts[u->done];
    char hex[2 * MD5_SIZE + 1], quoted[2 * MD5_SIZE + 3];
    if (u->done >= u->claimed)
        return false;
    hex_encode(hex, bytes_of(md5, MD5_SIZE));
    snprintf(quoted, sizeof quoted, "\"%s\"", hex);
    if (strcmp(part->etag, hex) == 0 || strcmp(part->etag, quoted) == 0) {
        memcpy(part->etag, quoted, sizeof quoted);
        return true;
    }
    u->claimed = u->done; /* from here on all is sent */
    return false;
}
