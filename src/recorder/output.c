#include "recorder/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "derive/aac_encoder.h"

enum state { RESTING, WRITING, LEAVING, DRAINING, DONE };

struct output {
    struct output_config config; /* texts replaced by copies of our own */
    char *room_id, *user;
    char file[NAMES_SIZE];
    enum state state;
    bool ending;
    usec_t begin;

    struct media_loop *wanted_media;
    struct recording_source wanted, actual; /* session 0: none */
    struct sink *sink; /* ours while RESTING, the track writer's while WRITING and LEAVING */
    void *carry;       /* ours while RESTING; NULL before the first frame and after the end */
    struct track_writer *writer; /* WRITING, LEAVING */
};

static struct names names_of(const struct output *o)
{
    return (struct names){ .sdk_app_id = o->config.sdk_app_id,
                           .room_id = o->room_id,
                           .room_is_string = o->config.room_is_string,
                           .user_id = o->user,
                           .media = o->config.media,
                           .type = o->config.type };
}

static const struct spool_events sink_events;

int output_new(struct output **out, const struct output_config *config)
{
    struct output *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    int err = ERR_NOMEM;
    o->config = *config;
    o->begin = USEC_UNSET;
    o->room_id = strdup(config->room_id);
    o->user = strdup(config->user);
    if (!o->room_id || !o->user)
        goto fail;
    o->config.room_id = o->room_id;
    o->config.user = o->user;

    struct names names = names_of(o);
    err = writing_name(o->file, config->form, &names);
    if (err)
        goto fail;
    err = spool_sink_new(&o->sink, config->spool, config->folder, config->control, &sink_events, o);
    if (err)
        goto fail;
    *out = o;
    return OK;

fail:
    output_free(o);
    return err;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    writing_ops_of(o->config.form)->drop(o->carry);
    free(o->room_id);
    free(o->user);
    free(o);
}

static void reconcile(struct output *o);

/* --- what the track writer tells --- */

static void on_started(void *ctx, usec_t begin)
{
    struct output *o = ctx;
    if (o->begin != USEC_UNSET)
        return;
    o->begin = begin;
    o->config.events->started(o->config.ctx, o);
}

/* The session is gone. What is wanted may still name it; then the output rests until it is pointed
 * elsewhere. */
static void on_ended(void *ctx)
{
    struct output *o = ctx;
    if (o->wanted.session == o->actual.session)
        o->wanted.session = 0;
    reconcile(o);
}

static void on_detached(void *ctx, void *carry, bool finished)
{
    struct output *o = ctx;
    assert(o->state == LEAVING);
    o->state = RESTING;
    o->writer = NULL;
    o->carry = carry;
    o->actual = (struct recording_source){ 0 };
    if (finished)
        o->ending = true;
    reconcile(o);
}

static const struct track_writer_events writer_events = { on_started, on_ended, on_detached };

/* --- what the sink tells --- */

static void on_ready(void *ctx, const struct spool_ready *file)
{
    struct output *o = ctx;
    if (file->kind != SINK_PLAYLIST && !file->err) {
        counter_add(&o->config.stats->segments[o->config.type], 1);
        counter_add(&o->config.stats->bytes[o->config.type], file->bytes);
    }
    o->config.events->ready(o->config.ctx, o, file);
}

static void on_failed(void *ctx, int err)
{
    struct output *o = ctx;
    o->config.events->failed(o->config.ctx, o, err);
}

static void on_drained(void *ctx)
{
    struct output *o = ctx;
    o->state = DONE;
    o->config.events->done(o->config.ctx, o);
}

static const struct spool_events sink_events = { on_ready, on_failed, on_drained };

/* --- closing the difference --- */

static enum hls_streams streams_of(enum names_type type)
{
    static const enum hls_streams streams[] = {
        [NAMES_AUDIO] = HLS_AUDIO, [NAMES_VIDEO] = HLS_VIDEO, [NAMES_AUDIO_VIDEO] = HLS_AUDIO_VIDEO
    };
    return streams[type];
}

static const struct file_format *const formats[] = {
    [RECORDING_MP4] = &file_format_mp4, [RECORDING_AAC] = &file_format_adts
};

static struct writing_config writing_of(const struct output *o)
{
    const struct output_config *c = &o->config;
    struct bytes mono = aac_silence(1), stereo = aac_silence(2);
    struct writing_config config = { .form = c->form };
    if (c->form == RECORDING_HLS)
        config.hls = (struct hls_config){ .names = names_of(o),
                                          .streams = streams_of(c->type),
                                          .target = c->segment,
                                          .version = c->version,
                                          .date = c->date,
                                          .silence = { mono, stereo },
                                          .sink = o->sink };
    else
        config.media = (struct media_config){ .format = formats[c->form],
                                              .names = names_of(o),
                                              .max_duration = c->max_file,
                                              .fill = c->fill,
                                              .silence = { mono, stereo },
                                              .sink = o->sink };
    return config;
}

static void attach(struct output *o)
{
    struct track_writer_config config = {
        .writing = writing_of(o),
        .carry = o->carry,
        .media = o->wanted_media,
        .session = o->wanted.session,
        .audio = o->wanted.audio,
        .video = o->wanted.video,
        .control = o->config.control,
        .stats = o->config.stats,
        .log = o->config.log,
        .events = &writer_events,
        .ctx = o,
    };
    int err = track_writer_attach(&o->writer, &config);
    if (err) {
        log_error(&o->config.log, "cannot record %s: %s; it is tried again when the stream changes",
                  o->file, err_text(err));
        o->wanted.session = 0;
        return;
    }
    o->carry = NULL;
    o->actual = o->wanted;
    o->state = WRITING;
}

static void detach(struct output *o)
{
    o->state = LEAVING;
    track_writer_detach(o->writer, o->ending);
}

static void drain(struct output *o)
{
    o->state = DRAINING;
    if (o->carry)
        writing_ops_of(o->config.form)->end(o->carry, o->sink);
    o->carry = NULL;
    spool_sink_close(o->sink);
}

static bool as_wanted(const struct output *o)
{
    return o->wanted.session == o->actual.session && o->wanted.audio == o->actual.audio &&
           o->wanted.video == o->actual.video;
}

static void reconcile(struct output *o)
{
    if (o->state == WRITING && (o->ending || !as_wanted(o)))
        detach(o);
    else if (o->state == RESTING && o->ending)
        drain(o);
    else if (o->state == RESTING && o->wanted.session)
        attach(o);
}

void output_point(struct output *o, struct media_loop *media, const struct recording_source *source)
{
    o->wanted_media = media;
    o->wanted = source ? *source : (struct recording_source){ 0 };
    reconcile(o);
}

void output_end(struct output *o)
{
    o->ending = true;
    reconcile(o);
}

const char *output_user(const struct output *o)
{
    return o->user;
}

enum recording_form output_form(const struct output *o)
{
    return o->config.form;
}

const char *output_file(const struct output *o)
{
    return o->file;
}

const char *output_track_type(const struct output *o)
{
    static const char *const texts[] = {
        [NAMES_AUDIO] = "audio", [NAMES_VIDEO] = "video", [NAMES_AUDIO_VIDEO] = "audio_video"
    };
    return texts[o->config.type];
}

usec_t output_begin(const struct output *o)
{
    return o->begin;
}
