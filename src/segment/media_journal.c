/* The writing half. */
#include "segment/media_journal.h"

#include <assert.h>
#include <zlib.h>

#include "base/err.h"

#define HEAD      5           /* size and type */
#define BATCH_MAX 1024        /* samples of one record, at most 15 bytes each */
#define OUT_MAX   (64u << 20) /* bytes waiting for a take; never reached by one who takes */

void journal_writer_init(struct journal_writer *w)
{
    *w = (struct journal_writer){ 0 };
    buf_init(&w->out, OUT_MAX);
}

void journal_writer_resume(struct journal_writer *w, uint32_t checksum)
{
    journal_writer_init(w);
    w->checksum = checksum;
}

void journal_writer_fini(struct journal_writer *w)
{
    buf_fini(&w->out);
}

static size_t open_record(struct journal_writer *w, enum journal_kind kind)
{
    size_t at = w->out.len;
    buf_put_u32(&w->out, 0);
    buf_put_u8(&w->out, (uint8_t)kind);
    return at;
}

static void close_record(struct journal_writer *w, size_t at)
{
    if (w->out.err)
        return;
    size_t size = w->out.len - at;
    assert(size - HEAD <= JOURNAL_MAX_RECORD);
    set_u32(w->out.ptr + at, (uint32_t)(size - HEAD));
    w->checksum = (uint32_t)crc32(w->checksum, w->out.ptr + at, (unsigned)size);
    buf_put_u32(&w->out, w->checksum);
}

static void close_batch(struct journal_writer *w)
{
    if (!w->batch)
        return;
    if (!w->out.err)
        set_u16(w->out.ptr + w->batch_at + HEAD, (uint16_t)w->batch);
    close_record(w, w->batch_at);
    w->batch = 0;
}

static size_t begin(struct journal_writer *w, enum journal_kind kind)
{
    close_batch(w);
    return open_record(w, kind);
}

static void put_i64(struct buf *b, int64_t v)
{
    buf_put_u64(b, (uint64_t)v);
}

static void put_text(struct buf *b, struct bytes text)
{
    assert(text.len <= JOURNAL_MAX_CONFIG);
    buf_put_u16(b, (uint16_t)text.len);
    buf_put_bytes(b, text);
}

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static void put_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_put_u8(b, (uint8_t)(v | 0x80));
    buf_put_u8(b, (uint8_t)v);
}

/* Small numbers of either sign become small numbers. */
static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

void journal_put_header(struct journal_writer *w, const struct journal_header *h)
{
    assert(h->user.len <= JOURNAL_MAX_TEXT && h->media.len <= JOURNAL_MAX_TEXT);
    size_t at = begin(w, JOURNAL_HEADER);
    buf_put_u16(&w->out, JOURNAL_SCHEMA);
    buf_put_u8(&w->out, h->format);
    buf_put_u8(&w->out, h->fill);
    buf_put_u16(&w->out, h->part);
    put_i64(&w->out, h->start);
    put_text(&w->out, h->user);
    put_text(&w->out, h->media);
    close_record(w, at);
}

void journal_put_track(struct journal_writer *w, const struct journal_track *t)
{
    assert(t->track < JOURNAL_MAX_TRACKS && t->timescale >= JOURNAL_MIN_SCALE);
    size_t at = begin(w, JOURNAL_TRACK);
    buf_put_u8(&w->out, t->track);
    buf_put_u8(&w->out, t->kind);
    buf_put_u32(&w->out, t->timescale);
    buf_put_u32(&w->out, t->priming);
    close_record(w, at);
}

void journal_put_entry(struct journal_writer *w, const struct journal_entry *e)
{
    assert(e->track < JOURNAL_MAX_TRACKS && e->config.len <= JOURNAL_MAX_CONFIG);
    size_t at = begin(w, JOURNAL_ENTRY);
    buf_put_u8(&w->out, e->track);
    buf_put_u16(&w->out, e->width ? e->width : e->channels);
    buf_put_u16(&w->out, e->height);
    put_text(&w->out, e->config);
    close_record(w, at);
}

static void open_batch(struct journal_writer *w)
{
    w->batch_at = open_record(w, JOURNAL_SAMPLE);
    buf_put_u16(&w->out, 0);
}

void journal_put_sample(struct journal_writer *w, const struct journal_sample *s)
{
    struct journal_writer_track *t = &w->track[s->track];
    assert(s->track < JOURNAL_MAX_TRACKS && s->size && s->size <= JOURNAL_MAX_SAMPLE);
    assert(!t->begun || (s->tick > t->tick && s->tick - t->tick < JOURNAL_MAX_DELTA));
    if (w->batch == BATCH_MAX)
        close_batch(w);
    if (!w->batch)
        open_batch(w);
    bool other = s->entry != t->entry;
    buf_put_u8(&w->out, (uint8_t)(s->track | s->flags << 2 | other << 5));
    if (other)
        buf_put_u8(&w->out, s->entry);
    put_varint(&w->out, s->size);
    put_varint(&w->out, t->begun ? (uint64_t)(s->tick - t->tick) : zigzag(s->tick));
    *t = (struct journal_writer_track){ s->tick, s->entry, true };
    w->batch++;
}

void journal_put_gap(struct journal_writer *w, const struct journal_gap *g)
{
    size_t at = begin(w, JOURNAL_GAP);
    buf_put_u8(&w->out, g->reason);
    put_i64(&w->out, g->from);
    put_i64(&w->out, g->to);
    close_record(w, at);
}

void journal_put_end(struct journal_writer *w, const struct journal_end *e)
{
    size_t at = begin(w, JOURNAL_END);
    put_i64(&w->out, e->end);
    close_record(w, at);
}

void journal_put_summary(struct journal_writer *w, const struct journal_summary *s)
{
    size_t at = begin(w, JOURNAL_SUMMARY);
    put_i64(&w->out, s->start);
    put_i64(&w->out, s->end);
    buf_put_u64(&w->out, s->bytes);
    buf_put_u64(&w->out, s->video);
    buf_put_u64(&w->out, s->audio);
    buf_put_u64(&w->out, s->damaged);
    buf_put_u64(&w->out, s->filled);
    buf_put_u32(&w->out, s->gaps);
    put_i64(&w->out, s->gap_us);
    buf_put_u16(&w->out, s->width);
    buf_put_u16(&w->out, s->height);
    buf_put_u8(&w->out, s->torn);
    buf_put_u64(&w->out, s->cut_bytes);
    close_record(w, at);
}

void journal_put_placed(struct journal_writer *w, const struct journal_placed *p)
{
    size_t at = begin(w, JOURNAL_PLACED);
    buf_put_u64(&w->out, p->head);
    close_record(w, at);
}

void journal_put_item(struct journal_writer *w, const struct journal_item *it)
{
    switch (it->kind) {
    case JOURNAL_HEADER: journal_put_header(w, &it->header); break;
    case JOURNAL_TRACK: journal_put_track(w, &it->track); break;
    case JOURNAL_ENTRY: journal_put_entry(w, &it->entry); break;
    case JOURNAL_SAMPLE: journal_put_sample(w, &it->sample); break;
    case JOURNAL_GAP: journal_put_gap(w, &it->gap); break;
    case JOURNAL_END: journal_put_end(w, &it->end); break;
    case JOURNAL_SUMMARY: journal_put_summary(w, &it->summary); break;
    case JOURNAL_PLACED: journal_put_placed(w, &it->placed); break;
    }
}

struct bytes journal_take(struct journal_writer *w)
{
    close_batch(w);
    struct bytes taken = buf_bytes(&w->out);
    if (!w->out.err)
        w->out.len = 0;
    return w->out.err ? bytes_of(NULL, 0) : taken;
}
