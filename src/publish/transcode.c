#include "publish/transcode.h"

#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "publish/sound.h"

#define BITRATE      64000
#define MAX_BUFFERED ((size_t)64 << 20) /* one decoded packet, resampled */

struct transcode {
    AVCodecContext *codec;
    AVFrame *frame;
    SwrContext *resample;
    struct sound_encoder *opus;
    struct buf samples; /* float, interleaved, not yet encoded */
    unsigned channels;
    uint64_t packets;
};

static int open_decoder(struct transcode *t, const AVCodecParameters *from)
{
    const AVCodec *decoder = avcodec_find_decoder(from->codec_id);
    if (!decoder)
        return ERR_UNSUPPORTED;
    t->codec = avcodec_alloc_context3(decoder);
    t->frame = av_frame_alloc();
    if (!t->codec || !t->frame)
        return ERR_NOMEM;
    if (avcodec_parameters_to_context(t->codec, from) < 0 || avcodec_open2(t->codec, decoder, NULL))
        return ERR_UNSUPPORTED;
    return OK;
}

int transcode_new(struct transcode **out, const AVCodecParameters *from)
{
    struct transcode *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    buf_init(&t->samples, MAX_BUFFERED);
    t->channels = from->ch_layout.nb_channels > 1 ? 2 : 1;
    int err = open_decoder(t, from);
    if (!err)
        err = sound_encoder_new(&t->opus, t->channels, BITRATE);
    if (err) {
        transcode_free(t);
        return err;
    }
    *out = t;
    return OK;
}

void transcode_free(struct transcode *t)
{
    if (!t)
        return;
    avcodec_free_context(&t->codec);
    av_frame_free(&t->frame);
    swr_free(&t->resample);
    sound_encoder_free(t->opus);
    buf_fini(&t->samples);
    free(t);
}

/* The decoder knows its format for sure only with the first frame. */
static int open_resampler(struct transcode *t)
{
    AVChannelLayout to;
    AVFrame *f = t->frame;
    if (t->resample)
        return OK;
    av_channel_layout_default(&to, (int)t->channels);
    if (swr_alloc_set_opts2(&t->resample, &to, AV_SAMPLE_FMT_FLT, SOUND_RATE, &f->ch_layout,
                            f->format, f->sample_rate, 0, NULL) < 0)
        return ERR_NOMEM;
    return swr_init(t->resample) < 0 ? ERR_UNSUPPORTED : OK;
}

/* `in` NULL: what the resampler still holds. */
static int resample(struct transcode *t, const uint8_t **in, int count)
{
    size_t one = t->channels * sizeof(float);
    int room = swr_get_out_samples(t->resample, count);
    size_t before = t->samples.len;
    uint8_t *out = room > 0 ? buf_extend(&t->samples, (size_t)room * one) : NULL;
    if (!out)
        return t->samples.err;
    int got = swr_convert(t->resample, &out, room, in, count);
    if (got < 0)
        return ERR_UNSUPPORTED;
    t->samples.len = before + (size_t)got * one;
    return OK;
}

static int encode(struct transcode *t, transcode_put *put, void *ctx)
{
    size_t block = SOUND_SAMPLES * t->channels * sizeof(float), done = 0;
    int err = OK;
    while (!err && t->samples.len - done >= block) {
        float samples[SOUND_SAMPLES * 2];
        struct frame *f;
        memcpy(samples, t->samples.ptr + done, block);
        done += block;
        err = sound_encode(t->opus, samples, &f);
        if (!err)
            err = put(ctx, f, (usec_t)t->packets++ * SOUND_PACKET);
    }
    buf_consume(&t->samples, done);
    return err;
}

static int take_frames(struct transcode *t, transcode_put *put, void *ctx)
{
    int err = OK;
    while (!err && avcodec_receive_frame(t->codec, t->frame) == 0) {
        err = open_resampler(t);
        if (!err)
            err = resample(t, (const uint8_t **)t->frame->extended_data, t->frame->nb_samples);
        if (!err)
            err = encode(t, put, ctx);
        av_frame_unref(t->frame);
    }
    return err;
}

static int finish(struct transcode *t, transcode_put *put, void *ctx)
{
    size_t block = SOUND_SAMPLES * t->channels * sizeof(float);
    int err = t->resample ? resample(t, NULL, 0) : OK;
    if (err)
        return err;
    size_t rest = t->samples.len % block;
    uint8_t *silence = rest ? buf_extend(&t->samples, block - rest) : NULL;
    if (silence)
        memset(silence, 0, block - rest);
    return t->samples.err ? t->samples.err : encode(t, put, ctx);
}

int transcode_push(struct transcode *t, const AVPacket *packet, transcode_put *put, void *ctx)
{
    if (avcodec_send_packet(t->codec, packet) < 0 && packet)
        return OK;
    int err = take_frames(t, put, ctx);
    return err || packet ? err : finish(t, put, ctx);
}
