#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "stun/stun.h"
#include "vectors.h"

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

#define VIEW(array) bytes_of(array, sizeof(array))

static void rfc5769_2_1_request(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(stun_parse(&m, VIEW(rfc5769_request)), OK);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_BINDING);
    assert_true(bytes_equal_str(m.software, "STUN test client"));
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_int_equal(m.role, STUN_CONTROLLED);
    assert_true(m.tie_breaker == 0x932ff9b151263b36u);
    assert_true(bytes_equal_str(m.username, "evtj:h6vY"));
    assert_true(m.has_fingerprint);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(stun_check_integrity(&m, bytes_str(password)), OK);
    assert_int_equal(stun_check_integrity(&m, bytes_str("VOkJxbRl1RmTxUk/WvJxBu")), ERR_AUTH);

    struct bytes name, local, remote;
    assert_true(stun_peek_username(VIEW(rfc5769_request), &name));
    assert_true(stun_split_username(name, &local, &remote));
    assert_true(bytes_equal_str(local, "evtj"));
    assert_true(bytes_equal_str(remote, "h6vY"));
}

static void check_answer(struct bytes datagram, const char *ip)
{
    struct stun_message m;
    struct addr want;
    struct bytes name;
    assert_int_equal(stun_parse(&m, datagram), OK);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_true(bytes_equal_str(m.software, "test vector"));
    assert_true(addr_parse(&want, ip, 32853));
    assert_true(addr_equal(m.mapped, want));
    assert_int_equal(stun_check_integrity(&m, bytes_str(password)), OK);
    assert_false(stun_peek_username(datagram, &name));
}

static void rfc5769_2_2_and_2_3_answers(void **state)
{
    (void)state;
    check_answer(VIEW(rfc5769_answer4), "192.0.2.1");
    check_answer(VIEW(rfc5769_answer6), "2001:db8:1234:5678:11:2233:4455:6677");
}

static void rfc5769_2_4_long_term(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(stun_parse(&m, VIEW(rfc5769_long_term)), OK);
    assert_true(bytes_equal_str(m.realm, "example.org"));
    assert_true(bytes_equal_str(m.nonce, "f//499k954d6OL34oL9FSTvy64sA"));
    assert_false(m.has_fingerprint);

    static const char text[] =
        "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
        ":example.org:TheMatrIX";
    uint8_t key[16];
    size_t len;
    assert_int_equal(EVP_Q_digest(NULL, "MD5", NULL, text, sizeof text - 1, key, &len), 1);
    assert_int_equal(stun_check_integrity(&m, VIEW(key)), OK);
}

/* Every shorter datagram and every longer one is refused, in an exact-size block so that the
 * sanitizer sees. */
static void every_prefix_refused(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *ptr;
        size_t len;
    } rows[] = {
        { rfc5769_request, sizeof rfc5769_request },
        { rfc5769_answer4, sizeof rfc5769_answer4 },
        { rfc5769_answer6, sizeof rfc5769_answer6 },
        { rfc5769_long_term, sizeof rfc5769_long_term },
    };
    struct stun_message m;
    struct bytes name;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t len = 0; len < rows[i].len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            assert_non_null(exact);
            memcpy(exact, rows[i].ptr, len);
            assert_int_equal(stun_parse(&m, bytes_of(exact, len)), ERR_MALFORMED);
            assert_false(stun_peek_username(bytes_of(exact, len), &name));
            free(exact);
        }
        uint8_t longer[256] = { 0 };
        memcpy(longer, rows[i].ptr, rows[i].len);
        assert_int_equal(stun_parse(&m, bytes_of(longer, rows[i].len + 4)), ERR_MALFORMED);
    }
}

/* A flipped bit is seen by FINGERPRINT, wherever it is (or the message is no longer STUN). */
static void every_flipped_bit_refused(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof rfc5769_request; bit++) {
        uint8_t copy[sizeof rfc5769_request];
        struct stun_message m;
        memcpy(copy, rfc5769_request, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int err = stun_parse(&m, VIEW(copy));
        /* a type that is no longer FINGERPRINT's hides the check, but the integrity holds */
        if (!err && m.has_fingerprint)
            fail_msg("bit %zu passed", bit);
    }
}

static size_t write_request(uint8_t *block, size_t size, struct bytes transaction)
{
    struct stun_writer s;
    stun_begin(&s, block, size, STUN_REQUEST, transaction);
    stun_put_username(&s, bytes_str("abcd:efghi"));
    stun_put_priority(&s, 0x12345678);
    stun_put_use_candidate(&s);
    stun_put_role(&s, STUN_CONTROLLING, 0x0102030405060708);
    stun_put_software(&s, bytes_str("reeltime"));
    return stun_end(&s, bytes_str(password));
}

static void written_requests_read_back(void **state)
{
    (void)state;
    uint8_t block[256];
    struct stun_message m;
    size_t len = write_request(block, sizeof block, bytes_str("0123456789ab"));
    assert_int_not_equal(len, 0);
    assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
    assert_true(bytes_equal_str(m.transaction, "0123456789ab"));
    assert_true(bytes_equal_str(m.username, "abcd:efghi"));
    assert_true(bytes_equal_str(m.software, "reeltime"));
    assert_int_equal(m.priority, 0x12345678);
    assert_true(m.use_candidate);
    assert_int_equal(m.role, STUN_CONTROLLING);
    assert_true(m.tie_breaker == 0x0102030405060708);
    assert_true(m.has_fingerprint);
    assert_int_equal(stun_check_integrity(&m, bytes_str(password)), OK);

    for (size_t size = 0; size < len; size++)
        assert_int_equal(write_request(block, size, bytes_str("0123456789ab")), 0);
}

static void written_answers_read_back(void **state)
{
    (void)state;
    static const char *const ips[] = { "192.0.2.7", "2001:db8::7" };
    for (size_t i = 0; i < 2; i++) {
        struct addr mapped;
        uint8_t block[128];
        struct stun_writer s;
        struct stun_message m;
        assert_true(addr_parse(&mapped, ips[i], 40000));
        stun_begin(&s, block, sizeof block, STUN_SUCCESS, bytes_str("0123456789ab"));
        stun_put_mapped(&s, mapped);
        size_t len = stun_end(&s, bytes_str(password));
        assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
        assert_int_equal(m.class, STUN_SUCCESS);
        assert_true(addr_equal(m.mapped, mapped));
        assert_int_equal(stun_check_integrity(&m, bytes_str(password)), OK);
    }
}

static void written_errors_read_back(void **state)
{
    (void)state;
    static const struct {
        enum stun_error_code code;
        const char *reason;
    } rows[] = {
        { STUN_BAD_REQUEST, "Bad Request" },
        { STUN_UNAUTHENTICATED, "Unauthenticated" },
        { STUN_UNKNOWN_ATTRIBUTE, "Unknown Attribute" },
        { STUN_ROLE_CONFLICT, "Role Conflict" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t block[128];
        struct stun_writer s;
        struct stun_message m;
        stun_begin(&s, block, sizeof block, STUN_ERROR, bytes_str("0123456789ab"));
        stun_put_error(&s, rows[i].code);
        stun_put_unknown(&s, (const uint16_t[]){ 0x7777 }, 1);
        size_t len = stun_end(&s, bytes_of(NULL, 0));
        assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
        assert_int_equal(m.class, STUN_ERROR);
        assert_int_equal(m.error_code, rows[i].code);
        assert_true(bytes_equal_str(m.reason, rows[i].reason));
        assert_int_equal(m.integrity_at, 0);
        assert_int_equal(stun_check_integrity(&m, bytes_str(password)), ERR_AUTH);
    }
}

#define HEAD(len) 0, 1, 0, len, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

static void odd_messages(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t bytes[64];
        size_t len;
        int want;
        size_t unknown;
    } rows[] = {
        { "header alone", { HEAD(0) }, 20, OK, 0 },
        { "length not a multiple of four", { HEAD(2), 0, 0 }, 22, ERR_MALFORMED, 0 },
        { "first bits not zero", { 0x40 }, 20, ERR_MALFORMED, 0 },
        { "unknown, required", { HEAD(4), 0x77, 0, 0, 0 }, 24, OK, 1 },
        { "unknown, optional", { HEAD(4), 0xc0, 0x57, 0, 0 }, 24, OK, 0 },
        { "attribute past the end", { HEAD(4), 0, 6, 0, 1 }, 24, ERR_MALFORMED, 0 },
        { "short priority", { HEAD(4), 0, 0x24, 0, 0 }, 24, ERR_MALFORMED, 0 },
        { "use-candidate with a value", { HEAD(8), 0, 0x25, 0, 1, 1 }, 28, ERR_MALFORMED, 0 },
        { "address of an unknown family", { HEAD(12), 0, 0x20, 0, 8, 0, 3 }, 32, ERR_MALFORMED, 0 },
        { "error code 200", { HEAD(8), 0, 9, 0, 4, 0, 0, 2, 0 }, 28, ERR_MALFORMED, 0 },
        { "short integrity", { HEAD(8), 0, 8, 0, 4 }, 28, ERR_MALFORMED, 0 },
        { "fingerprint not last", { HEAD(12), 0x80, 0x28, 0, 4 }, 32, ERR_MALFORMED, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_message m = { 0 };
        int err = stun_parse(&m, bytes_of(rows[i].bytes, rows[i].len));
        if (err != rows[i].want || m.unknown_count != rows[i].unknown)
            fail_msg("%s: error %d, %zu unknown", rows[i].what, err, m.unknown_count);
    }
}

static void too_long_is_a_limit(void **state)
{
    (void)state;
    uint8_t block[2020] = { HEAD(0) };
    struct stun_message m;
    set_u16(block + 2, 2000);
    assert_int_equal(stun_parse(&m, VIEW(block)), ERR_LIMIT);
}

/* What stands behind MESSAGE-INTEGRITY was not signed and must not count (RFC 8489 14.5). */
static void unsigned_tail_ignored(void **state)
{
    (void)state;
    uint8_t block[128];
    struct stun_writer s;
    struct stun_message m;
    stun_begin(&s, block, sizeof block, STUN_REQUEST, bytes_str("0123456789ab"));
    stun_put_username(&s, bytes_str("a:b"));
    size_t len = stun_end(&s, bytes_str(password)) - 8; /* without FINGERPRINT */
    static const uint8_t use_candidate[] = { 0, 0x25, 0, 0 };
    memcpy(block + len, use_candidate, sizeof use_candidate);
    len += sizeof use_candidate;
    set_u16(block + 2, (uint16_t)(len - STUN_HEADER_SIZE));

    assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
    assert_false(m.use_candidate);
    assert_int_equal(stun_check_integrity(&m, bytes_str(password)), OK);
}

static void many_unknown_attributes_counted(void **state)
{
    (void)state;
    uint8_t block[STUN_HEADER_SIZE + 4 * 20] = { HEAD(80) };
    for (size_t i = 0; i < 20; i++)
        set_u16(block + STUN_HEADER_SIZE + 4 * i, (uint16_t)(0x7000 + i));
    struct stun_message m;
    assert_int_equal(stun_parse(&m, VIEW(block)), OK);
    assert_int_equal(m.unknown_count, 20);
    assert_int_equal(m.unknown[STUN_MAX_UNKNOWN - 1], 0x7000 + STUN_MAX_UNKNOWN - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5769_2_1_request),
        cmocka_unit_test(rfc5769_2_2_and_2_3_answers),
        cmocka_unit_test(rfc5769_2_4_long_term),
        cmocka_unit_test(every_prefix_refused),
        cmocka_unit_test(every_flipped_bit_refused),
        cmocka_unit_test(written_requests_read_back),
        cmocka_unit_test(written_answers_read_back),
        cmocka_unit_test(written_errors_read_back),
        cmocka_unit_test(odd_messages),
        cmocka_unit_test(too_long_is_a_limit),
        cmocka_unit_test(unsigned_tail_ignored),
        cmocka_unit_test(many_unknown_attributes_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
