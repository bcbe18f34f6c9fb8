#include "publish/sound.h"

#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "publish/painter.h"

#define TWO_PI 6.283185307179586
#define HERTZ  1000
#define LOUD   0.5f

struct sound_encoder {
    OpusEncoder *opus;
    unsigned delay;
};

int sound_encoder_new(struct sound_encoder **out, unsigned channels, unsigned bitrate)
{
    int failed = 0;
    opus_int32 delay = 0;
    struct sound_encoder *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->opus = opus_encoder_create(SOUND_RATE, (int)channels, OPUS_APPLICATION_AUDIO, &failed);
    if (failed || opus_encoder_ctl(s->opus, OPUS_SET_BITRATE((opus_int32)bitrate)) ||
        opus_encoder_ctl(s->opus, OPUS_GET_LOOKAHEAD(&delay))) {
        sound_encoder_free(s);
        return ERR_UNSUPPORTED;
    }
    s->delay = (unsigned)delay;
    *out = s;
    return OK;
}

void sound_encoder_free(struct sound_encoder *s)
{
    if (!s)
        return;
    if (s->opus)
        opus_encoder_destroy(s->opus);
    free(s);
}

unsigned sound_delay(const struct sound_encoder *s)
{
    return s->delay;
}

int sound_encode(struct sound_encoder *s, const float *samples, struct frame **out)
{
    uint8_t packet[1000]; /* one RTP packet carries it */
    int len = opus_encode_float(s->opus, samples, SOUND_SAMPLES, packet, sizeof packet);
    if (len < 1)
        return ERR_UNSUPPORTED;
    struct frame *f = frame_new(CODEC_OPUS, (size_t)len);
    if (!f)
        return ERR_NOMEM;
    memcpy(f->data, packet, (size_t)len);
    f->key = true;
    f->duration = SOUND_PACKET;
    *out = f;
    return OK;
}

void sound_pattern(float out[SOUND_SAMPLES], uint64_t first)
{
    for (unsigned i = 0; i < SOUND_SAMPLES; i++) {
        uint64_t part = (first + i) % SOUND_RATE;
        out[i] = pattern_on(part, SOUND_RATE)
                     ? LOUD * (float)sin(TWO_PI * HERTZ * (double)part / SOUND_RATE)
                     : 0;
    }
}
