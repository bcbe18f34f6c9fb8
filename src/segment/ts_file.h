/* The segment being written: frames become transport stream packets, packets go to the sink in
 * pieces of about TS_FILE_CHUNK or TS_FILE_HELD of media, whichever comes first: what is still here
 * is lost in a crash. Always holds whole frames: after the sink has refused a piece,
 * what it took before is still a good segment (ts_file_finish after ERR_LIMIT). Single thread. */
#ifndef SEGMENT_TS_FILE_H
#define SEGMENT_TS_FILE_H

#include "media/frame.h"
#include "segment/annexb.h"
#include "segment/names.h"
#include "segment/sink.h"
#include "segment/ts.h"

#define TS_FILE_CHUNK       (64u << 10)
#define TS_FILE_HELD        (200 * MSEC)
#define TS_FILE_MIN_PACKETS 16 /* a shorter file is padded with null packets */
#define TS_FILE_BATCH       4  /* AAC frames in one PES packet: 85 ms */

struct ts_file {
    struct sink *sink;
    struct ts ts;    /* counters run on from file to file */
    struct buf out;  /* not yet given to the sink */
    bool open, full; /* full: the sink refused a piece; nothing more can be written */
    char name[NAMES_SIZE];
    usec_t zero, start;       /* where time stamps count from; the first sample */
    usec_t put_end, safe_end; /* end of what is in `out`, and of what the sink has; the duration of
                                 a newest picture is a guess */
    usec_t held_from;         /* the first frame in `out`; USEC_UNSET: none */
    uint64_t bytes;           /* the sink has */

    struct {
        struct buf adts;
        unsigned frames;
        usec_t start, end;
    } batch; /* audio not yet in `out` */
};

void ts_file_init(struct ts_file *f, struct sink *sink);
void ts_file_fini(struct ts_file *f); /* abandons an open file */

/* `zero` is at or before `start`. `discontinuity`: see ts_mark_discontinuity. ERR_LIMIT: the sink
 * is full, the file is not open; ERR_IO, ERR_NOMEM. */
int ts_file_begin(struct ts_file *f, const char *name, usec_t zero, usec_t start, bool video,
                  bool audio, bool discontinuity);

/* Both: ERR_LIMIT: the sink is full, finish the file; ERR_MALFORMED: the frame is broken, nothing
 * was written; ERR_IO, ERR_NOMEM. `params` go before a key frame without its own. */
int ts_file_video(struct ts_file *f, const struct frame *frame, const struct h264_params *params,
                  usec_t end);
int ts_file_audio(struct ts_file *f, usec_t time, usec_t end, struct bytes raw, unsigned channels);

/* Nothing comes for a while: hands what was written to the sink, and asks it not to wait either.
 * Errors as above. */
int ts_file_flush(struct ts_file *f);

/* Writes out the rest and closes. OK: the file is whole; `info` says what became visible, its
 * duration up to `end`, or less when the sink was full. ERR_LIMIT: there was nothing to keep, the
 * file was abandoned. ERR_IO, ERR_NOMEM: abandoned as well. */
int ts_file_finish(struct ts_file *f, usec_t end, const char *playlist, struct sink_file *info);

void ts_file_abandon(struct ts_file *f);

#endif
