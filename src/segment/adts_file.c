/* An AAC file: ADTS frames one after the other, so that file time is the number of frames times
 * their length. Where sound is missing silent frames stand in. */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/adts.h"
#include "segment/file_format.h"
#include "segment/names.h"

#define SAMPLES      1024 /* of a frame */
#define RATE         48000
#define NOTE_FRAMES  8  /* a record of the journal for so many */
#define SILENCE_STEP 64 /* silent frames given to the sink at once */

struct media_file {
    struct sink *sink;
    struct journal_writer journal;
    struct buf piece; /* what is on its way to the sink */
    char name[NAMES_SIZE];
    struct bytes silence[2];
    usec_t start;
    uint64_t frames, bytes;
    unsigned channels; /* of the newest frame; 0 before */
    struct {
        uint8_t known[2]; /* number of the entry for mono and stereo, from 1; 0: none yet */
        uint8_t count;
    } entries;
    bool open;
};

/* Start of frame `n`, computed from n each time, so nothing accumulates. */
static usec_t time_of(const struct media_file *f, uint64_t n)
{
    return f->start + (usec_t)(n * SAMPLES * 1000 / (RATE / 1000));
}

/* How many frames are missing before one that begins at `time`; below zero: it comes too late. What
 * is three quarters of a frame off still follows: another session has another grid, and must not
 * jump between two neighbours. */
static int64_t missing_before(const struct media_file *f, usec_t time)
{
    int64_t off = (time - time_of(f, f->frames)) * (RATE / 1000) / 1000;
    if (off < SAMPLES * 3 / 4 && off > -SAMPLES * 3 / 4)
        return 0;
    return (off + (off > 0 ? SAMPLES / 2 : -SAMPLES / 2)) / SAMPLES;
}

static usec_t adts_start(const struct frame *first)
{
    return first->time / MSEC * MSEC;
}

static int adts_flush(struct media_file *f)
{
    struct bytes records = journal_take(&f->journal);
    if (f->journal.out.err)
        return f->journal.out.err;
    return records.len ? f->sink->ops->note(f->sink, records) : OK;
}

static void put_head(struct media_file *f, const struct media_file_config *config)
{
    const struct journal_header header = { .format = MEDIA_FORMAT_ADTS,
                                           .fill = (uint8_t)config->fill,
                                           .part = (uint16_t)config->part,
                                           .start = config->start,
                                           .user = bytes_str(config->user),
                                           .media = bytes_str(config->media) };
    const struct journal_track track = { .kind = JOURNAL_AUDIO_AAC, .timescale = RATE };
    journal_put_header(&f->journal, &header);
    journal_put_track(&f->journal, &track);
}

static void adts_free(struct media_file *f)
{
    if (!f)
        return;
    if (f->open && f->frames == 0)
        f->sink->ops->abandon(f->sink);
    journal_writer_fini(&f->journal);
    buf_fini(&f->piece);
    free(f);
}

static int adts_begin(struct media_file **out, const struct media_file_config *config)
{
    struct media_file *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->sink = config->sink;
    f->start = config->start;
    f->silence[0] = config->silence[0];
    f->silence[1] = config->silence[1];
    journal_writer_init(&f->journal);
    buf_init(&f->piece, (size_t)SILENCE_STEP * (ADTS_MAX_PAYLOAD + ADTS_HEADER_SIZE));
    str_copy(f->name, sizeof f->name, bytes_str(config->name));
    int err = f->sink->ops->begin(f->sink, config->name);
    if (!err) {
        f->open = true;
        put_head(f, config);
        err = adts_flush(f);
    }
    if (err) {
        adts_free(f);
        return err;
    }
    *out = f;
    return OK;
}

/* The journal's number for frames of so many channels. */
static uint8_t entry_of(struct media_file *f, unsigned channels)
{
    /* AudioSpecificConfig: LC, 48 kHz (ISO/IEC 14496-3, 1.6.2.1). */
    const uint8_t config[2] = { 0x11, (uint8_t)(0x80 | channels << 3) };
    uint8_t *known = &f->entries.known[channels - 1];
    if (!*known) {
        const struct journal_entry entry = { .channels = (uint16_t)channels,
                                             .config = bytes_of(config, sizeof config) };
        journal_put_entry(&f->journal, &entry);
        *known = ++f->entries.count;
    }
    return (uint8_t)(*known - 1);
}

/* `count` times the same frame; all of them or none. */
static int put_frames(struct media_file *f, struct bytes raw, unsigned channels, unsigned count,
                      uint8_t flags)
{
    buf_clear(&f->piece);
    for (unsigned i = 0; i < count; i++)
        adts_put(&f->piece, raw, channels);
    if (f->piece.err)
        return f->piece.err;
    int err = f->sink->ops->append(f->sink, buf_bytes(&f->piece));
    if (err)
        return err;
    struct journal_sample sample = { .entry = entry_of(f, channels),
                                     .flags = (uint8_t)(JOURNAL_KEY | flags),
                                     .size = (uint32_t)(raw.len + ADTS_HEADER_SIZE) };
    for (unsigned i = 0; i < count; i++) {
        sample.tick = (int64_t)f->frames++ * SAMPLES;
        journal_put_sample(&f->journal, &sample);
    }
    f->bytes += f->piece.len;
    f->channels = channels;
    return journal_waiting(&f->journal) >= NOTE_FRAMES ? adts_flush(f) : OK;
}

static int fill(struct media_file *f, int64_t missing)
{
    unsigned channels = f->channels == 2 ? 2 : 1;
    int err = OK;
    while (!err && missing > 0) {
        unsigned count = missing < SILENCE_STEP ? (unsigned)missing : SILENCE_STEP;
        err = put_frames(f, f->silence[channels - 1], channels, count, JOURNAL_FILLED);
        missing -= count;
    }
    return err;
}

static int adts_push(struct media_file *f, const struct frame *frame)
{
    struct bytes raw = bytes_of(frame->data, frame->size);
    unsigned channels = adts_channels(raw);
    if (!channels || raw.len > ADTS_MAX_PAYLOAD)
        return ERR_MALFORMED;
    int64_t missing = missing_before(f, frame->time);
    if (missing < 0)
        return ERR_EXPIRED;
    int err = fill(f, missing);
    return err ? err : put_frames(f, raw, channels, 1, 0);
}

static void adts_gap(struct media_file *f, usec_t from, usec_t to, enum journal_gap_reason reason)
{
    const struct journal_gap gap = { (uint8_t)reason, from - f->start, to - f->start };
    journal_put_gap(&f->journal, &gap);
}

static usec_t adts_end(const struct media_file *f)
{
    return time_of(f, f->frames);
}

static int adts_finish(struct media_file *f, usec_t end, struct sink_file *info)
{
    (void)end; /* whole frames */
    if (f->frames == 0) {
        f->sink->ops->abandon(f->sink);
        f->open = false;
        return ERR_AGAIN;
    }
    journal_put_end(&f->journal, &(struct journal_end){ adts_end(f) - f->start });
    *info = (struct sink_file){ .kind = SINK_MEDIA,
                                .name = f->name,
                                .start = f->start,
                                .duration = adts_end(f) - f->start,
                                .bytes = f->bytes };
    int err = adts_flush(f);
    if (!err)
        err = f->sink->ops->finish(f->sink, info);
    if (!err)
        f->open = false;
    return err;
}

static uint64_t adts_bytes(const struct media_file *f)
{
    return f->bytes;
}

const struct file_format file_format_adts = { .extension = "aac",
                                              .start_at = adts_start,
                                              .begin = adts_begin,
                                              .push = adts_push,
                                              .gap = adts_gap,
                                              .flush = adts_flush,
                                              .finish = adts_finish,
                                              .free = adts_free,
                                              .end = adts_end,
                                              .bytes = adts_bytes };
