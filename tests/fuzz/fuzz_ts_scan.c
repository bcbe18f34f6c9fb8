/* What a crash may leave of a segment, through what decides how much of it is whole. Fed whole and
 * in small pieces it must say the same; what it keeps, closed by a null packet, must read the same
 * again. */
#include <stdlib.h>

#include "base/err.h"
#include "segment/ts_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan(struct ts_summary *out, struct bytes bytes, size_t piece)
{
    struct ts_scan s;
    ts_scan_init(&s);
    for (size_t len; bytes.len; bytes = bytes_of(bytes.ptr + len, bytes.len - len)) {
        len = bytes.len < piece ? bytes.len : piece;
        ts_scan_feed(&s, bytes_of(bytes.ptr, len));
    }
    int err = ts_scan_end(&s, out);
    ts_scan_fini(&s);
    return err;
}

static bool same(const struct ts_summary *a, const struct ts_summary *b)
{
    return a->start == b->start && a->duration == b->duration &&
           a->frames[TS_VIDEO] == b->frames[TS_VIDEO] &&
           a->frames[TS_AUDIO] == b->frames[TS_AUDIO] && a->channels == b->channels &&
           a->width == b->width && a->height == b->height;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_summary whole, pieces, again;
    struct buf kept;
    int err = scan(&whole, bytes_of(data, size), SIZE_MAX);
    if (scan(&pieces, bytes_of(data, size), 61) != err)
        abort();
    if (err)
        return 0;
    if (!same(&whole, &pieces) || whole.bytes != pieces.bytes || whole.bytes > size ||
        whole.bytes % TS_PACKET || whole.duration <= 0)
        abort();
    buf_init(&kept, size + TS_PACKET);
    buf_put(&kept, data, (size_t)whole.bytes);
    ts_put_padding(&kept, 1);
    if (scan(&again, buf_bytes(&kept), SIZE_MAX) || !same(&whole, &again) ||
        again.bytes != whole.bytes + TS_PACKET)
        abort();
    buf_fini(&kept);
    return 0;
}
