/* A server and a client set up, keep and end a connection over a network that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "ends.h"
#include "virtual_clock.h"

#define ROUNDS 20

static const struct net_weather fair = { .delay = 20 * MSEC };

/* Each connection has weather of its own; the same in each run unless SEED gives a first one, 0 for
 * a random one. */
static uint64_t next_seed(void)
{
    static uint64_t count;
    const char *text = getenv("SEED");
    uint64_t first = text ? strtoull(text, NULL, 10) : 1;
    return first ? first + count++ : 0;
}

static struct ends_plan plan_of(struct net_weather weather)
{
    return (struct ends_plan){ .seed = next_seed(), .weather = weather };
}

static void connect_within(struct ends *e, usec_t limit)
{
    usec_t start = net_now(e->net);
    while (!(e->server.connected && e->client.connected) && net_now(e->net) < start + limit)
        ends_run(e, 10 * MSEC);
    assert_true(e->server.connected);
    assert_true(e->client.connected);
    assert_false(e->server.closed);
    assert_false(e->client.closed);
}

static void connects_on_a_fair_network(void **state)
{
    (void)state;
    struct ends e;
    struct ends_plan plan = plan_of(fair);
    unsigned long asked = virtual_clock_asked();
    ends_init(&e, &plan);
    connect_within(&e, 300 * MSEC); /* two checks and two flights each way, 40 ms a turn */
    assert_true(virtual_clock_asked() > asked);
    assert_true(addr_equal(peer_remote(e.server.peer), e.client.at[0]));
    assert_true(addr_equal(peer_remote(e.client.peer), e.server.at[0]));
    ends_fini(&e);
}

static void connects_in_bad_weather(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct net_weather weather;
        usec_t limit;
    } rows[] = {
        { "a fifth is lost", { .loss = 0.2, .delay = 20 * MSEC }, 25 * SEC },
        { "half is overtaken",
          { .overtake = 0.5, .delay = 20 * MSEC, .jitter = 10 * MSEC, .late = 100 * MSEC },
          5 * SEC },
        { "half comes twice",
          { .duplicate = 0.5, .delay = 20 * MSEC, .jitter = 30 * MSEC },
          5 * SEC },
        { "satellite", { .delay = 600 * MSEC, .jitter = 100 * MSEC }, 15 * SEC },
        { "all of it",
          { .loss = 0.1,
            .duplicate = 0.2,
            .overtake = 0.2,
            .delay = 50 * MSEC,
            .jitter = 50 * MSEC,
            .late = 200 * MSEC },
          25 * SEC },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int round = 0; round < ROUNDS; round++) {
            struct ends e;
            struct ends_plan plan = plan_of(rows[i].weather);
            print_message("%s: ", rows[i].what);
            ends_init(&e, &plan);
            connect_within(&e, rows[i].limit);
            ends_fini(&e);
        }
}

static void wrong_fingerprint_fails(void **state)
{
    (void)state;
    struct ends e;
    struct ends_plan plan = plan_of(fair);
    plan.wrong_fingerprint = true;
    ends_init(&e, &plan);
    ends_run(&e, 2 * SEC);
    assert_false(e.server.connected);
    assert_false(e.client.connected);
    assert_int_equal(e.server.reason, PEER_DTLS_FAILED);
    assert_int_equal(e.client.reason, PEER_DTLS_FAILED);
    ends_fini(&e);
}

static void wrong_password_never_connects(void **state)
{
    (void)state;
    struct ends e;
    struct peer_stats stats;
    struct ends_plan plan = plan_of(fair);
    plan.wrong_password = true;
    ends_init(&e, &plan);
    ends_run(&e, 29 * SEC);
    peer_stats(e.server.peer, &stats);
    assert_true(stats.refused_checks > 0);
    assert_int_equal(peer_remote(e.server.peer).family, 0);
    assert_false(e.server.closed);
    ends_run(&e, 2 * SEC);
    assert_false(e.server.connected);
    assert_int_equal(e.server.reason, PEER_SETUP_TIMED_OUT);
    assert_int_equal(e.client.reason, PEER_SETUP_TIMED_OUT);
    assert_true(peer_deadline(e.server.peer) == USEC_NEVER);
    ends_fini(&e);
}

/* `count` packets each way, 5 ms apart, with RTCP between. */
static void flow(struct ends *e, uint32_t *number, int count)
{
    for (int i = 0; i < count; i++, ++*number) {
        ends_send_rtp(e, &e->client, *number);
        ends_send_rtp(e, &e->server, *number);
        if (i % 10 == 0) {
            ends_send_rtcp(e, &e->client, *number);
            ends_send_rtcp(e, &e->server, *number);
        }
        ends_run(e, 5 * MSEC);
    }
    ends_run(e, 1 * SEC);
    assert_false(e->server.wrong);
    assert_false(e->client.wrong);
}

static void media_flows_with_both_suites(void **state)
{
    (void)state;
    static const enum dtls_srtp_profile profiles[] = { DTLS_SRTP_AEAD_AES_128_GCM,
                                                       DTLS_SRTP_AES128_CM_SHA1_80 };
    for (size_t i = 0; i < 2; i++) {
        struct ends e;
        struct ends_plan plan =
            plan_of((struct net_weather){ .delay = 20 * MSEC, .jitter = 30 * MSEC });
        plan.profile = profiles[i];
        ends_init(&e, &plan);
        connect_within(&e, 5 * SEC);
        uint32_t number = 30000;
        flow(&e, &number, 50);
        number = 60000;
        flow(&e, &number, 50);
        number = 65000; /* the sequence number wraps on the way */
        flow(&e, &number, 1000);
        assert_int_equal(e.server.rtp, 1100);
        assert_int_equal(e.client.rtp, 1100);
        assert_int_equal(e.server.rtcp, 110);
        assert_int_equal(e.client.rtcp, 110);
        ends_fini(&e);
    }
}

static void repeated_media_comes_once(void **state)
{
    (void)state;
    struct ends e;
    struct peer_stats stats;
    struct ends_plan plan = plan_of((struct net_weather){ .duplicate = 0.5, .delay = 20 * MSEC });
    uint32_t number = 0;
    ends_init(&e, &plan);
    connect_within(&e, 5 * SEC);
    flow(&e, &number, 1000);
    peer_stats(e.server.peer, &stats);
    assert_int_equal(e.server.rtp, 1000);
    assert_int_equal(stats.rtp, 1000);
    assert_in_range(stats.replayed, 300, 800);
    assert_int_equal(stats.not_authentic, 0);
    ends_fini(&e);
}

/* The NAT gives the client a new port: the next consent check, which comes within 6 s, moves the
 * server there. */
static void nat_rebinding_keeps_media_going(void **state)
{
    (void)state;
    struct ends e;
    struct addr first, second;
    uint32_t number = 0;
    struct ends_plan plan = plan_of(fair);
    ends_init(&e, &plan);
    assert_true(addr_parse_hostport(&first, "198.51.100.1:1111"));
    assert_true(addr_parse_hostport(&second, "198.51.100.1:2222"));
    net_nat(e.net, e.client.at[0], first);
    connect_within(&e, 1 * SEC);
    assert_true(addr_equal(peer_remote(e.server.peer), first));
    flow(&e, &number, 100);

    net_nat(e.net, e.client.at[0], second);
    struct peer_stats stats;
    ends_send_rtp(&e, &e.client, number++);
    ends_run(&e, 100 * MSEC);
    peer_stats(e.server.peer, &stats);
    assert_int_equal(stats.unknown_address, 1);
    ends_run(&e, 6 * SEC);
    assert_true(addr_equal(peer_remote(e.server.peer), second));
    unsigned server_had = e.server.rtp, client_had = e.client.rtp;
    flow(&e, &number, 100);
    assert_int_equal(e.server.rtp - server_had, 100);
    assert_int_equal(e.client.rtp - client_had, 100);
    assert_false(e.server.closed);
    ends_fini(&e);
}

/* The server's first address dies: the client nominates the pair of the second. */
static void another_pair_takes_over(void **state)
{
    (void)state;
    struct ends e;
    uint32_t number = 0;
    struct ends_plan plan = plan_of(fair);
    plan.second_address = true;
    ends_init(&e, &plan);
    connect_within(&e, 1 * SEC);
    flow(&e, &number, 100);
    assert_true(addr_equal(peer_remote(e.client.peer), e.server.at[0]));

    net_block(e.net, e.server.at[0], true);
    ends_run(&e, 25 * SEC);
    assert_true(addr_equal(peer_remote(e.client.peer), e.server.at[1]));
    unsigned server_had = e.server.rtp, client_had = e.client.rtp;
    flow(&e, &number, 100);
    assert_int_equal(e.server.rtp - server_had, 100);
    assert_int_equal(e.client.rtp - client_had, 100);
    ends_run(&e, 60 * SEC);
    assert_false(e.server.closed);
    assert_false(e.client.closed);
    ends_fini(&e);
}

static void silence_ends_consent(void **state)
{
    (void)state;
    struct ends e;
    struct ends_plan plan = plan_of(fair);
    ends_init(&e, &plan);
    connect_within(&e, 1 * SEC);
    ends_run(&e, 120 * SEC);
    assert_false(e.server.closed);
    assert_false(e.client.closed);

    usec_t cut = net_now(e.net);
    net_block(e.net, e.client.at[0], true);
    ends_run(&e, 40 * SEC);
    assert_int_equal(e.server.reason, PEER_CONSENT_LOST);
    assert_int_equal(e.client.reason, PEER_CONSENT_LOST);
    assert_in_range(e.server.closed_at - cut, 23 * SEC, 31 * SEC);
    struct peer_datagram out;
    assert_false(peer_output(e.server.peer, &out));
    ends_fini(&e);
}

static void close_notify_ends(void **state)
{
    (void)state;
    for (int server_closes = 0; server_closes < 2; server_closes++) {
        struct ends e;
        struct ends_plan plan = plan_of(fair);
        ends_init(&e, &plan);
        connect_within(&e, 1 * SEC);
        struct ends_end *closer = server_closes ? &e.server : &e.client;
        struct ends_end *other = server_closes ? &e.client : &e.server;
        peer_close(closer->peer);
        ends_run(&e, 1 * SEC);
        assert_int_equal(other->reason, PEER_CLOSED_BY_REMOTE);
        assert_false(closer->closed); /* who closes is not told */
        assert_int_equal(peer_state(closer->peer), PEER_CLOSED);
        uint8_t packet[64] = { 0x80 };
        size_t len = 40;
        assert_int_equal(peer_protect_rtp(other->peer, packet, &len, sizeof packet), ERR_BAD_STATE);
        ends_fini(&e);
    }
}

/* A stranger who sees everything can neither feed packets from elsewhere nor repeat or change them
 * in place. */
static void strangers_are_kept_out(void **state)
{
    (void)state;
    struct ends e;
    struct ends_plan plan = plan_of(fair);
    struct addr stranger;
    struct peer_stats before, after;
    ends_init(&e, &plan);
    connect_within(&e, 1 * SEC);
    assert_true(addr_parse_hostport(&stranger, "203.0.113.9:9"));
    peer_stats(e.server.peer, &before);
    for (int i = 0; i < 500; i++) {
        uint8_t packet[100];
        static const uint8_t firsts[] = { 0x80, 0x90, 22, 23, 70, 0, 1 };
        for (size_t k = 0; k < sizeof packet; k++)
            packet[k] = (uint8_t)net_random(e.net);
        packet[0] = firsts[i % 7];
        net_send(e.net, i % 2 ? stranger : e.client.at[0], e.server.at[0],
                 bytes_of(packet, sizeof packet));
        ends_run(&e, 5 * MSEC);
    }
    peer_stats(e.server.peer, &after);
    assert_int_equal(after.rtp + after.rtcp, before.rtp + before.rtcp);
    assert_true(after.unknown_address - before.unknown_address > 100);
    assert_true(after.not_authentic - before.not_authentic > 30);
    assert_false(e.server.closed);
    uint32_t number = 0;
    flow(&e, &number, 100);
    assert_int_equal(e.server.rtp, 100);
    ends_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_on_a_fair_network),
        cmocka_unit_test(connects_in_bad_weather),
        cmocka_unit_test(wrong_fingerprint_fails),
        cmocka_unit_test(wrong_password_never_connects),
        cmocka_unit_test(media_flows_with_both_suites),
        cmocka_unit_test(repeated_media_comes_once),
        cmocka_unit_test(nat_rebinding_keeps_media_going),
        cmocka_unit_test(another_pair_takes_over),
        cmocka_unit_test(silence_ends_consent),
        cmocka_unit_test(close_notify_ends),
        cmocka_unit_test(strangers_are_kept_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
