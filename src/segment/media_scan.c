#include "segment/media_scan.h"

#include "base/err.h"
#include "base/str.h"

#define AAC_SAMPLES 1024

/* `v` * `to` / `from`, `from` and `to` below 2^31. */
static int64_t rescale(int64_t v, int64_t to, int64_t from)
{
    int64_t rest = v % from * to;
    return v / from * to + (rest + (rest < 0 ? -from : from) / 2) / from;
}

int64_t media_to_ticks(usec_t us, uint32_t timescale)
{
    return rescale(us, timescale, SEC);
}

usec_t media_to_us(int64_t ticks, uint32_t timescale)
{
    return rescale(ticks, SEC, timescale);
}

bool media_chunker_put(struct media_chunker *c, const struct journal_sample *s,
                       struct media_chunk *closed)
{
    struct media_chunk *open = &c->open;
    if (open->samples && open->track == s->track && open->entry == s->entry &&
        open->samples < MEDIA_CHUNK_SAMPLES) {
        open->samples++;
        return false;
    }
    *closed = *open;
    *open = (struct media_chunk){ s->track, s->entry, 1, s->offset };
    return closed->samples > 0;
}

bool media_chunker_end(struct media_chunker *c, struct media_chunk *closed)
{
    *closed = c->open;
    c->open.samples = 0;
    return closed->samples > 0;
}

int media_walk_begin(struct media_walk *w, struct journal_source *journal, uint64_t body_bytes)
{
    w->body = body_bytes;
    return journal_reader_new(&w->reader, journal);
}

bool media_walk_next(struct media_walk *w, struct journal_item *item, int *err)
{
    *err = journal_next(w->reader, item);
    if (*err)
        return false;
    return item->kind != JOURNAL_SAMPLE || item->sample.offset + item->sample.size <= w->body;
}

void media_walk_end(struct media_walk *w)
{
    journal_reader_free(w->reader);
}

/* The state of a scan besides its result. */
struct scan {
    struct media_scan *out;
    struct media_chunker chunker;
    struct {
        int64_t delta;            /* of the newest two samples; 0: fewer */
        struct media_chunk chunk; /* newest */
    } track[JOURNAL_MAX_TRACKS];
};

static void take_header(struct media_scan *out, const struct journal_header *h)
{
    out->header = *h;
    str_copy(out->texts[0], sizeof out->texts[0], h->user);
    str_copy(out->texts[1], sizeof out->texts[1], h->media);
    out->header.user = bytes_str(out->texts[0]);
    out->header.media = bytes_str(out->texts[1]);
}

static void take_entry(struct media_scan *out, const struct journal_entry *e)
{
    struct media_scan_track *t = &out->track[e->track];
    t->entries++;
    t->width = e->width > t->width ? e->width : t->width;
    t->height = e->height > t->height ? e->height : t->height;
    t->channels = e->channels > t->channels ? e->channels : t->channels;
}

static void take_chunk(struct scan *s, const struct media_chunk *c)
{
    struct media_chunk *last = &s->track[c->track].chunk;
    struct media_scan_track *t = &s->out->track[c->track];
    if (c->samples != last->samples || c->entry != last->entry)
        t->chunk_runs++;
    t->chunks++;
    *last = *c;
}

static void take_time(struct scan *s, const struct journal_sample *sample)
{
    struct media_scan_track *t = &s->out->track[sample->track];
    int64_t *delta = &s->track[sample->track].delta;
    if (t->samples) {
        t->time_runs += sample->tick - t->last != *delta;
        *delta = sample->tick - t->last;
    } else {
        t->first = sample->tick;
    }
    t->last = sample->tick;
}

static void take_sample(struct scan *s, const struct journal_sample *sample)
{
    struct media_scan *out = s->out;
    struct media_scan_track *t = &out->track[sample->track];
    struct media_chunk closed;
    take_time(s, sample);
    if (media_chunker_put(&s->chunker, sample, &closed))
        take_chunk(s, &closed);
    t->samples++;
    t->sync += sample->flags & JOURNAL_KEY ? 1 : 0;
    t->bytes += sample->size;
    t->largest = sample->size > t->largest ? sample->size : t->largest;
    out->samples++;
    out->body = sample->offset + sample->size;
    out->summary.damaged += sample->flags & JOURNAL_DAMAGED ? 1 : 0;
    out->summary.filled += sample->flags & JOURNAL_FILLED ? 1 : 0;
}

static void take_item(struct scan *s, const struct journal_item *item)
{
    struct media_scan *out = s->out;
    switch (item->kind) {
    case JOURNAL_HEADER: take_header(out, &item->header); break;
    case JOURNAL_TRACK: {
        struct media_scan_track *t = &out->track[item->track.track];
        t->known = true;
        t->kind = item->track.kind;
        t->timescale = item->track.timescale;
        t->priming = item->track.priming;
        break;
    }
    case JOURNAL_ENTRY: take_entry(out, &item->entry); break;
    case JOURNAL_SAMPLE: take_sample(s, &item->sample); break;
    case JOURNAL_GAP:
        out->summary.gaps++;
        if (out->summary.gap_us < JOURNAL_MAX_US)
            out->summary.gap_us += item->gap.to - item->gap.from;
        break;
    case JOURNAL_END:
        out->ended = true;
        out->end = item->end.end;
        break;
    case JOURNAL_PLACED:
        out->placed = true;
        out->head = item->placed.head;
        break;
    case JOURNAL_SUMMARY: break;
    }
}

/* How long the last sample of a track lasts when nothing follows. */
static int64_t natural_end(const struct media_scan_track *t, int64_t delta)
{
    if (t->kind == JOURNAL_AUDIO_AAC)
        return t->last + AAC_SAMPLES;
    if (delta == 0)
        return t->last + t->timescale / 25;
    return t->last + (delta < t->timescale ? delta : t->timescale);
}

static void find_end(struct scan *s)
{
    struct media_scan *out = s->out;
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS; i++) {
        struct media_scan_track *t = &out->track[i];
        if (!t->samples)
            continue;
        t->end = natural_end(t, s->track[i].delta);
        usec_t end = media_to_us(t->end, t->timescale);
        if (!out->ended && end > out->end)
            out->end = end;
    }
}

/* The last picture stays to the end of the file (FillType 0). */
static void end_track(struct scan *s, unsigned i)
{
    struct media_scan_track *t = &s->out->track[i];
    if (!t->samples)
        return;
    if (t->kind == JOURNAL_VIDEO_H264)
        t->end = media_to_ticks(s->out->end, t->timescale);
    int64_t last = t->end - t->last;
    last = last < 1 ? 1 : last < JOURNAL_MAX_DELTA ? last : JOURNAL_MAX_DELTA - 1;
    t->end = t->last + last;
    t->last_duration = (uint32_t)last;
    t->time_runs += t->samples == 1 || last != s->track[i].delta;
}

static void sum_up(struct scan *s)
{
    struct media_scan *out = s->out;
    struct media_chunk closed;
    if (media_chunker_end(&s->chunker, &closed))
        take_chunk(s, &closed);
    find_end(s);
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS; i++) {
        struct media_scan_track *t = &out->track[i];
        end_track(s, i);
        *(t->kind == JOURNAL_VIDEO_H264 ? &out->summary.video : &out->summary.audio) += t->samples;
        if ((uint32_t)t->width * t->height > (uint32_t)out->summary.width * out->summary.height) {
            out->summary.width = t->width;
            out->summary.height = t->height;
        }
    }
    out->end = out->end > 0 ? out->end : 0;
    out->summary.start = out->header.start;
    out->summary.end = out->header.start + out->end;
    out->summary.torn = !out->ended;
}

int media_scan(struct media_scan *out, struct journal_source *journal, uint64_t body_bytes)
{
    struct media_walk w;
    struct journal_item item;
    struct scan s = { .out = out };
    bool begun = false, finished = false;
    int err = media_walk_begin(&w, journal, body_bytes);
    if (err)
        return err;
    *out = (struct media_scan){ 0 };
    while (media_walk_next(&w, &item, &err)) {
        begun = true;
        finished |= item.kind == JOURNAL_SUMMARY;
        take_item(&s, &item);
    }
    out->cut = !err;
    out->good = journal_good(w.reader);
    out->checksum = journal_good_checksum(w.reader);
    media_walk_end(&w);
    if (!begun || err == ERR_IO)
        return err;
    if (finished)
        return ERR_EXISTS;
    if (out->cut)
        out->ended = false;
    sum_up(&s);
    return OK;
}
