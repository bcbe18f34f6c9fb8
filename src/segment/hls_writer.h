/* Frames of one playlist in, segments and playlist versions out (files.md 2 and 4; design "Files").
 *
 *   frames --> [interleave: audio + video only] --> cut? --> ts_file --> sink
 *                                                    '--> playlist ----> sink
 *
 * Times are Unix time of the server clock. A time stamp in a segment is frame time minus
 * START-REC-TIME, in 90 kHz ticks, with no offset, so FILE-ATTR start = START-REC-TIME + PTS of the
 * first sample. START-REC-TIME is the first frame's time, cut to milliseconds.
 *
 * Where a segment ends:
 *   - video: at the first undamaged key frame at or after the target duration; audio alone: at the
 * frame border there;
 *   - where parameter sets or the channel count change, or video joins audio: with DISCONTINUITY;
 *   - at a gap (no media for HLS_AUDIO_GAP or HLS_VIDEO_GAP), and at a frame that says its timeline
 * stepped: at the end of the media, with DISCONTINUITY and PROGRAM-DATE-TIME before the next. While
 * media flows the next segment starts where the one before ends. Video begins with an undamaged key
 * frame whose parameter sets are known; what comes before it is dropped. After a pause of video a
 * frame that is not a key frame goes on in the open segment (the picture stood still).
 *
 * Audio and video together: frames go out by time. One kind waits for the other at most HLS_HOLD,
 * at the very start audio waits for video HLS_START_HOLD. Audio is always in the tables; what is
 * missing is filled with silent frames. Missing video is absent.
 *
 * A full sink: what it took so far becomes a segment, the rest up to the next key frame (audio
 * alone: up to one second) is lost and told as a gap. A failing sink: on_failed, then nothing is
 * written any more. Never blocks. Single thread; events are called from inside the functions below,
 * and must not call back into the writer. */
#ifndef SEGMENT_HLS_WRITER_H
#define SEGMENT_HLS_WRITER_H

#include "media/frame.h"
#include "segment/playlist.h"

struct hls_writer;

#define HLS_TARGET    (10 * SEC)
#define HLS_AUDIO_GAP (1500 * MSEC)
#define HLS_VIDEO_GAP (3 * SEC) /* also audio and video together: both are missing */
#define HLS_IDLE                                                                                   \
    (5 * SEC) /* beyond the target: then an open segment without frames is closed by a tick */
#define HLS_HOLD        (1 * SEC)
#define HLS_START_HOLD  (2 * SEC)
#define HLS_FLUSH       (500 * MSEC) /* without frames: what is held back goes to the sink */
#define HLS_MIN_SEGMENT (100 * MSEC) /* a forced cut sooner than this drops the frame instead */

enum hls_gap {
    HLS_GAP_MEDIA,    /* none came, or none that decoding could start with */
    HLS_GAP_STEP,     /* the timeline stepped forward */
    HLS_GAP_OVERFLOW, /* the sink was full */
    HLS_GAP_DAMAGE,   /* damaged or late video was dropped up to a key frame; the segment goes on */
};

struct hls_events {
    void *ctx;
    void (*on_started)(
        void *ctx, usec_t begin); /* the first frame of the playlist's first segment; whole ms */
    void (*on_segment)(void *ctx,
                       const struct sink_file *file); /* segment and playlist are with the sink */
    void (*on_gap)(void *ctx, usec_t from, usec_t to,
                   enum hls_gap reason); /* before the segment after it is told */
    void (*on_failed)(void *ctx, int err);
}; /* each may be NULL; pointers are borrowed for the call */

struct hls_config {
    struct names names;      /* `type` is set from `streams` */
    unsigned playlist_index; /* of the playlist's name, 0 for the first */
    enum hls_streams streams;
    usec_t target;              /* 0: HLS_TARGET */
    const char *version, *date; /* see playlist.h */
    struct bytes silence[2];    /* HLS_AUDIO_VIDEO: silent AAC frame, mono and stereo (aac_silence);
                                   must outlive the    writer */
    bool drop_damaged;          /* leave out damaged video up to the next key frame */
    struct sink *sink;          /* must outlive the writer */
    struct hls_events events;
};

/* All texts are copied. `playlist`: one to go on with, then the writer's; NULL: a new one with the
 * first frame. On an error it stays the caller's. ERR_NOMEM; ERR_RANGE: the names are not usable,
 * or silence is missing. */
int hls_writer_new(struct hls_writer **out, const struct hls_config *config,
                   struct hls_playlist *playlist);

/* Frees; an open segment is abandoned (finish first). NULL is fine. */
void hls_writer_free(struct hls_writer *w);

/* One frame, borrowed (the writer takes a reference if it keeps it). H.264 or AAC as `streams`
 * says, in order of time. Frames that cannot be used are dropped and counted; that is OK.
 * ERR_UNSUPPORTED: codec not of this playlist; ERR_RANGE: the frame has no time; after on_failed,
 * its error. */
int hls_writer_push(struct hls_writer *w, struct frame *f);

/* Server clock. */
void hls_writer_tick(struct hls_writer *w, usec_t now);
usec_t hls_writer_deadline(const struct hls_writer *w); /* next useful tick; USEC_NEVER */

/* A key frame would help now: video cannot begin, or the segment is due. Ask the sender, with a
 * limit of your own. */
bool hls_writer_wants_key(const struct hls_writer *w);

/* Writes out what waits and closes the segment. `end`: with the last version of the playlist;
 * otherwise it can go on later. Nothing may be pushed afterwards. Without a single frame there is
 * no playlist, and nothing is written. Returns the error that on_failed told. */
int hls_writer_finish(struct hls_writer *w, bool end);

/* After finish(w, false): the playlist, now the caller's; NULL when there is none. To end it
 * without a further writer: hls_playlist_publish(p, sink, true). */
struct hls_playlist *hls_writer_detach_playlist(struct hls_writer *w);

struct hls_stats {
    uint64_t frames;   /* written */
    uint64_t waiting;  /* dropped: no key frame yet */
    uint64_t late;     /* dropped: time equal or back */
    uint64_t broken;   /* dropped: not in its own format, or cut too soon after a cut */
    uint64_t damaged;  /* marked so; written or dropped */
    uint64_t overflow; /* times the sink was full */
    uint64_t silent;   /* frames filled in */
    uint64_t segments, bytes;
};
const struct hls_stats *hls_writer_stats(const struct hls_writer *w);

#endif
