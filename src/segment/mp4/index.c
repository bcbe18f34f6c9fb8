#include "segment/mp4/index.h"

#include "base/err.h"
#include "segment/mp4/parts.h"

#define MDAT_HEADER 16
#define FREE_HEADER 8
#define EPOCH_1904  2082844800 /* seconds from 1904 to 1970 */

/* What of a track is shown, in its ticks: from `show` on the file's time, what stands `skip` after
 * its first sample, for `length`. */
struct span {
    int64_t show, skip, length;
};

static struct span span_from(const struct media_scan_track *t, int64_t show, int64_t end)
{
    show = show > 0 ? show : 0;
    return (struct span){ show, show - t->first, end - show };
}

static struct span span_of(const struct media_scan *scan, const struct media_scan_track *t)
{
    int64_t file_end = media_to_ticks(scan->end, t->timescale), end = t->end;
    if (scan->ended && file_end < end)
        end = file_end;
    struct span s = span_from(t, t->first + t->priming, end);
    if (s.length <= 0) /* run-in alone */
        s = span_from(t, t->first, t->end);
    return s;
}

static bool shown(const struct media_scan *scan, unsigned track)
{
    const struct media_scan_track *t = &scan->track[track];
    return t->samples && span_of(scan, t).length > 0;
}

static uint64_t movie_time(int64_t ticks, uint32_t timescale)
{
    return (uint64_t)(ticks / timescale * MP4_TIMESCALE +
                      (ticks % timescale * MP4_TIMESCALE + timescale / 2) / timescale);
}

static uint64_t track_duration(const struct media_scan *scan, const struct media_scan_track *t)
{
    struct span s = span_of(scan, t);
    return movie_time(s.show, t->timescale) + movie_time(s.length, t->timescale);
}

static uint64_t movie_duration(const struct media_scan *scan)
{
    uint64_t longest = 0;
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS; i++) {
        uint64_t d = shown(scan, i) ? track_duration(scan, &scan->track[i]) : 0;
        longest = d > longest ? d : longest;
    }
    return longest;
}

static unsigned version_for(uint64_t duration)
{
    return duration > UINT32_MAX;
}

static uint64_t created(const struct media_scan *scan)
{
    int64_t s = scan->header.start / SEC + EPOCH_1904;
    return s > 0 && s <= UINT32_MAX ? (uint64_t)s : 0;
}

/* Creation and modification time, `ids` (one or two words), duration. */
static void put_times(struct box_out *o, unsigned version, uint64_t time)
{
    box_time(o, version, time);
    box_time(o, version, time);
}

/* Unity: 1.0, 1.0 and the last in 2.30 fixed point. */
static void put_matrix(struct box_out *o)
{
    static const uint32_t matrix[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };
    for (unsigned i = 0; i < 9; i++)
        box_u32(o, matrix[i]);
}

/* ISO/IEC 14496-12, 4.3: FileTypeBox */
static void put_ftyp(struct box_out *o)
{
    uint64_t at = box_begin(o, "ftyp");
    box_bytes(o, bytes_str("isom"));
    box_u32(o, 0x200);
    box_bytes(o, bytes_str("isomiso2avc1mp41"));
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.2.2: MovieHeaderBox */
static void put_mvhd(struct mp4_job *job)
{
    struct box_out *o = job->out;
    uint64_t duration = movie_duration(job->scan);
    unsigned version = version_for(duration);
    uint64_t at = box_begin_full(o, "mvhd", version, 0);
    put_times(o, version, created(job->scan));
    box_u32(o, MP4_TIMESCALE);
    box_time(o, version, duration);
    box_u32(o, 0x10000); /* rate 1.0 */
    box_u16(o, 0x100);   /* volume 1.0 */
    box_zeros(o, 10);
    put_matrix(o);
    box_zeros(o, 24);
    box_u32(o, JOURNAL_MAX_TRACKS + 1); /* next_track_ID */
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.3.2: TrackHeaderBox; enabled, in the movie. The size is the largest. */
static void put_tkhd(struct mp4_job *job, unsigned track)
{
    struct box_out *o = job->out;
    const struct media_scan_track *t = &job->scan->track[track];
    bool audio = t->kind == JOURNAL_AUDIO_AAC;
    uint64_t duration = track_duration(job->scan, t);
    unsigned version = version_for(duration);
    uint64_t at = box_begin_full(o, "tkhd", version, 3);
    put_times(o, version, created(job->scan));
    box_u32(o, track + 1);
    box_u32(o, 0);
    box_time(o, version, duration);
    box_zeros(o, 8);
    box_u16(o, 0); /* layer */
    box_u16(o, 0); /* alternate_group */
    box_u16(o, audio ? 0x100 : 0);
    box_u16(o, 0);
    put_matrix(o);
    box_u32(o, (uint32_t)t->width << 16);
    box_u32(o, (uint32_t)t->height << 16);
    box_end(o, at);
}

static void put_edit(struct box_out *o, unsigned version, uint64_t duration, int64_t media_time)
{
    box_time(o, version, duration);
    box_time(o, version, (uint64_t)media_time);
    box_u32(o, 0x10000); /* media_rate 1.0 */
}

/* ISO/IEC 14496-12, 8.6.6: EditListBox */
static void put_elst(struct box_out *o, const struct span *s, uint32_t timescale)
{
    uint64_t empty = movie_time(s->show, timescale), length = movie_time(s->length, timescale);
    unsigned version = empty > INT32_MAX || length > INT32_MAX || s->skip > INT32_MAX;
    uint64_t at = box_begin_full(o, "elst", version, 0);
    box_u32(o, empty ? 2 : 1);
    if (empty)
        put_edit(o, version, empty, -1);
    put_edit(o, version, length, s->skip);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.6.5: EditBox; nothing when the track is shown as it stands. */
static void put_edts(struct mp4_job *job, unsigned track)
{
    const struct media_scan_track *t = &job->scan->track[track];
    struct span s = span_of(job->scan, t);
    if (!s.show && !s.skip && s.length == t->end - t->first)
        return;
    uint64_t at = box_begin(job->out, "edts");
    put_elst(job->out, &s, t->timescale);
    box_end(job->out, at);
}

/* ISO/IEC 14496-12, 8.4.2: MediaHeaderBox; language "und". */
static void put_mdhd(struct mp4_job *job, unsigned track)
{
    struct box_out *o = job->out;
    const struct media_scan_track *t = &job->scan->track[track];
    uint64_t duration = (uint64_t)(t->end - t->first);
    unsigned version = version_for(duration);
    uint64_t at = box_begin_full(o, "mdhd", version, 0);
    put_times(o, version, created(job->scan));
    box_u32(o, t->timescale);
    box_time(o, version, duration);
    box_u16(o, 0x55c4);
    box_u16(o, 0);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.4.3: HandlerBox */
static void put_hdlr(struct box_out *o, bool audio)
{
    uint64_t at = box_begin_full(o, "hdlr", 0, 0);
    box_u32(o, 0);
    box_bytes(o, bytes_str(audio ? "soun" : "vide"));
    box_zeros(o, 12);
    box_bytes(o, bytes_str(audio ? "Audio" : "Video"));
    box_u8(o, 0);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 12.1.2: VideoMediaHeaderBox */
static void put_vmhd(struct box_out *o)
{
    uint64_t at = box_begin_full(o, "vmhd", 0, 1);
    box_zeros(o, 8);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 12.2.2: SoundMediaHeaderBox */
static void put_smhd(struct box_out *o)
{
    uint64_t at = box_begin_full(o, "smhd", 0, 0);
    box_zeros(o, 4);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.7.2: DataReferenceBox; one entry, this very file. */
static void put_dref(struct box_out *o)
{
    uint64_t at = box_begin_full(o, "dref", 0, 0);
    box_u32(o, 1);
    uint64_t url = box_begin_full(o, "url ", 0, 1);
    box_end(o, url);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.7.1: DataInformationBox */
static void put_dinf(struct box_out *o)
{
    uint64_t at = box_begin(o, "dinf");
    put_dref(o);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.5.1: SampleTableBox */
static int put_stbl(struct mp4_job *job, unsigned track)
{
    uint64_t at = box_begin(job->out, "stbl");
    int err = mp4_put_stsd(job, track);
    if (!err)
        err = mp4_put_tables(job, track);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.4.4: MediaInformationBox */
static int put_minf(struct mp4_job *job, unsigned track)
{
    struct box_out *o = job->out;
    uint64_t at = box_begin(o, "minf");
    if (job->scan->track[track].kind == JOURNAL_AUDIO_AAC)
        put_smhd(o);
    else
        put_vmhd(o);
    put_dinf(o);
    int err = put_stbl(job, track);
    box_end(o, at);
    return err;
}

/* ISO/IEC 14496-12, 8.4.1: MediaBox */
static int put_mdia(struct mp4_job *job, unsigned track)
{
    uint64_t at = box_begin(job->out, "mdia");
    put_mdhd(job, track);
    put_hdlr(job->out, job->scan->track[track].kind == JOURNAL_AUDIO_AAC);
    int err = put_minf(job, track);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.3.1: TrackBox */
static int put_trak(struct mp4_job *job, unsigned track)
{
    uint64_t at = box_begin(job->out, "trak");
    put_tkhd(job, track);
    put_edts(job, track);
    int err = put_mdia(job, track);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.2.1: MovieBox */
static int put_moov(struct mp4_job *job)
{
    int err = OK;
    uint64_t at = box_begin(job->out, "moov");
    put_mvhd(job);
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS && !err; i++)
        if (shown(job->scan, i))
            err = put_trak(job, i);
    box_end(job->out, at);
    return err;
}

/* ISO/IEC 14496-12, 8.1.2: FreeSpaceBox, of `size` bytes in all */
static void put_free(struct box_out *o, uint64_t size)
{
    uint64_t at = box_begin(o, "free");
    box_zeros(o, size - FREE_HEADER);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 8.1.1: MediaDataBox; its header with a size of 64 bits */
static void put_mdat(struct box_out *o, uint64_t body)
{
    box_u32(o, 1);
    box_bytes(o, bytes_str("mdat"));
    box_u64(o, body + MDAT_HEADER);
}

static bool anything_shown(const struct media_scan *scan)
{
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS; i++)
        if (shown(scan, i))
            return true;
    return false;
}

/* The front without padding. */
static int bare_size(uint64_t *size, struct mp4_job *job)
{
    struct box_out count;
    box_out_init(&count, NULL, NULL);
    job->out = &count;
    job->sizes_only = true;
    put_ftyp(&count);
    int err = put_moov(job);
    *size = count.pos + MDAT_HEADER;
    return err ? err : count.err;
}

static uint64_t padded(uint64_t bare, uint64_t align)
{
    uint64_t size = (bare + align - 1) / align * align;
    return size != bare && size - bare < FREE_HEADER ? size + align : size;
}

/* 64-bit offsets are taken when 32 bits could be too few with any padding there may be. */
static bool needs_wide(const struct media_scan *scan)
{
    uint64_t index = 0;
    for (unsigned i = 0; i < JOURNAL_MAX_TRACKS; i++)
        index += scan->track[i].samples * 32;
    return scan->body + index + (4u << 20) > UINT32_MAX;
}

int mp4_head_size(uint64_t *size, const struct media_scan *scan, struct journal_source *journal,
                  uint64_t align)
{
    struct mp4_job job = { .scan = scan, .journal = journal, .wide = needs_wide(scan) };
    uint64_t bare;
    if (!anything_shown(scan))
        return ERR_NOT_FOUND;
    int err = bare_size(&bare, &job);
    if (!err)
        *size = padded(bare, align);
    return err;
}

int mp4_head_write(struct box_out *out, const struct media_scan *scan,
                   struct journal_source *journal, uint64_t size)
{
    uint64_t bare;
    int err = mp4_head_size(&bare, scan, journal, 1);
    if (err)
        return err;
    if (size != bare && size < bare + FREE_HEADER)
        return ERR_LIMIT;
    struct mp4_job job = { out, scan, journal, size, needs_wide(scan), false };
    put_ftyp(out);
    err = put_moov(&job);
    if (size != bare)
        put_free(out, size - bare);
    put_mdat(out, scan->body);
    if (!err)
        err = box_out_finish(out);
    return err ? err : out->pos == size ? OK : ERR_BAD_STATE;
}

uint64_t mp4_head_bound(uint64_t samples, uint64_t time_runs, uint64_t chunks, uint64_t sync,
                        uint64_t config_bytes)
{
    return 2 * MP4_ALIGN + samples * 4 + time_runs * 8 + chunks * (8 + 12) + sync * 4 +
           config_bytes;
}
