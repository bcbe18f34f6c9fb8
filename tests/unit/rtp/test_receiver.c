#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "kit.h"
#include "rtp/feedback.h"

static struct random rnd;
static struct receiver *r;
static struct receiver_stats stats;

static void open_receiver(enum codec codec)
{
    struct receiver_config config = { .codec = codec,
                                      .payload_type = 96,
                                      .nack = true,
                                      .pli = true,
                                      .settle = -1,
                                      .key_interval = 2 * SEC };
    assert_int_equal(receiver_new(&r, &config), OK);
}

static int setup(void **state)
{
    (void)state;
    rnd.state = test_seed(2024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    receiver_free(r);
    r = NULL;
    return 0;
}

static int push(const struct sent *s, usec_t now)
{
    uint8_t *exact = malloc(s->len);
    memcpy(exact, s->data, s->len);
    int err = receiver_push(r, exact, s->len, now);
    free(exact);
    return err;
}

static unsigned pull_all(void)
{
    unsigned count = 0;
    for (struct frame *f; (f = receiver_pull(r)); count++)
        frame_unref(f);
    receiver_get_stats(r, &stats);
    return count;
}

/* What was sent, to compare with what comes out. */
#define FRAMES 600
static struct buf sent_frame[FRAMES];
static bool sent_key[FRAMES];

/* A damaged one may lack what stands before the first slice, nothing else. */
static void assert_equal_to_sent(const struct frame *f, const struct buf *sent, bool key)
{
    if (!f->damaged)
        assert_int_equal(f->size, sent->len);
    assert_true(f->size <= sent->len);
    assert_memory_equal(f->data, sent->ptr + sent->len - f->size, f->size);
    assert_int_equal(f->key, key && !f->damaged); /* a key frame that lost its sets is none */
}

/* Every undamaged frame equals the sent one. Sequence numbers and time stamps wrap on the way. */
static void round_trip(unsigned loss, unsigned twice, unsigned late)
{
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 65000, .ssrc = 5, .mtu = 500 };
    uint32_t start = 0xfffff000;
    struct {
        size_t packet;
        usec_t at;
    } *way = NULL;
    struct sent_list sent = { 0 };
    size_t ways = 0, size = 0;
    for (unsigned i = 0; i < FRAMES; i++) {
        buf_init(&sent_frame[i], 1 << 20);
        sent_key[i] = i % 50 == 0;
        kit_frame(&rnd, &sent_frame[i], sent_key[i], random_chance(&rnd, 5) ? 20000 : 900);
        size_t first = sent.count;
        packetize_h264(&p, buf_bytes(&sent_frame[i]), start + i * 3000, &sent);
        for (size_t k = first; k < sent.count; k++) {
            if (i && random_chance(&rnd, loss))
                continue;
            for (unsigned copies = random_chance(&rnd, twice) ? 2 : 1; copies; copies--) {
                usec_t at = i * 33 * MSEC +
                            (i && random_chance(&rnd, late) ? random_below(&rnd, 300) * MSEC : 0);
                if (ways == size)
                    way = realloc(way, (size = 2 * size + 64) * sizeof *way);
                size_t w = ways++;
                for (; w && way[w - 1].at > at; w--)
                    way[w] = way[w - 1];
                way[w].packet = k;
                way[w].at = at;
            }
        }
    }
    int64_t last = -1;
    unsigned out = 0, good = 0;
    for (size_t w = 0; w <= ways; w++) {
        if (w < ways)
            assert_int_equal(push(&sent.item[way[w].packet], way[w].at), OK);
        else
            receiver_tick(r, USEC_NEVER / 2);
        for (struct frame *f; (f = receiver_pull(r)); out++) {
            int64_t i = (f->rtp - start) / 3000;
            assert_in_range(i, 0, FRAMES - 1);
            assert_true(i > last);
            last = i;
            assert_equal_to_sent(f, &sent_frame[i], sent_key[i]);
            assert_false(f->discontinuity);
            good += !f->damaged;
            frame_unref(f);
        }
    }
    receiver_get_stats(r, &stats);
    print_message("%u %% lost, %u %% late: %u of %u frames, %u undamaged\n", loss, late, out,
                  FRAMES, good);
    assert_int_equal(stats.frames, out);
    assert_int_equal(stats.damaged, out - good);
    if (!loss)
        assert_int_equal(good, FRAMES);
    else
        assert_true(good > 0 && out < FRAMES);
    for (unsigned i = 0; i < FRAMES; i++)
        buf_fini(&sent_frame[i]);
    sent_free(&sent);
    free(way);
}

static void frames_survive_any_link(void **state)
{
    (void)state;
    static const unsigned links[][3] = {
        { 0, 0, 0 }, { 0, 10, 30 }, { 1, 0, 0 }, { 1, 5, 5 }, { 5, 5, 30 }
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        open_receiver(CODEC_H264);
        round_trip(links[i][0], links[i][1], links[i][2]);
        teardown(NULL);
    }
}

/* A damaged frame is one that follows a loss since the last key frame, and only that. */
static void damage_is_told_exactly(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static bool chain[COUNT]; /* every packet since the last key frame arrived */
    open_receiver(CODEC_H264);
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 1, .ssrc = 5, .mtu = 500 };
    unsigned whole = 0, good = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        struct buf frame;
        struct sent_list sent = { 0 };
        buf_init(&frame, 1 << 20);
        bool key = i % 20 == 0;
        kit_frame(&rnd, &frame, key, 1500);
        packetize_h264(&p, buf_bytes(&frame), i * 3000, &sent);
        size_t lost =
            i && random_chance(&rnd, 10) ? random_below(&rnd, (uint32_t)sent.count) : SIZE_MAX;
        chain[i] = ((i && chain[i - 1]) || key) && lost == SIZE_MAX;
        whole += chain[i];
        for (size_t k = 0; k < sent.count; k++) {
            if (k == lost)
                continue;
            push(&sent.item[k], i * 33 * MSEC);
            for (struct frame *f; (f = receiver_pull(r)); frame_unref(f)) {
                assert_int_equal(f->damaged, !chain[f->rtp / 3000]);
                good += !f->damaged;
            }
        }
        sent_free(&sent);
        buf_fini(&frame);
    }
    receiver_tick(r, USEC_NEVER / 2);
    for (struct frame *f; (f = receiver_pull(r)); frame_unref(f))
        good += !f->damaged;
    assert_int_equal(good, whole);
}

static void opus_stream(void **state)
{
    (void)state;
    open_receiver(CODEC_OPUS);
    struct packetizer p = { .payload_type = 96, .seq = 65530, .ssrc = 5 };
    struct sent_list sent = { 0 };
    uint8_t packet[] = { 0xf8, 1, 2 };
    for (unsigned i = 0; i < 20; i++) {
        packet[1] = (uint8_t)i;
        packetize_opus(&p, bytes_of(packet, sizeof packet), 0xffffe000u + i * 960, &sent);
    }
    unsigned out = 0;
    for (unsigned i = 0; i < 20; i++) {
        if (i == 7)
            continue;
        assert_int_equal(push(&sent.item[i ^ 1], i * 20 * MSEC), OK);
        for (struct frame *f; (f = receiver_pull(r)); out++) {
            assert_int_equal(f->duration, 20000);
            assert_int_equal(f->rtp, 0xffffe000 + (int64_t)f->data[1] * 960);
            frame_unref(f);
        }
    }
    receiver_tick(r, SEC);
    out += pull_all();
    sent_free(&sent);
    assert_int_equal(
        out, 18); /* number 0 came behind number 1, which began the stream; number 6 never came */
    assert_int_equal(stats.lost, 1);
}

/* A first frame whose packets come in any order, while the source settles. */
static void first_frame_in_disorder(void **state)
{
    (void)state;
    struct receiver_config config = { .codec = CODEC_H264, .payload_type = 96 };
    assert_int_equal(receiver_new(&r, &config), OK);
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 65534, .ssrc = 5, .mtu = 100 };
    struct sent_list sent = { 0 };
    struct buf frame;
    buf_init(&frame, 1 << 20);
    kit_frame(&rnd, &frame, true, 5000);
    packetize_h264(&p, buf_bytes(&frame), 0, &sent);
    for (size_t i = sent.count; i--;) {
        push(&sent.item[i], 0);
        assert_int_equal(pull_all(), 0);
    }
    assert_int_equal(receiver_deadline(r), RECEIVER_SETTLE);
    receiver_tick(r, RECEIVER_SETTLE);
    assert_int_equal(pull_all(), 1);
    assert_true(stats.keys == 1 && stats.lost == 0);
    sent_free(&sent);
    buf_fini(&frame);
}

static void other_payload_types(void **state)
{
    (void)state;
    open_receiver(CODEC_OPUS);
    struct sent_list sent = { 0 };
    struct packetizer p = { .payload_type = 97, .ssrc = 5 };
    packetize_opus(&p, bytes_of("\xf8", 1), 0, &sent);
    assert_int_equal(push(&sent.item[0], 0), ERR_UNSUPPORTED);
    assert_int_equal(receiver_push(r, (const uint8_t *)"\x80", 1, 0), ERR_MALFORMED);
    assert_int_equal(pull_all(), 0);
    assert_true(stats.foreign == 1 && stats.malformed == 1 && stats.packets == 0);
    sent_free(&sent);
    struct receiver *none;
    assert_int_equal(receiver_new(&none, &(struct receiver_config){ .codec = CODEC_AAC }),
                     ERR_UNSUPPORTED);
}

/* The publisher begins again with another SSRC: nothing is lost, the first new frame says so. */
static void ssrc_changes(void **state)
{
    (void)state;
    open_receiver(CODEC_OPUS);
    struct sent_list sent = { 0 };
    struct packetizer p = { .payload_type = 96, .seq = 10, .ssrc = 5 };
    for (unsigned i = 0; i < 4; i++)
        packetize_opus(&p, bytes_of("\xf8", 1), i * 960, &sent);
    p.ssrc = 6;
    p.seq = 40000;
    for (unsigned i = 0; i < 4; i++)
        packetize_opus(&p, bytes_of("\xf8", 1), 500 + i * 960, &sent);
    unsigned out = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i == 2) /* still missing when the change comes */
            continue;
        push(&sent.item[i], i * MSEC);
        for (struct frame *f; (f = receiver_pull(r)); out++) {
            assert_int_equal(f->discontinuity, out == 3);
            if (out == 3)
                assert_true(f->rtp > (int64_t)1 << 32 && (uint32_t)f->rtp == 500);
            frame_unref(f);
        }
    }
    pull_all();
    sent_free(&sent);
    assert_int_equal(out, 7);
    assert_int_equal(receiver_ssrc(r), 6);
    assert_int_equal(stats.restarts, 1);
}

static void one_stray_ssrc_changes_nothing(void **state)
{
    (void)state;
    open_receiver(CODEC_OPUS);
    struct sent_list sent = { 0 };
    struct packetizer p = { .payload_type = 96, .seq = 10, .ssrc = 5 };
    for (unsigned i = 0; i < 10; i++) {
        p.ssrc = i == 3 || i == 6 ? 9 : 5;
        packetize_opus(&p, bytes_of("\xf8", 1), i * 960, &sent);
        push(&sent.item[i], i);
        pull_all();
    }
    sent_free(&sent);
    assert_int_equal(receiver_ssrc(r), 5);
    assert_int_equal(stats.packets, 8);
    assert_int_equal(stats.restarts, 0);
}

/* Reads the datagrams due at `now`: how many of each kind. */
struct said {
    unsigned reports, blocks, cnames, plis, firs, nacks, twccs;
    uint16_t seqs[256];
    size_t seq_count;
};

static struct said hear(struct feedback *f, usec_t now)
{
    struct said s = { 0 };
    uint8_t mem[FEEDBACK_SIZE];
    for (size_t len; (len = feedback_write(f, mem, sizeof mem, now));) {
        struct reader in = reader_of(bytes_of(mem, len));
        struct rtcp_packet p;
        while (!rtcp_next(&in, &p)) {
            uint32_t media;
            size_t count;
            s.reports += p.type == RTCP_RR;
            s.blocks += p.type == RTCP_RR ? p.count : 0;
            s.cnames += p.type == RTCP_SDES;
            s.plis += p.type == RTCP_PSFB && p.count == RTCP_PSFB_PLI;
            s.firs += p.type == RTCP_PSFB && p.count == RTCP_PSFB_FIR;
            s.twccs += p.type == RTCP_RTPFB && p.count == RTCP_RTPFB_TWCC;
            if (rtcp_parse_nack(&media, s.seqs + s.seq_count, 256 - s.seq_count, &count, &p))
                continue;
            s.nacks++;
            s.seq_count += count;
        }
        assert_false(in.failed);
    }
    assert_true(feedback_deadline(f) > now);
    return s;
}

static void feedback_is_composed(void **state)
{
    (void)state;
    static struct twcc twcc;
    struct feedback f;
    open_receiver(CODEC_H264);
    twcc_init(&twcc);
    feedback_init(&f, 77, "reeltime", false, &twcc);
    assert_int_equal(feedback_deadline(&f), USEC_NEVER);
    assert_int_equal(feedback_add(&f, r, 0), OK);
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 1, .ssrc = 5, .mtu = 500 };
    struct sent_list sent = { 0 };
    struct buf frame;
    buf_init(&frame, 1 << 20);
    kit_frame(&rnd, &frame, true, 20000);
    packetize_h264(&p, buf_bytes(&frame), 0, &sent);
    for (size_t i = 0; i < sent.count; i++) {
        if (i == 2)
            continue;
        push(&sent.item[i], 0);
        pull_all();
        twcc_arrived(&twcc, (uint16_t)i, 0);
    }
    assert_int_equal(feedback_deadline(&f), 10 * MSEC);
    struct said s = hear(&f, 10 * MSEC);
    assert_true(s.nacks == 1 && s.seq_count == 1 && s.seqs[0] == 3);
    assert_true(s.reports == 1 && s.cnames == 1 &&
                s.blocks == 0); /* compound, though the report is not due */
    push(&sent.item[2], 40 * MSEC);
    assert_int_equal(pull_all(), 1);
    assert_int_equal(stats.recovered, 1);
    s = hear(&f, 100 * MSEC);
    assert_true(s.twccs == 1 && s.nacks == 0);
    s = hear(&f, SEC);
    assert_true(s.reports == 1 && s.blocks == 1 && s.plis == 0);
    f.reduced_size = true;
    receiver_request_key(r);
    s = hear(&f, SEC + 1);
    assert_true(s.plis == 1 && s.reports == 0);
    feedback_remove(&f, r);
    assert_int_equal(feedback_deadline(&f), USEC_NEVER);
    sent_free(&sent);
    buf_fini(&frame);
}

static void push_picture(struct packetizer *p, bool key, uint32_t timestamp, usec_t now)
{
    struct sent_list sent = { 0 };
    struct buf frame;
    buf_init(&frame, 1 << 20);
    kit_frame(&rnd, &frame, key, 100);
    packetize_h264(p, buf_bytes(&frame), timestamp, &sent);
    for (size_t i = 0; i < sent.count; i++) {
        push(&sent.item[i], now);
        pull_all();
    }
    buf_fini(&frame);
    sent_free(&sent);
}

/* When key frames are asked for over 20 s of video at 30 pictures a second: `key_at` gives what the
 * sender does. */
static unsigned requests(struct feedback *f, struct packetizer *p, usec_t from, usec_t to,
                         bool answers)
{
    unsigned plis = 0;
    bool wanted = false;
    usec_t last = USEC_UNSET;
    for (usec_t now = from; now < to; now += 33 * MSEC) {
        push_picture(p, wanted && answers, (uint32_t)(now * 9 / 100), now);
        wanted = false;
        struct said s = hear(f, now);
        if (s.plis) {
            assert_true(last == USEC_UNSET || now - last >= 500 * MSEC);
            last = now;
            wanted = true;
        }
        plis += s.plis;
    }
    return plis;
}

static void key_frames_are_asked_for(void **state)
{
    (void)state;
    struct feedback f;
    open_receiver(CODEC_H264);
    feedback_init(&f, 77, "reeltime", true, NULL);
    feedback_add(&f, r, 0);
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 1, .ssrc = 5, .mtu = 500 };
    push_picture(&p, true, 0, 0);
    assert_int_equal(requests(&f, &p, 0, 10 * SEC, true), 0); /* nobody records */
    receiver_set_watched(r, true);
    receiver_request_key(r);
    assert_in_range(requests(&f, &p, 10 * SEC, 20 * SEC, true), 5, 6); /* one, then every 2 s */
    receiver_set_watched(r, false);
    assert_int_equal(requests(&f, &p, 20 * SEC, 30 * SEC, true), 0);
    p.seq++; /* a loss */
    assert_int_equal(requests(&f, &p, 30 * SEC, 40 * SEC, true), 1);
    p.seq++;
    assert_in_range(requests(&f, &p, 40 * SEC, 60 * SEC, false), 5,
                    8);                            /* no answer: less and less */
    assert_int_equal(hear(&f, 100 * SEC).plis, 0); /* silence: nobody to ask */
}

static void fir_when_only_that(void **state)
{
    (void)state;
    struct receiver_config config = {
        .codec = CODEC_H264, .payload_type = 96, .fir = true, .settle = -1
    };
    assert_int_equal(receiver_new(&r, &config), OK);
    struct feedback f;
    feedback_init(&f, 77, "reeltime", true, NULL);
    feedback_add(&f, r, 0);
    struct packetizer p = { .rnd = &rnd, .payload_type = 96, .seq = 1, .ssrc = 5, .mtu = 500 };
    push_picture(&p, false, 0, 0);
    struct said s = hear(&f, 500 * MSEC);
    assert_true(s.firs == 1 && s.plis == 0);
}

static void reports_carry_delay(void **state)
{
    (void)state;
    open_receiver(CODEC_OPUS);
    struct sent_list sent = { 0 };
    struct packetizer p = { .payload_type = 96, .seq = 10, .ssrc = 5 };
    packetize_opus(&p, bytes_of("\xf8", 1), 0, &sent);
    push(&sent.item[0], 0);
    pull_all();
    sent_free(&sent);
    receiver_report_in(r, &(struct rtcp_sr){ .ssrc = 5, .ntp = 0x0000000100020000 }, SEC);
    struct rtcp_block b;
    assert_true(receiver_block(r, 2 * SEC, &b));
    assert_int_equal(b.last_sr, 0x00010002);
    assert_int_equal(b.delay, 0x10000);
    receiver_report_in(r, &(struct rtcp_sr){ .ssrc = 6, .ntp = 1 }, SEC);
    assert_true(receiver_block(r, 2 * SEC, &b) && b.last_sr == 0x00010002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(frames_survive_any_link),
        TEST(damage_is_told_exactly),
        TEST(opus_stream),
        TEST(first_frame_in_disorder),
        TEST(other_payload_types),
        TEST(ssrc_changes),
        TEST(one_stray_ssrc_changes_nothing),
        TEST(feedback_is_composed),
        TEST(key_frames_are_asked_for),
        TEST(fir_when_only_that),
        TEST(reports_carry_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
