#include "rtp/depack_opus.h"

#include "base/err.h"

#define MAX_DURATION (120 * MSEC) /* RFC 6716, 3.2.5 */

/* Table 2 of RFC 6716: what one frame lasts in each configuration. */
static usec_t frame_duration(unsigned config)
{
    static const uint16_t silk[] = { 10000, 20000, 40000, 60000 };
    static const uint16_t hybrid[] = { 10000, 20000 };
    static const uint16_t celt[] = { 2500, 5000, 10000, 20000 };
    if (config < 12)
        return silk[config % 4];
    return config < 16 ? hybrid[config % 2] : celt[config % 4];
}

int opus_duration(struct bytes packet, usec_t *out)
{
    struct reader r = reader_of(packet);
    uint8_t toc = read_u8(&r);
    unsigned code = toc & 3;
    unsigned frames = code == 0 ? 1 : code < 3 ? 2 : read_u8(&r) & 0x3f;
    usec_t duration = frame_duration(toc >> 3) * frames;
    if (r.failed || frames == 0 || duration > MAX_DURATION)
        return ERR_MALFORMED;
    *out = duration;
    return OK;
}

bool opus_stereo(struct bytes packet)
{
    return packet.len && packet.ptr[0] & 4;
}

int depack_opus(struct bytes payload, int64_t rtp, usec_t arrival, struct frame **out)
{
    usec_t duration;
    int err = opus_duration(payload, &duration);
    if (err)
        return err;
    struct frame *f = frame_new(CODEC_OPUS, payload.len);
    if (!f)
        return ERR_NOMEM;
    memcpy(f->data, payload.ptr, payload.len);
    f->key = true;
    f->rtp = rtp;
    f->arrival = arrival;
    f->duration = duration;
    *out = f;
    return OK;
}
