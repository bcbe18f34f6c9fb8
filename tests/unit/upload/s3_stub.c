#include "s3_stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../io/http_peer.h"
#include "base/base64.h"
#include "base/str.h"
#include "io/http.h"
#include "upload/content.h"

#define MAX_OBJECTS 64
#define MAX_PARTS   64
#define MAX_TYPE    64

struct blob {
    char *bytes;
    size_t len;
};

struct object {
    char path[1200];
    char type[MAX_TYPE];
    char etag[80];
    struct blob content;
};

struct upload {
    char id[32];
    char path[1200];
    char type[MAX_TYPE];
    struct blob parts[MAX_PARTS];
    char etags[MAX_PARTS][40];
};

struct s3_stub {
    struct peer *peer;
    char endpoint[64];
    struct {
        enum stub_fault fault;
        unsigned skip, times;
    } script[STUB_OPS];
    long ahead_s;
    struct stub_counts counts;
    struct object objects[MAX_OBJECTS];
    struct upload uploads[MAX_OBJECTS];
    unsigned upload_count;  /* ever */
    char answers[64][4096]; /* in turn: connections may still be sending the last ones */
    unsigned answer_count;
    char *huge;
};

/* --- requests --- */

struct request {
    enum stub_op op;
    char method[8], path[1200], query[1200];
    const char *head;
    struct bytes body;
};

static bool header(const char *head, const char *name, char *out, size_t size)
{
    char mark[64];
    snprintf(mark, sizeof mark, "\r\n%s:", name);
    const char *at = strcasestr(head, mark);
    if (!at)
        return false;
    at += strlen(mark);
    return str_copy(out, size, str_trim(bytes_of(at, strcspn(at, "\r"))));
}

static void parse(struct request *r, const char *head)
{
    char target[2400] = "";
    r->head = head;
    sscanf(head, "%7s %2399s", r->method, target);
    char *query = strchr(target, '?');
    snprintf(r->path, sizeof r->path, "%.*s", (int)strcspn(target, "?"), target);
    snprintf(r->query, sizeof r->query, "%s", query ? query + 1 : "");
    bool upload = strstr(r->query, "uploadId=") != NULL;
    r->op = strcmp(r->method, "HEAD") == 0            ? STUB_HEAD
            : strcmp(r->method, "GET") == 0           ? STUB_LIST
            : strcmp(r->method, "DELETE") == 0        ? STUB_ABORT
            : strcmp(r->method, "PUT") == 0 && upload ? STUB_PART
            : strcmp(r->method, "PUT") == 0           ? STUB_PUT
            : upload                                  ? STUB_COMPLETE
                                                      : STUB_INITIATE;
}

static void broken(struct s3_stub *s, const char *why)
{
    s->counts.broken++;
    snprintf(s->counts.why, sizeof s->counts.why, "%s", why);
}

static void check_hashes(struct s3_stub *s, const struct request *r)
{
    char said[100];
    struct content c;
    struct buf md5;
    content_of(&c, r->body);
    if (!header(r->head, "x-amz-content-sha256", said, sizeof said) || strcmp(said, c.sha256) != 0)
        broken(s, "x-amz-content-sha256");
    buf_init(&md5, 100);
    base64_encode(&md5, bytes_of(c.md5, MD5_SIZE), BASE64_STANDARD);
    if (header(r->head, "Content-MD5", said, sizeof said) ? strcmp(said, buf_str(&md5)) != 0
                                                          : r->body.len > 0)
        broken(s, "Content-MD5");
    buf_fini(&md5);
}

static void check(struct s3_stub *s, const struct request *r)
{
    char said[600];
    if (!header(r->head, "Authorization", said, sizeof said) ||
        !strstr(said, "AWS4-HMAC-SHA256 Credential=") || !strstr(said, ", SignedHeaders=") ||
        !strstr(said, "host;x-amz-content-sha256;x-amz-date"))
        broken(s, "Authorization");
    if (header(r->head, "Transfer-Encoding", said, sizeof said) ||
        header(r->head, "Expect", said, sizeof said))
        broken(s, "Transfer-Encoding or Expect");
    check_hashes(s, r);
}

static bool skewed(struct s3_stub *s, const struct request *r)
{
    char date[40] = "";
    struct tm tm = { 0 };
    header(r->head, "x-amz-date", date, sizeof date);
    const char *end = strptime(date, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end)
        broken(s, "x-amz-date");
    return labs((long)(timegm(&tm) - time(NULL) - s->ahead_s)) > 900;
}

/* --- answers --- */

static char *next_answer(struct s3_stub *s)
{
    return s->answers[s->answer_count++ % (sizeof s->answers / sizeof *s->answers)];
}

static struct peer_answer answer(struct s3_stub *s, const char *status, const char *headers,
                                 const char *body)
{
    char date[64];
    time_t now = time(NULL) + s->ahead_s;
    struct tm tm;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    char *text = next_answer(s);
    snprintf(text, sizeof *s->answers, "HTTP/1.1 %s\r\nDate: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
             status, date, strlen(body), headers, body);
    return (struct peer_answer){ .text = text };
}

static struct peer_answer error(struct s3_stub *s, const char *status, const char *code)
{
    char body[400];
    snprintf(body, sizeof body,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>It is %s "
             "&amp; so</Message><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>",
             code, code);
    return answer(s, status, "Content-Type: application/xml\r\n", body);
}

static struct peer_answer huge(struct s3_stub *s)
{
    size_t size = 1 << 20;
    if (!s->huge)
        s->huge = malloc(size);
    int len = snprintf(s->huge, size, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    memset(s->huge + len, ' ', size - (size_t)len);
    return (struct peer_answer){ .text = s->huge, .len = size, .hang = true };
}

static struct peer_answer with_etag(struct s3_stub *s, const char *etag, const char *body)
{
    char headers[200];
    snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n", etag);
    return answer(s, "200 OK", headers, body);
}

/* --- what it does --- */

static struct blob copy(struct bytes b)
{
    struct blob out = { malloc(b.len + 1), b.len };
    memcpy(out.bytes, b.ptr, b.len);
    return out;
}

static struct object *find(struct s3_stub *s, const char *path, bool make)
{
    for (int i = 0; i < MAX_OBJECTS; i++) {
        struct object *o = &s->objects[i];
        if (strcmp(o->path, path) == 0)
            return o;
        if (!o->path[0]) {
            if (make)
                snprintf(o->path, sizeof o->path, "%s", path);
            return make ? o : NULL;
        }
    }
    return NULL;
}

static void store(struct s3_stub *s, const char *path, const char *type, struct blob content,
                  const char *etag)
{
    struct object *o = find(s, path, true);
    free(o->content.bytes);
    o->content = content;
    snprintf(o->type, sizeof o->type, "%s", type);
    snprintf(o->etag, sizeof o->etag, "%s", etag);
}

static void etag_of(struct bytes body, char out[40])
{
    uint8_t md5[MD5_SIZE];
    content_md5(md5, body);
    hex_encode(out, bytes_of(md5, sizeof md5));
}

static struct peer_answer put(struct s3_stub *s, const struct request *r)
{
    char type[MAX_TYPE] = "", etag[40];
    header(r->head, "Content-Type", type, sizeof type);
    etag_of(r->body, etag);
    store(s, r->path, type, copy(r->body), etag);
    return with_etag(s, etag, "");
}

static struct peer_answer initiate(struct s3_stub *s, const struct request *r)
{
    char body[300];
    struct upload *u = &s->uploads[s->upload_count++ % MAX_OBJECTS];
    snprintf(u->id, sizeof u->id, "2~id/%u+=", s->upload_count);
    snprintf(u->path, sizeof u->path, "%s", r->path);
    header(r->head, "Content-Type", u->type, sizeof u->type);
    s->counts.uploads++;
    if (strcmp(r->query, "uploads=") != 0)
        broken(s, "uploads=");
    snprintf(body, sizeof body,
             "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
             "<Bucket>b</Bucket><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
             u->id);
    return answer(s, "200 OK", "", body);
}

static struct upload *upload_of(struct s3_stub *s, const struct request *r)
{
    struct buf id;
    struct upload *found = NULL;
    const char *at = strstr(r->query, "uploadId=");
    buf_init(&id, 1000);
    http_percent_decode(bytes_str(at + 9), false, &id);
    for (int i = 0; i < MAX_OBJECTS; i++)
        if (s->uploads[i].id[0] && strcmp(s->uploads[i].id, buf_str(&id)) == 0 &&
            strcmp(s->uploads[i].path, r->path) == 0)
            found = &s->uploads[i];
    buf_fini(&id);
    return found;
}

static void close_upload(struct s3_stub *s, struct upload *u)
{
    for (int i = 0; i < MAX_PARTS; i++)
        free(u->parts[i].bytes);
    *u = (struct upload){ 0 };
    s->counts.uploads--;
}

static struct peer_answer put_part(struct s3_stub *s, const struct request *r, struct upload *u)
{
    unsigned number = 0;
    if (sscanf(r->query, "partNumber=%u", &number) != 1 || number < 1 || number > MAX_PARTS) {
        broken(s, "partNumber");
        return error(s, "400 Bad Request", "InvalidArgument");
    }
    free(u->parts[number - 1].bytes);
    u->parts[number - 1] = copy(r->body);
    etag_of(r->body, u->etags[number - 1]);
    return with_etag(s, u->etags[number - 1], "");
}

/* The part list, as it must be to the letter. */
static bool list_good(const struct upload *u, unsigned count, struct bytes body)
{
    struct buf want;
    buf_init(&want, 100000);
    buf_put_str(&want, "<CompleteMultipartUpload>");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&want, "<Part><PartNumber>%u</PartNumber><ETag>\"%s\"</ETag></Part>", i + 1,
                   u->etags[i]);
    buf_put_str(&want, "</CompleteMultipartUpload>");
    bool good = bytes_equal(buf_bytes(&want), body);
    buf_fini(&want);
    return good;
}

static struct peer_answer complete(struct s3_stub *s, const struct request *r, struct upload *u)
{
    struct buf all, md5s;
    unsigned count = 0;
    char etag[80];
    buf_init(&all, 100 << 20);
    buf_init(&md5s, 100000);
    for (; count < MAX_PARTS && u->parts[count].bytes; count++) {
        uint8_t md5[MD5_SIZE];
        struct bytes part = bytes_of(u->parts[count].bytes, u->parts[count].len);
        content_md5(md5, part);
        buf_put(&md5s, md5, sizeof md5);
        buf_put_bytes(&all, part);
    }
    etag_of(buf_bytes(&md5s), etag);
    snprintf(etag + 32, sizeof etag - 32, "-%u", count);
    if (!list_good(u, count, r->body))
        broken(s, "part list");
    store(s, u->path, u->type, copy(buf_bytes(&all)), etag);
    buf_fini(&all);
    buf_fini(&md5s);
    close_upload(s, u);
    return answer(s, "200 OK", "",
                  "<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult><ETag>x</ETag>"
                  "</CompleteMultipartUploadResult>");
}

static struct peer_answer head(struct s3_stub *s, const struct request *r)
{
    const struct object *o = find(s, r->path, false);
    if (!o)
        return answer(s, "404 Not Found", "", "");
    char *text = next_answer(s);
    snprintf(text, sizeof *s->answers,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nETag: \"%s\"\r\n\r\n", o->content.len,
             o->etag);
    return (struct peer_answer){ .text = text };
}

/* Those of one key, decoded; the path is the bucket's. */
static struct peer_answer list_uploads(struct s3_stub *s, const struct request *r)
{
    struct buf prefix, body;
    buf_init(&prefix, 1200);
    buf_init(&body, sizeof *s->answers - 300);
    if (!http_query(bytes_str(r->query), "prefix", &prefix))
        broken(s, "prefix");
    buf_put_str(&body, "<ListMultipartUploadsResult><Prefix>x</Prefix>");
    for (int i = 0; i < MAX_OBJECTS; i++) {
        struct buf key;
        const struct upload *u = &s->uploads[i];
        if (!u->id[0] || strncmp(u->path, r->path, strlen(r->path)) != 0)
            continue;
        buf_init(&key, 1200);
        http_percent_decode(bytes_str(u->path + strlen(r->path)), false, &key);
        if (str_starts(buf_bytes(&key), buf_str(&prefix)))
            buf_printf(&body, "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>",
                       buf_str(&key), u->id);
        buf_fini(&key);
    }
    buf_put_str(&body, "</ListMultipartUploadsResult>");
    struct peer_answer a = answer(s, "200 OK", "", buf_str(&body));
    buf_fini(&prefix);
    buf_fini(&body);
    return a;
}

static struct peer_answer list_parts(struct s3_stub *s, const struct request *r,
                                     const struct upload *u)
{
    unsigned after = 0, shown = 0, more = 0;
    struct buf body;
    const char *marker = strstr(r->query, "part-number-marker=");
    if (!marker || sscanf(marker, "part-number-marker=%u", &after) != 1)
        broken(s, "part-number-marker");
    buf_init(&body, sizeof *s->answers - 300);
    buf_put_str(&body, "<ListPartsResult>");
    for (unsigned i = after; i < MAX_PARTS; i++) {
        if (!u->parts[i].bytes)
            continue;
        if (shown++ < 2)
            buf_printf(
                &body,
                "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag><Size>%zu</Size>"
                "</Part>",
                i + 1, u->etags[i], u->parts[i].len);
        else
            more++;
    }
    buf_printf(&body, "<IsTruncated>%s</IsTruncated></ListPartsResult>", more ? "true" : "false");
    struct peer_answer a = answer(s, "200 OK", "", buf_str(&body));
    buf_fini(&body);
    return a;
}

static struct peer_answer perform(struct s3_stub *s, const struct request *r)
{
    if (r->op == STUB_PUT)
        return put(s, r);
    if (r->op == STUB_INITIATE)
        return initiate(s, r);
    if (r->op == STUB_HEAD)
        return head(s, r);
    if (r->op == STUB_LIST && !strstr(r->query, "uploadId="))
        return list_uploads(s, r);
    struct upload *u = upload_of(s, r);
    if (!u)
        return error(s, "404 Not Found", "NoSuchUpload");
    if (r->op == STUB_LIST)
        return list_parts(s, r, u);
    if (r->op == STUB_PART)
        return put_part(s, r, u);
    if (r->op == STUB_COMPLETE)
        return complete(s, r, u);
    close_upload(s, u);
    return answer(s, "204 No Content", "", "");
}

/* --- misbehaviour --- */

/* The fault whose turn it is, -1: none. */
static int fault_of(struct s3_stub *s, enum stub_op op)
{
    if (s->script[op].times == 0)
        return -1;
    if (s->script[op].skip > 0) {
        s->script[op].skip--;
        return -1;
    }
    s->script[op].times--;
    return (int)s->script[op].fault;
}

static struct peer_answer misbehave(struct s3_stub *s, const struct request *r,
                                    enum stub_fault fault)
{
    switch (fault) {
    case STUB_SLOW_DOWN: return error(s, "503 Slow Down", "SlowDown");
    case STUB_INTERNAL: return answer(s, "500 Internal Server Error", "", "");
    case STUB_DENIED: return error(s, "403 Forbidden", "AccessDenied");
    case STUB_WRONG_KEY: return error(s, "403 Forbidden", "SignatureDoesNotMatch");
    case STUB_NO_BUCKET: return error(s, "404 Not Found", "NoSuchBucket");
    case STUB_BAD_REQUEST: return error(s, "400 Bad Request", "InvalidRequest");
    case STUB_NO_UPLOAD: return error(s, "404 Not Found", "NoSuchUpload");
    case STUB_ELSEWHERE: return error(s, "301 Moved Permanently", "PermanentRedirect");
    case STUB_STALL: return (struct peer_answer){ .hang = true };
    case STUB_LOST: perform(s, r); return (struct peer_answer){ .close = true };
    case STUB_WRONG_ETAG:
        perform(s, r);
        return with_etag(s, "0123456789abcdef0123456789abcdef", "");
    case STUB_OTHER_ETAG: perform(s, r); return with_etag(s, "not-an-md5", "");
    case STUB_ERROR_200: return error(s, "200 OK", "InternalError");
    case STUB_NO_WORD: return answer(s, "200 OK", "", "<Hello/>");
    case STUB_HUGE: return huge(s);
    case STUB_RESET: break;
    }
    abort();
}

static long cut(void *ctx, const char *head_text)
{
    struct s3_stub *s = ctx;
    struct request r = { 0 };
    char length[20] = "0";
    parse(&r, head_text);
    if (s->script[r.op].times == 0 || s->script[r.op].skip > 0 ||
        s->script[r.op].fault != STUB_RESET)
        return -1;
    s->script[r.op].times--;
    s->counts.requests[r.op]++;
    s->counts.cut++;
    header(r.head, "Content-Length", length, sizeof length);
    s->counts.cut_bytes += (uint64_t)atol(length) / 2;
    return atol(length) / 2;
}

static struct peer_answer script(void *ctx, const struct peer_request *request)
{
    struct s3_stub *s = ctx;
    struct request r = { .body = request->body };
    parse(&r, request->head);
    s->counts.requests[r.op]++;
    s->counts.bytes[r.op] += r.body.len;
    check(s, &r);
    if (skewed(s, &r))
        return error(s, "403 Forbidden", "RequestTimeTooSkewed");
    int fault = fault_of(s, r.op);
    return fault < 0 ? perform(s, &r) : misbehave(s, &r, (enum stub_fault)fault);
}

/* --- */

struct s3_stub *stub_new(SSL_CTX *tls)
{
    struct s3_stub *s = calloc(1, sizeof *s);
    s->peer = peer_new(script, s, tls);
    peer_set_cut(s->peer, cut);
    snprintf(s->endpoint, sizeof s->endpoint, "%s", peer_url(s->peer, ""));
    return s;
}

void stub_free(struct s3_stub *s)
{
    peer_free(s->peer);
    for (int i = 0; i < MAX_OBJECTS; i++) {
        free(s->objects[i].content.bytes);
        for (int k = 0; k < MAX_PARTS; k++)
            free(s->uploads[i].parts[k].bytes);
    }
    free(s->huge);
    free(s);
}

const char *stub_endpoint(struct s3_stub *s)
{
    return s->endpoint;
}

void stub_fail(struct s3_stub *s, enum stub_op op, enum stub_fault fault, unsigned skip,
               unsigned times)
{
    peer_lock(s->peer);
    s->script[op].fault = fault;
    s->script[op].skip = skip;
    s->script[op].times = times;
    peer_unlock(s->peer);
}

void stub_set_clock(struct s3_stub *s, long ahead_s)
{
    peer_lock(s->peer);
    s->ahead_s = ahead_s;
    peer_unlock(s->peer);
}

struct stub_counts stub_counts(struct s3_stub *s)
{
    unsigned connections = (unsigned)peer_connections(s->peer);
    unsigned most_open = (unsigned)peer_most_open(s->peer);
    peer_lock(s->peer);
    struct stub_counts c = s->counts;
    peer_unlock(s->peer);
    c.connections = connections;
    c.most_open = most_open;
    return c;
}

char *stub_object(struct s3_stub *s, const char *path, size_t *len, char type[64])
{
    char *out = NULL;
    peer_lock(s->peer);
    struct object *o = find(s, path, false);
    if (o) {
        out = malloc(o->content.len + 1);
        memcpy(out, o->content.bytes, o->content.len);
        *len = o->content.len;
        snprintf(type, 64, "%s", o->type);
    }
    peer_unlock(s->peer);
    return out;
}
