/* Frames of one stream in, MP4 or AAC files out (design "Files"): for the formats what
 * segment/hls_writer.h is for playlists, and of the same shape.
 *
 *   frames --> [interleave: audio + video only] --> split? --> media_format --> sink (body,
 * journal)
 *
 * One file goes on as long as it may: holes stay holes in time (silence, a longer last picture), so
 * that file time is wall time minus START. The writer itself goes on too when the session that
 * sends is replaced or away for a while: media_writer_pause, later pushes; it may change its thread
 * in between.
 *
 * A file ends, and the next one begins where it ends, at the first undamaged key frame (where no
 * video flows: at the first audio frame) at or after `max_duration`; below MEDIA_MAX_BYTES, at a
 * key frame when there is one in time; and where something cannot follow in the same file. Its
 * first file has the plain name, then `_2`, `_3`.
 *
 * A full sink: video up to the next key frame and what else it refuses is lost and told as a gap. A
 * failing sink: on_failed, then nothing is written any more; what it has stays, to be finished from
 * the journal. Never blocks. Single thread; events are called from inside the functions below, and
 * must not call back into the writer. */
#ifndef SEGMENT_MEDIA_WRITER_H
#define SEGMENT_MEDIA_WRITER_H

#include "segment/file_format.h"
#include "segment/hls_writer.h"

struct media_writer;

#define MEDIA_MAX_DURATION (24 * 3600 * SEC)
#define MEDIA_MAX_BYTES    ((uint64_t)2000000000)
#define MEDIA_SPARE_BYTES  ((uint64_t)100000000) /* below that: the next key frame splits */
#define MEDIA_LAST_BYTES   ((uint64_t)10000000)  /* below that: anything splits */

struct media_config {
    const struct file_format *format;
    struct names names;  /* `type` does not matter */
    usec_t max_duration; /* 0: MEDIA_MAX_DURATION, which bounds it too */
    uint64_t max_bytes;  /* 0: MEDIA_MAX_BYTES */
    enum media_fill fill;
    struct bytes
        silence[2];    /* silent AAC frame, mono and stereo (aac_silence); outlive the writer */
    bool drop_damaged; /* leave out damaged video up to the next key frame */
    struct sink *sink; /* must outlive the writer */
};

/* All texts are copied. ERR_NOMEM; ERR_RANGE: the names are not usable, or silence is missing. */
int media_writer_new(struct media_writer **out, const struct media_config *config);

/* An open file is abandoned (finish first). NULL is fine. */
void media_writer_free(struct media_writer *w);

/* Who hears of it from now on (on_started: START of the first file, once in the writer's life;
 * on_segment: a file was given to the sink whole), and what will come: a kind that will not is not
 * waited for. */
void media_writer_resume(struct media_writer *w, const struct hls_events *events, bool audio,
                         bool video);

/* As hls_writer_push. */
int media_writer_push(struct media_writer *w, struct frame *f);

/* Server clock. */
void media_writer_tick(struct media_writer *w, usec_t now);
usec_t media_writer_deadline(const struct media_writer *w);

/* A key frame would help now. */
bool media_writer_wants_key(const struct media_writer *w);

/* Writes out what waits; the file stays open. Events are not called any more. Returns the error
 * that on_failed told. */
int media_writer_pause(struct media_writer *w);

/* Writes out what waits and ends the file; nothing may be pushed afterwards. */
int media_writer_finish(struct media_writer *w);

/* `segments`: files given to the sink. */
const struct hls_stats *media_writer_stats(const struct media_writer *w);

#endif
