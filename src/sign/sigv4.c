#include "sign/sigv4.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/base64.h"
#include "base/err.h"
#include "sign/digest.h"

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define DAY_LEN    8 /* "20130524" */

int sigv4_date(usec_t wall, char out[SIGV4_DATE_SIZE])
{
    time_t t = (time_t)(wall / SEC);
    struct tm tm;
    char text[32];
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return ERR_RANGE;
    if (strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm) != SIGV4_DATE_SIZE - 1)
        return ERR_RANGE;
    memcpy(out, text, SIGV4_DATE_SIZE);
    return OK;
}

static bool unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void sigv4_encode(struct buf *out, struct bytes text, bool keep_slashes)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (unreserved(c) || (c == '/' && keep_slashes))
            buf_put_u8(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* Where a byte's encoded form sorts: those with '%' come before all others. */
static int rank(uint8_t c)
{
    return unreserved(c) ? c + 256 : c;
}

static int compare_encoded(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (*a ? rank((uint8_t)*a) : 0) - (*b ? rank((uint8_t)*b) : 0);
}

static int compare_params(const void *a, const void *b)
{
    const struct sigv4_param *x = a, *y = b;
    int order = compare_encoded(x->name, y->name);
    return order ? order : compare_encoded(x->value, y->value);
}

static int write_query(const struct sigv4_request *request, struct buf *out)
{
    struct sigv4_param sorted[SIGV4_MAX_PARAMS];
    size_t count = request->query_count;
    if (count > SIGV4_MAX_PARAMS)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++)
        sorted[i] = request->query[i];
    qsort(sorted, count, sizeof *sorted, compare_params);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_u8(out, '&');
        sigv4_encode(out, bytes_str(sorted[i].name), false);
        buf_put_u8(out, '=');
        sigv4_encode(out, bytes_str(sorted[i].value), false);
    }
    return out->err;
}

int sigv4_target(const struct sigv4_request *request, struct buf *out)
{
    sigv4_encode(out, bytes_str(request->path), true);
    if (!request->query_count)
        return out->err;
    buf_put_u8(out, '?');
    return write_query(request, out);
}

static int compare_headers(const void *a, const void *b)
{
    const struct canonical_header *x = a, *y = b;
    size_t shorter = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = strncasecmp((const char *)x->name.ptr, (const char *)y->name.ptr, shorter);
    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

/* What the signature needs of the request: its canonical form's hash, and the headers' names. */
struct reduced {
    char hash[SHA256_HEX_SIZE];
    struct buf names;
};

static int write_canonical(const struct sigv4_request *request,
                           const struct canonical_header *headers, struct reduced *out)
{
    struct buf path, query, text;
    buf_init(&path, SIGV4_MAX_TARGET);
    buf_init(&query, SIGV4_MAX_TARGET);
    buf_init(&text, 4 * SIGV4_MAX_TARGET);
    sigv4_encode(&path, bytes_str(request->path), true);
    int err = path.err ? path.err : write_query(request, &query);
    const struct canonical_request canonical = { .method = bytes_str(request->method),
                                                 .uri = buf_bytes(&path),
                                                 .query = buf_bytes(&query),
                                                 .headers = headers,
                                                 .header_count = request->header_count,
                                                 .payload_hash = request->payload_hash };
    if (!err) {
        canonical_write(&canonical, &text);
        canonical_names(&canonical, &out->names);
        err = text.err ? text.err : out->names.err;
    }
    if (!err)
        err = sha256_hex(buf_bytes(&text), out->hash);
    buf_fini(&path);
    buf_fini(&query);
    buf_fini(&text);
    return err;
}

static int reduce(const struct sigv4_request *request, struct reduced *out)
{
    struct canonical_header sorted[SIGV4_MAX_HEADERS];
    size_t count = request->header_count;
    if (count > SIGV4_MAX_HEADERS)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++)
        sorted[i] = request->headers[i];
    qsort(sorted, count, sizeof *sorted, compare_headers);
    return write_canonical(request, sorted, out);
}

static int sign_text(const struct sigv4_request *request, struct bytes text,
                     uint8_t out[SHA256_SIZE])
{
    const struct bytes links[] = { bytes_of(request->date, DAY_LEN), bytes_str(request->region),
                                   bytes_str(request->service), bytes_str(TERMINATOR) };
    uint8_t key[SHA256_SIZE];
    int err = hmac_chain("AWS4", request->secret_key, links, 4, key);
    if (!err)
        err = hmac_sha256(bytes_of(key, sizeof key), text, out);
    OPENSSL_cleanse(key, sizeof key);
    return err;
}

static void write_scope(const struct sigv4_request *request, struct buf *out)
{
    buf_printf(out, "%.*s/%s/%s/" TERMINATOR, DAY_LEN, request->date, request->region,
               request->service);
}

static int write_signature(const struct sigv4_request *request, const char *hash, struct buf *out)
{
    struct buf text;
    uint8_t signature[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    buf_init(&text, SIGV4_MAX_TARGET);
    buf_printf(&text, ALGORITHM "\n%s\n", request->date);
    write_scope(request, &text);
    buf_printf(&text, "\n%s", hash);
    int err = text.err ? text.err : sign_text(request, buf_bytes(&text), signature);
    buf_fini(&text);
    if (err)
        return err;
    hex_encode(hex, bytes_of(signature, sizeof signature));
    buf_put_str(out, hex);
    return out->err;
}

int sigv4_sign(const struct sigv4_request *request, struct buf *out)
{
    struct reduced reduced;
    if (strlen(request->date) != SIGV4_DATE_SIZE - 1)
        return ERR_RANGE;
    buf_init(&reduced.names, SIGV4_MAX_TARGET);
    int err = reduce(request, &reduced);
    if (!err) {
        buf_printf(out, ALGORITHM " Credential=%s/", request->access_key);
        write_scope(request, out);
        buf_printf(out, ", SignedHeaders=%s, Signature=", buf_str(&reduced.names));
        err = write_signature(request, reduced.hash, out);
    }
    buf_fini(&reduced.names);
    return err;
}
