#include "store/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "base/random.h"

#define VERSION    1
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define HEAD_SIZE  (1 + NONCE_SIZE)

/* The version is authenticated too: a later format cannot be passed off as this one. */
static bool begin(EVP_CIPHER_CTX *ctx, const struct seal_key *key, const uint8_t *head,
                  struct bytes place, bool encrypt)
{
    int len;
    return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->secret, head + 1, encrypt) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &len, head, 1) == 1 &&
           (place.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, place.ptr, (int)place.len) == 1);
}

static bool encrypt(EVP_CIPHER_CTX *ctx, uint8_t *out, struct bytes plain)
{
    int len, end;
    return EVP_CipherUpdate(ctx, out, &len, plain.ptr, (int)plain.len) == 1 &&
           EVP_CipherFinal_ex(ctx, out + len, &end) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + plain.len) == 1;
}

int seal_close(struct buf *out, const struct seal_key *key, struct bytes plain, struct bytes place)
{
    if (plain.len > INT32_MAX - SEAL_OVERHEAD || place.len > INT32_MAX)
        return ERR_LIMIT;
    size_t before = out->len;
    uint8_t *p = buf_extend(out, SEAL_OVERHEAD + plain.len);
    if (!p)
        return out->err;
    p[0] = VERSION;
    random_bytes(p + 1, NONCE_SIZE);

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx && begin(ctx, key, p, place, true) && encrypt(ctx, p + HEAD_SIZE, plain);
    EVP_CIPHER_CTX_free(ctx);
    if (!done)
        out->len = before;
    return done ? OK : ERR_CRYPTO;
}

static int decrypt(EVP_CIPHER_CTX *ctx, uint8_t *out, struct bytes coded, const uint8_t *tag)
{
    int len, end;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(uintptr_t)tag) != 1 ||
        EVP_CipherUpdate(ctx, out, &len, coded.ptr, (int)coded.len) != 1)
        return ERR_CRYPTO;
    return EVP_CipherFinal_ex(ctx, out + len, &end) == 1 ? OK : ERR_AUTH;
}

int seal_open(struct buf *out, const struct seal_key *key, struct bytes sealed, struct bytes place)
{
    if (sealed.len < SEAL_OVERHEAD || sealed.len > INT32_MAX || place.len > INT32_MAX)
        return ERR_MALFORMED;
    if (sealed.ptr[0] != VERSION)
        return ERR_UNSUPPORTED;
    size_t before = out->len;
    struct bytes coded = bytes_of(sealed.ptr + HEAD_SIZE, sealed.len - SEAL_OVERHEAD);
    uint8_t *p = buf_extend(out, coded.len);
    if (!p)
        return out->err;

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int err = ctx && begin(ctx, key, sealed.ptr, place, false)
                  ? decrypt(ctx, p, coded, coded.ptr + coded.len)
                  : ERR_CRYPTO;
    EVP_CIPHER_CTX_free(ctx);
    if (err) {
        OPENSSL_cleanse(p, coded.len);
        out->len = before;
    }
    return err;
}

void seal_key_wipe(struct seal_key *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

void seal_wipe_buf(struct buf *b)
{
    if (b->ptr)
        OPENSSL_cleanse(b->ptr, b->size);
    buf_fini(b);
}
