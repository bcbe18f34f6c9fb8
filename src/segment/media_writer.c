#include "segment/media_writer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/adts.h"
#include "segment/interleave.h"

#define RETRY (1 * SEC) /* of a file that could not begin */

struct media_writer {
    struct media_config config;
    char *texts[3]; /* what config.names points to */
    struct hls_events events;
    bool expects[2]; /* by enum media_kind: what may come now */
    struct interleave order;

    struct media_file *file; /* NULL: none is open */
    usec_t start;            /* of the open file */
    unsigned files;          /* begun so far */
    bool started;            /* that the first one was is told */
    struct {
        usec_t last, end; /* start and (estimated) end of the newest written frame */
        bool refused;     /* since then the sink was full */
    } kind[2];
    struct frame *tail[2]; /* the newest two audio frames, the older first */
    bool video_seen;       /* this session has sent a frame to begin with */
    bool need_key;         /* video goes on with a key frame only */
    bool damage;           /* ... because something was damaged or late */
    usec_t retry_at;
    int failed;
    struct hls_stats stats;
};

static enum media_kind kind_of(const struct frame *f)
{
    return codec_kind(f->codec);
}

static usec_t media_end(const struct media_writer *w)
{
    usec_t audio = w->kind[MEDIA_AUDIO].end, video = w->kind[MEDIA_VIDEO].end;
    return audio > video ? audio : video;
}

static void fail(struct media_writer *w, int err)
{
    if (w->failed)
        return;
    w->failed = err;
    if (w->events.on_failed)
        w->events.on_failed(w->events.ctx, err);
}

/* --- files --- */

static unsigned channels_of(const struct frame *f)
{
    return adts_channels(bytes_of(f->data, f->size));
}

/* Whether sound flows up to the first frame of a new file, so that its last frames may run into it:
 * a file has sound of one kind. */
static bool sound_flows(const struct media_writer *w, const struct frame *first)
{
    return w->tail[0] && w->tail[1] && first->time - w->kind[MEDIA_AUDIO].end < HLS_HOLD &&
           channels_of(w->tail[0]) == channels_of(w->tail[1]) &&
           (first->codec != CODEC_AAC || channels_of(first) == channels_of(w->tail[1]));
}

static int push_tail(struct media_writer *w)
{
    int err = OK;
    for (int i = 0; i < 2 && !err; i++)
        err = w->config.format->push(w->file, w->tail[i]);
    return err;
}

static int begin_file(struct media_writer *w, const struct frame *first)
{
    const struct file_format *format = w->config.format;
    const struct names *names = &w->config.names;
    bool on = w->files && format->run_in && sound_flows(w, first);
    char name[NAMES_SIZE];
    struct media_file_config config = {
        .name = name,
        .user = names->user_id ? names->user_id : "",
        .media = names->user_id ? names_media_text(names->media) : "mix",
        .part = w->files ? w->files + 1 : 0,
        .fill = w->config.fill,
        .silence = { w->config.silence[0], w->config.silence[1] },
        .start = on ? first->time / MSEC * MSEC : format->start_at(first),
        .sink = w->config.sink,
    };
    int err = names_file(name, names, config.part, format->extension);
    if (!err)
        err = format->begin(&w->file, &config);
    if (err)
        return err;
    w->start = config.start;
    w->files++;
    if (!w->started && w->events.on_started)
        w->events.on_started(w->events.ctx, w->start);
    w->started = true;
    return on ? push_tail(w) : OK;
}

static void finish_file(struct media_writer *w, usec_t end)
{
    struct sink_file info;
    if (!w->file || w->failed)
        return;
    int err = w->config.format->finish(w->file, end, &info);
    if (err && err != ERR_AGAIN) {
        fail(w, err);
        return;
    }
    if (err)
        w->files--; /* its name is free again */
    if (!err) {
        w->stats.segments++;
        w->stats.bytes += info.bytes;
        if (w->events.on_segment)
            w->events.on_segment(w->events.ctx, &info);
    }
    w->config.format->free(w->file);
    w->file = NULL;
}

/* --- splits --- */

static bool video_flows(const struct media_writer *w, usec_t time)
{
    return w->expects[MEDIA_VIDEO] && w->kind[MEDIA_VIDEO].last >= w->start &&
           time - w->kind[MEDIA_VIDEO].end <= HLS_VIDEO_GAP;
}

static bool due(const struct media_writer *w, usec_t time)
{
    return w->file && (time - w->start >= w->config.max_duration ||
                       w->config.format->bytes(w->file) + MEDIA_SPARE_BYTES >= w->config.max_bytes);
}

static bool starts_video(const struct frame *f)
{
    return f->codec == CODEC_H264 && f->key && !f->damaged;
}

static bool splits(const struct media_writer *w, const struct frame *f)
{
    if (!due(w, f->time))
        return false;
    if (w->config.format->bytes(w->file) + MEDIA_LAST_BYTES >= w->config.max_bytes)
        return true;
    return starts_video(f) || (f->codec == CODEC_AAC && !video_flows(w, f->time));
}

/* The old file ends where the frame begins, or before a hole where its media ended. */
static void split(struct media_writer *w, const struct frame *f)
{
    usec_t end = media_end(w);
    bool flows = end != USEC_UNSET && f->time - end <= HLS_HOLD && f->time > w->start;
    finish_file(w, flows ? f->time : end);
    if (f->codec != CODEC_H264)
        w->need_key = true;
}

/* --- holes --- */

static void tell_gap(struct media_writer *w, usec_t from, usec_t to, enum hls_gap reason)
{
    if (from == USEC_UNSET || to <= from)
        return;
    w->config.format->gap(w->file, from, to, (enum journal_gap_reason)reason);
    if (w->events.on_gap)
        w->events.on_gap(w->events.ctx, from, to, reason);
}

/* What was missing before a frame that is written now. */
static void tell_hole(struct media_writer *w, const struct frame *f)
{
    enum media_kind kind = kind_of(f);
    usec_t own = w->kind[kind].end, all = media_end(w);
    usec_t most = w->expects[MEDIA_VIDEO] ? HLS_VIDEO_GAP : HLS_AUDIO_GAP;
    if (all != USEC_UNSET && f->time - all > most)
        tell_gap(w, all, f->time, w->kind[kind].refused ? HLS_GAP_OVERFLOW : HLS_GAP_MEDIA);
    else if (w->kind[kind].refused)
        tell_gap(w, own, f->time, HLS_GAP_OVERFLOW);
    else if (kind == MEDIA_VIDEO && w->damage)
        tell_gap(w, own, f->time, HLS_GAP_DAMAGE);
}

/* --- one frame in order --- */

static usec_t end_of(const struct media_writer *w, const struct frame *f)
{
    usec_t last = w->kind[kind_of(f)].last;
    if (f->duration > 0)
        return f->time + f->duration;
    if (f->codec == CODEC_AAC)
        return f->time + 64 * MSEC / 3;
    return f->time + (last == USEC_UNSET || f->time - last > SEC ? 33 * MSEC : f->time - last);
}

static void keep_tail(struct media_writer *w, struct frame *f)
{
    frame_unref(w->tail[0]);
    w->tail[0] = w->tail[1];
    w->tail[1] = frame_ref(f);
}

static void written(struct media_writer *w, struct frame *f)
{
    enum media_kind kind = kind_of(f);
    usec_t end = end_of(w, f);
    tell_hole(w, f);
    w->stats.frames++;
    w->kind[kind].last = f->time;
    w->kind[kind].end = end;
    w->kind[kind].refused = false;
    if (kind == MEDIA_VIDEO)
        w->need_key = w->damage = false;
    else if (w->config.format->run_in)
        keep_tail(w, f);
}

static void refused(struct media_writer *w, const struct frame *f, int err)
{
    bool video = kind_of(f) == MEDIA_VIDEO;
    switch (err) {
    case ERR_LIMIT:
        w->stats.overflow++;
        w->kind[kind_of(f)].refused = true;
        w->need_key |= video;
        break;
    case ERR_EXPIRED: w->stats.late++; break;
    case ERR_MALFORMED:
        w->stats.broken++;
        w->need_key |= video;
        w->damage |= video;
        break;
    default: fail(w, err);
    }
}

/* A frame that does not fit into the open file is the first of the next. */
static int write_frame(struct media_writer *w, struct frame *f)
{
    int err = w->file ? OK : begin_file(w, f);
    if (!err)
        err = w->config.format->push(w->file, f);
    if (err != ERR_RANGE)
        return err;
    split(w, f);
    if (w->failed)
        return w->failed;
    if (f->codec == CODEC_H264 && !starts_video(f))
        return ERR_MALFORMED;
    err = begin_file(w, f);
    if (!err)
        err = w->config.format->push(w->file, f);
    return err == ERR_RANGE ? ERR_MALFORMED : err;
}

static void put(struct media_writer *w, struct frame *f)
{
    if (!w->file && f->time < w->retry_at)
        return;
    int err = write_frame(w, f);
    if (err == ERR_LIMIT && !w->file)
        w->retry_at = f->time + RETRY;
    if (err)
        refused(w, f, err);
    else
        written(w, f);
}

/* Whether video may be written from this frame on. */
static bool video_goes_on(struct media_writer *w, const struct frame *f)
{
    if (w->config.drop_damaged && f->damaged && !w->need_key)
        w->need_key = w->damage = true;
    bool begins = w->need_key || !w->file || w->kind[MEDIA_VIDEO].last < w->start;
    if (!begins || starts_video(f))
        return true;
    w->stats.waiting++;
    return false;
}

static void emit(struct media_writer *w, struct frame *f)
{
    bool video = f->codec == CODEC_H264;
    if (w->failed)
        return;
    w->stats.damaged += f->damaged;
    if (f->time <= w->kind[kind_of(f)].last) {
        w->stats.late++;
        w->need_key |= video; /* what follows may build on it */
        w->damage |= video;
        return;
    }
    if (splits(w, f))
        split(w, f);
    if (!w->failed && (!video || video_goes_on(w, f)))
        put(w, f);
}

static void emit_ordered(struct media_writer *w, bool all)
{
    struct frame *f;
    while ((f = interleave_pull(&w->order, all))) {
        if (w->expects[MEDIA_VIDEO] && w->expects[MEDIA_AUDIO])
            w->order.kind[MEDIA_AUDIO].wait = HLS_HOLD;
        emit(w, f);
        frame_unref(f);
    }
}

/* --- the public side --- */

int media_writer_push(struct media_writer *w, struct frame *f)
{
    bool video = f->codec == CODEC_H264;
    if (f->codec != CODEC_AAC && !(video && w->config.format->video))
        return ERR_UNSUPPORTED;
    if (f->time < 0)
        return ERR_RANGE;
    if (w->failed)
        return w->failed;
    if (video && !w->video_seen && !starts_video(f)) {
        w->stats.waiting++;
        return OK;
    }
    w->video_seen |= video;
    if (interleave_push(&w->order, f)) {
        w->stats.late++;
        w->need_key |= video;
        w->damage |= video;
        return OK;
    }
    emit_ordered(w, false);
    return w->failed;
}

/* By the clock a frame waits longer than by media time: it may still be on its way here. */
usec_t media_writer_deadline(const struct media_writer *w)
{
    usec_t at = w->failed ? USEC_NEVER : interleave_deadline(&w->order);
    return at == USEC_NEVER ? at : at + HLS_HOLD;
}

void media_writer_tick(struct media_writer *w, usec_t now)
{
    if (now < media_writer_deadline(w))
        return;
    interleave_tick(&w->order, now - HLS_HOLD);
    emit_ordered(w, false);
}

bool media_writer_wants_key(const struct media_writer *w)
{
    if (!w->expects[MEDIA_VIDEO] || w->failed)
        return false;
    if (w->need_key)
        return w->order.kind[MEDIA_VIDEO].count == 0; /* it may be on its way */
    return due(w, w->kind[MEDIA_VIDEO].end);
}

void media_writer_resume(struct media_writer *w, const struct hls_events *events, bool audio,
                         bool video)
{
    bool both = audio && video;
    w->events = *events;
    w->expects[MEDIA_AUDIO] = audio;
    w->expects[MEDIA_VIDEO] = video;
    w->order.kind[MEDIA_AUDIO].wait = !both ? 0 : w->file ? HLS_HOLD : HLS_START_HOLD;
    w->order.kind[MEDIA_VIDEO].wait = both ? HLS_HOLD : 0;
    w->video_seen = false;
    w->need_key = true;
}

int media_writer_pause(struct media_writer *w)
{
    emit_ordered(w, true);
    int err = w->file && !w->failed ? w->config.format->flush(w->file) : OK;
    if (err)
        fail(w, err);
    w->events = (struct hls_events){ 0 };
    return w->failed;
}

int media_writer_finish(struct media_writer *w)
{
    emit_ordered(w, true);
    finish_file(w, media_end(w));
    return w->failed;
}

const struct hls_stats *media_writer_stats(const struct media_writer *w)
{
    return &w->stats;
}

static bool keep_text(struct media_writer *w, int slot, const char **text)
{
    if (!*text)
        return true;
    w->texts[slot] = str_dup(bytes_str(*text));
    *text = w->texts[slot];
    return *text != NULL;
}

/* The longest names fit, so none fails later. */
static int check(const struct media_config *c)
{
    char name[NAMES_SIZE];
    int err = names_file(name, &c->names, UINT16_MAX, c->format->extension);
    return err || !c->sink || !c->silence[0].len || !c->silence[1].len ? ERR_RANGE : OK;
}

int media_writer_new(struct media_writer **out, const struct media_config *config)
{
    struct media_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->config = *config;
    struct media_config *c = &w->config;
    if (!c->max_duration || c->max_duration > MEDIA_MAX_DURATION)
        c->max_duration = MEDIA_MAX_DURATION;
    if (!c->max_bytes || c->max_bytes > MEDIA_MAX_BYTES)
        c->max_bytes = MEDIA_MAX_BYTES;
    for (int k = 0; k < 2; k++)
        w->kind[k].last = w->kind[k].end = USEC_UNSET;
    interleave_init(&w->order, HLS_START_HOLD, HLS_HOLD);
    bool kept = keep_text(w, 0, &c->names.room_id) && keep_text(w, 1, &c->names.user_id) &&
                keep_text(w, 2, &c->names.user_define);
    int err = kept ? check(c) : ERR_NOMEM;
    if (err) {
        media_writer_free(w);
        return err;
    }
    *out = w;
    return OK;
}

void media_writer_free(struct media_writer *w)
{
    if (!w)
        return;
    interleave_fini(&w->order);
    w->config.format->free(w->file);
    frame_unref(w->tail[0]);
    frame_unref(w->tail[1]);
    for (size_t i = 0; i < sizeof w->texts / sizeof *w->texts; i++)
        free(w->texts[i]);
    free(w);
}
