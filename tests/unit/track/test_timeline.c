#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "track/timeline.h"

#define SERVER ((usec_t)1700000000 * SEC) /* Unix time of mono 0 */
#define NTP    (RTCP_NTP_UNIX + SERVER)

static struct peer_clock peer;
static struct timeline t;
static struct frame *frame;
static bool stepped; /* the newest frame's flag */

static int setup(void **state)
{
    (void)state;
    peer_clock_init(&peer, SERVER);
    timeline_init(&t, &peer, 90000);
    frame = frame_new(CODEC_H264, 0);
    return frame ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    frame_unref(frame);
    return 0;
}

/* RTP time of media time, 90 kHz. */
static int64_t rtp_at(usec_t media)
{
    return media * 9 / 100;
}

/* A frame made at `media` arrives at `arrival`: its time, as monotonic time. */
static usec_t give(usec_t media, usec_t arrival)
{
    frame->discontinuity = false;
    frame->rtp = rtp_at(media);
    frame->arrival = arrival;
    timeline_arrived(&t, frame->rtp, arrival);
    timeline_stamp(&t, frame);
    stepped = frame->discontinuity;
    return frame->time - SERVER;
}

/* A report that says: media time `media` was the sender's time NTP + `ntp`. */
static void report(usec_t media, usec_t ntp, usec_t arrival)
{
    struct rtcp_sr sr = { .ntp = rtcp_usec_to_ntp(NTP + ntp), .rtp = (uint32_t)rtp_at(media) };
    timeline_report(&t, &sr, arrival);
}

#define assert_near(got, want, by) assert_true(llabs((got) - (want)) <= (by))

static void least_of_half_a_minute(void **state)
{
    (void)state;
    struct least_delay d;
    least_delay_init(&d);
    assert_int_equal(d.least, USEC_UNSET);
    least_delay_add(&d, 0, 50);
    least_delay_add(&d, SEC, 20);
    least_delay_add(&d, 10 * SEC, 30);
    assert_int_equal(d.least, 20);
    least_delay_add(&d, 31 * SEC, 40);
    assert_int_equal(d.least, 20);
    least_delay_add(&d, 33 * SEC, 40);
    assert_int_equal(d.least, 30);
    least_delay_add(&d, 3600 * SEC, 70);
    assert_int_equal(d.least, 70);
    least_delay_add(&d, 3599 * SEC, 60); /* time went back a little: counts as now */
    assert_int_equal(d.least, 60);
}

/* One function of the participant's time: what is asked late is answered as before. */
static void clock_moves_by_its_own_time(void **state)
{
    (void)state;
    peer_clock_init(&peer, 0);
    assert_false(peer_clock_known(&peer));
    peer_clock_sample(&peer, 0, 500 * MSEC);
    assert_int_equal(peer_clock_offset(&peer, 5 * SEC), 500 * MSEC);
    peer_clock_sample(&peer, 10 * SEC, 10 * SEC + 410 * MSEC);
    assert_int_equal(peer_clock_offset(&peer, 10 * SEC), 500 * MSEC);
    assert_near(peer_clock_offset(&peer, 15 * SEC), 455 * MSEC, MSEC);
    assert_int_equal(peer_clock_offset(&peer, 30 * SEC), 410 * MSEC);
    peer_clock_sample(&peer, 15 * SEC, 15 * SEC + 10 * MSEC); /* a step */
    assert_int_equal(peer_clock_offset(&peer, 15 * SEC), 10 * MSEC);
    assert_near(peer_clock_offset(&peer, 15 * SEC - 1), 455 * MSEC, MSEC);
    assert_int_equal(peer_clock_offset(&peer, 0), 500 * MSEC);
    for (int i = 0; i < 100; i++)
        peer_clock_sample(&peer, (20 + i) * SEC, (20 + i) * SEC - i * MSEC);
    assert_near(peer_clock_offset(&peer, 119 * SEC), -99 * MSEC, 2 * MSEC);
    assert_near(peer_clock_offset(&peer, 110 * SEC), -90 * MSEC, 2 * MSEC);
}

static void without_reports_the_least_delay(void **state)
{
    (void)state;
    assert_int_equal(give(0, 10 * SEC), 10 * SEC);
    assert_int_equal(timeline_ready_at(&t), 10 * SEC + TIMELINE_WAIT);
    for (int i = 1; i < 100; i++)
        assert_near(give(i * 40 * MSEC, 10 * SEC + i * 40 * MSEC + i % 7 * 10 * MSEC),
                    10 * SEC + i * 40 * MSEC, 20);
    assert_false(stepped);
}

/* Frames that arrive early in the wait correct those before them. */
static void the_wait_finds_the_least_delay(void **state)
{
    (void)state;
    timeline_arrived(&t, rtp_at(0), SEC + 80 * MSEC);
    timeline_arrived(&t, rtp_at(100 * MSEC), SEC + 100 * MSEC);
    frame->rtp = 0;
    timeline_stamp(&t, frame);
    assert_int_equal(frame->time - SERVER, SEC);
}

static void reports_map_exactly(void **state)
{
    (void)state;
    timeline_arrived(&t, rtp_at(0), 10 * SEC + 200 * MSEC); /* the encoder took 200 ms */
    report(50 * MSEC, 7 * SEC, 10 * SEC + 70 * MSEC);       /* the network 20 ms */
    assert_true(timeline_ready_at(&t) <= 10 * SEC + 200 * MSEC);
    frame->rtp = 0;
    timeline_stamp(&t, frame);
    assert_near(frame->time - SERVER, 10 * SEC + 20 * MSEC, 2);
}

/* What GStreamer 1.22 does: every report's RTP time is too large by the time since its start. */
static void reports_that_run_ahead(void **state)
{
    (void)state;
    static const usec_t start[] = { 100 * MSEC, 400 * MSEC, 900 * MSEC };
    for (size_t s = 0; s < sizeof start / sizeof *start; s++) {
        teardown(NULL);
        setup(NULL);
        for (int i = 0; i < 60 * 25; i++) {
            usec_t media = i * 40 * MSEC, now = SEC + media;
            assert_near(give(media, now), now, start[s] < 300 * MSEC ? 100 * MSEC : 20);
            assert_false(stepped);
            if (i % 13 == 0) /* every half second */
                report(media + media + start[s], media, now);
        }
    }
}

/* An encoder that takes 600 ms is believed once the sound's report shows the clock. */
static void a_slow_encoder(void **state)
{
    (void)state;
    struct timeline sound;
    timeline_init(&sound, &peer, 90000);
    timeline_arrived(&sound, 0, SEC);
    timeline_arrived(&t, 0, SEC + 600 * MSEC);
    report(600 * MSEC, 600 * MSEC, SEC + 600 * MSEC);
    assert_true(timeline_ready_at(&t) > SEC + 600 * MSEC);
    struct rtcp_sr sr = { .ntp = rtcp_usec_to_ntp(NTP + 610 * MSEC),
                          .rtp = (uint32_t)rtp_at(610 * MSEC) };
    timeline_arrived(&sound, rtp_at(600 * MSEC), SEC + 600 * MSEC);
    timeline_report(&sound, &sr, SEC + 610 * MSEC);
    timeline_arrived(&t, rtp_at(40 * MSEC), SEC + 640 * MSEC);
    assert_true(timeline_ready_at(&t) <= SEC + 640 * MSEC);
    frame->rtp = 0;
    timeline_stamp(&t, frame);
    assert_near(frame->time - SERVER, SEC, 20);
}

static void report_before_the_first_frame(void **state)
{
    (void)state;
    report(0, 7 * SEC, 10 * SEC);
    assert_near(give(SEC, 11 * SEC + 100 * MSEC), 11 * SEC, 20);
    assert_true(timeline_ready_at(&t) <= 11 * SEC + 100 * MSEC);
}

/* 100 ms between what arrivals and what the first report say: 10 ms a second, no step. */
static void late_report_slews(void **state)
{
    (void)state;
    usec_t last = 0;
    for (int i = 0; i < 20 * 25; i++) {
        usec_t media = i * 40 * MSEC, got = give(media, SEC + media + 100 * MSEC);
        if (i % 25 == 24)
            report(media, 5 * SEC + media, SEC + media);
        if (i)
            assert_near(got - last, 40 * MSEC, 40 * MSEC / 100 + 20);
        assert_false(stepped);
        last = got;
        if (i == 6 * 25)
            assert_near(got - media, SEC + 50 * MSEC, 2 * MSEC);
    }
    assert_near(last, SEC + (20 * 25 - 1) * 40 * MSEC, 20);
}

static void large_corrections_step_once(void **state)
{
    (void)state;
    unsigned steps = 0;
    for (int i = 0; i < 60 * 25;
         i++) { /* after 10 s the network holds everything for 500 ms more */
        usec_t media = i * 40 * MSEC, delay = i < 250 ? 0 : 500 * MSEC;
        usec_t got = give(media, SEC + media + delay);
        steps += stepped;
        report(media, 5 * SEC + media, SEC + media + delay);
        if (i == 250)
            assert_near(got, SEC + media, 50); /* it may pass */
        if (i == 60 * 25 - 1)
            assert_near(got, SEC + media + delay, 50);
    }
    assert_int_equal(steps, 1);
}

/* The way back has no room behind the last frame: it slews, and no frame is squeezed. */
static void steps_back_do_not_squeeze(void **state)
{
    (void)state;
    usec_t last = 0;
    for (int i = 0; i < 100 * 25; i++) {
        usec_t media = i * 40 * MSEC, delay = i < 50 ? 600 * MSEC : 0;
        usec_t got = give(media, SEC + media + delay);
        report(media, 5 * SEC + media, SEC + media + delay);
        if (i)
            assert_near(got - last, 40 * MSEC, 40 * MSEC / 100 + 20);
        assert_false(stepped);
        last = got;
    }
    assert_near(last, SEC + (100 * 25 - 1) * 40 * MSEC, 50);
}

/* A pause has the room. */
static void steps_back_into_a_pause(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        give(i * 40 * MSEC, 2 * SEC + i * 40 * MSEC);
        report(i * 40 * MSEC, i * 40 * MSEC, 2 * SEC + i * 40 * MSEC);
    }
    report(3 * SEC, 3 * SEC, 4 * SEC); /* one second less */
    assert_near(give(4 * SEC, 5 * SEC), 5 * SEC, 20);
    assert_true(stepped);
}

/* What reports may not do: `jump` is added to the NTP time of one report. */
static void garbage_reports_change_nothing(void **state)
{
    (void)state;
    static const usec_t jumps[] = { 500 * MSEC,  -500 * MSEC,     3600 * SEC,
                                    -3600 * SEC, 100000000 * SEC, -NTP + 1 };
    for (size_t j = 0; j < sizeof jumps / sizeof *jumps; j++) {
        for (int i = 0; i < 250; i++) {
            usec_t now = ((int)j * 250 + i) * 40 * MSEC;
            assert_near(give(now, SEC + now), SEC + now, 30);
            assert_false(stepped);
            report(now, now + (i == 125 ? jumps[j] : 0), SEC + now);
        }
    }
    usec_t end = 6 * 250 * 40 * MSEC;
    struct rtcp_sr none = { .ntp = 0, .rtp = (uint32_t)rtp_at(end) };
    timeline_report(&t, &none, SEC + end);
    timeline_report(&t, &none, SEC + end);
    struct rtcp_sr far = { .ntp = rtcp_usec_to_ntp(NTP + end), .rtp = 0x80000000 };
    timeline_report(&t, &far, SEC + end);
    timeline_report(&t, &far, SEC + end);
    assert_near(give(end, SEC + end), SEC + end, 30);
    assert_false(stepped);
}

/* The sender's clock is set by hours, or turns over in 2036: nothing moves. */
static void sender_sets_its_clock(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        usec_t now = i * 40 * MSEC;
        usec_t jump = (i > 300 ? 5000 * SEC : 0) + (i > 600 ? -9000 * SEC : 0);
        assert_near(give(now, SEC + now), SEC + now, 100);
        assert_false(stepped);
        if (i % 25 == 0)
            report(now, now + jump, SEC + now);
    }
}

static void ntp_turns_over(void **state)
{
    (void)state;
    uint64_t near_end = (uint64_t)(UINT32_MAX - 20) << 32;
    for (int i = 0; i < 1000; i++) {
        usec_t now = i * 40 * MSEC;
        assert_near(give(now, SEC + now), SEC + now, 100);
        assert_false(stepped);
        struct rtcp_sr sr = { .ntp = near_end + rtcp_usec_to_ntp(now),
                              .rtp = (uint32_t)rtp_at(now) };
        if (i % 25 == 0)
            timeline_report(&t, &sr, SEC + now);
    }
}

/* The machine slept: RTP went on as if nothing had been, NTP did not. */
static void rtp_clock_stood_still(void **state)
{
    (void)state;
    unsigned steps = 0;
    usec_t got = 0;
    for (int i = 0; i < 1000; i++) {
        usec_t media = i * 40 * MSEC, now = media + (i > 500 ? 20 * SEC : 0);
        got = give(media, SEC + now);
        steps += stepped;
        if (i % 25 == 0)
            report(media, now, SEC + now);
    }
    assert_near(got, SEC + 999 * 40 * MSEC + 20 * SEC, 100);
    assert_int_equal(steps, 1);
}

static void source_begins_again(void **state)
{
    (void)state;
    static const usec_t jumps[] = { (usec_t)100000 * SEC, -2 * 3600 * SEC, 5 * SEC };
    for (size_t j = 0; j < sizeof jumps / sizeof *jumps; j++) {
        teardown(NULL);
        setup(NULL);
        for (int i = 0; i < 50; i++) {
            give(i * 40 * MSEC, SEC + i * 40 * MSEC);
            report(i * 40 * MSEC, i * 40 * MSEC, SEC + i * 40 * MSEC);
        }
        usec_t now = 2 * SEC;
        assert_true(timeline_breaks(&t, rtp_at(now + jumps[j]), SEC + now));
        assert_near(give(now + jumps[j], SEC + now), SEC + now, 20);
        assert_true(stepped);
        assert_int_equal(timeline_ready_at(&t), SEC + now + TIMELINE_WAIT);
        report(now + jumps[j], now, SEC + now);
        assert_near(give(now + jumps[j] + 40 * MSEC, SEC + now + 40 * MSEC), SEC + now + 40 * MSEC,
                    20);
        assert_false(stepped);
    }
}

/* A report of the new source may overtake its first frame. */
static void next_source_reports_first(void **state)
{
    (void)state;
    give(0, SEC);
    report(50000 * SEC, SEC, 2 * SEC);
    give(50001 * SEC, 3 * SEC + 100 * MSEC);
    assert_true(timeline_ready_at(&t) <= 3 * SEC + 100 * MSEC);
}

/* Sound with one base and picture with another: the arrival ties them. */
static void streams_of_two_clocks(void **state)
{
    (void)state;
    struct timeline video = t;
    timeline_init(&t, &peer, 90000);
    for (int i = 0; i < 100; i++) {
        give(i * 40 * MSEC, SEC + i * 40 * MSEC);
        report(i * 40 * MSEC, i * 40 * MSEC, SEC + i * 40 * MSEC);
    }
    t = video;
    usec_t got = 0;
    for (int i = 0; i < 100; i++) {
        usec_t now = 4 * SEC + i * 40 * MSEC;
        got = give(now, SEC + now);
        assert_near(got, SEC + now, 100);
        if (i % 25 == 0)
            report(now, now + 800 * SEC, SEC + now);
    }
    assert_true(t.mapped);
}

/* Anything at all, for 2,000 rounds of it: times never go back, never lie far in the future, and
 * end where they belong. */
static void never_back(void **state)
{
    (void)state;
    unsigned seed = getenv("TEST_SEED") ? (unsigned)atoi(getenv("TEST_SEED")) : 5;
    printf("TEST_SEED=%u\n", seed);
    usec_t last = INT64_MIN, now = SEC, media = 0, ntp = 0;
    for (int i = 0; i < 200000; i++) {
        unsigned dice = (unsigned)rand_r(&seed) % 1000;
        usec_t by = dice < 3 ? rand_r(&seed) % (100 * SEC) : rand_r(&seed) % (40 * MSEC);
        now += by;
        media += dice == 5 ? rand_r(&seed) - RAND_MAX / 2 : dice == 6 ? 0 : by;
        ntp += by + (dice == 7 ? rand_r(&seed) - RAND_MAX / 2 : 0);
        if (dice == 8)
            media += (usec_t)1 << 40;
        usec_t delay = rand_r(&seed) % (dice < 500 ? 5 * MSEC : 300 * MSEC);
        if (dice % 20 == 9)
            report(media, ntp, now + delay);
        usec_t got = give(media, now + delay);
        assert_true(got > last);
        assert_true(got < now + delay + 5 * SEC);
        last = got;
    }
    for (int i = 0; i < 120 * 50; i++, now += 20 * MSEC, media += 20 * MSEC, ntp += 20 * MSEC) {
        last = give(media, now);
        if (i % 50 == 0)
            report(media, ntp, now);
    }
    assert_near(last, now - 20 * MSEC, 300 * MSEC);
}

/* 48 hours with a clock that is off by 80 ppm, RTP wrapping on the way: no step, and always within
 * a few ms. */
static void two_days(void **state)
{
    (void)state;
    timeline_init(&t, &peer, 48000);
    int64_t start = 0xffff0000;
    for (int64_t s = 0; s < 48 * 3600; s++) {
        usec_t now = s * SEC, made = now + now / 12500;
        frame->discontinuity = false;
        frame->rtp = start + made * 48 / 1000;
        timeline_arrived(&t, frame->rtp, SEC + now);
        timeline_stamp(&t, frame);
        assert_false(frame->discontinuity);
        assert_near(frame->time - SERVER, SEC + now, 6 * MSEC);
        struct rtcp_sr sr = { .ntp = rtcp_usec_to_ntp(NTP + made), .rtp = (uint32_t)frame->rtp };
        if (s % 5 == 0)
            timeline_report(&t, &sr, SEC + now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        cmocka_unit_test(least_of_half_a_minute),
        cmocka_unit_test(clock_moves_by_its_own_time),
        TEST(without_reports_the_least_delay),
        TEST(the_wait_finds_the_least_delay),
        TEST(reports_map_exactly),
        TEST(reports_that_run_ahead),
        TEST(a_slow_encoder),
        TEST(report_before_the_first_frame),
        TEST(late_report_slews),
        TEST(large_corrections_step_once),
        TEST(steps_back_do_not_squeeze),
        TEST(steps_back_into_a_pause),
        TEST(garbage_reports_change_nothing),
        TEST(sender_sets_its_clock),
        TEST(ntp_turns_over),
        TEST(rtp_clock_stood_still),
        TEST(source_begins_again),
        TEST(next_source_reports_first),
        TEST(streams_of_two_clocks),
        TEST(never_back),
        TEST(two_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
