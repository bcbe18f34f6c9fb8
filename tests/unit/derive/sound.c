#include "sound.h"

#include <libavcodec/avcodec.h>
#include <math.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct sound sound_new(usec_t start, usec_t length)
{
    struct sound s = { NULL, (size_t)(length * 6 / 125), start };
    s.sample = calloc(s.count, sizeof(float));
    assert_non_null(s.sample);
    return s;
}

void sound_free(struct sound *s)
{
    free(s->sample);
}

int64_t sound_at(const struct sound *s, usec_t time)
{
    return (int64_t)llround((double)(time - s->start) * 0.048);
}

static void put(struct sound *s, int64_t at, float v)
{
    if (at >= 0 && (size_t)at < s->count)
        s->sample[at] = v;
}

float chord(double t, unsigned channel)
{
    static const double pitch[] = { 211, 337, 523, 811, 1109, 1493, 1999, 2711 };
    double v = 0;
    for (size_t i = 0; i < sizeof pitch / sizeof *pitch; i++)
        v += 0.07 * sin(6.2831853 * pitch[i] * t + 2 * sin(t * (1.3 + 0.2 * (double)i)) +
                        (double)(i * i) + channel);
    return (float)v;
}

/* Like a voice, and never twice the same: what comes next cannot be guessed. */
static float voice(double t)
{
    double v = 0;
    for (int k = 1; k < 20; k++)
        v += 0.2 / k * sin(k * (6.2831853 * 140 * t + 6 * sin(17 * t)));
    return (float)(v * (0.55 + 0.45 * sin(t * 70)));
}

struct opus_out {
    OpusEncoder *encoder;
    OpusDecoder *decoder;
    unsigned channels;
    bool voice;
    uint64_t sent;
};

struct opus_out *opus_out_new(unsigned channels, bool fec, bool dtx)
{
    struct opus_out *o = calloc(1, sizeof *o);
    assert_non_null(o);
    int err;
    o->channels = channels;
    o->encoder = opus_encoder_create(
        48000, (int)channels, fec || dtx ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO, &err);
    o->decoder = opus_decoder_create(48000, (int)channels, &err);
    assert_true(o->encoder && o->decoder);
    opus_encoder_ctl(o->encoder, OPUS_SET_BITRATE(fec || dtx ? 32000 : 96000));
    opus_encoder_ctl(o->encoder, OPUS_SET_INBAND_FEC(fec));
    opus_encoder_ctl(o->encoder, OPUS_SET_PACKET_LOSS_PERC(fec ? 20 : 0));
    opus_encoder_ctl(o->encoder, OPUS_SET_DTX(dtx));
    o->voice = fec || dtx;
    if (o->voice) {
        opus_encoder_ctl(o->encoder, OPUS_SET_BANDWIDTH(OPUS_BANDWIDTH_WIDEBAND));
        opus_encoder_ctl(o->encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    }
    opus_encoder_ctl(o->encoder, OPUS_SET_FORCE_CHANNELS((int)channels));
    return o;
}

void opus_out_free(struct opus_out *o)
{
    opus_encoder_destroy(o->encoder);
    opus_decoder_destroy(o->decoder);
    free(o);
}

struct frame *opus_out_next(struct opus_out *o, usec_t time, bool silent)
{
    float pcm[960 * 2];
    for (unsigned i = 0; i < 960; i++)
        for (unsigned c = 0; c < o->channels; c++) {
            double t = (double)(o->sent + i) / 48000;
            pcm[i * o->channels + c] = silent ? 0 : o->voice ? voice(t) : chord(t, c);
        }
    o->sent += 960;
    uint8_t packet[1500];
    int len = opus_encode_float(o->encoder, pcm, 960, packet, sizeof packet);
    assert_true(len > 0);
    struct frame *f = frame_new(CODEC_OPUS, (size_t)len);
    assert_non_null(f);
    memcpy(f->data, packet, (size_t)len);
    f->key = true;
    f->time = time;
    f->duration = 20 * MSEC;
    return f;
}

void opus_hear(struct opus_out *o, const struct frame *f, struct sound *s)
{
    float pcm[960 * 2];
    assert_int_equal(opus_decode_float(o->decoder, f->data, (opus_int32)f->size, pcm, 960, 0), 960);
    int64_t at = sound_at(s, f->time);
    for (unsigned i = 0; i < 960; i++)
        put(s, at + i, pcm[i * o->channels]);
}

struct aac_in {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
};

struct aac_in *aac_in_new(unsigned channels)
{
    struct aac_in *a = calloc(1, sizeof *a);
    assert_non_null(a);
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_AAC);
    a->codec = avcodec_alloc_context3(codec);
    a->frame = av_frame_alloc();
    a->packet = av_packet_alloc();
    a->codec->extradata = av_mallocz(2 + AV_INPUT_BUFFER_PADDING_SIZE);
    a->codec->extradata_size = 2; /* AudioSpecificConfig: LC, 48 kHz */
    a->codec->extradata[0] = 0x11;
    a->codec->extradata[1] = (uint8_t)(0x80 | channels << 3);
    assert_int_equal(avcodec_open2(a->codec, codec, NULL), 0);
    return a;
}

void aac_in_free(struct aac_in *a)
{
    avcodec_free_context(&a->codec);
    av_frame_free(&a->frame);
    av_packet_free(&a->packet);
    free(a);
}

static void decode(struct aac_in *a, struct bytes raw)
{
    assert_int_equal(av_new_packet(a->packet, (int)raw.len), 0);
    memcpy(a->packet->data, raw.ptr, raw.len);
    assert_int_equal(avcodec_send_packet(a->codec, a->packet), 0);
    av_packet_unref(a->packet);
    assert_int_equal(avcodec_receive_frame(a->codec, a->frame), 0);
    assert_int_equal(a->frame->nb_samples, 1024);
    assert_int_equal(a->frame->format, AV_SAMPLE_FMT_FLTP);
}

void aac_hear(struct aac_in *a, const struct frame *f, struct sound *s)
{
    decode(a, bytes_of(f->data, f->size));
    int64_t at = sound_at(s, f->time);
    for (int i = 0; i < 1024; i++)
        put(s, at + i, ((const float *)a->frame->data[0])[i]);
}

float aac_peak(struct aac_in *a, struct bytes raw)
{
    decode(a, raw);
    float peak = 0;
    for (int c = 0; c < a->frame->ch_layout.nb_channels; c++)
        for (int i = 0; i < 1024; i++)
            peak = fmaxf(peak, fabsf(((const float *)a->frame->data[c])[i]));
    return peak;
}

static float get(const struct sound *s, int64_t at)
{
    return at >= 0 && (size_t)at < s->count ? s->sample[at] : 0;
}

static double likeness_at(const struct sound *a, const struct sound *b, int64_t from, int64_t to,
                          int64_t by)
{
    double ab = 0, aa = 0, bb = 0;
    int64_t step = 1 + (to - from) / 5000; /* enough to tell */
    for (int64_t i = from; i < to; i += step) {
        double x = (double)get(a, i), y = (double)get(b, i + by);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

int shift_of(const struct sound *a, const struct sound *b, usec_t from, usec_t to, int most,
             double *likeness)
{
    int best = 0;
    *likeness = -2;
    for (int by = -most; by <= most; by++) {
        double l = likeness_at(a, b, sound_at(a, from), sound_at(a, to), by);
        if (l > *likeness) {
            *likeness = l;
            best = by;
        }
    }
    return best;
}
