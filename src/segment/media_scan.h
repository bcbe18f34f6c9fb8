/* What a journal comes to: one reading of it, up to its end, its first bad record or the first
 * sample that the body does not hold any more. From this the index is built, a torn file cut, and
 * the summary written. Pure; memory does not grow with the journal. */
#ifndef SEGMENT_MEDIA_SCAN_H
#define SEGMENT_MEDIA_SCAN_H

#include "segment/media_journal.h"

/* Between the file's time and a track's ticks, to the nearest: ticks to time and back gives the
 * same ticks. Times are small enough (JOURNAL_MAX_US, JOURNAL_MAX_TICK). */
int64_t media_to_ticks(usec_t us, uint32_t timescale);
usec_t media_to_us(int64_t ticks, uint32_t timescale);

/* A run of a track's samples that lie together in the body and are coded alike. */
struct media_chunk {
    uint8_t track, entry;
    uint32_t samples;
    uint64_t offset;
};

#define MEDIA_CHUNK_SAMPLES 64

/* Samples in, chunks out: put gives the chunk that the sample has ended, end the last one. */
struct media_chunker {
    struct media_chunk open; /* .samples 0: none */
};

bool media_chunker_put(struct media_chunker *c, const struct journal_sample *s,
                       struct media_chunk *closed);
bool media_chunker_end(struct media_chunker *c, struct media_chunk *closed);

struct media_scan_track {
    bool known; /* declared */
    uint8_t kind;
    uint32_t timescale, priming;
    unsigned entries;
    uint16_t width, height, channels; /* largest */

    uint64_t samples, sync; /* all; of these key ones */
    uint64_t bytes;
    uint32_t largest;         /* sample */
    int64_t first, last, end; /* ticks; `end` is that of the last sample */
    uint32_t last_duration;
    uint64_t time_runs, chunk_runs, chunks; /* entries of stts, stsc, stco */
};

struct media_scan {
    struct journal_header header; /* texts in `texts` */
    char texts[2][JOURNAL_MAX_TEXT + 1];
    struct media_scan_track track[JOURNAL_MAX_TRACKS];
    uint64_t body;     /* bytes of the samples */
    uint64_t samples;  /* of all tracks */
    uint64_t good;     /* bytes of the journal that are believed */
    uint32_t checksum; /* there */
    bool ended;        /* with its END */
    bool cut;          /* ended by a sample that the body does not hold */
    bool placed;       /* PLACED was seen, with `head` */
    uint64_t head;
    usec_t end;                     /* from the start */
    struct journal_summary summary; /* without .bytes and .cut_bytes */
};

/* ERR_AGAIN: the journal is empty; ERR_MALFORMED, ERR_UNSUPPORTED: it cannot be read from its very
 * header on; ERR_EXISTS: it is a short one, of a finished file; ERR_IO. A torn one is OK, and so is
 * one without samples. */
int media_scan(struct media_scan *out, struct journal_source *journal, uint64_t body_bytes);

/* Walks the items that a scan has seen. False at the end; then *err tells whether it was reached.
 */
struct media_walk {
    struct journal_reader *reader;
    uint64_t body;
};

int media_walk_begin(struct media_walk *w, struct journal_source *journal, uint64_t body_bytes);
bool media_walk_next(struct media_walk *w, struct journal_item *item, int *err);
void media_walk_end(struct media_walk *w);

#endif
