#include "dtls/dtls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "dtls/context.h"
#include "dtls/datagram_bio.h"

/* RFC 6347 4.2.4.1 proposes to begin with 1 s; a publisher on a lossy path should not wait that
 * long. OpenSSL gives a flight up after twelve: 15 s. */
#define FIRST_TIMEOUT (200 * MSEC)
#define MAX_TIMEOUT   (1500 * MSEC)

struct dtls {
    SSL *ssl;
    struct datagram_io io;
    enum dtls_role role;
    enum dtls_state state;
    struct dtls_fingerprint peer;
    struct dtls_srtp_keys keys;
    char error[96];
};

/* OpenSSL counts in microseconds. */
static unsigned next_timeout(SSL *ssl, unsigned last)
{
    (void)ssl;
    if (!last)
        return FIRST_TIMEOUT;
    return last > MAX_TIMEOUT / 2 ? MAX_TIMEOUT : 2 * last;
}

/* The first of these that the client offers is taken. */
static const char *profile_names(enum dtls_srtp_profile profile)
{
    switch (profile) {
    case DTLS_SRTP_AEAD_AES_128_GCM: return "SRTP_AEAD_AES_128_GCM";
    case DTLS_SRTP_AES128_CM_SHA1_80: return "SRTP_AES128_CM_SHA1_80";
    case DTLS_SRTP_NONE: break;
    }
    return "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
}

static bool set_up(struct dtls *d, const struct dtls_config *config)
{
    d->ssl = SSL_new(config->identity->context);
    BIO *bio = d->ssl ? datagram_bio_new(config->identity->bio, &d->io) : NULL;
    if (!bio)
        return false;
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_app_data(d->ssl, &d->peer);
    SSL_set_mtu(d->ssl, DTLS_MTU);
    DTLS_set_timer_cb(d->ssl, next_timeout);
    if (config->role == DTLS_SERVER)
        SSL_set_accept_state(d->ssl);
    else
        SSL_set_connect_state(d->ssl);
    return SSL_set_tlsext_use_srtp(d->ssl, profile_names(config->profile)) == 0;
}

int dtls_new(struct dtls **out, const struct dtls_config *config)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->role = config->role;
    d->peer = config->peer;
    if (!set_up(d, config)) {
        dtls_free(d);
        return ERR_CRYPTO;
    }
    *out = d;
    return OK;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    SSL_free(d->ssl);
    OPENSSL_cleanse(&d->keys, sizeof d->keys);
    free(d);
}

static void fail(struct dtls *d, const char *why)
{
    d->state = DTLS_FAILED;
    if (!str_copy(d->error, sizeof d->error, bytes_str(why)))
        str_copy(d->error, sizeof d->error, bytes_str("unknown"));
}

static void fail_openssl(struct dtls *d)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    fail(d, reason ? reason : "connection broken");
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
static bool export_keys(struct dtls *d, enum dtls_srtp_profile profile)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    size_t key = 16, salt = profile == DTLS_SRTP_AEAD_AES_128_GCM ? 12 : 14;
    uint8_t block[2 * (16 + 14)];
    if (SSL_export_keying_material(d->ssl, block, 2 * (key + salt), label, sizeof label - 1, NULL,
                                   0, 0) != 1)
        return false;
    bool client = d->role == DTLS_CLIENT;
    const uint8_t *keys = block, *salts = block + 2 * key;
    d->keys = (struct dtls_srtp_keys){ .profile = profile };
    memcpy(d->keys.local.key, keys + (client ? 0 : key), key);
    memcpy(d->keys.remote.key, keys + (client ? key : 0), key);
    memcpy(d->keys.local.salt, salts + (client ? 0 : salt), salt);
    memcpy(d->keys.remote.salt, salts + (client ? salt : 0), salt);
    OPENSSL_cleanse(block, sizeof block);
    return true;
}

static void finish_handshake(struct dtls *d)
{
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    if (profile && export_keys(d, (enum dtls_srtp_profile)profile->id)) {
        d->state = DTLS_CONNECTED;
        return;
    }
    fail(d, profile ? "no SRTP keys" : "no common SRTP profile");
    SSL_shutdown(d->ssl);
}

static void shake_hands(struct dtls *d)
{
    int done = SSL_do_handshake(d->ssl);
    if (done == 1)
        finish_handshake(d);
    else if (SSL_get_error(d->ssl, done) != SSL_ERROR_WANT_READ)
        fail_openssl(d);
}

/* Application data is nobody's and dropped. Reading also repeats our last flight when the peer
 * missed it. */
static void read_on(struct dtls *d)
{
    uint8_t sink[2048];
    int got;
    do
        got = SSL_read(d->ssl, sink, sizeof sink);
    while (got > 0);
    switch (SSL_get_error(d->ssl, got)) {
    case SSL_ERROR_WANT_READ: return;
    case SSL_ERROR_ZERO_RETURN:
        SSL_shutdown(d->ssl);
        d->state = DTLS_CLOSED;
        return;
    default: fail_openssl(d);
    }
}

/* Errors of other connections on this thread must not be taken for ours. */
static void step(struct dtls *d)
{
    ERR_clear_error();
    if (d->state == DTLS_HANDSHAKE)
        shake_hands(d);
    if (d->state == DTLS_CONNECTED)
        read_on(d);
    ERR_clear_error();
}

void dtls_start(struct dtls *d)
{
    if (d->role == DTLS_CLIENT && d->state == DTLS_HANDSHAKE)
        step(d);
}

void dtls_feed(struct dtls *d, struct bytes datagram)
{
    d->io.input = datagram;
    step(d);
    d->io.input = bytes_of(NULL, 0);
}

bool dtls_output(struct dtls *d, struct bytes *out)
{
    if (!d->io.count)
        return false;
    size_t at = d->io.first;
    *out = bytes_of(d->io.slot[at].bytes, d->io.slot[at].len);
    d->io.first = (at + 1) % DTLS_OUTPUT_SLOTS;
    d->io.count--;
    return true;
}

enum dtls_state dtls_state(const struct dtls *d)
{
    return d->state;
}

const char *dtls_error(const struct dtls *d)
{
    return d->error;
}

int dtls_srtp_keys(const struct dtls *d, struct dtls_srtp_keys *out)
{
    if (!d->keys.profile)
        return ERR_BAD_STATE;
    *out = d->keys;
    return OK;
}

usec_t dtls_timeout(const struct dtls *d)
{
    struct timeval left;
    if (d->state != DTLS_HANDSHAKE || DTLSv1_get_timeout(d->ssl, &left) != 1)
        return USEC_NEVER;
    return left.tv_sec * SEC + left.tv_usec;
}

void dtls_handle_timeout(struct dtls *d)
{
    if (d->state != DTLS_HANDSHAKE)
        return;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(d->ssl) < 0)
        fail(d, "handshake unanswered");
    ERR_clear_error();
}

void dtls_close(struct dtls *d)
{
    if (d->state == DTLS_CONNECTED)
        SSL_shutdown(d->ssl);
    if (d->state <= DTLS_CONNECTED)
        d->state = DTLS_CLOSED;
    ERR_clear_error();
}
