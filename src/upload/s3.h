/* The insides of an S3 bucket, for s3_bucket.c (puts), s3_multipart.c (large ones), s3_resume.c
 * (what a former run left of them) and s3_request.c (one signed request). Control loop. */
#ifndef UPLOAD_S3_H
#define UPLOAD_S3_H

#include <sys/stat.h>
#include <uv.h>

#include "base/list.h"
#include "observe/log.h"
#include "sign/sigv4.h"
#include "upload/content.h"
#include "upload/key.h"
#include "upload/s3_answer.h"
#include "upload/s3_bucket.h"
#include "upload/s3_place.h"

#define S3_MAX_PARTS      10000
#define S3_UPLOAD_ID_SIZE 1025

struct s3_bucket {
    struct bucket bucket;
    unsigned refs; /* one of the owner, one of each job */
    struct loop *control;
    struct http_client *client;
    struct s3_place place;
    char *region, *access_key, *secret_key, *id;
    uint64_t multipart_from, part_size;
    usec_t connect_timeout, stall_timeout;
    usec_t (*wall)(void);
    usec_t skew;         /* of the store's clock to ours */
    struct list uploads; /* struct s3_upload, by .in_bucket: begun, and in no job's hands */
    struct log log;
};

/* A multipart upload that the store knows of. */
struct s3_upload {
    struct link in_bucket; /* s3_bucket.uploads */
    char key[KEY_MAX + 1];
    struct stat file; /* which file's parts these are */
    uint64_t size, part_size;
    unsigned count, done; /* parts; the store has the first `done` of them */
    unsigned claimed;     /* and says that it has these too: their `etag` is to be checked */
    bool looked;          /* for what a former run left in the store */
    char id[S3_UPLOAD_ID_SIZE];
    struct s3_part {
        char etag[S3_ETAG_SIZE];
        uint8_t md5[MD5_SIZE];
    } parts[];
};

struct s3_request;

/* Lives until its put is done, or was cancelled and its work has left the thread pool. */
struct bucket_job {
    struct s3_bucket *bucket;
    bucket_done *done;
    void *ctx;
    uv_work_t work;
    bool working; /* in the pool: `content` and `err` are its */
    bool cancelled;
    struct http_transfer *transfer; /* under way */
    char key[KEY_MAX + 1];          /* "": it was none */
    char content_type[64];
    int fd;
    uint64_t size;
    uint64_t offset, len; /* what is hashed and sent now: the file or a part */
    struct content content;
    int err;
    struct s3_upload *upload; /* NULL: a plain PUT */
    struct buf list;          /* of a completion: its body */
};

/* --- s3_bucket.c --- */

/* Hashes `len` bytes from `offset` in the thread pool, then goes on with s3_job_step. ERR_IO. */
int s3_job_hash(struct bucket_job *job, uint64_t offset, uint64_t len);

/* Ends the put: frees the job and tells its owner. */
void s3_job_end(struct bucket_job *job, const struct upload_outcome *outcome);

/* --- s3_multipart.c --- */

/* What the store is known to have of this file, out of the bucket's list, or nothing yet. NULL: out
 * of memory. */
struct s3_upload *s3_upload_take(struct s3_bucket *b, const char *key, uint64_t size,
                                 const struct stat *file);

/* Hashes the next part, or what a completion needs: nothing. ERR_IO. */
int s3_upload_hash(struct bucket_job *job);

/* The next request of a large put. */
void s3_upload_step(struct bucket_job *job);

uint64_t s3_upload_part_len(const struct s3_upload *u, unsigned part); /* from 0 */

/* Sends a request of the job. When that fails the put ends. */
void s3_job_ask(struct bucket_job *job, const struct s3_request *request, http_done *done);

/* Asks the store to forget it, if it knows of it, without waiting for the answer. */
void s3_upload_forget(struct s3_bucket *b, const struct s3_upload *u);

/* The same, and frees it. NULL is fine. */
void s3_upload_abort(struct s3_bucket *b, struct s3_upload *u);

/* --- s3_resume.c --- */

/* Asks what the store has of the file from before, then goes on with s3_upload_step. */
void s3_resume_look(struct bucket_job *job);

/* The next part is this one, and the store has it. */
bool s3_resume_has_part(struct s3_upload *u, const uint8_t md5[MD5_SIZE]);

/* --- s3_request.c --- */

struct s3_request {
    const char *method, *key; /* key "": the bucket */
    struct sigv4_param query[3];
    size_t query_count;
    const char *content_type;      /* NULL: none */
    const struct content *content; /* of the body; NULL: there is none */
    struct bytes body;             /* borrowed until done or cancelled */
    const int *fd;                 /* instead: a file */
    uint64_t offset, len;
    bool patient; /* the store may think for long before it answers */
};

/* Signs and sends. Errors of http_client_send; ERR_CRYPTO, ERR_RANGE (the clock). */
int s3_send(struct s3_bucket *b, const struct s3_request *request, http_done *done, void *ctx,
            struct http_transfer **out);

/* s3_answer_outcome, and takes the store's time when it refuses ours. */
void s3_take_outcome(struct s3_bucket *b, const struct http_result *answer,
                     struct upload_outcome *out);

#endif
