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
#include "rtp/pack_h264.h"
#include "rtp/pack_opus.h"

#define BYTES(text) bytes_of(text, sizeof(text) - 1)

struct payload {
    const char *data;
    size_t len;
};

#define PAYLOAD(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void known_packets(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct payload frame;
        struct payload want[4];
    } table[] = {
        { "one unit", PAYLOAD("\0\0\0\3\x41\x9a\1"), { PAYLOAD("\x41\x9a\1") } },
        { "sets share a packet",
          PAYLOAD("\0\0\0\2\x67\1\0\0\0\2\x68\2\0\0\0\2\x65\3"),
          { PAYLOAD("\x78\0\2\x67\1\0\2\x68\2"), PAYLOAD("\x65\3") } },
        { "importance is the highest's",
          PAYLOAD("\0\0\0\2\x27\1\0\0\0\2\x48\2"),
          { PAYLOAD("\x58\0\2\x27\1\0\2\x48\2") } },
        { "a set alone",
          PAYLOAD("\0\0\0\2\x68\1\0\0\0\2\x65\3"),
          { PAYLOAD("\x68\1"), PAYLOAD("\x65\3") } },
        { "sets that do not fit together",
          PAYLOAD("\0\0\0\x0c\x67"
                  "abcdefghijk"
                  "\0\0\0\2\x68\1"),
          { PAYLOAD("\x67"
                    "abcdefghijk"),
            PAYLOAD("\x68\1") } },
        { "exactly a packet",
          PAYLOAD("\0\0\0\x10\x65"
                  "abcdefghijklmno"),
          { PAYLOAD("\x65"
                    "abcdefghijklmno") } },
        { "one byte more",
          PAYLOAD("\0\0\0\x11\x65"
                  "abcdefghijklmnop"),
          { PAYLOAD("\x7c\x85"
                    "abcdefghijklmn"),
            PAYLOAD("\x7c\x45"
                    "op") } },
        { "a middle fragment",
          PAYLOAD("\0\0\0\x1e\x41"
                  "abcdefghijklmnopqrstuvwxyzABC"),
          { PAYLOAD("\x5c\x81"
                    "abcdefghijklmn"),
            PAYLOAD("\x5c\x01"
                    "opqrstuvwxyzAB"),
            PAYLOAD("\x5c\x41"
                    "C") } },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        print_message("%s\n", table[i].what);
        struct pack_h264 p;
        uint8_t out[PACK_H264_MIN];
        bool last = false;
        size_t count = 0;
        assert_int_equal(
            pack_h264_begin(&p, bytes_of(table[i].frame.data, table[i].frame.len), sizeof out), OK);
        for (size_t len; (len = pack_h264_next(&p, out, &last)); count++) {
            assert_true(count < 4);
            assert_int_equal(len, table[i].want[count].len);
            assert_memory_equal(out, table[i].want[count].data, len);
            assert_int_equal(last, count == 3 || !table[i].want[count + 1].data);
        }
        assert_true(last);
    }
}

static void broken_frames(void **state)
{
    (void)state;
    struct pack_h264 p;
    assert_int_equal(pack_h264_begin(&p, BYTES(""), 100), ERR_MALFORMED);
    assert_int_equal(pack_h264_begin(&p, BYTES("\0\0\0\0"), 100), ERR_MALFORMED);
    assert_int_equal(pack_h264_begin(&p, BYTES("\0\0\0\1\x65\0\0\0\2\x65"), 100), ERR_MALFORMED);
    assert_int_equal(pack_h264_begin(&p, BYTES("\0\0\0\1\x65"), PACK_H264_MIN - 1), ERR_RANGE);
}

/* Packs a frame, gives the packets to the depacketizer and compares what comes out. */
static void round_trip(struct depack_h264 *d, struct bytes frame, size_t max, int64_t rtp)
{
    struct pack_h264 p;
    bool last = false;
    assert_int_equal(pack_h264_begin(&p, frame, max), OK);
    for (;;) {
        uint8_t *exact = malloc(max);
        size_t len = pack_h264_next(&p, exact, &last);
        struct rtp_packet packet = { .marker = last, .payload = bytes_of(exact, len) };
        if (len)
            assert_int_equal(depack_h264_push(d, &packet, rtp, rtp, false), OK);
        free(exact);
        if (!len)
            break;
        assert_true(len <= max);
    }
    struct frame *f = depack_h264_pull(d);
    assert_non_null(f);
    assert_null(depack_h264_pull(d));
    assert_true(bytes_equal(frame, bytes_of(f->data, f->size)));
    assert_int_equal(f->rtp, rtp);
    assert_false(f->damaged);
    frame_unref(f);
}

static void random_frames_come_back(void **state)
{
    (void)state;
    struct random rnd = { test_seed(0x7065656c) };
    struct depack_h264 *d = depack_h264_new();
    struct buf frame;
    buf_init(&frame, FRAME_MAX_SIZE);
    for (int i = 0; i < 2000; i++) {
        buf_clear(&frame);
        kit_frame(&rnd, &frame, i == 0 || random_chance(&rnd, 10), 5000);
        size_t max = random_chance(&rnd, 50) ? 1188 : PACK_H264_MIN + random_below(&rnd, 1400);
        round_trip(d, buf_bytes(&frame), max, 1 + i * 3000);
    }
    buf_fini(&frame);
    depack_h264_free(d);
}

static void opus(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t len = 0;
    assert_int_equal(pack_opus(BYTES("\x7c\1\2\3"), out, sizeof out, &len), OK);
    assert_int_equal(len, 4);
    struct frame *f;
    assert_int_equal(depack_opus(bytes_of(out, len), 9, 9, &f), OK);
    assert_true(bytes_equal(BYTES("\x7c\1\2\3"), bytes_of(f->data, f->size)));
    frame_unref(f);
    assert_int_equal(pack_opus(BYTES("\x7c\1\2\3\4"), out, sizeof out, &len), ERR_LIMIT);
    assert_int_equal(pack_opus(BYTES(""), out, sizeof out, &len), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_packets),
        cmocka_unit_test(broken_frames),
        cmocka_unit_test(random_frames_come_back),
        cmocka_unit_test(opus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
