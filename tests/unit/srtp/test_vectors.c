/* RFC 3711 appendix B.2 and B.3, RFC 7714 sections 16 and 17 (the AES-128 halves). Vectors are
 * given with session keys, so they are applied below the key derivation. Appendix B.1 is for
 * AES-f8, which is not served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "srtp/kdf.h"
#include "srtp/suite.h"

/* Hex to bytes; the length comes back. */
static size_t unhex(uint8_t *out, size_t size, const char *hex)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= size);
    assert_true(hex_decode(out, len, bytes_str(hex)));
    return len;
}

static void expect_hex(const uint8_t *got, size_t len, const char *want)
{
    char text[512];
    assert_true(2 * len < sizeof text);
    hex_encode(text, bytes_of(got, len));
    assert_string_equal(text, want);
}

static void rfc3711_b2_key_stream(void **state)
{
    (void)state;
    static const struct {
        size_t block;
        const char *want;
    } rows[] = {
        { 0x0000, "e03ead0935c95e80e166b16dd92b4eb4" },
        { 0x0001, "d23513162b02d0f72a43a2fe4a5f97ab" },
        { 0x0002, "41e95b3bb0a2e8dd477901e4fca894c0" },
        { 0xfeff, "ec8cdf7398607cb0f2d21675ea9ea1e4" },
        { 0xff00, "362b7c3c6773516318a077d7fc5073ae" },
        { 0xff01, "6a2cc3787889374fbeb4c81b17ba6c44" },
    };
    /* A packet of zeros shows the key stream. The counter is 16 bits wide: the packet ends with its
     * block 0xff01. */
    size_t head = 12, len = head + 16 * 0xff02;
    uint8_t *packet = calloc(1, len + 10);
    assert_non_null(packet);
    struct srtp_session_keys keys = { 0 };
    unhex(keys.key, sizeof keys.key, "2b7e151628aed2a6abf7158809cf4f3c");
    unhex(keys.salt, sizeof keys.salt, "f0f1f2f3f4f5f6f7f8f9fafbfcfd");
    void *context = srtp_suite_aes_cm.open(&keys, true);
    assert_non_null(context);
    assert_int_equal(srtp_suite_aes_cm.seal_rtp(context, packet, head, len, 0), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_hex(packet + head + 16 * rows[i].block, 16, rows[i].want);
    srtp_suite_aes_cm.close(context);
    free(packet);
}

static void rfc3711_b3_key_derivation(void **state)
{
    (void)state;
    uint8_t key[16], salt[14], out[94];
    unhex(key, sizeof key, "e1f97a0d3e018be0d64fa32c06de4139");
    unhex(salt, sizeof salt, "0ec675ad498afeebb6960b3aabe6");
    assert_int_equal(srtp_derive(out, 16, key, salt, SRTP_LABEL_RTP_KEY), OK);
    expect_hex(out, 16, "c61e7a93744f39ee10734afe3ff7a087");
    assert_int_equal(srtp_derive(out, 14, key, salt, SRTP_LABEL_RTP_SALT), OK);
    expect_hex(out, 14, "30cbbc08863d8c85d49db34a9ae1");
    assert_int_equal(srtp_derive(out, 94, key, salt, SRTP_LABEL_RTP_AUTH), OK);
    expect_hex(out, 94,
               "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
               "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
               "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
}

static const char rtp_plain[] =
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
static const char rtp_sealed[] =
    "8040f17b8041f8d35501a0b2"
    "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
    "899d7f27beb16a9152cf765ee4390cce";
static const char rtp_tagged[] =
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
    "22493f82d2bce397e9d79e3b19aa4216";
static const char rtcp_plain[] =
    "81c8000d4d617273"
    "4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
static const char rtcp_sealed[] =
    "81c8000d4d617273"
    "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
    "c84aa45896cf4d2fc5abf87245d9eade800005d4";
static const char rtcp_tagged[] =
    "81c8000d4d617273"
    "4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
    "841dd9683dd78ec92ae58790125f62b3000005d4";

#define RTP_INDEX  0xf17bu
#define RTCP_INDEX 0x5d4u

static void *gcm_context(bool seal)
{
    struct srtp_session_keys keys = { 0 };
    unhex(keys.key, sizeof keys.key, "000102030405060708090a0b0c0d0e0f");
    unhex(keys.salt, sizeof keys.salt, "517569642070726f2071756f");
    void *context = srtp_suite_aes_gcm.open(&keys, seal);
    assert_non_null(context);
    return context;
}

/* `head` is all of the packet where it is only tagged. */
static void seal_and_open_rtp(const char *plain, const char *sealed, size_t head)
{
    uint8_t packet[128];
    size_t len = unhex(packet, sizeof packet, plain);
    void *context = gcm_context(true);
    assert_int_equal(srtp_suite_aes_gcm.seal_rtp(context, packet, head, len, RTP_INDEX), OK);
    expect_hex(packet, len + 16, sealed);
    srtp_suite_aes_gcm.close(context);

    context = gcm_context(false);
    assert_int_equal(srtp_suite_aes_gcm.open_rtp(context, packet, head, len, RTP_INDEX), OK);
    expect_hex(packet, len, plain);
    unhex(packet, sizeof packet, sealed);
    packet[len] ^= 1;
    assert_int_equal(srtp_suite_aes_gcm.open_rtp(context, packet, head, len, RTP_INDEX), ERR_AUTH);
    srtp_suite_aes_gcm.close(context);
}

static void rfc7714_16_1_1_and_16_1_2(void **state)
{
    (void)state;
    seal_and_open_rtp(rtp_plain, rtp_sealed, 12);
}

static void rfc7714_16_1_3_and_16_1_4_tag_only(void **state)
{
    (void)state;
    seal_and_open_rtp(rtp_plain, rtp_tagged, strlen(rtp_plain) / 2);
}

static void seal_and_open_rtcp(const char *sealed, uint32_t word)
{
    uint8_t packet[128];
    size_t len = unhex(packet, sizeof packet, rtcp_plain);
    void *context = gcm_context(true);
    assert_int_equal(srtp_suite_aes_gcm.seal_rtcp(context, packet, len, word), OK);
    expect_hex(packet, len + 20, sealed);
    srtp_suite_aes_gcm.close(context);

    context = gcm_context(false);
    assert_int_equal(srtp_suite_aes_gcm.open_rtcp(context, packet, len, word), OK);
    expect_hex(packet, len, rtcp_plain);
    srtp_suite_aes_gcm.close(context);
}

static void rfc7714_17_1_rtcp(void **state)
{
    (void)state;
    seal_and_open_rtcp(rtcp_sealed, SRTP_RTCP_E | RTCP_INDEX);
}

static void rfc7714_17_3_rtcp_tag_only(void **state)
{
    (void)state;
    seal_and_open_rtcp(rtcp_tagged, RTCP_INDEX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3711_b2_key_stream),
        cmocka_unit_test(rfc3711_b3_key_derivation),
        cmocka_unit_test(rfc7714_16_1_1_and_16_1_2),
        cmocka_unit_test(rfc7714_16_1_3_and_16_1_4_tag_only),
        cmocka_unit_test(rfc7714_17_1_rtcp),
        cmocka_unit_test(rfc7714_17_3_rtcp_tag_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
