#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "rtp/packet.h"
#include "rtp/unwrap.h"

/* Version 2, marker, type 96, one CSRC, one-byte extension with elements 1 (1 byte), padding, 3 (2
 * bytes), 2 bytes of payload, 3 of padding. */
static const uint8_t full[] = { 0xb1, 0xe0, 0x12, 0x34, 0, 0,    0,    7,    0xde, 0xad, 0xbe,
                                0xef, 0,    0,    0,    9, 0xbe, 0xde, 0,    2,    0x10, 0xaa,
                                0,    0x31, 0xbb, 0xcc, 0, 0,    0x55, 0x66, 0,    0,    3 };

static void every_field(void **state)
{
    (void)state;
    struct rtp_packet p;
    assert_int_equal(rtp_parse(&p, bytes_of(full, sizeof full)), OK);
    assert_true(p.marker);
    assert_int_equal(p.payload_type, 96);
    assert_int_equal(p.seq, 0x1234);
    assert_int_equal(p.timestamp, 7);
    assert_int_equal(p.ssrc, 0xdeadbeef);
    assert_int_equal(p.csrcs.len, 4);
    assert_int_equal(p.padding, 3);
    assert_int_equal(p.payload.len, 2);
    assert_int_equal(p.payload.ptr[0], 0x55);

    struct bytes value;
    assert_true(rtp_ext_find(&p, 1, &value));
    assert_true(value.len == 1 && value.ptr[0] == 0xaa);
    assert_true(rtp_ext_find(&p, 3, &value));
    assert_true(value.len == 2 && value.ptr[1] == 0xcc);
    assert_false(rtp_ext_find(&p, 2, &value));
    assert_false(rtp_ext_find(&p, 0, &value));
}

static void written_as_read(void **state)
{
    (void)state;
    struct rtp_packet p;
    assert_int_equal(rtp_parse(&p, bytes_of(full, sizeof full)), OK);
    uint8_t out[sizeof full];
    struct writer w = writer_of(out, sizeof out);
    rtp_write(&w, &p);
    assert_false(w.failed);
    assert_memory_equal(out, full, sizeof full);
    w = writer_of(out, sizeof out - 1);
    rtp_write(&w, &p);
    assert_true(w.failed);
}

/* Whatever the cut leaves is refused, but for cuts in the payload of a packet without padding. */
static void every_prefix(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof full - 3; len++) {
        uint8_t *exact = malloc(len + !len);
        memcpy(exact, full, len);
        struct rtp_packet p;
        if (len != 30) /* ends in 0x66: 0x66 bytes of padding are too many as well */
            assert_int_equal(rtp_parse(&p, bytes_of(exact, len)), ERR_MALFORMED);
        free(exact);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t in[16];
        size_t len;
    } table[] = {
        { "version 1", { 0x40, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 12 },
        { "padding of 0", { 0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 }, 14 },
        { "padding over the header", { 0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3 }, 14 },
        { "padding without a byte", { 0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 12 },
        { "extension past the end",
          { 0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1 },
          16 },
        { "CSRC past the end", { 0x82, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 16 },
    };
    struct rtp_packet p;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        print_message("%s\n", table[i].what);
        assert_int_equal(rtp_parse(&p, bytes_of(table[i].in, table[i].len)), ERR_MALFORMED);
    }
    static const uint8_t large[RTP_MAX_PACKET + 1] = { 0x80 };
    assert_int_equal(rtp_parse(&p, bytes_of(large, sizeof large)), ERR_LIMIT);
    assert_int_equal(rtp_parse(&p, bytes_of(large, sizeof large - 1)), OK);
}

static void extension_forms(void **state)
{
    (void)state;
    static const uint8_t two[] = { 0, 20, 0, 21, 3, 1, 2, 3, 5, 1, 9, 0 };
    struct rtp_packet p = { .ext_profile = 0x1007, .ext = bytes_of(two, sizeof two) };
    struct bytes value;
    assert_true(rtp_ext_find(&p, 20, &value));
    assert_int_equal(value.len, 0);
    assert_true(rtp_ext_find(&p, 21, &value));
    assert_int_equal(value.len, 3);
    assert_true(rtp_ext_find(&p, 5, &value));
    assert_int_equal(value.ptr[0], 9);

    static const uint8_t stop[] = { 0x10, 1, 0xf0, 0x20, 2 }; /* 15 ends the list */
    p = (struct rtp_packet){ .ext_profile = RTP_EXT_ONE_BYTE, .ext = bytes_of(stop, sizeof stop) };
    assert_true(rtp_ext_find(&p, 1, &value));
    assert_false(rtp_ext_find(&p, 2, &value));
    static const uint8_t over[] = { 0x1f, 1, 2 };
    p.ext = bytes_of(over, sizeof over);
    assert_false(rtp_ext_find(&p, 1, &value));
    p.ext_profile = 0x2000;
    assert_false(rtp_ext_find(&p, 1, &value));
}

static void extension_written(void **state)
{
    (void)state;
    uint8_t ext[16];
    struct writer e = writer_of(ext, sizeof ext);
    rtp_ext_put(&e, 5, bytes_str("ab"));
    rtp_ext_put(&e, 14, bytes_str("0123456789"));
    assert_false(e.failed);
    struct rtp_packet in = { .seq = 1,
                             .ext_profile = RTP_EXT_ONE_BYTE,
                             .ext = bytes_of(ext, writer_len(&e)) };
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    rtp_write(&w, &in);
    struct rtp_packet p;
    struct bytes value;
    assert_int_equal(rtp_parse(&p, bytes_of(out, writer_len(&w))), OK);
    assert_true(rtp_ext_find(&p, 14, &value));
    assert_true(bytes_equal_str(value, "0123456789"));
    rtp_ext_put(&e, 15, bytes_str("a"));
    assert_true(e.failed);
}

static void rtcp_is_told_apart(void **state)
{
    (void)state;
    static const uint8_t rr[] = { 0x81, 201, 0, 1, 0, 0, 0, 1 },
                         rtp[] = { 0x80, 0xe0, 0, 1, 0, 0, 0, 1 };
    assert_true(rtp_is_rtcp(bytes_of(rr, sizeof rr)));
    assert_false(rtp_is_rtcp(bytes_of(rtp, sizeof rtp)));
    assert_false(rtp_is_rtcp(bytes_of(rr, 7)));
}

static void unwrapping(void **state)
{
    (void)state;
    assert_int_equal(unwrap_u16(65535, 0), 65536);
    assert_int_equal(unwrap_u16(65536, 65535), 65535);
    assert_int_equal(unwrap_u16(0, 65535), -1);
    assert_int_equal(unwrap_u16(0, 32767), 32767);
    assert_int_equal(unwrap_u16(0, 32768), -32768);
    assert_int_equal(unwrap_u32(UINT32_MAX, 5), (int64_t)UINT32_MAX + 6);
    assert_int_equal(unwrap_u32((int64_t)1 << 40, UINT32_MAX), ((int64_t)1 << 40) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),        cmocka_unit_test(written_as_read),
        cmocka_unit_test(every_prefix),       cmocka_unit_test(refused),
        cmocka_unit_test(extension_forms),    cmocka_unit_test(extension_written),
        cmocka_unit_test(rtcp_is_told_apart), cmocka_unit_test(unwrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
