/* What the answer of an S3 store, or none, means for an upload. Pure. */
#ifndef UPLOAD_S3_ANSWER_H
#define UPLOAD_S3_ANSWER_H

#include "io/http_client.h"
#include "upload/bucket.h"

#define S3_MAX_ANSWER (64u << 10) /* bytes of a body that are read */
#define S3_ETAG_SIZE  96
#define S3_MD5_SIZE   16

/* UPLOAD_OK for a 2xx, unless its body is an error (which a long-running completion may have).
 * Otherwise code and message are the store's, or ours when it did not get to say anything; where
 * another region is the reason, the message names it. */
void s3_answer_outcome(const struct http_result *answer, struct upload_outcome *out);

/* For answers that are of no use although they seem to be good. */
void s3_outcome_set(struct upload_outcome *out, enum upload_result result, const char *code,
                    const char *message);

/* The time that the store says it is (header Date), Unix time. False: it does not say. */
bool s3_answer_time(const struct http_result *answer, usec_t *out);

/* The header ETag as sent, quotes and all. False: absent, longer than S3_ETAG_SIZE, or with
 * characters that cannot be sent back within XML. */
bool s3_answer_etag(const struct http_result *answer, char out[S3_ETAG_SIZE]);

/* The ETag looks like an MD5, must be one (objects encrypted with keys that are not the store's own
 * have another), and is not this one. */
bool s3_answer_etag_differs(const struct http_result *answer, const uint8_t md5[S3_MD5_SIZE]);

#endif
