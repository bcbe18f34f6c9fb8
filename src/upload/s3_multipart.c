#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"
#include "upload/s3.h"
#include "upload/s3_xml.h"

#define MIB           (1ull << 20)
#define PART_LIST_MAX (4u << 20) /* the list of 10000 parts, with long ETags */

/* --- what the store has --- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static uint64_t part_size_for(const struct s3_bucket *b, uint64_t size)
{
    uint64_t least = (size + S3_MAX_PARTS - 1) / S3_MAX_PARTS;
    return least <= b->part_size ? b->part_size : (least + MIB - 1) / MIB * MIB;
}

static struct s3_upload *upload_new(const struct s3_bucket *b, const char *key, uint64_t size,
                                    const struct stat *file)
{
    uint64_t part_size = part_size_for(b, size);
    size_t count = (size_t)((size + part_size - 1) / part_size);
    struct s3_upload *u = calloc(1, sizeof *u + count * sizeof *u->parts);
    if (!u)
        return NULL;
    link_init(&u->in_bucket);
    str_copy(u->key, sizeof u->key, bytes_str(key));
    u->file = *file;
    u->size = size;
    u->part_size = part_size;
    u->count = (unsigned)count;
    return u;
}

struct s3_upload *s3_upload_take(struct s3_bucket *b, const char *key, uint64_t size,
                                 const struct stat *file)
{
    list_each(u, &b->uploads, struct s3_upload, in_bucket)
    {
        if (strcmp(u->key, key) != 0)
            continue;
        list_remove(&u->in_bucket);
        if (u->size == size && same_file(&u->file, file))
            return u;
        s3_upload_abort(b, u);
    }
    return upload_new(b, key, size, file);
}

static void on_aborted(void *ctx, const struct http_result *answer)
{
    (void)ctx, (void)answer;
}

void s3_upload_forget(struct s3_bucket *b, const struct s3_upload *u)
{
    const struct s3_request request = {
        .method = "DELETE", .key = u->key, .query = { { "uploadId", u->id } }, .query_count = 1
    };
    if (u->id[0] && s3_send(b, &request, on_aborted, NULL, NULL))
        log_warn(&b->log, "parts of %s stay in the store", u->key);
}

void s3_upload_abort(struct s3_bucket *b, struct s3_upload *u)
{
    if (u)
        s3_upload_forget(b, u);
    free(u);
}

/* --- the steps; each ends the put or goes on --- */

static void end(struct bucket_job *job, enum upload_result result, const char *code,
                const char *message)
{
    struct upload_outcome outcome;
    s3_outcome_set(&outcome, result, code, message);
    s3_job_end(job, &outcome);
}

/* The answer to the job's request. False: it was an error, and the put has ended. */
static bool good(struct bucket_job *job, const struct http_result *answer)
{
    struct upload_outcome outcome;
    job->transfer = NULL;
    s3_take_outcome(job->bucket, answer, &outcome);
    if (outcome.result == UPLOAD_OK)
        return true;
    s3_job_end(job, &outcome);
    return false;
}

void s3_job_ask(struct bucket_job *job, const struct s3_request *request, http_done *done)
{
    int err = s3_send(job->bucket, request, done, job, &job->transfer);
    if (err)
        end(job, UPLOAD_RETRY, "Internal", err_text(err));
}

static void on_initiated(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct s3_upload *u = job->upload;
    if (!good(job, answer))
        return;
    if (s3_xml_text(answer->body, "UploadId", u->id, sizeof u->id) && u->id[0]) {
        s3_upload_step(job);
        return;
    }
    u->id[0] = 0;
    end(job, UPLOAD_RETRY, "BadAnswer", "no UploadId in the store's answer");
}

static void initiate(struct bucket_job *job)
{
    const struct s3_request request = { .method = "POST",
                                        .key = job->key,
                                        .query = { { "uploads", "" } },
                                        .query_count = 1,
                                        .content_type = job->content_type };
    s3_job_ask(job, &request, on_initiated);
}

static void part_done(struct bucket_job *job)
{
    struct s3_upload *u = job->upload;
    memcpy(u->parts[u->done].md5, job->content.md5, MD5_SIZE);
    u->done++;
    if (u->done == u->count)
        s3_upload_step(job);
    else if (s3_upload_hash(job))
        end(job, UPLOAD_RETRY, "Internal", "the thread pool takes no work");
}

static void on_part(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct s3_upload *u = job->upload;
    struct s3_part *part = &u->parts[u->done];
    if (!good(job, answer))
        return;
    if (!s3_answer_etag(answer, part->etag) || s3_answer_etag_differs(answer, job->content.md5)) {
        end(job, UPLOAD_RETRY, "WrongETag", "the store's ETag of a part is not its MD5");
        return;
    }
    part_done(job);
}

static void put_part(struct bucket_job *job)
{
    struct s3_upload *u = job->upload;
    char number[12];
    snprintf(number, sizeof number, "%u", u->done + 1);
    const struct s3_request request = { .method = "PUT",
                                        .key = job->key,
                                        .query = { { "partNumber", number },
                                                   { "uploadId", u->id } },
                                        .query_count = 2,
                                        .content = &job->content,
                                        .fd = &job->fd,
                                        .offset = job->offset,
                                        .len = job->len };
    s3_job_ask(job, &request, on_part);
}

/* --- completion --- */

static void write_part_list(const struct s3_upload *u, struct buf *out)
{
    buf_put_str(out, "<CompleteMultipartUpload>");
    for (unsigned i = 0; i < u->count; i++)
        buf_printf(out, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
                   u->parts[i].etag);
    buf_put_str(out, "</CompleteMultipartUpload>");
}

/* The ETag that stores give to an object of these parts, without quotes. */
static bool object_etag(const struct s3_upload *u, char out[S3_ETAG_SIZE])
{
    struct buf all;
    uint8_t md5[MD5_SIZE];
    char hex[2 * MD5_SIZE + 1];
    buf_init(&all, (size_t)S3_MAX_PARTS * MD5_SIZE);
    for (unsigned i = 0; i < u->count; i++)
        buf_put(&all, u->parts[i].md5, MD5_SIZE);
    bool made = !all.err && content_md5(md5, buf_bytes(&all)) == OK;
    buf_fini(&all);
    if (!made)
        return false;
    hex_encode(hex, bytes_of(md5, sizeof md5));
    snprintf(out, S3_ETAG_SIZE, "%s-%u", hex, u->count);
    return true;
}

/* The object that is there is the one that was to be made. */
static bool is_ours(const struct s3_upload *u, const struct http_result *answer)
{
    uint64_t size;
    char want[S3_ETAG_SIZE], got[S3_ETAG_SIZE], quoted[S3_ETAG_SIZE + 2];
    if (!str_to_u64(http_result_header(answer, "Content-Length"), UINT64_MAX, &size) ||
        size != u->size || !s3_answer_etag(answer, got) || !object_etag(u, want))
        return false;
    snprintf(quoted, sizeof quoted, "\"%s\"", want);
    return strcmp(got, want) == 0 || strcmp(got, quoted) == 0;
}

static void on_looked(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct upload_outcome outcome;
    job->transfer = NULL;
    s3_take_outcome(job->bucket, answer, &outcome);
    if (outcome.result == UPLOAD_OK && is_ours(job->upload, answer))
        s3_job_end(job, &outcome);
    else
        end(job, UPLOAD_RETRY, "NoSuchUpload", "the store forgot the parts; starting again");
}

/* The upload is gone. Perhaps it was completed before, and the answer alone was lost: to us, or to
 * libcurl, which then asks again on a new connection. */
static void look(struct bucket_job *job)
{
    const struct s3_request request = { .method = "HEAD", .key = job->key };
    s3_job_ask(job, &request, on_looked);
}

static void on_completed(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct upload_outcome outcome;
    job->transfer = NULL;
    s3_take_outcome(job->bucket, answer, &outcome);
    if (strcmp(outcome.code, "NoSuchUpload") == 0)
        look(job);
    else if (outcome.result == UPLOAD_OK &&
             !s3_xml_root_is(answer->body, "CompleteMultipartUploadResult"))
        end(job, UPLOAD_RETRY, "BadAnswer", "the store does not say that the parts were joined");
    else
        s3_job_end(job, &outcome);
}

static void complete(struct bucket_job *job)
{
    struct buf *list = &job->list;
    struct content content;
    buf_fini(list);
    buf_init(list, PART_LIST_MAX);
    write_part_list(job->upload, list);
    int err = list->err ? list->err : content_of(&content, buf_bytes(list));
    if (err) {
        end(job, UPLOAD_RETRY, "Internal", err_text(err));
        return;
    }
    const struct s3_request request = { .method = "POST",
                                        .key = job->key,
                                        .query = { { "uploadId", job->upload->id } },
                                        .query_count = 1,
                                        .content_type = "application/xml",
                                        .content = &content,
                                        .body = buf_bytes(list),
                                        .patient = true };
    s3_job_ask(job, &request, on_completed);
}

/* --- --- */

uint64_t s3_upload_part_len(const struct s3_upload *u, unsigned part)
{
    uint64_t offset = part * u->part_size;
    uint64_t left = part < u->count ? u->size - offset : 0;
    return left < u->part_size ? left : u->part_size;
}

int s3_upload_hash(struct bucket_job *job)
{
    const struct s3_upload *u = job->upload;
    return s3_job_hash(job, u->done * u->part_size, s3_upload_part_len(u, u->done));
}

void s3_upload_step(struct bucket_job *job)
{
    struct s3_upload *u = job->upload;
    if (!u->looked)
        s3_resume_look(job);
    else if (!u->id[0])
        initiate(job);
    else if (s3_resume_has_part(u, job->content.md5))
        part_done(job);
    else if (u->done < u->count)
        put_part(job);
    else
        complete(job);
}
