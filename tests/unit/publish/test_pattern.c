#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>
#include <math.h>
#include <opus/opus.h>

#include "base/err.h"
#include "media/h264.h"
#include "publish/sound.h"
#include "publish/video.h"

/* Averages the picture down to eight by eight, as any reader may. */
static void average(const uint8_t *luma, size_t stride, unsigned width, unsigned height,
                    unsigned grey[64])
{
    for (unsigned cell = 0; cell < 64; cell++) {
        unsigned left = width * (cell % 8) / 8, right = width * (cell % 8 + 1) / 8;
        unsigned top = height * (cell / 8) / 8, bottom = height * (cell / 8 + 1) / 8;
        uint64_t sum = 0;
        for (unsigned y = top; y < bottom; y++)
            for (unsigned x = left; x < right; x++)
                sum += luma[y * stride + x];
        grey[cell] = (unsigned)(sum / ((right - left) * (bottom - top)));
    }
}

static uint32_t counter(const unsigned grey[64])
{
    uint32_t n = 0;
    for (unsigned i = 0; i < 32; i++)
        n = n << 1 | (grey[i] > 125);
    return n;
}

static bool flash(const unsigned grey[64])
{
    return grey[48] > 125 && grey[63] > 125;
}

static void painted_numbers(void **state)
{
    (void)state;
    static const unsigned sizes[][2] = { { 128, 128 }, { 640, 360 }, { 1280, 720 }, { 130, 222 } };
    static const uint32_t numbers[] = { 0, 1, 2, 29, 30, 0x80000000u, 0xffffffffu, 0xa5a5a5a5u };
    for (size_t s = 0; s < 4; s++) {
        struct picture p = { .stride = sizes[s][0] + 6,
                             .width = sizes[s][0],
                             .height = sizes[s][1] };
        p.luma = calloc(p.stride, p.height);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            unsigned grey[64];
            paint_pattern(&p, numbers[i], 30);
            average(p.luma, p.stride, p.width, p.height, grey);
            assert_int_equal(counter(grey), numbers[i]);
            assert_int_equal(flash(grey), numbers[i] % 30 < 3);
            assert_int_equal(p.luma[p.stride - 1], 0); /* stays inside of its lines */
        }
        free(p.luma);
    }
}

/* A single digit of 640x360 is a box of 33 by 67 at 303, 191: the middles of its strokes. */
static void painted_digits(void **state)
{
    (void)state;
    static const struct {
        unsigned x, y;
    } middles[7] = { { 319, 195 }, { 331, 210 }, { 331, 240 }, { 319, 254 },
                     { 307, 240 }, { 307, 210 }, { 319, 224 } };
    static const char *const wanted[10] = { "111111.", ".11....", "11.11.1", "1111..1", ".11..11",
                                            "1.11.11", "1.11111", "111....", "1111111", "1111.11" };
    struct picture p = { .stride = 640, .width = 640, .height = 360 };
    p.luma = calloc(p.stride, p.height);
    for (uint32_t digit = 0; digit < 10; digit++) {
        char found[8] = "";
        paint_pattern(&p, digit, 30);
        for (unsigned i = 0; i < 7; i++)
            found[i] = p.luma[middles[i].y * p.stride + middles[i].x] > 125 ? '1' : '.';
        assert_string_equal(found, wanted[digit]);
    }
    free(p.luma);
}

/* Encoded and decoded by FFmpeg, every counter is read; the rate is about what was asked for. */
static void encoded_numbers(void **state)
{
    (void)state;
    enum { FPS = 30, COUNT = 90, BITRATE = 600000 };
    struct video_encoder *v;
    AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    AVPacket *packet = av_packet_alloc();
    AVFrame *picture = av_frame_alloc();
    size_t bytes = 0;
    assert_int_equal(video_encoder_new(&v, 320, 180, FPS, BITRATE), OK);
    decoder->thread_count = 1;
    decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
    for (uint32_t n = 0; n < COUNT; n++) {
        struct picture p = video_picture(v);
        struct frame *f;
        unsigned grey[64];
        paint_pattern(&p, n, FPS);
        assert_int_equal(video_encode(v, &f), OK);
        assert_int_equal(f->key, n % FPS == 0);
        assert_int_equal(av_new_packet(packet, (int)f->size), 0);
        struct reader units = reader_of(bytes_of(f->data, f->size));
        struct writer w = writer_of(packet->data, f->size);
        for (struct bytes nal; h264_next(&units, &nal);) {
            write_u32(&w, 1);
            write_bytes(&w, nal);
        }
        bytes += f->size;
        frame_unref(f);
        assert_int_equal(avcodec_send_packet(decoder, packet), 0);
        av_packet_unref(packet);
        assert_int_equal(avcodec_receive_frame(decoder, picture), 0);
        average(picture->data[0], (size_t)picture->linesize[0], 320, 180, grey);
        assert_int_equal(counter(grey), n);
        assert_int_equal(flash(grey), n % FPS < 3);
    }
    size_t rate = bytes * 8 * FPS / COUNT;
    print_message("%zu bit/s\n", rate);
    assert_true(rate > BITRATE / 2 && rate < BITRATE * 3 / 2);
    avcodec_free_context(&decoder);
    av_packet_free(&packet);
    av_frame_free(&picture);
    video_encoder_free(v);
}

/* What a decoder gives begins its beeps with the second, to two milliseconds; the very first one
 * lies partly before the encoder's start. */
static void beeps(void **state)
{
    (void)state;
    struct sound_encoder *s;
    int failed;
    OpusDecoder *decoder = opus_decoder_create(SOUND_RATE, 1, &failed);
    assert_int_equal(sound_encoder_new(&s, 1, 48000), OK);
    bool on = false;
    unsigned starts = 0;
    for (uint64_t first = 0; first < 4 * SOUND_RATE; first += SOUND_SAMPLES) {
        float in[SOUND_SAMPLES], out[SOUND_SAMPLES];
        struct frame *f;
        sound_pattern(in, first + sound_delay(s));
        assert_int_equal(sound_encode(s, in, &f), OK);
        assert_int_equal(
            opus_decode_float(decoder, f->data, (opus_int32)f->size, out, SOUND_SAMPLES, 0),
            SOUND_SAMPLES);
        frame_unref(f);
        for (unsigned i = 0; i < SOUND_SAMPLES; i++) {
            uint64_t part = (first + i) % SOUND_RATE;
            bool loud = fabsf(out[i]) > 0.2f;
            if (loud && !on) {
                assert_true(first < SOUND_RATE || part < SOUND_RATE / 500 ||
                            part > SOUND_RATE - 50);
                starts++;
            }
            on = loud || (on && part < SOUND_RATE / 10); /* a sine passes zero */
        }
    }
    assert_int_equal(starts, 4);
    opus_decoder_destroy(decoder);
    sound_encoder_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(painted_numbers),
        cmocka_unit_test(painted_digits),
        cmocka_unit_test(encoded_numbers),
        cmocka_unit_test(beeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
