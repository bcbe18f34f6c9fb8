#include "s3_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/file.h"
#include "io/loop.h"

void open_bucket(void *ctx)
{
    struct fixture *fx = ctx;
    assert_int_equal(http_client_new(&fx->client, fx->control, &fx->http), OK);
    fx->config.control = fx->control;
    fx->config.client = fx->client;
    assert_int_equal(s3_bucket_new(&fx->bucket, &fx->config), OK);
}

void free_bucket(void *ctx)
{
    struct fixture *fx = ctx;
    bucket_free(fx->bucket);
    fx->bucket = NULL;
}

void close_client(void *ctx)
{
    struct fixture *fx = ctx;
    http_client_free(fx->client);
}

int make_file(struct fixture *fx, const char *name, size_t len)
{
    int fd = openat(fx->dir.fd, name, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, fx->content, len), len);
    return fd;
}

struct fixture *setup_with(struct http_client_settings http, SSL_CTX *tls)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    fx->dir = temp_dir_new();
    fx->stub = stub_new(tls);
    fx->http = http;
    fx->config = (struct s3_bucket_config){ .endpoint = stub_endpoint(fx->stub),
                                            .path_style = true,
                                            .region = "us-east-1",
                                            .name = "b-1",
                                            .access_key = "AK",
                                            .secret_key = "SK",
                                            .multipart_from = 2 * PART,
                                            .part_size = PART,
                                            .stall_timeout = SEC };
    fx->content = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        fx->content[i] = (char)(i * 7 + i / 1000);
    fx->small = make_file(fx, "small", SMALL);
    fx->large = make_file(fx, "large", LARGE);
    sem_init(&fx->done, 0, 0);
    assert_int_equal(loop_new(&fx->control, "control", 10), OK);
    loop_call(fx->control, open_bucket, fx);
    return fx;
}

int setup(void **state)
{
    *state = setup_with((struct http_client_settings){ 0 }, NULL);
    return 0;
}

int teardown(void **state)
{
    struct fixture *fx = *state;
    struct stub_counts c = stub_counts(fx->stub);
    loop_call(fx->control, free_bucket, fx);
    loop_call(fx->control, close_client, fx);
    loop_free(fx->control);
    stub_free(fx->stub);
    close(fx->small);
    close(fx->large);
    temp_dir_free(&fx->dir);
    sem_destroy(&fx->done);
    free(fx->content);
    free(fx);
    if (c.broken)
        fail_msg("the store complains of %u requests, the last about %s", c.broken, c.why);
    return 0;
}

static void on_done(void *ctx, const struct upload_outcome *outcome)
{
    struct fixture *fx = ctx;
    assert_true(loop_is_current(fx->control));
    fx->outcome = *outcome;
    fx->calls++;
    sem_post(&fx->done);
}

void begin(void *ctx)
{
    struct fixture *fx = ctx;
    fx->err = fx->bucket->ops->put_file(fx->bucket, &fx->put, on_done, fx, &fx->job);
}

void run_with(struct fixture *fx, struct bucket_put put, void (*fn)(void *ctx))
{
    fx->put = put;
    if (!fx->put.content_type)
        fx->put.content_type = "video/mp2t";
    loop_call(fx->control, fn, fx);
    assert_int_equal(fx->err, OK);
}

void start(struct fixture *fx, struct bucket_put put)
{
    run_with(fx, put, begin);
}

const struct upload_outcome *put_small(struct fixture *fx)
{
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = SMALL });
    sem_wait(&fx->done);
    return &fx->outcome;
}

const struct upload_outcome *put_large(struct fixture *fx)
{
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->large, .size = LARGE });
    sem_wait(&fx->done);
    return &fx->outcome;
}

void check_outcome(const struct upload_outcome *o, enum upload_result result, const char *code)
{
    if (o->result != result || strcmp(o->code, code) != 0)
        fail_msg("%s, `%s`, `%s`; wanted %s, `%s`", upload_result_text(o->result), o->code,
                 o->message, upload_result_text(result), code);
}

void check_object(struct fixture *fx, size_t len)
{
    char type[64];
    size_t got;
    char *bytes = stub_object(fx->stub, PATH, &got, type);
    assert_non_null(bytes);
    assert_int_equal(got, len);
    assert_memory_equal(bytes, fx->content, len);
    assert_string_equal(type, "video/mp2t");
    free(bytes);
}
