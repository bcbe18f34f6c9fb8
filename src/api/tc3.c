#include "api/tc3.h"

#include <openssl/crypto.h>
#include <time.h>

#include "api/host.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"
#include "sign/canonical.h"

#define ALGORITHM     TC3_ALGORITHM
#define TERMINATOR    TC3_TERMINATOR
#define UNSIGNED      "UNSIGNED-PAYLOAD"
#define DATE_SIZE     11            /* "2025-01-01" and NUL */
#define MAX_CANONICAL (128u << 10)  /* above the largest request head that the server takes */
#define MAX_TIMESTAMP 253402300799u /* the end of the year 9999 */

static bool has_header(const struct tc3_authorization *auth, const char *name)
{
    for (size_t i = 0; i < auth->header_count; i++)
        if (bytes_equal_str(auth->headers[i], name))
            return true;
    return false;
}

static bool date_of(uint64_t timestamp, char out[DATE_SIZE])
{
    if (timestamp > MAX_TIMESTAMP)
        return false;
    time_t t = (time_t)timestamp;
    struct tm tm;
    return gmtime_r(&t, &tm) && strftime(out, DATE_SIZE, "%Y-%m-%d", &tm) == DATE_SIZE - 1;
}

/* What stays the same while the readings of one request are tried. */
struct scope {
    struct bytes date, service;
    uint64_t timestamp;
    uint8_t key[SHA256_SIZE];
};

static int scope_init(struct scope *s, struct bytes date, struct bytes service, uint64_t timestamp,
                      const char *secret_key)
{
    struct bytes links[] = { date, service, bytes_str(TERMINATOR) };
    *s = (struct scope){ date, service, timestamp };
    return hmac_chain("TC3", secret_key, links, 3, s->key);
}

static int sign_canonical(const struct scope *s, const struct canonical_request *request,
                          uint8_t out[SHA256_SIZE])
{
    struct buf text;
    char hash[SHA256_HEX_SIZE];
    buf_init(&text, MAX_CANONICAL);
    canonical_write(request, &text);
    int err = text.err ? text.err : sha256_hex(buf_bytes(&text), hash);
    if (!err) {
        buf_clear(&text);
        buf_printf(&text, ALGORITHM "\n%llu\n%.*s/%.*s/" TERMINATOR "\n%s",
                   (unsigned long long)s->timestamp, (int)s->date.len, s->date.ptr,
                   (int)s->service.len, s->service.ptr, hash);
        err =
            text.err ? text.err : hmac_sha256(bytes_of(s->key, SHA256_SIZE), buf_bytes(&text), out);
    }
    buf_fini(&text);
    return err;
}

static int hash_payload(bool get, bool leave_unsigned, struct bytes body, char out[SHA256_HEX_SIZE])
{
    return sha256_hex(leave_unsigned ? bytes_str(UNSIGNED) : get ? bytes_str("") : body, out);
}

static bool has_capitals(const struct canonical_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < headers[i].value.len; k++)
            if (headers[i].value.ptr[k] >= 'A' && headers[i].value.ptr[k] <= 'Z')
                return true;
    return false;
}

/* The readings of one request, as bits. */
enum { TRY_BARE_HOST = 1, TRY_LOWER = 2, TRY_PATH = 4, TRY_ALL = 8 };

struct attempt {
    const struct tc3_authorization *auth;
    const struct scope *scope;
    struct canonical_request request;
    struct canonical_header headers[TC3_MAX_SIGNED_HEADERS];
    struct bytes path;
    struct canonical_header *host; /* of headers */
    struct bytes host_sent;
};

static unsigned useless_readings(const struct attempt *a)
{
    unsigned bits = 0;
    if (host_without_port(a->host_sent).len == a->host_sent.len)
        bits |= TRY_BARE_HOST;
    if (!has_capitals(a->headers, a->request.header_count))
        bits |= TRY_LOWER;
    if (bytes_equal_str(a->path, "/"))
        bits |= TRY_PATH;
    return bits;
}

static int try_reading(struct attempt *a, unsigned reading)
{
    uint8_t want[SHA256_SIZE];
    a->host->value = reading & TRY_BARE_HOST ? host_without_port(a->host_sent) : a->host_sent;
    a->request.lower_values = reading & TRY_LOWER;
    a->request.uri = reading & TRY_PATH ? a->path : bytes_str("/");
    int err = sign_canonical(a->scope, &a->request, want);
    if (err)
        return err == ERR_LIMIT ? ERR_AUTH : err;
    return bytes_equal_secret(bytes_of(want, sizeof want),
                              bytes_of(a->auth->signature, sizeof want))
               ? OK
               : ERR_AUTH;
}

/* False: a signed header is not there. */
static bool collect_headers(struct attempt *a, const struct http_request *request)
{
    for (size_t i = 0; i < a->auth->header_count; i++) {
        char name[64];
        const char *value = NULL;
        if (str_copy(name, sizeof name, a->auth->headers[i]))
            value = http_header(request, name);
        if (!value)
            return false;
        a->headers[i] = (struct canonical_header){ a->auth->headers[i], bytes_str(value) };
        if (strcmp(name, "host") == 0) {
            a->host = &a->headers[i];
            a->host_sent = str_trim(bytes_str(value));
        }
    }
    return a->host != NULL;
}

static int try_readings(struct attempt *a)
{
    unsigned useless = useless_readings(a);
    for (unsigned reading = 0; reading < TRY_ALL; reading++) {
        int err = reading & useless ? ERR_AUTH : try_reading(a, reading);
        if (err != ERR_AUTH)
            return err;
    }
    return ERR_AUTH;
}

int tc3_verify(const struct tc3_authorization *auth, const struct http_request *request,
               uint64_t timestamp, const char *secret_key)
{
    char date[DATE_SIZE], payload[SHA256_HEX_SIZE];
    struct scope scope;
    struct attempt a = { .auth = auth, .scope = &scope, .path = request->path };
    if (!date_of(timestamp, date) || !bytes_equal_str(auth->date, date) ||
        !has_header(auth, "content-type") || !collect_headers(&a, request))
        return ERR_AUTH;

    bool get = strcmp(request->method, "GET") == 0;
    const char *declared = http_header(request, "X-TC-Content-SHA256");
    int err =
        hash_payload(get, declared && strcmp(declared, UNSIGNED) == 0, request->body, payload);
    if (!err)
        err = scope_init(&scope, auth->date, auth->service, timestamp, secret_key);
    if (err)
        return err;
    a.request = (struct canonical_request){
        .method = bytes_str(request->method),
        .query = get ? request->query : bytes_str(""),
        .headers = a.headers,
        .header_count = auth->header_count,
        .payload_hash = payload,
    };
    err = try_readings(&a);
    OPENSSL_cleanse(&scope, sizeof scope);
    return err;
}

int tc3_sign(const struct tc3_signing *in, struct buf *authorization)
{
    char date[DATE_SIZE], payload[SHA256_HEX_SIZE], hex[SHA256_HEX_SIZE];
    uint8_t signature[SHA256_SIZE];
    struct scope scope;
    bool get = strcmp(in->method, "GET") == 0;
    if (!date_of(in->timestamp, date))
        return ERR_RANGE;
    int err = hash_payload(get, in->unsigned_payload, in->body, payload);
    if (!err)
        err = scope_init(&scope, bytes_str(date), bytes_str(in->service), in->timestamp,
                         in->secret_key);
    const struct canonical_header headers[] = {
        { bytes_str("content-type"), bytes_str(in->content_type) },
        { bytes_str("host"), bytes_str(in->host) },
    };
    const struct canonical_request request = {
        .method = bytes_str(in->method),
        .uri = bytes_str("/"),
        .query = get ? in->query : bytes_str(""),
        .headers = headers,
        .header_count = 2,
        .payload_hash = payload,
    };
    if (!err)
        err = sign_canonical(&scope, &request, signature);
    OPENSSL_cleanse(&scope, sizeof scope);
    if (err)
        return err;
    hex_encode(hex, bytes_of(signature, sizeof signature));
    buf_printf(authorization,
               ALGORITHM " Credential=%s/%s/%s/" TERMINATOR
                         ", SignedHeaders=content-type;host, Signature=%s",
               in->secret_id, date, in->service, hex);
    return authorization->err;
}
