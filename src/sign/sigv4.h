/* AWS Signature Version 4 in the Authorization header, as S3 wants it: the path is encoded once,
 * and the hash of the payload is a signed header. Source: the "Authenticating Requests" chapter of
 * the Amazon S3 API reference. Pure; any thread. */
#ifndef SIGN_SIGV4_H
#define SIGN_SIGV4_H

#include "base/clock.h"
#include "sign/canonical.h"

#define SIGV4_DATE_SIZE   17 /* "20130524T000000Z" and NUL */
#define SIGV4_MAX_HEADERS 16
#define SIGV4_MAX_PARAMS  16
#define SIGV4_MAX_TARGET  (16u << 10)

/* As they are meant, not as they are sent: nothing is encoded yet. */
struct sigv4_param {
    const char *name, *value;
};

struct sigv4_request {
    const char *access_key, *secret_key, *region, *service; /* service: "s3" */
    const char *date; /* of sigv4_date, and the value of the header x-amz-date */
    const char *method;
    const char *path; /* begins with a slash; not encoded */
    const struct sigv4_param *query;
    size_t query_count;
    /* All that are signed, in any order: at least host, x-amz-date and x-amz-content-sha256. A
     * value holds no two blanks in a row. */
    const struct canonical_header *headers;
    size_t header_count;
    const char *payload_hash; /* the value of x-amz-content-sha256 */
};

/* Unix time as x-amz-date has it. ERR_RANGE: not within the years 0 to 9999. */
int sigv4_date(usec_t wall, char out[SIGV4_DATE_SIZE]);

/* Appends `text` with everything but A-Z a-z 0-9 - . _ ~ percent-encoded; slashes stay if wanted.
 */
void sigv4_encode(struct buf *out, struct bytes text, bool keep_slashes);

/* Appends what follows the host in the URL: the encoded path and, behind '?', the encoded query in
 * the order in which it is signed. ERR_LIMIT: more than SIGV4_MAX_PARAMS; the buffer's own error.
 */
int sigv4_target(const struct sigv4_request *request, struct buf *out);

/* Appends the value of the header Authorization. ERR_LIMIT: more parameters, headers or bytes than
 * above; ERR_RANGE: the date is none; ERR_CRYPTO; the buffer's own error. */
int sigv4_sign(const struct sigv4_request *request, struct buf *out);

#endif
