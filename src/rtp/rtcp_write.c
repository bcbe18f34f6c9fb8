#include "rtp/rtcp.h"

void rtcp_begin(struct writer *w, unsigned count, enum rtcp_type type)
{
    write_u8(w, (uint8_t)(2u << 6 | (count & 0x1f)));
    write_u8(w, (uint8_t)type);
    write_u16(w, 0);
}

void rtcp_end(struct writer *w, uint8_t *start)
{
    while (!w->failed && (w->pos - start) % 4)
        write_u8(w, 0);
    if (w->failed)
        w->pos = start;
    else
        set_u16(start + 2, (uint16_t)((w->pos - start) / 4 - 1));
}

static void write_block(struct writer *w, const struct rtcp_block *b)
{
    int32_t lost = b->cumulative_lost;
    lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
    write_u32(w, b->ssrc);
    write_u8(w, b->fraction_lost);
    write_u24(w, (uint32_t)lost & 0xffffff);
    write_u32(w, b->highest_seq);
    write_u32(w, b->jitter);
    write_u32(w, b->last_sr);
    write_u32(w, b->delay);
}

void rtcp_write_sr(struct writer *w, const struct rtcp_sr *sr, const struct rtcp_block *blocks,
                   unsigned count)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, count, RTCP_SR);
    write_u32(w, sr->ssrc);
    write_u64(w, sr->ntp);
    write_u32(w, sr->rtp);
    write_u32(w, sr->packets);
    write_u32(w, sr->octets);
    for (unsigned i = 0; i < count; i++)
        write_block(w, &blocks[i]);
    rtcp_end(w, start);
}

void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_block *blocks, unsigned count)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, count, RTCP_RR);
    write_u32(w, ssrc);
    for (unsigned i = 0; i < count; i++)
        write_block(w, &blocks[i]);
    rtcp_end(w, start);
}

void rtcp_write_cname(struct writer *w, uint32_t ssrc, const char *cname)
{
    uint8_t *start = w->pos;
    size_t len = strnlen(cname, 255);
    rtcp_begin(w, 1, RTCP_SDES);
    write_u32(w, ssrc);
    write_u8(w, 1);
    write_u8(w, (uint8_t)len);
    write_bytes(w, bytes_of(cname, len));
    write_u8(w, 0); /* ends the items; rtcp_end fills up the chunk with more */
    rtcp_end(w, start);
}

void rtcp_write_bye(struct writer *w, uint32_t ssrc)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, 1, RTCP_BYE);
    write_u32(w, ssrc);
    rtcp_end(w, start);
}

void rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, RTCP_PSFB_PLI, RTCP_PSFB);
    write_u32(w, ssrc);
    write_u32(w, media_ssrc);
    rtcp_end(w, start);
}

void rtcp_write_fir(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t command)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, RTCP_PSFB_FIR, RTCP_PSFB);
    write_u32(w, ssrc);
    write_u32(w, 0);
    write_u32(w, media_ssrc);
    write_u32(w, (uint32_t)command << 24);
    rtcp_end(w, start);
}

void rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                     size_t count)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, RTCP_RTPFB_NACK, RTCP_RTPFB);
    write_u32(w, ssrc);
    write_u32(w, media_ssrc);
    for (size_t i = 0; i < count;) {
        uint16_t first = seqs[i++];
        uint16_t mask = 0;
        for (; i < count && (uint16_t)(seqs[i] - first - 1) < 16; i++)
            mask = (uint16_t)(mask | 1u << (uint16_t)(seqs[i] - first - 1));
        write_u16(w, first);
        write_u16(w, mask);
    }
    rtcp_end(w, start);
}
