#include "media/h264.h"

#include "base/err.h"

bool h264_next(struct reader *units, struct bytes *nal)
{
    if (reader_left(units) == 0)
        return false;
    struct bytes unit = read_bytes(units, read_u32(units));
    if (units->failed || unit.len == 0) {
        units->failed = true;
        return false;
    }
    *nal = unit;
    return true;
}

int h264_put_annexb(struct buf *out, struct bytes frame)
{
    struct reader units = reader_of(frame);
    for (struct bytes nal; h264_next(&units, &nal);) {
        buf_put_u32(out, 1);
        buf_put_bytes(out, nal);
    }
    return units.failed ? ERR_MALFORMED : out->err;
}

size_t h264_unescape(uint8_t *out, struct bytes nal)
{
    size_t len = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < nal.len; i++) {
        uint8_t v = nal.ptr[i];
        if (zeros >= 2 && v == 3) {
            zeros = 0;
            continue;
        }
        zeros = v ? 0 : zeros + 1;
        out[len++] = v;
    }
    return len;
}
