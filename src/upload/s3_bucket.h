/* A bucket in an object store that speaks S3: AWS, Tencent COS, Ceph, MinIO and others.
 *
 *   small    hash (thread pool) -> PUT
 *   large    look for a former run's upload, or initiate -> for each part that is missing: hash ->
 *            PUT part -> complete
 *
 * Every request is signed with SigV4 over its payload's SHA-256, and carries a Content-MD5; an ETag
 * that must be an MD5 and is another is a failure. What a large object already has in the store is
 * kept in mind when a put fails, so that the next put of the same file sends only what is missing,
 * and asked of the store with the first put, since the daemon may have been restarted;
 * when the bucket goes, or such a put is cancelled, the store is asked to forget the parts.
 *
 * Outcomes:
 * - UPLOAD_RETRY: 5xx, 408, 409, 429; no connection, time-out, broken connection; a clock that
 *   differs (RequestTimeTooSkewed: the next signature uses the store's time)
 * - UPLOAD_DENIED: 401, 403
 * - UPLOAD_NO_BUCKET: NoSuchBucket
 * - UPLOAD_UNTRUSTED: the store's certificate is not accepted
 * - UPLOAD_BAD_REQUEST: other 3xx and 4xx (another region is named); an address that the client's
 *   policy refuses; a key that is none
 * - UPLOAD_LOCAL_GONE: the file is shorter than said
 *
 * Control loop only. */
#ifndef UPLOAD_S3_BUCKET_H
#define UPLOAD_S3_BUCKET_H

#include "base/clock.h"
#include "upload/bucket.h"

#define S3_MULTIPART_FROM  (64ull << 20) /* bytes */
#define S3_PART_SIZE       (16ull << 20)
#define S3_CONNECT_TIMEOUT (10 * SEC)
#define S3_STALL_TIMEOUT   (30 * SEC) /* nothing moved */

struct http_client;
struct loop;

struct s3_bucket_config {
    struct loop *control;
    struct http_client *client; /* the control loop's; outlives the bucket. Its policy says which
                                   addresses may be reached */
    const char *endpoint;       /* see upload/s3_place.h */
    bool path_style;
    const char *region; /* of the signature */
    const char *name, *access_key, *secret_key;

    /* 0: as above. The part size grows with objects that would need more than 10000 parts. */
    uint64_t multipart_from, part_size;
    usec_t connect_timeout, stall_timeout;

    usec_t (*wall)(void); /* Unix time for signatures; NULL: clock_wall */
};

/* Texts are copied. ERR_MALFORMED: the endpoint or the bucket's name; ERR_NOMEM. */
int s3_bucket_new(struct bucket **out, const struct s3_bucket_config *config);

#endif
