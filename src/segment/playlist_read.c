#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/playlist_parts.h"

#define MAX_MS       253402300799999 /* the end of the year 9999 */
#define MAX_SECONDS  (100u * 366 * 24 * 3600)
#define MAX_CHANNELS 8
#define MAX_SIZE     65535

/* What stands between two names. */
struct pending {
    usec_t start, duration;
    unsigned channels, width, height;
};

/* The number after `tag`, up to `end` (0: the end of the line). False: another line. */
static bool number_after(struct bytes line, const char *tag, char end, uint64_t max, uint64_t *out)
{
    size_t len = strlen(tag);
    if (!str_starts(line, tag))
        return false;
    struct bytes rest = bytes_of(line.ptr + len, line.len - len);
    if (end)
        rest = str_split(rest, end, &rest);
    return str_to_u64(rest, max, out);
}

/* "#EXTINF:10.0660," to a tenth of a millisecond. */
static bool read_duration(struct bytes line, usec_t *out)
{
    uint64_t seconds, ticks;
    struct bytes rest;
    if (!number_after(line, "#EXTINF:", '.', MAX_SECONDS, &seconds))
        return false;
    str_split(line, '.', &rest);
    rest = str_split(rest, ',', &rest);
    if (rest.len != 4 || !str_to_u64(rest, 9999, &ticks))
        return false;
    *out = (usec_t)seconds * SEC + (usec_t)ticks * 100;
    return true;
}

static void read_video(struct bytes line, struct pending *p)
{
    uint64_t width, height;
    struct bytes rest;
    if (!number_after(line, "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:", ' ', MAX_SIZE, &width))
        return;
    str_split(line, ' ', &rest);
    if (!number_after(rest, "HEIGHT:", ' ', MAX_SIZE, &height))
        return;
    p->width = (unsigned)width;
    p->height = (unsigned)height;
}

static void read_target(struct hls_playlist *p, struct bytes line)
{
    uint64_t value;
    if (!number_after(line, "#EXT-X-TARGETDURATION:", 0, MAX_SECONDS, &value))
        return;
    size_t len = line.len - strlen("#EXT-X-TARGETDURATION:");
    if (len > 1 && line.ptr[line.len - len] == '0')
        return; /* its digits are counted when they change */
    p->target = (unsigned)value;
    p->target_len = len;
    p->target_at = (size_t)(line.ptr - p->text.ptr) + line.len - p->target_len;
}

static void read_tag(struct hls_playlist *p, struct pending *next, struct bytes line)
{
    uint64_t value;
    if (number_after(line, "#EXT-X-TRTC-FILE-ATTR:", ',', MAX_MS, &value))
        next->start = (usec_t)value * MSEC;
    else if (number_after(line, "#EXT-X-TRTC-AUDIO-METADATA:Channel:", ' ', MAX_CHANNELS, &value))
        next->channels = (unsigned)value;
    else if (number_after(line, "#EXT-X-TRTC-START-REC-TIME:", 0, MAX_MS, &value))
        p->start = (usec_t)value * MSEC;
    else if (bytes_equal_str(line, HLS_ENDLIST))
        p->ended = true;
    else if (!read_duration(line, &next->duration))
        read_video(line, next);
    if (!p->target_len)
        read_target(p, line);
}

/* A segment's name: what stood before it counts for it. False: something is missing. */
static bool read_name(struct hls_playlist *p, struct pending *next)
{
    if (next->start == USEC_UNSET || next->duration == USEC_UNSET)
        return false;
    p->segments++;
    p->last = next->start;
    p->end = next->start + next->duration;
    next->start = next->duration = USEC_UNSET;
    return true;
}

static bool read_lines(struct hls_playlist *p)
{
    struct pending next = { .start = USEC_UNSET, .duration = USEC_UNSET };
    struct bytes rest = buf_bytes(&p->text);
    if (!bytes_equal_str(str_split(rest, '\n', &rest), "#EXTM3U"))
        return false;
    while (rest.len) {
        struct bytes line = str_split(rest, '\n', &rest);
        if (p->ended)
            return false;
        if (!line.len || line.ptr[0] == '#')
            read_tag(p, &next, line);
        else if (!read_name(p, &next))
            return false;
    }
    p->channels = next.channels;
    p->width = next.width;
    p->height = next.height;
    if (!p->segments)
        p->end = p->start;
    return p->start != USEC_UNSET && p->target_len;
}

int hls_playlist_read(struct hls_playlist **out, const char *name, struct bytes text)
{
    if (text.len > HLS_PLAYLIST_LIMIT + END_ROOM)
        return ERR_LIMIT;
    if (!text.len || text.ptr[text.len - 1] != '\n')
        return ERR_MALFORMED;
    struct hls_playlist *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->start = USEC_UNSET;
    buf_init(&p->text, HLS_PLAYLIST_LIMIT + END_ROOM);
    buf_put_bytes(&p->text, text);
    int err = str_copy(p->name, sizeof p->name, bytes_str(name)) ? p->text.err : ERR_LIMIT;
    if (!err && !read_lines(p))
        err = ERR_MALFORMED;
    if (err) {
        hls_playlist_free(p);
        return err;
    }
    *out = p;
    return OK;
}
