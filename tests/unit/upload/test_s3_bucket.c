/* S3 buckets on a real loop, against a store that misbehaves to order. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/address_policy.h"
#include "io/file.h"
#include "io/http_client.h"
#include "io/loop.h"
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

static void open_bucket(void *ctx)
{
    struct fixture *fx = ctx;
    assert_int_equal(http_client_new(&fx->client, fx->control, &fx->http), OK);
    fx->config.control = fx->control;
    fx->config.client = fx->client;
    assert_int_equal(s3_bucket_new(&fx->bucket, &fx->config), OK);
}

static void free_bucket(void *ctx)
{
    struct fixture *fx = ctx;
    bucket_free(fx->bucket);
    fx->bucket = NULL;
}

static void close_client(void *ctx)
{
    struct fixture *fx = ctx;
    http_client_free(fx->client);
}

static int make_file(struct fixture *fx, const char *name, size_t len)
{
    int fd = openat(fx->dir.fd, name, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, fx->content, len), len);
    return fd;
}

static struct fixture *setup_with(struct http_client_settings http)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    fx->dir = temp_dir_new();
    fx->stub = stub_new(NULL);
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

static int setup(void **state)
{
    *state = setup_with((struct http_client_settings){ 0 });
    return 0;
}

static int teardown(void **state)
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

static void begin(void *ctx)
{
    struct fixture *fx = ctx;
    fx->err = fx->bucket->ops->put_file(fx->bucket, &fx->put, on_done, fx, &fx->job);
}

static void run_with(struct fixture *fx, struct bucket_put put, void (*fn)(void *ctx))
{
    fx->put = put;
    if (!fx->put.content_type)
        fx->put.content_type = "video/mp2t";
    loop_call(fx->control, fn, fx);
    assert_int_equal(fx->err, OK);
}

static void start(struct fixture *fx, struct bucket_put put)
{
    run_with(fx, put, begin);
}

static const struct upload_outcome *put_small(struct fixture *fx)
{
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = SMALL });
    sem_wait(&fx->done);
    return &fx->outcome;
}

static const struct upload_outcome *put_large(struct fixture *fx)
{
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->large, .size = LARGE });
    sem_wait(&fx->done);
    return &fx->outcome;
}

static void check_outcome(const struct upload_outcome *o, enum upload_result result,
                          const char *code)
{
    if (o->result != result || strcmp(o->code, code) != 0)
        fail_msg("%s, `%s`, `%s`; wanted %s, `%s`", upload_result_text(o->result), o->code,
                 o->message, upload_result_text(result), code);
}

static void check_object(struct fixture *fx, size_t len)
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

/* --- when all is well --- */

static void small_files_go_up_whole(void **state)
{
    struct fixture *fx = *state;
    for (int i = 0; i < 3; i++)
        check_outcome(put_small(fx), UPLOAD_OK, "");
    check_object(fx, SMALL);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_PUT], 3);
    assert_int_equal(c.connections, 1);

    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = 0 });
    sem_wait(&fx->done);
    check_outcome(&fx->outcome, UPLOAD_OK, "");
    check_object(fx, 0);
}

static void large_files_go_up_in_parts(void **state)
{
    struct fixture *fx = *state;
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_INITIATE], 1);
    assert_int_equal(c.requests[STUB_PART], 5);
    assert_int_equal(c.requests[STUB_COMPLETE], 1);
    assert_int_equal(c.requests[STUB_PUT], 0);
    assert_int_equal(c.bytes[STUB_PART], LARGE);
    assert_int_equal(c.uploads, 0);
    assert_int_equal(c.connections, 1);

    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->large, .size = 2 * PART });
    sem_wait(&fx->done);
    check_outcome(&fx->outcome, UPLOAD_OK, "");
    check_object(fx, 2 * PART);
}

static void buckets_have_an_identity(void **state)
{
    struct fixture *fx = *state;
    struct s3_bucket_config other = fx->config;
    struct bucket *b;
    other.access_key = "other";
    assert_int_equal(s3_bucket_new(&b, &other), OK);
    assert_string_equal(b->id, fx->bucket->id);
    bucket_free(b);
    other.name = "b-2";
    assert_int_equal(s3_bucket_new(&b, &other), OK);
    assert_string_not_equal(b->id, fx->bucket->id);
    bucket_free(b);

    other.name = "NoName";
    assert_int_equal(s3_bucket_new(&b, &other), ERR_MALFORMED);
    other.name = "b-2";
    other.endpoint = "gopher://h";
    assert_int_equal(s3_bucket_new(&b, &other), ERR_MALFORMED);
}

/* --- when not --- */

static void failures_have_classes(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        enum stub_fault fault;
        enum upload_result result;
        const char *code;
    } cases[] = {
        { STUB_SLOW_DOWN, UPLOAD_RETRY, "SlowDown" },
        { STUB_INTERNAL, UPLOAD_RETRY, "HTTP 500" },
        { STUB_DENIED, UPLOAD_DENIED, "AccessDenied" },
        { STUB_WRONG_KEY, UPLOAD_DENIED, "SignatureDoesNotMatch" },
        { STUB_NO_BUCKET, UPLOAD_NO_BUCKET, "NoSuchBucket" },
        { STUB_BAD_REQUEST, UPLOAD_BAD_REQUEST, "InvalidRequest" },
        { STUB_ELSEWHERE, UPLOAD_BAD_REQUEST, "PermanentRedirect" },
        { STUB_RESET, UPLOAD_RETRY, "ConnectionBroken" },
        { STUB_LOST, UPLOAD_RETRY, "ConnectionBroken" },
        { STUB_WRONG_ETAG, UPLOAD_RETRY, "WrongETag" },
        { STUB_ERROR_200, UPLOAD_RETRY, "InternalError" },
        { STUB_HUGE, UPLOAD_RETRY, "BadAnswer" },
        { STUB_OTHER_ETAG, UPLOAD_OK, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* libcurl sends again by itself when a kept connection dies without an answer. */
        bool twice = cases[i].fault == STUB_LOST || cases[i].fault == STUB_RESET;
        stub_fail(fx->stub, STUB_PUT, cases[i].fault, 0, twice ? 2 : 1);
        check_outcome(put_small(fx), cases[i].result, cases[i].code);
        stub_fail(fx->stub, STUB_PUT, cases[i].fault, 0, 0);
        check_outcome(put_small(fx), UPLOAD_OK, "");
        check_object(fx, SMALL);
    }
}

static void another_region_is_named(void **state)
{
    struct fixture *fx = *state;
    stub_fail(fx->stub, STUB_PUT, STUB_ELSEWHERE, 0, 1);
    assert_string_equal(put_small(fx)->message,
                        "It is PermanentRedirect & so (region b.s3.eu-west-1.amazonaws.com)");
}

static void no_server_is_no_connection(void **state)
{
    struct fixture *fx = *state;
    struct s3_bucket_config config = fx->config;
    struct bucket *kept = fx->bucket;
    config.endpoint = "http://127.0.0.1:1";
    assert_int_equal(s3_bucket_new(&fx->bucket, &config), OK);
    check_outcome(put_small(fx), UPLOAD_RETRY, "NoConnection");
    loop_call(fx->control, free_bucket, fx);
    config.endpoint = "http://store.invalid";
    assert_int_equal(s3_bucket_new(&fx->bucket, &config), OK);
    check_outcome(put_small(fx), UPLOAD_RETRY, "HostNotFound");
    loop_call(fx->control, free_bucket, fx);
    fx->bucket = kept;
}

static void a_wrong_clock_is_corrected(void **state)
{
    struct fixture *fx = *state;
    static const long ahead[] = { 3600, -86400, 0 };
    for (size_t i = 0; i < 3; i++) {
        stub_set_clock(fx->stub, ahead[i]);
        check_outcome(put_small(fx), UPLOAD_RETRY, "RequestTimeTooSkewed");
        check_outcome(put_small(fx), UPLOAD_OK, "");
        check_outcome(put_large(fx), UPLOAD_OK, "");
    }
}

static void local_trouble(void **state)
{
    struct fixture *fx = *state;
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = SMALL + 1 });
    sem_wait(&fx->done);
    check_outcome(&fx->outcome, UPLOAD_LOCAL_GONE, "LocalFile");
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = 3 * PART });
    sem_wait(&fx->done);
    check_outcome(&fx->outcome, UPLOAD_LOCAL_GONE, "LocalFile");
    start(fx, (struct bucket_put){ .key = "a/../b", .fd = fx->small, .size = SMALL });
    sem_wait(&fx->done);
    check_outcome(&fx->outcome, UPLOAD_BAD_REQUEST, "InvalidKey");
    assert_int_equal(stub_counts(fx->stub).requests[STUB_PUT], 0);
    assert_int_equal(stub_counts(fx->stub).requests[STUB_INITIATE], 0);
}

/* --- large files when not --- */

/* The store is asked to forget parts without waiting for its answer. */
static void wait_until_forgotten(struct fixture *fx)
{
    while (stub_counts(fx->stub).uploads)
        usleep(1000);
}

/* Whatever happens once: the next put makes the object, no part that the store took is sent again,
 * and no upload stays open. */
static void parts_are_not_sent_twice(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        enum stub_op op;
        enum stub_fault fault;
        unsigned skip;
        enum upload_result result;
        const char *code;
        unsigned parts_again, initiated;
    } cases[] = {
        { STUB_INITIATE, STUB_SLOW_DOWN, 0, UPLOAD_RETRY, "SlowDown", 0, 2 },
        { STUB_INITIATE, STUB_DENIED, 0, UPLOAD_DENIED, "AccessDenied", 0, 2 },
        { STUB_INITIATE, STUB_NO_WORD, 0, UPLOAD_RETRY, "BadAnswer", 0, 2 },
        { STUB_PART, STUB_SLOW_DOWN, 2, UPLOAD_RETRY, "SlowDown", 1, 1 },
        { STUB_PART, STUB_DENIED, 4, UPLOAD_DENIED, "AccessDenied", 1, 1 },
        /* libcurl looks back over five seconds, so this one takes as long. */
        { STUB_PART, STUB_STALL, 1, UPLOAD_RETRY, "Timeout", 1, 1 },
        { STUB_PART, STUB_WRONG_ETAG, 3, UPLOAD_RETRY, "WrongETag", 1, 1 },
        { STUB_PART, STUB_RESET, 3, UPLOAD_RETRY, "ConnectionBroken", 0, 1 },
        { STUB_COMPLETE, STUB_ERROR_200, 0, UPLOAD_RETRY, "InternalError", 0, 1 },
        { STUB_COMPLETE, STUB_NO_WORD, 0, UPLOAD_RETRY, "BadAnswer", 0, 1 },
        { STUB_COMPLETE, STUB_SLOW_DOWN, 0, UPLOAD_RETRY, "SlowDown", 0, 1 },
        { STUB_PART, STUB_NO_UPLOAD, 2, UPLOAD_RETRY, "NoSuchUpload", 3, 2 },
        { STUB_PART, STUB_BAD_REQUEST, 2, UPLOAD_BAD_REQUEST, "InvalidRequest", 3, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stub_counts before = stub_counts(fx->stub);
        bool twice = cases[i].fault == STUB_RESET;
        stub_fail(fx->stub, cases[i].op, cases[i].fault, cases[i].skip, twice ? 2 : 1);
        check_outcome(put_large(fx), cases[i].result, cases[i].code);
        stub_fail(fx->stub, cases[i].op, cases[i].fault, 0, 0);
        check_outcome(put_large(fx), UPLOAD_OK, "");
        check_object(fx, LARGE);
        struct stub_counts after = stub_counts(fx->stub);
        uint64_t again = after.bytes[STUB_PART] - before.bytes[STUB_PART] - LARGE;
        if (again > cases[i].parts_again * (uint64_t)PART)
            fail_msg("case %zu: %llu bytes sent twice", i, (unsigned long long)again);
        assert_int_equal(after.requests[STUB_INITIATE] - before.requests[STUB_INITIATE],
                         cases[i].initiated);
        wait_until_forgotten(fx);
    }
}

/* The parts were joined, but nobody heard of it. */
static void a_lost_completion_is_found_out(void **state)
{
    struct fixture *fx = *state;
    stub_fail(fx->stub, STUB_COMPLETE, STUB_LOST, 0, 1);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_HEAD], 1);
    assert_int_equal(c.bytes[STUB_PART], LARGE);

    stub_fail(fx->stub, STUB_COMPLETE, STUB_LOST, 0, 2);
    check_outcome(put_large(fx), UPLOAD_RETRY, "ConnectionBroken");
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    assert_int_equal(stub_counts(fx->stub).bytes[STUB_PART], 2 * LARGE);
}

/* The same, but what lies there is something else. */
static void another_object_is_not_taken_for_ours(void **state)
{
    struct fixture *fx = *state;
    check_outcome(put_small(fx), UPLOAD_OK, "");
    stub_fail(fx->stub, STUB_COMPLETE, STUB_SLOW_DOWN, 0, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "SlowDown");
    stub_fail(fx->stub, STUB_COMPLETE, STUB_NO_UPLOAD, 0, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "NoSuchUpload");
    assert_int_equal(stub_counts(fx->stub).requests[STUB_HEAD], 1);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    assert_int_equal(stub_counts(fx->stub).bytes[STUB_PART], 2 * LARGE);
}

static void a_file_that_changed_starts_anew(void **state)
{
    struct fixture *fx = *state;
    stub_fail(fx->stub, STUB_PART, STUB_SLOW_DOWN, 3, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "SlowDown");
    for (size_t i = 0; i < LARGE; i++)
        fx->content[i] ^= 1;
    close(fx->large);
    fx->large = make_file(fx, "another", LARGE);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    assert_int_equal(stub_counts(fx->stub).requests[STUB_INITIATE], 2);
}

/* --- giving up --- */

static void cancel(void *ctx)
{
    struct fixture *fx = ctx;
    fx->bucket->ops->cancel(fx->bucket, fx->job);
}

/* In one turn of the loop, so that the put cannot be done in between. */
static void begin_and_cancel(void *ctx)
{
    struct fixture *fx = ctx;
    begin(fx);
    if (!fx->err)
        cancel(fx);
}

static void wait_for(struct fixture *fx, enum stub_op op, unsigned count)
{
    while (stub_counts(fx->stub).requests[op] < count)
        usleep(1000);
}

static void cancelled_puts_say_nothing(void **state)
{
    struct fixture *fx = *state;
    run_with(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = SMALL },
             begin_and_cancel);

    stub_fail(fx->stub, STUB_PUT, STUB_STALL, 0, 1);
    unsigned before = stub_counts(fx->stub).requests[STUB_PUT];
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->small, .size = SMALL });
    wait_for(fx, STUB_PUT, before + 1);
    loop_call(fx->control, cancel, fx);

    stub_fail(fx->stub, STUB_PART, STUB_STALL, 2, 1);
    start(fx, (struct bucket_put){ .key = KEY, .fd = fx->large, .size = LARGE });
    wait_for(fx, STUB_PART, 3);
    loop_call(fx->control, cancel, fx);
    wait_for(fx, STUB_ABORT, 1);
    assert_int_equal(fx->calls, 0);
    check_outcome(put_small(fx), UPLOAD_OK, "");
    assert_int_equal(fx->calls, 1);
    assert_int_equal(stub_counts(fx->stub).uploads, 0);
}

static void a_bucket_that_goes_leaves_no_parts(void **state)
{
    struct fixture *fx = *state;
    stub_fail(fx->stub, STUB_PART, STUB_SLOW_DOWN, 3, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "SlowDown");
    assert_int_equal(stub_counts(fx->stub).uploads, 1);
    loop_call(fx->control, free_bucket, fx);
    wait_for(fx, STUB_ABORT, 1);
    assert_int_equal(stub_counts(fx->stub).uploads, 0);
}

static void free_both(void *ctx)
{
    free_bucket(ctx);
    close_client(ctx);
}

/* The daemon ends in the middle of things. */
static void everything_may_go_at_once(void **state)
{
    (void)state;
    struct fixture *fx = setup_with((struct http_client_settings){ 0 });
    stub_fail(fx->stub, STUB_PART, STUB_SLOW_DOWN, 3, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "SlowDown");
    run_with(fx, (struct bucket_put){ .key = KEY, .fd = fx->large, .size = LARGE },
             begin_and_cancel);
    loop_call(fx->control, free_both, fx);
    loop_free(fx->control);
    stub_free(fx->stub);
    close(fx->small);
    close(fx->large);
    temp_dir_free(&fx->dir);
    free(fx->content);
    free(fx);
}

/* --- where it may go --- */

static void the_policy_decides(void **state)
{
    static struct address_policy policy;
    assert_int_equal(address_policy_init(&policy, NULL, 0), OK);
    struct fixture *fx = setup_with(
        (struct http_client_settings){ .allow = address_policy_allow, .allow_ctx = &policy });
    check_outcome(put_small(fx), UPLOAD_BAD_REQUEST, "AddressNotAllowed");
    assert_int_equal(stub_counts(fx->stub).connections, 0);
    *state = fx;
    teardown(state);
    address_policy_fini(&policy);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(small_files_go_up_whole),
        WITH_STORE(large_files_go_up_in_parts),
        WITH_STORE(buckets_have_an_identity),
        WITH_STORE(failures_have_classes),
        WITH_STORE(another_region_is_named),
        WITH_STORE(no_server_is_no_connection),
        WITH_STORE(a_wrong_clock_is_corrected),
        WITH_STORE(local_trouble),
        WITH_STORE(parts_are_not_sent_twice),
        WITH_STORE(a_lost_completion_is_found_out),
        WITH_STORE(another_object_is_not_taken_for_ours),
        WITH_STORE(a_file_that_changed_starts_anew),
        WITH_STORE(cancelled_puts_say_nothing),
        WITH_STORE(a_bucket_that_goes_leaves_no_parts),
        cmocka_unit_test(everything_may_go_at_once),
        cmocka_unit_test(the_policy_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
