#include "segment/adts.h"

#include "base/err.h"

/* ISO/IEC 14496-3, table 4.85: id_syn_ele, the first three bits of an element. */
enum { ID_SCE = 0, ID_CPE = 1 };

enum { PROFILE_LC = 1, FREQUENCY_48000 = 3 };

unsigned adts_channels(struct bytes raw)
{
    if (!raw.len)
        return 0;
    switch (raw.ptr[0] >> 5) {
    case ID_SCE: return 1;
    case ID_CPE: return 2;
    }
    return 0;
}

/* ISO/IEC 14496-3, 1.A.2.2: adts_fixed_header and adts_variable_header, without CRC, one block. */
static void put_header(uint8_t h[ADTS_HEADER_SIZE], unsigned len, unsigned channels)
{
    h[0] = 0xff;
    h[1] = 0xf1; /* syncword's end, MPEG-4, layer 0, no CRC */
    h[2] = (uint8_t)(PROFILE_LC << 6 | FREQUENCY_48000 << 2 | channels >> 2);
    h[3] = (uint8_t)(channels << 6 | len >> 11);
    h[4] = (uint8_t)(len >> 3);
    h[5] = (uint8_t)(len << 5 | 0x1f); /* buffer fullness 0x7ff: variable rate */
    h[6] = 0xfc;
}

int adts_put(struct buf *out, struct bytes raw, unsigned channels)
{
    if (raw.len > ADTS_MAX_PAYLOAD)
        return ERR_LIMIT;
    uint8_t header[ADTS_HEADER_SIZE];
    put_header(header, (unsigned)raw.len + ADTS_HEADER_SIZE, channels);
    buf_put(out, header, sizeof header);
    buf_put_bytes(out, raw);
    return out->err;
}
