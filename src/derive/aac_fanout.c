#include "derive/aac_fanout.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "derive/aac_track.h"
#include "observe/log.h"

#define BATCH      8 /* frames in a batch at most */
#define BATCH_TIME (100 * MSEC)
#define RESULTS    64 /* AAC frames kept of one batch; more than BATCH Opus frames of 120 ms give */
#define IN_FLIGHT  64 /* batches the worker may owe; beyond that frames are dropped */

/* Of silence from the source: what the encoder holds comes out. */
#define FLUSH_AFTER (500 * MSEC)

/* Goes to the worker with Opus frames and comes back, the same object, with AAC frames. */
struct batch {
    struct message message;
    struct aac_fanout *fanout;
    uint64_t number;
    bool flush; /* brings out what the encoder holds */
    bool last;  /* of the fanout */
    struct frame *in[BATCH];
    size_t in_count;
    struct frame *out[RESULTS];
    size_t out_count;
};

struct aac_fanout {
    struct loop *home, *worker;
    struct subscriber source; /* of the Opus track */
    struct list subscribers;  /* struct aac_subscriber, by .in_fanout */
    struct batch *filling;    /* NULL: none begun */
    usec_t due;               /* of filling */
    struct batch *spare;      /* for the end, which must not fail */
    usec_t flush_at;          /* USEC_NEVER: the encoder holds nothing */
    usec_t heard;             /* end of the newest Opus frame, server clock */
    uint64_t sent, returned;  /* batches */
    uint64_t frames_waiting;  /* Opus frames in batches with the worker */
    uint64_t dropped;         /* Opus frames, when the worker is behind */
    bool closing;

    struct aac_track *encoder; /* the worker's, between new and the last batch */
};

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->in_count; i++)
        frame_unref(b->in[i]);
    for (size_t i = 0; i < b->out_count; i++)
        frame_unref(b->out[i]);
    free(b);
}

/* --- worker --- */

static void batch_return(struct message *m);
static void batch_lost(struct message *m);

static void pull_all(struct batch *b, struct aac_track *encoder)
{
    struct frame *f;
    while ((f = aac_track_pull(encoder))) {
        if (b->out_count < RESULTS)
            b->out[b->out_count++] = f;
        else
            frame_unref(f);
    }
}

static void batch_encode(struct message *m)
{
    struct batch *b = (struct batch *)m;
    struct aac_track *encoder = b->fanout->encoder;
    for (size_t i = 0; i < b->in_count; i++) {
        aac_track_push(encoder, b->in[i]); /* a broken frame is counted there, and a gap here */
        pull_all(b, encoder);
    }
    if (b->flush) {
        aac_track_flush(encoder);
        pull_all(b, encoder);
    }
    b->message = (struct message){ .run = batch_return, .discard = batch_lost };
    loop_post_must(b->fanout->home, &b->message);
}

/* --- media loop --- */

static void fanout_destroy(struct aac_fanout *f)
{
    if (f->dropped)
        log_warn(NULL, "%llu audio frames were not encoded: the audio worker was behind",
                 (unsigned long long)f->dropped);
    aac_track_free(f->encoder);
    if (f->filling)
        batch_free(f->filling);
    free(f->spare);
    free(f);
}

/* The loops are ending: nobody waits for the batch any more. */
static void batch_lost(struct message *m)
{
    struct batch *b = (struct batch *)m;
    struct aac_fanout *f = b->fanout;
    bool last = b->last;
    batch_free(b);
    if (last)
        fanout_destroy(f);
}

static void end_subscriber(struct aac_subscriber *s)
{
    list_remove(&s->in_fanout);
    s->on_end(s);
}

static void give(struct aac_fanout *f, struct frame *frame)
{
    list_each(s, &f->subscribers, struct aac_subscriber, in_fanout)
    {
        bool early = s->since != USEC_UNSET && frame->time + frame->duration <= s->since;
        if (!early && (!s->leaving || frame->time < s->until))
            s->on_frame(s, frame);
    }
}

/* The batch brought the last that a leaving subscriber waits for. */
static bool brought_all(const struct batch *b, const struct aac_subscriber *s)
{
    bool later = b->out_count && b->out[b->out_count - 1]->time >= s->until;
    return later || (b->flush && b->number >= s->leaves_with);
}

static void batch_return(struct message *m)
{
    struct batch *b = (struct batch *)m;
    struct aac_fanout *f = b->fanout;
    f->returned = b->number;
    f->frames_waiting -= b->in_count;
    for (size_t i = 0; i < b->out_count; i++)
        give(f, b->out[i]);
    list_each(s, &f->subscribers, struct aac_subscriber, in_fanout)
    {
        if (b->last || (s->leaving && brought_all(b, s)))
            end_subscriber(s);
    }
    bool last = b->last;
    batch_free(b);
    if (last)
        fanout_destroy(f);
}

static struct batch *filling(struct aac_fanout *f)
{
    if (f->filling)
        return f->filling;
    f->filling = calloc(1, sizeof *f->filling);
    if (f->filling)
        f->filling->fanout = f;
    return f->filling;
}

/* Hands the batch over, even an empty one. */
static uint64_t send_batch(struct aac_fanout *f, bool flush, bool last)
{
    struct batch *b = filling(f);
    if (!b)
        return 0;
    f->filling = NULL;
    b->number = ++f->sent;
    f->frames_waiting += b->in_count;
    b->flush = flush;
    b->last = last;
    if (flush)
        f->flush_at = USEC_NEVER;
    b->message = (struct message){ .run = batch_encode, .discard = batch_lost };
    loop_post_must(f->worker, &b->message);
    return b->number;
}

static bool anybody_stays(const struct aac_fanout *f)
{
    list_each(s, &f->subscribers, struct aac_subscriber, in_fanout)
    {
        if (!s->leaving)
            return true;
    }
    return false;
}

/* While nobody listens the encoder, flushed when the last one left, sees a pause of the source. */
static void on_source_frame(struct subscriber *self, struct frame *frame)
{
    struct aac_fanout *f = self->ctx;
    if (!anybody_stays(f)) {
        f->heard = frame->time + frame->duration;
        return;
    }
    struct batch *b = f->sent - f->returned < IN_FLIGHT ? filling(f) : NULL;
    if (!b) {
        f->dropped++;
        return;
    }
    if (b->in_count == 0)
        f->due = frame->arrival + BATCH_TIME;
    b->in[b->in_count++] = frame_ref(frame);
    f->heard = frame->time + frame->duration;
    f->flush_at = frame->arrival + FLUSH_AFTER;
    if (b->in_count == BATCH || frame->arrival >= f->due)
        send_batch(f, false, false);
}

/* The session ends its fanout itself. */
static void on_source_end(struct subscriber *self)
{
    (void)self;
}

static const struct subscriber_ops source_ops = { on_source_frame, on_source_end };

int aac_fanout_new(struct aac_fanout **out, struct track *source, unsigned channels,
                   struct loop *home, struct loop *worker)
{
    assert(loop_is_current(home));
    struct aac_fanout *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    const struct aac_track_config config = { .start = USEC_UNSET, .channels = channels };
    f->spare = calloc(1, sizeof *f->spare);
    int err = f->spare ? aac_track_new(&f->encoder, &config) : ERR_NOMEM;
    if (err) {
        free(f->spare);
        free(f);
        return err;
    }
    f->home = home;
    f->heard = USEC_UNSET;
    f->worker = worker;
    list_init(&f->subscribers);
    f->flush_at = USEC_NEVER;
    f->source = (struct subscriber){ .ops = &source_ops, .ctx = f };
    track_attach(source, &f->source);
    *out = f;
    return OK;
}

void aac_fanout_free(struct aac_fanout *f)
{
    if (!f || f->closing)
        return;
    f->closing = true;
    track_detach(&f->source);
    if (!f->filling) {
        f->filling = f->spare;
        f->filling->fanout = f;
        f->spare = NULL;
    }
    send_batch(f, true, true);
}

void aac_fanout_subscribe(struct aac_fanout *f, struct aac_subscriber *s)
{
    assert(loop_is_current(f->home) && !f->closing);
    /* The pause in which nobody listened is filled with silence when it was short. */
    s->since = anybody_stays(f) ? USEC_UNSET : f->heard;
    s->leaving = false;
    list_append(&f->subscribers, &s->in_fanout);
}

/* A flush in the middle of the sound costs those who stay some milliseconds of it. */
void aac_fanout_unsubscribe(struct aac_fanout *f, struct aac_subscriber *s)
{
    if (!link_linked(&s->in_fanout) || s->leaving || f->closing)
        return;
    s->leaving = true;
    s->until = f->heard;
    s->leaves_with = f->sent + 1;
    bool comes_by_itself = anybody_stays(f) && f->flush_at != USEC_NEVER;
    if (!comes_by_itself && !send_batch(f, true, false))
        end_subscriber(s); /* no memory: without the last frames */
}

usec_t aac_fanout_deadline(const struct aac_fanout *f)
{
    bool waiting = f->filling && f->filling->in_count;
    return waiting && f->due < f->flush_at ? f->due : f->flush_at;
}

void aac_fanout_tick(struct aac_fanout *f, usec_t now)
{
    if (aac_fanout_deadline(f) <= now)
        send_batch(f, f->flush_at <= now, false);
}

struct aac_fanout_stats aac_fanout_stats(const struct aac_fanout *f)
{
    return (struct aac_fanout_stats){ .waiting = f->frames_waiting, .dropped = f->dropped };
}
