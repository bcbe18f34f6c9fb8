#include "track/track.h"

#include <stdlib.h>

#include "base/err.h"

struct track {
    struct track_config config;
    struct timeline timeline;
    struct h264_params *params; /* NULL for audio */

    struct frame *waiting[TRACK_WAIT_FRAMES]; /* for a report; a ring */
    unsigned first_waiting, waitings;
    size_t waiting_bytes;

    struct list subscribers; /* struct subscriber, by .in_track */
    struct link *next;       /* whom the frame goes to next, while it goes round */

    bool stalled;
    usec_t last_sign; /* newest frame, or the start */
    struct track_stats stats;
};

int track_new(struct track **out, const struct track_config *config, usec_t now)
{
    struct track *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    if (codec_kind(config->codec) == MEDIA_VIDEO) {
        t->params = malloc(sizeof *t->params);
        if (!t->params) {
            free(t);
            return ERR_NOMEM;
        }
        h264_params_init(t->params);
    }
    t->config = *config;
    timeline_init(&t->timeline, config->clock, codec_clock_rate(config->codec));
    list_init(&t->subscribers);
    t->last_sign = now;
    t->stats.first_time = t->stats.last_time = t->stats.last_arrival = USEC_UNSET;
    *out = t;
    return OK;
}

enum codec track_codec(const struct track *t)
{
    return t->config.codec;
}

enum media_kind track_kind(const struct track *t)
{
    return codec_kind(t->config.codec);
}

bool track_stalled(const struct track *t)
{
    return t->stalled;
}

const struct h264_params *track_params(const struct track *t)
{
    return t->params;
}

void track_get_stats(const struct track *t, struct track_stats *out)
{
    *out = t->stats;
    const struct h264_sps *sps = t->params ? h264_params_sps(t->params) : NULL;
    if (sps) {
        out->width = sps->width;
        out->height = sps->height;
    }
}

static void hand_to(struct subscriber *s, struct frame *f)
{
    if (s->key_first && !f->key)
        return;
    s->key_first = false;
    s->ops->on_frame(s, f);
}

/* A subscriber that detaches moves t->next away from itself. */
static void fan_out(struct track *t, struct frame *f)
{
    t->next = t->subscribers.head.next;
    while (t->next != &t->subscribers.head) {
        struct subscriber *s = list_item(t->next, struct subscriber, in_track);
        t->next = t->next->next;
        hand_to(s, f);
    }
    t->next = NULL;
}

static void note(struct track *t, const struct frame *f)
{
    struct track_stats *s = &t->stats;
    s->frames++;
    s->bytes += f->size;
    s->steps += f->discontinuity;
    s->last_time = f->time;
    if (s->first_time == USEC_UNSET)
        s->first_time = f->time;
    bool changed;
    if (t->params && f->key)
        h264_params_update(t->params, bytes_of(f->data, f->size), &changed);
}

/* Takes the frame's reference. */
static void send_off(struct track *t, struct frame *f)
{
    if (list_empty(&t->subscribers))
        timeline_unheard(&t->timeline);
    timeline_stamp(&t->timeline, f);
    note(t, f);
    fan_out(t, f);
    frame_unref(f);
}

static void release_waiting(struct track *t)
{
    while (t->waitings) {
        struct frame *f = t->waiting[t->first_waiting];
        t->first_waiting = (t->first_waiting + 1) % TRACK_WAIT_FRAMES;
        t->waitings--;
        t->waiting_bytes -= f->size;
        send_off(t, f);
    }
}

static void wait(struct track *t, struct frame *f)
{
    if (t->waitings == TRACK_WAIT_FRAMES || t->waiting_bytes > TRACK_WAIT_BYTES)
        release_waiting(t);
    t->waiting[(t->first_waiting + t->waitings++) % TRACK_WAIT_FRAMES] = f;
    t->waiting_bytes += f->size;
}

static void sign_of_life(struct track *t, const struct frame *f, usec_t now)
{
    t->last_sign = now;
    t->stats.last_arrival = f->arrival;
    if (!t->stalled)
        return;
    t->stalled = false;
    if (t->config.ops && t->config.ops->resumed)
        t->config.ops->resumed(t->config.ctx);
}

void track_frame(struct track *t, struct frame *f, usec_t now)
{
    sign_of_life(t, f, now);
    if (timeline_breaks(&t->timeline, f->rtp, f->arrival))
        release_waiting(t);
    timeline_arrived(&t->timeline, f->rtp, f->arrival);
    if (now < timeline_ready_at(&t->timeline)) {
        wait(t, f);
        return;
    }
    release_waiting(t);
    send_off(t, f);
}

void track_report(struct track *t, const struct rtcp_sr *sr, usec_t arrival)
{
    timeline_report(&t->timeline, sr, arrival);
    if (t->waitings && arrival >= timeline_ready_at(&t->timeline))
        release_waiting(t);
}

static usec_t stall_deadline(const struct track *t)
{
    if (t->stalled || t->config.stall_after == USEC_NEVER)
        return USEC_NEVER;
    return t->last_sign + t->config.stall_after;
}

usec_t track_deadline(const struct track *t)
{
    usec_t stall = stall_deadline(t);
    usec_t ready = t->waitings ? timeline_ready_at(&t->timeline) : USEC_NEVER;
    return ready < stall ? ready : stall;
}

void track_tick(struct track *t, usec_t now)
{
    if (t->waitings && now >= timeline_ready_at(&t->timeline))
        release_waiting(t);
    if (now < stall_deadline(t))
        return;
    t->stalled = true;
    if (t->config.ops && t->config.ops->stalled)
        t->config.ops->stalled(t->config.ctx);
}

static void tell_watched(const struct track *t, bool watched)
{
    if (t->config.ops && t->config.ops->watched)
        t->config.ops->watched(t->config.ctx, watched);
}

void track_attach(struct track *t, struct subscriber *s)
{
    bool first = list_empty(&t->subscribers);
    s->track = t;
    s->key_first = track_kind(t) == MEDIA_VIDEO;
    list_append(&t->subscribers, &s->in_track);
    if (first)
        tell_watched(t, true);
    if (s->key_first && t->config.ops && t->config.ops->request_key)
        t->config.ops->request_key(t->config.ctx);
}

static void unlink_subscriber(struct track *t, struct subscriber *s)
{
    if (t->next == &s->in_track)
        t->next = s->in_track.next;
    list_remove(&s->in_track);
    s->track = NULL;
}

void track_detach(struct subscriber *s)
{
    struct track *t = s->track;
    if (!t)
        return;
    unlink_subscriber(t, s);
    if (list_empty(&t->subscribers))
        tell_watched(t, false);
}

void track_free(struct track *t)
{
    if (!t)
        return;
    release_waiting(t);
    for (struct subscriber *s; (s = list_first(&t->subscribers, struct subscriber, in_track));) {
        unlink_subscriber(t, s);
        s->ops->on_end(s);
    }
    free(t->params);
    free(t);
}
