#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "segment/interleave.h"

static struct frame *frame(enum codec codec, usec_t time)
{
    struct frame *f = frame_new(codec, 1);
    assert_non_null(f);
    f->time = time;
    return f;
}

static int push(struct interleave *il, enum codec codec, usec_t time)
{
    struct frame *f = frame(codec, time);
    int err = interleave_push(il, f);
    frame_unref(f);
    return err;
}

/* The time of the next frame, with 1 added for audio; -1: none. */
static usec_t pull(struct interleave *il, bool all)
{
    struct frame *f = interleave_pull(il, all);
    usec_t at = f ? f->time + (f->codec == CODEC_AAC) : -1;
    frame_unref(f);
    return at;
}

static void waits_for_the_other(void **state)
{
    (void)state;
    struct interleave il;
    interleave_init(&il, 1 * SEC, 1 * SEC);
    assert_int_equal(push(&il, CODEC_H264, 1000), OK);
    assert_int_equal(pull(&il, false), -1);
    assert_int_equal(push(&il, CODEC_AAC, 500), OK);
    assert_int_equal(pull(&il, false), 501);
    assert_int_equal(pull(&il, false), -1);
    assert_int_equal(push(&il, CODEC_AAC, 1000), OK);
    assert_int_equal(pull(&il, false), 1000); /* video first */
    assert_int_equal(pull(&il, false), 1001); /* video has come as far */
    assert_int_equal(push(&il, CODEC_AAC, 1000), ERR_RANGE);
    interleave_fini(&il);
}

static void waits_no_longer_than_said(void **state)
{
    (void)state;
    struct interleave il;
    interleave_init(&il, 2 * SEC, 1 * SEC);
    push(&il, CODEC_AAC, 0);
    push(&il, CODEC_AAC, 1999 * MSEC);
    assert_int_equal(pull(&il, false), -1);
    assert_int_equal(interleave_deadline(&il), 2 * SEC);
    push(&il, CODEC_AAC, 2 * SEC);
    assert_int_equal(pull(&il, false), 1);
    assert_int_equal(pull(&il, false), -1);
    interleave_tick(&il, 4 * SEC - 1);
    assert_int_equal(pull(&il, false), 1999 * MSEC + 1);
    assert_int_equal(pull(&il, false), -1);
    assert_int_equal(pull(&il, true), 2 * SEC + 1);
    assert_int_equal(interleave_deadline(&il), USEC_NEVER);
    push(&il, CODEC_H264, 1 * SEC); /* freed by fini */
    interleave_fini(&il);
}

static void never_overflows(void **state)
{
    (void)state;
    struct interleave il;
    interleave_init(&il, SEC, SEC);
    int out = 0;
    for (int i = 0; i < 2 * INTERLEAVE_SLOTS; i++) {
        assert_int_equal(push(&il, CODEC_H264, i), OK);
        out += pull(&il, false) >= 0;
    }
    assert_int_equal(out, INTERLEAVE_SLOTS + 1);
    interleave_fini(&il);
}

/* With delays below the wait the order is perfect. */
static void sorts_what_is_late(void **state)
{
    (void)state;
    uint32_t seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    struct interleave il;
    interleave_init(&il, SEC, SEC);
    usec_t audio = 0, video = 0, last = -1;
    int pushed = 0, pulled = 0;
    for (int i = 0; i < 20000; i++) {
        bool a = audio < video ? video - audio > 900 * MSEC || rand() % 2
                               : audio - video < 900 * MSEC && rand() % 2;
        usec_t *t = a ? &audio : &video;
        *t += 1 + rand() % (40 * (int)MSEC);
        assert_int_equal(push(&il, a ? CODEC_AAC : CODEC_H264, *t), OK);
        pushed++;
        struct frame *f;
        while ((f = interleave_pull(&il, i == 19999))) {
            assert_true(f->time >= last);
            last = f->time;
            pulled++;
            frame_unref(f);
        }
    }
    assert_int_equal(pushed, pulled);
    interleave_fini(&il);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_the_other),
        cmocka_unit_test(waits_no_longer_than_said),
        cmocka_unit_test(never_overflows),
        cmocka_unit_test(sorts_what_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
