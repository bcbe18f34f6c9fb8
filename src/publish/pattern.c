#include "publish/pattern.h"

#include "base/err.h"
#include "publish/sound.h"
#include "publish/video.h"

#define AUDIO_BITRATE 48000

struct pattern {
    const struct publish_args *args;
    struct tape *tape;
    struct video_encoder *video;
    struct sound_encoder *sound;
    uint64_t pictures, packets; /* made so far */
    bool stopped;
};

static usec_t picture_time(const struct pattern *p)
{
    uint64_t fps = p->args->fps;
    return (usec_t)((p->pictures * (uint64_t)SEC + fps / 2) / fps);
}

static int put_picture(struct pattern *p)
{
    struct picture picture = video_picture(p->video);
    struct frame *f;
    if (!picture.luma)
        return ERR_NOMEM;
    paint_pattern(&picture, (uint32_t)p->pictures, p->args->fps);
    int err = video_encode(p->video, &f);
    if (err)
        return err;
    p->stopped = !tape_put(p->tape, f, picture_time(p));
    p->pictures++;
    return OK;
}

/* What the encoder delays goes in so much earlier. */
static int put_sound(struct pattern *p)
{
    float samples[SOUND_SAMPLES];
    struct frame *f;
    sound_pattern(samples, p->packets * SOUND_SAMPLES + sound_delay(p->sound));
    int err = sound_encode(p->sound, samples, &f);
    if (err)
        return err;
    p->stopped = !tape_put(p->tape, f, (usec_t)p->packets * SOUND_PACKET);
    p->packets++;
    return OK;
}

static int play(struct pattern *p)
{
    int err = OK;
    while (!err && !p->stopped) {
        bool sound_first =
            !p->video || (p->sound && (usec_t)p->packets * SOUND_PACKET < picture_time(p));
        err = sound_first ? put_sound(p) : put_picture(p);
    }
    return err;
}

int pattern_play(const struct publish_args *args, struct tape *tape)
{
    struct pattern p = { .args = args, .tape = tape };
    int err = OK;
    if (args->video)
        err = video_encoder_new(&p.video, args->width, args->height, args->fps, args->bitrate);
    if (!err && args->audio)
        err = sound_encoder_new(&p.sound, 1, AUDIO_BITRATE);
    if (!err)
        err = play(&p);
    video_encoder_free(p.video);
    sound_encoder_free(p.sound);
    return err;
}
