#include "ends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/err.h"
#include "virtual_clock.h"

static struct dtls_identity *server_identity, *client_identity;

static struct addr address(const char *hostport)
{
    struct addr a;
    assert_true(addr_parse_hostport(&a, hostport));
    return a;
}

static struct dtls_fingerprint fingerprint(const struct dtls_identity *identity, bool wrong)
{
    struct dtls_fingerprint f;
    struct bytes text = bytes_str(dtls_identity_fingerprint_text(identity));
    assert_int_equal(dtls_fingerprint_parse(&f, bytes_str("sha-256"), text), OK);
    f.bytes[0] ^= wrong;
    return f;
}

static void make_peers(struct ends *e, const struct ends_plan *plan)
{
    struct peer_config server = { .role = PEER_SERVER,
                                  .identity = server_identity,
                                  .profile = plan->profile };
    struct peer_config client = { .role = PEER_CLIENT, .identity = client_identity };
    ice_side_random(&server.ice.local);
    ice_side_random(&server.ice.remote);
    client.ice.local = server.ice.remote;
    client.ice.remote = server.ice.local;
    if (plan->wrong_password)
        client.ice.remote.pwd[0] ^= 1;
    server.fingerprint = fingerprint(client_identity, plan->wrong_fingerprint);
    client.fingerprint = fingerprint(server_identity, false);
    assert_int_equal(peer_new(&e->server.peer, &server, net_now(e->net)), OK);
    assert_int_equal(peer_new(&e->client.peer, &client, net_now(e->net)), OK);
    for (int i = 0; i <= plan->second_address; i++)
        assert_int_equal(peer_add_candidate(e->client.peer, e->server.at[i], 100u - (unsigned)i,
                                            net_now(e->net)),
                         OK);
}

void ends_init(struct ends *e, const struct ends_plan *plan)
{
    *e = (struct ends){ .net = net_new(plan->seed, &plan->weather) };
    virtual_clock_follow(e->net);
    assert_int_equal(dtls_identity_new(&server_identity), OK);
    assert_int_equal(dtls_identity_new(&client_identity), OK);
    e->server.at[0] = address("192.0.2.1:5000");
    e->server.at[1] = address("[2001:db8::1]:5000");
    e->client.at[0] = address("10.0.0.1:4000");
    e->server.sends_from = e->server.at[0];
    e->client.sends_from = e->client.at[0];
    make_peers(e, plan);
}

void ends_fini(struct ends *e)
{
    peer_free(e->server.peer);
    peer_free(e->client.peer);
    dtls_identity_free(server_identity);
    dtls_identity_free(client_identity);
    virtual_clock_follow(NULL);
    net_free(e->net);
}

static void collect(struct ends *e, struct ends_end *end)
{
    struct peer_datagram out;
    struct peer_event event;
    while (peer_output(end->peer, &out))
        net_send(e->net, end->sends_from, out.to, out.bytes);
    while (peer_event(end->peer, &event)) {
        if (event.state == PEER_CONNECTED) {
            assert_false(end->connected);
            end->connected = true;
            end->connected_at = net_now(e->net);
        } else {
            assert_false(end->closed);
            end->closed = true;
            end->closed_at = net_now(e->net);
            end->reason = event.reason;
        }
    }
}

/* Header, then the number, then bytes that follow from it. */
static size_t fill(uint8_t *packet, size_t head, uint32_t number)
{
    size_t len = head + 4 + number * 7 % 1000 / 4 * 4;
    set_u32(packet + head, number);
    for (size_t i = head + 4; i < len; i++)
        packet[i] = (uint8_t)(number + i);
    return len;
}

static void take(struct ends_end *end, enum peer_input input, const uint8_t *packet, size_t len)
{
    uint8_t want[NET_MAX_DATAGRAM];
    size_t head = input == PEER_RTP ? 12 : 8;
    if (input == PEER_NOTHING)
        return;
    uint32_t number = len >= head + 4 ? get_u32(packet + head) : 0;
    if (len != fill(want, head, number) || memcmp(want + head, packet + head, len - head) != 0)
        end->wrong = true;
    if (input == PEER_RTP) {
        end->rtp++;
        end->last_rtp = number;
    } else {
        end->rtcp++;
    }
}

/* As a socket would, a server answers from the address that was written to. */
static void deliver(struct ends *e, struct net_arrival *arrival)
{
    bool to_client = addr_equal(arrival->to, e->client.at[0]);
    struct ends_end *end = to_client ? &e->client : &e->server;
    if (!to_client && !addr_equal(arrival->to, e->server.at[0]) &&
        !addr_equal(arrival->to, e->server.at[1]))
        return;
    end->sends_from = arrival->to;
    size_t len = arrival->len;
    enum peer_input input =
        peer_feed(end->peer, arrival->from, arrival->ptr, &len, net_now(e->net));
    take(end, input, arrival->ptr, len);
    collect(e, end);
}

static usec_t sooner(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

void ends_run(struct ends *e, usec_t duration)
{
    usec_t end = net_now(e->net) + duration;
    int still = 0; /* turns without the clock moving: a deadline that never goes away */
    collect(e, &e->server);
    collect(e, &e->client);
    while (net_now(e->net) < end) {
        struct net_arrival arrival;
        usec_t before = net_now(e->net);
        usec_t due = sooner(peer_deadline(e->server.peer), peer_deadline(e->client.peer));
        if (net_receive(e->net, sooner(due, end), &arrival))
            deliver(e, &arrival);
        peer_tick(e->server.peer, net_now(e->net));
        peer_tick(e->client.peer, net_now(e->net));
        collect(e, &e->server);
        collect(e, &e->client);
        still = net_now(e->net) > before ? 0 : still + 1;
        assert_true(still < 10000);
    }
}

static void send_packet(struct ends *e, struct ends_end *from, uint8_t *packet, size_t len)
{
    if (peer_remote(from->peer).family)
        net_send(e->net, from->sends_from, peer_remote(from->peer), bytes_of(packet, len));
}

void ends_send_rtp(struct ends *e, struct ends_end *from, uint32_t number)
{
    uint8_t packet[NET_MAX_DATAGRAM] = { 0x80, 96 };
    set_u16(packet + 2, (uint16_t)number);
    set_u32(packet + 4, number * 3000);
    set_u32(packet + 8, from == &e->server ? 1 : 2);
    size_t len = fill(packet, 12, number);
    assert_int_equal(peer_protect_rtp(from->peer, packet, &len, sizeof packet), OK);
    send_packet(e, from, packet, len);
}

void ends_send_rtcp(struct ends *e, struct ends_end *from, uint32_t number)
{
    uint8_t packet[NET_MAX_DATAGRAM] = { 0x80, 201 };
    size_t len = fill(packet, 8, number);
    set_u16(packet + 2, (uint16_t)(len / 4 - 1));
    set_u32(packet + 4, from == &e->server ? 1 : 2);
    assert_int_equal(peer_protect_rtcp(from->peer, packet, &len, sizeof packet), OK);
    send_packet(e, from, packet, len);
}
