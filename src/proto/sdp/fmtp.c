#include "base/base64.h"
#include "base/str.h"
#include "sdp/sdp.h"

bool sdp_fmtp(struct bytes fmtp, const char *name, struct bytes *value)
{
    while (fmtp.len) {
        struct bytes pair = str_split(fmtp, ';', &fmtp), after;
        struct bytes key = str_trim(str_split(pair, '=', &after));
        if (str_equal_nocase(key, name)) {
            *value = str_trim(after);
            return true;
        }
    }
    return false;
}

static size_t digest_size(struct bytes algorithm)
{
    static const struct {
        const char *name;
        size_t size;
    } known[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_equal_nocase(algorithm, known[i].name))
            return known[i].size;
    return 0;
}

size_t sdp_fingerprint_digest(const struct sdp_fingerprint *f, uint8_t digest[SDP_MAX_DIGEST])
{
    size_t size = digest_size(f->algorithm);
    if (size == 0 || f->value.len != 3 * size - 1)
        return 0;
    for (size_t i = 0; i < size; i++) {
        const uint8_t *at = f->value.ptr + 3 * i;
        if ((i + 1 < size && at[2] != ':') || !hex_decode(digest + i, 1, bytes_of(at, 2)))
            return 0;
    }
    return size;
}

const struct sdp_codec *sdp_codec_of(const struct sdp_media *media, uint8_t payload_type)
{
    for (size_t i = 0; i < media->codec_count; i++)
        if (media->codecs[i].payload_type == payload_type)
            return &media->codecs[i];
    return NULL;
}
