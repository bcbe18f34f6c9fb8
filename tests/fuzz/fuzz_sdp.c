/* Whatever is taken in prints again, and what is printed is taken in again. The first byte chooses
 * between a whole description and a fragment. */
#include <stdint.h>
#include <stdlib.h>

#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp_why why;
    struct sdp *sdp, *again;
    if (size == 0)
        return 0;
    struct bytes text = bytes_of(data + 1, size - 1);
    if (data[0] == 'f') {
        if (sdp_parse_fragment(text, &why, &sdp) == 0)
            sdp_free(sdp);
        return 0;
    }
    if (sdp_parse(text, &why, &sdp))
        return 0;
    struct buf out;
    buf_init(&out, 1 << 20);
    sdp_print(sdp, &out);
    if (out.len <= SDP_MAX_SIZE) {
        if (sdp_parse(buf_bytes(&out), &why, &again))
            abort();
        sdp_free(again);
    }
    for (size_t i = 0; i < sdp->media_count; i++) {
        uint8_t digest[SDP_MAX_DIGEST];
        struct bytes value;
        for (size_t j = 0; j < sdp->media[i].fingerprint_count; j++)
            sdp_fingerprint_digest(&sdp->media[i].fingerprints[j], digest);
        for (size_t j = 0; j < sdp->media[i].codec_count; j++)
            sdp_fmtp(sdp->media[i].codecs[j].fmtp, "profile-level-id", &value);
    }
    buf_fini(&out);
    sdp_free(sdp);
    return 0;
}
