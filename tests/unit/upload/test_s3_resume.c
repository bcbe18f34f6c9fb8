/* What a former run of the daemon left in the store of a large file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/loop.h"
#include "s3_fixture.h"
#include "upload/s3_xml.h"

static void reopen(void *ctx)
{
    struct fixture *fx = ctx;
    assert_int_equal(s3_bucket_new(&fx->bucket, &fx->config), OK);
}

/* The store has the first three parts, and nobody knows it but the store: the bucket's own wish to
 * have them forgotten is refused, as if it had never been sent. */
static void die_after_three_parts(struct fixture *fx)
{
    stub_fail(fx->stub, STUB_PART, STUB_SLOW_DOWN, 3, 1);
    check_outcome(put_large(fx), UPLOAD_RETRY, "SlowDown");
    unsigned before = stub_counts(fx->stub).requests[STUB_ABORT];
    stub_fail(fx->stub, STUB_ABORT, STUB_DENIED, 0, 1);
    loop_call(fx->control, free_bucket, fx);
    while (stub_counts(fx->stub).requests[STUB_ABORT] == before)
        usleep(1000);
    loop_call(fx->control, reopen, fx);
}

static void wait_until_forgotten(struct fixture *fx)
{
    while (stub_counts(fx->stub).uploads)
        usleep(1000);
}

static void its_parts_count(void **state)
{
    struct fixture *fx = *state;
    die_after_three_parts(fx);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_INITIATE], 1);
    assert_int_equal(c.bytes[STUB_PART], LARGE + PART); /* the refused one */
    assert_int_equal(c.requests[STUB_LIST], 1 + 1 + 2); /* nothing; then an upload, two pages */
    assert_int_equal(c.uploads, 0);
}

/* The file is another by now: from the first part that differs on all is sent. */
static void parts_of_another_content_do_not(void **state)
{
    struct fixture *fx = *state;
    die_after_three_parts(fx);
    for (size_t i = PART; i < LARGE; i++)
        fx->content[i] ^= 1;
    close(fx->large);
    fx->large = make_file(fx, "another", LARGE);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_INITIATE], 1);
    assert_int_equal(c.bytes[STUB_PART], 4 * PART + LARGE - PART);
}

static void parts_of_another_size_do_not(void **state)
{
    struct fixture *fx = *state;
    fx->config.part_size = PART / 2;
    die_after_three_parts(fx);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_INITIATE], 1);
    assert_int_equal(c.bytes[STUB_PART], 4 * PART + LARGE);
}

static void the_newest_counts_and_others_go(void **state)
{
    struct fixture *fx = *state;
    die_after_three_parts(fx);
    stub_fail(fx->stub, STUB_LIST, STUB_DENIED, 0, 1);
    die_after_three_parts(fx);
    assert_int_equal(stub_counts(fx->stub).uploads, 2);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    wait_until_forgotten(fx);
    struct stub_counts c = stub_counts(fx->stub);
    assert_int_equal(c.requests[STUB_INITIATE], 2);
    assert_int_equal(c.bytes[STUB_PART], 4 * PART + LARGE + PART);
}

/* Whoever does not tell gets it anew; whoever does not answer is asked again. */
static void stores_that_do_not_tell(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        enum stub_fault fault;
        unsigned skip;
        enum upload_result result;
        const char *code;
    } cases[] = {
        { STUB_DENIED, 0, UPLOAD_OK, "" },           { STUB_INTERNAL, 0, UPLOAD_OK, "" },
        { STUB_BAD_REQUEST, 0, UPLOAD_OK, "" },      { STUB_ERROR_200, 0, UPLOAD_OK, "" },
        { STUB_NO_WORD, 0, UPLOAD_OK, "" },          { STUB_HUGE, 0, UPLOAD_RETRY, "BadAnswer" },
        { STUB_NO_UPLOAD, 1, UPLOAD_OK, "" }, /* of the parts */
        { STUB_DENIED, 1, UPLOAD_OK, "" },           { STUB_NO_WORD, 1, UPLOAD_OK, "" },
        { STUB_HUGE, 1, UPLOAD_RETRY, "BadAnswer" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        die_after_three_parts(fx);
        stub_fail(fx->stub, STUB_LIST, cases[i].fault, cases[i].skip, 1);
        check_outcome(put_large(fx), cases[i].result, cases[i].code);
        stub_fail(fx->stub, STUB_LIST, cases[i].fault, 0, 0);
        check_outcome(put_large(fx), UPLOAD_OK, "");
        check_object(fx, LARGE);
        /* Others may still be there; the next one that looks has them forgotten. */
        wait_until_forgotten(fx);
    }
}

static void elements_in_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *want; /* what stands within each, with a bar behind it */
    } cases[] = {
        { "<L><P>a</P>x<P><N>1</N></P></L>", "a|<N>1</N>|" },
        { "<L><s3:P a=\"1\">a</s3:P><P/><P></P></L>", "a||" },
        { "<L>P<Q>P</Q><P>P</P></L>", "P|" },
        { "<L><P>a", "" },
        { "<L><P>a</P><P>b</Q>", "a|" },
        { "<L></P><P>a</P>", "a|" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[100] = "";
        struct bytes rest = bytes_str(cases[i].xml), part;
        while (s3_xml_next(&rest, "P", &part)) {
            strncat(got, (const char *)part.ptr, part.len);
            strcat(got, "|");
        }
        assert_string_equal(got, cases[i].want);
    }
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(its_parts_count),
        WITH_STORE(parts_of_another_content_do_not),
        WITH_STORE(parts_of_another_size_do_not),
        WITH_STORE(the_newest_counts_and_others_go),
        WITH_STORE(stores_that_do_not_tell),
        cmocka_unit_test(elements_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
