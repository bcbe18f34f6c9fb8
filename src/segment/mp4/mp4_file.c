/* An MP4 file in the making (segment/file_format.h): samples as they come into the body, what they
 * are into the journal. Video is stored as sent, with the parameter sets in band at every key frame
 * and in a sample entry of their own; AAC as raw blocks, on a grid of 1024 samples without rounding
 * that could add up. The first AAC frame is run-in: the edit hides it. Where video stops and comes
 * back with a key frame, or not at all, FillType 1 puts a black picture there; otherwise the last
 * one stays. */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "media/h264_black.h"
#include "segment/adts.h"
#include "segment/file_format.h"
#include "segment/mp4/config.h"
#include "segment/mp4/index.h"
#include "segment/names.h"

#define VIDEO_RATE    90000
#define AUDIO_RATE    48000
#define AAC_SAMPLES   1024
#define AAC_ROUNDING  48               /* ticks off its grid that are rounding and slewing, 1 ms */
#define AAC_EDIT_GRID 8                /* ticks that are whole ones of the movie's timescale, too */
#define NOTE_SAMPLES  16               /* a record of the journal for so many */
#define NOTE_AGE      (250 * MSEC)     /* or for so much media */
#define NOTE_RARE     4                /* fewer in that: the sink is not to wait for the next */
#define SILENCE_STEP  256              /* silent frames given to the sink at once */
#define SILENCE_LAG   (2 * SEC)        /* sound may still come for so long after pictures */
#define LONE_PICTURE  (40 * MSEC)      /* a picture nothing is known of */
#define BLACK_AFTER   (3 * VIDEO_RATE) /* ticks without a picture, FillType 1 */
#define CONFIG_LIMIT  (64u << 10)      /* bytes of all a file's parameter sets */
#define PIECE_LIMIT   (JOURNAL_MAX_SAMPLE)

enum { VIDEO, AUDIO };

struct track {
    bool begun;
    int64_t last, end;      /* ticks of the newest sample */
    uint8_t entry, entries; /* the newest sample's, and how many there are */
    uint64_t samples, runs; /* runs: changes of duration */
};

struct media_file {
    struct sink *sink;
    struct journal_writer journal;
    struct buf piece; /* what is on its way to the sink */
    char name[NAMES_SIZE];
    struct bytes silence[2];
    usec_t start, noted; /* noted: how far the journal goes, in file time */
    enum media_fill fill;
    bool open;

    struct track track[2];
    unsigned channels;       /* of the audio track; 0 before */
    struct h264_params sets; /* that came so far */
    struct buf configs;      /* of the video entries: width, height, length, record */
    uint64_t body, chunks, keys;
    int last_track; /* -1: none */
};

/* ---- The clock ---- */

static usec_t mp4_start(const struct frame *first)
{
    usec_t run_in = first->codec == CODEC_AAC ? AAC_SAMPLES * SEC / AUDIO_RATE : 0;
    return (first->time + run_in) / MSEC * MSEC;
}

static usec_t end_us(const struct media_file *f)
{
    usec_t video = media_to_us(f->track[VIDEO].end, VIDEO_RATE);
    usec_t audio = media_to_us(f->track[AUDIO].end, AUDIO_RATE);
    usec_t end = video > audio ? video : audio;
    return end > 0 ? end : 0;
}

static usec_t mp4_end(const struct media_file *f)
{
    return f->start + end_us(f);
}

/* ---- Body and journal ---- */

static int mp4_flush(struct media_file *f)
{
    struct bytes records = journal_take(&f->journal);
    f->noted = end_us(f);
    if (f->journal.out.err)
        return f->journal.out.err;
    return records.len ? f->sink->ops->note(f->sink, records) : OK;
}

static void begin_track(struct media_file *f, unsigned track)
{
    if (f->track[track].entries)
        return;
    bool audio = track == AUDIO;
    const struct journal_track t = { .track = (uint8_t)track,
                                     .kind = audio ? JOURNAL_AUDIO_AAC : JOURNAL_VIDEO_H264,
                                     .timescale = audio ? AUDIO_RATE : VIDEO_RATE,
                                     .priming = audio ? AAC_SAMPLES : 0 };
    journal_put_track(&f->journal, &t);
}

/* A sample that the sink has taken. */
static void note_sample(struct media_file *f, unsigned track, int64_t tick, int64_t duration,
                        size_t size, uint8_t flags)
{
    struct track *t = &f->track[track];
    const struct journal_sample s = { .track = (uint8_t)track,
                                      .entry = t->entry,
                                      .flags = flags,
                                      .size = (uint32_t)size,
                                      .tick = tick };
    journal_put_sample(&f->journal, &s);
    t->runs += !t->begun || tick != t->end;
    t->runs += track == VIDEO && t->begun && tick - t->last != duration;
    t->last = tick;
    t->end = tick + duration;
    t->begun = true;
    t->samples++;
    f->keys += track == VIDEO && flags & JOURNAL_KEY;
    f->chunks += f->last_track != (int)track || t->samples % MEDIA_CHUNK_SAMPLES == 0;
    f->last_track = (int)track;
    f->body += size;
}

static int flush_when_due(struct media_file *f)
{
    if (journal_waiting(&f->journal) >= NOTE_SAMPLES)
        return mp4_flush(f);
    if (end_us(f) - f->noted < NOTE_AGE)
        return OK;
    bool rare = journal_waiting(&f->journal) < NOTE_RARE;
    int err = mp4_flush(f);
    return err || !rare ? err : f->sink->ops->append(f->sink, bytes_of(NULL, 0));
}

/* ---- Audio ---- */

static void begin_audio(struct media_file *f, unsigned channels)
{
    begin_track(f, AUDIO);
    buf_clear(&f->piece);
    aac_config_put(&f->piece, channels);
    const struct journal_entry e = { .track = AUDIO,
                                     .channels = (uint16_t)channels,
                                     .config = buf_bytes(&f->piece) };
    journal_put_entry(&f->journal, &e);
    f->track[AUDIO].entries = 1;
    f->channels = channels;
}

/* `count` times the silent frame, all of them or none. */
static int put_silence(struct media_file *f, unsigned count)
{
    struct bytes frame = f->silence[f->channels - 1];
    buf_clear(&f->piece);
    for (unsigned i = 0; i < count; i++)
        buf_put_bytes(&f->piece, frame);
    int err = f->piece.err ? f->piece.err : f->sink->ops->append(f->sink, buf_bytes(&f->piece));
    for (unsigned i = 0; i < count && !err; i++)
        note_sample(f, AUDIO, f->track[AUDIO].end, AAC_SAMPLES, frame.len,
                    JOURNAL_KEY | JOURNAL_FILLED);
    return err ? err : flush_when_due(f);
}

/* Silent frames as long as they end at or before `tick`. */
static int fill_silence(struct media_file *f, int64_t tick)
{
    const struct track *t = &f->track[AUDIO];
    int err = OK;
    while (!err && t->begun && t->end + AAC_SAMPLES <= tick + AAC_ROUNDING) {
        int64_t count = (tick + AAC_ROUNDING - t->end) / AAC_SAMPLES;
        err = put_silence(f, count < SILENCE_STEP ? (unsigned)count : SILENCE_STEP);
    }
    return err;
}

/* Where a frame at `time` stands: on the grid of the one before, if that is what its time says. A
 * late first frame stands where the edit before it can be exact. */
static int64_t audio_tick(const struct media_file *f, usec_t time)
{
    const struct track *t = &f->track[AUDIO];
    int64_t tick = media_to_ticks(time - f->start, AUDIO_RATE);
    if (!t->begun)
        return tick + AAC_SAMPLES > 0
                   ? (tick + AAC_SAMPLES + AAC_EDIT_GRID / 2) / AAC_EDIT_GRID * AAC_EDIT_GRID -
                         AAC_SAMPLES
                   : tick;
    bool flows = tick - t->end <= AAC_ROUNDING && t->end - tick <= AAC_ROUNDING;
    return flows ? t->end : tick;
}

static int push_audio(struct media_file *f, const struct frame *frame)
{
    struct bytes raw = bytes_of(frame->data, frame->size);
    unsigned channels = adts_channels(raw);
    if (!channels || raw.len > ADTS_MAX_PAYLOAD)
        return ERR_MALFORMED;
    if (f->channels && channels != f->channels)
        return ERR_RANGE;
    int err = fill_silence(f, media_to_ticks(frame->time - f->start, AUDIO_RATE));
    if (err)
        return err;
    int64_t tick = audio_tick(f, frame->time);
    if (f->track[AUDIO].begun && tick <= f->track[AUDIO].last)
        return ERR_EXPIRED;
    err = f->sink->ops->append(f->sink, raw);
    if (err)
        return err;
    if (!f->channels)
        begin_audio(f, channels);
    note_sample(f, AUDIO, tick, AAC_SAMPLES, raw.len, JOURNAL_KEY);
    return flush_when_due(f);
}

/* ---- Video ---- */

/* The number of the entry with this record, or `entries` when there is none. */
static unsigned find_entry(const struct media_file *f, const struct h264_sps *sps,
                           struct bytes record)
{
    struct reader in = reader_of(buf_bytes(&f->configs));
    for (unsigned i = 0; i < f->track[VIDEO].entries; i++) {
        uint16_t width = read_u16(&in), height = read_u16(&in);
        struct bytes known = read_bytes(&in, read_u16(&in));
        if (width == sps->width && height == sps->height && bytes_equal(known, record))
            return i;
    }
    return f->track[VIDEO].entries;
}

/* Another entry, of `sets`. ERR_RANGE: there are too many; ERR_NOMEM. */
static int add_entry(struct media_file *f, const struct h264_sps *sps, struct bytes record)
{
    struct track *t = &f->track[VIDEO];
    if (t->entries == JOURNAL_MAX_ENTRIES || f->configs.len + record.len + 6 > CONFIG_LIMIT)
        return ERR_RANGE;
    buf_put_u16(&f->configs, sps->width);
    buf_put_u16(&f->configs, sps->height);
    buf_put_u16(&f->configs, (uint16_t)record.len);
    buf_put_bytes(&f->configs, record);
    if (f->configs.err)
        return f->configs.err;
    const struct journal_entry e = {
        .track = VIDEO, .width = sps->width, .height = sps->height, .config = record
    };
    begin_track(f, VIDEO);
    journal_put_entry(&f->journal, &e);
    t->entries++;
    return OK;
}

/* The entry for what `sets` says, a new one when there is none. */
static int choose_entry(struct media_file *f, const struct h264_params *sets)
{
    const struct h264_sps *sps = h264_params_sps(sets);
    buf_clear(&f->piece);
    avc_config_put(&f->piece, sets);
    struct bytes record = buf_bytes(&f->piece);
    unsigned n = find_entry(f, sps, record);
    int err = f->piece.err;
    if (!err && n == f->track[VIDEO].entries)
        err = add_entry(f, sps, record);
    if (!err)
        f->track[VIDEO].entry = (uint8_t)n;
    return err;
}

static bool has_sps(struct bytes unit)
{
    struct reader units = reader_of(unit);
    for (struct bytes nal; h264_next(&units, &nal);)
        if (h264_nal_type(nal) == H264_SPS)
            return true;
    return false;
}

/* The frame, with its parameter sets in front where it has none. */
static int put_picture(struct media_file *f, const struct frame *frame, size_t *size)
{
    struct bytes unit = bytes_of(frame->data, frame->size);
    *size = unit.len;
    if (!frame->key || has_sps(unit))
        return f->sink->ops->append(f->sink, unit);
    buf_clear(&f->piece);
    *size += h264_params_size(&f->sets);
    uint8_t *to = buf_extend(&f->piece, *size);
    if (!to)
        return f->piece.err;
    struct writer w = writer_of(to, *size);
    h264_params_write(&f->sets, &w);
    write_bytes(&w, unit);
    return f->sink->ops->append(f->sink, buf_bytes(&f->piece));
}

static int64_t picture_duration(const struct media_file *f, const struct frame *frame, int64_t tick)
{
    const struct track *t = &f->track[VIDEO];
    if (frame->duration > 0)
        return media_to_ticks(frame->duration, VIDEO_RATE);
    if (!t->begun || tick - t->last > VIDEO_RATE)
        return media_to_ticks(LONE_PICTURE, VIDEO_RATE);
    return tick - t->last;
}

/* The sets of the frame, and for a key frame the entry. */
static int take_sets(struct media_file *f, const struct frame *frame)
{
    bool changed;
    int err = h264_params_update(&f->sets, bytes_of(frame->data, frame->size), &changed);
    if (err)
        return ERR_MALFORMED;
    if (!frame->key)
        return f->track[VIDEO].begun ? OK : ERR_MALFORMED;
    if (!h264_params_complete(&f->sets) || (frame->damaged && !f->track[VIDEO].begun))
        return ERR_MALFORMED;
    return choose_entry(f, &f->sets);
}

static int make_black(struct media_file *f, int64_t until)
{
    struct track *t = &f->track[VIDEO];
    struct h264_params sets;
    const struct h264_sps *sps = h264_params_sps(&f->sets);
    bool changed;
    if (f->fill != MEDIA_FILL_BLACK || !t->begun || until - t->end <= BLACK_AFTER)
        return OK;
    struct buf picture;
    buf_init(&picture, PIECE_LIMIT);
    h264_params_init(&sets);
    uint8_t entry = t->entry;
    int err = h264_black_put(&picture, sps->width, sps->height);
    if (!err)
        err = h264_params_update(&sets, buf_bytes(&picture), &changed);
    if (!err)
        err = choose_entry(f, &sets);
    if (!err)
        err = f->sink->ops->append(f->sink, buf_bytes(&picture));
    if (err)
        t->entry = entry;
    else
        note_sample(f, VIDEO, t->end, until - t->end, picture.len, JOURNAL_KEY | JOURNAL_FILLED);
    buf_fini(&picture);
    return err;
}

/* A black picture from the end of the last one to `until`, when that is long. ERR_IO, ERR_NOMEM:
 * for any other reason (its size, a full sink) the last picture stays. */
static int put_black(struct media_file *f, int64_t until)
{
    int err = make_black(f, until);
    return err == ERR_IO || err == ERR_NOMEM ? err : OK;
}

static int push_video(struct media_file *f, const struct frame *frame)
{
    const struct track *t = &f->track[VIDEO];
    int64_t tick = media_to_ticks(frame->time - f->start, VIDEO_RATE);
    if (tick < 0 || (t->begun && tick <= t->last))
        return ERR_EXPIRED;
    if (t->begun && tick - t->last >= JOURNAL_MAX_DELTA)
        return ERR_RANGE;
    if (!frame->size)
        return ERR_MALFORMED;
    size_t size;
    int err = frame->key ? put_black(f, tick) : OK;
    uint8_t entry = t->entry;
    if (!err)
        err = take_sets(f, frame);
    if (!err)
        err = fill_silence(f, media_to_ticks(frame->time - SILENCE_LAG - f->start, AUDIO_RATE));
    if (!err)
        err = put_picture(f, frame, &size);
    if (err) {
        f->track[VIDEO].entry = entry;
        return err;
    }
    uint8_t flags = (frame->key ? JOURNAL_KEY : 0) | (frame->damaged ? JOURNAL_DAMAGED : 0);
    note_sample(f, VIDEO, tick, picture_duration(f, frame, tick), size, flags);
    return flush_when_due(f);
}

/* ---- The public side ---- */

static int mp4_push(struct media_file *f, const struct frame *frame)
{
    if (frame->time < 0)
        return ERR_MALFORMED;
    return frame->codec == CODEC_H264 ? push_video(f, frame) : push_audio(f, frame);
}

static void mp4_gap(struct media_file *f, usec_t from, usec_t to, enum journal_gap_reason reason)
{
    if (to < from)
        return;
    journal_put_gap(&f->journal,
                    &(struct journal_gap){ (uint8_t)reason, from - f->start, to - f->start });
}

static bool empty(const struct media_file *f)
{
    return !f->track[VIDEO].begun && f->track[AUDIO].end <= 0;
}

static void mp4_free(struct media_file *f)
{
    if (!f)
        return;
    if (f->open && empty(f))
        f->sink->ops->abandon(f->sink);
    journal_writer_fini(&f->journal);
    buf_fini(&f->piece);
    buf_fini(&f->configs);
    free(f);
}

static int mp4_begin(struct media_file **out, const struct media_file_config *config)
{
    if (config->fill != MEDIA_FILL_LAST && config->fill != MEDIA_FILL_BLACK)
        return ERR_UNSUPPORTED;
    struct media_file *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->sink = config->sink;
    f->start = config->start;
    f->fill = config->fill;
    f->silence[0] = config->silence[0];
    f->silence[1] = config->silence[1];
    f->last_track = -1;
    journal_writer_init(&f->journal);
    h264_params_init(&f->sets);
    buf_init(&f->piece, PIECE_LIMIT);
    buf_init(&f->configs, CONFIG_LIMIT);
    str_copy(f->name, sizeof f->name, bytes_str(config->name));
    int err = f->sink->ops->begin(f->sink, config->name);
    if (!err) {
        f->open = true;
        const struct journal_header header = { .format = MEDIA_FORMAT_MP4,
                                               .fill = (uint8_t)config->fill,
                                               .part = (uint16_t)config->part,
                                               .start = config->start,
                                               .user = bytes_str(config->user),
                                               .media = bytes_str(config->media) };
        journal_put_header(&f->journal, &header);
        err = mp4_flush(f);
    }
    if (err) {
        mp4_free(f);
        return err;
    }
    *out = f;
    return OK;
}

static uint64_t mp4_bytes(const struct media_file *f)
{
    const struct track *v = &f->track[VIDEO], *a = &f->track[AUDIO];
    return f->body + mp4_head_bound(v->samples + a->samples, v->runs + a->runs + 2, f->chunks + 2,
                                    f->keys, f->configs.len + 200u * v->entries);
}

/* Not shorter than to the newest picture. */
static usec_t length_until(const struct media_file *f, usec_t end)
{
    usec_t least = media_to_us(f->track[VIDEO].last + 1, VIDEO_RATE);
    if (end == USEC_UNSET)
        return end_us(f);
    return end - f->start > least ? end - f->start : least;
}

static int mp4_finish(struct media_file *f, usec_t end, struct sink_file *info)
{
    if (empty(f)) {
        f->sink->ops->abandon(f->sink);
        f->open = false;
        return ERR_AGAIN;
    }
    usec_t length = length_until(f, end);
    int err = put_black(f, media_to_ticks(length, VIDEO_RATE));
    if (err)
        return err;
    journal_put_end(&f->journal, &(struct journal_end){ length });
    *info = (struct sink_file){ .kind = SINK_MEDIA,
                                .name = f->name,
                                .start = f->start,
                                .duration = length,
                                .bytes = mp4_bytes(f) };
    err = mp4_flush(f);
    if (!err)
        err = f->sink->ops->finish(f->sink, info);
    if (!err)
        f->open = false;
    return err;
}

const struct file_format file_format_mp4 = { .extension = "mp4",
                                             .video = true,
                                             .run_in = true,
                                             .start_at = mp4_start,
                                             .begin = mp4_begin,
                                             .push = mp4_push,
                                             .gap = mp4_gap,
                                             .flush = mp4_flush,
                                             .finish = mp4_finish,
                                             .free = mp4_free,
                                             .end = mp4_end,
                                             .bytes = mp4_bytes };
