#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "rtp/twcc.h"

static struct twcc t;
static struct rtcp_twcc got;
static uint8_t mem[1200];

static int setup(void **state)
{
    (void)state;
    twcc_init(&t);
    return 0;
}

/* Writes the feedback due at `now` and reads it back into `got`. */
static bool feedback(usec_t now, size_t size)
{
    struct writer w = writer_of(mem, size);
    if (!twcc_write(&t, &w, 1, 2, now)) {
        assert_int_equal(writer_len(&w), 0);
        return false;
    }
    assert_false(w.failed);
    struct reader in = reader_of(bytes_of(mem, writer_len(&w)));
    struct rtcp_packet p;
    assert_int_equal(rtcp_next(&in, &p), OK);
    assert_int_equal(rtcp_parse_twcc(&got, &p), OK);
    assert_int_equal(got.media_ssrc, 2);
    return true;
}

/* The bytes by hand from section 3.1 of the draft: base 10, 3 statuses, received, missing, received
 * 2 ms later. */
static void bytes_on_the_wire(void **state)
{
    (void)state;
    static const uint8_t want[] = {
        0x8f, 205, 0,  6, 0, 0, 0, 1, 0, 0,    0,
        2,    0,   10, 0, 3, 0, 0, 1, 0, 0xa8, 0x00, /* one-bit vector: 1 0 1 */
        4,    8,                                     /* 1 ms after 64 ms, 2 ms more */
        0,    0,   0,  0
    };
    twcc_arrived(&t, 10, 65 * MSEC);
    twcc_arrived(&t, 12, 67 * MSEC);
    struct writer w = writer_of(mem, sizeof mem);
    assert_false(twcc_write(&t, &w, 1, 2, 100 * MSEC));
    assert_true(twcc_write(&t, &w, 1, 2, 165 * MSEC));
    size_t len = writer_len(&w);
    assert_int_equal(len, 24);
    assert_int_equal(mem[3], 5);
    assert_memory_equal(mem + 4, want + 4, 20);
    assert_false(twcc_write(&t, &w, 1, 2, 400 * MSEC));
}

static void deadlines(void **state)
{
    (void)state;
    assert_int_equal(twcc_deadline(&t), USEC_NEVER);
    twcc_arrived(&t, 1, SEC);
    assert_int_equal(twcc_deadline(&t), SEC + 100 * MSEC);
    for (uint16_t i = 2; i < 80; i++)
        twcc_arrived(&t, i, SEC + 5 * MSEC);
    assert_int_equal(twcc_deadline(&t), SEC + 50 * MSEC);
    assert_true(feedback(SEC + 50 * MSEC, sizeof mem));
    assert_int_equal(twcc_deadline(&t), USEC_NEVER);
}

static void late_packets_are_told_again(void **state)
{
    (void)state;
    twcc_arrived(&t, 65534, SEC);
    twcc_arrived(&t, 1, SEC + MSEC);
    assert_true(feedback(2 * SEC, sizeof mem));
    assert_int_equal(got.count, 4);
    twcc_arrived(&t, 65535, SEC + 2 * MSEC);
    assert_true(feedback(3 * SEC, sizeof mem));
    assert_int_equal(got.base_seq, 65535);
    assert_int_equal(got.feedback_count, 1);
    assert_true(got.status[0].received);
    assert_false(got.status[1].received);
    assert_int_equal(got.count, 3);
    assert_true(got.status[2].received && got.status[2].at < got.status[0].at);
}

/* Random arrivals through small and large datagrams: each one is told once, with its time to 125
 * us. */
static void all_is_told(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static usec_t arrival[COUNT];
    static bool told[COUNT];
    unsigned seed = 7;
    printf("seed %u\n", seed);
    usec_t now = 10 * SEC;
    for (size_t i = 0; i < COUNT; i++) {
        arrival[i] = rand_r(&seed) % 5 ? now : USEC_UNSET;
        now += (usec_t)(rand_r(&seed) % 4000) + (rand_r(&seed) % 500 ? 0 : 9 * SEC);
        if (arrival[i] == USEC_UNSET)
            continue;
        twcc_arrived(&t, (uint16_t)(i + 64000), arrival[i]);
        while (feedback(now, rand_r(&seed) % 3 ? 64 : sizeof mem)) {
            size_t base = (uint16_t)(got.base_seq - 64000);
            for (size_t k = 0; k < got.count; k++) {
                bool there = arrival[base + k] != USEC_UNSET;
                assert_int_equal(got.status[k].received, there);
                if (there)
                    assert_true(llabs(got.status[k].at - arrival[base + k]) <= 250);
                told[base + k] |= there;
            }
        }
    }
    while (feedback(now + SEC, sizeof mem))
        for (size_t k = 0; k < got.count; k++)
            told[(uint16_t)(got.base_seq - 64000 + k)] |= got.status[k].received;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(told[i], arrival[i] != USEC_UNSET);
}

static void jumps_and_floods(void **state)
{
    (void)state;
    twcc_arrived(&t, 5, SEC);
    twcc_arrived(&t, 30000, SEC + MSEC);
    assert_true(feedback(2 * SEC, sizeof mem));
    assert_int_equal(got.base_seq, 30000);
    for (unsigned i = 0; i < 5000; i++)
        twcc_arrived(&t, (uint16_t)(30001 + i), 3 * SEC + i);
    size_t all = 0;
    while (feedback(4 * SEC, sizeof mem))
        all += got.count;
    assert_int_equal(all, TWCC_WINDOW);
    assert_false(feedback(4 * SEC, 10));
}

static void refused(void **state)
{
    (void)state;
    twcc_arrived(&t, 1, SEC);
    twcc_arrived(&t, 40, SEC + 100 * MSEC);
    struct writer w = writer_of(mem, sizeof mem);
    assert_true(twcc_write(&t, &w, 1, 2, 2 * SEC));
    struct reader in = reader_of(bytes_of(mem, writer_len(&w)));
    struct rtcp_packet p;
    assert_int_equal(rtcp_next(&in, &p), OK);
    size_t need = 8 + 8 + 2 + 2 + 1 + 2 + 1; /* up to the last delta, less padding */
    for (size_t len = 0; len < p.body.len && len < need - 2; len++) {
        struct rtcp_packet cut = p;
        cut.body.len = len;
        assert_int_equal(rtcp_parse_twcc(&got, &cut), ERR_MALFORMED);
    }
    mem[14] = 0xff; /* more statuses than anyone sends */
    assert_int_equal(rtcp_parse_twcc(&got, &p), ERR_LIMIT);
    set_u16(mem + 14, 3);
    set_u16(mem + 20, 0); /* a run of nothing */
    assert_int_equal(rtcp_parse_twcc(&got, &p), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_on_the_wire, setup),
        cmocka_unit_test_setup(deadlines, setup),
        cmocka_unit_test_setup(late_packets_are_told_again, setup),
        cmocka_unit_test_setup(all_is_told, setup),
        cmocka_unit_test_setup(jumps_and_floods, setup),
        cmocka_unit_test_setup(refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
