#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"
#include "dtls/context.h"

static const struct {
    const char *name; /* RFC 8122 5, in any case */
    size_t len;
} hashes[] = {
    [DTLS_SHA256] = { "sha-256", 32 },
    [DTLS_SHA384] = { "sha-384", 48 },
    [DTLS_SHA512] = { "sha-512", 64 },
};

static int parse_bytes(struct dtls_fingerprint *out, struct bytes text)
{
    struct reader r = reader_of(text);
    for (size_t i = 0; i < out->len; i++) {
        if (i && read_u8(&r) != ':')
            return ERR_MALFORMED;
        struct bytes digits = read_bytes(&r, 2);
        if (r.failed || !hex_decode(&out->bytes[i], 1, digits))
            return ERR_MALFORMED;
    }
    return reader_left(&r) ? ERR_MALFORMED : OK;
}

/* An empty one of that hash: kind and length set. */
static int find_hash(struct dtls_fingerprint *out, struct bytes hash)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (str_equal_nocase(hash, hashes[i].name)) {
            *out = (struct dtls_fingerprint){ .hash = (enum dtls_hash)i, .len = hashes[i].len };
            return OK;
        }
    return ERR_UNSUPPORTED;
}

int dtls_fingerprint_parse(struct dtls_fingerprint *out, struct bytes hash, struct bytes text)
{
    struct dtls_fingerprint f;
    int err = find_hash(&f, hash);
    if (!err)
        err = parse_bytes(&f, text);
    if (!err)
        *out = f;
    return err;
}

int dtls_fingerprint_set(struct dtls_fingerprint *out, struct bytes hash, struct bytes digest)
{
    struct dtls_fingerprint f;
    int err = find_hash(&f, hash);
    if (err)
        return err;
    if (digest.len != f.len)
        return ERR_MALFORMED;
    memcpy(f.bytes, digest.ptr, f.len);
    *out = f;
    return OK;
}

static const EVP_MD *message_digest(enum dtls_hash hash)
{
    switch (hash) {
    case DTLS_SHA256: return EVP_sha256();
    case DTLS_SHA384: return EVP_sha384();
    case DTLS_SHA512: return EVP_sha512();
    }
    return NULL;
}

static bool matches(const struct dtls_fingerprint *want, const X509 *certificate)
{
    uint8_t got[EVP_MAX_MD_SIZE];
    unsigned len;
    return want->len && certificate &&
           X509_digest(certificate, message_digest(want->hash), got, &len) == 1 &&
           bytes_equal(bytes_of(got, len), bytes_of(want->bytes, want->len));
}

/* Inside the handshake, so that the peer is told by an alert. */
static int verify(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct dtls_fingerprint *want = SSL_get_app_data(ssl);
    if (want && matches(want, X509_STORE_CTX_get0_cert(store)))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

void dtls_verify_setup(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
}
