/* Inside the HLS writer: its state, and what its files do for each other. For hls_*.c only.
 *   hls_segment   opens, closes and lists segments, tells events
 *   hls_audio     one audio frame in order: late? cut? silence before it?
 *   hls_video     one video frame in order: can it begin, can it continue? cut?
 *   hls_writer    the public side: order, clock, life */
#ifndef SEGMENT_HLS_PARTS_H
#define SEGMENT_HLS_PARTS_H

#include "segment/hls_writer.h"
#include "segment/interleave.h"
#include "segment/ts_file.h"

#define AAC_DURATION 21333 /* of 1024 samples */
#define ROUNDING     (1 * MSEC)
#define STEP_HOLE    (100 * MSEC) /* a marked discontinuity with less of a hole is no step */

struct hls_writer {
    struct hls_config config;
    char *texts[5]; /* what config points to */
    struct hls_playlist *playlist;
    struct interleave order; /* HLS_AUDIO_VIDEO */
    struct ts_file file;
    struct h264_params seen, written; /* parameter sets that came, and those of the open segment */

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
    usec_t flush_at;       /* server clock; when to look again whether frames still come */
    uint64_t flush_frames; /* stats.frames when looked at last */
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

static inline bool hls_flows(enum cut cut)
{
    return cut == CUT_NONE || cut == CUT_FLOW || cut == CUT_FORMAT;
}

static inline bool hls_together(const struct hls_writer *w)
{
    return w->config.streams == HLS_AUDIO_VIDEO;
}

/* ---- hls_segment ---- */

/* The first error: abandons what is open, tells it, and stops the writer. */
void hls_fail(struct hls_writer *w, int err);
void hls_tell_gap(struct hls_writer *w, usec_t from, usec_t to, enum hls_gap reason);
void hls_tell_segment(struct hls_writer *w,
                      const struct sink_file *file); /* nothing without a name */

usec_t hls_media_end(const struct hls_writer *w);        /* of what is written, audio or video */
usec_t hls_age(const struct hls_writer *w, usec_t time); /* of the open segment; 0 without one */

/* Opens a segment at `start`; it is not open afterwards when the sink is full or failed. `format`:
 * what follows is of another kind than before. */
void hls_open_segment(struct hls_writer *w, usec_t start, bool video, bool format);

/* Closes the open segment at `end`, or before when the sink is full. The playlist has it, but is
 * not published. `file` is left without a name when nothing was kept. */
void hls_close_segment(struct hls_writer *w, usec_t end, struct sink_file *file);

/* Closes, publishes and tells. */
void hls_finish_segment(struct hls_writer *w, usec_t end);

/* What a write into the open segment came to. */
void hls_written(struct hls_writer *w, int err, usec_t time);

/* Makes way for a frame at `time`; false: the frame comes too soon after the last cut, and is
 * dropped. */
bool hls_make_cut(struct hls_writer *w, enum cut cut, usec_t time, bool video);

/* ---- hls_audio ---- */

void hls_emit_audio(struct hls_writer *w, const struct frame *f);

/* Audio and video together: silent frames from the end of the audio, as many as end at or before
 * `until`. */
void hls_fill_silence(struct hls_writer *w, usec_t until);

/* ---- hls_video ---- */

void hls_emit_video(struct hls_writer *w, const struct frame *f);

#endif
