#include "base/err.h"
#include "segment/mp4/parts.h"

/* ISO/IEC 14496-15, 5.3.4: AVCConfigurationBox */
static void put_avcc(struct box_out *o, struct bytes config)
{
    uint64_t at = box_begin(o, "avcC");
    box_bytes(o, config);
    box_end(o, at);
}

/* ISO/IEC 14496-12, 12.1.3: VisualSampleEntry; 14496-15, 5.4.2.1: avc1 */
static void put_avc1(struct box_out *o, const struct journal_entry *e)
{
    uint64_t at = box_begin(o, "avc1");
    box_zeros(o, 6);
    box_u16(o, 1); /* data_reference_index */
    box_zeros(o, 16);
    box_u16(o, e->width);
    box_u16(o, e->height);
    box_u32(o, 0x480000); /* 72 dpi */
    box_u32(o, 0x480000);
    box_u32(o, 0);
    box_u16(o, 1); /* frame_count */
    box_zeros(o, 32);
    box_u16(o, 0x18); /* depth */
    box_u16(o, 0xffff);
    put_avcc(o, e->config);
    box_end(o, at);
}

/* ISO/IEC 14496-1, 7.2.2 and 8.3.3: a descriptor's tag and its size, here always in four bytes */
static void put_descriptor(struct box_out *o, uint8_t tag, size_t size)
{
    box_u8(o, tag);
    for (int shift = 21; shift > 0; shift -= 7)
        box_u8(o, (uint8_t)((size >> shift & 0x7f) | 0x80));
    box_u8(o, size & 0x7f);
}

static uint32_t bitrate(const struct media_scan_track *t)
{
    uint64_t ticks = (uint64_t)(t->end - t->first);
    return ticks ? (uint32_t)(t->bytes * 8 * t->timescale / ticks) : 0;
}

/* ISO/IEC 14496-14, 5.6: ESDBox; 14496-1, 7.2.6.5 to 7.2.6.7 and 7.3.2.3: the descriptors */
static void put_esds(struct box_out *o, const struct media_scan_track *t, struct bytes config)
{
    enum { ES_TAG = 3, DECODER_CONFIG_TAG = 4, DECODER_SPECIFIC_TAG = 5, SL_TAG = 6, HEAD = 5 };
    size_t specific = config.len, decoder = 13 + HEAD + specific, sl = 1;
    uint64_t at = box_begin_full(o, "esds", 0, 0);
    put_descriptor(o, ES_TAG, 3 + HEAD + decoder + HEAD + sl);
    box_u16(o, 0); /* ES_ID */
    box_u8(o, 0);
    put_descriptor(o, DECODER_CONFIG_TAG, decoder);
    box_u8(o, 0x40); /* objectTypeIndication: ISO/IEC 14496-3 */
    box_u8(o, 0x15); /* AudioStream */
    box_u24(o, t->largest < 0xffffff ? t->largest : 0xffffff);
    box_u32(o, bitrate(t));
    box_u32(o, bitrate(t));
    put_descriptor(o, DECODER_SPECIFIC_TAG, specific);
    box_bytes(o, config);
    put_descriptor(o, SL_TAG, sl);
    box_u8(o, 2); /* predefined: for MP4 files */
    box_end(o, at);
}

/* ISO/IEC 14496-12, 12.2.3: AudioSampleEntry; 14496-14, 5.6: mp4a */
static void put_mp4a(struct box_out *o, const struct media_scan_track *t,
                     const struct journal_entry *e)
{
    uint64_t at = box_begin(o, "mp4a");
    box_zeros(o, 6);
    box_u16(o, 1); /* data_reference_index */
    box_zeros(o, 8);
    box_u16(o, e->channels);
    box_u16(o, 16); /* samplesize */
    box_zeros(o, 4);
    box_u32(o, t->timescale << 16);
    put_esds(o, t, e->config);
    box_end(o, at);
}

static int put_entries(struct mp4_job *job, unsigned track)
{
    const struct media_scan_track *t = &job->scan->track[track];
    struct media_walk walk;
    struct journal_item item;
    unsigned left = t->entries;
    int err = media_walk_begin(&walk, job->journal, job->scan->body);
    if (err)
        return err;
    while (left && media_walk_next(&walk, &item, &err)) {
        if (item.kind != JOURNAL_ENTRY || item.entry.track != track)
            continue;
        left--;
        if (t->kind == JOURNAL_AUDIO_AAC)
            put_mp4a(job->out, t, &item.entry);
        else
            put_avc1(job->out, &item.entry);
    }
    media_walk_end(&walk);
    return err == ERR_IO ? err : left ? ERR_BAD_STATE : OK;
}

/* ISO/IEC 14496-12, 8.5.2: SampleDescriptionBox */
int mp4_put_stsd(struct mp4_job *job, unsigned track)
{
    uint64_t at = box_begin_full(job->out, "stsd", 0, 0);
    box_u32(job->out, job->scan->track[track].entries);
    int err = put_entries(job, track);
    box_end(job->out, at);
    return err;
}
