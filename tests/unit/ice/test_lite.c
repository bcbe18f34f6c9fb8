#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "ice/lite.h"

static const struct ice_credentials cred = {
    .local = { .ufrag = "SERVERfr", .pwd = "SERVERpasswordOf24Chars0" },
    .remote = { .ufrag = "CLNT", .pwd = "CLIENTpasswordOf24Chars0" },
};

enum { USE_CANDIDATE = 1, CONTROLLED = 2, UNKNOWN = 4 };

struct check {
    const char *username, *key;
    int flags;
};

static const struct check good = { "SERVERfr:CLNT", "SERVERpasswordOf24Chars0", 0 };
static const struct check nominating = { "SERVERfr:CLNT", "SERVERpasswordOf24Chars0",
                                         USE_CANDIDATE };

static struct addr from(uint16_t port)
{
    struct addr a;
    assert_true(addr_parse(&a, "192.0.2.1", port));
    return a;
}

static void feed(struct ice_lite *ice, const struct check *check, uint16_t port, usec_t now)
{
    uint8_t block[256];
    struct stun_writer s;
    struct stun_message m;
    stun_begin(&s, block, sizeof block, STUN_REQUEST, bytes_str("transaction0"));
    if (check->username)
        stun_put_username(&s, bytes_str(check->username));
    stun_put_role(&s, check->flags & CONTROLLED ? STUN_CONTROLLED : STUN_CONTROLLING, 7);
    if (check->flags & USE_CANDIDATE)
        stun_put_use_candidate(&s);
    if (check->flags & UNKNOWN)
        write_u32(&s.w, 0x77770000);
    size_t len = stun_end(&s, bytes_str(check->key));
    assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
    ice_lite_feed(ice, from(port), &m, now);
}

static struct stun_message answer(struct ice_lite *ice, uint16_t port)
{
    struct ice_datagram d;
    struct stun_message m;
    assert_true(ice_lite_output(ice, &d));
    assert_true(addr_equal(d.to, from(port)));
    assert_int_equal(stun_parse(&m, d.bytes), OK);
    assert_true(bytes_equal_str(m.transaction, "transaction0"));
    assert_true(m.has_fingerprint);
    assert_false(ice_lite_output(ice, &d));
    return m;
}

static void checks_and_their_answers(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct check check;
        int error; /* 0: success */
        bool with_integrity;
    } rows[] = {
        { "authentic", { "SERVERfr:CLNT", "SERVERpasswordOf24Chars0", 0 }, 0, true },
        { "peer's fragment does not matter",
          { "SERVERfr:x", "SERVERpasswordOf24Chars0", 0 },
          0,
          true },
        { "no integrity", { "SERVERfr:CLNT", "", 0 }, 400, false },
        { "no user name", { NULL, "SERVERpasswordOf24Chars0", 0 }, 400, false },
        { "other fragment", { "SERVERfs:CLNT", "SERVERpasswordOf24Chars0", 0 }, 401, false },
        { "longer fragment", { "SERVERfrr:CLNT", "SERVERpasswordOf24Chars0", 0 }, 401, false },
        { "no colon", { "SERVERfr", "SERVERpasswordOf24Chars0", 0 }, 401, false },
        { "the wrong side's password",
          { "SERVERfr:CLNT", "CLIENTpasswordOf24Chars0", 0 },
          401,
          false },
        { "unknown attribute",
          { "SERVERfr:CLNT", "SERVERpasswordOf24Chars0", UNKNOWN },
          420,
          true },
        { "both controlled",
          { "SERVERfr:CLNT", "SERVERpasswordOf24Chars0", CONTROLLED },
          487,
          true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ice_lite ice;
        print_message("%s\n", rows[i].what);
        ice_lite_init(&ice, &cred, 0);
        feed(&ice, &rows[i].check, 5000, 1);
        struct stun_message m = answer(&ice, 5000);
        assert_int_equal(m.class, rows[i].error ? STUN_ERROR : STUN_SUCCESS);
        assert_int_equal(m.error_code, rows[i].error);
        assert_int_equal(m.integrity_at != 0, rows[i].with_integrity);
        if (rows[i].with_integrity)
            assert_int_equal(stun_check_integrity(&m, bytes_str(cred.local.pwd)), OK);
        assert_int_equal(ice_lite_valid(&ice, from(5000)), rows[i].error == 0);
        assert_int_equal(ice.refused, rows[i].error != 0);
        if (!rows[i].error)
            assert_true(addr_equal(m.mapped, from(5000)));
    }
}

static void answers_and_indications_stay_unanswered(void **state)
{
    (void)state;
    static const enum stun_class classes[] = { STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
    for (size_t i = 0; i < 3; i++) {
        struct ice_lite ice;
        struct ice_datagram d;
        uint8_t block[128];
        struct stun_writer s;
        struct stun_message m;
        ice_lite_init(&ice, &cred, 0);
        stun_begin(&s, block, sizeof block, classes[i], bytes_str("transaction0"));
        stun_put_username(&s, bytes_str(good.username));
        size_t len = stun_end(&s, bytes_str(good.key));
        assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
        ice_lite_feed(&ice, from(1), &m, 1);
        assert_false(ice_lite_output(&ice, &d));
        assert_false(ice_lite_valid(&ice, from(1)));
    }
}

static void nomination_selects_and_moves(void **state)
{
    (void)state;
    struct ice_lite ice;
    ice_lite_init(&ice, &cred, 0);
    assert_int_equal(ice_lite_remote(&ice).family, 0);
    feed(&ice, &good, 1, 10);
    assert_true(addr_equal(ice_lite_remote(&ice), from(1)));
    feed(&ice, &nominating, 2, 20);
    assert_true(addr_equal(ice_lite_remote(&ice), from(2)));
    feed(&ice, &good, 3, 30);
    assert_true(addr_equal(ice_lite_remote(&ice), from(2)));
    feed(&ice, &nominating, 3, 40);
    assert_true(addr_equal(ice_lite_remote(&ice), from(3)));
    assert_true(ice_lite_valid(&ice, from(1)));
}

static void valid_addresses_are_limited(void **state)
{
    (void)state;
    struct ice_lite ice;
    ice_lite_init(&ice, &cred, 0);
    feed(&ice, &nominating, 1, 0);
    for (uint16_t port = 2; port <= 40; port++)
        feed(&ice, &good, port, port);
    assert_int_equal(ice.valid_count, ICE_MAX_VALID);
    assert_true(
        ice_lite_valid(&ice, from(1))); /* the selected one stays, though it is the oldest */
    assert_false(ice_lite_valid(&ice, from(25)));
    for (uint16_t port = 26; port <= 40; port++)
        assert_true(ice_lite_valid(&ice, from(port)));
}

static void consent_ends(void **state)
{
    (void)state;
    struct ice_lite ice;
    ice_lite_init(&ice, &cred, 0);
    assert_true(ice_lite_deadline(&ice) == USEC_NEVER);
    feed(&ice, &nominating, 1, 1 * SEC);
    assert_true(ice_lite_deadline(&ice) == 31 * SEC);
    feed(&ice, &good, 1, 6 * SEC);
    assert_true(ice_lite_deadline(&ice) == 36 * SEC);

    const struct check forged = { good.username, "CLIENTpasswordOf24Chars0", USE_CANDIDATE };
    feed(&ice, &forged, 1, 20 * SEC);
    assert_true(ice_lite_deadline(&ice) == 36 * SEC);
    ice_lite_tick(&ice, 36 * SEC - 1);
    assert_false(ice.lost);
    ice_lite_tick(&ice, 36 * SEC);
    assert_true(ice.lost);
    assert_true(ice_lite_deadline(&ice) == USEC_NEVER);

    ice_lite_init(&ice, &cred, 3 * SEC);
    feed(&ice, &good, 1, 0);
    assert_true(ice_lite_deadline(&ice) == 3 * SEC);
}

static void restart_changes_the_password(void **state)
{
    (void)state;
    struct ice_lite ice;
    struct ice_credentials next = cred;
    ice_lite_init(&ice, &cred, 0);
    feed(&ice, &nominating, 1, 1);
    answer(&ice, 1);
    assert_int_equal(
        ice_side_set(&next.local, bytes_str("NEWf"), bytes_str("NEWpasswordOf22Charact")), OK);
    ice_lite_restart(&ice, &next);
    feed(&ice, &nominating, 2, 2);
    assert_int_equal(answer(&ice, 2).error_code, 401);
    assert_true(addr_equal(ice_lite_remote(&ice), from(1)));

    const struct check fresh = { "NEWf:CLNT", "NEWpasswordOf22Charact", USE_CANDIDATE };
    feed(&ice, &fresh, 2, 3);
    assert_true(addr_equal(ice_lite_remote(&ice), from(2)));
    assert_true(ice_lite_valid(&ice, from(1)));
}

static void full_outbox_drops_the_oldest(void **state)
{
    (void)state;
    struct ice_lite ice;
    struct ice_datagram d;
    ice_lite_init(&ice, &cred, 0);
    for (uint16_t port = 1; port <= ICE_OUTBOX_SLOTS + 3; port++)
        feed(&ice, &good, port, port);
    for (uint16_t port = 4; port <= ICE_OUTBOX_SLOTS + 3; port++) {
        assert_true(ice_lite_output(&ice, &d));
        assert_int_equal(d.to.port, port);
    }
    assert_false(ice_lite_output(&ice, &d));
}

static void credentials_have_a_form(void **state)
{
    (void)state;
    static const struct {
        const char *ufrag, *pwd;
        int want;
    } rows[] = {
        { "abcd", "0123456789012345678901", OK },
        { "ab/+", "01234567890123456789+/", OK },
        { "abc", "0123456789012345678901", ERR_RANGE },
        { "abcd", "012345678901234567890", ERR_RANGE },
        { "ab:d", "0123456789012345678901", ERR_RANGE },
        { "abcd", "01234567890123456789 1", ERR_RANGE },
        { "abcd\xc3\xa4", "0123456789012345678901", ERR_RANGE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ice_side side;
        assert_int_equal(ice_side_set(&side, bytes_str(rows[i].ufrag), bytes_str(rows[i].pwd)),
                         rows[i].want);
    }
    static char longest[258];
    struct ice_side side, fresh;
    memset(longest, 'a', 257);
    assert_int_equal(ice_side_set(&side, bytes_of(longest, 256), bytes_of(longest, 256)), OK);
    assert_int_equal(ice_side_set(&side, bytes_of(longest, 257), bytes_of(longest, 256)),
                     ERR_RANGE);

    ice_side_random(&side);
    assert_int_equal(ice_side_set(&fresh, bytes_str(side.ufrag), bytes_str(side.pwd)), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_and_their_answers),
        cmocka_unit_test(answers_and_indications_stay_unanswered),
        cmocka_unit_test(nomination_selects_and_moves),
        cmocka_unit_test(valid_addresses_are_limited),
        cmocka_unit_test(consent_ends),
        cmocka_unit_test(restart_changes_the_password),
        cmocka_unit_test(full_outbox_drops_the_oldest),
        cmocka_unit_test(credentials_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
