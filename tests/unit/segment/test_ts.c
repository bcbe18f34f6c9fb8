#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "segment/ts.h"
#include "ts_reader.h"

struct bench {
    struct ts ts;
    struct buf out;
    struct ts_reader reader;
};

static void setup(struct bench *b)
{
    ts_init(&b->ts);
    buf_init(&b->out, 1u << 28);
    ts_reader_init(&b->reader);
}

static void teardown(struct bench *b)
{
    ts_fini(&b->ts);
    buf_fini(&b->out);
    ts_reader_fini(&b->reader);
}

static void put(struct bench *b, enum ts_track track, int64_t pts, size_t len, uint8_t fill)
{
    struct buf *pes = ts_pes_begin(&b->ts, track, pts);
    uint8_t *p = buf_extend(pes, len);
    memset(p, fill, len);
    assert_int_equal(ts_pes_end(&b->ts, track, &b->out, pts, true), OK);
}

static void read_all(struct bench *b)
{
    ts_reader_segment(&b->reader, buf_bytes(&b->out));
    buf_clear(&b->out);
}

static void crc_of_the_standard_check_text(void **state)
{
    (void)state;
    assert_int_equal(ts_crc32(bytes_str("123456789")), 0x0376e6e7); /* CRC-32/MPEG-2 */
}

/* Each length around the packet borders, with and without clock reference, comes back as it was. */
static void every_length_comes_back(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (size_t len = 1; len < 600; len++) {
        ts_put_tables(&b.ts, &b.out, true, true);
        put(&b, TS_VIDEO, (int64_t)len * 9000 + 90000, len, (uint8_t)len);
        put(&b, TS_AUDIO, (int64_t)len * 9000 + 90001, len, (uint8_t)(len + 1));
        put(&b, TS_VIDEO, (int64_t)len * 9000 + 90002, len, (uint8_t)(len + 2));
        read_all(&b);
        assert_int_equal(b.reader.count, 3);
        for (unsigned i = 0; i < 3; i++) {
            struct ts_pes *pes = &b.reader.pes[i];
            assert_int_equal(pes->payload.len, len);
            assert_int_equal(pes->pts, (int64_t)len * 9000 + 90000 + i);
            assert_int_equal(pes->payload.ptr[0], (uint8_t)(len + i));
            assert_int_equal(pes->payload.ptr[len - 1], (uint8_t)(len + i));
            assert_int_equal(pes->pid, i == 1 ? TS_PID_AUDIO : TS_PID_VIDEO);
            assert_true(pes->random_access);
        }
        ts_reader_forget(&b.reader);
    }
    teardown(&b);
}

static void large_video_has_no_length_and_large_audio_is_refused(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    ts_put_tables(&b.ts, &b.out, true, true);
    put(&b, TS_VIDEO, 0, 300000, 7);
    read_all(&b);
    assert_int_equal(b.reader.pes[0].payload.len, 300000);
    buf_extend(ts_pes_begin(&b.ts, TS_AUDIO, 0), 70000);
    assert_int_equal(ts_pes_end(&b.ts, TS_AUDIO, &b.out, 0, true), ERR_LIMIT);
    teardown(&b);
}

/* The clock reference: never further apart than 100 ms, whatever the frame rate and whichever track
 * speaks. */
static void clock_reference_keeps_its_interval(void **state)
{
    (void)state;
    uint32_t seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    struct bench b;
    setup(&b);
    int64_t pts = 0;
    for (int n = 0; n < 200; n++) {
        bool video = rand() % 3, audio = !video || rand() % 2;
        ts_put_tables(&b.ts, &b.out, video, audio);
        for (int i = 0; i < 20; i++) {
            put(&b, audio && (!video || rand() % 2) ? TS_AUDIO : TS_VIDEO, pts,
                (size_t)(rand() % 400 + 1), 1);
            pts += rand() % (rand() % 10 ? 9000 : 90000);
        }
        read_all(&b);
        if (n % 20 == 0)
            ts_reader_forget(&b.reader);
        b.reader.pcr = -1; /* distances inside a segment */
    }
    assert_true(b.reader.max_pcr_step <= TS_PCR_MAX);
    teardown(&b);
}

/* 33 bits are 26.5 hours: frames every 40 ms across the border. */
static void time_wraps(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int64_t wrap = (int64_t)1 << 33;
    ts_put_tables(&b.ts, &b.out, true, false);
    for (int i = 0; i < 100; i++)
        put(&b, TS_VIDEO, wrap - 50 * 3600 + i * 3600, 100, 1);
    read_all(&b);
    for (int i = 0; i < 100; i++)
        assert_int_equal(b.reader.pes[i].pts, (wrap - 50 * 3600 + i * 3600) & (wrap - 1));
    assert_true(b.reader.max_pcr_step <= TS_PCR_MAX);
    assert_int_equal(b.reader.pcr, 49 * 3600 - TS_LEAD);
    teardown(&b);
}

static void version_follows_the_tracks(void **state)
{
    (void)state;
    static const struct {
        bool video, audio;
        unsigned version;
    } rows[] = { { false, true, 0 },
                 { false, true, 0 },
                 { true, true, 1 },
                 { true, true, 1 },
                 { true, false, 2 } };
    struct bench b;
    setup(&b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ts_put_tables(&b.ts, &b.out, rows[i].video, rows[i].audio);
        put(&b, rows[i].video ? TS_VIDEO : TS_AUDIO, (int64_t)i * 90000, 10, 1);
        b.reader.pcr = -1;
        read_all(&b);
        assert_int_equal(b.reader.pmt_version, rows[i].version);
        assert_int_equal(b.reader.video_pid != 0, rows[i].video);
        assert_int_equal(b.reader.audio_pid != 0, rows[i].audio);
        assert_int_equal(b.reader.pcr_pid, rows[i].video ? TS_PID_VIDEO : TS_PID_AUDIO);
    }
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_of_the_standard_check_text),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(large_video_has_no_length_and_large_audio_is_refused),
        cmocka_unit_test(clock_reference_keeps_its_interval),
        cmocka_unit_test(time_wraps),
        cmocka_unit_test(version_follows_the_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
