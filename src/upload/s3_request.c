#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "upload/s3.h"

#define NO_BODY     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MAX_HEADERS 8
#define PATIENCE    4 /* times the stall time */

/* The headers of a request; all but the last, Authorization, are signed. */
struct headers {
    struct http_header list[MAX_HEADERS];
    size_t count;
    char date[SIGV4_DATE_SIZE];
    struct buf md5, authorization;
};

static void add(struct headers *h, const char *name, const char *value)
{
    h->list[h->count++] = (struct http_header){ name, value };
}

static int add_content(struct headers *h, const struct s3_request *r)
{
    if (r->content_type)
        add(h, "Content-Type", r->content_type);
    if (r->content) {
        base64_encode(&h->md5, bytes_of(r->content->md5, MD5_SIZE), BASE64_STANDARD);
        add(h, "Content-MD5", buf_str(&h->md5));
    }
    return h->md5.err;
}

static struct sigv4_request signing_of(const struct s3_bucket *b, const struct s3_request *r,
                                       const struct headers *h, const char *path)
{
    return (struct sigv4_request){ .access_key = b->access_key,
                                   .secret_key = b->secret_key,
                                   .region = b->region,
                                   .service = "s3",
                                   .date = h->date,
                                   .method = r->method,
                                   .path = path,
                                   .query = r->query,
                                   .query_count = r->query_count,
                                   .payload_hash = r->content ? r->content->sha256 : NO_BODY };
}

/* Fills the headers and appends the URL. */
static int sign(struct s3_bucket *b, const struct s3_request *r, const char *path,
                struct headers *h, struct buf *url)
{
    struct canonical_header signed_headers[MAX_HEADERS];
    int err = sigv4_date(b->wall() + b->skew, h->date);
    if (err)
        return err;
    struct sigv4_request signing = signing_of(b, r, h, path);
    add(h, "Host", b->place.host);
    add(h, "x-amz-date", h->date);
    add(h, "x-amz-content-sha256", signing.payload_hash);
    err = add_content(h, r);
    if (err)
        return err;
    for (size_t i = 0; i < h->count; i++)
        signed_headers[i] =
            (struct canonical_header){ bytes_str(h->list[i].name), bytes_str(h->list[i].value) };
    signing.headers = signed_headers;
    signing.header_count = h->count;
    err = sigv4_sign(&signing, &h->authorization);
    if (err)
        return err;
    add(h, "Authorization", buf_str(&h->authorization));
    buf_put_str(url, b->place.origin);
    return sigv4_target(&signing, url);
}

static int send_signed(struct s3_bucket *b, const struct s3_request *r, const struct headers *h,
                       const char *url, http_done *done, void *ctx, struct http_transfer **out)
{
    const struct http_call call = { .method = r->method,
                                    .url = url,
                                    .headers = h->list,
                                    .header_count = h->count,
                                    .body = r->body,
                                    .file_fd = r->fd,
                                    .file_offset = r->offset,
                                    .file_len = r->len,
                                    .connect_timeout = b->connect_timeout,
                                    .stall_timeout = b->stall_timeout * (r->patient ? PATIENCE : 1),
                                    .max_answer = S3_MAX_ANSWER };
    return http_client_send(b->client, &call, done, ctx, out);
}

int s3_send(struct s3_bucket *b, const struct s3_request *r, http_done *done, void *ctx,
            struct http_transfer **out)
{
    struct headers h = { .count = 0 };
    struct buf path, url;
    buf_init(&h.md5, 64);
    buf_init(&h.authorization, SIGV4_MAX_TARGET);
    buf_init(&path, SIGV4_MAX_TARGET);
    buf_init(&url, 2 * SIGV4_MAX_TARGET);
    buf_printf(&path, "%s%s", b->place.path, r->key);
    int err = path.err ? path.err : sign(b, r, buf_str(&path), &h, &url);
    if (!err)
        err = send_signed(b, r, &h, buf_str(&url), done, ctx, out);
    buf_fini(&h.md5);
    buf_fini(&h.authorization);
    buf_fini(&path);
    buf_fini(&url);
    return err;
}

void s3_take_outcome(struct s3_bucket *b, const struct http_result *answer,
                     struct upload_outcome *out)
{
    usec_t theirs;
    s3_answer_outcome(answer, out);
    if (strcmp(out->code, "RequestTimeTooSkewed") != 0 || !s3_answer_time(answer, &theirs))
        return;
    b->skew = theirs - b->wall();
    log_warn(&b->log, "the clocks differ by %lld s; signing with the store's time from now on",
             (long long)(b->skew / SEC));
}
