#include "derive/opus_in.h"

#include <opus/opus.h>
#include <stdlib.h>

struct opus_in {
    OpusDecoder *decoder;
};

struct opus_in *opus_in_new(unsigned channels)
{
    struct opus_in *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    int err;
    d->decoder = opus_decoder_create(48000, (int)channels, &err);
    if (!d->decoder) {
        free(d);
        return NULL;
    }
    return d;
}

void opus_in_free(struct opus_in *d)
{
    if (!d)
        return;
    opus_decoder_destroy(d->decoder);
    free(d);
}

unsigned opus_in_samples(struct bytes packet)
{
    if (!packet.len || packet.len > INT32_MAX)
        return 0;
    int n = opus_packet_get_nb_samples(packet.ptr, (opus_int32)packet.len, 48000);
    return n > 0 && n <= OPUS_MAX_SAMPLES ? (unsigned)n : 0;
}

bool opus_in_stereo(struct bytes packet)
{
    return packet.len && opus_packet_get_nb_channels(packet.ptr) == 2;
}

unsigned opus_in_decode(struct opus_in *d, struct bytes packet, float *out)
{
    if (!opus_in_samples(packet))
        return 0;
    int n =
        opus_decode_float(d->decoder, packet.ptr, (opus_int32)packet.len, out, OPUS_MAX_SAMPLES, 0);
    return n > 0 ? (unsigned)n : 0;
}

bool opus_in_conceal(struct opus_in *d, unsigned samples, struct bytes next, float *out)
{
    int fec = next.len > 0;
    int n = opus_decode_float(d->decoder, fec ? next.ptr : NULL, fec ? (opus_int32)next.len : 0,
                              out, (int)samples, fec);
    return n == (int)samples;
}

void opus_in_reset(struct opus_in *d)
{
    opus_decoder_ctl(d->decoder, OPUS_RESET_STATE);
}
