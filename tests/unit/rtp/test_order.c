#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtp/order.h"
#include "rtp/unwrap.h"

#define WINDOW (100 * MSEC)

static struct order *o;
static struct order_stats stats;
static int64_t delivered[100000];
static size_t count;
static unsigned lost, restarts;

static int setup(void **state)
{
    (void)state;
    o = order_new(&(struct order_config){ .window = WINDOW, .nack = true });
    count = lost = restarts = 0;
    return o ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    order_free(o);
    return 0;
}

static void pull(usec_t now)
{
    struct order_item item;
    while (order_pull(o, now, &item)) {
        delivered[count++] = get_u16(item.packet.ptr);
        lost += item.lost;
        restarts += item.restart;
    }
    order_get_stats(o, &stats);
}

/* The packet's content is its sequence number. */
static enum order_verdict push(unsigned seq, usec_t now)
{
    uint8_t packet[2];
    set_u16(packet, (uint16_t)seq);
    enum order_verdict v = order_push(o, (uint16_t)seq, bytes_of(packet, 2), now);
    if (v == ORDER_NEXT)
        delivered[count++] = (uint16_t)seq;
    pull(now);
    return v;
}

static void expect(size_t n, const int *want)
{
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(delivered[i], want[i]);
}

static void in_order_is_never_copied(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 70000; i++)
        assert_int_equal(push(i, i), ORDER_NEXT);
    assert_int_equal(order_deadline(o), USEC_NEVER);
    assert_int_equal(order_nack_deadline(o), USEC_NEVER);
}

static void reordered_and_repeated(void **state)
{
    (void)state;
    push(65534, 0);
    assert_int_equal(push(0, 1), ORDER_KEPT);
    assert_int_equal(push(0, 2), ORDER_DROPPED);
    assert_int_equal(push(1, 3), ORDER_KEPT);
    assert_int_equal(push(65535, 4), ORDER_NEXT);
    assert_int_equal(push(65535, 5), ORDER_DROPPED);
    expect(4, (int[]){ 65534, 65535, 0, 1 });
    assert_int_equal(stats.reordered, 1);
    assert_int_equal(stats.duplicates, 2);
    assert_int_equal(stats.lost, 0);
}

static void given_up_in_time(void **state)
{
    (void)state;
    push(1, 0);
    push(4, 10 * MSEC);
    push(6, 50 * MSEC);
    assert_int_equal(order_deadline(o), 10 * MSEC + WINDOW);
    pull(10 * MSEC + WINDOW - 1);
    assert_int_equal(count, 1);
    pull(10 * MSEC + WINDOW);
    expect(2, (int[]){ 1, 4 });
    assert_int_equal(lost, 2);
    assert_int_equal(order_deadline(o), 50 * MSEC + WINDOW);
    push(5, 120 * MSEC);
    expect(4, (int[]){ 1, 4, 5, 6 });
    assert_int_equal(push(2, 130 * MSEC), ORDER_DROPPED);
    assert_int_equal(stats.lost, 2);
}

/* 3 is given up while 4 is not: what comes as 4 still says that 3 was lost. */
static void loss_is_told_with_the_next(void **state)
{
    (void)state;
    push(1, 0);
    push(3, 0);
    push(5, 90 * MSEC);
    pull(WINDOW);
    expect(2, (int[]){ 1, 3 });
    push(6, 95 * MSEC);
    push(8, 150 * MSEC);
    assert_int_equal(lost, 1);
    pull(90 * MSEC + WINDOW);
    expect(4, (int[]){ 1, 3, 5, 6 });
    assert_int_equal(lost, 2);
    assert_int_equal(push(7, 200 * MSEC), ORDER_NEXT);
    expect(6, (int[]){ 1, 3, 5, 6, 7, 8 });
}

static void asks_again_and_less_often(void **state)
{
    (void)state;
    order_free(o);
    o = order_new(&(struct order_config){ .window = 400 * MSEC, .nack = true });
    order_set_rtt(o, 20 * MSEC);
    push(1, 0);
    push(4, 0);
    uint16_t seqs[8];
    assert_int_equal(order_nack_deadline(o), 10 * MSEC);
    assert_int_equal(order_nacks(o, 9 * MSEC, seqs, 8), 0);
    assert_int_equal(order_nacks(o, 10 * MSEC, seqs, 8), 2);
    assert_true(seqs[0] == 2 && seqs[1] == 3);
    usec_t last = 10 * MSEC, gap = 0;
    unsigned asked = 1;
    for (usec_t due; (due = order_nack_deadline(o)) != USEC_NEVER; asked++) {
        assert_int_equal(order_nacks(o, due, seqs, 8), 2);
        assert_true(due - last >= gap && due - last >= 25 * MSEC);
        gap = due - last;
        last = due;
    }
    assert_true(asked >= 4 && asked <= 10);
    assert_true(last + 20 * MSEC <= 400 * MSEC);
    push(2, last + 5 * MSEC);
    assert_int_equal(stats.recovered, 1);
}

static void bounded_nacks_go_on(void **state)
{
    (void)state;
    push(0, 0);
    push(100, 0);
    uint16_t seqs[64];
    assert_int_equal(order_nacks(o, 10 * MSEC, seqs, 64), 64);
    assert_true(order_nack_deadline(o) <= 10 * MSEC);
    assert_int_equal(order_nacks(o, 10 * MSEC, seqs, 64), 35);
    assert_int_equal(seqs[0], 65);
    assert_int_equal(seqs[34], 99);
}

static void rtt_is_learnt(void **state)
{
    (void)state;
    unsigned seq = 0;
    usec_t now = 0;
    for (unsigned i = 0; i < 60; i++, now += SEC) {
        push(seq, now);
        push(seq + 2, now);
        uint16_t one;
        assert_int_equal(order_nacks(o, now + 10 * MSEC, &one, 1), 1);
        assert_int_equal(one, (uint16_t)(seq + 1));
        push(seq + 1, now + 40 * MSEC);
        seq += 3;
    }
    assert_true(llabs(order_rtt(o) - 30 * MSEC) < 2 * MSEC);
    assert_int_equal(stats.recovered, 60);
}

/* A gap wider than the slots: what waits is delivered, the gap is given up at once. */
static void wide_gap(void **state)
{
    (void)state;
    push(10, 0);
    push(12, 0);
    push(13, 0);
    push(10 + 700, MSEC);
    expect(3, (int[]){ 10, 12, 13 });
    assert_int_equal(stats.lost, 1 + (710 - 511) - 14);
    pull(MSEC + WINDOW);
    expect(4, (int[]){ 10, 12, 13, 710 });
    assert_int_equal(lost, 1 + 710 - 14);
}

static void restart_needs_two(void **state)
{
    (void)state;
    push(10, 0);
    push(12, 0);
    push(40000, MSEC);
    push(13, MSEC);
    push(40001, MSEC); /* 13 came between: not believed */
    assert_int_equal(restarts, 0);
    push(40002, MSEC);
    expect(5, (int[]){ 10, 12, 13, 40001, 40002 });
    assert_int_equal(restarts, 1);
    assert_int_equal(stats.restarts, 1);
    assert_int_equal(push(40003, 2 * MSEC), ORDER_NEXT);
}

static void flush_begins_anywhere(void **state)
{
    (void)state;
    push(10, 0);
    push(12, 0);
    order_flush(o);
    pull(0);
    expect(2, (int[]){ 10, 12 });
    assert_int_equal(push(60000, 0), ORDER_NEXT);
    assert_int_equal(push(60001, 0), ORDER_NEXT);
}

/* The first to come need not be the first that was sent. */
static void start_settles(void **state)
{
    (void)state;
    order_free(o);
    o = order_new(&(struct order_config){ .window = WINDOW, .nack = true, .settle = 30 * MSEC });
    assert_int_equal(push(3, 0), ORDER_KEPT);
    assert_int_equal(push(1, MSEC), ORDER_KEPT);
    assert_int_equal(push(65535, 2 * MSEC), ORDER_KEPT);
    assert_int_equal(push(1, 2 * MSEC), ORDER_DROPPED);
    assert_int_equal(push(0, 3 * MSEC), ORDER_KEPT);
    assert_int_equal(count, 0);
    assert_int_equal(order_deadline(o), 30 * MSEC);
    pull(30 * MSEC);
    expect(3, (int[]){ 65535, 0, 1 });
    assert_int_equal(push(65534, 31 * MSEC), ORDER_DROPPED);
    assert_int_equal(push(2, 31 * MSEC), ORDER_NEXT);
    assert_int_equal(push(4, 31 * MSEC), ORDER_NEXT);
    assert_int_equal(stats.lost, 0);
    order_flush(o);
    pull(32 * MSEC);
    assert_int_equal(push(4000, 40 * MSEC), ORDER_KEPT);
    assert_int_equal(count, 6);
    pull(70 * MSEC);
    assert_int_equal(count, 7);
}

/* A link that loses 5 %, repeats 5 % and delays by up to 40 packets: everything that arrives within
 * the window comes out once and in order, and lost and delivered add up. */
static void random_link(void **state)
{
    (void)state;
    enum { TOTAL = 40000, SPREAD = 40 };
    static struct {
        unsigned seq, at;
    } sent[2 * TOTAL];
    unsigned seed = getenv("TEST_SEED") ? (unsigned)atoi(getenv("TEST_SEED")) : 11, n = 0;
    printf("TEST_SEED=%u\n", seed);
    for (unsigned i = 0; i < TOTAL; i++) {
        if (i && i != TOTAL - 1 && rand_r(&seed) % 20 == 0)
            continue;
        for (unsigned copies = rand_r(&seed) % 20 ? 1 : 2; copies; copies--) {
            unsigned at = i + (rand_r(&seed) % 4 || !i ? 0 : (unsigned)rand_r(&seed) % SPREAD);
            unsigned k = n++;
            for (; k && sent[k - 1].at > at; k--)
                sent[k] = sent[k - 1];
            sent[k].seq = i;
            sent[k].at = at;
        }
    }
    for (unsigned i = 0; i < n; i++)
        push(sent[i].seq, sent[i].at * MSEC);
    pull((TOTAL + 1000) * MSEC);
    int64_t at = 0;
    for (size_t i = 1; i < count; i++) {
        int64_t next = unwrap_u16(at, (uint16_t)delivered[i]);
        assert_true(next > at);
        at = next;
    }
    assert_int_equal(at, TOTAL - 1);
    assert_int_equal(count + stats.lost, TOTAL);
    assert_int_equal(stats.lost, lost);
    assert_true(stats.lost < TOTAL / 15);
}

/* Whatever comes, memory and state hold, and a good stream afterwards is delivered. */
static void hostile_numbers(void **state)
{
    (void)state;
    unsigned seed = 3;
    usec_t now = 0;
    uint16_t seqs[16];
    for (unsigned i = 0; i < 60000; i++) {
        unsigned seq = rand_r(&seed) % 3 ? (unsigned)rand_r(&seed) : i / 2;
        push(seq, now += rand_r(&seed) % (5 * MSEC));
        order_nacks(o, now, seqs, 16);
        if (i % 1000 == 0)
            order_flush(o);
        pull(now);
        count = 0;
    }
    for (unsigned i = 0; i < 10; i++)
        push(7 + i, now + SEC);
    pull(now + 2 * SEC);
    assert_in_range(count, 9, 600); /* the first may have been a suspect's neighbour */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(in_order_is_never_copied),
        TEST(reordered_and_repeated),
        TEST(given_up_in_time),
        TEST(loss_is_told_with_the_next),
        TEST(asks_again_and_less_often),
        TEST(bounded_nacks_go_on),
        TEST(rtt_is_learnt),
        TEST(wide_gap),
        TEST(restart_needs_two),
        TEST(flush_begins_anywhere),
        TEST(start_settles),
        TEST(random_link),
        TEST(hostile_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
