#include "publish/video.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "media/annexb.h"
#include "observe/log.h"

struct video_encoder {
    AVCodecContext *codec;
    AVFrame *picture;
    AVPacket *packet;
    struct buf units;
};

static void set_up(struct video_encoder *v, unsigned fps, unsigned bitrate)
{
    AVCodecContext *c = v->codec;
    char more[128];
    c->width = v->picture->width;
    c->height = v->picture->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){ 1, (int)fps };
    c->framerate = (AVRational){ (int)fps, 1 };
    c->gop_size = (int)fps;
    c->max_b_frames = 0;
    c->thread_count = 1;
    c->profile = FF_PROFILE_H264_CONSTRAINED_BASELINE;
    c->bit_rate = c->rc_max_rate = bitrate;
    c->rc_buffer_size = (int)bitrate;
    av_opt_set(c->priv_data, "preset", "ultrafast", 0);
    av_opt_set(c->priv_data, "tune", "zerolatency", 0);
    snprintf(more, sizeof more, "scenecut=0:keyint=%u:min-keyint=%u:repeat-headers=1", fps, fps);
    av_opt_set(c->priv_data, "x264-params", more, 0);
}

static int make_picture(struct video_encoder *v, unsigned width, unsigned height)
{
    AVFrame *p = v->picture = av_frame_alloc();
    if (!p)
        return ERR_NOMEM;
    p->width = (int)width;
    p->height = (int)height;
    p->format = AV_PIX_FMT_YUV420P;
    p->pts = 0;
    if (av_frame_get_buffer(p, 0))
        return ERR_NOMEM;
    for (int plane = 1; plane < 3; plane++)
        memset(p->data[plane], 128, (size_t)p->linesize[plane] * (height / 2));
    return OK;
}

static int open_codec(struct video_encoder *v, unsigned fps, unsigned bitrate)
{
    const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");
    if (!x264) {
        log_error(NULL, "FFmpeg has no x264 here, which the test pattern needs; --file does not");
        return ERR_UNSUPPORTED;
    }
    v->codec = avcodec_alloc_context3(x264);
    v->packet = av_packet_alloc();
    if (!v->codec || !v->packet)
        return ERR_NOMEM;
    set_up(v, fps, bitrate);
    if (avcodec_open2(v->codec, x264, NULL)) {
        log_error(NULL, "x264 refuses %dx%d at %u pictures a second", v->codec->width,
                  v->codec->height, fps);
        return ERR_UNSUPPORTED;
    }
    return OK;
}

int video_encoder_new(struct video_encoder **out, unsigned width, unsigned height, unsigned fps,
                      unsigned bitrate)
{
    struct video_encoder *v = calloc(1, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    buf_init(&v->units, FRAME_MAX_SIZE);
    int err = make_picture(v, width, height);
    if (!err)
        err = open_codec(v, fps, bitrate);
    if (err) {
        video_encoder_free(v);
        return err;
    }
    *out = v;
    return OK;
}

void video_encoder_free(struct video_encoder *v)
{
    if (!v)
        return;
    avcodec_free_context(&v->codec);
    av_frame_free(&v->picture);
    av_packet_free(&v->packet);
    buf_fini(&v->units);
    free(v);
}

struct picture video_picture(struct video_encoder *v)
{
    AVFrame *p = v->picture;
    if (av_frame_make_writable(p) < 0)
        return (struct picture){ NULL };
    return (struct picture){ p->data[0], (size_t)p->linesize[0], (unsigned)p->width,
                             (unsigned)p->height };
}

static int take_packet(struct video_encoder *v, struct frame **out)
{
    buf_clear(&v->units);
    int err = h264_from_annexb(&v->units, bytes_of(v->packet->data, (size_t)v->packet->size));
    if (err)
        return err;
    struct frame *f = frame_new(CODEC_H264, v->units.len);
    if (!f)
        return ERR_NOMEM;
    memcpy(f->data, v->units.ptr, v->units.len);
    f->key = v->packet->flags & AV_PKT_FLAG_KEY;
    *out = f;
    return OK;
}

int video_encode(struct video_encoder *v, struct frame **out)
{
    if (avcodec_send_frame(v->codec, v->picture) || avcodec_receive_packet(v->codec, v->packet))
        return ERR_UNSUPPORTED;
    v->picture->pts++;
    int err = take_packet(v, out);
    av_packet_unref(v->packet);
    return err;
}
