#include "segment/adts.h"
#include "segment/hls_parts.h"

#define AUDIO_OVERLAP (22 * MSEC) /* audio may begin a frame before filled-in silence ends */

static void write_audio(struct hls_writer *w, usec_t time, usec_t end, struct bytes raw,
                        unsigned channels)
{
    int err = ts_file_audio(&w->file, time, end, raw, channels);
    w->audio.last = time;
    w->audio.end = end;
    hls_written(w, err, time);
}

/* Start of the next silent frame, or of one `more` frames later. Each has 1024 samples at 48 kHz,
 * 64000 / 3 us. */
static usec_t silence_time(const struct hls_writer *w, usec_t more)
{
    return w->silence.base + ((w->silence.frames + more) * 64000 + 1) / 3;
}

void hls_fill_silence(struct hls_writer *w, usec_t until)
{
    if (!hls_together(w))
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

static bool video_active(const struct hls_writer *w, usec_t time)
{
    return w->file.ts.video && time - w->video.end <= HLS_VIDEO_GAP;
}

static enum cut audio_cut(const struct hls_writer *w, const struct frame *f, unsigned channels)
{
    usec_t hole = f->time - hls_media_end(w);
    if (hole > (hls_together(w) ? HLS_VIDEO_GAP : HLS_AUDIO_GAP))
        return CUT_GAP;
    if (video_active(w, f->time))
        return CUT_NONE; /* only a key frame may cut */
    if (f->discontinuity && hole > STEP_HOLE)
        return CUT_STEP;
    if (w->channels && channels != w->channels)
        return CUT_FORMAT;
    return hls_age(w, f->time) >= w->config.target ? CUT_FLOW : CUT_NONE;
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
    bool video = hls_together(w) && w->video_seen;
    bool was_open = w->file.open;
    usec_t start = w->file.start;
    if (was_open) {
        if (!hls_make_cut(w, audio_cut(w, f, channels), f->time, video))
            return false;
    } else if (f->time >= w->retry_at) {
        hls_open_segment(w, f->time, video, false);
    }
    if (w->file.open && (!was_open || w->file.start != start))
        w->need_key = true;
    return w->file.open;
}

void hls_emit_audio(struct hls_writer *w, const struct frame *f)
{
    struct bytes raw = bytes_of(f->data, f->size);
    unsigned channels = adts_channels(raw);
    if (!channels || raw.len > ADTS_MAX_PAYLOAD) {
        w->stats.broken++;
    } else if (audio_late(w, f)) {
        w->stats.late++;
    } else if (audio_segment(w, f, channels)) {
        hls_fill_silence(w, f->time);
        w->channels = channels;
        if (w->file.open && !w->failed)
            write_audio(w, f->time, f->time + (f->duration > 0 ? f->duration : AAC_DURATION), raw,
                        channels);
    }
}
