#include "segment/ts_file.h"

#include "base/err.h"
#include "base/str.h"
#include "segment/adts.h"

#define OUT_LIMIT (16u << 20)
#define OUT_KEEP  (512u << 10) /* memory kept between pieces */

void ts_file_init(struct ts_file *f, struct sink *sink)
{
    *f = (struct ts_file){ .sink = sink };
    ts_init(&f->ts);
    buf_init(&f->out, OUT_LIMIT);
    buf_init(&f->batch.adts, TS_FILE_BATCH * 8192);
}

void ts_file_fini(struct ts_file *f)
{
    ts_file_abandon(f);
    ts_fini(&f->ts);
    buf_fini(&f->out);
    buf_fini(&f->batch.adts);
}

static int64_t ticks(const struct ts_file *f, usec_t time)
{
    return ((time - f->zero) * 9 + 50) / 100;
}

static void drop_pending(struct ts_file *f)
{
    buf_clear(&f->out);
    buf_clear(&f->batch.adts);
    f->batch.frames = 0;
}

void ts_file_abandon(struct ts_file *f)
{
    if (f->open)
        f->sink->ops->abandon(f->sink);
    f->open = false;
    drop_pending(f);
}

int ts_file_begin(struct ts_file *f, const char *name, usec_t zero, usec_t start, bool video,
                  bool audio, bool discontinuity)
{
    int err = f->sink->ops->begin(f->sink, name);
    if (err)
        return err;
    f->open = true;
    f->full = false;
    f->bytes = 0;
    f->zero = zero;
    f->start = f->put_end = f->safe_end = start;
    f->held_from = USEC_UNSET;
    str_copy(f->name, sizeof f->name, bytes_str(name));
    ts_put_tables(&f->ts, &f->out, video, audio);
    if (discontinuity)
        ts_mark_discontinuity(&f->ts);
    return f->out.err;
}

static int flush(struct ts_file *f)
{
    if (!f->out.len)
        return OK;
    int err = f->sink->ops->append(f->sink, buf_bytes(&f->out));
    f->full = err == ERR_LIMIT;
    if (err)
        return err;
    f->bytes += f->out.len;
    f->safe_end = f->put_end;
    if (f->out.size > OUT_KEEP)
        buf_fini(&f->out);
    buf_clear(&f->out);
    f->held_from = USEC_UNSET;
    return OK;
}

/* Held media counts from its own times: `put_end` may be an estimate that lies far ahead. */
static int flush_if_due(struct ts_file *f, usec_t time, usec_t end)
{
    if (end > f->put_end)
        f->put_end = end;
    if (f->held_from == USEC_UNSET)
        f->held_from = time;
    bool due = f->out.len >= TS_FILE_CHUNK || end - f->held_from >= TS_FILE_HELD;
    return due ? flush(f) : OK;
}

/* A frame that failed half way leaves no packets behind. */
static int put_pes(struct ts_file *f, enum ts_track track, usec_t time, bool random_access)
{
    size_t before = f->out.len;
    int err = ts_pes_end(&f->ts, track, &f->out, ticks(f, time), random_access);
    if (err) {
        f->out.len = before;
        f->out.err = OK;
    }
    return err;
}

static int put_batch(struct ts_file *f)
{
    if (!f->batch.frames)
        return OK;
    struct buf *pes = ts_pes_begin(&f->ts, TS_AUDIO, ticks(f, f->batch.start));
    buf_put_bytes(pes, buf_bytes(&f->batch.adts));
    buf_clear(&f->batch.adts);
    f->batch.frames = 0;
    int err = put_pes(f, TS_AUDIO, f->batch.start, true);
    return err ? err : flush_if_due(f, f->batch.start, f->batch.end);
}

int ts_file_video(struct ts_file *f, const struct frame *frame, const struct h264_params *params,
                  usec_t end)
{
    struct buf *pes = ts_pes_begin(&f->ts, TS_VIDEO, ticks(f, frame->time));
    int err = annexb_put(pes, bytes_of(frame->data, frame->size), frame->key ? params : NULL);
    if (!err)
        err = put_pes(f, TS_VIDEO, frame->time, frame->key);
    return err ? err : flush_if_due(f, frame->time, end);
}

int ts_file_audio(struct ts_file *f, usec_t time, usec_t end, struct bytes raw, unsigned channels)
{
    /* Time stamps inside a PES packet follow from its first: a hole needs a packet of its own. */
    if (f->batch.frames && (time - f->batch.end > MSEC || f->batch.end - time > MSEC)) {
        int err = put_batch(f);
        if (err)
            return err;
    }
    int err = adts_put(&f->batch.adts, raw, channels);
    if (err)
        return err == ERR_LIMIT ? ERR_MALFORMED : err;
    if (!f->batch.frames++)
        f->batch.start = time;
    f->batch.end = end;
    return f->batch.frames == TS_FILE_BATCH ? put_batch(f) : OK;
}

/* FFmpeg guesses the packet size of files below 11 packets wrong, and decodes rubbish then (seen
 * with 5.1). */
static void pad_to_minimum(struct ts_file *f)
{
    uint64_t packets = (f->bytes + f->out.len) / TS_PACKET;
    if (packets < TS_FILE_MIN_PACKETS)
        ts_put_padding(&f->out, TS_FILE_MIN_PACKETS - (unsigned)packets);
}

static int flush_all(struct ts_file *f)
{
    if (f->full)
        return ERR_LIMIT;
    int err = put_batch(f);
    if (err)
        return err;
    pad_to_minimum(f);
    return f->out.err ? f->out.err : flush(f);
}

int ts_file_flush(struct ts_file *f)
{
    int err = put_batch(f);
    if (!err)
        err = flush(f);
    return err ? err : f->sink->ops->append(f->sink, bytes_of(NULL, 0));
}

int ts_file_finish(struct ts_file *f, usec_t end, const char *playlist, struct sink_file *info)
{
    int err = flush_all(f);
    if (err == ERR_LIMIT && f->safe_end > f->start) {
        end = end < f->safe_end ? end : f->safe_end;
        err = OK;
    }
    if (!err) {
        struct sink_file file = { SINK_SEGMENT, f->name,        playlist,
                                  f->start,     end - f->start, f->bytes };
        *info = file;
        err = f->sink->ops->finish(f->sink, &file);
    }
    if (err) {
        ts_file_abandon(f);
        return err;
    }
    f->open = false;
    drop_pending(f);
    return OK;
}
