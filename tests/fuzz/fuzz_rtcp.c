/* RTCP datagrams through every typed view. */
#include <stdlib.h>

#include "rtp/packet.h"
#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct rtcp_packet *p)
{
    static struct rtcp_twcc twcc;
    struct rtcp_sr sr;
    struct rtcp_block block;
    struct bytes cname;
    uint32_t ssrc;
    uint16_t seqs[64];
    uint8_t command;
    size_t count;
    if (!rtcp_parse_sr(&sr, p) && rtcp_ntp_to_usec(sr.ntp) < 0)
        abort();
    for (unsigned i = 0; !rtcp_parse_block(&block, p, i); i++)
        if (i > 31)
            abort();
    for (unsigned i = 0; !rtcp_parse_bye(&ssrc, p, i); i++)
        if (i > 31)
            abort();
    rtcp_parse_cname(&ssrc, &cname, p);
    rtcp_parse_pli(&ssrc, p);
    rtcp_parse_fir(&ssrc, &command, p);
    if (!rtcp_parse_nack(&ssrc, seqs, 64, &count, p) && count > 64)
        abort();
    rtcp_parse_twcc(&twcc, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(bytes_of(data, size));
    struct rtcp_packet p;
    rtp_is_rtcp(bytes_of(data, size));
    while (!rtcp_next(&in, &p))
        look_at(&p);
    return 0;
}
