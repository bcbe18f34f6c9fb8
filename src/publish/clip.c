#include "publish/clip.h"

#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <stdlib.h>

#include "base/err.h"
#include "media/annexb.h"
#include "observe/log.h"
#include "publish/transcode.h"
#include "rtp/depack_opus.h"

struct lane {
    struct tape_item *items; /* times from the start of the clip */
    size_t count, size;
    usec_t end; /* of the last frame */
};

struct clip {
    struct lane lanes[2]; /* by media_kind */
    size_t bytes;
    usec_t length; /* of a round */
};

/* What reading needs and playing does not. */
struct loader {
    struct clip *clip;
    const char *path;
    AVFormatContext *file;
    AVPacket *packet;
    AVBSFContext *annexb;
    struct transcode *transcode; /* NULL: the sound is Opus */
    int stream[2];               /* by media_kind; negative: none */
    usec_t start;                /* the file's time that is 0 here */
    usec_t sound_start;          /* USEC_UNSET: no packet of it yet */
    struct buf units;
};

void clip_free(struct clip *clip)
{
    if (!clip)
        return;
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < clip->lanes[kind].count; i++)
            frame_unref(clip->lanes[kind].items[i].frame);
        free(clip->lanes[kind].items);
    }
    free(clip);
}

bool clip_has(const struct clip *clip, enum media_kind kind)
{
    return clip->lanes[kind].count;
}

static int complain(const struct loader *l, int err, const char *what)
{
    log_error(NULL, "%s: %s", l->path, what);
    return err;
}

static bool grow(struct lane *lane)
{
    if (lane->count < lane->size)
        return true;
    size_t size = lane->size ? 2 * lane->size : 1024;
    struct tape_item *items = realloc(lane->items, size * sizeof *items);
    if (!items)
        return false;
    lane->items = items;
    lane->size = size;
    return true;
}

/* The frame is the clip's, or gone. */
static int add(struct clip *clip, struct frame *f, usec_t time)
{
    struct lane *lane = &clip->lanes[codec_kind(f->codec)];
    int err = OK;
    if (lane->count == CLIP_MAX_FRAMES || clip->bytes + f->size > CLIP_MAX_SIZE)
        err = ERR_LIMIT;
    else if (!grow(lane))
        err = ERR_NOMEM;
    if (err) {
        frame_unref(f);
        return err;
    }
    clip->bytes += f->size;
    lane->end = time + f->duration;
    lane->items[lane->count++] = (struct tape_item){ f, time };
    return OK;
}

static usec_t packet_usec(const struct loader *l, const AVPacket *p, int64_t value)
{
    return av_rescale_q(value, l->file->streams[p->stream_index]->time_base, AV_TIME_BASE_Q);
}

static int add_picture(struct loader *l, const AVPacket *p)
{
    struct lane *lane = &l->clip->lanes[MEDIA_VIDEO];
    usec_t time = packet_usec(l, p, p->pts) - l->start;
    bool key = p->flags & AV_PKT_FLAG_KEY;
    if (!lane->count && !key)
        return OK;
    if (lane->count && time <= lane->items[lane->count - 1].time)
        return complain(l, ERR_UNSUPPORTED, "its video has B-frames, which rooms do not carry");
    buf_clear(&l->units);
    int err = h264_from_annexb(&l->units, bytes_of(p->data, (size_t)p->size));
    if (err)
        return complain(l, err, "broken H.264");
    struct frame *f = frame_new(CODEC_H264, l->units.len);
    if (!f)
        return ERR_NOMEM;
    memcpy(f->data, l->units.ptr, l->units.len);
    f->key = key;
    f->duration = p->duration > 0 ? packet_usec(l, p, p->duration) : 33 * MSEC;
    return add(l->clip, f, time > 0 ? time : 0);
}

static int read_picture(struct loader *l)
{
    int err = av_bsf_send_packet(l->annexb, l->packet) < 0 ? ERR_MALFORMED : OK;
    while (!err && av_bsf_receive_packet(l->annexb, l->packet) == 0) {
        err = add_picture(l, l->packet);
        av_packet_unref(l->packet);
    }
    return err;
}

static int add_transcoded(void *ctx, struct frame *f, usec_t time)
{
    struct loader *l = ctx;
    return add(l->clip, f, l->sound_start + time);
}

static int add_opus(struct loader *l)
{
    const AVPacket *p = l->packet;
    struct bytes data = bytes_of(p->data, (size_t)p->size);
    struct frame *f;
    if (depack_opus(data, 0, 0, &f))
        return OK; /* a broken packet is a gap */
    usec_t time = packet_usec(l, p, p->pts) - l->start;
    return add(l->clip, f, time > 0 ? time : 0);
}

static int read_sound(struct loader *l)
{
    usec_t time = packet_usec(l, l->packet, l->packet->pts) - l->start;
    if (l->sound_start == USEC_UNSET)
        l->sound_start = time > 0 ? time : 0;
    return l->transcode ? transcode_push(l->transcode, l->packet, add_transcoded, l) : add_opus(l);
}

static int read_all(struct loader *l)
{
    int err = OK;
    while (!err && av_read_frame(l->file, l->packet) == 0) {
        AVPacket *p = l->packet;
        if (p->pts == AV_NOPTS_VALUE)
            p->pts = p->dts;
        if (p->pts != AV_NOPTS_VALUE && p->stream_index == l->stream[MEDIA_VIDEO])
            err = read_picture(l);
        else if (p->pts != AV_NOPTS_VALUE && p->stream_index == l->stream[MEDIA_AUDIO])
            err = read_sound(l);
        av_packet_unref(p);
    }
    if (!err && l->transcode && l->sound_start != USEC_UNSET)
        err = transcode_push(l->transcode, NULL, add_transcoded, l);
    return err;
}

static int open_video(struct loader *l)
{
    const AVStream *s = l->file->streams[l->stream[MEDIA_VIDEO]];
    if (s->codecpar->codec_id != AV_CODEC_ID_H264)
        return complain(l, ERR_UNSUPPORTED, "its video is not H.264");
    if (s->codecpar->video_delay > 0)
        return complain(l, ERR_UNSUPPORTED, "its video has B-frames, which rooms do not carry");
    const AVBitStreamFilter *filter = av_bsf_get_by_name("h264_mp4toannexb");
    if (!filter || av_bsf_alloc(filter, &l->annexb) < 0 ||
        avcodec_parameters_copy(l->annexb->par_in, s->codecpar) < 0)
        return ERR_NOMEM;
    l->annexb->time_base_in = s->time_base;
    return av_bsf_init(l->annexb) < 0 ? complain(l, ERR_UNSUPPORTED, "broken H.264") : OK;
}

static int open_audio(struct loader *l)
{
    const AVCodecParameters *par = l->file->streams[l->stream[MEDIA_AUDIO]]->codecpar;
    if (par->codec_id == AV_CODEC_ID_OPUS)
        return OK;
    int err = transcode_new(&l->transcode, par);
    return err == ERR_UNSUPPORTED ? complain(l, err, "its sound cannot be decoded") : err;
}

static int open_file(struct loader *l, bool audio, bool video)
{
    int failed = avformat_open_input(&l->file, l->path, NULL, NULL);
    if (failed < 0)
        return complain(l, ERR_IO, av_err2str(failed));
    if (avformat_find_stream_info(l->file, NULL) < 0)
        return complain(l, ERR_IO, "no media file");
    l->stream[MEDIA_AUDIO] =
        audio ? av_find_best_stream(l->file, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0) : -1;
    l->stream[MEDIA_VIDEO] =
        video ? av_find_best_stream(l->file, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0) : -1;
    l->start = l->file->start_time == AV_NOPTS_VALUE ? 0 : l->file->start_time;
    l->packet = av_packet_alloc();
    if (!l->packet)
        return ERR_NOMEM;
    int err = l->stream[MEDIA_VIDEO] >= 0 ? open_video(l) : OK;
    return !err && l->stream[MEDIA_AUDIO] >= 0 ? open_audio(l) : err;
}

static int finish(struct loader *l)
{
    struct clip *clip = l->clip;
    usec_t audio = clip->lanes[MEDIA_AUDIO].end, video = clip->lanes[MEDIA_VIDEO].end;
    clip->length = audio > video ? audio : video;
    return clip->length > 0 ? OK : complain(l, ERR_NOT_FOUND, "nothing in it to send");
}

int clip_load(struct clip **out, const char *path, bool audio, bool video)
{
    struct loader l = { .path = path, .sound_start = USEC_UNSET };
    buf_init(&l.units, FRAME_MAX_SIZE);
    l.clip = calloc(1, sizeof *l.clip);
    int err = l.clip ? open_file(&l, audio, video) : ERR_NOMEM;
    if (!err)
        err = read_all(&l);
    if (!err)
        err = finish(&l);
    avformat_close_input(&l.file);
    av_packet_free(&l.packet);
    av_bsf_free(&l.annexb);
    transcode_free(l.transcode);
    buf_fini(&l.units);
    if (err == ERR_LIMIT || err == ERR_NOMEM)
        complain(&l, err, err_text(err));
    if (err)
        clip_free(l.clip);
    else
        *out = l.clip;
    return err;
}

/* The lane whose next frame is earlier; NULL at the end of a round. */
static const struct tape_item *next_item(const struct clip *clip, size_t at[2])
{
    const struct tape_item *first = NULL;
    enum media_kind which = MEDIA_AUDIO;
    for (int kind = 0; kind < 2; kind++) {
        const struct lane *lane = &clip->lanes[kind];
        if (at[kind] == lane->count || (first && lane->items[at[kind]].time >= first->time))
            continue;
        first = &lane->items[at[kind]];
        which = (enum media_kind)kind;
    }
    if (first)
        at[which]++;
    return first;
}

void clip_play(const struct clip *clip, struct tape *tape)
{
    for (usec_t start = 0;; start += clip->length) {
        size_t at[2] = { 0, 0 };
        for (const struct tape_item *item; (item = next_item(clip, at));)
            if (!tape_put(tape, frame_ref(item->frame), start + item->time))
                return;
    }
}
