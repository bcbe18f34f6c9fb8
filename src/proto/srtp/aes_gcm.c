/* AEAD_AES_128_GCM (RFC 7714 8, 9). */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/err.h"
#include "srtp/suite.h"

#define TAG_SIZE  16
#define IV_SIZE   12
#define WORD_SIZE 4

struct context {
    EVP_CIPHER_CTX *cipher;
    uint8_t salt[IV_SIZE];
};

/* What is authenticated and not enciphered: the packet's front, then (RTCP) the index word. */
struct clear {
    const uint8_t *ptr;
    size_t len;
    uint8_t word[WORD_SIZE];
    bool has_word;
};

static void gcm_close(void *context)
{
    struct context *c = context;
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    OPENSSL_cleanse(c, sizeof *c);
    free(c);
}

static void *gcm_open(const struct srtp_session_keys *keys, bool seal)
{
    struct context *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    memcpy(c->salt, keys->salt, sizeof c->salt);
    c->cipher = EVP_CIPHER_CTX_new();
    if (c->cipher &&
        EVP_CipherInit_ex(c->cipher, EVP_aes_128_gcm(), NULL, keys->key, NULL, seal) == 1)
        return c;
    gcm_close(c);
    return NULL;
}

/* RFC 7714 8.1 and 9.1: two zero bytes, SSRC, 48 bits of index, all XOR the salt. */
static void make_iv(const struct context *c, uint8_t iv[IV_SIZE], uint32_t ssrc, uint64_t index)
{
    memcpy(iv, c->salt, IV_SIZE);
    set_u32(iv + 2, get_u32(iv + 2) ^ ssrc);
    set_u16(iv + 6, get_u16(iv + 6) ^ (uint16_t)(index >> 32));
    set_u32(iv + 8, get_u32(iv + 8) ^ (uint32_t)index);
}

/* Both directions up to the tag. */
static bool run(struct context *c, const uint8_t iv[IV_SIZE], const struct clear *clear,
                uint8_t *text, size_t len)
{
    int done;
    return EVP_CipherInit_ex(c->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
           EVP_CipherUpdate(c->cipher, NULL, &done, clear->ptr, (int)clear->len) == 1 &&
           (!clear->has_word ||
            EVP_CipherUpdate(c->cipher, NULL, &done, clear->word, WORD_SIZE) == 1) &&
           (!len || EVP_CipherUpdate(c->cipher, text, &done, text, (int)len) == 1);
}

static int seal_text(struct context *c, const uint8_t iv[IV_SIZE], const struct clear *clear,
                     uint8_t *text, size_t len, uint8_t *tag)
{
    int done;
    uint8_t none[16];
    bool ok = run(c, iv, clear, text, len) && EVP_CipherFinal_ex(c->cipher, none, &done) == 1 &&
              EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
    return ok ? OK : ERR_CRYPTO;
}

static int open_text(struct context *c, const uint8_t iv[IV_SIZE], const struct clear *clear,
                     uint8_t *text, size_t len, uint8_t *tag)
{
    int done;
    uint8_t none[16];
    bool ok = run(c, iv, clear, text, len) &&
              EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
              EVP_CipherFinal_ex(c->cipher, none, &done) == 1;
    return ok ? OK : ERR_AUTH;
}

static int gcm_seal_rtp(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index)
{
    struct context *c = context;
    uint8_t iv[IV_SIZE];
    struct clear clear = { .ptr = packet, .len = head };
    make_iv(c, iv, srtp_rtp_ssrc(packet), index);
    return seal_text(c, iv, &clear, packet + head, len - head, packet + len);
}

static int gcm_open_rtp(void *context, uint8_t *packet, size_t head, size_t len, uint64_t index)
{
    struct context *c = context;
    uint8_t iv[IV_SIZE];
    struct clear clear = { .ptr = packet, .len = head };
    make_iv(c, iv, srtp_rtp_ssrc(packet), index);
    return open_text(c, iv, &clear, packet + head, len - head, packet + len);
}

/* RFC 7714 9.2 and 9.3: without the E flag all of the packet is clear. */
static struct clear rtcp_clear(const uint8_t *packet, size_t len, uint32_t word)
{
    struct clear clear = { .ptr = packet,
                           .len = word & SRTP_RTCP_E ? SRTP_RTCP_HEAD : len,
                           .has_word = true };
    set_u32(clear.word, word);
    return clear;
}

static int gcm_seal_rtcp(void *context, uint8_t *packet, size_t len, uint32_t word)
{
    struct context *c = context;
    uint8_t iv[IV_SIZE];
    struct clear clear = rtcp_clear(packet, len, word);
    make_iv(c, iv, srtp_rtcp_ssrc(packet), word & ~SRTP_RTCP_E);
    set_u32(packet + len + TAG_SIZE, word);
    return seal_text(c, iv, &clear, packet + clear.len, len - clear.len, packet + len);
}

static int gcm_open_rtcp(void *context, uint8_t *packet, size_t len, uint32_t word)
{
    struct context *c = context;
    uint8_t iv[IV_SIZE];
    struct clear clear = rtcp_clear(packet, len, word);
    make_iv(c, iv, srtp_rtcp_ssrc(packet), word & ~SRTP_RTCP_E);
    return open_text(c, iv, &clear, packet + clear.len, len - clear.len, packet + len);
}

const struct srtp_suite srtp_suite_aes_gcm = {
    .salt_size = IV_SIZE,
    .tag_size = TAG_SIZE,
    .word_from_end = WORD_SIZE,
    .open = gcm_open,
    .close = gcm_close,
    .seal_rtp = gcm_seal_rtp,
    .seal_rtcp = gcm_seal_rtcp,
    .open_rtp = gcm_open_rtp,
    .open_rtcp = gcm_open_rtcp,
};
