#include "rtp/pack_opus.h"

#include "base/err.h"
#include "rtp/depack_opus.h"

int pack_opus(struct bytes packet, uint8_t *out, size_t max, size_t *len)
{
    usec_t duration;
    int err = opus_duration(packet, &duration);
    if (err)
        return err;
    if (packet.len > max)
        return ERR_LIMIT;
    memcpy(out, packet.ptr, packet.len);
    *len = packet.len;
    return OK;
}
