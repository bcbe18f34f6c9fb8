#include "camera.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

struct camera {
    AVCodecContext *codec;
    AVFrame *picture;
    AVPacket *packet;
};

struct camera *camera_new(int width, int height, int key_interval)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (!codec)
        return NULL;
    struct camera *c = calloc(1, sizeof *c);
    assert_non_null(c);
    av_log_set_level(AV_LOG_ERROR);
    c->codec = avcodec_alloc_context3(codec);
    c->picture = av_frame_alloc();
    c->packet = av_packet_alloc();
    c->codec->width = c->picture->width = width;
    c->codec->height = c->picture->height = height;
    c->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    c->picture->format = AV_PIX_FMT_YUV420P;
    c->codec->time_base = (AVRational){ 1, 25 };
    c->codec->gop_size = key_interval;
    c->codec->max_b_frames = 0;
    c->codec->thread_count = 1;
    c->codec->profile = FF_PROFILE_H264_CONSTRAINED_BASELINE;
    av_opt_set(c->codec->priv_data, "preset", "ultrafast", 0);
    av_opt_set(c->codec->priv_data, "tune", "zerolatency", 0);
    av_opt_set(c->codec->priv_data, "x264-params", "scenecut=0:repeat-headers=1", 0);
    assert_int_equal(avcodec_open2(c->codec, codec, NULL), 0);
    assert_int_equal(av_frame_get_buffer(c->picture, 0), 0);
    c->picture->pts = 0;
    return c;
}

void camera_free(struct camera *c)
{
    avcodec_free_context(&c->codec);
    av_frame_free(&c->picture);
    av_packet_free(&c->packet);
    free(c);
}

static void paint(AVFrame *p)
{
    assert_true(av_frame_make_writable(p) >= 0);
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < p->height >> (plane > 0); y++)
            for (int x = 0; x < p->width >> (plane > 0); x++)
                p->data[plane][y * p->linesize[plane] + x] =
                    (uint8_t)(x + y * (plane + 1) + p->pts * 3);
}

/* The byte stream's start codes become lengths. */
static struct frame *length_prefixed(const uint8_t *p, size_t len)
{
    struct buf unit;
    buf_init(&unit, FRAME_MAX_SIZE);
    size_t nal = 0, length_at = 0;
    for (size_t i = 0; i < len;) {
        bool code = i + 3 <= len && !p[i] && !p[i + 1] && p[i + 2] == 1;
        bool long_code = i + 4 <= len && !p[i] && !p[i + 1] && !p[i + 2] && p[i + 3] == 1;
        if (!code && !long_code) {
            buf_put_u8(&unit, p[i++]);
            continue;
        }
        if (nal)
            set_u32(unit.ptr + length_at, (uint32_t)(unit.len - length_at - 4));
        length_at = unit.len;
        buf_put_u32(&unit, 0);
        i += code ? 3 : 4;
        nal++;
    }
    set_u32(unit.ptr + length_at, (uint32_t)(unit.len - length_at - 4));
    struct frame *f = frame_new(CODEC_H264, unit.len);
    assert_non_null(f);
    memcpy(f->data, unit.ptr, unit.len);
    buf_fini(&unit);
    return f;
}

struct frame *camera_next(struct camera *c, usec_t time)
{
    paint(c->picture);
    assert_int_equal(avcodec_send_frame(c->codec, c->picture), 0);
    c->picture->pts++;
    assert_int_equal(avcodec_receive_packet(c->codec, c->packet), 0);
    struct frame *f = length_prefixed(c->packet->data, (size_t)c->packet->size);
    f->key = c->packet->flags & AV_PKT_FLAG_KEY;
    f->time = time;
    av_packet_unref(c->packet);
    return f;
}
