#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "dtls/context.h"
#include "dtls/dtls.h"

static struct dtls_identity *alice, *bob; /* server, client */

static int make_identities(void **state)
{
    (void)state;
    return dtls_identity_new(&alice) || dtls_identity_new(&bob);
}

static int free_identities(void **state)
{
    (void)state;
    dtls_identity_free(alice);
    dtls_identity_free(bob);
    return 0;
}

static struct dtls_fingerprint fingerprint(const struct dtls_identity *identity)
{
    struct dtls_fingerprint f;
    struct bytes text = bytes_str(dtls_identity_fingerprint_text(identity));
    assert_int_equal(dtls_fingerprint_parse(&f, bytes_str("SHA-256"), text), OK);
    return f;
}

struct ends {
    struct dtls *server, *client;
};

static struct ends ends_new(const struct dtls_fingerprint *server_wants,
                            enum dtls_srtp_profile server_profile,
                            enum dtls_srtp_profile client_profile)
{
    struct dtls_config server = { alice, DTLS_SERVER, *server_wants, server_profile };
    struct dtls_config client = { bob, DTLS_CLIENT, fingerprint(alice), client_profile };
    struct ends e;
    assert_int_equal(dtls_new(&e.server, &server), OK);
    assert_int_equal(dtls_new(&e.client, &client), OK);
    return e;
}

static void ends_free(struct ends e)
{
    dtls_free(e.server);
    dtls_free(e.client);
}

/* Carries datagrams from one end to the other; how many. */
static int carry(struct dtls *from, struct dtls *to)
{
    struct bytes datagram;
    int count = 0;
    while (dtls_output(from, &datagram)) {
        assert_in_range(datagram.len, 1, DTLS_MTU);
        dtls_feed(to, datagram);
        count++;
    }
    return count;
}

static void pump(struct ends e)
{
    while (carry(e.client, e.server) + carry(e.server, e.client) > 0)
        ;
}

static struct ends connected(void)
{
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    dtls_start(e.client);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_CONNECTED);
    assert_int_equal(dtls_state(e.client), DTLS_CONNECTED);
    return e;
}

static void fingerprints_have_a_form(void **state)
{
    (void)state;
    static const struct {
        const char *hash, *text;
        int want;
    } rows[] = {
        { "sha-1", "00", ERR_UNSUPPORTED },
        { "sha-256", "", ERR_MALFORMED },
        { "sha-256", "00:11", ERR_MALFORMED },
        { "sha-256", "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
          ERR_MALFORMED },
        { "sha-256",
          "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:"
          "dd:ee:ff",
          OK },
        { "Sha-256",
          "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
          "DD:EE:FF:",
          ERR_MALFORMED },
        { "sha-384",
          "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
          "DD:EE:FF",
          ERR_MALFORMED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dtls_fingerprint f;
        assert_int_equal(
            dtls_fingerprint_parse(&f, bytes_str(rows[i].hash), bytes_str(rows[i].text)),
            rows[i].want);
    }
    struct dtls_fingerprint f = fingerprint(alice), same;
    struct bytes digest = dtls_identity_fingerprint(alice);
    assert_int_equal(dtls_fingerprint_set(&same, bytes_str("sha-256"), digest), OK);
    assert_int_equal(same.hash, f.hash);
    assert_true(bytes_equal(bytes_of(same.bytes, same.len), bytes_of(f.bytes, f.len)));
    assert_int_equal(dtls_fingerprint_set(&same, bytes_str("sha-384"), digest), ERR_MALFORMED);
    assert_int_equal(dtls_fingerprint_set(&same, bytes_str("md5"), digest), ERR_UNSUPPORTED);
    assert_true(bytes_equal(bytes_of(f.bytes, f.len), dtls_identity_fingerprint(alice)));
    assert_false(bytes_equal(dtls_identity_fingerprint(bob), dtls_identity_fingerprint(alice)));
}

static void both_ends_have_the_same_keys(void **state)
{
    (void)state;
    static const struct {
        enum dtls_srtp_profile server, client, want;
    } rows[] = {
        { DTLS_SRTP_NONE, DTLS_SRTP_NONE, DTLS_SRTP_AEAD_AES_128_GCM },
        { DTLS_SRTP_NONE, DTLS_SRTP_AES128_CM_SHA1_80, DTLS_SRTP_AES128_CM_SHA1_80 },
        { DTLS_SRTP_NONE, DTLS_SRTP_AEAD_AES_128_GCM, DTLS_SRTP_AEAD_AES_128_GCM },
        { DTLS_SRTP_AES128_CM_SHA1_80, DTLS_SRTP_NONE, DTLS_SRTP_AES128_CM_SHA1_80 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dtls_fingerprint want = fingerprint(bob);
        struct ends e = ends_new(&want, rows[i].server, rows[i].client);
        struct dtls_srtp_keys server, client;
        assert_int_equal(dtls_srtp_keys(e.server, &server), ERR_BAD_STATE);
        dtls_start(e.client);
        pump(e);
        assert_int_equal(dtls_srtp_keys(e.server, &server), OK);
        assert_int_equal(dtls_srtp_keys(e.client, &client), OK);
        assert_int_equal(server.profile, rows[i].want);
        assert_int_equal(client.profile, rows[i].want);
        assert_memory_equal(&server.local, &client.remote, sizeof server.local);
        assert_memory_equal(&server.remote, &client.local, sizeof server.local);
        assert_memory_not_equal(&server.local, &server.remote, sizeof server.local);
        assert_true(dtls_timeout(e.server) == USEC_NEVER);
        assert_true(dtls_timeout(e.client) == USEC_NEVER);
        ends_free(e);
    }
}

static void no_common_profile_fails(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_AEAD_AES_128_GCM, DTLS_SRTP_AES128_CM_SHA1_80);
    dtls_start(e.client);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_FAILED);
    assert_int_equal(dtls_state(e.client), DTLS_FAILED);
    assert_string_equal(dtls_error(e.server), "no common SRTP profile");
    ends_free(e);
}

static void wrong_fingerprint_fails_both_ends(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    want.bytes[31] ^= 1;
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    dtls_start(e.client);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_FAILED);
    assert_int_equal(dtls_state(e.client), DTLS_FAILED); /* told by the alert */
    assert_string_not_equal(dtls_error(e.server), "");
    ends_free(e);

    struct dtls_fingerprint none = { 0 };
    e = ends_new(&none, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    dtls_start(e.client);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_FAILED);
    ends_free(e);
}

static void longer_hashes_are_accepted(void **state)
{
    (void)state;
    static const char *const names[] = { "SHA-384", "SHA-512" };
    const X509 *certificate = SSL_CTX_get0_certificate(bob->context);
    for (size_t i = 0; i < 2; i++) {
        struct dtls_fingerprint want;
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len;
        assert_int_equal(X509_digest(certificate, i ? EVP_sha512() : EVP_sha384(), digest, &len),
                         1);
        assert_int_equal(dtls_fingerprint_set(&want, bytes_str(names[i]), bytes_of(digest, len)),
                         OK);
        for (int wrong = 0; wrong < 2; wrong++) {
            want.bytes[len - 1] ^= (uint8_t)wrong;
            struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
            dtls_start(e.client);
            pump(e);
            assert_int_equal(dtls_state(e.server), wrong ? DTLS_FAILED : DTLS_CONNECTED);
            ends_free(e);
        }
    }
}

static void close_notify_reaches_the_other(void **state)
{
    (void)state;
    for (int server_closes = 0; server_closes < 2; server_closes++) {
        struct ends e = connected();
        dtls_close(server_closes ? e.server : e.client);
        pump(e);
        assert_int_equal(dtls_state(e.server), DTLS_CLOSED);
        assert_int_equal(dtls_state(e.client), DTLS_CLOSED);
        ends_free(e);
    }
}

static void rubbish_does_no_harm(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    uint8_t rubbish[256];
    dtls_feed(e.server, bytes_of(NULL, 0));
    for (int i = 0; i < 200; i++) {
        random_bytes(rubbish, sizeof rubbish);
        rubbish[0] = (uint8_t)(20 + i % 44);
        dtls_feed(e.server, bytes_of(rubbish, sizeof rubbish - (size_t)i));
    }
    dtls_start(e.client);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_CONNECTED);
    for (int i = 0; i < 200; i++) {
        random_bytes(rubbish, sizeof rubbish);
        rubbish[0] = (uint8_t)(20 + i % 44);
        rubbish[1] = 0xfe;
        rubbish[2] = 0xfd;
        dtls_feed(e.server, bytes_of(rubbish, sizeof rubbish - (size_t)i));
    }
    assert_int_equal(dtls_state(e.server), DTLS_CONNECTED);
    ends_free(e);
}

/* The first flight cut at each byte leaves the server waiting, and whole it still works afterwards.
 */
static void every_prefix_is_ignored(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    struct bytes flight;
    dtls_start(e.client);
    assert_true(dtls_output(e.client, &flight));
    for (size_t len = 0; len < flight.len; len++) {
        dtls_feed(e.server, bytes_of(flight.ptr, len));
        assert_int_equal(dtls_state(e.server), DTLS_HANDSHAKE);
    }
    dtls_feed(e.server, flight);
    pump(e);
    assert_int_equal(dtls_state(e.server), DTLS_CONNECTED);
    assert_int_equal(dtls_state(e.client), DTLS_CONNECTED);
    ends_free(e);
}

static void a_flight_waits_for_its_answer(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    assert_true(dtls_timeout(e.client) == USEC_NEVER);
    dtls_start(e.client);
    assert_in_range(dtls_timeout(e.client), 0, 200 * MSEC);
    dtls_close(e.client);
    assert_int_equal(dtls_state(e.client), DTLS_CLOSED);
    assert_true(dtls_timeout(e.client) == USEC_NEVER);
    ends_free(e);
}

/* Output that nobody takes is bounded. */
static void output_is_limited(void **state)
{
    (void)state;
    struct dtls_fingerprint want = fingerprint(bob);
    struct ends e = ends_new(&want, DTLS_SRTP_NONE, DTLS_SRTP_NONE);
    struct bytes flight, datagram;
    int count = 0;
    dtls_start(e.client);
    assert_true(dtls_output(e.client, &flight));
    for (int i = 0; i < 100; i++)
        dtls_feed(e.server, flight);
    while (dtls_output(e.server, &datagram))
        count++;
    assert_in_range(count, 1, DTLS_OUTPUT_SLOTS);
    ends_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_have_a_form),
        cmocka_unit_test(both_ends_have_the_same_keys),
        cmocka_unit_test(no_common_profile_fails),
        cmocka_unit_test(wrong_fingerprint_fails_both_ends),
        cmocka_unit_test(longer_hashes_are_accepted),
        cmocka_unit_test(close_notify_reaches_the_other),
        cmocka_unit_test(rubbish_does_no_harm),
        cmocka_unit_test(every_prefix_is_ignored),
        cmocka_unit_test(a_flight_waits_for_its_answer),
        cmocka_unit_test(output_is_limited),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
