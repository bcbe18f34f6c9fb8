#include "segment/ts.h"

#include "base/err.h"

#define PES_LIMIT (8u << 20)
#define PES_KEEP  (256u << 10) /* memory kept between frames */

enum { PROGRAM = 1, STREAM_H264 = 0x1b, STREAM_AAC_ADTS = 0x0f };

void ts_init(struct ts *t)
{
    *t = (struct ts){ .pcr = -1 };
    buf_init(&t->pes, PES_LIMIT);
}

void ts_fini(struct ts *t)
{
    buf_fini(&t->pes);
}

uint32_t ts_crc32(struct bytes b)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < b.len; i++) {
        crc ^= (uint32_t)b.ptr[i] << 24;
        for (int n = 0; n < 8; n++)
            crc = crc << 1 ^ (crc & 0x80000000 ? 0x04c11db7u : 0);
    }
    return crc;
}

/* 2.4.3.2: the first four bytes of a packet. */
enum { CONTROL_PAYLOAD = 1, CONTROL_ADAPTATION = 2 };

static void packet_header(uint8_t *p, unsigned pid, bool unit_start, unsigned control, unsigned cc)
{
    p[0] = 0x47;
    p[1] = (uint8_t)((unit_start ? 0x40u : 0) | pid >> 8);
    p[2] = (uint8_t)pid;
    p[3] = (uint8_t)(control << 4 | (cc & 15));
}

/* A section in a packet of its own, 2.4.4.1; the CRC is added here. */
static void put_section(struct buf *out, unsigned pid, uint8_t *cc, struct bytes section)
{
    uint8_t *p = buf_extend(out, TS_PACKET);
    if (!p)
        return;
    memset(p, 0xff, TS_PACKET);
    packet_header(p, pid, true, CONTROL_PAYLOAD, (*cc)++);
    p[4] = 0; /* pointer_field */
    memcpy(p + 5, section.ptr, section.len);
    set_u32(p + 5 + section.len, ts_crc32(section));
}

/* What all tables begin with: table_id to last_section_number. `len` counts all of the section with
 * its CRC. */
static void section_head(struct writer *w, uint8_t table, unsigned len, unsigned id,
                         unsigned version)
{
    write_u8(w, table);
    write_u16(w, (uint16_t)(0xb000 | (len - 3)));
    write_u16(w, (uint16_t)id);
    write_u8(w, (uint8_t)(0xc1 | version << 1)); /* current */
    write_u16(w, 0);
}

/* 2.4.4.3 */
static void put_pat(struct ts *t, struct buf *out)
{
    uint8_t block[12];
    struct writer w = writer_of(block, sizeof block);
    section_head(&w, 0x00, 16, 1, 0);
    write_u16(&w, PROGRAM);
    write_u16(&w, 0xe000 | TS_PID_PMT);
    put_section(out, TS_PID_PAT, &t->cc_pat, bytes_of(block, writer_len(&w)));
}

static unsigned pcr_pid(const struct ts *t)
{
    return t->video ? TS_PID_VIDEO : TS_PID_AUDIO;
}

static void pmt_stream(struct writer *w, uint8_t type, unsigned pid)
{
    write_u8(w, type);
    write_u16(w, (uint16_t)(0xe000 | pid));
    write_u16(w, 0xf000); /* no descriptors */
}

/* 2.4.4.8 */
static void put_pmt(struct ts *t, struct buf *out)
{
    uint8_t block[12 + 2 * 5];
    struct writer w = writer_of(block, sizeof block);
    section_head(&w, 0x02, 16u + 5u * (t->video + t->audio), PROGRAM, t->version);
    write_u16(&w, (uint16_t)(0xe000 | pcr_pid(t)));
    write_u16(&w, 0xf000);
    if (t->video)
        pmt_stream(&w, STREAM_H264, TS_PID_VIDEO);
    if (t->audio)
        pmt_stream(&w, STREAM_AAC_ADTS, TS_PID_AUDIO);
    put_section(out, TS_PID_PMT, &t->cc_pmt, bytes_of(block, writer_len(&w)));
}

void ts_put_tables(struct ts *t, struct buf *out, bool video, bool audio)
{
    if ((t->video || t->audio) && (t->video != video || t->audio != audio))
        t->version = (t->version + 1) & 31;
    t->video = video;
    t->audio = audio;
    t->pcr = -1;
    put_pat(t, out);
    put_pmt(t, out);
}

void ts_mark_discontinuity(struct ts *t)
{
    t->discontinuity = true;
}

/* 2.4.3.4 */
enum { FLAG_DISCONTINUITY = 0x80, FLAG_RANDOM_ACCESS = 0x40, FLAG_PCR = 0x10 };

/* What a clock reference says besides the time. */
static uint8_t take_mark(struct ts *t)
{
    uint8_t flags = t->discontinuity ? FLAG_DISCONTINUITY : 0;
    t->discontinuity = false;
    return flags;
}

/* 2.4.3.4: an adaptation field of `size` bytes, its length byte included; `pcr` -1: none. */
static void adaptation(uint8_t *p, size_t size, uint8_t flags, int64_t pcr)
{
    memset(p, 0xff, size);
    p[0] = (uint8_t)(size - 1);
    if (size == 1)
        return;
    p[1] = (uint8_t)(flags | (pcr >= 0 ? FLAG_PCR : 0));
    if (pcr < 0)
        return;
    uint64_t base = (uint64_t)pcr & 0x1ffffffff;
    set_u32(p + 2, (uint32_t)(base >> 1));
    p[6] = (uint8_t)((base & 1) << 7 | 0x7e); /* extension 0 */
    p[7] = 0;
}

static void put_pcr_packet(struct ts *t, struct buf *out, int64_t pcr)
{
    uint8_t *p = buf_extend(out, TS_PACKET);
    if (!p)
        return;
    /* 2.4.3.3: a packet without payload repeats the counter of the one before. */
    unsigned cc = (t->video ? t->cc_video : t->cc_audio) + 15u;
    packet_header(p, pcr_pid(t), false, CONTROL_ADAPTATION, cc);
    adaptation(p + 4, TS_PACKET - 4, take_mark(t), pcr);
    t->pcr = pcr;
}

static int64_t pcr_at(int64_t time)
{
    return time > TS_LEAD ? time - TS_LEAD : 0;
}

/* Packets of their own, so that the clock reference is not further than TS_PCR_MAX behind `pcr`. */
static void bridge_pcr(struct ts *t, struct buf *out, int64_t pcr)
{
    while (t->pcr >= 0 && pcr - t->pcr > TS_PCR_MAX && !out->err)
        put_pcr_packet(t, out, t->pcr + TS_PCR_MAX);
}

/* The clock reference that a frame on its PID carries; -1 when there is no newer one to tell. */
static int64_t own_pcr(struct ts *t, struct buf *out, int64_t time)
{
    int64_t pcr = pcr_at(time);
    if (pcr <= t->pcr)
        return -1;
    bridge_pcr(t, out, pcr);
    t->pcr = pcr;
    return pcr;
}

/* Before a frame on the other PID. */
static void other_pcr(struct ts *t, struct buf *out, int64_t time)
{
    if (t->pcr < 0)
        put_pcr_packet(t, out, pcr_at(time));
    bridge_pcr(t, out, pcr_at(time));
}

/* The bytes of one PES packet over as many packets as it takes. */
static void packetize(struct buf *out, unsigned pid, uint8_t *cc, struct bytes pes, uint8_t flags,
                      int64_t pcr)
{
    for (bool first = true; pes.len && !out->err; first = false) {
        size_t field = first && pcr >= 0 ? 8 : first && flags ? 2 : 0;
        size_t room = TS_PACKET - 4 - field;
        if (pes.len < room) {
            field += room - pes.len;
            room = pes.len;
        }
        uint8_t *p = buf_extend(out, TS_PACKET);
        if (!p)
            return;
        packet_header(p, pid, first, CONTROL_PAYLOAD | (field ? CONTROL_ADAPTATION : 0), (*cc)++);
        if (field)
            adaptation(p + 4, field, first ? flags : 0, first ? pcr : -1);
        memcpy(p + 4 + field, pes.ptr, room);
        pes = bytes_of(pes.ptr + room, pes.len - room);
    }
}

/* 2.4.3.6: '0010', PTS[32..30], PTS[29..15], PTS[14..0], each with its marker bit. */
static void put_pts(struct buf *b, int64_t pts)
{
    uint64_t v = (uint64_t)pts & 0x1ffffffff;
    buf_put_u8(b, (uint8_t)(0x21 | (v >> 30 & 7) << 1));
    buf_put_u16(b, (uint16_t)((v >> 15 & 0x7fff) << 1 | 1));
    buf_put_u16(b, (uint16_t)((v & 0x7fff) << 1 | 1));
}

#define PES_LENGTH_AT 4
#define PES_HEAD      6 /* start code, stream id, length */

/* 2.4.3.6; the length follows in ts_pes_end. */
struct buf *ts_pes_begin(struct ts *t, enum ts_track track, int64_t pts)
{
    struct buf *b = &t->pes;
    if (b->size > PES_KEEP)
        buf_fini(b);
    buf_clear(b);
    buf_put(b, "\0\0\1", 3);
    buf_put_u8(b, track == TS_VIDEO ? 0xe0 : 0xc0);
    buf_put_u16(b, 0);
    buf_put_u8(b, 0x84); /* marker, data_alignment_indicator */
    buf_put_u8(b, 0x80); /* PTS alone */
    buf_put_u8(b, 5);
    put_pts(b, pts);
    return b;
}

int ts_pes_end(struct ts *t, enum ts_track track, struct buf *out, int64_t pts, bool random_access)
{
    struct buf *b = &t->pes;
    if (b->err)
        return b->err;
    /* 0, "not said", is for video only. */
    size_t len = b->len - PES_HEAD;
    if (len > 0xffff && track == TS_AUDIO)
        return ERR_LIMIT;
    if (len <= 0xffff) {
        b->ptr[PES_LENGTH_AT] = (uint8_t)(len >> 8);
        b->ptr[PES_LENGTH_AT + 1] = (uint8_t)len;
    }

    unsigned pid = track == TS_VIDEO ? TS_PID_VIDEO : TS_PID_AUDIO;
    int64_t pcr = -1;
    if (pid == pcr_pid(t))
        pcr = own_pcr(t, out, pts);
    else
        other_pcr(t, out, pts);
    uint8_t flags = random_access ? FLAG_RANDOM_ACCESS : 0;
    if (pcr >= 0)
        flags |= take_mark(t);
    packetize(out, pid, track == TS_VIDEO ? &t->cc_video : &t->cc_audio, buf_bytes(b), flags, pcr);
    return out->err;
}

void ts_put_padding(struct buf *out, unsigned packets)
{
    for (; packets; packets--) {
        uint8_t *p = buf_extend(out, TS_PACKET);
        if (!p)
            return;
        memset(p, 0xff, TS_PACKET);
        packet_header(p, TS_PID_NULL, false, CONTROL_PAYLOAD, 0);
    }
}
