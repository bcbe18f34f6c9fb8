/* Reads transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1). */
#include "base/err.h"
#include "rtp/rtcp.h"

/* Spreads one status chunk over the symbols that follow; true when it was legal. */
static void read_chunk(uint16_t chunk, uint8_t *status, size_t want, size_t *count)
{
    if (!(chunk & 0x8000)) { /* run length (3.1.3) */
        for (size_t run = chunk & 0x1fff; run && *count < want; run--)
            status[(*count)++] = chunk >> 13 & 3;
        return;
    }
    unsigned each = chunk & 0x4000 ? 2 : 1;
    for (unsigned shift = 14; shift && *count < want; shift -= each)
        status[(*count)++] = (uint8_t)(chunk >> (shift - each) & ((1u << each) - 1));
}

static int read_statuses(struct reader *r, uint8_t *status, size_t want)
{
    size_t count = 0;
    while (count < want && !r->failed) {
        size_t before = count;
        read_chunk(read_u16(r), status, want, &count);
        if (count == before) /* an empty run */
            return ERR_MALFORMED;
    }
    return r->failed ? ERR_MALFORMED : OK;
}

static void read_times(struct reader *r, struct rtcp_twcc *out, const uint8_t *status, usec_t at)
{
    for (size_t i = 0; i < out->count; i++) {
        if (status[i] == 1)
            at += 250 * (usec_t)read_u8(r);
        else if (status[i] == 2)
            at += 250 * (usec_t)(int16_t)read_u16(r);
        out->status[i].received = status[i] == 1 || status[i] == 2;
        out->status[i].at = at;
    }
}

int rtcp_parse_twcc(struct rtcp_twcc *out, const struct rtcp_packet *p)
{
    if (p->type != RTCP_RTPFB || p->count != RTCP_RTPFB_TWCC)
        return ERR_MALFORMED;
    struct reader r = reader_of(p->body);
    read_u32(&r);
    out->media_ssrc = read_u32(&r);
    out->base_seq = read_u16(&r);
    out->count = read_u16(&r);
    usec_t reference = (usec_t)read_u24(&r) * 64 * MSEC;
    out->feedback_count = read_u8(&r);
    if (out->count > RTCP_TWCC_MAX)
        return ERR_LIMIT;
    uint8_t status[RTCP_TWCC_MAX];
    int err = read_statuses(&r, status, out->count);
    if (err)
        return err;
    read_times(&r, out, status, reference);
    return r.failed ? ERR_MALFORMED : OK;
}
