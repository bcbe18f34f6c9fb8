#include "api/v1.h"

#include <stdlib.h>

#include "api/host.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

#define MAX_TEXT (4u << 20) /* above the largest form or target, with its host */

enum v1_algorithm v1_algorithm_of(const char *signature_method)
{
    bool sha256 = signature_method && strcmp(signature_method, "HmacSHA256") == 0;
    return sha256 ? V1_SHA256 : V1_SHA1;
}

static int compare_names(const void *a, const void *b)
{
    const struct pair *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* "a=1&b=2", in the order of the names' bytes. */
static int put_sorted(struct buf *out, const struct pairs *params)
{
    const struct pair **sorted = calloc(params->count + 1, sizeof *sorted);
    if (!sorted)
        return ERR_NOMEM;
    for (size_t i = 0; i < params->count; i++)
        sorted[i] = &params->items[i];
    qsort(sorted, params->count, sizeof *sorted, compare_names);
    const char *between = "";
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(sorted[i]->name, "Signature") == 0)
            continue;
        buf_put_str(out, between);
        buf_put_str(out, sorted[i]->name);
        buf_put_u8(out, '=');
        buf_put_str(out, sorted[i]->value);
        between = "&";
    }
    free(sorted);
    return out->err;
}

static int sign_text(const char *method, struct bytes host, struct bytes path, struct bytes params,
                     enum v1_algorithm algorithm, const char *secret_key, uint8_t *mac)
{
    struct buf text;
    buf_init(&text, MAX_TEXT);
    buf_put_str(&text, method);
    buf_put_bytes(&text, host);
    buf_put_bytes(&text, path);
    buf_put_u8(&text, '?');
    buf_put_bytes(&text, params);
    struct bytes key = bytes_str(secret_key);
    int err = text.err                 ? text.err
              : algorithm == V1_SHA256 ? hmac_sha256(key, buf_bytes(&text), mac)
                                       : hmac_sha1(key, buf_bytes(&text), mac);
    buf_wipe(&text);
    return err;
}

static size_t mac_size(enum v1_algorithm algorithm)
{
    return algorithm == V1_SHA256 ? SHA256_SIZE : SHA1_SIZE;
}

struct attempt {
    const struct http_request *request;
    struct bytes params, signature;
    enum v1_algorithm algorithm;
    const char *secret_key;
};

static int try_reading(const struct attempt *a, struct bytes host, struct bytes path)
{
    uint8_t mac[SHA256_SIZE];
    int err =
        sign_text(a->request->method, host, path, a->params, a->algorithm, a->secret_key, mac);
    if (err)
        return err;
    return bytes_equal_secret(a->signature, bytes_of(mac, mac_size(a->algorithm))) ? OK : ERR_AUTH;
}

static int try_readings(const struct attempt *a)
{
    const char *sent = http_header(a->request, "Host");
    const struct bytes host = str_trim(bytes_str(sent ? sent : ""));
    const struct bytes hosts[] = { host, host_without_port(host) };
    const struct bytes paths[] = { bytes_str("/"), a->request->path };
    for (int h = 0; h < 2; h++)
        for (int p = 0; p < 2; p++) {
            bool same =
                (h && bytes_equal(hosts[0], hosts[1])) || (p && bytes_equal(paths[0], paths[1]));
            int err = same ? ERR_AUTH : try_reading(a, hosts[h], paths[p]);
            if (err != ERR_AUTH)
                return err;
        }
    return ERR_AUTH;
}

int v1_verify(const struct http_request *request, const struct pairs *params, const char *signature,
              enum v1_algorithm algorithm, const char *secret_key)
{
    struct buf text, decoded;
    buf_init(&text, MAX_TEXT);
    buf_init(&decoded, 64);
    int err = base64_decode(&decoded, bytes_str(signature), BASE64_STANDARD) ? ERR_AUTH : OK;
    if (!err)
        err = put_sorted(&text, params);
    const struct attempt a = { request, buf_bytes(&text), buf_bytes(&decoded), algorithm,
                               secret_key };
    if (!err)
        err = try_readings(&a);
    buf_wipe(&text);
    buf_fini(&decoded);
    return err;
}

int v1_sign(const char *method, const char *host, const struct pairs *params,
            enum v1_algorithm algorithm, const char *secret_key, struct buf *out)
{
    uint8_t mac[SHA256_SIZE];
    struct buf text;
    buf_init(&text, MAX_TEXT);
    int err = put_sorted(&text, params);
    if (!err)
        err = sign_text(method, bytes_str(host), bytes_str("/"), buf_bytes(&text), algorithm,
                        secret_key, mac);
    if (!err)
        base64_encode(out, bytes_of(mac, mac_size(algorithm)), BASE64_STANDARD);
    buf_wipe(&text);
    return err ? err : out->err;
}
