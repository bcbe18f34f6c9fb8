#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "srtp/index.h"
#include "srtp/srtp.h"

static const enum srtp_profile profiles[] = { SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_128_GCM };

#define EACH_PROFILE(p) for (size_t p = 0; p < 2; p++)

static const size_t tag_size[] = { 10, 16 };

/* A sender and a receiver with the same key. */
struct pair {
    struct srtp *send, *receive;
};

static struct pair pair_new(enum srtp_profile profile)
{
    struct srtp_key key = { .profile = profile };
    struct pair p;
    for (uint8_t i = 0; i < sizeof key.key; i++)
        key.key[i] = i;
    for (uint8_t i = 0; i < sizeof key.salt; i++)
        key.salt[i] = (uint8_t)(0xa0 + i);
    assert_int_equal(srtp_new(&p.send, &key, SRTP_SEND), OK);
    assert_int_equal(srtp_new(&p.receive, &key, SRTP_RECEIVE), OK);
    return p;
}

static void pair_free(struct pair p)
{
    srtp_free(p.send);
    srtp_free(p.receive);
}

#define SIZE 256

static size_t make_rtp(uint8_t packet[SIZE], uint32_t ssrc, uint16_t seq, size_t payload)
{
    memset(packet, 0, SIZE);
    packet[0] = 0x80;
    packet[1] = 96;
    set_u16(packet + 2, seq);
    set_u32(packet + 4, seq * 3000u);
    set_u32(packet + 8, ssrc);
    for (size_t i = 0; i < payload; i++)
        packet[12 + i] = (uint8_t)(seq + i);
    return 12 + payload;
}

static size_t make_rtcp(uint8_t packet[SIZE], uint32_t ssrc)
{
    memset(packet, 0x5a, SIZE);
    set_u32(packet, 0x81c90007);
    set_u32(packet + 4, ssrc);
    return 32;
}

static size_t sealed(struct srtp *s, uint8_t packet[SIZE], uint32_t ssrc, uint16_t seq)
{
    size_t len = make_rtp(packet, ssrc, seq, 20);
    assert_int_equal(srtp_seal_rtp(s, packet, &len, SIZE), OK);
    return len;
}

static int receive(struct srtp *s, const uint8_t packet[SIZE], size_t len)
{
    uint8_t copy[SIZE], want[SIZE];
    memcpy(copy, packet, SIZE);
    int err = srtp_open_rtp(s, copy, &len);
    if (!err) {
        assert_int_equal(len, make_rtp(want, get_u32(copy + 8), get_u16(copy + 2), 20));
        assert_memory_equal(copy, want, len);
    }
    return err;
}

static void packets_come_back(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        for (size_t payload = 0; payload <= 200; payload++) {
            uint8_t packet[SIZE], plain[SIZE];
            size_t len = make_rtp(packet, 7, (uint16_t)payload, payload), plain_len = len;
            memcpy(plain, packet, SIZE);
            assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, SIZE), OK);
            assert_int_equal(len, plain_len + tag_size[p]);
            if (payload >= 16)
                assert_memory_not_equal(packet + 12, plain + 12, payload);
            assert_memory_equal(packet, plain, 12);
            assert_int_equal(srtp_open_rtp(pair.receive, packet, &len), OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(packet, plain, len);
        }
        pair_free(pair);
    }
}

static void rtcp_comes_back_once(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        for (int i = 0; i < 100; i++) {
            uint8_t packet[SIZE], plain[SIZE], again[SIZE];
            size_t len = make_rtcp(packet, 7), plain_len = len, again_len;
            memcpy(plain, packet, SIZE);
            assert_int_equal(srtp_seal_rtcp(pair.send, packet, &len, SIZE), OK);
            assert_int_equal(len, plain_len + tag_size[p] + 4);
            memcpy(again, packet, SIZE);
            again_len = len;
            assert_int_equal(srtp_open_rtcp(pair.receive, packet, &len), OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(packet, plain, len);
            assert_int_equal(srtp_open_rtcp(pair.receive, again, &again_len), ERR_REPLAY);
            assert_int_equal(again_len, plain_len + tag_size[p] + 4);
        }
        pair_free(pair);
    }
}

/* Headers with contributing sources and an extension stay clear and are authenticated. */
static void header_extension_and_sources_stay_clear(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        uint8_t packet[SIZE], plain[SIZE];
        size_t len = make_rtp(packet, 7, 1, 60), plain_len = len;
        packet[0] = 0x92; /* two sources, extension */
        set_u32(packet + 20, 0xbede0002);
        memcpy(plain, packet, SIZE);
        assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, SIZE), OK);
        assert_memory_equal(packet, plain, 32);
        assert_memory_not_equal(packet + 32, plain + 32, 40);
        packet[13] ^= 1;
        uint8_t copy[SIZE];
        size_t copy_len = len;
        memcpy(copy, packet, SIZE);
        assert_int_equal(srtp_open_rtp(pair.receive, copy, &copy_len), ERR_AUTH);
        packet[13] ^= 1;
        assert_int_equal(srtp_open_rtp(pair.receive, packet, &len), OK);
        assert_int_equal(len, plain_len);
        assert_memory_equal(packet, plain, len);
        pair_free(pair);
    }
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        uint8_t packet[SIZE];
        size_t len = sealed(pair.send, packet, 7, 1);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
            int err = receive(pair.receive, packet, len);
            if (err != ERR_AUTH && err != ERR_MALFORMED)
                fail_msg("bit %zu: error %d", bit, err);
            packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(receive(pair.receive, packet, len),
                         OK); /* nothing of it moved the state */

        len = make_rtcp(packet, 7);
        assert_int_equal(srtp_seal_rtcp(pair.send, packet, &len, SIZE), OK);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            uint8_t copy[SIZE];
            size_t copy_len = len;
            memcpy(copy, packet, SIZE);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            int err = srtp_open_rtcp(pair.receive, copy, &copy_len);
            if (err != ERR_AUTH && err != ERR_MALFORMED)
                fail_msg("RTCP bit %zu: error %d", bit, err);
        }
        assert_int_equal(srtp_open_rtcp(pair.receive, packet, &len), OK);
        pair_free(pair);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        uint8_t rtp[SIZE], rtcp[SIZE];
        size_t rtp_len = sealed(pair.send, rtp, 7, 1), rtcp_len = make_rtcp(rtcp, 7);
        assert_int_equal(srtp_seal_rtcp(pair.send, rtcp, &rtcp_len, SIZE), OK);
        for (size_t len = 0; len < rtp_len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            size_t n = len;
            memcpy(exact, rtp, len);
            assert_int_not_equal(srtp_open_rtp(pair.receive, exact, &n), OK);
            free(exact);
        }
        for (size_t len = 0; len < rtcp_len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            size_t n = len;
            memcpy(exact, rtcp, len);
            assert_int_not_equal(srtp_open_rtcp(pair.receive, exact, &n), OK);
            free(exact);
        }
        pair_free(pair);
    }
}

static void replay_window(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        static uint8_t packets[2000][SIZE];
        size_t len = 0;
        for (uint16_t i = 0; i < 2000; i++)
            len = sealed(pair.send, packets[i], 7, (uint16_t)(100 + i));
        assert_int_equal(receive(pair.receive, packets[1999], len), OK);
        assert_int_equal(receive(pair.receive, packets[1999], len), ERR_REPLAY);
        assert_int_equal(receive(pair.receive, packets[1999 - SRTP_WINDOW], len), ERR_REPLAY);
        for (size_t i = 2000 - SRTP_WINDOW; i < 1999; i++) {
            assert_int_equal(receive(pair.receive, packets[i], len), OK);
            assert_int_equal(receive(pair.receive, packets[i], len), ERR_REPLAY);
        }
        pair_free(pair);
    }
}

#define BLOCK 40
#define STEP  17 /* of the sequence number; BLOCK * STEP stays inside the window */

/* Numbers wrap three times; packets arrive in blocks, each in a random order. */
static void rollover_under_reordering(void **state)
{
    (void)state;
    unsigned seed = random_u32();
    print_message("seed %u\n", seed);
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        static uint8_t block[BLOCK][SIZE];
        for (uint32_t first = 0; first < 200000; first += BLOCK * STEP) {
            size_t len = 0;
            for (uint32_t i = 0; i < BLOCK; i++)
                len = sealed(pair.send, block[i], 7, (uint16_t)(first + i * STEP));
            for (size_t held = BLOCK; held > 0; held--) {
                size_t pick = (size_t)rand_r(&seed) % held;
                assert_int_equal(receive(pair.receive, block[pick], len), OK);
                memcpy(block[pick], block[held - 1], SIZE);
            }
        }
        pair_free(pair);
    }
}

/* The guess of RFC 3711 3.3.1 and its edges. */
static void index_guess(void **state)
{
    (void)state;
    static const struct {
        uint64_t top;
        uint16_t seq;
        int64_t want; /* -1: refused */
    } rows[] = {
        { 0, 1, 1 },
        { 100, 50, 50 },
        { 100, 100 + 32768, 100 + 32768 },
        { 100, 100 + 32769, -1 },
        { 0xffff, 0, 0x10000 },
        { 0x8000, 0, 0 },
        { 0x8001, 0, 0x10000 },
        { 0x10000, 0xffff, 0xffff },
        { 0x1ffff, 3, 0x20003 },
        { 0x20003, 0xfff0, 0x1fff0 },
        { 0xffffffffffff, 1, -1 },
        { 0xffffffff8000, 0, 0xffffffff0000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct srtp_window w = { 0 };
        uint64_t index = 0;
        srtp_window_accept(&w, rows[i].top);
        int err = srtp_guess_index(&w, rows[i].seq, &index);
        if (rows[i].want < 0)
            assert_int_equal(err, ERR_REPLAY);
        else if (err || index != (uint64_t)rows[i].want)
            fail_msg("row %zu: error %d, index %llx", i, err, (unsigned long long)index);
    }
}

/* A window and a plain list of what was seen give the same verdicts. */
static void window_against_a_list(void **state)
{
    (void)state;
    unsigned seed = random_u32();
    print_message("seed %u\n", seed);
    static bool seen[40000];
    struct srtp_window w = { 0 };
    uint64_t top = 0;
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 30000; i++) {
        uint64_t step = (uint64_t)rand_r(&seed) % 2100;
        uint64_t index = top + 3 > step ? top + 3 - step : 0;
        if (rand_r(&seed) % 1000 == 0)
            index = top + (uint64_t)rand_r(&seed) % 1500;
        if (index >= 40000)
            break;
        bool old = w.begun && index <= top && (top - index >= SRTP_WINDOW || seen[index]);
        assert_int_equal(srtp_window_check(&w, index), old ? ERR_REPLAY : OK);
        if (old)
            continue;
        srtp_window_accept(&w, index);
        seen[index] = true;
        top = index > top ? index : top;
    }
    assert_true(top > 5000);
}

static void streams_are_limited(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        uint8_t packet[SIZE];
        struct pair other = pair_new(profiles[p]), pair = pair_new(profiles[p]);
        for (uint32_t ssrc = 1; ssrc <= SRTP_MAX_STREAMS; ssrc++) {
            size_t len = sealed(pair.send, packet, ssrc, 1);
            packet[len - 1] ^= 1; /* forged packets take no place */
            assert_int_equal(receive(pair.receive, packet, len), ERR_AUTH);
            packet[len - 1] ^= 1;
            assert_int_equal(receive(pair.receive, packet, len), OK);
        }
        size_t len = sealed(other.send, packet, 1000, 1);
        assert_int_equal(receive(pair.receive, packet, len), ERR_LIMIT);
        len = make_rtp(packet, 1000, 1, 1);
        assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, SIZE), ERR_LIMIT);
        len = sealed(pair.send, packet, 5, 2);
        assert_int_equal(receive(pair.receive, packet, len), OK);
        pair_free(pair);
        pair_free(other);
    }
}

static void sender_never_reuses_an_index(void **state)
{
    (void)state;
    EACH_PROFILE(p)
    {
        uint8_t packet[SIZE];
        struct pair pair = pair_new(profiles[p]);
        sealed(pair.send, packet, 7, 10);
        size_t len = make_rtp(packet, 7, 10, 20);
        assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, SIZE), ERR_REPLAY);
        sealed(pair.send, packet, 7, 9);
        len = make_rtp(packet, 7, 11, 20);
        assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, len + tag_size[p] - 1), ERR_LIMIT);
        assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, len + tag_size[p]), OK);
        pair_free(pair);
    }
}

static void odd_packets(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t bytes[16];
        size_t len;
    } rows[] = {
        { "empty", { 0 }, 0 },
        { "version 1", { 0x40 }, 16 },
        { "sources past the end", { 0x82 }, 16 },
        { "extension header past the end", { 0x91 }, 16 },
        { "extension past the end",
          { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1 },
          16 },
    };
    EACH_PROFILE(p)
    {
        struct pair pair = pair_new(profiles[p]);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            uint8_t packet[SIZE] = { 0 };
            size_t len = rows[i].len;
            memcpy(packet, rows[i].bytes, sizeof rows[i].bytes);
            assert_int_equal(srtp_seal_rtp(pair.send, packet, &len, SIZE), ERR_MALFORMED);
            len = rows[i].len + tag_size[p];
            assert_int_equal(srtp_open_rtp(pair.receive, packet, &len), ERR_MALFORMED);
        }
        pair_free(pair);
    }
    struct srtp *s;
    struct srtp_key key = { .profile = (enum srtp_profile)2 };
    assert_int_equal(srtp_new(&s, &key, SRTP_SEND), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_back),
        cmocka_unit_test(rtcp_comes_back_once),
        cmocka_unit_test(header_extension_and_sources_stay_clear),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(replay_window),
        cmocka_unit_test(rollover_under_reordering),
        cmocka_unit_test(index_guess),
        cmocka_unit_test(window_against_a_list),
        cmocka_unit_test(streams_are_limited),
        cmocka_unit_test(sender_never_reuses_an_index),
        cmocka_unit_test(odd_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
