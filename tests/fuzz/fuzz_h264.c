/* H.264 payloads through the depacketizer, and frames through the parameter sets. The input is a
 * row of records: a byte of flags (marker, loss, new time stamp), a 16-bit length, the payload. */
#include <stdlib.h>

#include "base/err.h"
#include "media/h264_params.h"
#include "rtp/depack_h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_into(const struct frame *f, struct h264_params *params)
{
    bool changed;
    h264_params_update(params, bytes_of(f->data, f->size), &changed);
    struct reader units = reader_of(bytes_of(f->data, f->size));
    for (struct bytes nal; h264_next(&units, &nal);)
        ;
    if (units.failed)
        abort(); /* what we built must be readable */
    if (f->key && f->damaged)
        abort();
}

static void packets(struct reader r)
{
    struct depack_h264 *d = depack_h264_new();
    struct h264_params params;
    h264_params_init(&params);
    int64_t rtp = 0;
    while (d && reader_left(&r) && !r.failed) {
        uint8_t flags = read_u8(&r);
        uint16_t len = read_u16(&r) & 0x7ff;
        struct rtp_packet p = { .marker = flags & 1,
                                .payload =
                                    read_bytes(&r, len < reader_left(&r) ? len : reader_left(&r)) };
        rtp += flags & 4 ? 3000 : 0;
        depack_h264_push(d, &p, rtp, 0, flags & 2);
        for (struct frame *f; (f = depack_h264_pull(d)); frame_unref(f))
            look_into(f, &params);
    }
    depack_h264_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    packets(reader_of(in));

    struct h264_params params;
    h264_params_init(&params);
    bool changed;
    h264_params_update(&params, in, &changed);
    h264_params_put(&params, in, &changed);
    if (h264_params_complete(&params) && !h264_params_sps(&params))
        abort();
    struct h264_sps sps;
    if (h264_parse_sps(&sps, in) == OK && (!sps.width || !sps.height || sps.width > 16384))
        abort();
    struct h264_slice slice;
    h264_parse_slice(&slice, in);
    return 0;
}
