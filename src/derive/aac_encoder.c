#include "derive/aac_encoder.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "observe/log.h"

struct aac_encoder {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
};

/* ISO/IEC 14496-3, 4.4.2.1: a single_channel_element or channel_pair_element with max_sfb 0, and
 * the end. The window shape is the encoder's (Kaiser-Bessel), so that its packets join without a
 * seam. */
struct bytes aac_silence(unsigned channels)
{
    static const uint8_t mono[] = { 0x01, 0x18, 0x20, 0x07 };
    static const uint8_t stereo[] = { 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c };
    return channels == 2 ? bytes_of(stereo, sizeof stereo) : bytes_of(mono, sizeof mono);
}

__attribute__((format(printf, 3, 0))) static void forward(void *from, int level, const char *fmt,
                                                          va_list args)
{
    (void)from;
    if (level > AV_LOG_WARNING || !log_enabled(LOG_DEBUG))
        return;
    char line[512];
    vsnprintf(line, sizeof line, fmt, args);
    log_debug(NULL, "ffmpeg: %s", line);
}

static void take_messages(void)
{
    av_log_set_callback(forward);
}

static int open_codec(struct aac_encoder *e, unsigned channels, unsigned bitrate)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    if (!codec)
        return ERR_UNSUPPORTED;
    e->codec = avcodec_alloc_context3(codec);
    if (!e->codec)
        return ERR_NOMEM;
    e->codec->sample_rate = 48000;
    e->codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
    av_channel_layout_default(&e->codec->ch_layout, (int)channels);
    e->codec->bit_rate = bitrate;
    e->codec->profile = FF_PROFILE_AAC_LOW;
    e->codec->thread_count = 1;
    e->codec->flags |= AV_CODEC_FLAG_BITEXACT; /* no comment in the first packet */
    return avcodec_open2(e->codec, codec, NULL) < 0 || e->codec->frame_size != AAC_BLOCK
               ? ERR_UNSUPPORTED
               : OK;
}

static int make_frame(struct aac_encoder *e)
{
    e->packet = av_packet_alloc();
    e->frame = av_frame_alloc();
    if (!e->packet || !e->frame)
        return ERR_NOMEM;
    e->frame->nb_samples = AAC_BLOCK;
    e->frame->format = e->codec->sample_fmt;
    e->frame->sample_rate = e->codec->sample_rate;
    e->frame->pts = 0;
    if (av_channel_layout_copy(&e->frame->ch_layout, &e->codec->ch_layout) < 0)
        return ERR_NOMEM;
    return av_frame_get_buffer(e->frame, 0) < 0 ? ERR_NOMEM : OK;
}

static int send(struct aac_encoder *e, const float *const channel[2])
{
    if (av_frame_make_writable(e->frame) < 0)
        return ERR_NOMEM;
    for (int i = 0; i < e->codec->ch_layout.nb_channels; i++) {
        if (channel[i])
            memcpy(e->frame->data[i], channel[i], AAC_BLOCK * sizeof(float));
        else
            memset(e->frame->data[i], 0, AAC_BLOCK * sizeof(float));
    }
    int err = avcodec_send_frame(e->codec, e->frame);
    e->frame->pts += AAC_BLOCK;
    return err == AVERROR(ENOMEM) ? ERR_NOMEM : err < 0 ? ERR_MALFORMED : OK;
}

int aac_encoder_new(struct aac_encoder **out, unsigned channels, unsigned bitrate)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const float *const silent[2] = { NULL, NULL };
    pthread_once(&once, take_messages);
    struct aac_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;

    int err = open_codec(e, channels, bitrate);
    if (!err)
        err = make_frame(e);
    if (!err)
        err = send(e, silent); /* for the first block it returns nothing */
    if (err) {
        aac_encoder_free(e);
        return err;
    }
    *out = e;
    return OK;
}

void aac_encoder_free(struct aac_encoder *e)
{
    if (!e)
        return;
    avcodec_free_context(&e->codec);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    free(e);
}

int aac_encoder_put(struct aac_encoder *e, const float *const channel[2], struct bytes *packet)
{
    int err = send(e, channel);
    if (err)
        return err;
    av_packet_unref(e->packet);
    if (avcodec_receive_packet(e->codec, e->packet) < 0)
        return ERR_MALFORMED;
    *packet = bytes_of(e->packet->data, (size_t)e->packet->size);
    return OK;
}
