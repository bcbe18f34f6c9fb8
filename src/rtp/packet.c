#include "rtp/packet.h"

#include "base/err.h"

enum { VERSION = 2 << 6, PADDING = 1 << 5, EXTENSION = 1 << 4, CSRC_COUNT = 0x0f, MARKER = 1 << 7 };

static void read_fixed(struct reader *r, uint8_t first, struct rtp_packet *p)
{
    uint8_t second = read_u8(r);
    p->marker = second & MARKER;
    p->payload_type = second & 0x7f;
    p->seq = read_u16(r);
    p->timestamp = read_u32(r);
    p->ssrc = read_u32(r);
    p->csrcs = read_bytes(r, 4u * (first & CSRC_COUNT));
    if (first & EXTENSION) {
        p->ext_profile = read_u16(r);
        p->ext = read_bytes(r, 4u * read_u16(r));
    }
}

int rtp_parse(struct rtp_packet *out, struct bytes in)
{
    if (in.len > RTP_MAX_PACKET)
        return ERR_LIMIT;
    struct reader r = reader_of(in);
    struct rtp_packet p = { 0 };
    uint8_t first = read_u8(&r);
    read_fixed(&r, first, &p);
    p.payload = read_rest(&r);
    if (r.failed || (first & 0xc0) != VERSION)
        return ERR_MALFORMED;
    if (first & PADDING) {
        p.padding = p.payload.len ? p.payload.ptr[p.payload.len - 1] : 0;
        if (p.padding == 0 || p.padding > p.payload.len)
            return ERR_MALFORMED;
        p.payload.len -= p.padding;
    }
    *out = p;
    return OK;
}

bool rtp_is_rtcp(struct bytes in)
{
    return in.len >= 8 && (in.ptr[0] & 0xc0) == VERSION && in.ptr[1] >= 192 && in.ptr[1] <= 223;
}

/* One-byte form: id and length minus one share a byte; 0 is padding, 15 ends the elements (RFC
 * 8285, 4.2). */
static bool next_one_byte(struct reader *r, uint8_t *id, struct bytes *value)
{
    uint8_t head = 0;
    while (!head && reader_left(r))
        head = read_u8(r);
    *id = head >> 4;
    if (*id == 0 || *id == 15)
        return false;
    *value = read_bytes(r, (head & 0x0fu) + 1);
    return !r->failed;
}

static bool next_two_byte(struct reader *r, uint8_t *id, struct bytes *value)
{
    *id = 0;
    while (!*id && reader_left(r))
        *id = read_u8(r);
    if (*id == 0)
        return false;
    *value = read_bytes(r, read_u8(r));
    return !r->failed;
}

bool rtp_ext_find(const struct rtp_packet *p, uint8_t id, struct bytes *out)
{
    bool one = p->ext_profile == RTP_EXT_ONE_BYTE;
    if (id == 0 || (!one && (p->ext_profile & 0xfff0) != RTP_EXT_TWO_BYTE))
        return false;
    struct reader r = reader_of(p->ext);
    uint8_t found;
    struct bytes value;
    while (one ? next_one_byte(&r, &found, &value) : next_two_byte(&r, &found, &value)) {
        if (found == id) {
            *out = value;
            return true;
        }
    }
    return false;
}

void rtp_ext_put(struct writer *w, uint8_t id, struct bytes value)
{
    if (id < 1 || id > 14 || value.len < 1 || value.len > 16)
        w->failed = true;
    write_u8(w, (uint8_t)(id << 4 | (value.len - 1)));
    write_bytes(w, value);
}

static void write_zeros(struct writer *w, size_t count)
{
    while (count--)
        write_u8(w, 0);
}

void rtp_write(struct writer *w, const struct rtp_packet *p)
{
    write_u8(w, (uint8_t)(VERSION | (p->padding ? PADDING : 0) | (p->ext_profile ? EXTENSION : 0) |
                          (p->csrcs.len / 4 & CSRC_COUNT)));
    write_u8(w, (uint8_t)((p->marker ? MARKER : 0) | (p->payload_type & 0x7f)));
    write_u16(w, p->seq);
    write_u32(w, p->timestamp);
    write_u32(w, p->ssrc);
    write_bytes(w, bytes_of(p->csrcs.ptr, 4 * (p->csrcs.len / 4 & CSRC_COUNT)));
    if (p->ext_profile) {
        size_t words = (p->ext.len + 3) / 4;
        write_u16(w, p->ext_profile);
        write_u16(w, (uint16_t)words);
        write_bytes(w, p->ext);
        write_zeros(w, 4 * words - p->ext.len);
    }
    write_bytes(w, p->payload);
    if (p->padding) {
        write_zeros(w, p->padding - 1u);
        write_u8(w, p->padding);
    }
}
