/* The reading half: believes nothing. */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "segment/media_journal.h"

#define HEAD      5 /* size and type */
#define TAIL      4 /* checksum */
#define PASS_OVER 128
#define WINDOW    (64u << 10)

enum { FLAGS = JOURNAL_KEY | JOURNAL_DAMAGED | JOURNAL_FILLED };

struct track {
    bool known, begun;
    uint8_t entry;
    unsigned entries;
    int64_t tick;
};

struct journal_reader {
    struct journal_source *source;
    uint64_t good;                      /* where the record that is read next begins */
    uint64_t newest;                    /* where the one before it does */
    uint32_t checksum, checksum_before; /* at `good` and at `newest` */
    int err;

    uint64_t window_at; /* what `window` holds: [window_at, window_at + filled) */
    size_t filled;
    uint8_t window[WINDOW];

    struct reader samples; /* the rest of a batch, in `window` */
    unsigned left;
    struct reader other; /* the payload of another record */

    bool begun, ended; /* header seen; END, PLACED or SUMMARY seen */
    uint64_t body;     /* bytes of all samples so far */
    struct track track[JOURNAL_MAX_TRACKS];
};

static_assert(WINDOW >= HEAD + JOURNAL_MAX_RECORD + TAIL, "a record fits");

static int memory_read(struct journal_source *source, uint64_t pos, void *to, size_t len,
                       size_t *got)
{
    const struct journal_memory *m = (const struct journal_memory *)source;
    size_t left = pos < m->bytes.len ? m->bytes.len - (size_t)pos : 0;
    *got = left < len ? left : len;
    if (*got)
        memcpy(to, m->bytes.ptr + pos, *got);
    return OK;
}

void journal_memory_init(struct journal_memory *m, struct bytes bytes)
{
    *m = (struct journal_memory){ { memory_read }, bytes };
}

int journal_reader_new(struct journal_reader **out, struct journal_source *source)
{
    struct journal_reader *r = malloc(sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->source = source;
    journal_reader_rewind(r);
    *out = r;
    return OK;
}

void journal_reader_free(struct journal_reader *r)
{
    free(r);
}

void journal_reader_rewind(struct journal_reader *r)
{
    r->good = r->newest = r->window_at = r->body = 0;
    r->filled = 0;
    r->checksum = r->checksum_before = 0;
    r->err = OK;
    r->left = 0;
    r->begun = r->ended = false;
    memset(r->track, 0, sizeof r->track);
}

uint64_t journal_good(const struct journal_reader *r)
{
    return r->good;
}

/* The bytes from `good` on, at least `want` unless the journal ends before. */
static int look(struct journal_reader *r, size_t want, struct bytes *out)
{
    size_t skip = (size_t)(r->good - r->window_at);
    if (r->filled - skip < want) {
        memmove(r->window, r->window + skip, r->filled - skip);
        r->filled -= skip;
        r->window_at = r->good;
        skip = 0;
        size_t got;
        int err = r->source->read(r->source, r->window_at + r->filled, r->window + r->filled,
                                  WINDOW - r->filled, &got);
        if (err)
            return err;
        r->filled += got;
    }
    *out = bytes_of(r->window + skip, r->filled - skip);
    return OK;
}

uint32_t journal_good_checksum(const struct journal_reader *r)
{
    return r->checksum;
}

/* The next whole record that its checksum confirms. ERR_AGAIN: there is nothing after the last. */
static int next_record(struct journal_reader *r, uint8_t *type, struct bytes *payload)
{
    struct bytes seen;
    int err = look(r, HEAD, &seen);
    if (err)
        return err;
    if (seen.len < HEAD)
        return seen.len ? ERR_MALFORMED : ERR_AGAIN;
    uint32_t size = get_u32(seen.ptr);
    if (size > JOURNAL_MAX_RECORD)
        return ERR_MALFORMED;
    err = look(r, HEAD + size + TAIL, &seen);
    if (err)
        return err;
    if (seen.len < HEAD + size + TAIL)
        return ERR_MALFORMED;
    uint32_t checksum = (uint32_t)crc32(r->checksum, seen.ptr, HEAD + size);
    if (checksum != get_u32(seen.ptr + HEAD + size))
        return ERR_MALFORMED;
    *type = seen.ptr[4];
    *payload = bytes_of(seen.ptr + HEAD, size);
    r->checksum_before = r->checksum;
    r->checksum = checksum;
    r->newest = r->good;
    r->good += HEAD + size + TAIL;
    return OK;
}

/* read_u8, but inlined: millions of samples pass here. */
static inline uint8_t next_u8(struct reader *in)
{
    if (in->pos == in->end) {
        in->failed = true;
        return 0;
    }
    return *in->pos++;
}

static inline uint64_t read_varint(struct reader *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = next_u8(in);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    in->failed = true;
    return 0;
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static struct bytes read_text(struct reader *in, size_t max)
{
    uint16_t len = read_u16(in);
    if (len > max)
        in->failed = true;
    return read_bytes(in, in->failed ? 0 : len);
}

/* A time, or a span of time. */
static usec_t read_time(struct reader *in)
{
    int64_t v = (int64_t)read_u64(in);
    if (v > JOURNAL_MAX_US || v < -JOURNAL_MAX_US)
        in->failed = true;
    return in->failed ? 0 : v;
}

static int read_header(struct journal_reader *r, struct reader *in, struct journal_header *h)
{
    uint16_t schema = read_u16(in);
    if (in->failed || r->begun)
        return ERR_MALFORMED;
    if (schema != JOURNAL_SCHEMA)
        return ERR_UNSUPPORTED;
    h->format = read_u8(in);
    h->fill = read_u8(in);
    h->part = read_u16(in);
    h->start = read_time(in);
    h->user = read_text(in, JOURNAL_MAX_TEXT);
    h->media = read_text(in, JOURNAL_MAX_TEXT);
    r->begun = true;
    bool known = h->format == MEDIA_FORMAT_MP4 || h->format == MEDIA_FORMAT_ADTS;
    return known ? OK : ERR_UNSUPPORTED;
}

static int read_track(struct journal_reader *r, struct reader *in, struct journal_track *t)
{
    t->track = read_u8(in);
    t->kind = read_u8(in);
    t->timescale = read_u32(in);
    t->priming = read_u32(in);
    if (in->failed || t->track >= JOURNAL_MAX_TRACKS || r->track[t->track].known)
        return ERR_MALFORMED;
    if (t->timescale < JOURNAL_MIN_SCALE || t->timescale > JOURNAL_MAX_SCALE)
        return ERR_MALFORMED;
    if (t->kind != JOURNAL_VIDEO_H264 && t->kind != JOURNAL_AUDIO_AAC)
        return ERR_UNSUPPORTED;
    r->track[t->track] = (struct track){ .known = true };
    return OK;
}

static int read_entry(struct journal_reader *r, struct reader *in, struct journal_entry *e)
{
    e->track = read_u8(in);
    e->width = e->channels = read_u16(in);
    e->height = read_u16(in);
    e->config = read_text(in, JOURNAL_MAX_CONFIG);
    if (in->failed || e->track >= JOURNAL_MAX_TRACKS)
        return ERR_MALFORMED;
    struct track *t = &r->track[e->track];
    if (!t->known || t->entries == JOURNAL_MAX_ENTRIES)
        return ERR_MALFORMED;
    *(e->height ? &e->channels : &e->width) = 0;
    t->entries++;
    return OK;
}

static int read_gap(struct reader *in, struct journal_gap *g)
{
    g->reason = read_u8(in);
    g->from = read_time(in);
    g->to = read_time(in);
    return !in->failed && g->to >= g->from ? OK : ERR_MALFORMED;
}

static int read_summary(struct reader *in, struct journal_summary *s)
{
    s->start = read_time(in);
    s->end = read_time(in);
    s->bytes = read_u64(in);
    s->video = read_u64(in);
    s->audio = read_u64(in);
    s->damaged = read_u64(in);
    s->filled = read_u64(in);
    s->gaps = read_u32(in);
    s->gap_us = read_time(in);
    s->width = read_u16(in);
    s->height = read_u16(in);
    s->torn = read_u8(in);
    s->cut_bytes = read_u64(in);
    return in->failed || s->end < s->start ? ERR_MALFORMED : OK;
}

static bool follows(const struct track *t, int64_t tick)
{
    if (tick > JOURNAL_MAX_TICK || tick < -JOURNAL_MAX_TICK)
        return false;
    return !t->begun || (tick > t->tick && tick - t->tick < JOURNAL_MAX_DELTA);
}

static int read_sample(struct journal_reader *r, struct journal_sample *s)
{
    struct reader *in = &r->samples;
    uint8_t head = next_u8(in);
    struct track *t = &r->track[head & 3];
    s->track = head & 3;
    s->flags = head >> 2 & FLAGS;
    s->entry = head & 0x20 ? next_u8(in) : t->entry;
    uint64_t size = read_varint(in), delta = read_varint(in);
    if (in->failed || head >> 6 || !t->known || s->entry >= t->entries || size == 0 ||
        size > JOURNAL_MAX_SAMPLE || delta > (uint64_t)JOURNAL_MAX_TICK * 2)
        return ERR_MALFORMED;
    s->size = (uint32_t)size;
    s->tick = t->begun ? t->tick + (int64_t)delta : unzigzag(delta);
    if (!follows(t, s->tick) || r->body + size > JOURNAL_MAX_BODY)
        return ERR_MALFORMED;
    s->offset = r->body;
    r->body += size;
    t->tick = s->tick;
    t->entry = s->entry;
    t->begun = true;
    return --r->left == 0 && reader_left(in) ? ERR_MALFORMED : OK;
}

static int open_samples(struct journal_reader *r, struct reader in, struct journal_item *out)
{
    r->left = read_u16(&in);
    r->samples = in;
    return in.failed || !r->left ? ERR_MALFORMED : read_sample(r, &out->sample);
}

/* What has its place now: the header first, and only PLACED after the end. */
static bool in_place(const struct journal_reader *r, uint8_t type)
{
    return (!r->ended || type == JOURNAL_PLACED) && (type == JOURNAL_HEADER) == !r->begun;
}

static int read_placed(struct reader *in, struct journal_placed *p)
{
    p->head = read_u64(in);
    return in->failed || p->head > JOURNAL_MAX_BODY ? ERR_MALFORMED : OK;
}

static int read_record(struct journal_reader *r, uint8_t type, struct bytes payload,
                       struct journal_item *out)
{
    struct reader in = reader_of(payload);
    if (!in_place(r, type))
        return ERR_MALFORMED;
    out->kind = type;
    switch (type) {
    case JOURNAL_HEADER: return read_header(r, &in, &out->header);
    case JOURNAL_TRACK: return read_track(r, &in, &out->track);
    case JOURNAL_ENTRY: return read_entry(r, &in, &out->entry);
    case JOURNAL_SAMPLE: return open_samples(r, in, out);
    case JOURNAL_GAP: return read_gap(&in, &out->gap);
    case JOURNAL_END:
        r->ended = true;
        out->end.end = read_time(&in);
        return in.failed ? ERR_MALFORMED : OK;
    case JOURNAL_SUMMARY: r->ended = true; return read_summary(&in, &out->summary);
    case JOURNAL_PLACED: r->ended = true; return read_placed(&in, &out->placed);
    }
    return ERR_MALFORMED;
}

static int next(struct journal_reader *r, struct journal_item *out)
{
    uint8_t type;
    struct bytes payload;
    int err;
    if (r->left) {
        out->kind = JOURNAL_SAMPLE;
        err = read_sample(r, &out->sample);
    } else {
        do
            err = next_record(r, &type, &payload);
        while (!err && type >= PASS_OVER && r->begun);
        if (err)
            return err;
        err = read_record(r, type, payload, out);
    }
    if (err) { /* its checksum is right, and yet it makes no sense */
        r->good = r->newest;
        r->checksum = r->checksum_before;
    }
    return err;
}

int journal_next(struct journal_reader *r, struct journal_item *out)
{
    if (!r->err)
        r->err = next(r, out);
    return r->err;
}

int journal_read_summary(struct journal_reader *r, struct journal_header *header,
                         struct journal_summary *summary)
{
    struct journal_item item;
    journal_reader_rewind(r);
    int err = journal_next(r, &item);
    if (err)
        return err;
    struct journal_header seen = item.header;
    err = journal_next(r, &item);
    if (err == ERR_AGAIN || (!err && item.kind != JOURNAL_SUMMARY))
        return ERR_BAD_STATE;
    if (err)
        return err;
    *header = seen;
    *summary = item.summary;
    return OK;
}
