/* A transport stream of one programme (ISO/IEC 13818-1): H.264 video, AAC audio, or both. Frames go
 * in, packets come out at the end of a buffer; where they go is the caller's affair. Knows nothing
 * of segments: the caller begins each with the tables. Times are 90 kHz ticks since the caller's
 * zero, 0 or above and as long as one likes: wrapping to 33 bits is done here. The clock reference
 * runs TS_LEAD behind the frames, on the video's PID when there is video, and stands at least every
 * TS_PCR_MAX in time, in packets of its own when no frame comes. Single thread. */
#ifndef SEGMENT_TS_H
#define SEGMENT_TS_H

#include "base/buf.h"

#define TS_PACKET 188
#define TS_CLOCK  90000

#define TS_PID_PAT   0
#define TS_PID_PMT   0x1000
#define TS_PID_VIDEO 0x100
#define TS_PID_AUDIO 0x101
#define TS_PID_NULL  0x1fff

#define TS_LEAD    (TS_CLOCK / 5)  /* 200 ms: what a decoder may buffer */
#define TS_PCR_MAX (TS_CLOCK / 10) /* 2.7.2: 100 ms */

struct ts {
    bool video, audio;                          /* what the tables say */
    uint8_t version;                            /* of the programme map, 5 bits */
    uint8_t cc_pat, cc_pmt, cc_video, cc_audio; /* the next continuity counters */
    int64_t pcr;                                /* last written, -1 before */
    bool discontinuity;                         /* to be said with the next clock reference */
    struct buf pes;                             /* the packet being built; its memory is kept */
};

void ts_init(struct ts *t);
void ts_fini(struct ts *t);

/* Appends the tables. A change of what they say raises the version; the clock reference starts anew
 * with the next frame. */
void ts_put_tables(struct ts *t, struct buf *out, bool video, bool audio);

/* What follows does not continue what came before (a gap, another format): the next clock reference
 * carries discontinuity_indicator (2.4.3.5). The playlist says it with DISCONTINUITY; here it
 * stands where a crash finds it. */
void ts_mark_discontinuity(struct ts *t);

/* One access unit, a byte stream with its delimiter, in t->pes from ts_pes_begin on:
 *     struct buf *pes = ts_pes_begin(t, TS_VIDEO, pts);
 *     ...put the payload into pes...
 *     ts_pes_end(t, TS_VIDEO, out, pts, key);
 * Audio: one or more ADTS frames, `pts` is the first one's; `random_access` is true. Both return
 * the error of a buffer (then `out` may hold a piece of the frame). */
enum ts_track { TS_VIDEO, TS_AUDIO };
struct buf *ts_pes_begin(struct ts *t, enum ts_track track, int64_t pts);
int ts_pes_end(struct ts *t, enum ts_track track, struct buf *out, int64_t pts, bool random_access);

/* Appends null packets (2.4.3.3), which readers skip. */
void ts_put_padding(struct buf *out, unsigned packets);

/* Annex A: the CRC of sections. */
uint32_t ts_crc32(struct bytes b);

#endif
