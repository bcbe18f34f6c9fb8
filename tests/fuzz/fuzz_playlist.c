/* A playlist as a crash may leave it, and a segment's name: what is taken up can be gone on with,
 * and reads the same again. */
#include <stdlib.h>

#include "base/err.h"
#include "segment/names_read.h"
#include "segment/playlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void go_on(struct hls_playlist *p)
{
    struct hls_playlist *again;
    unsigned segments = hls_playlist_segments(p);
    const struct hls_segment s = { .name = "x.ts",
                                   .start = hls_playlist_end(p) / MSEC * MSEC,
                                   .duration = 12 * SEC };
    if (hls_playlist_ended(p) || s.start > 250000000000000 * MSEC)
        return;
    if (hls_playlist_add(p, &s) || hls_playlist_close(p))
        abort();
    if (hls_playlist_read(&again, "x.m3u8", hls_playlist_text(p)))
        abort();
    if (hls_playlist_segments(again) != segments + 1 || !hls_playlist_ended(again) ||
        hls_playlist_start(again) != hls_playlist_start(p) ||
        hls_playlist_end(again) != s.start + s.duration)
        abort();
    hls_playlist_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hls_playlist *p;
    struct segment_name name;
    if (!hls_playlist_read(&p, "x.m3u8", bytes_of(data, size))) {
        go_on(p);
        hls_playlist_free(p);
    }
    char text[300] = { 0 };
    memcpy(text, data, size < sizeof text - 1 ? size : sizeof text - 1);
    if (!names_read_segment(&name, text) && name.start < 0)
        abort();
    return 0;
}
