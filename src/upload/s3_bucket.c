#include "upload/s3_bucket.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/loop.h"
#include "upload/s3.h"

#define ID_LIMIT 8192

static void unref(struct s3_bucket *b)
{
    if (--b->refs)
        return;
    s3_place_fini(&b->place);
    if (b->secret_key)
        explicit_bzero(b->secret_key, strlen(b->secret_key));
    free(b->secret_key);
    free(b->access_key);
    free(b->region);
    free(b->id);
    free(b);
}

static void job_free(struct bucket_job *job)
{
    close(job->fd);
    buf_fini(&job->list);
    unref(job->bucket);
    free(job);
}

/* --- how a put ends --- */

/* What the store has of it is of use for the next try. */
static bool may_resume(const struct upload_outcome *outcome)
{
    return outcome->result != UPLOAD_BAD_REQUEST && outcome->result != UPLOAD_LOCAL_GONE &&
           strcmp(outcome->code, "NoSuchUpload") != 0;
}

static void put_upload_back(struct bucket_job *job, const struct upload_outcome *outcome)
{
    struct s3_upload *u = job->upload;
    if (!u)
        return;
    job->upload = NULL;
    if (outcome->result == UPLOAD_OK)
        free(u);
    else if (u->id[0] && may_resume(outcome))
        list_append(&job->bucket->uploads, &u->in_bucket);
    else
        s3_upload_abort(job->bucket, u);
}

void s3_job_end(struct bucket_job *job, const struct upload_outcome *outcome)
{
    bucket_done *done = job->done;
    void *ctx = job->ctx;
    put_upload_back(job, outcome);
    job_free(job);
    done(ctx, outcome);
}

static void fail(struct bucket_job *job, enum upload_result result, const char *code, int err)
{
    struct upload_outcome outcome;
    s3_outcome_set(&outcome, result, code, err_text(err));
    s3_job_end(job, &outcome);
}

/* --- a plain PUT --- */

static void on_put(void *ctx, const struct http_result *answer)
{
    struct bucket_job *job = ctx;
    struct upload_outcome outcome;
    job->transfer = NULL;
    s3_take_outcome(job->bucket, answer, &outcome);
    if (outcome.result == UPLOAD_OK && s3_answer_etag_differs(answer, job->content.md5))
        s3_outcome_set(&outcome, UPLOAD_RETRY, "WrongETag",
                       "the store's ETag is not the file's MD5");
    s3_job_end(job, &outcome);
}

static void put_whole(struct bucket_job *job)
{
    const struct s3_request request = { .method = "PUT",
                                        .key = job->key,
                                        .content_type = job->content_type,
                                        .content = &job->content,
                                        .fd = &job->fd,
                                        .len = job->size };
    int err = s3_send(job->bucket, &request, on_put, job, &job->transfer);
    if (err)
        fail(job, UPLOAD_RETRY, "Internal", err);
}

/* --- hashing --- */

static void hash(uv_work_t *work)
{
    struct bucket_job *job = work->data;
    job->err = content_of_file(&job->content, job->fd, job->offset, job->len);
}

static void on_hashed(uv_work_t *work, int status)
{
    struct bucket_job *job = work->data;
    int err = status ? ERR_IO : job->err;
    job->working = false;
    if (job->cancelled)
        job_free(job);
    else if (!job->key[0])
        fail(job, UPLOAD_BAD_REQUEST, "InvalidKey", ERR_MALFORMED);
    else if (err == ERR_NOT_FOUND)
        fail(job, UPLOAD_LOCAL_GONE, "LocalFile", err);
    else if (err)
        fail(job, UPLOAD_RETRY, "Internal", err);
    else if (job->upload)
        s3_upload_step(job);
    else
        put_whole(job);
}

int s3_job_hash(struct bucket_job *job, uint64_t offset, uint64_t len)
{
    job->offset = offset;
    job->len = len;
    job->work.data = job;
    job->working = true;
    if (uv_queue_work(loop_uv(job->bucket->control), &job->work, hash, on_hashed) == 0)
        return OK;
    job->working = false;
    return ERR_IO;
}

/* --- the bucket's functions --- */

static int begin(struct bucket_job *job)
{
    struct stat file;
    if (!job->key[0])
        return s3_job_hash(job, 0, 0);
    if (job->size < job->bucket->multipart_from)
        return s3_job_hash(job, 0, job->size);
    if (fstat(job->fd, &file))
        return ERR_IO;
    job->upload = s3_upload_take(job->bucket, job->key, job->size, &file);
    return job->upload ? s3_upload_hash(job) : ERR_NOMEM;
}

static struct bucket_job *job_new(struct s3_bucket *b, const struct bucket_put *put)
{
    struct bucket_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->fd = fcntl(put->fd, F_DUPFD_CLOEXEC, 0);
    if (job->fd < 0) {
        free(job);
        return NULL;
    }
    job->bucket = b;
    job->size = put->size;
    if (s3_key_ok(put->key))
        str_copy(job->key, sizeof job->key, bytes_str(put->key));
    snprintf(job->content_type, sizeof job->content_type, "%s",
             put->content_type ? put->content_type : "application/octet-stream");
    b->refs++;
    return job;
}

static int put_file(struct bucket *bucket, const struct bucket_put *put, bucket_done *done,
                    void *ctx, struct bucket_job **out)
{
    struct bucket_job *job = job_new((struct s3_bucket *)bucket, put);
    if (!job)
        return ERR_NOMEM;
    job->done = done;
    job->ctx = ctx;
    int err = begin(job);
    if (err) {
        const struct upload_outcome later = { .result = UPLOAD_RETRY };
        put_upload_back(job, &later);
        job_free(job);
        return err;
    }
    *out = job;
    return OK;
}

static void cancel(struct bucket *bucket, struct bucket_job *job)
{
    job->cancelled = true;
    if (job->transfer)
        http_client_cancel(job->transfer);
    s3_upload_abort((struct s3_bucket *)bucket, job->upload);
    job->upload = NULL;
    if (job->working)
        uv_cancel((uv_req_t *)&job->work);
    else
        job_free(job);
}

static void free_bucket(struct bucket *bucket)
{
    struct s3_bucket *b = (struct s3_bucket *)bucket;
    list_each(u, &b->uploads, struct s3_upload, in_bucket)
    {
        list_remove(&u->in_bucket);
        s3_upload_abort(b, u);
    }
    unref(b);
}

static const struct bucket_ops ops = { put_file, cancel, free_bucket };

/* --- making one --- */

static char *make_id(const struct s3_bucket *b, const char *name)
{
    struct buf id;
    buf_init(&id, ID_LIMIT);
    buf_printf(&id, "s3:%s%s#%s", b->place.origin, b->place.path, name);
    return buf_detach(&id);
}

static bool copy_texts(struct s3_bucket *b, const struct s3_bucket_config *config)
{
    b->region = str_dup(bytes_str(config->region));
    b->access_key = str_dup(bytes_str(config->access_key));
    b->secret_key = str_dup(bytes_str(config->secret_key));
    b->id = make_id(b, config->name);
    b->bucket.id = b->id;
    return b->region && b->access_key && b->secret_key && b->id;
}

int s3_bucket_new(struct bucket **out, const struct s3_bucket_config *config)
{
    struct s3_bucket *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    *b = (struct s3_bucket){
        .bucket.ops = &ops,
        .refs = 1,
        .control = config->control,
        .client = config->client,
        .multipart_from = config->multipart_from ? config->multipart_from : S3_MULTIPART_FROM,
        .part_size = config->part_size ? config->part_size : S3_PART_SIZE,
        .connect_timeout = config->connect_timeout ? config->connect_timeout : S3_CONNECT_TIMEOUT,
        .stall_timeout = config->stall_timeout ? config->stall_timeout : S3_STALL_TIMEOUT,
        .wall = config->wall ? config->wall : clock_wall,
        .log = log_with(NULL, "bucket", config->name),
    };
    list_init(&b->uploads);
    int err = s3_place_init(&b->place, config->endpoint, config->name, config->path_style);
    if (!err && !copy_texts(b, config))
        err = ERR_NOMEM;
    if (err) {
        unref(b);
        return err;
    }
    *out = &b->bucket;
    return OK;
}
