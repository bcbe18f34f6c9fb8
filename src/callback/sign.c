#include "callback/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/err.h"

int callback_sign(char out[CALLBACK_SIGN_SIZE], struct bytes key, struct bytes body)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len;
    if (!HMAC(EVP_sha256(), key.ptr, (int)key.len, body.ptr, body.len, mac, &len))
        return ERR_CRYPTO;
    struct buf text;
    buf_init(&text, CALLBACK_SIGN_SIZE - 1);
    base64_encode(&text, bytes_of(mac, len), BASE64_STANDARD);
    int err = text.err;
    if (!err)
        memcpy(out, buf_str(&text), text.len + 1);
    buf_fini(&text);
    return err;
}
