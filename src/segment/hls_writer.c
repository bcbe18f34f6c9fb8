#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/hls_parts.h"

static void emit(struct hls_writer *w, const struct frame *f)
{
    if (w->failed)
        return;
    if (codec_kind(f->codec) == MEDIA_VIDEO)
        hls_emit_video(w, f);
    else
        hls_emit_audio(w, f);
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
    if (hls_together(w) && !w->failed)
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
    usec_t due = w->file.start + w->config.target + HLS_IDLE, end = hls_media_end(w) + gap;
    return due > end ? due : end;
}

/* By the clock a frame waits longer than by media time: it may still be on its way here. */
static usec_t order_at(const struct hls_writer *w)
{
    usec_t at = hls_together(w) && !w->failed ? interleave_deadline(&w->order) : USEC_NEVER;
    return at == USEC_NEVER ? at : at + HLS_HOLD;
}

static usec_t flush_at(const struct hls_writer *w)
{
    return w->file.open && !w->failed ? w->flush_at : USEC_NEVER;
}

/* A pause: what was written before it must not wait in memory for what comes after. */
static void flush_when_quiet(struct hls_writer *w, usec_t now)
{
    bool quiet = w->flush_frames == w->stats.frames;
    w->flush_frames = w->stats.frames;
    w->flush_at = quiet ? USEC_NEVER : now + HLS_FLUSH;
    if (!quiet)
        return;
    int err = ts_file_flush(&w->file);
    if (err)
        hls_written(w, err, hls_media_end(w));
}

void hls_writer_tick(struct hls_writer *w, usec_t now)
{
    if (now >= flush_at(w))
        flush_when_quiet(w, now);
    if (now >= order_at(w)) {
        interleave_tick(&w->order, now - HLS_HOLD);
        emit_ordered(w, false);
    }
    if (now >= idle_at(w))
        hls_finish_segment(w, hls_media_end(w));
}

usec_t hls_writer_deadline(const struct hls_writer *w)
{
    usec_t idle = idle_at(w), order = order_at(w);
    usec_t next = idle < order ? idle : order, flush = flush_at(w);
    return next < flush ? next : flush;
}

bool hls_writer_wants_key(const struct hls_writer *w)
{
    if (w->config.streams == HLS_AUDIO || w->failed)
        return false;
    if (!w->file.open || !w->file.ts.video || w->need_key)
        return !hls_together(w) || !w->video_seen || w->need_key || !w->file.open;
    return hls_age(w, hls_media_end(w)) >= w->config.target;
}

int hls_writer_finish(struct hls_writer *w, bool end)
{
    if (hls_together(w))
        emit_ordered(w, true);
    struct sink_file file = { 0 };
    if (w->file.open && !w->failed)
        hls_close_segment(w, hls_media_end(w), &file);
    if (w->failed || !w->playlist || (!file.name && !end))
        return w->failed;
    int err = hls_playlist_publish(w->playlist, w->config.sink, end);
    if (err)
        hls_fail(w, err);
    else
        hls_tell_segment(w, &file);
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
    w->flush_at = USEC_NEVER;
    interleave_init(&w->order, HLS_START_HOLD, HLS_HOLD);
    h264_params_init(&w->seen);
    h264_params_init(&w->written);
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
    hls_playlist_free(w->playlist);
    for (size_t i = 0; i < sizeof w->texts / sizeof *w->texts; i++)
        free(w->texts[i]);
    free(w);
}
