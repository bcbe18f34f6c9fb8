/* A bucket of the stub on a real loop, and puts that are waited for. */
#ifndef S3_FIXTURE_H
#define S3_FIXTURE_H

#include <semaphore.h>

#include "../temp_dir.h"
#include "io/http_client.h"
#include "s3_stub.h"
#include "upload/s3_bucket.h"

#define PART  (100u << 10)
#define LARGE (4 * PART + 123) /* five parts */
#define SMALL 1000
#define KEY   "p/task-1/a+b=.ts"
#define PATH  "/b-1/p/task-1/a%2Bb%3D.ts"

struct fixture {
    struct temp_dir dir;
    struct s3_stub *stub;
    struct loop *control;
    struct http_client_settings http;
    struct http_client *client;
    struct s3_bucket_config config;
    struct bucket *bucket;
    int small, large; /* files */
    char *content;    /* of the large one; the small one is its beginning */

    /* the put under way */
    struct bucket_put put;
    struct bucket_job *job;
    int err;
    unsigned calls;
    struct upload_outcome outcome;
    sem_t done;
};

/* `tls` NULL: plain. Both are borrowed for as long as the fixture lives. */
struct fixture *setup_with(struct http_client_settings http, SSL_CTX *tls);
int setup(void **state); /* plain, any address */

/* The store must have had nothing to complain of. */
int teardown(void **state);

/* Another file, open, with the first `len` bytes of `content`. */
int make_file(struct fixture *fx, const char *name, size_t len);

/* For loop_call. */
void begin(void *ctx); /* fx->put; the error is in fx->err */
void open_bucket(void *ctx);
void free_bucket(void *ctx);
void close_client(void *ctx);

void run_with(struct fixture *fx, struct bucket_put put, void (*fn)(void *ctx));
void start(struct fixture *fx, struct bucket_put put);

/* With the outcome, which is good until the next put. */
const struct upload_outcome *put_small(struct fixture *fx);
const struct upload_outcome *put_large(struct fixture *fx);

void check_outcome(const struct upload_outcome *o, enum upload_result result, const char *code);

/* The object is the first `len` bytes of the files. */
void check_object(struct fixture *fx, size_t len);

#endif
