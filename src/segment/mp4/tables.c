#include "base/err.h"
#include "segment/mp4/parts.h"

/* One reading of the journal for one table. */
struct table {
    struct mp4_job *job;
    unsigned track;
    uint64_t entries;       /* written so far */
    uint64_t sample;        /* of the track, from 1 */
    uint64_t chunk;         /* of the track, from 1 */
    int64_t tick;           /* of the newest sample */
    uint32_t count, delta;  /* the open run of stts */
    struct media_chunk run; /* the newest chunk's kind, for stsc */
};

struct table_ops {
    const char *type;
    unsigned entry_bytes;
    void (*sample)(struct table *t,
                   const struct journal_sample *s); /* either of the two, or both */
    void (*chunk)(struct table *t, const struct media_chunk *c);
    void (*end)(struct table *t);
};

static const struct media_scan_track *track_of(const struct table *t)
{
    return &t->job->scan->track[t->track];
}

static void put_time_run(struct table *t)
{
    box_u32(t->job->out, t->count);
    box_u32(t->job->out, t->delta);
    t->entries++;
}

static void add_time(struct table *t, uint32_t delta)
{
    if (t->count && delta != t->delta) {
        put_time_run(t);
        t->count = 0;
    }
    t->delta = delta;
    t->count++;
}

static void stts_sample(struct table *t, const struct journal_sample *s)
{
    if (t->sample > 1)
        add_time(t, (uint32_t)(s->tick - t->tick));
    t->tick = s->tick;
}

static void stts_end(struct table *t)
{
    add_time(t, track_of(t)->last_duration);
    put_time_run(t);
}

static void stss_sample(struct table *t, const struct journal_sample *s)
{
    if (!(s->flags & JOURNAL_KEY))
        return;
    box_u32(t->job->out, (uint32_t)t->sample);
    t->entries++;
}

static void stsc_chunk(struct table *t, const struct media_chunk *c)
{
    if (c->samples == t->run.samples && c->entry == t->run.entry)
        return;
    box_u32(t->job->out, (uint32_t)t->chunk);
    box_u32(t->job->out, c->samples);
    box_u32(t->job->out, c->entry + 1u);
    t->run = *c;
    t->entries++;
}

static void stsz_sample(struct table *t, const struct journal_sample *s)
{
    box_u32(t->job->out, s->size);
    t->entries++;
}

static void stco_chunk(struct table *t, const struct media_chunk *c)
{
    box_u32(t->job->out, (uint32_t)(t->job->base + c->offset));
    t->entries++;
}

static void co64_chunk(struct table *t, const struct media_chunk *c)
{
    box_u64(t->job->out, t->job->base + c->offset);
    t->entries++;
}

static void take_chunk(struct table *t, const struct table_ops *ops, const struct media_chunk *c)
{
    if (c->track != t->track)
        return;
    t->chunk++;
    if (ops->chunk)
        ops->chunk(t, c);
}

static void take_sample(struct table *t, const struct table_ops *ops,
                        const struct journal_sample *s)
{
    if (s->track != t->track)
        return;
    t->sample++;
    if (ops->sample)
        ops->sample(t, s);
}

static int fill(struct table *t, const struct table_ops *ops)
{
    struct media_walk walk;
    struct media_chunker chunker = { 0 };
    struct media_chunk closed;
    struct journal_item item;
    int err = media_walk_begin(&walk, t->job->journal, t->job->scan->body);
    if (err)
        return err;
    uint64_t left = t->job->scan->samples;
    while (left && !t->job->out->err && media_walk_next(&walk, &item, &err)) {
        if (item.kind != JOURNAL_SAMPLE)
            continue;
        left--;
        if (ops->chunk && media_chunker_put(&chunker, &item.sample, &closed))
            take_chunk(t, ops, &closed);
        take_sample(t, ops, &item.sample);
    }
    media_walk_end(&walk);
    if (ops->chunk && media_chunker_end(&chunker, &closed))
        take_chunk(t, ops, &closed);
    if (ops->end)
        ops->end(t);
    return err == ERR_IO ? err : left && !t->job->out->err ? ERR_BAD_STATE : OK;
}

/* A table of `entries` entries, behind what its header holds besides. */
static int put_table(struct mp4_job *job, unsigned track, const struct table_ops *ops,
                     uint64_t entries)
{
    struct table t = { .job = job, .track = track };
    if (entries > UINT32_MAX)
        return ERR_LIMIT;
    box_u32(job->out, (uint32_t)entries);
    if (job->sizes_only) {
        box_zeros(job->out, entries * ops->entry_bytes);
        return OK;
    }
    int err = fill(&t, ops);
    return err ? err : t.entries == entries || job->out->err ? OK : ERR_BAD_STATE;
}

static int put_box(struct mp4_job *job, unsigned track, const struct table_ops *ops,
                   uint64_t entries)
{
    uint64_t at = box_begin_full(job->out, ops->type, 0, 0);
    int err = put_table(job, track, ops, entries);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.6.1.2: TimeToSampleBox */
static int put_stts(struct mp4_job *job, unsigned track)
{
    static const struct table_ops ops = { "stts", 8, .sample = stts_sample, .end = stts_end };
    return put_box(job, track, &ops, job->scan->track[track].time_runs);
}

/* ISO/IEC 14496-12, 8.6.2: SyncSampleBox; without it every sample is one */
static int put_stss(struct mp4_job *job, unsigned track)
{
    static const struct table_ops ops = { "stss", 4, .sample = stss_sample };
    const struct media_scan_track *t = &job->scan->track[track];
    return t->sync == t->samples ? OK : put_box(job, track, &ops, t->sync);
}

/* ISO/IEC 14496-12, 8.7.4: SampleToChunkBox */
static int put_stsc(struct mp4_job *job, unsigned track)
{
    static const struct table_ops ops = { "stsc", 12, .chunk = stsc_chunk };
    return put_box(job, track, &ops, job->scan->track[track].chunk_runs);
}

/* ISO/IEC 14496-12, 8.7.3.2: SampleSizeBox */
static int put_stsz(struct mp4_job *job, unsigned track)
{
    static const struct table_ops ops = { "stsz", 4, .sample = stsz_sample };
    uint64_t at = box_begin_full(job->out, ops.type, 0, 0);
    box_u32(job->out, 0); /* sizes differ */
    int err = put_table(job, track, &ops, job->scan->track[track].samples);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.7.5: ChunkOffsetBox, ChunkLargeOffsetBox */
static int put_offsets(struct mp4_job *job, unsigned track)
{
    static const struct table_ops narrow = { "stco", 4, .chunk = stco_chunk };
    static const struct table_ops wide = { "co64", 8, .chunk = co64_chunk };
    return put_box(job, track, job->wide ? &wide : &narrow, job->scan->track[track].chunks);
}

int mp4_put_tables(struct mp4_job *job, unsigned track)
{
    static int (*const tables[])(struct mp4_job *, unsigned) = { put_stts, put_stss, put_stsc,
                                                                 put_stsz, put_offsets };
    int err = OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !err; i++)
        err = tables[i](job, track);
    return err;
}
