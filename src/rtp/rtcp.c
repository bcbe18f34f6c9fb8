#include "rtp/rtcp.h"

#include "base/err.h"

enum { VERSION = 2, PADDING = 1 << 5, SDES_CNAME = 1 };

int rtcp_next(struct reader *in, struct rtcp_packet *out)
{
    if (reader_left(in) == 0)
        return ERR_NOT_FOUND;
    uint8_t first = read_u8(in);
    uint8_t type = read_u8(in);
    struct bytes body = read_bytes(in, 4u * read_u16(in));
    if (in->failed || first >> 6 != VERSION)
        return ERR_MALFORMED;
    if (first & PADDING) {
        uint8_t padding = body.len ? body.ptr[body.len - 1] : 0;
        if (padding == 0 || padding > body.len)
            return ERR_MALFORMED;
        body.len -= padding;
    }
    *out = (struct rtcp_packet){ .type = type, .count = first & 0x1f, .body = body };
    return OK;
}

int rtcp_parse_sr(struct rtcp_sr *out, const struct rtcp_packet *p)
{
    struct reader r = reader_of(p->body);
    struct rtcp_sr sr = { .ssrc = read_u32(&r),
                          .ntp = read_u64(&r),
                          .rtp = read_u32(&r),
                          .packets = read_u32(&r),
                          .octets = read_u32(&r) };
    if (r.failed || p->type != RTCP_SR)
        return ERR_MALFORMED;
    *out = sr;
    return OK;
}

int rtcp_parse_block(struct rtcp_block *out, const struct rtcp_packet *p, unsigned index)
{
    if (p->type != RTCP_SR && p->type != RTCP_RR)
        return ERR_MALFORMED;
    if (index >= p->count)
        return ERR_NOT_FOUND;
    struct reader r = reader_of(p->body);
    read_bytes(&r, (p->type == RTCP_SR ? 24u : 4u) + 24u * index);
    struct rtcp_block b = { .ssrc = read_u32(&r), .fraction_lost = read_u8(&r) };
    uint32_t lost = read_u24(&r);
    b.cumulative_lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
    b.highest_seq = read_u32(&r);
    b.jitter = read_u32(&r);
    b.last_sr = read_u32(&r);
    b.delay = read_u32(&r);
    if (r.failed)
        return ERR_MALFORMED;
    *out = b;
    return OK;
}

int rtcp_parse_cname(uint32_t *ssrc, struct bytes *cname, const struct rtcp_packet *p)
{
    if (p->type != RTCP_SDES)
        return ERR_MALFORMED;
    if (p->count == 0)
        return ERR_NOT_FOUND;
    struct reader r = reader_of(p->body);
    uint32_t source = read_u32(&r);
    for (uint8_t item; (item = read_u8(&r));) {
        struct bytes text = read_bytes(&r, read_u8(&r));
        if (item == SDES_CNAME && !r.failed) {
            *ssrc = source;
            *cname = text;
            return OK;
        }
    }
    return r.failed ? ERR_MALFORMED : ERR_NOT_FOUND;
}

int rtcp_parse_bye(uint32_t *ssrc, const struct rtcp_packet *p, unsigned index)
{
    if (p->type != RTCP_BYE)
        return ERR_MALFORMED;
    if (index >= p->count)
        return ERR_NOT_FOUND;
    struct reader r = reader_of(p->body);
    read_bytes(&r, 4u * index);
    uint32_t source = read_u32(&r);
    if (r.failed)
        return ERR_MALFORMED;
    *ssrc = source;
    return OK;
}

int rtcp_parse_pli(uint32_t *media_ssrc, const struct rtcp_packet *p)
{
    struct reader r = reader_of(p->body);
    read_u32(&r);
    uint32_t media = read_u32(&r);
    if (r.failed || p->type != RTCP_PSFB || p->count != RTCP_PSFB_PLI)
        return ERR_MALFORMED;
    *media_ssrc = media;
    return OK;
}

int rtcp_parse_fir(uint32_t *media_ssrc, uint8_t *command, const struct rtcp_packet *p)
{
    struct reader r = reader_of(p->body);
    read_u64(&r); /* sender, and a media source that FIR leaves 0 (RFC 5104, 4.3.1.1) */
    uint32_t media = read_u32(&r);
    uint8_t number = read_u8(&r);
    read_u24(&r);
    if (r.failed || p->type != RTCP_PSFB || p->count != RTCP_PSFB_FIR)
        return ERR_MALFORMED;
    *media_ssrc = media;
    *command = number;
    return OK;
}

int rtcp_parse_nack(uint32_t *media_ssrc, uint16_t *seqs, size_t max, size_t *count,
                    const struct rtcp_packet *p)
{
    struct reader r = reader_of(p->body);
    read_u32(&r);
    uint32_t media = read_u32(&r);
    if (r.failed || p->type != RTCP_RTPFB || p->count != RTCP_RTPFB_NACK || reader_left(&r) % 4)
        return ERR_MALFORMED;
    size_t n = 0;
    while (reader_left(&r)) {
        uint16_t seq = read_u16(&r);
        uint32_t mask = 1u | (uint32_t)read_u16(&r) << 1;
        for (unsigned bit = 0; bit <= 16; bit++)
            if (mask >> bit & 1 && n < max)
                seqs[n++] = (uint16_t)(seq + bit);
    }
    *media_ssrc = media;
    *count = n;
    return OK;
}

usec_t rtcp_ntp_to_usec(uint64_t ntp)
{
    return (usec_t)(ntp >> 32) * SEC + (usec_t)(((ntp & UINT32_MAX) * SEC + (1u << 31)) >> 32);
}

uint64_t rtcp_usec_to_ntp(usec_t since_1900)
{
    uint64_t sec = (uint64_t)since_1900 / SEC, us = (uint64_t)since_1900 % SEC;
    return sec << 32 | ((us << 32) / SEC);
}
