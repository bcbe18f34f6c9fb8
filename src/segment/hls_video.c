#include "base/err.h"
#include "segment/hls_parts.h"

#define FIRST_DURATION (40 * MSEC) /* of a lone video frame */

static bool startable(const struct hls_writer *w, const struct frame *f)
{
    return f->key && !f->damaged && h264_params_complete(&w->seen);
}

/* For a frame that a segment can begin with. */
static enum cut video_cut(const struct hls_writer *w, const struct frame *f)
{
    usec_t hole = f->time - hls_media_end(w);
    if (hole > HLS_VIDEO_GAP)
        return CUT_GAP;
    if (f->discontinuity && hole > STEP_HOLE)
        return CUT_STEP;
    if (!w->file.ts.video ||
        (h264_params_complete(&w->written) && !h264_params_equal(&w->seen, &w->written)))
        return CUT_FORMAT;
    return hls_age(w, f->time) >= w->config.target ? CUT_FLOW : CUT_NONE;
}

/* A frame that only continues: false, and counted, when there is nothing it could continue. */
static bool continues(struct hls_writer *w, const struct frame *f)
{
    if (w->file.open && f->time - hls_media_end(w) > w->config.target + HLS_IDLE)
        hls_finish_segment(w, hls_media_end(w));
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
        hls_open_segment(w, f->time, true, false);
        return w->file.open;
    }
    enum cut cut = video_cut(w, f);
    if (hls_flows(cut) && w->need_key && w->video.last >= w->file.start)
        hls_tell_gap(w, w->video.end, f->time, HLS_GAP_DAMAGE);
    bool room = hls_make_cut(w, cut, f->time, true);
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
    hls_fill_silence(w, f->time);
    if (!w->file.open || w->failed)
        return;
    int err = ts_file_video(&w->file, f, &w->seen, end);
    if (err == ERR_MALFORMED) {
        w->stats.broken++;
        return;
    }
    w->video.last = f->time;
    w->video.end = end;
    hls_written(w, err, f->time);
}

static void begin_video(struct hls_writer *w, const struct frame *f)
{
    if (!video_segment(w, f) || w->failed)
        return;
    w->need_key = false;
    w->written = w->seen;
    write_video(w, f);
}

void hls_emit_video(struct hls_writer *w, const struct frame *f)
{
    w->stats.damaged += f->damaged;
    if (f->time <= w->video.last || (w->file.open && f->time < w->file.start)) {
        w->stats.late++;
        w->need_key = true; /* what follows may build on it */
        return;
    }
    bool changed;
    if (h264_params_update(&w->seen, bytes_of(f->data, f->size), &changed)) {
        w->stats.broken++;
        w->need_key = true;
        return;
    }
    if (startable(w, f))
        begin_video(w, f);
    else if (continues(w, f))
        write_video(w, f);
}
