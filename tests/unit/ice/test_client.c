#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "ice/client.h"
#include "ice/lite.h"

static const struct ice_side client_side = { "CLNT", "CLIENTpasswordOf24Chars0" };
static const struct ice_side server_side = { "SERVERfr", "SERVERpasswordOf24Chars0" };

static struct addr at(uint16_t port)
{
    struct addr a;
    assert_true(addr_parse(&a, "192.0.2.1", port));
    return a;
}

static const uint16_t client_port = 100;

static void client_init(struct ice_client *ice, const struct ice_side *local,
                        const struct ice_side *remote)
{
    struct ice_credentials cred = { .local = *local, .remote = *remote };
    ice_client_init(ice, &cred, 0);
}

static void lite_init(struct ice_lite *ice)
{
    struct ice_credentials cred = { .local = server_side, .remote = client_side };
    ice_lite_init(ice, &cred, 0);
}

/* Runs the client until `end` against a lite agent that is reachable at the ports with their bit
 * set in `open`. */
static usec_t run(struct ice_client *client, struct ice_lite *lite, unsigned open, usec_t now,
                  usec_t end)
{
    struct ice_datagram out, back;
    struct stun_message m;
    while (ice_client_deadline(client) <= end) {
        now = ice_client_deadline(client) > now ? ice_client_deadline(client) : now;
        ice_client_tick(client, now);
        while (ice_client_output(client, &out)) {
            if (!(open & 1u << out.to.port))
                continue;
            struct addr server = out.to;
            assert_int_equal(stun_parse(&m, out.bytes), OK);
            ice_lite_feed(lite, at(client_port), &m, now);
            while (ice_lite_output(lite, &back)) {
                assert_int_equal(stun_parse(&m, back.bytes), OK);
                ice_client_feed(client, server, &m, now + 20 * MSEC);
            }
        }
    }
    return end;
}

static void first_answer_is_nominated(void **state)
{
    (void)state;
    struct ice_client client;
    struct ice_lite lite;
    client_init(&client, &client_side, &server_side);
    lite_init(&lite);
    assert_int_equal(ice_client_add(&client, at(1), 10, 0), OK);
    assert_int_equal(ice_client_add(&client, at(2), 20, 0), OK);
    assert_int_equal(ice_client_add(&client, at(2), 20, 0), OK);
    assert_int_equal(client.pairs, 2);

    run(&client, &lite, 1u << 1, 0, 3 * SEC);
    assert_true(addr_equal(ice_client_remote(&client), at(1)));
    assert_true(ice_client_valid(&client, at(1)));
    assert_false(ice_client_valid(&client, at(2)));
    assert_true(addr_equal(lite.selected, at(client_port)));
}

static void unanswered_pairs_fail(void **state)
{
    (void)state;
    struct ice_client client;
    struct ice_lite lite;
    client_init(&client, &client_side, &server_side);
    lite_init(&lite);
    assert_int_equal(ice_client_add(&client, at(1), 10, 0), OK);
    run(&client, &lite, 0, 0, 60 * SEC);
    assert_int_equal(client.pair[0].state, ICE_FAILED);
    assert_int_equal(client.pair[0].attempts, 16);
    assert_true(ice_client_deadline(&client) == USEC_NEVER);
}

static void silent_pair_loses_to_another(void **state)
{
    (void)state;
    struct ice_client client;
    struct ice_lite lite;
    client_init(&client, &client_side, &server_side);
    lite_init(&lite);
    assert_int_equal(ice_client_add(&client, at(1), 10, 0), OK);
    assert_int_equal(ice_client_add(&client, at(2), 5, 0), OK);
    usec_t now = run(&client, &lite, 1u << 1 | 1u << 2, 0, 10 * SEC);
    assert_true(addr_equal(ice_client_remote(&client), at(1)));
    now = run(&client, &lite, 1u << 2, now, 32 * SEC);
    assert_true(addr_equal(ice_client_remote(&client), at(2)));
    assert_false(client.lost);
    now = run(&client, &lite, 1u << 1 | 1u << 2, now, 60 * SEC);
    assert_true(addr_equal(ice_client_remote(&client), at(2)));

    now = run(&client, &lite, 0, now, 100 * SEC);
    assert_true(client.lost);
}

static void consent_checks_every_five_seconds(void **state)
{
    (void)state;
    struct ice_client client;
    struct ice_lite lite;
    client_init(&client, &client_side, &server_side);
    lite_init(&lite);
    assert_int_equal(ice_client_add(&client, at(1), 10, 0), OK);
    usec_t now = run(&client, &lite, 1u << 1, 0, 5 * SEC);
    for (int i = 0; i < 50; i++) {
        usec_t before = lite.last_check;
        now = run(&client, &lite, 1u << 1, now, ice_client_deadline(&client));
        assert_in_range(lite.last_check - before, 4 * SEC, 6 * SEC + 20 * MSEC);
    }
}

/* Answers that do not come from the asked address, or are not signed with the server's password,
 * are nothing. */
static void foreign_answers_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint16_t port;
        const char *key;
        enum stun_class class;
        enum ice_pair_state want;
    } rows[] = {
        { "right", 1, "SERVERpasswordOf24Chars0", STUN_SUCCESS, ICE_WAITING }, /* to be nominated */
        { "other address", 2, "SERVERpasswordOf24Chars0", STUN_SUCCESS, ICE_CHECKING },
        { "other password", 1, "CLIENTpasswordOf24Chars0", STUN_SUCCESS, ICE_CHECKING },
        { "unsigned", 1, "", STUN_SUCCESS, ICE_CHECKING },
        { "unsigned error", 1, "", STUN_ERROR, ICE_CHECKING },
        { "signed error", 1, "SERVERpasswordOf24Chars0", STUN_ERROR, ICE_FAILED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ice_client client;
        struct ice_datagram out;
        struct stun_message m;
        struct stun_writer s;
        uint8_t block[128];
        print_message("%s\n", rows[i].what);
        client_init(&client, &client_side, &server_side);
        assert_int_equal(ice_client_add(&client, at(1), 10, 0), OK);
        ice_client_tick(&client, 0);
        assert_true(ice_client_output(&client, &out));
        assert_int_equal(stun_parse(&m, out.bytes), OK);
        assert_true(bytes_equal_str(m.username, "SERVERfr:CLNT"));
        assert_int_equal(m.role, STUN_CONTROLLING);
        assert_true(m.has_priority);
        assert_int_equal(stun_check_integrity(&m, bytes_str(server_side.pwd)), OK);

        stun_begin(&s, block, sizeof block, rows[i].class, m.transaction);
        if (rows[i].class == STUN_ERROR)
            stun_put_error(&s, STUN_BAD_REQUEST);
        size_t len = stun_end(&s, bytes_str(rows[i].key));
        assert_int_equal(stun_parse(&m, bytes_of(block, len)), OK);
        ice_client_feed(&client, at(rows[i].port), &m, 1);
        assert_int_equal(client.pair[0].state, rows[i].want);
    }
}

/* Carries everything from one full agent to the other. */
static void carry(struct ice_client *from, uint16_t from_port, struct ice_client *to, usec_t now)
{
    struct ice_datagram out;
    struct stun_message m;
    while (ice_client_output(from, &out)) {
        assert_int_equal(stun_parse(&m, out.bytes), OK);
        ice_client_feed(to, at(from_port), &m, now);
    }
}

static void two_controlling_agents_settle(void **state)
{
    (void)state;
    for (int larger = 0; larger < 2; larger++) {
        struct ice_client a, b;
        client_init(&a, &client_side, &server_side);
        client_init(&b, &server_side, &client_side);
        a.tie_breaker = larger ? 2 : 1;
        b.tie_breaker = larger ? 1 : 2;
        assert_int_equal(ice_client_add(&a, at(2), 1, 0), OK);
        for (usec_t now = 0; now < 8 * SEC; now += 10 * MSEC) {
            ice_client_tick(&a, now);
            ice_client_tick(&b, now);
            carry(&a, 1, &b, now);
            carry(&b, 2, &a, now);
        }
        assert_int_equal(a.role, larger ? STUN_CONTROLLING : STUN_CONTROLLED);
        assert_int_equal(b.role, larger ? STUN_CONTROLLED : STUN_CONTROLLING);
        assert_true(addr_equal(ice_client_remote(&a), at(2)));
        assert_true(addr_equal(ice_client_remote(&b), at(1)));
    }
}

static void pairs_are_limited(void **state)
{
    (void)state;
    struct ice_client client;
    client_init(&client, &client_side, &server_side);
    for (uint16_t port = 1; port <= ICE_MAX_PAIRS; port++)
        assert_int_equal(ice_client_add(&client, at(port), 1, 0), OK);
    assert_int_equal(ice_client_add(&client, at(99), 1, 0), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_answer_is_nominated),
        cmocka_unit_test(unanswered_pairs_fail),
        cmocka_unit_test(silent_pair_loses_to_another),
        cmocka_unit_test(consent_checks_every_five_seconds),
        cmocka_unit_test(foreign_answers_ignored),
        cmocka_unit_test(two_controlling_agents_settle),
        cmocka_unit_test(pairs_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
