#include "publish/source.h"

#include <libavutil/log.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "observe/log.h"
#include "publish/clip.h"
#include "publish/pattern.h"

#define PREROLL (2 * SEC)

struct source {
    const struct publish_args *args;
    struct tape *tape;
    struct clip *clip; /* NULL: the pattern */
    pthread_t thread;
    bool started;
};

static void *run(void *arg)
{
    struct source *s = arg;
    pthread_setname_np(pthread_self(), "source");
    int err = OK;
    if (s->clip)
        clip_play(s->clip, s->tape);
    else
        err = pattern_play(s->args, s->tape);
    if (err)
        log_error(NULL, "nothing more to send: %s", err_text(err));
    tape_end(s->tape, err);
    return NULL;
}

static int load_file(struct source *s, struct publish_args *args)
{
    int err = clip_load(&s->clip, args->file, args->audio, args->video);
    if (err)
        return err;
    args->audio = clip_has(s->clip, MEDIA_AUDIO);
    args->video = clip_has(s->clip, MEDIA_VIDEO);
    return OK;
}

int source_start(struct source **out, struct publish_args *args)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    av_log_set_level(AV_LOG_ERROR);
    s->args = args;
    s->tape = tape_new();
    int err = s->tape ? OK : ERR_NOMEM;
    if (!err && args->file)
        err = load_file(s, args);
    if (!err) {
        s->started = pthread_create(&s->thread, NULL, run, s) == 0;
        err = s->started ? tape_wait(s->tape, args->audio, args->video, PREROLL) : ERR_IO;
    }
    if (err) {
        source_stop(s);
        return err;
    }
    *out = s;
    return OK;
}

void source_stop(struct source *s)
{
    if (!s)
        return;
    if (s->started) {
        tape_stop(s->tape);
        pthread_join(s->thread, NULL);
    }
    clip_free(s->clip);
    tape_free(s->tape);
    free(s);
}

struct tape *source_tape(struct source *s)
{
    return s->tape;
}
