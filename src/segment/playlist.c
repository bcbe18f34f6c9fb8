#include "segment/playlist_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/* FFmpeg's numbers, which the metadata tags carry (files.md 2). */
enum { AV_CODEC_AAC = 86018, AV_CODEC_H264 = 27, AV_SAMPLE_S16 = 1 };

/* A value must not break out of its line. */
static void put_value(struct buf *b, const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= ' ' && *text != 127)
            buf_put(b, text, 1);
}

static void put_tag(struct buf *b, const char *tag, const char *value)
{
    buf_printf(b, "#EXT-X-TRTC-%s:", tag);
    put_value(b, value);
    buf_put_str(b, "\n");
}

static void put_head(struct hls_playlist *p, const struct hls_playlist_config *c)
{
    struct buf *b = &p->text;
    buf_put_str(b, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-ALLOW-CACHE:NO\n#EXT-X-MEDIA-SEQUENCE:0\n"
                   "#EXT-X-TARGETDURATION:");
    p->target_at = b->len;
    buf_printf(b, "%u", p->target);
    p->target_len = b->len - p->target_at;
    buf_put_str(b, "\n");
    put_tag(b, "VERSION", c->version);
    put_tag(b, "DATE", c->date);
    buf_printf(b, "#EXT-X-TRTC-START-REC-TIME:%lld\n", (long long)(p->start / MSEC));
    put_tag(b, "MEDIA-ID", c->media_id);
    put_tag(b, "USER-ID", c->user_id);
    put_tag(b, "MIX-STREAM", c->mix ? "1" : "0");
    buf_printf(b, "#EXT-X-TRTC-STREAM-TYPE:%d\n", (int)c->streams);
}

struct hls_playlist *hls_playlist_new(const struct hls_playlist_config *config, usec_t start)
{
    struct hls_playlist *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    buf_init(&p->text, HLS_PLAYLIST_LIMIT + END_ROOM);
    p->start = p->end = start / MSEC * MSEC;
    p->target = HLS_MIN_TARGET;
    strncpy(p->name, config->name, sizeof p->name - 1);
    put_head(p, config);
    if (p->text.err) {
        hls_playlist_free(p);
        return NULL;
    }
    return p;
}

void hls_playlist_free(struct hls_playlist *p)
{
    if (!p)
        return;
    buf_fini(&p->text);
    free(p);
}

static void put_metadata(struct hls_playlist *p, const struct hls_segment *s)
{
    if (s->channels && s->channels != p->channels)
        buf_printf(
            &p->text,
            "#EXT-X-TRTC-AUDIO-METADATA:Channel:%u SampleRate:48000 SampleFormat:%d Codec:%d\n",
            s->channels, AV_SAMPLE_S16, AV_CODEC_AAC);
    if (s->width && (s->width != p->width || s->height != p->height))
        buf_printf(&p->text, "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:%u HEIGHT:%u Codec:%d\n", s->width,
                   s->height, AV_CODEC_H264);
}

static void put_segment(struct hls_playlist *p, const struct hls_segment *s, uint64_t ticks)
{
    struct buf *b = &p->text;
    if (s->discontinuity)
        buf_put_str(b, "#EXT-X-DISCONTINUITY\n");
    put_metadata(p, s);
    if (s->gap || !p->segments) {
        char date[25];
        clock_format_rfc3339(s->start, date);
        buf_printf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", date);
    }
    buf_printf(b, "#EXT-X-TRTC-FILE-ATTR:%lld,%llu\n", (long long)(s->start / MSEC),
               (unsigned long long)s->bytes);
    buf_printf(b, "#EXTINF:%llu.%04u,\n%s\n", (unsigned long long)(ticks / 10000),
               (unsigned)(ticks % 10000), s->name);
}

/* RFC 8216, 4.3.3.1: no EXTINF, rounded to the nearest integer, may be above the target duration.
 */
static void raise_target(struct hls_playlist *p, uint64_t ticks)
{
    uint64_t seconds = (ticks + 5000) / 10000;
    if (seconds <= p->target)
        return;
    char digits[12];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%u", (unsigned)seconds);
    size_t more = len - p->target_len;
    if (more && !buf_extend(&p->text, more))
        return; /* out of memory for a digit: the segment counts more than the tag */
    uint8_t *at = p->text.ptr + p->target_at;
    size_t after = p->text.len - more - p->target_at - p->target_len;
    memmove(at + len, at + p->target_len, after);
    memcpy(at, digits, len);
    p->target = (unsigned)seconds;
    p->target_len = len;
}

int hls_playlist_add(struct hls_playlist *p, const struct hls_segment *s)
{
    if (p->ended)
        return ERR_BAD_STATE;
    size_t before = p->text.len;
    uint64_t ticks = s->duration > 100 ? (uint64_t)(s->duration + 50) / 100 : 1; /* of 0.1 ms */
    put_segment(p, s, ticks);
    if (p->text.err || p->text.len > HLS_PLAYLIST_LIMIT) {
        int err = p->text.err ? p->text.err : ERR_LIMIT;
        p->text.len = before;
        p->text.ptr[before] = 0;
        p->text.err = OK;
        return err;
    }
    raise_target(p, ticks);
    p->segments++;
    p->last = s->start;
    p->end = s->start + s->duration;
    if (s->channels)
        p->channels = s->channels;
    if (s->width) {
        p->width = s->width;
        p->height = s->height;
    }
    return OK;
}

struct bytes hls_playlist_text(const struct hls_playlist *p)
{
    return buf_bytes(&p->text);
}

int hls_playlist_close(struct hls_playlist *p)
{
    if (p->ended)
        return ERR_BAD_STATE;
    buf_put_str(&p->text, HLS_ENDLIST "\n");
    if (p->text.err)
        return p->text.err;
    p->ended = true;
    return OK;
}

int hls_playlist_publish(struct hls_playlist *p, struct sink *sink, bool end)
{
    if (p->ended)
        return ERR_BAD_STATE;
    int err = end ? hls_playlist_close(p) : OK;
    if (err)
        return err;
    return sink->ops->put(sink, p->name, buf_bytes(&p->text), ++p->generation, end);
}

const char *hls_playlist_name(const struct hls_playlist *p)
{
    return p->name;
}

usec_t hls_playlist_start(const struct hls_playlist *p)
{
    return p->start;
}

usec_t hls_playlist_end(const struct hls_playlist *p)
{
    return p->end;
}

usec_t hls_playlist_last(const struct hls_playlist *p)
{
    return p->segments ? p->last : USEC_UNSET;
}

bool hls_playlist_ended(const struct hls_playlist *p)
{
    return p->ended;
}

unsigned hls_playlist_segments(const struct hls_playlist *p)
{
    return p->segments;
}
