#include "base/err.h"
#include "segment/hls_parts.h"

#define RETRY (1 * SEC) /* audio after a full sink */

void hls_fail(struct hls_writer *w, int err)
{
    if (w->failed)
        return;
    w->failed = err;
    ts_file_abandon(&w->file);
    if (w->config.events.on_failed)
        w->config.events.on_failed(w->config.events.ctx, err);
}

void hls_tell_gap(struct hls_writer *w, usec_t from, usec_t to, enum hls_gap reason)
{
    if (w->config.events.on_gap && to > from)
        w->config.events.on_gap(w->config.events.ctx, from, to, reason);
}

usec_t hls_media_end(const struct hls_writer *w)
{
    return w->audio.end > w->video.end ? w->audio.end : w->video.end;
}

usec_t hls_age(const struct hls_writer *w, usec_t time)
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
        hls_fail(w, ERR_NOMEM);
    else if (w->config.events.on_started)
        w->config.events.on_started(w->config.events.ctx, hls_playlist_start(w->playlist));
}

/* Time does not go on from the last segment to one that begins at `start`. */
static bool gap_before(const struct hls_writer *w, usec_t start)
{
    return w->last_end != USEC_UNSET && (start != w->last_end || w->reason == HLS_GAP_OVERFLOW);
}

/* Marks the segment that begins at `start` by how it follows the last one. */
static void mark(struct hls_writer *w, usec_t start, bool format)
{
    w->gap = gap_before(w, start);
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

void hls_open_segment(struct hls_writer *w, usec_t start, bool video, bool format)
{
    usec_t zero = w->playlist ? hls_playlist_start(w->playlist) : start / MSEC * MSEC;
    char name[NAMES_SIZE];
    names_segment(name, &w->config.names, start);
    int err = ts_file_begin(&w->file, name, zero, start, video, w->config.streams != HLS_VIDEO,
                            gap_before(w, start) || format);
    if (err == ERR_LIMIT) {
        sink_full(w, start);
        return;
    }
    if (err) {
        hls_fail(w, err);
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
    bool audio = w->file.ts.audio;
    const struct h264_sps *video = w->file.ts.video ? h264_params_sps(&w->written) : NULL;
    struct hls_segment s = {
        .name = file->name,
        .start = file->start,
        .duration = file->duration,
        .bytes = file->bytes,
        .discontinuity = w->discontinuity,
        .gap = w->gap,
        .channels = audio ? (w->channels ? w->channels : 1) : 0,
        .width = video ? video->width : 0,
        .height = video ? video->height : 0,
    };
    w->stats.segments++;
    w->stats.bytes += file->bytes;
    int err = hls_playlist_add(w->playlist, &s);
    if (err)
        hls_fail(w, err);
}

void hls_close_segment(struct hls_writer *w, usec_t end, struct sink_file *file)
{
    bool was_full = w->file.full;
    int err = ts_file_finish(&w->file, end, hls_playlist_name(w->playlist), file);
    if (err && err != ERR_LIMIT) {
        hls_fail(w, err);
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
        hls_tell_gap(w, w->last_end, file->start, w->gap_reason);
    w->last_end = file->start + file->duration;
    list_segment(w, file);
}

void hls_tell_segment(struct hls_writer *w, const struct sink_file *file)
{
    if (file->name && w->config.events.on_segment)
        w->config.events.on_segment(w->config.events.ctx, file);
}

void hls_finish_segment(struct hls_writer *w, usec_t end)
{
    struct sink_file file = { 0 };
    hls_close_segment(w, end, &file);
    if (w->failed || !file.name)
        return;
    int err = hls_playlist_publish(w->playlist, w->config.sink, false);
    if (err)
        hls_fail(w, err);
    else
        hls_tell_segment(w, &file);
}

void hls_written(struct hls_writer *w, int err, usec_t time)
{
    if (w->flush_at == USEC_NEVER)
        w->flush_at = time + HLS_FLUSH;
    if (!err) {
        w->stats.frames++;
    } else if (err == ERR_LIMIT) {
        sink_full(w, time);
        hls_finish_segment(w, w->file.safe_end);
    } else {
        hls_fail(w, err);
    }
}

bool hls_make_cut(struct hls_writer *w, enum cut cut, usec_t time, bool video)
{
    if (cut == CUT_NONE)
        return true;
    if (hls_age(w, time) < HLS_MIN_SEGMENT) {
        w->stats.broken++;
        return false;
    }
    bool format = cut == CUT_FORMAT || w->file.ts.video != video;
    if (hls_flows(cut))
        hls_fill_silence(w, time + AAC_DURATION - 2 * ROUNDING);
    if (!w->file.open || w->failed)
        return false;
    w->reason = cut == CUT_STEP ? HLS_GAP_STEP : HLS_GAP_MEDIA;
    hls_finish_segment(w, hls_flows(cut) ? time : hls_media_end(w));
    if (!w->failed)
        hls_open_segment(w, time, video, format);
    return w->file.open;
}
