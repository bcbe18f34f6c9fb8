#include "segment/hls_writer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/adts.h"
#include "segment/interleave.h"
#include "segment/ts_file.h"

#define STEP_HOLE      (100 * MSEC) /* a marked discontinuity with less of a hole is no step */
#define RETRY          (1 * SEC)    /* audio after a full sink */
#define AUDIO_OVERLAP  (22 * MSEC)  /* audio may begin a frame before filled-in silence ends */
#define AAC_DURATION   21333        /* of 1024 samples */
#define ROUNDING       (1 * MSEC)
#define FIRST_DURATION (40 * MSEC) /* of a lone video frame */

struct hls_writer {
    struct hls_config config;
    char *texts[5]; /* what config points to */
    struct hls_playlist *playlist;
    struct interleave order; /* HLS_AUDIO_VIDEO */
    struct ts_file file;
    struct avc_params seen, written; /* parameter sets that came, and those of the open segment */

    struct {
        usec_t last, end; /* start and (estimated) end of the newest written frame */
    } audio, video;
    unsigned channels; /* of the newest audio; 0 before */
    struct {
        usec_t base, frames;
    } silence;       /* the grid of the frames filled in last */
    bool video_seen; /* a frame to begin with has come */
    bool need_key;   /* in an open segment: video goes on with a key frame only */

    bool discontinuity, gap; /* of the open segment */
    usec_t last_end;         /* of the last segment, USEC_UNSET before */
    enum hls_gap gap_reason; /* why the open one does not begin there */
    enum hls_gap reason;     /* and the next one */
    usec_t retry_at;
    int failed;
    struct hls_stats stats;
};

/* How an open segment makes way for a frame. */
enum cut {
    CUT_NONE,
    CUT_FLOW,   /* ends where the frame begins */
    CUT_FORMAT, /* the same, and what follows is of another kind */
    CUT_GAP,    /* ends where its media ended */
    CUT_STEP,
};

static bool flows(enum cut cut)
{
    return cut == CUT_NONE || cut == CUT_FLOW || cut == CUT_FORMAT;
}

static bool together(const struct hls_writer *w)
{
    return w->config.streams == HLS_AUDIO_VIDEO;
}

static void fail(struct hls_writer *w, int err)
{
    if (w->failed)
        return;
    w->failed = err;
    ts_file_abandon(&w->file);
    if (w->config.events.on_failed)
        w->config.events.on_failed(w->config.events.ctx, err);
}

static void tell_gap(struct hls_writer *w, usec_t from, usec_t to, enum hls_gap reason)
{
    if (w->config.events.on_gap && to > from)
        w->config.events.on_gap(w->config.events.ctx, from, to, reason);
}

/* ---- Segments ---- */

static usec_t media_end(const struct hls_writer *w)
{
    return w->audio.end > w->video.end ? w->audio.end : w->video.end;
}

static usec_t age(const struct hls_writer *w, usec_t time)
{
    return w->file.open ? time - w->file.start : 0;
}

static struct hls_playlist *new_playlist(struct hls_writer *w, usec_t start)
{
    const struct hls_config *c = &w->config;
    char name[NAMES_SIZE];
    names_playlist(name, &c->names, c->playlist_index);
    struct hls_playlist_config pc = {
        .name = name,
        .version = c->version,
        .date = c->date,
        .media_id = c->names.user_id ? names_media_text(c->names.media) : "mix",
        .user_id = c->names.user_id ? c->names.user_id : "",
        .mix = !c->names.user_id,
        .streams = c->streams,
    };
    return hls_playlist_new(&pc, start);
}

static void first_segment(struct hls_writer *w, usec_t start)
{
    w->playlist = new_playlist(w, start);
    if (!w->playlist)
        fail(w, ERR_NOMEM);
    else if (w->config.events.on_started)
        w->config.events.on_started(w->config.events.ctx, hls_playlist_start(w->playlist));
}

/* Marks the segment that begins at `start` by how it follows the last one. */
static void mark(struct hls_writer *w, usec_t start, bool format)
{
    w->gap = w->last_end != USEC_UNSET && start != w->last_end;
    w->discontinuity = w->gap || format;
    w->gap_reason = w->reason;
    w->reason = HLS_GAP_MEDIA;
}

static void sink_full(struct hls_writer *w, usec_t time)
{
    w->stats.overflow++;
    w->reason = HLS_GAP_OVERFLOW;
    w->retry_at = time + RETRY;
}

/* Opens a segment at `start`; it is not open afterwards when the sink is full or failed. */
static void open_segment(struct hls_writer *w, usec_t start, bool video, bool format)
{
    usec_t zero = w->playlist ? hls_playlist_start(w->playlist) : start / MSEC * MSEC;
    char name[NAMES_SIZE];
    names_segment(name, &w->config.names, start);
    int err = ts_file_begin(&w->file, name, zero, start, video, w->config.streams != HLS_VIDEO);
    if (err == ERR_LIMIT) {
        sink_full(w, start);
        return;
    }
    if (err) {
        fail(w, err);
        return;
    }
    if (w->audio.end < start)
        w->audio.end = start; /* otherwise its last frame reaches in here */
    w->video.end = start;
    mark(w, start, format);
    if (!w->playlist)
        first_segment(w, start);
}

static void list_segment(struct hls_writer *w, const struct sink_file *file)
{
    bool audio = w->file.ts.audio, video = w->file.ts.video;
    struct hls_segment s = {
        .name = file->name,
        .start = file->start,
        .duration = file->duration,
        .bytes = file->bytes,
        .discontinuity = w->discontinuity,
        .gap = w->gap,
        .channels = audio ? (w->channels ? w->channels : 1) : 0,
        .width = video ? w->written.width : 0,
        .height = video ? w->written.height : 0,
    };
    w->stats.segments++;
    w->stats.bytes += file->bytes;
    int err = hls_playlist_add(w->playlist, &s);
    if (err)
        fail(w, err);
}

/* Closes the open segment at `end`, or before when the sink is full. The playlist has it, but is
 * not published. */
static void close_segment(struct hls_writer *w, usec_t end, struct sink_file *file)
{
    bool was_full = w->file.full;
    int err = ts_file_finish(&w->file, end, hls_playlist_name(w->playlist), file);
    if (err && err != ERR_LIMIT) {
        fail(w, err);
        return;
    }
    if (w->file.full && !was_full)
        sink_full(w, end);
    if (err) {
        *file = (struct sink_file){ 0 };
        if (w->last_end == USEC_UNSET)
            w->last_end = w->file.start;
        return;
    }
    if (w->gap)
        tell_gap(w, w->last_end, file->start, w->gap_reason);
    w->last_end = file->start + file->duration;
    list_segment(w, file);
}

static void tell_segment(struct hls_writer *w, const struct sink_file *file)
{
    if (file->name && w->config.events.on_segment)
        w->config.events.on_segment(w->config.events.ctx, file);
}

static void finish_segment(struct hls_writer *w, usec_t end)
{
    struct sink_file file = { 0 };
    close_segment(w, end, &file);
    if (w->failed || !file.name)
        return;
    int err = hls_playlist_publish(w->playlist, w->config.sink, false);
    if (err)
        fail(w, err);
    else
        tell_segment(w, &file);
}

/* What a write into the open segment came to. */
static void written(struct hls_writer *w, int err, usec_t time)
{
    if (!err) {
        w->stats.frames++;
    } else if (err == ERR_LIMIT) {
        sink_full(w, time);
        finish_segment(w, w->file.safe_end);
    } else {
        fail(w, err);
    }
}

/* ---- Writing audio ---- */

static void write_audio(struct hls_writer *w, usec_t time, usec_t end, struct bytes raw,
                        unsigned channels)
{
    int err = ts_file_audio(&w->file, time, end, raw, channels);
    w->audio.last = time;
    w->audio.end = end;
    written(w, err, time);
}

/* Start of the silent frame after next by `more`: each has 1024 samples at 48 kHz, 64000 / 3 us. */
static usec_t silence_time(const struct hls_writer *w, usec_t more)
{
    return w->silence.base + ((w->silence.frames + more) * 64000 + 1) / 3;
}

/* Silent frames from the end of the audio, as many as end at or before `until`. */
static void fill_silence(struct hls_writer *w, usec_t until)
{
    if (!together(w))
        return;
    unsigned channels = w->channels == 2 ? 2 : 1;
    if (w->audio.end != silence_time(w, 0)) {
        w->silence.base = w->audio.end;
        w->silence.frames = 0;
    }
    while (w->file.open && !w->failed && silence_time(w, 1) <= until + ROUNDING) {
        usec_t time = silence_time(w, 0), end = silence_time(w, 1);
        w->silence.frames++;
        w->stats.silent++;
        write_audio(w, time, end, w->config.silence[channels - 1], channels);
    }
}

/* Makes way for a frame at `time`; false: the frame comes too soon after the last cut, and is
 * dropped. */
static bool make_cut(struct hls_writer *w, enum cut cut, usec_t time, bool video)
{
    if (cut == CUT_NONE)
        return true;
    if (age(w, time) < HLS_MIN_SEGMENT) {
        w->stats.broken++;
        return false;
    }
    bool format = cut == CUT_FORMAT || w->file.ts.video != video;
    if (flows(cut))
        fill_silence(w, time + AAC_DURATION - 2 * ROUNDING);
    if (!w->file.open || w->failed)
        return false;
    w->reason = cut == CUT_STEP ? HLS_GAP_STEP : HLS_GAP_MEDIA;
    finish_segment(w, flows(cut) ? time : media_end(w));
    if (!w->failed)
        open_segment(w, time, video, format);
    return w->file.open;
}

/* ---- Audio ---- */

static bool video_active(const struct hls_writer *w, usec_t time)
{
    return w->file.ts.video && time - w->video.end <= HLS_VIDEO_GAP;
}

static enum cut audio_cut(const struct hls_writer *w, const struct frame *f, unsigned channels)
{
    usec_t hole = f->time - media_end(w);
    if (hole > (together(w) ? HLS_VIDEO_GAP : HLS_AUDIO_GAP))
        return CUT_GAP;
    if (video_active(w, f->time))
        return CUT_NONE; /* only a key frame may cut */
    if (f->discontinuity && hole > STEP_HOLE)
        return CUT_STEP;
    if (w->channels && channels != w->channels)
        return CUT_FORMAT;
    return age(w, f->time) >= w->config.target ? CUT_FLOW : CUT_NONE;
}

static bool audio_late(const struct hls_writer *w, const struct frame *f)
{
    if (f->time <= w->audio.last)
        return true;
    if (!w->file.open)
        return w->last_end != USEC_UNSET && f->time < w->last_end;
    return f->time < w->file.start || f->time < w->audio.end - AUDIO_OVERLAP;
}

/* An open segment for audio at `time`. Video in it would go on with a key frame. */
static bool audio_segment(struct hls_writer *w, const struct frame *f, unsigned channels)
{
    bool video = together(w) && w->video_seen;
    bool was_open = w->file.open;
    usec_t start = w->file.start;
    if (was_open) {
        if (!make_cut(w, audio_cut(w, f, channels), f->time, video))
            return false;
    } else if (f->time >= w->retry_at) {
        open_segment(w, f->time, video, false);
    }
    if (w->file.open && (!was_open || w->file.start != start))
        w->need_key = true;
    return w->file.open;
}

static void emit_audio(struct hls_writer *w, const struct frame *f)
{
    struct bytes raw = bytes_of(f->data, f->size);
    unsigned channels = adts_channels(raw);
    if (!channels || raw.len > ADTS_MAX_PAYLOAD) {
        w->stats.broken++;
    } else if (audio_late(w, f)) {
        w->stats.late++;
    } else if (audio_segment(w, f, channels)) {
        fill_silence(w, f->time);
        w->channels = channels;
        if (w->file.open && !w->failed)
            write_audio(w, f->time, f->time + (f->duration > 0 ? f->duration : AAC_DURATION), raw,
                        channels);
    }
}

/* ---- Video ---- */

static bool startable(const struct hls_writer *w, const struct frame *f)
{
    return f->key && !f->damaged && avc_params_known(&w->seen);
}

/* For a frame that a segment can begin with. */
static enum cut video_cut(const struct hls_writer *w, const struct frame *f)
{
    usec_t hole = f->time - media_end(w);
    if (hole > HLS_VIDEO_GAP)
        return CUT_GAP;
    if (f->discontinuity && hole > STEP_HOLE)
        return CUT_STEP;
    if (!w->file.ts.video ||
        (avc_params_known(&w->written) && !avc_params_equal(&w->seen, &w->written)))
        return CUT_FORMAT;
    return age(w, f->time) >= w->config.target ? CUT_FLOW : CUT_NONE;
}

/* A frame that only continues: false, and counted, when there is nothing it could continue. */
static bool continues(struct hls_writer *w, const struct frame *f)
{
    if (w->file.open && f->time - media_end(w) > w->config.target + HLS_IDLE)
        finish_segment(w, media_end(w));
    if (w->file.open && w->file.ts.video && f->damaged && w->config.drop_damaged)
        w->need_key = true;
    if (w->file.open && w->file.ts.video && !w->need_key)
        return true;
    w->stats.waiting++;
    return false;
}

static bool video_segment(struct hls_writer *w, const struct frame *f)
{
    if (!w->file.open) {
        if (w->last_end != USEC_UNSET && f->time < w->last_end) {
            w->stats.late++;
            return false;
        }
        open_segment(w, f->time, true, false);
        return w->file.open;
    }
    enum cut cut = video_cut(w, f);
    if (flows(cut) && w->need_key && w->video.last >= w->file.start)
        tell_gap(w, w->video.end, f->time, HLS_GAP_DAMAGE);
    bool room = make_cut(w, cut, f->time, true);
    w->need_key |= !room;
    return room;
}

static usec_t video_duration(const struct hls_writer *w, const struct frame *f)
{
    if (f->duration > 0)
        return f->duration;
    if (w->video.last == USEC_UNSET || f->time - w->video.last > SEC)
        return FIRST_DURATION;
    return f->time - w->video.last;
}

static void write_video(struct hls_writer *w, const struct frame *f)
{
    usec_t end = f->time + video_duration(w, f);
    fill_silence(w, f->time);
    if (!w->file.open || w->failed)
        return;
    int err = ts_file_video(&w->file, f, &w->seen, end);
    if (err == ERR_MALFORMED) {
        w->stats.broken++;
        return;
    }
    w->video.last = f->time;
    w->video.end = end;
    written(w, err, f->time);
}

static void begin_video(struct hls_writer *w, const struct frame *f)
{
    if (!video_segment(w, f) || w->failed)
        return;
    w->need_key = false;
    if (avc_params_copy(&w->written, &w->seen))
        fail(w, ERR_NOMEM);
    else
        write_video(w, f);
}

static void emit_video(struct hls_writer *w, const struct frame *f)
{
    w->stats.damaged += f->damaged;
    if (f->time <= w->video.last || (w->file.open && f->time < w->file.start)) {
        w->stats.late++;
        w->need_key = true; /* what follows may build on it */
        return;
    }
    if (avc_params_update(&w->seen, bytes_of(f->data, f->size))) {
        w->stats.broken++;
        w->need_key = true;
        return;
    }
    if (startable(w, f))
        begin_video(w, f);
    else if (continues(w, f))
        write_video(w, f);
}

/* ---- The writer ---- */

static void emit(struct hls_writer *w, const struct frame *f)
{
    if (w->failed)
        return;
    if (codec_kind(f->codec) == MEDIA_VIDEO)
        emit_video(w, f);
    else
        emit_audio(w, f);
}

static void emit_ordered(struct hls_writer *w, bool all)
{
    struct frame *f;
    while ((f = interleave_pull(&w->order, all))) {
        w->order.kind[MEDIA_AUDIO].wait = HLS_HOLD;
        emit(w, f);
        frame_unref(f);
    }
}

static void push_ordered(struct hls_writer *w, struct frame *f)
{
    if (f->codec == CODEC_H264 && !w->video_seen) {
        if (!f->key || f->damaged) {
            w->stats.waiting++;
            return;
        }
        w->video_seen = true;
    }
    if (interleave_push(&w->order, f)) {
        w->stats.late++;
        w->need_key |= f->codec == CODEC_H264;
        return;
    }
    emit_ordered(w, false);
}

static bool takes(const struct hls_writer *w, enum codec codec)
{
    return codec == CODEC_H264 ? w->config.streams != HLS_AUDIO
                               : codec == CODEC_AAC && w->config.streams != HLS_VIDEO;
}

int hls_writer_push(struct hls_writer *w, struct frame *f)
{
    if (!takes(w, f->codec))
        return ERR_UNSUPPORTED;
    if (f->time < 0)
        return ERR_RANGE;
    if (together(w) && !w->failed)
        push_ordered(w, f);
    else
        emit(w, f);
    return w->failed;
}

/* When an open segment without frames is given up. */
static usec_t idle_at(const struct hls_writer *w)
{
    if (!w->file.open || w->failed)
        return USEC_NEVER;
    usec_t gap = w->config.streams == HLS_AUDIO ? HLS_AUDIO_GAP : HLS_VIDEO_GAP;
    usec_t due = w->file.start + w->config.target + HLS_IDLE, end = media_end(w) + gap;
    return due > end ? due : end;
}

/* By the clock a frame waits longer than by media time: it may still be on its way here. */
static usec_t order_at(const struct hls_writer *w)
{
    usec_t at = together(w) && !w->failed ? interleave_deadline(&w->order) : USEC_NEVER;
    return at == USEC_NEVER ? at : at + HLS_HOLD;
}

void hls_writer_tick(struct hls_writer *w, usec_t now)
{
    if (now >= order_at(w)) {
        interleave_tick(&w->order, now - HLS_HOLD);
        emit_ordered(w, false);
    }
    if (now >= idle_at(w))
        finish_segment(w, media_end(w));
}

usec_t hls_writer_deadline(const struct hls_writer *w)
{
    usec_t idle = idle_at(w), order = order_at(w);
    return idle < order ? idle : order;
}

bool hls_writer_wants_key(const struct hls_writer *w)
{
    if (w->config.streams == HLS_AUDIO || w->failed)
        return false;
    if (!w->file.open || !w->file.ts.video || w->need_key)
        return !together(w) || !w->video_seen || w->need_key || !w->file.open;
    return age(w, media_end(w)) >= w->config.target;
}

int hls_writer_finish(struct hls_writer *w, bool end)
{
    if (together(w))
        emit_ordered(w, true);
    struct sink_file file = { 0 };
    if (w->file.open && !w->failed)
        close_segment(w, media_end(w), &file);
    if (w->failed || !w->playlist || (!file.name && !end))
        return w->failed;
    int err = hls_playlist_publish(w->playlist, w->config.sink, end);
    if (err)
        fail(w, err);
    else
        tell_segment(w, &file);
    return w->failed;
}

struct hls_playlist *hls_writer_detach_playlist(struct hls_writer *w)
{
    struct hls_playlist *p = w->playlist;
    w->playlist = NULL;
    return p;
}

const struct hls_stats *hls_writer_stats(const struct hls_writer *w)
{
    return &w->stats;
}

static bool keep_text(struct hls_writer *w, int slot, const char **text)
{
    if (!*text)
        return true;
    w->texts[slot] = str_dup(bytes_str(*text));
    *text = w->texts[slot];
    return *text != NULL;
}

static bool keep_texts(struct hls_writer *w)
{
    struct hls_config *c = &w->config;
    return keep_text(w, 0, &c->names.room_id) && keep_text(w, 1, &c->names.user_id) &&
           keep_text(w, 2, &c->names.user_define) && keep_text(w, 3, &c->version) &&
           keep_text(w, 4, &c->date);
}

/* The longest names fit, so none fails later. */
static int check(const struct hls_config *c)
{
    char name[NAMES_SIZE];
    int err = names_segment(name, &c->names, 0);
    if (!err)
        err = names_playlist(name, &c->names, c->playlist_index);
    if (err)
        return ERR_RANGE;
    bool silent = c->silence[0].len && c->silence[1].len;
    return c->version && c->date && c->sink && (c->streams != HLS_AUDIO_VIDEO || silent)
               ? OK
               : ERR_RANGE;
}

int hls_writer_new(struct hls_writer **out, const struct hls_config *config,
                   struct hls_playlist *playlist)
{
    static const enum names_type type[] = {
        [HLS_AUDIO] = NAMES_AUDIO,
        [HLS_VIDEO] = NAMES_VIDEO,
        [HLS_AUDIO_VIDEO] = NAMES_AUDIO_VIDEO,
    };
    struct hls_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->config = *config;
    w->config.names.type = type[config->streams];
    if (!w->config.target)
        w->config.target = HLS_TARGET;
    w->audio.last = w->audio.end = w->video.last = w->video.end = USEC_UNSET;
    w->last_end =
        playlist && hls_playlist_segments(playlist) ? hls_playlist_end(playlist) : USEC_UNSET;
    interleave_init(&w->order, HLS_START_HOLD, HLS_HOLD);
    avc_params_init(&w->seen);
    avc_params_init(&w->written);
    ts_file_init(&w->file, config->sink);

    int err = keep_texts(w) ? check(&w->config) : ERR_NOMEM;
    if (err) {
        hls_writer_free(w);
        return err;
    }
    w->playlist = playlist;
    *out = w;
    return OK;
}

void hls_writer_free(struct hls_writer *w)
{
    if (!w)
        return;
    interleave_fini(&w->order);
    ts_file_fini(&w->file);
    avc_params_fini(&w->seen);
    avc_params_fini(&w->written);
    hls_playlist_free(w->playlist);
    for (size_t i = 0; i < sizeof w->texts / sizeof *w->texts; i++)
        free(w->texts[i]);
    free(w);
}
