#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtp/stats.h"

static struct rtp_stats s;
static struct rtcp_block b;

static int setup(void **state)
{
    (void)state;
    rtp_stats_init(&s, 42, 48000);
    return 0;
}

static void loss_and_cycles(void **state)
{
    (void)state;
    assert_false(rtp_stats_report(&s, 0, &b));
    for (unsigned i = 0; i < 100; i++)
        if (i % 4)
            rtp_stats_packet(&s, (uint16_t)(65490 + i), i * 960, SEC + i * 20 * MSEC);
    assert_true(rtp_stats_report(&s, 4 * SEC, &b));
    assert_int_equal(b.ssrc, 42);
    assert_int_equal(b.highest_seq, 65490 + 99);
    assert_int_equal(b.cumulative_lost, 24); /* 0, the 25th, came before the first */
    assert_int_equal(b.fraction_lost, 24 * 256 / 99);
    assert_int_equal(b.jitter, 0);
    for (unsigned i = 100; i < 110; i++)
        rtp_stats_packet(&s, (uint16_t)(65490 + i), i * 960, SEC + i * 20 * MSEC);
    assert_true(rtp_stats_report(&s, 5 * SEC, &b));
    assert_int_equal(b.fraction_lost, 0);
    assert_int_equal(b.cumulative_lost, 24);
}

static void duplicates_make_loss_negative(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        for (unsigned twice = 0; twice < 2; twice++)
            rtp_stats_packet(&s, (uint16_t)i, i * 960, SEC);
    assert_true(rtp_stats_report(&s, SEC, &b));
    assert_int_equal(b.cumulative_lost, -10);
    assert_int_equal(b.fraction_lost, 0);
}

/* Each packet 10 ms off its neighbours: J converges to 10 ms (A.8). A jump of the time stamps is no
 * jitter. */
static void jitter(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        rtp_stats_packet(&s, (uint16_t)i, 0xfffff000u + i * 960,
                         SEC + i * 20 * MSEC + (i % 2 ? 10 * MSEC : 0));
    assert_true(llabs(rtp_stats_jitter(&s) - 10 * MSEC) < 100);
    rtp_stats_packet(&s, 1000, 0x7000000, SEC + 1000 * 20 * MSEC);
    assert_true(rtp_stats_jitter(&s) < 11 * MSEC);
}

static void delay_since_last_report(void **state)
{
    (void)state;
    rtp_stats_packet(&s, 1, 0, SEC);
    assert_true(rtp_stats_report(&s, SEC, &b));
    assert_true(b.last_sr == 0 && b.delay == 0);
    rtp_stats_sr(&s, 0x1122334455667788, 2 * SEC);
    assert_true(rtp_stats_report(&s, 2 * SEC + 1500 * MSEC, &b));
    assert_int_equal(b.last_sr, 0x33445566);
    assert_int_equal(b.delay, 0x18000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(loss_and_cycles, setup),
        cmocka_unit_test_setup(duplicates_make_loss_negative, setup),
        cmocka_unit_test_setup(jitter, setup),
        cmocka_unit_test_setup(delay_since_last_report, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
