/* S3 buckets on a real loop, against a store that misbehaves to order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/address_policy.h"
#include "io/loop.h"
#include "s3_fixture.h"

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
    struct fixture *fx = setup_with((struct http_client_settings){ 0 }, NULL);
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
        (struct http_client_settings){ .allow = address_policy_allow, .allow_ctx = &policy }, NULL);
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
