#include "media/annexb.h"

#include "base/err.h"

/* Where the next 00 00 01 is, from `at` on; the end when there is none. */
static size_t find_start_code(struct bytes s, size_t at)
{
    for (; at + 3 <= s.len; at++)
        if (s.ptr[at] == 0 && s.ptr[at + 1] == 0 && s.ptr[at + 2] == 1)
            return at;
    return s.len;
}

static bool all_zeros(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.ptr[i])
            return false;
    return true;
}

int h264_from_annexb(struct buf *out, struct bytes stream)
{
    size_t at = find_start_code(stream, 0);
    if (at == stream.len || !all_zeros(bytes_of(stream.ptr, at)))
        return ERR_MALFORMED;
    while (at < stream.len) {
        size_t begin = at + 3, end = at = find_start_code(stream, begin);
        while (end > begin && !stream.ptr[end - 1]) /* zeros before a start code (B.1.1) */
            end--;
        if (end == begin)
            continue;
        buf_put_u32(out, (uint32_t)(end - begin));
        buf_put(out, stream.ptr + begin, end - begin);
    }
    return out->err;
}
