#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "rtp/rtcp.h"

static uint8_t block_mem[1200];
static struct writer out;

static struct rtcp_packet only(void)
{
    assert_false(out.failed);
    struct reader in = reader_of(bytes_of(block_mem, writer_len(&out)));
    struct rtcp_packet p;
    assert_int_equal(rtcp_next(&in, &p), OK);
    struct rtcp_packet end;
    assert_int_equal(rtcp_next(&in, &end), ERR_NOT_FOUND);
    return p;
}

static int setup(void **state)
{
    (void)state;
    out = writer_of(block_mem, sizeof block_mem);
    return 0;
}

static const struct rtcp_block block = { .ssrc = 9,
                                         .fraction_lost = 128,
                                         .cumulative_lost = -2,
                                         .highest_seq = 0x10005,
                                         .jitter = 77,
                                         .last_sr = 5,
                                         .delay = 6 };

static void sender_report(void **state)
{
    (void)state;
    struct rtcp_sr in = { .ssrc = 1,
                          .ntp = 0x8000000140000000,
                          .rtp = 3,
                          .packets = 4,
                          .octets = 5 },
                   sr;
    rtcp_write_sr(&out, &in, &block, 1);
    struct rtcp_packet p = only();
    assert_int_equal(p.count, 1);
    assert_int_equal(rtcp_parse_sr(&sr, &p), OK);
    assert_true(sr.ssrc == 1 && sr.ntp == in.ntp && sr.rtp == 3 && sr.packets == 4 &&
                sr.octets == 5);
    struct rtcp_block got;
    assert_int_equal(rtcp_parse_block(&got, &p, 0), OK);
    uint8_t first[52];
    memcpy(first, block_mem, sizeof first);
    setup(NULL);
    rtcp_write_sr(&out, &sr, &got, 1);
    assert_memory_equal(first, block_mem, sizeof first);
    assert_int_equal(got.cumulative_lost, -2);
    assert_int_equal(got.delay, 6);
    assert_int_equal(rtcp_parse_block(&got, &p, 1), ERR_NOT_FOUND);
    p.count = 2;
    assert_int_equal(rtcp_parse_block(&got, &p, 1), ERR_MALFORMED);
    p.body.len = 23;
    assert_int_equal(rtcp_parse_sr(&sr, &p), ERR_MALFORMED);
}

/* A datagram as Chromium sends it: SR, SDES, BYE. */
static void compound(void **state)
{
    (void)state;
    struct rtcp_sr sr = { .ssrc = 1, .ntp = 1 };
    rtcp_write_sr(&out, &sr, NULL, 0);
    rtcp_write_cname(&out, 1, "name");
    rtcp_write_bye(&out, 1);
    struct reader in = reader_of(bytes_of(block_mem, writer_len(&out)));
    struct rtcp_packet p;
    uint32_t ssrc = 0;
    struct bytes cname;
    assert_int_equal(rtcp_next(&in, &p), OK);
    assert_int_equal(p.type, RTCP_SR);
    assert_int_equal(rtcp_parse_cname(&ssrc, &cname, &p), ERR_MALFORMED);
    assert_int_equal(rtcp_next(&in, &p), OK);
    assert_int_equal(rtcp_parse_cname(&ssrc, &cname, &p), OK);
    assert_true(ssrc == 1 && bytes_equal_str(cname, "name"));
    assert_int_equal(rtcp_next(&in, &p), OK);
    assert_int_equal(rtcp_parse_bye(&ssrc, &p, 0), OK);
    assert_int_equal(rtcp_parse_bye(&ssrc, &p, 1), ERR_NOT_FOUND);
    assert_int_equal(rtcp_next(&in, &p), ERR_NOT_FOUND);

    size_t whole = writer_len(&out);
    for (size_t len = 1; len < whole; len++) {
        uint8_t *exact = malloc(len);
        memcpy(exact, block_mem, len);
        in = reader_of(bytes_of(exact, len));
        int err;
        while (!(err = rtcp_next(&in, &p)))
            continue;
        assert_int_equal(err, len == 28 || len == 44 ? ERR_NOT_FOUND : ERR_MALFORMED);
        free(exact);
    }
}

static void cname_of_every_length(void **state)
{
    (void)state;
    char name[260];
    for (size_t len = 0; len <= 256; len++) {
        memset(name, 'x', len);
        name[len] = 0;
        out = writer_of(block_mem, sizeof block_mem);
        rtcp_write_cname(&out, 7, name);
        struct rtcp_packet p = only();
        uint32_t ssrc;
        struct bytes got;
        assert_int_equal(rtcp_parse_cname(&ssrc, &got, &p), OK);
        assert_int_equal(got.len, len < 256 ? len : 255);
    }
}

static void picture_requests(void **state)
{
    (void)state;
    uint32_t media;
    uint8_t command;
    rtcp_write_pli(&out, 1, 2);
    struct rtcp_packet p = only();
    assert_int_equal(rtcp_parse_pli(&media, &p), OK);
    assert_int_equal(media, 2);
    assert_int_equal(rtcp_parse_fir(&media, &command, &p), ERR_MALFORMED);
    setup(NULL);
    rtcp_write_fir(&out, 1, 3, 200);
    p = only();
    assert_int_equal(rtcp_parse_fir(&media, &command, &p), OK);
    assert_true(media == 3 && command == 200);
}

static void nack_round_trip(void **state)
{
    (void)state;
    static const uint16_t seqs[] = { 65530, 65534, 2, 10, 11, 27, 28, 100 };
    enum { COUNT = sizeof seqs / sizeof *seqs };
    rtcp_write_nack(&out, 1, 2, seqs, COUNT);
    struct rtcp_packet p = only();
    assert_int_equal(p.body.len, 8 + 4 * 4); /* 65530+4+8+16, 11+16, 28, 100 */
    uint16_t got[COUNT];
    uint32_t media;
    size_t count;
    assert_int_equal(rtcp_parse_nack(&media, got, COUNT, &count, &p), OK);
    assert_int_equal(count, COUNT);
    assert_memory_equal(got, seqs, sizeof seqs);
    assert_int_equal(rtcp_parse_nack(&media, got, 3, &count, &p), OK);
    assert_int_equal(count, 3);
    p.body.len -= 1;
    assert_int_equal(rtcp_parse_nack(&media, got, COUNT, &count, &p), ERR_MALFORMED);
}

static void full_writer_stands_still(void **state)
{
    (void)state;
    out = writer_of(block_mem, 20);
    rtcp_write_pli(&out, 1, 2);
    assert_int_equal(writer_len(&out), 12);
    rtcp_write_pli(&out, 1, 2);
    assert_true(out.failed);
    assert_int_equal(writer_len(&out), 12);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t in[12];
        size_t len;
    } table[] = {
        { "version", { 0x40, 200, 0, 0 }, 4 },
        { "length", { 0x80, 200, 0, 2, 0, 0, 0, 0 }, 8 },
        { "padding of 0", { 0xa0, 201, 0, 1, 0, 0, 0, 0 }, 8 },
        { "padding past the body", { 0xa0, 201, 0, 1, 0, 0, 0, 5 }, 8 },
        { "padding of nothing", { 0xa0, 201, 0, 0 }, 4 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        print_message("%s\n", table[i].what);
        struct reader in = reader_of(bytes_of(table[i].in, table[i].len));
        struct rtcp_packet p;
        assert_int_equal(rtcp_next(&in, &p), ERR_MALFORMED);
    }
}

static void ntp_times(void **state)
{
    (void)state;
    assert_int_equal(rtcp_ntp_to_usec(0x180000000ull), 1500000);
    for (usec_t t = RTCP_NTP_UNIX; t < RTCP_NTP_UNIX + SEC; t += 9973)
        assert_true(llabs(rtcp_ntp_to_usec(rtcp_usec_to_ntp(t)) - t) <= 1);
    assert_int_equal(rtcp_ntp_to_usec(UINT64_MAX), (1ll << 32) * SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sender_report, setup),
        cmocka_unit_test_setup(compound, setup),
        cmocka_unit_test_setup(cname_of_every_length, setup),
        cmocka_unit_test_setup(picture_requests, setup),
        cmocka_unit_test_setup(nack_round_trip, setup),
        cmocka_unit_test_setup(full_writer_stands_still, setup),
        cmocka_unit_test(refused),
        cmocka_unit_test(ntp_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
