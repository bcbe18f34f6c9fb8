/* Where an S3 bucket is and what its URLs look like. Pure. */
#ifndef UPLOAD_S3_PLACE_H
#define UPLOAD_S3_PLACE_H

#include "base/buf.h"

struct s3_place {
    char *origin; /* what URLs begin with: "https://host:9000" */
    char *host;   /* the header Host: "host:9000", without the scheme's own port */
    char *path;   /* what stands before a key, not encoded: "/", "/bucket/", "/base/bucket/" */
};

/* `endpoint`: "https://host", "http://10.1.2.3:9000", "https://host/base". `path_style`: the bucket
 * is named in the path; otherwise in front of the host, unless that is an IP address.
 * ERR_MALFORMED: the endpoint, or the bucket's name (s3_bucket_name_ok); ERR_NOMEM. */
int s3_place_init(struct s3_place *out, const char *endpoint, const char *bucket, bool path_style);
void s3_place_fini(struct s3_place *place);

/* 3 to 63 characters of a-z 0-9 . - that begin and end with a letter or digit; no two dots in a
 * row; no IP address (Amazon S3 user guide, "Bucket naming rules"). */
bool s3_bucket_name_ok(const char *name);

/* A path of plain names (io/file.h), at most KEY_MAX bytes. */
bool s3_key_ok(const char *key);

/* Appends the vendors' own endpoints, to which the bucket is named in the host: Tencent COS, AWS.
 * ERR_MALFORMED: the region is none; the buffer's own error. */
int s3_endpoint_cos(struct buf *out, const char *region);
int s3_endpoint_aws(struct buf *out, const char *region);

#endif
