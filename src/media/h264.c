#include "media/h264.h"

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
