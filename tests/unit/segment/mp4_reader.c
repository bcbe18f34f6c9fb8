#include "mp4_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct box {
    char type[5];
    uint64_t at; /* of the payload, in the file */
    struct reader body;
};

static bool next_box(const struct mp4_movie *m, struct reader *in, struct box *out)
{
    if (!reader_left(in))
        return false;
    uint64_t size = read_u32(in), head = 8;
    struct bytes type = read_bytes(in, 4);
    assert_false(in->failed);
    if (size == 1) {
        size = read_u64(in);
        head = 16;
    }
    assert_true(size >= head && size - head <= reader_left(in));
    memcpy(out->type, type.ptr, 4);
    out->type[4] = 0;
    out->at = (uint64_t)(in->pos - m->file.ptr);
    out->body = reader_of(read_bytes(in, (size_t)(size - head)));
    return true;
}

static bool is(const struct box *b, const char *type)
{
    return strcmp(b->type, type) == 0;
}

/* The only box of this type in there. */
static struct box child(const struct mp4_movie *m, struct reader in, const char *type)
{
    struct box b, found = { 0 };
    unsigned count = 0;
    while (next_box(m, &in, &b))
        if (is(&b, type)) {
            found = b;
            count++;
        }
    if (count != 1)
        fail_msg("%u boxes %s", count, type);
    return found;
}

static bool has(const struct mp4_movie *m, struct reader in, const char *type)
{
    struct box b;
    while (next_box(m, &in, &b))
        if (is(&b, type))
            return true;
    return false;
}

static unsigned version_of(struct reader *in)
{
    unsigned version = read_u8(in);
    read_u24(in);
    assert_true(version <= 1);
    return version;
}

static uint64_t read_time(struct reader *in, unsigned version)
{
    return version ? read_u64(in) : read_u32(in);
}

static void assert_end(const struct reader *in)
{
    assert_false(in->failed);
    assert_int_equal(reader_left(in), 0);
}

static void read_mvhd(struct mp4_movie *m, struct reader in)
{
    unsigned version = version_of(&in);
    read_time(&in, version);
    read_time(&in, version);
    m->timescale = read_u32(&in);
    m->duration = read_time(&in, version);
    read_bytes(&in, 80);
    assert_end(&in);
}

static void read_tkhd(struct mp4_track *t, struct reader in)
{
    unsigned version = version_of(&in);
    read_time(&in, version);
    read_time(&in, version);
    read_u64(&in);
    t->shown_duration = read_time(&in, version);
    read_bytes(&in, 52);
    t->width = read_u32(&in) >> 16;
    t->height = read_u32(&in) >> 16;
    assert_end(&in);
}

static void read_edits(const struct mp4_movie *m, struct mp4_track *t, struct reader trak)
{
    if (!has(m, trak, "edts"))
        return;
    struct reader in = child(m, child(m, trak, "edts").body, "elst").body;
    unsigned version = version_of(&in), count = read_u32(&in);
    assert_true(count == 1 || count == 2);
    t->edited = true;
    for (unsigned i = 0; i < count; i++) {
        int64_t length = (int64_t)read_time(&in, version);
        int64_t at = version ? (int64_t)read_u64(&in) : (int32_t)read_u32(&in);
        assert_int_equal(read_u32(&in), 0x10000);
        assert_true(length > 0);
        if (i + 1 < count) {
            assert_int_equal(at, -1);
            t->empty = length;
        } else {
            assert_true(at >= 0);
            t->media_time = at;
            t->edit_length = length;
        }
    }
    assert_end(&in);
}

static void read_mdhd(struct mp4_track *t, struct reader in)
{
    unsigned version = version_of(&in);
    read_time(&in, version);
    read_time(&in, version);
    t->timescale = read_u32(&in);
    t->media_duration = read_time(&in, version);
    read_u32(&in);
    assert_end(&in);
}

static struct bytes descriptor(struct reader *in, unsigned tag)
{
    assert_int_equal(read_u8(in), tag);
    size_t size = 0;
    uint8_t byte;
    do {
        byte = read_u8(in);
        size = size << 7 | (byte & 0x7f);
    } while (byte & 0x80);
    struct bytes body = read_bytes(in, size);
    assert_false(in->failed);
    return body;
}

static struct bytes read_esds(struct reader in)
{
    version_of(&in);
    struct reader es = reader_of(descriptor(&in, 3));
    assert_end(&in);
    read_bytes(&es, 3);
    struct reader config = reader_of(descriptor(&es, 4));
    descriptor(&es, 6);
    assert_end(&es);
    assert_int_equal(read_u8(&config), 0x40);
    read_bytes(&config, 12);
    struct bytes specific = descriptor(&config, 5);
    assert_end(&config);
    return specific;
}

static void read_entry(const struct mp4_movie *m, struct mp4_track *t, struct box *b)
{
    unsigned i = t->entries++;
    memcpy(t->entry[i].type, b->type, 5);
    read_bytes(&b->body, 8);
    if (is(b, "avc1")) {
        read_bytes(&b->body, 16);
        t->entry[i].width = read_u16(&b->body);
        t->entry[i].height = read_u16(&b->body);
        read_bytes(&b->body, 50);
        t->entry[i].config = read_rest(&(struct reader[1]){ child(m, b->body, "avcC").body }[0]);
    } else {
        assert_string_equal(b->type, "mp4a");
        read_bytes(&b->body, 8);
        t->entry[i].channels = read_u16(&b->body);
        read_bytes(&b->body, 6);
        assert_int_equal(read_u32(&b->body) >> 16, t->timescale);
        t->entry[i].config = read_esds(child(m, b->body, "esds").body);
    }
}

static void read_stsd(const struct mp4_movie *m, struct mp4_track *t, struct reader in)
{
    struct box b;
    version_of(&in);
    unsigned count = read_u32(&in);
    assert_true(count >= 1 && count <= MP4_READER_ENTRIES);
    while (next_box(m, &in, &b))
        read_entry(m, t, &b);
    assert_int_equal(t->entries, count);
}

/* A table's header; the reader then stands at its first entry. */
static struct reader table(const struct mp4_movie *m, struct reader stbl, const char *type,
                           unsigned *count)
{
    struct reader in = child(m, stbl, type).body;
    version_of(&in);
    if (strcmp(type, "stsz") == 0)
        assert_int_equal(read_u32(&in), 0);
    *count = read_u32(&in);
    return in;
}

static void read_sizes(const struct mp4_movie *m, struct mp4_track *t, struct reader stbl)
{
    struct reader in = table(m, stbl, "stsz", &t->samples);
    assert_true(t->samples > 0 && t->samples <= reader_left(&in) / 4);
    t->sample = calloc(t->samples, sizeof *t->sample);
    assert_non_null(t->sample);
    for (unsigned i = 0; i < t->samples; i++)
        t->sample[i].size = read_u32(&in);
    assert_end(&in);
}

static void read_times(const struct mp4_movie *m, struct mp4_track *t, struct reader stbl)
{
    unsigned runs, n = 0;
    struct reader in = table(m, stbl, "stts", &runs);
    assert_int_equal((t->empty * t->timescale) % m->timescale, 0);
    int64_t tick = t->empty * t->timescale / m->timescale - t->media_time, start = tick;
    while (runs--) {
        uint32_t count = read_u32(&in), delta = read_u32(&in);
        assert_true(count > 0 && delta > 0 && n + count <= t->samples);
        for (; count; count--, n++, tick += delta) {
            t->sample[n].tick = tick;
            t->sample[n].duration = delta;
        }
    }
    assert_int_equal(n, t->samples);
    assert_end(&in);
    assert_int_equal(tick - start, t->media_duration);
}

static void read_keys(const struct mp4_movie *m, struct mp4_track *t, struct reader stbl)
{
    bool all = !has(m, stbl, "stss");
    for (unsigned i = 0; i < t->samples; i++)
        t->sample[i].key = all;
    if (all)
        return;
    unsigned count, last = 0;
    struct reader in = table(m, stbl, "stss", &count);
    while (count--) {
        unsigned n = read_u32(&in);
        assert_true(n > last && n <= t->samples);
        t->sample[n - 1].key = true;
        last = n;
    }
    assert_end(&in);
}

struct chunk_run {
    unsigned first, samples, entry;
};

static void read_places(struct mp4_movie *m, struct mp4_track *t, struct reader stbl)
{
    unsigned runs, chunks, n = 0;
    bool wide = has(m, stbl, "co64");
    struct reader stsc = table(m, stbl, "stsc", &runs);
    struct reader offsets = table(m, stbl, wide ? "co64" : "stco", &chunks);
    struct chunk_run run = { 0 }, next = { read_u32(&stsc), read_u32(&stsc), read_u32(&stsc) };
    assert_int_equal(next.first, 1);
    m->wide = wide;
    for (unsigned c = 1; c <= chunks; c++) {
        if (next.first == c) {
            run = next;
            next.first = 0;
            if (--runs)
                next = (struct chunk_run){ read_u32(&stsc), read_u32(&stsc), read_u32(&stsc) };
            assert_true(run.entry >= 1 && run.entry <= t->entries);
        }
        uint64_t at = wide ? read_u64(&offsets) : read_u32(&offsets);
        for (unsigned i = 0; i < run.samples; i++, n++) {
            assert_true(n < t->samples);
            t->sample[n].offset = at;
            t->sample[n].entry = run.entry - 1;
            at += t->sample[n].size;
            assert_true(t->sample[n].offset >= m->body_at);
            assert_true(at <= m->body_at + m->body_size);
        }
    }
    assert_int_equal(runs, 0);
    assert_int_equal(n, t->samples);
    assert_end(&stsc);
    assert_end(&offsets);
}

static void read_track(struct mp4_movie *m, struct reader trak)
{
    struct mp4_track *t = &m->track[m->tracks++];
    assert_true(m->tracks <= MP4_READER_TRACKS);
    struct reader mdia = child(m, trak, "mdia").body;
    struct reader hdlr = child(m, mdia, "hdlr").body;
    read_tkhd(t, child(m, trak, "tkhd").body);
    read_mdhd(t, child(m, mdia, "mdhd").body);
    read_edits(m, t, trak);
    read_bytes(&hdlr, 8);
    memcpy(t->handler, read_bytes(&hdlr, 4).ptr, 4);
    struct reader minf = child(m, mdia, "minf").body;
    child(m, minf, strcmp(t->handler, "soun") == 0 ? "smhd" : "vmhd");
    child(m, child(m, minf, "dinf").body, "dref");
    struct reader stbl = child(m, minf, "stbl").body;
    read_stsd(m, t, child(m, stbl, "stsd").body);
    read_sizes(m, t, stbl);
    read_times(m, t, stbl);
    read_keys(m, t, stbl);
    read_places(m, t, stbl);
}

void mp4_read(struct mp4_movie *m, struct bytes file)
{
    *m = (struct mp4_movie){ .file = file };
    struct reader in = reader_of(file);
    struct box b, mdat = child(m, in, "mdat"), moov = child(m, in, "moov");
    assert_true(next_box(m, &in, &b) && is(&b, "ftyp"));
    assert_true(next_box(m, &in, &b) && is(&b, "moov")); /* fast start */
    m->body_at = mdat.at;
    m->body_size = reader_left(&mdat.body);
    assert_int_equal(m->body_at + m->body_size, file.len);
    read_mvhd(m, child(m, moov.body, "mvhd").body);
    while (next_box(m, &moov.body, &b))
        if (is(&b, "trak"))
            read_track(m, b.body);
    for (unsigned i = 0; i < m->tracks; i++)
        assert_true(m->track[i].shown_duration <= m->duration);
}

void mp4_free(struct mp4_movie *m)
{
    for (unsigned i = 0; i < m->tracks; i++)
        free(m->track[i].sample);
}

const struct mp4_track *mp4_track(const struct mp4_movie *m, const char *handler)
{
    for (unsigned i = 0; i < m->tracks; i++)
        if (strcmp(m->track[i].handler, handler) == 0)
            return &m->track[i];
    return NULL;
}

struct bytes mp4_sample_bytes(const struct mp4_movie *m, const struct mp4_sample *s)
{
    return bytes_of(m->file.ptr + s->offset, s->size);
}
