#include "srtp/srtp.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/err.h"
#include "srtp/index.h"
#include "srtp/suite.h"

#define RTP_HEAD  12
#define WORD_SIZE 4

struct stream {
    struct srtp_window rtp, rtcp;
};

struct srtp {
    const struct srtp_suite *suite;
    enum srtp_direction direction;
    void *rtp, *rtcp; /* the suite's contexts */

    uint32_t ssrc[SRTP_MAX_STREAMS]; /* apart from the streams: the search touches little memory */
    struct stream *stream[SRTP_MAX_STREAMS];
    size_t count, latest;
};

static const struct srtp_suite *find_suite(enum srtp_profile profile)
{
    switch (profile) {
    case SRTP_AES128_CM_SHA1_80: return &srtp_suite_aes_cm;
    case SRTP_AEAD_AES_128_GCM: return &srtp_suite_aes_gcm;
    }
    return NULL;
}

/* The labels of RTCP follow those of RTP. */
static int derive_keys(struct srtp_session_keys *out, const struct srtp_suite *suite,
                       const struct srtp_key *key, enum srtp_label first)
{
    uint8_t salt[SRTP_SALT_SIZE] = { 0 };
    memcpy(salt, key->salt, suite->salt_size);
    int err = srtp_derive(out->key, sizeof out->key, key->key, salt, first);
    if (!err)
        err = srtp_derive(out->auth, sizeof out->auth, key->key, salt, first + 1);
    if (!err)
        err = srtp_derive(out->salt, suite->salt_size, key->key, salt, first + 2);
    return err;
}

static int open_context(void **out, const struct srtp *s, const struct srtp_key *key,
                        enum srtp_label first)
{
    struct srtp_session_keys keys = { 0 };
    int err = derive_keys(&keys, s->suite, key, first);
    if (!err) {
        *out = s->suite->open(&keys, s->direction == SRTP_SEND);
        err = *out ? OK : ERR_CRYPTO;
    }
    OPENSSL_cleanse(&keys, sizeof keys);
    return err;
}

int srtp_new(struct srtp **out, const struct srtp_key *key, enum srtp_direction direction)
{
    const struct srtp_suite *suite = find_suite(key->profile);
    if (!suite)
        return ERR_UNSUPPORTED;
    struct srtp *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->suite = suite;
    s->direction = direction;
    int err = open_context(&s->rtp, s, key, SRTP_LABEL_RTP_KEY);
    if (!err)
        err = open_context(&s->rtcp, s, key, SRTP_LABEL_RTCP_KEY);
    if (err)
        srtp_free(s);
    else
        *out = s;
    return err;
}

void srtp_free(struct srtp *s)
{
    if (!s)
        return;
    s->suite->close(s->rtp);
    s->suite->close(s->rtcp);
    for (size_t i = 0; i < s->count; i++)
        free(s->stream[i]);
    free(s);
}

/* NULL: not seen yet. */
static struct stream *find_stream(struct srtp *s, uint32_t ssrc)
{
    if (s->count && s->ssrc[s->latest] == ssrc)
        return s->stream[s->latest];
    for (size_t i = 0; i < s->count; i++)
        if (s->ssrc[i] == ssrc) {
            s->latest = i;
            return s->stream[i];
        }
    return NULL;
}

/* What a stream is before its first authentic packet; only read. */
static const struct stream unborn;

/* The stream to read indices from; ERR_LIMIT when a new one could not be kept. */
static int peek_stream(struct srtp *s, uint32_t ssrc, const struct stream **out)
{
    const struct stream *found = find_stream(s, ssrc);
    if (!found && s->count == SRTP_MAX_STREAMS)
        return ERR_LIMIT;
    *out = found ? found : &unborn;
    return OK;
}

/* The stream to change; made if need be. */
static struct stream *keep_stream(struct srtp *s, uint32_t ssrc)
{
    struct stream *found = find_stream(s, ssrc);
    if (found)
        return found;
    struct stream *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    s->ssrc[s->count] = ssrc;
    s->stream[s->count] = made;
    s->latest = s->count++;
    return made;
}

/* The clear part of an RTP packet: fixed header, contributing sources, extension (RFC 3550 5.1). 0:
 * malformed. */
static size_t rtp_head(const uint8_t *packet, size_t len)
{
    if (len < RTP_HEAD || packet[0] >> 6 != 2)
        return 0;
    size_t head = RTP_HEAD + 4 * (packet[0] & 15u);
    if (packet[0] & 0x10) {
        if (len < head + 4)
            return 0;
        head += 4 + 4u * get_u16(packet + head + 2);
    }
    return head <= len ? head : 0;
}

static bool rtcp_form(const uint8_t *packet, size_t len)
{
    return len >= SRTP_RTCP_HEAD && packet[0] >> 6 == 2;
}

/* Finds the index of an RTP packet and that it is new. */
static int rtp_index(struct srtp *s, const uint8_t *packet, uint64_t *index)
{
    const struct stream *stream;
    int err = peek_stream(s, srtp_rtp_ssrc(packet), &stream);
    if (!err)
        err = srtp_guess_index(&stream->rtp, get_u16(packet + 2), index);
    if (!err)
        err = srtp_window_check(&stream->rtp, *index);
    return err;
}

static int accept_rtp(struct srtp *s, uint32_t ssrc, uint64_t index)
{
    struct stream *stream = keep_stream(s, ssrc);
    if (!stream)
        return ERR_NOMEM;
    srtp_window_accept(&stream->rtp, index);
    return OK;
}

static int accept_rtcp(struct srtp *s, uint32_t ssrc, uint64_t index)
{
    struct stream *stream = keep_stream(s, ssrc);
    if (!stream)
        return ERR_NOMEM;
    srtp_window_accept(&stream->rtcp, index);
    return OK;
}

int srtp_open_rtp(struct srtp *s, uint8_t *packet, size_t *len)
{
    size_t tag = s->suite->tag_size;
    size_t plain = *len > tag ? *len - tag : 0;
    size_t head = rtp_head(packet, plain);
    if (!head)
        return ERR_MALFORMED;
    uint64_t index;
    int err = rtp_index(s, packet, &index);
    if (!err)
        err = s->suite->open_rtp(s->rtp, packet, head, plain, index);
    if (!err)
        err = accept_rtp(s, srtp_rtp_ssrc(packet), index);
    if (!err)
        *len = plain;
    return err;
}

int srtp_seal_rtp(struct srtp *s, uint8_t *packet, size_t *len, size_t size)
{
    size_t head = rtp_head(packet, *len);
    if (!head)
        return ERR_MALFORMED;
    if (size < *len || size - *len < s->suite->tag_size)
        return ERR_LIMIT;
    uint64_t index;
    int err = rtp_index(s, packet, &index);
    if (!err)
        err =
            accept_rtp(s, srtp_rtp_ssrc(packet), index); /* before: an index is never used again */
    if (!err)
        err = s->suite->seal_rtp(s->rtp, packet, head, *len, index);
    if (!err)
        *len += s->suite->tag_size;
    return err;
}

int srtp_open_rtcp(struct srtp *s, uint8_t *packet, size_t *len)
{
    size_t trailer = s->suite->tag_size + WORD_SIZE;
    if (*len < trailer || !rtcp_form(packet, *len - trailer))
        return ERR_MALFORMED;
    size_t plain = *len - trailer;
    uint32_t word = get_u32(packet + *len - s->suite->word_from_end);
    uint32_t index = word & ~SRTP_RTCP_E;

    const struct stream *stream;
    int err = peek_stream(s, srtp_rtcp_ssrc(packet), &stream);
    if (!err)
        err = srtp_window_check(&stream->rtcp, index);
    if (!err)
        err = s->suite->open_rtcp(s->rtcp, packet, plain, word);
    if (!err)
        err = accept_rtcp(s, srtp_rtcp_ssrc(packet), index);
    if (!err)
        *len = plain;
    return err;
}

int srtp_seal_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t size)
{
    size_t trailer = s->suite->tag_size + WORD_SIZE;
    if (!rtcp_form(packet, *len))
        return ERR_MALFORMED;
    if (size < *len || size - *len < trailer)
        return ERR_LIMIT;

    const struct stream *stream;
    int err = peek_stream(s, srtp_rtcp_ssrc(packet), &stream);
    uint64_t index =
        err || !stream->rtcp.begun ? 0 : stream->rtcp.top + 1; /* RFC 3711 3.4: begins at zero */
    if (!err && index >= SRTP_RTCP_E)
        err = ERR_LIMIT;
    if (!err)
        err = accept_rtcp(s, srtp_rtcp_ssrc(packet), index);
    if (!err)
        err = s->suite->seal_rtcp(s->rtcp, packet, *len, SRTP_RTCP_E | (uint32_t)index);
    if (!err)
        *len += trailer;
    return err;
}
