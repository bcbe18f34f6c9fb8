/* The journal of a media file in the making (design "Files"): NAME.idx beside the body NAME.part.
 * The body holds samples as they come, one after the other; the journal says what they are, and is
 * the authority: the index is made from it at the end, after a crash too.
 *
 *     journal = record...            only ever appended to
 *     record  = u32 size, u8 type, payload[size], u32 checksum       (big-endian)
 *
 * The checksum is the CRC-32 of the record's bytes before it, continued from the checksum of the
 * record before. So a torn, changed, missing or repeated record ends what is believed. The first
 * record is the header with the schema version. Types from 128 on are passed over by a reader that
 * does not know them (uploaded parts of a later day); others end the reading.
 *
 *     HEADER  u16 schema, u8 format, u8 fill, u16 part, i64 start, text user, text media
 *     TRACK   u8 track, u8 kind, u32 timescale, u32 priming
 *     ENTRY   u8 track, u16 width or channels, u16 height, bytes config
 *     SAMPLES u16 count, then each: u8 track and flags, [u8 entry], varint size, varint delta
 *     GAP     u8 reason, i64 from, i64 to
 *     END     i64 end
 *     PLACED  u64 head
 *     SUMMARY what a finished file came to; the journal is then header and summary alone
 *
 * Pure, apart from the callback that fetches a journal's bytes. One thread at a time for an object.
 */
#ifndef SEGMENT_MEDIA_JOURNAL_H
#define SEGMENT_MEDIA_JOURNAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"

#define JOURNAL_SCHEMA      1
#define JOURNAL_SUFFIX      ".idx"
#define JOURNAL_MAX_RECORD  (32u << 10) /* bytes of payload */
#define JOURNAL_MAX_CONFIG  (16u << 10) /* bytes of an entry's config */
#define JOURNAL_MAX_TEXT    512         /* bytes of user and media */
#define JOURNAL_MAX_TRACKS  4
#define JOURNAL_MAX_ENTRIES 64                 /* of one track */
#define JOURNAL_MAX_SAMPLE  (8u << 20)         /* bytes of one sample */
#define JOURNAL_MAX_DELTA   ((int64_t)1 << 31) /* ticks between two samples of a track */
#define JOURNAL_MAX_TICK    ((int64_t)1 << 48) /* either side of the start */
#define JOURNAL_MIN_SCALE   1000               /* ticks a second */
#define JOURNAL_MAX_SCALE   1000000
#define JOURNAL_MAX_US      ((usec_t)1 << 52) /* about 142 years */
#define JOURNAL_MAX_BODY    ((uint64_t)1 << 48)

enum media_format { MEDIA_FORMAT_MP4 = 1, MEDIA_FORMAT_ADTS = 2 };
enum media_fill { MEDIA_FILL_LAST = 0, MEDIA_FILL_BLACK = 1 }; /* FillType */
enum journal_track_kind { JOURNAL_VIDEO_H264 = 1, JOURNAL_AUDIO_AAC = 2 };

enum journal_gap_reason {
    JOURNAL_GAP_MEDIA = 0,    /* none came */
    JOURNAL_GAP_STEP = 1,     /* the timeline stepped forward */
    JOURNAL_GAP_OVERFLOW = 2, /* the sink was full */
    JOURNAL_GAP_DAMAGE = 3,   /* damaged or late video was dropped up to a key frame */
};

enum journal_kind {
    JOURNAL_HEADER = 1,
    JOURNAL_TRACK = 2,
    JOURNAL_ENTRY = 3,
    JOURNAL_SAMPLE = 4,
    JOURNAL_GAP = 5,
    JOURNAL_END = 6,
    JOURNAL_SUMMARY = 7,
    JOURNAL_PLACED = 8,
};

/* Once, first. Texts may hold anything but are limited (JOURNAL_MAX_TEXT). */
struct journal_header {
    uint8_t format;     /* enum media_format */
    uint8_t fill;       /* enum media_fill */
    uint16_t part;      /* of a split file: 0 for the first, then as in its name (2, 3) */
    usec_t start;       /* Unix time of the server clock, file time zero */
    struct bytes user;  /* recorded user; empty: mixed */
    struct bytes media; /* "main", "aux", "mix" */
};

/* Before the track's first entry. Numbers go up from 0. */
struct journal_track {
    uint8_t track;
    uint8_t kind;       /* enum journal_track_kind */
    uint32_t timescale; /* ticks a second of its samples */
    uint32_t priming;   /* ticks at its front that a decoder needs and nobody hears */
};

/* What samples from here on are coded with, or on `entry` of later samples. Numbered in order of
 * appearance, from 0, in each track. */
struct journal_entry {
    uint8_t track;
    uint16_t width, height; /* video; pixels */
    uint16_t channels;      /* audio */
    struct bytes config; /* video: AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1); audio:
                            AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) */
};

enum {
    JOURNAL_KEY = 1,     /* decoding can start here */
    JOURNAL_DAMAGED = 2, /* follows a loss in its prediction chain */
    JOURNAL_FILLED = 4,  /* of our making: silence, a black picture */
};

/* In the order of the body, without holes. */
struct journal_sample {
    uint8_t track, entry;
    uint8_t flags;
    uint32_t size;   /* bytes, at least 1 */
    int64_t tick;    /* from the start, in the track's timescale; grows from sample to sample of a
                        track. Below zero: run-in that is not shown */
    uint64_t offset; /* in the body; counted by the reader, the writer does not look */
};

/* Times of the file, from the start. */
struct journal_gap {
    uint8_t reason; /* enum journal_gap_reason */
    usec_t from, to;
};

/* The file is complete: nothing follows. */
struct journal_end {
    usec_t end; /* of the file's media, from the start */
};

/* After the end, or in its place after a crash: the body is now `head` bytes further back in its
 * file, or is just being moved there. */
struct journal_placed {
    uint64_t head;
};

/* What became of it; everything that event 310 and a log need once NAME is gone. */
struct journal_summary {
    usec_t start, end;     /* Unix time; end = start + duration */
    uint64_t bytes;        /* of the whole file */
    uint64_t video, audio; /* samples; 0: no such track */
    uint64_t damaged;      /* samples marked so */
    uint64_t filled;       /* samples of our making */
    uint32_t gaps;
    usec_t gap_us;          /* their sum */
    uint16_t width, height; /* largest; 0 without video */
    bool torn;              /* finished after a crash, without its end */
    uint64_t cut_bytes;     /* torn bytes of body and journal that were cut */
};

struct journal_item {
    enum journal_kind kind;
    union {
        struct journal_header header;
        struct journal_track track;
        struct journal_entry entry;
        struct journal_sample sample;
        struct journal_gap gap;
        struct journal_end end;
        struct journal_summary summary;
        struct journal_placed placed;
    };
};

/* ---- Writer ---- */

struct journal_writer {
    struct buf out;    /* records not taken yet */
    uint32_t checksum; /* of the newest closed record */
    size_t batch_at;   /* of the open SAMPLES record in `out` */
    unsigned batch;    /* samples in it, 0: none is open */
    struct journal_writer_track {
        int64_t tick; /* of the newest sample */
        uint8_t entry;
        bool begun;
    } track[JOURNAL_MAX_TRACKS];
};

void journal_writer_init(struct journal_writer *w);
void journal_writer_fini(struct journal_writer *w);

/* A writer that goes on behind a journal's last whole record; for records other than samples.
 * `checksum`: journal_good_checksum there. */
void journal_writer_resume(struct journal_writer *w, uint32_t checksum);

/* Each puts one record; samples gather in a batch that any other record or the take closes.
 * What the limits above do not allow is the caller's mistake (assert). Errors stick in
 * w->out.err (ERR_NOMEM). */
void journal_put_header(struct journal_writer *w, const struct journal_header *h);
void journal_put_track(struct journal_writer *w, const struct journal_track *t);
void journal_put_entry(struct journal_writer *w, const struct journal_entry *e);
void journal_put_sample(struct journal_writer *w, const struct journal_sample *s);
void journal_put_gap(struct journal_writer *w, const struct journal_gap *g);
void journal_put_end(struct journal_writer *w, const struct journal_end *e);
void journal_put_summary(struct journal_writer *w, const struct journal_summary *s);
void journal_put_placed(struct journal_writer *w, const struct journal_placed *p);
void journal_put_item(struct journal_writer *w, const struct journal_item *item); /* any of these */

/* Samples that a crash would lose now. */
static inline unsigned journal_waiting(const struct journal_writer *w)
{
    return w->batch;
}

/* All whole records since the last take, to be appended to the journal in this order. Borrowed
 * until the next put or take. Empty when there is nothing. */
struct bytes journal_take(struct journal_writer *w);

/* ---- Reader ---- */

/* Where a journal's bytes come from; implementations put this first. */
struct journal_source {
    /* Up to `len` bytes at `pos`; fewer only at the end, then *got says how many. ERR_IO. */
    int (*read)(struct journal_source *source, uint64_t pos, void *to, size_t len, size_t *got);
};

struct journal_memory {
    struct journal_source source;
    struct bytes bytes;
};

void journal_memory_init(struct journal_memory *m, struct bytes bytes); /* borrowed */

struct journal_reader;

/* A reader is about 70 KiB, whatever the journal's length. `source` is borrowed. ERR_NOMEM. */
int journal_reader_new(struct journal_reader **out, struct journal_source *source);
void journal_reader_free(struct journal_reader *r); /* NULL is fine */
void journal_reader_rewind(struct journal_reader *r);

/* The next item; views in it are borrowed until the next call. What comes out keeps the rules above
 * (known tracks and entries, ticks that grow, limits), whatever the bytes are. ERR_AGAIN: the end,
 * at the border of a record. ERR_MALFORMED: a record that is torn, changed or breaks the rules;
 * ERR_UNSUPPORTED: a newer schema; ERR_IO. The errors stay. */
int journal_next(struct journal_reader *r, struct journal_item *out);

/* Bytes of the whole records that were read: where a torn journal is to be cut. */
uint64_t journal_good(const struct journal_reader *r);

/* The checksum there, which the next record goes on from. */
uint32_t journal_good_checksum(const struct journal_reader *r);

/* Header and summary of a short journal. ERR_BAD_STATE: it is no short one (not finished yet).
 * Texts of `header` are borrowed from `r`. Errors of journal_next; ERR_AGAIN: it is empty. */
int journal_read_summary(struct journal_reader *r, struct journal_header *header,
                         struct journal_summary *summary);

#endif
