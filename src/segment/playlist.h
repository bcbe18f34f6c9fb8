/* The text of an HLS media playlist (files.md 2) as it grows, segment by segment. A value of its
 * own that outlives its writer: when a user leaves and comes back, the next writer goes on with the
 * same playlist. The text is kept as bytes and only added to: a new segment costs its own lines.
 * Days of segments are about 20 bytes a second. Single thread at a time. */
#ifndef SEGMENT_PLAYLIST_H
#define SEGMENT_PLAYLIST_H

#include "base/clock.h"
#include "segment/names.h"
#include "segment/sink.h"

struct hls_playlist;

enum hls_streams { HLS_AUDIO, HLS_VIDEO, HLS_AUDIO_VIDEO }; /* the values of STREAM-TYPE */

struct hls_playlist_config {
    const char *name;     /* file name */
    const char *version;  /* TRTC-VERSION: short build id */
    const char *date;     /* TRTC-DATE: "YYYY-MM-DD hh:mm:ss +0800" */
    const char *media_id; /* "main", "aux", "mix" */
    const char
        *user_id; /* plain; "" in a mix. Line breaks and other control characters are left out */
    bool mix;
    enum hls_streams streams;
};

#define HLS_MIN_TARGET     10 /* seconds; TARGETDURATION is never less */
#define HLS_PLAYLIST_LIMIT (64u << 20)
#define HLS_ENDLIST        "#EXT-X-ENDLIST"

/* `start`: time of the first frame, START-REC-TIME. All texts are copied. NULL: out of memory. */
struct hls_playlist *hls_playlist_new(const struct hls_playlist_config *config, usec_t start);
void hls_playlist_free(struct hls_playlist *p); /* NULL is fine */

/* Takes up a text that hls_playlist_text gave once, to go on with it. ERR_MALFORMED: not of ours;
 * ERR_LIMIT: longer than it may be; ERR_NOMEM. */
int hls_playlist_read(struct hls_playlist **out, const char *name, struct bytes text);

struct hls_segment {
    const char *name;
    usec_t start, duration;
    uint64_t bytes;
    bool discontinuity;     /* after a gap or a change of format */
    bool gap;               /* time does not continue from the segment before: PROGRAM-DATE-TIME */
    unsigned channels;      /* audio of this segment; 0: none */
    unsigned width, height; /* video; 0: none */
};

/* Metadata lines are written when a value differs from that of the segments before. A duration
 * below 0.1 ms counts as 0.1 ms. ERR_LIMIT: the playlist is as long as it may be; ERR_NOMEM. The
 * text is then as before. */
int hls_playlist_add(struct hls_playlist *p, const struct hls_segment *s);

/* The whole text, borrowed until the next call. */
struct bytes hls_playlist_text(const struct hls_playlist *p);

/* Adds ENDLIST, after which nothing may be added. ERR_BAD_STATE: it is there; ERR_NOMEM. */
int hls_playlist_close(struct hls_playlist *p);

/* Gives the text as its next generation to the sink; `end`: with ENDLIST, after which nothing may
 * be added. The sink's errors; ERR_BAD_STATE: ended before. */
int hls_playlist_publish(struct hls_playlist *p, struct sink *sink, bool end);

const char *hls_playlist_name(const struct hls_playlist *p);
usec_t hls_playlist_start(const struct hls_playlist *p); /* START-REC-TIME, whole milliseconds */
usec_t hls_playlist_end(
    const struct hls_playlist *p); /* end of the last segment; the start when there is none */
usec_t hls_playlist_last(
    const struct hls_playlist *p); /* start of the last segment; USEC_UNSET: there is none */
bool hls_playlist_ended(const struct hls_playlist *p);
unsigned hls_playlist_segments(const struct hls_playlist *p);

#endif
