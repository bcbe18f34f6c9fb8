#include "sign/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/err.h"

#define MAX_SECRET 1024

int sha256(struct bytes in, uint8_t out[SHA256_SIZE])
{
    return EVP_Digest(in.ptr, in.len, out, NULL, EVP_sha256(), NULL) == 1 ? OK : ERR_CRYPTO;
}

int sha256_hex(struct bytes in, char out[SHA256_HEX_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    int err = sha256(in, hash);
    if (!err)
        hex_encode(out, bytes_of(hash, sizeof hash));
    return err;
}

static int hmac(const EVP_MD *hash, struct bytes key, struct bytes text, uint8_t *out)
{
    if (key.len > INT32_MAX)
        return ERR_CRYPTO;
    const void *key_ptr = key.len ? (const void *)key.ptr : "";
    const void *done = HMAC(hash, key_ptr, (int)key.len, text.ptr, text.len, out, NULL);
    return done ? OK : ERR_CRYPTO;
}

int hmac_sha256(struct bytes key, struct bytes text, uint8_t out[SHA256_SIZE])
{
    return hmac(EVP_sha256(), key, text, out);
}

int hmac_sha1(struct bytes key, struct bytes text, uint8_t out[SHA1_SIZE])
{
    return hmac(EVP_sha1(), key, text, out);
}

int hmac_chain(const char *prefix, const char *secret, const struct bytes *links, size_t count,
               uint8_t out[SHA256_SIZE])
{
    struct buf first;
    buf_init(&first, MAX_SECRET);
    buf_put_str(&first, prefix);
    buf_put_str(&first, secret);

    uint8_t key[SHA256_SIZE];
    struct bytes with = buf_bytes(&first);
    int err = first.err ? ERR_CRYPTO : OK;
    for (size_t i = 0; i < count && !err; i++) {
        uint8_t next[SHA256_SIZE];
        err = hmac_sha256(with, links[i], next);
        memcpy(key, next, sizeof key);
        OPENSSL_cleanse(next, sizeof next);
        with = bytes_of(key, sizeof key);
    }
    if (!err)
        memcpy(out, key, sizeof key);
    OPENSSL_cleanse(key, sizeof key);
    if (first.ptr)
        OPENSSL_cleanse(first.ptr, first.size);
    buf_fini(&first);
    return err;
}
