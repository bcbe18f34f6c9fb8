/* What a single peer does with single datagrams; whole connections are in tests/twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "session/peer.h"
#include "stun/stun.h"

static struct dtls_identity *identity;
static struct peer_config config;

static int set_up(void **state)
{
    (void)state;
    config = (struct peer_config){ .role = PEER_SERVER };
    ice_side_random(&config.ice.local);
    ice_side_random(&config.ice.remote);
    if (dtls_identity_new(&identity))
        return -1;
    config.identity = identity;
    return dtls_fingerprint_parse(&config.fingerprint, bytes_str("sha-256"),
                                  bytes_str(dtls_identity_fingerprint_text(identity)));
}

static int tear_down(void **state)
{
    (void)state;
    dtls_identity_free(identity);
    return 0;
}

static struct addr from(uint16_t port)
{
    struct addr a;
    assert_true(addr_parse(&a, "192.0.2.1", port));
    return a;
}

static struct peer *server(void)
{
    struct peer *p;
    assert_int_equal(peer_new(&p, &config, 0), OK);
    return p;
}

static void check_from(struct peer *p, uint16_t port, usec_t now)
{
    char name[ICE_USERNAME_SIZE];
    uint8_t block[256];
    struct stun_writer s;
    stun_begin(&s, block, sizeof block, STUN_REQUEST, bytes_str("transaction0"));
    stun_put_username(&s, ice_username(name, &config.ice.local, &config.ice.remote));
    stun_put_role(&s, STUN_CONTROLLING, 1);
    stun_put_use_candidate(&s);
    size_t len = stun_end(&s, bytes_str(config.ice.local.pwd));
    assert_int_equal(peer_feed(p, from(port), block, &len, now), PEER_NOTHING);
}

static void first_byte_decides(void **state)
{
    (void)state;
    static const struct {
        uint8_t first;
        struct peer_stats want;
    } rows[] = {
        { 0, { .malformed = 1 } }, /* STUN, and broken */
        { 3, { .malformed = 1 } },
        { 4, { .malformed = 1 } },  /* unassigned */
        { 16, { .malformed = 1 } }, /* ZRTP */
        { 19, { .malformed = 1 } },
        { 20, { 0 } }, /* DTLS, which keeps silent about rubbish */
        { 63, { 0 } },
        { 64, { .malformed = 1 } }, /* TURN channels */
        { 127, { .malformed = 1 } },
        { 128, { .early = 1 } }, /* RTP before there are keys */
        { 191, { .early = 1 } },
        { 192, { .malformed = 1 } },
        { 255, { .malformed = 1 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer *p = server();
        struct peer_stats got;
        uint8_t datagram[40] = { rows[i].first };
        size_t len = sizeof datagram;
        check_from(p, 1, 1);
        assert_int_equal(peer_feed(p, from(1), datagram, &len, 2), PEER_NOTHING);
        peer_stats(p, &got);
        if (memcmp(&got, &rows[i].want, sizeof got) != 0)
            fail_msg("first byte %d", rows[i].first);
        peer_free(p);
    }
}

static void only_valid_addresses_count(void **state)
{
    (void)state;
    struct peer *p = server();
    struct peer_stats stats;
    uint8_t datagram[40] = { 0x80 };
    size_t len = sizeof datagram, none = 0;
    assert_int_equal(peer_remote(p).family, 0);
    assert_int_equal(peer_feed(p, from(1), datagram, &len, 1), PEER_NOTHING);
    assert_int_equal(peer_feed(p, from(1), datagram, &none, 1), PEER_NOTHING);
    peer_stats(p, &stats);
    assert_int_equal(stats.unknown_address, 1);
    assert_int_equal(stats.early, 0);

    check_from(p, 1, 2);
    assert_true(peer_valid(p, from(1)));
    assert_false(peer_valid(p, from(2)));
    assert_int_equal(peer_feed(p, from(2), datagram, &len, 3), PEER_NOTHING);
    assert_int_equal(peer_feed(p, from(1), datagram, &len, 3), PEER_NOTHING);
    peer_stats(p, &stats);
    assert_int_equal(stats.unknown_address, 2);
    assert_int_equal(stats.early, 1);
    peer_free(p);
}

static void checks_are_answered_to_their_sender(void **state)
{
    (void)state;
    struct peer *p = server();
    struct peer_datagram out;
    check_from(p, 1, 1);
    check_from(p, 2, 1);
    for (uint16_t port = 1; port <= 2; port++) {
        assert_true(peer_output(p, &out));
        assert_true(addr_equal(out.to, from(port)));
        assert_true(stun_is(out.bytes));
    }
    assert_false(peer_output(p, &out));
    assert_true(addr_equal(peer_remote(p), from(2)));
    peer_free(p);
}

static void restart_takes_new_credentials(void **state)
{
    (void)state;
    struct peer *p = server();
    struct ice_credentials before = config.ice;
    struct peer_stats stats;
    check_from(p, 1, 1);
    ice_side_random(&config.ice.local);
    assert_int_equal(peer_restart_ice(p, &config.ice), OK);
    check_from(p, 2, 2);
    assert_true(peer_valid(p, from(1)));
    assert_true(addr_equal(peer_remote(p), from(2)));
    config.ice = before;
    check_from(p, 3, 3);
    assert_false(peer_valid(p, from(3)));
    peer_stats(p, &stats);
    assert_int_equal(stats.refused_checks, 1);
    peer_free(p);
}

static void setup_has_a_limit(void **state)
{
    (void)state;
    struct peer *p = server();
    struct peer_event event;
    assert_true(peer_deadline(p) == 30 * SEC);
    check_from(p, 1, 20 * SEC); /* consent alone does not make a connection */
    assert_true(peer_deadline(p) == 30 * SEC);
    peer_tick(p, 30 * SEC - 1);
    assert_false(peer_event(p, &event));
    peer_tick(p, 30 * SEC);
    assert_true(peer_event(p, &event));
    assert_int_equal(event.state, PEER_CLOSED);
    assert_int_equal(event.reason, PEER_SETUP_TIMED_OUT);
    assert_false(peer_event(p, &event));
    assert_true(peer_deadline(p) == USEC_NEVER);
    peer_free(p);
}

static void roles_have_their_calls(void **state)
{
    (void)state;
    struct peer *p = server();
    uint8_t packet[64] = { 0x80 };
    size_t len = 20;
    assert_int_equal(peer_add_candidate(p, from(1), 1, 0), ERR_BAD_STATE);
    assert_int_equal(peer_protect_rtp(p, packet, &len, sizeof packet), ERR_BAD_STATE);
    assert_int_equal(peer_protect_rtcp(p, packet, &len, sizeof packet), ERR_BAD_STATE);
    peer_close(p);
    assert_int_equal(peer_state(p), PEER_CLOSED);
    peer_free(p);

    struct peer_config client = config;
    client.role = PEER_CLIENT;
    assert_int_equal(peer_new(&p, &client, 0), OK);
    assert_int_equal(peer_restart_ice(p, &config.ice), ERR_BAD_STATE);
    for (uint16_t port = 1; port <= 8; port++)
        assert_int_equal(peer_add_candidate(p, from(port), 1, 0), OK);
    assert_int_equal(peer_add_candidate(p, from(9), 1, 0), ERR_LIMIT);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_byte_decides),
        cmocka_unit_test(only_valid_addresses_count),
        cmocka_unit_test(checks_are_answered_to_their_sender),
        cmocka_unit_test(restart_takes_new_credentials),
        cmocka_unit_test(setup_has_a_limit),
        cmocka_unit_test(roles_have_their_calls),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
