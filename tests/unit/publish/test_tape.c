#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/err.h"
#include "publish/tape.h"

static struct frame *a_frame(enum codec codec, bool key)
{
    struct frame *f = frame_new(codec, 1);
    assert_non_null(f);
    f->key = key;
    return f;
}

static void numbers_and_keys(void **state)
{
    (void)state;
    struct tape *tape = tape_new();
    for (int i = 0; i < 60; i++)
        assert_true(tape_put(tape, a_frame(CODEC_H264, i % 30 == 0), i * 33 * MSEC));
    uint64_t number;
    usec_t time;
    assert_true(tape_find(tape, MEDIA_VIDEO, 1, &number, &time));
    assert_int_equal(number, 30);
    assert_int_equal(time, 30 * 33 * MSEC);
    assert_false(tape_find(tape, MEDIA_VIDEO, 31 * 33 * MSEC, &number, &time));
    assert_false(tape_find(tape, MEDIA_AUDIO, 0, &number, &time));

    struct tape_item item;
    number = 60;
    assert_int_equal(tape_get(tape, MEDIA_VIDEO, &number, &item), TAPE_NOT_YET);
    tape_release(tape, 10 * 33 * MSEC);
    number = 3;
    assert_int_equal(tape_get(tape, MEDIA_VIDEO, &number, &item), TAPE_ITEM);
    assert_int_equal(number, 10);
    assert_int_equal(item.time, 10 * 33 * MSEC);
    tape_release(tape, SEC); /* the reference stays good */
    frame_unref(item.frame);
    tape_end(tape, OK);
    number = 60;
    assert_int_equal(tape_get(tape, MEDIA_VIDEO, &number, &item), TAPE_OVER);
    assert_int_equal(tape_wait(tape, false, true, 10 * SEC), OK);
    assert_int_equal(tape_wait(tape, true, true, 0), ERR_NOT_FOUND);
    tape_free(tape);
}

/* A writer that is faster than the tape goes on when frames are released. */
static void *write_all(void *arg)
{
    struct tape *tape = arg;
    usec_t time = 0;
    while (tape_put(tape, a_frame(CODEC_OPUS, true), time))
        time += 20 * MSEC;
    tape_end(tape, ERR_IO);
    return NULL;
}

static void writer_waits(void **state)
{
    (void)state;
    struct tape *tape = tape_new();
    struct tape_item item;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_all, tape), 0);
    assert_int_equal(tape_wait(tape, true, false, TAPE_AHEAD), OK);
    uint64_t number = TAPE_AHEAD / (20 * MSEC) + 1;
    assert_int_equal(tape_get(tape, MEDIA_AUDIO, &number, &item), TAPE_NOT_YET);
    for (uint64_t i = 0; i < 20000;) {
        number = i;
        if (tape_get(tape, MEDIA_AUDIO, &number, &item) != TAPE_ITEM)
            continue;
        assert_int_equal(number, i);
        assert_int_equal(item.time, (usec_t)i * 20 * MSEC);
        frame_unref(item.frame);
        tape_release(tape, (usec_t)++i * 20 * MSEC);
    }
    tape_stop(tape);
    pthread_join(thread, NULL);
    assert_int_equal(tape_wait(tape, true, false, 0), ERR_IO);
    tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_keys),
        cmocka_unit_test(writer_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
