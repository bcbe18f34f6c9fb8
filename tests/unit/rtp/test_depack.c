#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "kit.h"
#include "rtp/depack_h264.h"
#include "rtp/depack_opus.h"

static struct depack_h264 *d;
static struct frame *frames[8];
static unsigned count;

static int setup(void **state)
{
    (void)state;
    d = depack_h264_new();
    count = 0;
    return d ? 0 : -1;
}

static void forget(void)
{
    while (count)
        frame_unref(frames[--count]);
}

static int teardown(void **state)
{
    (void)state;
    forget();
    depack_h264_free(d);
    return 0;
}

static int push(const char *payload, size_t len, int64_t rtp, bool marker, bool lost)
{
    uint8_t *exact = malloc(len + !len);
    memcpy(exact, payload, len);
    struct rtp_packet p = { .marker = marker, .payload = bytes_of(exact, len) };
    int err = depack_h264_push(d, &p, rtp, rtp * 10, lost);
    for (struct frame *f; (f = depack_h264_pull(d));)
        frames[count++] = f;
    free(exact);
    return err;
}

#define PUSH(text, rtp, marker, lost) push(text, sizeof text - 1, rtp, marker, lost)
#define SPS                                                                                        \
    "\x67\x42\xc0\x16\xd9\x00\xa0\x2f\xf9\x70\x11\x00\x00\x03\x00\x01\x00\x00\x03\x00\x1e\x0f\x16" \
    "\x2e\x48"
#define PPS "\x68\xcb\x83\xcb\x20"
#define IDR "\x65\x88\x84\x0a"
#define P1  "\x41\x9a\x01"
#define P2  "\x41\x40\x02" /* a slice that does not begin at macroblock 0 */

static void assert_frame(const char *want, size_t len)
{
    assert_true(count >= 1);
    const struct frame *f = frames[count - 1];
    assert_int_equal(f->size, len);
    assert_memory_equal(f->data, want, len);
}

#define ASSERT_FRAME(text) assert_frame(text, sizeof text - 1)
#define L_SPS              "\0\0\0\x19" SPS
#define L_PPS              "\0\0\0\x05" PPS
#define L_IDR              "\0\0\0\x04" IDR
#define L_P1               "\0\0\0\x03" P1

static void key_frame(int64_t rtp)
{
    assert_int_equal(PUSH("\x78\x00\x19" SPS "\x00\x05" PPS "\x00\x04" IDR, rtp, true, false), OK);
}

static void single_units_and_aggregates(void **state)
{
    (void)state;
    PUSH(SPS, 7, false, false);
    PUSH(PPS, 7, false, false);
    PUSH(IDR, 7, true, false);
    ASSERT_FRAME(L_SPS L_PPS L_IDR);
    assert_true(frames[0]->key && !frames[0]->damaged);
    assert_int_equal(frames[0]->rtp, 7);
    assert_int_equal(frames[0]->arrival, 70);
    assert_int_equal(h264_params_sps(depack_h264_params(d))->width, 640);
    key_frame(8);
    ASSERT_FRAME(L_SPS L_PPS L_IDR);
    PUSH(P1, 9, true, false);
    ASSERT_FRAME(L_P1);
    assert_true(!frames[2]->key && !frames[2]->damaged);
}

static void fragments(void **state)
{
    (void)state;
    key_frame(1);
    PUSH("\x5c\x81\x9a\x01", 2, false, false);
    PUSH("\x5c\x01\x02\x03\x04", 2, false, false);
    PUSH("\x5c\x41\x05", 2, true, false);
    ASSERT_FRAME("\0\0\0\x07\x41\x9a\x01\x02\x03\x04\x05");
}

/* The marker never comes: the next time stamp ends the unit. */
static void without_marker(void **state)
{
    (void)state;
    key_frame(1);
    PUSH(P1, 2, false, false);
    assert_int_equal(count, 1);
    PUSH(P1, 3, true, false);
    assert_int_equal(count, 3);
    assert_int_equal(frames[1]->rtp, 2);
    assert_int_equal(frames[2]->rtp, 3);
}

static void sets_are_put_in_front(void **state)
{
    (void)state;
    PUSH(IDR, 1, true, false);
    assert_false(frames[0]->key); /* cannot be decoded */
    assert_true(frames[0]->damaged);
    PUSH(SPS, 2, true, false); /* sets in packets of their own are remembered, not delivered */
    PUSH(PPS, 3, true, false);
    assert_int_equal(count, 1);
    PUSH(IDR, 4, true, false);
    assert_true(frames[1]->key);
    ASSERT_FRAME(L_SPS L_PPS L_IDR);
    PUSH("\x09\xf0", 5, false, false);
    PUSH(IDR, 5, true, false);
    ASSERT_FRAME("\0\0\0\x02\x09\xf0" L_SPS L_PPS L_IDR);
}

static void sets_by_sdp(void **state)
{
    (void)state;
    assert_int_equal(
        depack_h264_sprop(d, bytes_str("Z0LAFtkAoC/5cBEAAAMAAQAAAwAeDxYuSA==,aMuDyyA=")), OK);
    PUSH(IDR, 4, true, false);
    assert_true(frames[0]->key);
    ASSERT_FRAME(L_SPS L_PPS L_IDR);
    assert_int_equal(depack_h264_sprop(d, bytes_str("Z0LA!")), ERR_MALFORMED);
    assert_int_equal(depack_h264_sprop(d, bytes_str("Z0I=")), ERR_MALFORMED);
}

static void loss_damages_until_a_key_frame(void **state)
{
    (void)state;
    key_frame(1);
    PUSH("\x5c\x81\x9a\x01", 2, false, false);
    PUSH("\x5c\x41\x05", 2, true, true); /* a fragment is missing */
    assert_int_equal(count, 1);
    assert_true(depack_h264_damaged(d));
    PUSH(P1, 3, true, false);
    assert_true(frames[1]->damaged);
    key_frame(4);
    assert_false(frames[2]->damaged);
    PUSH(P1, 5, true, true); /* a whole frame was lost: this one is complete, and damaged */
    assert_true(frames[3]->damaged);
    PUSH(P2, 6, true, true); /* its first slice was lost */
    assert_int_equal(count, 4);
    PUSH(P1, 7, false, false); /* perhaps its end was lost */
    PUSH(P1, 8, true, true);
    assert_int_equal(count, 5);
    assert_int_equal(frames[4]->rtp, 8);
    struct depack_h264_stats stats;
    depack_h264_get_stats(d, &stats);
    assert_int_equal(stats.dropped, 3);
    assert_int_equal(stats.damaged, 3);
    assert_int_equal(stats.keys, 2);
}

/* Padding behind a gap does not hide the gap from the picture after it. */
static void padding_keeps_the_gap(void **state)
{
    (void)state;
    key_frame(1);
    PUSH("", 1, false, true);
    PUSH(P2, 2, true, false);
    assert_int_equal(count, 1);
    PUSH("", 2, false, false);
    PUSH(P1, 3, true, false);
    assert_int_equal(count, 2);
}

static void odd_packets(void **state)
{
    (void)state;
    static const struct {
        const char *what, *payload;
        size_t len;
        int err;
    } table[] = {
        { "STAP-A cut in a size", "\x78\x00", 2, ERR_MALFORMED },
        { "STAP-A cut in a unit", "\x78\x00\x03\x41\x9a", 5, ERR_MALFORMED },
        { "STAP-A with an empty unit", "\x78\x00\x00", 3, ERR_MALFORMED },
        { "FU-A without a start", "\x5c\x41\x05", 3, ERR_MALFORMED },
        { "FU-A header alone", "\x5c", 1, ERR_MALFORMED },
        { "FU-A of an FU-A", "\x5c\x9c\x01", 3, ERR_MALFORMED },
        { "STAP-B", "\x79\x00\x00\x00\x02\x41\x9a", 7, ERR_UNSUPPORTED },
        { "MTAP16", "\x7a\x00\x00", 3, ERR_UNSUPPORTED },
        { "FU-B", "\x7d\x81\x00\x00\x9a", 5, ERR_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        print_message("%s\n", table[i].what);
        key_frame(100 * (int64_t)i);
        forget();
        PUSH(P1, 100 * (int64_t)i + 1, false, false);
        assert_int_equal(push(table[i].payload, table[i].len, 100 * (int64_t)i + 1, true, false),
                         table[i].err);
        assert_int_equal(count, 0);
        assert_true(depack_h264_damaged(d));
    }
    key_frame(5000);
    PUSH("\x7f\x01", 5001, false, false); /* reserved types are left out */
    PUSH(P1, 5001, true, false);
    ASSERT_FRAME(L_P1);
    assert_false(frames[1]->damaged);
}

static void unfinished_fragment(void **state)
{
    (void)state;
    key_frame(1);
    PUSH("\x5c\x81\x9a\x01", 2, true, false); /* the marker without the end bit */
    assert_int_equal(count, 1);
    assert_int_equal(PUSH("\x5c\x81\x9a\x01", 3, false, false), OK);
    assert_int_equal(PUSH(P1, 3, false, false), ERR_MALFORMED);
    assert_int_equal(PUSH("\x5c\x41\x05", 3, true, false), OK);
    assert_int_equal(count, 1);
}

static void too_large(void **state)
{
    (void)state;
    key_frame(1);
    static char part[1400] = "\x5c\x81\x9a";
    int err = OK;
    for (unsigned i = 0; i < FRAME_MAX_SIZE / 1398 + 2; i++, part[1] = 1)
        err = push(part, sizeof part, 2, false, false);
    assert_int_equal(err, ERR_LIMIT);
    part[1] = 0x41;
    push(part, sizeof part, 2, true, false);
    assert_int_equal(count, 1);
    key_frame(3);
    assert_int_equal(count, 2);
}

static void reset_waits_for_a_key(void **state)
{
    (void)state;
    key_frame(1);
    PUSH(P1, 2, false, false);
    depack_h264_reset(d);
    PUSH(P1, 3, true, false);
    assert_int_equal(count, 2);
    assert_true(frames[1]->damaged);
}

/* RFC 6716, table 2 and 3.2. */
static void opus_durations(void **state)
{
    (void)state;
    static const struct {
        uint8_t toc, second;
        usec_t want;
    } table[] = {
        { 0 << 3, 0, 10000 },          { 3 << 3, 0, 60000 },      { 3 << 3 | 1, 0, 120000 },
        { 12 << 3, 0, 10000 },         { 15 << 3, 0, 20000 },     { 16 << 3, 0, 2500 },
        { 31 << 3, 0, 20000 },         { 31 << 3 | 2, 0, 40000 }, { 16 << 3 | 3, 48, 120000 },
        { 19 << 3 | 3, 0x86, 120000 }, { 19 << 3 | 3, 7, 0 },     { 19 << 3 | 3, 0, 0 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t packet[] = { table[i].toc, table[i].second };
        usec_t got = 0;
        int err = opus_duration(bytes_of(packet, 2), &got);
        assert_int_equal(err, table[i].want ? OK : ERR_MALFORMED);
        assert_int_equal(got, table[i].want);
    }
    usec_t got;
    assert_int_equal(opus_duration(bytes_of(NULL, 0), &got), ERR_MALFORMED);
    assert_int_equal(opus_duration(bytes_of("\x03", 1), &got), ERR_MALFORMED);
    assert_true(opus_stereo(bytes_of("\x04", 1)));
    struct frame *f;
    assert_int_equal(depack_opus(bytes_of("\xf8\x01\x02", 3), 9, 8, &f), OK);
    assert_true(f->key && f->duration == 20000 && f->size == 3 && f->rtp == 9 && f->arrival == 8);
    frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(single_units_and_aggregates),
        TEST(fragments),
        TEST(without_marker),
        TEST(sets_are_put_in_front),
        TEST(sets_by_sdp),
        TEST(loss_damages_until_a_key_frame),
        TEST(padding_keeps_the_gap),
        TEST(odd_packets),
        TEST(unfinished_fragment),
        TEST(too_large),
        TEST(reset_waits_for_a_key),
        TEST(opus_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
