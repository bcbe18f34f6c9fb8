/* AES in counter mode with HMAC-SHA1 of 80 bits (RFC 3711 4.1.1, 4.2.1). */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/err.h"
#include "srtp/suite.h"

#define TAG_SIZE  10
#define WORD_SIZE 4

struct context {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint8_t salt[SRTP_SALT_SIZE];
};

static void cm_close(void *context)
{
    struct context *c = context;
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    EVP_MAC_CTX_free(c->mac);
    OPENSSL_cleanse(c, sizeof *c);
    free(c);
}

static EVP_MAC_CTX *keyed_hmac(const uint8_t key[SRTP_AUTH_SIZE])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA1", 0),
                            OSSL_PARAM_construct_end() };
    if (ctx && EVP_MAC_init(ctx, key, SRTP_AUTH_SIZE, params) == 1)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static void *cm_open(const struct srtp_session_keys *keys, bool seal)
{
    (void)seal; /* a key stream has no direction */
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    memcpy(c->salt, keys->salt, sizeof c->salt);
    c->mac = keyed_hmac(keys->auth);
    c->cipher = EVP_CIPHER_CTX_new();
    if (c->mac && c->cipher &&
        EVP_EncryptInit_ex(c->cipher, EVP_aes_128_ctr(), NULL, keys->key, NULL) == 1)
        return c;
    cm_close(c);
    return NULL;
}

/* RFC 3711 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16). */
static bool key_stream(struct context *c, uint8_t *text, size_t len, uint32_t ssrc, uint64_t index)
{
    uint8_t iv[16] = { 0 };
    memcpy(iv, c->salt, sizeof c->salt);
    set_u32(iv + 4, get_u32(iv + 4) ^ ssrc);
    set_u16(iv + 8, get_u16(iv + 8) ^ (uint16_t)(index >> 32));
    set_u32(iv + 10, get_u32(iv + 10) ^ (uint32_t)index);
    int done;
    return EVP_EncryptInit_ex(c->cipher, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(c->cipher, text, &done, text, (int)len) == 1;
}

/* HMAC over the packet and one word: the ROC behind RTP (RFC 3711 4.2), the index word behind RTCP.
 */
static bool mac(struct context *c, uint8_t out[SRTP_AUTH_SIZE], const uint8_t *packet, size_t len,
                uint32_t word)
{
    uint8_t tail[WORD_SIZE];
    size_t size;
    set_u32(tail, word);
    return EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(c->mac, packet, len) == 1 &&
           EVP_MAC_update(c->mac, tail, sizeof tail) == 1 &&
           EVP_MAC_final(c->mac, out, &size, SRTP_AUTH_SIZE) == 1;
}

static int check(struct context *c, const uint8_t *tag, const uint8_t *packet, size_t len,
                 uint32_t word)
{
    uint8_t want[SRTP_AUTH_SIZE];
    if (!mac(c, want, packet, len, word))
        return ERR_CRYPTO;
    return bytes_equal_secret(bytes_of(want, TAG_SIZE), bytes_of(tag, TAG_SIZE)) ? OK : ERR_AUTH;
}

static int cm_seal_rtp(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index)
{
    struct context *c = context;
    uint8_t tag[SRTP_AUTH_SIZE];
    if (!key_stream(c, packet + head, len - head, srtp_rtp_ssrc(packet), index) ||
        !mac(c, tag, packet, len, (uint32_t)(index >> 16)))
        return ERR_CRYPTO;
    memcpy(packet + len, tag, TAG_SIZE);
    return OK;
}

static int cm_open_rtp(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index)
{
    struct context *c = context;
    int err = check(c, packet + len, packet, len, (uint32_t)(index >> 16));
    if (err)
        return err;
    return key_stream(c, packet + head, len - head, srtp_rtp_ssrc(packet), index) ? OK : ERR_CRYPTO;
}

static bool key_stream_rtcp(struct context *c, uint8_t *packet, size_t len, uint32_t word)
{
    if (!(word & SRTP_RTCP_E))
        return true;
    return key_stream(c, packet + SRTP_RTCP_HEAD, len - SRTP_RTCP_HEAD, srtp_rtcp_ssrc(packet),
                      word & ~SRTP_RTCP_E);
}

static int cm_seal_rtcp(void *context, uint8_t *packet, size_t len, uint32_t word)
{
    struct context *c = context;
    uint8_t tag[SRTP_AUTH_SIZE];
    if (!key_stream_rtcp(c, packet, len, word) || !mac(c, tag, packet, len, word))
        return ERR_CRYPTO;
    set_u32(packet + len, word);
    memcpy(packet + len + WORD_SIZE, tag, TAG_SIZE);
    return OK;
}

static int cm_open_rtcp(void *context, uint8_t *packet, size_t len, uint32_t word)
{
    struct context *c = context;
    int err = check(c, packet + len + WORD_SIZE, packet, len, word);
    if (err)
        return err;
    return key_stream_rtcp(c, packet, len, word) ? OK : ERR_CRYPTO;
}

const struct srtp_suite srtp_suite_aes_cm = {
    .salt_size = 14,
    .tag_size = TAG_SIZE,
    .word_from_end = WORD_SIZE + TAG_SIZE,
    .open = cm_open,
    .close = cm_close,
    .seal_rtp = cm_seal_rtp,
    .seal_rtcp = cm_seal_rtcp,
    .open_rtp = cm_open_rtp,
    .open_rtcp = cm_open_rtcp,
};
