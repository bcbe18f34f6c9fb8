/* Our SRTP against libsrtp2, both ways: random keys, sizes, headers, numbers that wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if __has_include(<srtp2/srtp.h>)
#include <srtp2/srtp.h>

#include "base/err.h"
#include "base/random.h"
#include "srtp/srtp.h"

#define SIZE    1500
#define STREAMS 3

static unsigned seed;

static unsigned below(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void random_fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)below(256);
}

static struct srtp_key random_key(enum srtp_profile profile)
{
    struct srtp_key key = { .profile = profile };
    random_fill(key.key, sizeof key.key);
    random_fill(key.salt, sizeof key.salt);
    return key;
}

static srtp_t oracle_new(const struct srtp_key *key, bool inbound)
{
    uint8_t master[30];
    srtp_policy_t policy = { .key = master, .window_size = 1024 };
    srtp_t oracle;
    memcpy(master, key->key, 16);
    memcpy(master + 16, key->salt, 14);
    policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    if (key->profile == SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    assert_int_equal(srtp_create(&oracle, &policy), srtp_err_status_ok);
    return oracle;
}

static size_t make_rtp(uint8_t packet[SIZE], uint32_t ssrc, uint16_t seq)
{
    size_t sources = below(3), words = below(4), extension = below(2) ? 4 + 4 * words : 0;
    size_t head = 12 + 4 * sources + extension, len = head + below(1200);
    random_fill(packet, len);
    packet[0] = (uint8_t)(0x80 | sources | (extension ? 0x10 : 0));
    set_u16(packet + 2, seq);
    set_u32(packet + 8, ssrc);
    if (extension) {
        set_u16(packet + 12 + 4 * sources, 0xbede);
        set_u16(packet + 14 + 4 * sources, (uint16_t)words);
    }
    return len;
}

static size_t make_rtcp(uint8_t packet[SIZE], uint32_t ssrc)
{
    size_t len = 8 + 4 * (size_t)below(200);
    random_fill(packet, len);
    packet[0] = 0x81;
    packet[1] = 200;
    set_u16(packet + 2, (uint16_t)(len / 4 - 1));
    set_u32(packet + 4, ssrc);
    return len;
}

/* One packet from us to the oracle, or back. */
static void exchange_rtp(struct srtp *ours, srtp_t oracle, bool we_send, uint32_t ssrc,
                         uint16_t seq)
{
    uint8_t packet[SIZE], plain[SIZE];
    size_t len = make_rtp(packet, ssrc, seq), plain_len = len;
    memcpy(plain, packet, len);
    if (we_send)
        assert_int_equal(srtp_seal_rtp(ours, packet, &len, sizeof packet), OK);
    int n = (int)len;
    assert_int_equal(we_send ? srtp_unprotect(oracle, packet, &n)
                             : srtp_protect(oracle, packet, &n),
                     srtp_err_status_ok);
    len = (size_t)n;
    if (!we_send)
        assert_int_equal(srtp_open_rtp(ours, packet, &len), OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(packet, plain, len);
}

static void exchange_rtcp(struct srtp *ours, srtp_t oracle, bool we_send, uint32_t ssrc)
{
    uint8_t packet[SIZE], plain[SIZE];
    size_t len = make_rtcp(packet, ssrc), plain_len = len;
    memcpy(plain, packet, len);
    if (we_send)
        assert_int_equal(srtp_seal_rtcp(ours, packet, &len, sizeof packet), OK);
    int n = (int)len;
    assert_int_equal(we_send ? srtp_unprotect_rtcp(oracle, packet, &n)
                             : srtp_protect_rtcp(oracle, packet, &n),
                     srtp_err_status_ok);
    len = (size_t)n;
    if (!we_send)
        assert_int_equal(srtp_open_rtcp(ours, packet, &len), OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(packet, plain, len);
}

static void exchange_many(enum srtp_profile profile, bool we_send)
{
    struct srtp_key key = random_key(profile);
    struct srtp *ours;
    srtp_t oracle = oracle_new(&key, we_send);
    uint16_t seq[STREAMS];
    assert_int_equal(srtp_new(&ours, &key, we_send ? SRTP_SEND : SRTP_RECEIVE), OK);
    for (size_t i = 0; i < STREAMS; i++)
        seq[i] = (uint16_t)below(0x8000);
    for (int i = 0; i < 2000; i++) {
        unsigned stream = below(STREAMS);
        seq[stream] = (uint16_t)(seq[stream] + 1 + below(below(10) ? 3 : 1000));
        exchange_rtp(ours, oracle, we_send, 100 + stream, seq[stream]);
        if (below(10) == 0)
            exchange_rtcp(ours, oracle, we_send, 100 + stream);
    }
    srtp_free(ours);
    srtp_dealloc(oracle);
}

static void same_as_libsrtp(void **state)
{
    (void)state;
    static const enum srtp_profile profiles[] = { SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_128_GCM };
    const char *given = getenv("SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : random_u32();
    print_message("SEED=%u\n", seed);
    for (size_t p = 0; p < 2; p++)
        for (int round = 0; round < 4; round++)
            exchange_many(profiles[p], round % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_as_libsrtp) };
    assert_int_equal(srtp_init(), srtp_err_status_ok);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    srtp_shutdown();
    return failed;
}

#else

int main(void)
{
    puts("SKIP: libsrtp2 is not installed (Debian: libsrtp2-dev); our SRTP was not compared with "
         "it");
    return 77;
}

#endif
