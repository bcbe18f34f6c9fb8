/* TC3-HMAC-SHA256, the signature in the Authorization header (api.md 3.1 to 3.3): reading,
 * checking, making. Pure.
 *
 * What clients do differently is followed rather than refused: any service name in the scope, a
 * Host signed with or without its port, "/" or the path as sent as canonical URI, header values
 * signed as they are or in lower case, any run of blanks between the parts of the header, the
 * payload left unsigned. */
#ifndef API_TC3_H
#define API_TC3_H

#include "io/http.h"
#include "sign/digest.h"

#define TC3_ALGORITHM  "TC3-HMAC-SHA256"
#define TC3_TERMINATOR "tc3_request"

#define TC3_WINDOW_S           300 /* how far a timestamp may be from ours, either way */
#define TC3_MAX_SIGNED_HEADERS 32

/* The parts of an Authorization header; they point into it. */
struct tc3_authorization {
    struct bytes secret_id;
    struct bytes date; /* "2025-01-01" */
    struct bytes service;
    struct bytes headers[TC3_MAX_SIGNED_HEADERS]; /* names in lower case, no name twice */
    size_t header_count;
    uint8_t signature[SHA256_SIZE];
};

/* ERR_MALFORMED: another algorithm, a part missing or twice, a part that breaks its form. Takes any
 * text. */
int tc3_parse(struct tc3_authorization *out, const char *header);

/* OK when the signature is that of this request, made with `secret_key` at `timestamp` (Unix
 * seconds, as the client sent it; whether it is recent is the caller's to check). ERR_AUTH: it is
 * not, or content-type or host is not signed, or a signed header is absent, or the scope's date is
 * not that of the timestamp. ERR_NOMEM, ERR_CRYPTO. Compares in constant time. */
int tc3_verify(const struct tc3_authorization *auth, const struct http_request *request,
               uint64_t timestamp, const char *secret_key);

/* What a client signs. Canonical URI "/", signed headers content-type and host. */
struct tc3_signing {
    const char *secret_id, *secret_key, *service;
    const char *method, *host, *content_type;
    struct bytes query, body;
    uint64_t timestamp;
    bool unsigned_payload; /* the request then carries X-TC-Content-SHA256: UNSIGNED-PAYLOAD */
};

/* Appends the value of the Authorization header. ERR_NOMEM, ERR_CRYPTO, ERR_RANGE (a timestamp
 * after the year 9999). */
int tc3_sign(const struct tc3_signing *signing, struct buf *authorization);

#endif
