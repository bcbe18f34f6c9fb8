/* One DTLS 1.2 connection (RFC 6347) that agrees on SRTP keys (RFC 5764) and carries nothing else.
 *
 *     handshake --finished, fingerprint right, keys there--> connected --close_notify--> closed
 *         |---------------- alert, refused, timed out ----------|------------------> failed
 *
 * Datagrams go in and come out. Time is the one thing it takes from the system: OpenSSL reads the
 * real clock for its retransmissions, so a virtual-time test stands in for gettimeofday. One thread
 * at a time. */
#ifndef DTLS_DTLS_H
#define DTLS_DTLS_H

#include "base/clock.h"
#include "dtls/identity.h"

/* Datagrams of ours are no larger: below what IPv6 promises every path (1280) less IP and UDP
 * headers. */
#define DTLS_MTU 1200

/* Datagrams that wait for dtls_output; later ones are dropped, DTLS repeats its flights. */
#define DTLS_OUTPUT_SLOTS 16

/* IANA's DTLS-SRTP protection profiles, the two we serve. The server picks the first of these that
 * is offered. */
enum dtls_srtp_profile {
    DTLS_SRTP_NONE = 0,
    DTLS_SRTP_AEAD_AES_128_GCM = 0x0007,
    DTLS_SRTP_AES128_CM_SHA1_80 = 0x0001,
};

enum dtls_role { DTLS_SERVER, DTLS_CLIENT };

enum dtls_state { DTLS_HANDSHAKE, DTLS_CONNECTED, DTLS_CLOSED, DTLS_FAILED };

struct dtls_config {
    const struct dtls_identity *identity; /* outlives the connection */
    enum dtls_role role;
    struct dtls_fingerprint peer;   /* what the peer's certificate must match */
    enum dtls_srtp_profile profile; /* offer and accept this one only; NONE: both, GCM preferred */
};

/* Master key and salt of the two directions; the salt of GCM is 12 bytes, the rest 0. */
struct dtls_srtp_keys {
    enum dtls_srtp_profile profile;
    struct {
        uint8_t key[16], salt[14];
    } local, remote; /* what we send under, what the peer sends under */
};

struct dtls;

/* ERR_CRYPTO. */
int dtls_new(struct dtls **out, const struct dtls_config *config);
void dtls_free(struct dtls *d); /* NULL is fine */

/* The client's first flight; nothing for a server. */
void dtls_start(struct dtls *d);

/* Takes in one datagram; a state may change, output may wait. What is no DTLS is ignored. */
void dtls_feed(struct dtls *d, struct bytes datagram);

/* The next datagram to send, borrowed until the next call of any function here; call until false.
 */
bool dtls_output(struct dtls *d, struct bytes *out);

enum dtls_state dtls_state(const struct dtls *d);

/* Why it failed, for a log line; "" otherwise. Lives as long as the connection. */
const char *dtls_error(const struct dtls *d);

/* From connected on. ERR_BAD_STATE before. */
int dtls_srtp_keys(const struct dtls *d, struct dtls_srtp_keys *out);

/* Time left until the flight must be repeated, from now on the real clock; USEC_NEVER when none is
 * under way. */
usec_t dtls_timeout(const struct dtls *d);
void dtls_handle_timeout(struct dtls *d); /* harmless when it is not yet time */

/* Sends close_notify; afterwards closed. In a handshake: just closed. */
void dtls_close(struct dtls *d);

#endif
