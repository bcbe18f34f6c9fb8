/* A frame of length-prefixed NAL units through what writes it into a transport stream: the byte
 * stream must hold the same units, with a delimiter and perhaps parameter sets before them. */
#include <stdlib.h>

#include "base/err.h"
#include "segment/annexb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How long the frame's own units become. */
static size_t own_size(struct bytes frame, bool *sps)
{
    size_t size = 0;
    struct reader units = reader_of(frame);
    for (struct bytes nal; h264_next(&units, &nal);) {
        size += h264_nal_type(nal) == H264_AUD ? 0 : 4 + nal.len;
        *sps |= h264_nal_type(nal) == H264_SPS;
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes frame = bytes_of(data, size);
    struct h264_params params;
    struct buf out;
    bool changed, sps = false;
    h264_params_init(&params);
    buf_init(&out, 1u << 20);
    h264_params_update(&params, frame, &changed);
    int err = annexb_put(&out, frame, &params);
    size_t own = own_size(frame, &sps);
    if (err == OK && out.len != 6 + own + (sps ? 0 : h264_params_size(&params)))
        abort();
    if (err && out.len)
        abort();
    buf_fini(&out);
    return 0;
}
