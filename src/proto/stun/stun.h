/* STUN messages (RFC 8489) as ICE uses them (RFC 8445 section 7): reading, checking, writing.
 * Pure: no clock, socket, randomness or state; any thread. Reading and writing do not allocate. */
#ifndef STUN_STUN_H
#define STUN_STUN_H

#include "base/addr.h"
#include "base/bytes.h"

/* RFC 8489 5: type, length, magic cookie, transaction id. */
#define STUN_HEADER_SIZE      20
#define STUN_TRANSACTION_SIZE 12

#define STUN_BINDING 0x001 /* the only method of ICE */

/* Messages above this are refused. RFC 8489 6.1 keeps requests below the path's MTU. */
#define STUN_MAX_SIZE 1500

/* RFC 8489 14.3: a user name is less than 509 bytes (513 in RFC 5389). */
#define STUN_MAX_USERNAME 512

/* Attributes we do not know, kept for the answer; further ones are only counted. */
#define STUN_MAX_UNKNOWN 8

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

enum stun_role { STUN_ROLE_NONE, STUN_CONTROLLING, STUN_CONTROLLED };

enum stun_error_code {
    STUN_BAD_REQUEST = 400,
    STUN_UNAUTHENTICATED = 401,
    STUN_UNKNOWN_ATTRIBUTE = 420,
    STUN_ROLE_CONFLICT = 487,
};

/* A message as it came. All views borrow the datagram. What is absent is zero, and its view empty.
 */
struct stun_message {
    struct bytes raw;
    enum stun_class class;
    uint16_t method;
    struct bytes transaction; /* STUN_TRANSACTION_SIZE bytes */

    struct bytes username, realm, nonce, software;
    struct addr mapped; /* XOR-MAPPED-ADDRESS */
    bool has_priority, use_candidate, has_fingerprint;
    uint32_t priority;
    enum stun_role role;
    uint64_t tie_breaker; /* with a role */
    uint16_t error_code;  /* 300 to 699; 0: none */
    struct bytes reason;

    uint16_t unknown[STUN_MAX_UNKNOWN]; /* comprehension-required types we do not know */
    size_t unknown_count;               /* all of them, may be above STUN_MAX_UNKNOWN */

    size_t integrity_at; /* where MESSAGE-INTEGRITY begins in `raw`; 0: none */
};

/* Whether a datagram is STUN and not DTLS or RTP: the first two bits and the magic cookie (RFC 8489
 * 5, RFC 7983 7). */
bool stun_is(struct bytes datagram);

/* Reads a datagram that is one message and nothing else. FINGERPRINT, if present, must be right. Of
 * attributes given twice the first counts; those behind MESSAGE-INTEGRITY are ignored, except
 * FINGERPRINT (RFC 8489 14.5). ERR_MALFORMED: not STUN, or broken. ERR_LIMIT: above STUN_MAX_SIZE.
 */
int stun_parse(struct stun_message *out, struct bytes datagram);

/* The user name of a request without reading the rest: for whoever must find the peer before a peer
 * is known. Nothing is verified. False: no request, or no user name of that form. */
bool stun_peek_username(struct bytes datagram, struct bytes *username);

/* The part of "ours:theirs" before the colon: in a request that reached us, our own fragment (RFC
 * 8445 7.2.2). False when there is no colon. */
bool stun_split_username(struct bytes username, struct bytes *local, struct bytes *remote);

/* MESSAGE-INTEGRITY (HMAC-SHA1). The key of ICE is the password of the side that answers the
 * request. ERR_AUTH: absent or wrong. ERR_CRYPTO. */
int stun_check_integrity(const struct stun_message *m, struct bytes key);

/* Writing: begin, put attributes, end. Errors stick; stun_end tells. */
struct stun_writer {
    struct writer w;
};

/* `transaction` holds STUN_TRANSACTION_SIZE bytes and is copied. */
void stun_begin(struct stun_writer *s, void *block, size_t size, enum stun_class class,
                struct bytes transaction);
void stun_put_username(struct stun_writer *s, struct bytes username);
void stun_put_software(struct stun_writer *s, struct bytes text);
void stun_put_priority(struct stun_writer *s, uint32_t priority);
void stun_put_use_candidate(struct stun_writer *s);
void stun_put_role(struct stun_writer *s, enum stun_role role, uint64_t tie_breaker);
void stun_put_mapped(struct stun_writer *s, struct addr mapped);
void stun_put_error(struct stun_writer *s, enum stun_error_code code);
void stun_put_unknown(struct stun_writer *s, const uint16_t *types, size_t count);

/* Appends MESSAGE-INTEGRITY when `key` is not empty, then FINGERPRINT. Returns the message's
 * length; 0: it did not fit, or the crypto library refused. */
size_t stun_end(struct stun_writer *s, struct bytes key);

#endif
