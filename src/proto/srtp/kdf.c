#include "srtp/kdf.h"

#include <openssl/evp.h>

#include "base/err.h"

/* The stream of AES in counter mode that begins at `iv`. */
static bool key_stream(EVP_CIPHER_CTX *ctx, uint8_t *out, size_t len,
                       const uint8_t key[SRTP_KEY_SIZE], const uint8_t iv[16])
{
    int done;
    memset(out, 0, len);
    return EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
           EVP_EncryptUpdate(ctx, out, &done, out, (int)len) == 1;
}

int srtp_derive(uint8_t *out, size_t len, const uint8_t key[SRTP_KEY_SIZE],
                const uint8_t salt[SRTP_SALT_SIZE], enum srtp_label label)
{
    uint8_t iv[16] = { 0 };
    memcpy(iv, salt, SRTP_SALT_SIZE);
    iv[7] ^= (uint8_t)label; /* key_id = label || 48 bits of index / kdr, which are zero */

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return ERR_NOMEM;
    bool ok = key_stream(ctx, out, len, key, iv);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? OK : ERR_CRYPTO;
}
