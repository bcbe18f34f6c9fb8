#include "segment/interleave.h"

#include "base/err.h"

void interleave_init(struct interleave *il, usec_t audio_wait, usec_t video_wait)
{
    *il = (struct interleave){ .newest = USEC_UNSET };
    il->kind[MEDIA_AUDIO].wait = audio_wait;
    il->kind[MEDIA_VIDEO].wait = video_wait;
    il->kind[MEDIA_AUDIO].last = il->kind[MEDIA_VIDEO].last = USEC_UNSET;
}

static struct frame *head(const struct interleave_queue *q)
{
    return q->count ? q->slot[q->first] : NULL;
}

static struct frame *take(struct interleave_queue *q)
{
    struct frame *f = head(q);
    q->first = (q->first + 1) % INTERLEAVE_SLOTS;
    q->count--;
    return f;
}

void interleave_fini(struct interleave *il)
{
    for (int k = 0; k < 2; k++)
        while (il->kind[k].count)
            frame_unref(take(&il->kind[k]));
}

int interleave_push(struct interleave *il, struct frame *f)
{
    struct interleave_queue *q = &il->kind[codec_kind(f->codec)];
    if (f->time <= q->last || q->count == INTERLEAVE_SLOTS)
        return ERR_RANGE;
    q->slot[(q->first + q->count++) % INTERLEAVE_SLOTS] = frame_ref(f);
    q->last = f->time;
    interleave_tick(il, f->time);
    return OK;
}

void interleave_tick(struct interleave *il, usec_t time)
{
    if (time > il->newest)
        il->newest = time;
}

static bool may_go(const struct interleave *il, const struct interleave_queue *q,
                   const struct interleave_queue *other)
{
    usec_t time = head(q)->time;
    return other->count || other->last >= time || q->count == INTERLEAVE_SLOTS ||
           il->newest - time >= q->wait;
}

struct frame *interleave_pull(struct interleave *il, bool all)
{
    struct interleave_queue *audio = &il->kind[MEDIA_AUDIO], *video = &il->kind[MEDIA_VIDEO];
    struct frame *a = head(audio), *v = head(video);
    if (!a && !v)
        return NULL;
    /* At the same time video goes first: a key frame opens its segment. */
    bool video_first = v && (!a || v->time <= a->time);
    struct interleave_queue *q = video_first ? video : audio;
    return all || may_go(il, q, video_first ? audio : video) ? take(q) : NULL;
}

usec_t interleave_deadline(const struct interleave *il)
{
    usec_t at = USEC_NEVER;
    for (int k = 0; k < 2; k++) {
        const struct frame *f = head(&il->kind[k]);
        if (f && f->time + il->kind[k].wait < at)
            at = f->time + il->kind[k].wait;
    }
    return at;
}
