#include "segment/ts_scan.h"

#include "base/err.h"
#include "media/annexb.h"
#include "segment/adts.h"

#define AAC_TICKS   1920 /* of 1024 samples at 48 kHz */
#define LONE_TICKS  3600 /* of a lone video frame: 40 ms */
#define PES_HEAD    9    /* up to PES_header_data_length */
#define UNITS_LIMIT (TS_SCAN_PES_LIMIT + (1u << 20))

void ts_scan_init(struct ts_scan *s)
{
    *s = (struct ts_scan){ .base = -1 };
    buf_init(&s->pes.bytes, TS_SCAN_PES_LIMIT);
    buf_init(&s->units, UNITS_LIMIT);
    h264_params_init(&s->params);
}

void ts_scan_fini(struct ts_scan *s)
{
    buf_fini(&s->pes.bytes);
    buf_fini(&s->units);
}

int64_t ts_distance(int64_t from, int64_t to)
{
    int64_t d = (to - from) & 0x1ffffffff;
    return d >= (int64_t)1 << 32 ? d - ((int64_t)1 << 33) : d;
}

/* --- frames --- */

/* The frame at `ticks` lasts `lasts`; 0: as long as the one before. False: time does not go on. */
static bool count_frame(struct scan_track *t, int64_t ticks, int64_t lasts)
{
    if (t->frames && ticks <= t->last)
        return false;
    if (!lasts) {
        int64_t step = ticks - t->last;
        lasts = t->frames && step <= TS_CLOCK ? step : LONE_TICKS;
    }
    if (!t->frames++)
        t->first = ticks;
    t->last = ticks;
    t->end = ticks + lasts;
    return true;
}

/* A stream can be played from an access unit with an IDR picture and its parameter sets. */
static bool playable(struct ts_scan *s, struct bytes unit)
{
    bool changed, key = false;
    buf_clear(&s->units);
    if (h264_from_annexb(&s->units, unit) ||
        h264_params_update(&s->params, buf_bytes(&s->units), &changed))
        return false;
    struct reader units = reader_of(buf_bytes(&s->units));
    for (struct bytes nal; h264_next(&units, &nal);)
        key |= h264_nal_type(nal) == H264_IDR;
    return key && h264_params_complete(&s->params) && h264_params_sps(&s->params);
}

static bool video_frame(struct ts_scan *s, struct bytes unit, int64_t ticks)
{
    struct scan_track *t = &s->track[TS_VIDEO];
    static const uint8_t start_code[] = { 0, 0, 0, 1 };
    if (unit.len <= sizeof start_code || memcmp(unit.ptr, start_code, sizeof start_code) != 0)
        return false;
    if (!t->frames && !playable(s, unit))
        return false;
    return count_frame(t, ticks, 0);
}

/* The whole ADTS frame at the front; 0: there is none. */
static size_t adts_length(struct bytes b, unsigned *channels)
{
    if (b.len < ADTS_HEADER_SIZE || b.ptr[0] != 0xff || b.ptr[1] != 0xf1 || b.ptr[6] & 3)
        return 0;
    size_t len = (b.ptr[3] & 3u) << 11 | (unsigned)b.ptr[4] << 3 | b.ptr[5] >> 5;
    *channels = (b.ptr[2] & 1u) << 2 | b.ptr[3] >> 6;
    return len > ADTS_HEADER_SIZE && len <= b.len ? len : 0;
}

static bool audio_frames(struct ts_scan *s, struct bytes frames, int64_t ticks)
{
    unsigned channels = 0, count = 0;
    for (size_t len; frames.len; frames = bytes_of(frames.ptr + len, frames.len - len), count++)
        if (!(len = adts_length(frames, &channels)))
            return false;
    if (!count || !count_frame(&s->track[TS_AUDIO], ticks, count * AAC_TICKS))
        return false;
    s->track[TS_AUDIO].frames += count - 1;
    s->channels = channels;
    return true;
}

/* --- PES packets, 2.4.3.6 --- */

static bool read_pts(const uint8_t *p, int64_t *out)
{
    if ((p[0] & 0xf1) != 0x21 || !(p[2] & 1) || !(p[4] & 1))
        return false;
    *out =
        (int64_t)(p[0] >> 1 & 7) << 30 | (int64_t)(get_u16(p + 1) >> 1) << 15 | get_u16(p + 3) >> 1;
    return true;
}

static bool read_pes(struct ts_scan *s)
{
    struct bytes b = buf_bytes(&s->pes.bytes);
    int64_t pts;
    if (b.len < PES_HEAD + 5 || get_u16(b.ptr + 6) != 0x8480 || b.ptr[8] != 5 ||
        !read_pts(b.ptr + PES_HEAD, &pts))
        return false;
    if (s->base < 0)
        s->base = pts;
    struct bytes payload = bytes_of(b.ptr + PES_HEAD + 5, b.len - PES_HEAD - 5);
    int64_t ticks = ts_distance(s->base, pts);
    return s->pes.track == TS_VIDEO ? video_frame(s, payload, ticks)
                                    : audio_frames(s, payload, ticks);
}

static void end_pes(struct ts_scan *s)
{
    s->pes.open = false;
    if (!read_pes(s))
        s->broken = true;
}

static bool begin_pes(struct ts_scan *s, enum ts_track track, struct bytes payload)
{
    uint8_t id = track == TS_VIDEO ? 0xe0 : 0xc0;
    if (payload.len < PES_HEAD || get_u32(payload.ptr) != (0x100u | id))
        return false;
    unsigned length = get_u16(payload.ptr + 4);
    s->pes.open = true;
    s->pes.track = track;
    s->pes.length = length ? length + 6u : 0;
    buf_clear(&s->pes.bytes);
    return true;
}

/* `stuffed`: the packet is not filled by its payload, so a PES packet without a length ends. */
static bool put_payload(struct ts_scan *s, struct bytes payload, bool stuffed)
{
    buf_put_bytes(&s->pes.bytes, payload);
    size_t have = s->pes.bytes.len, want = s->pes.length;
    if (s->pes.bytes.err || (want && have > want))
        return false;
    if (want ? have == want : stuffed)
        end_pes(s);
    return true;
}

/* --- packets, 2.4.3.2 --- */

/* What stands in front of the payload, from the fifth byte on; false: no packet. */
static bool field_size(const uint8_t *p, unsigned control, size_t *out)
{
    const size_t room = TS_PACKET - 4;
    *out = control & 2 ? p[4] + 1u : 0;
    return control && *out <= room && (!(control & 1) || *out < room);
}

static bool media_packet(struct ts_scan *s, enum ts_track track, const uint8_t *p)
{
    struct scan_track *t = &s->track[track];
    unsigned control = p[3] >> 4 & 3, cc = p[3] & 15u;
    bool payload = control & 1, unit_start = p[1] & 0x40;
    size_t field;
    if (!field_size(p, control, &field) ||
        (t->begun && cc != (payload ? t->cc : (t->cc + 15u) % 16)))
        return false;
    if (field > 1 && p[5] & 0x80)
        s->discontinuity = true;
    t->begun = true;
    t->cc = (cc + 1) & 15;
    if (!payload)
        return true;
    struct bytes rest = bytes_of(p + 4 + field, TS_PACKET - 4 - field);
    if (unit_start ? !begin_pes(s, track, rest) : !s->pes.open || s->pes.track != track)
        return false;
    return put_payload(s, rest, !unit_start && field);
}

/* Our tables are always the two first packets of a file, and stand nowhere else. */
static bool table_packet(const struct ts_scan *s, unsigned pid)
{
    return s->packets == (pid == TS_PID_PAT ? 0 : 1);
}

/* A PES packet without a length, of whose end nothing tells but that something else follows. */
static void end_before(struct ts_scan *s)
{
    end_pes(s);
    if (!s->broken)
        s->whole = s->packets;
}

static bool read_packet(struct ts_scan *s, const uint8_t *p)
{
    unsigned pid = get_u16(p + 1) & 0x1fff;
    unsigned open = s->pes.track == TS_VIDEO ? TS_PID_VIDEO : TS_PID_AUDIO;
    bool continues = pid == open && !(p[1] & 0x40) && (p[3] & 0x10);
    if (p[0] != 0x47 || p[1] & 0x80 || (s->packets < 2) != (pid == TS_PID_PAT || pid == TS_PID_PMT))
        return false;
    if (s->pes.open && !s->pes.length && !continues)
        end_before(s);
    if (s->broken || (s->pes.open && !continues))
        return false;
    switch (pid) {
    case TS_PID_PAT:
    case TS_PID_PMT: return table_packet(s, pid);
    case TS_PID_VIDEO: return media_packet(s, TS_VIDEO, p);
    case TS_PID_AUDIO: return media_packet(s, TS_AUDIO, p);
    case TS_PID_NULL: return true;
    }
    return false;
}

static void take_packet(struct ts_scan *s, const uint8_t *p)
{
    if (s->broken)
        return;
    if (!read_packet(s, p))
        s->broken = true;
    s->packets++;
    if (!s->broken && !s->pes.open)
        s->whole = s->packets;
}

void ts_scan_feed(struct ts_scan *s, struct bytes bytes)
{
    while (bytes.len && !s->broken) {
        size_t len = TS_PACKET - s->have;
        if (len > bytes.len)
            len = bytes.len;
        memcpy(s->packet + s->have, bytes.ptr, len);
        bytes = bytes_of(bytes.ptr + len, bytes.len - len);
        s->have += len;
        if (s->have < TS_PACKET)
            return;
        take_packet(s, s->packet);
        s->have = 0;
    }
}

int ts_scan_end(struct ts_scan *s, struct ts_summary *out)
{
    const struct scan_track *v = &s->track[TS_VIDEO], *a = &s->track[TS_AUDIO];
    if (!v->frames && !a->frames)
        return ERR_NOT_FOUND;
    const struct h264_sps *sps = v->frames ? h264_params_sps(&s->params) : NULL;
    bool video_first = v->frames && (!a->frames || v->first < a->first);
    bool video_last = v->frames && (!a->frames || v->end > a->end);
    int64_t start = video_first ? v->first : a->first, end = video_last ? v->end : a->end;
    *out = (struct ts_summary){
        .bytes = s->whole * TS_PACKET,
        .discontinuity = s->discontinuity,
        .start = (s->base + start) & 0x1ffffffff,
        .duration = end - start,
        .frames = { [TS_VIDEO] = v->frames, [TS_AUDIO] = a->frames },
        .channels = a->frames ? s->channels : 0,
        .width = sps ? sps->width : 0,
        .height = sps ? sps->height : 0,
    };
    return OK;
}
