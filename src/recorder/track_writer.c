#include "recorder/track_writer.h"

#include <stdlib.h>

#include "base/err.h"
#include "derive/aac_fanout.h"

#define KEY_EVERY SEC /* a key frame that would help is asked for so often */

/* Messages that go back; each is posted at most once, so they live in the writer. */
enum { STARTED, ENDED, DETACHED, REPLIES };

struct reply {
    struct message message;
    struct track_writer *writer;
};

struct track_writer {
    struct track_writer_config config;
    struct message attach, detach;
    bool detach_ends; /* set before `detach` is posted */
    struct reply replies[REPLIES];

    /* Set before the reply that carries them. */
    usec_t begin;
    void *carry;
    bool finished;

    struct { /* media loop's thread only */
        struct writing writing;
        struct session *session;   /* lives as long as track is set */
        struct track *track;       /* video; NULL: none, or it has ended */
        struct aac_fanout *fanout; /* audio; NULL likewise */
        struct subscriber video;
        struct aac_subscriber audio;
        struct media_ticker ticker;
        usec_t key_due;
        struct hls_stats told; /* of the writer's numbers, those that are in the stats */
        bool running;          /* subscribed or waiting for what was asked for */
        bool detaching;        /* the control loop asked */
        bool ending;           /* ... and no more will come */
    } own;
};

static void reply(struct track_writer *w, int which)
{
    loop_post_must(w->config.control, &w->replies[which].message);
}

/* --- media loop --- */

static void tell(struct counter *counter, uint64_t now, uint64_t told)
{
    if (now != told)
        counter_add(counter, now - told);
}

static void tell_stats(struct track_writer *w)
{
    const struct writing *writing = &w->own.writing;
    const struct hls_stats *now = writing->ops->stats(writing->writer), *told = &w->own.told;
    struct recorder_stats *sum = w->config.stats;
    tell(&sum->written, now->frames, told->frames);
    tell(&sum->waiting, now->waiting, told->waiting);
    tell(&sum->late, now->late, told->late);
    tell(&sum->broken, now->broken, told->broken);
    w->own.told = *now;
}

static void close_writing(struct track_writer *w)
{
    struct writing *writing = &w->own.writing;
    if (!writing->writer)
        return;
    tell_stats(w);
    const struct hls_stats *stats = writing->ops->stats(writing->writer);
    log_info(&w->config.log,
             "%llu files, %llu frames; dropped: %llu before a key frame, %llu late, %llu broken",
             (unsigned long long)stats->segments, (unsigned long long)stats->frames,
             (unsigned long long)stats->waiting, (unsigned long long)stats->late,
             (unsigned long long)stats->broken);
    w->finished = w->own.ending;
    w->carry = writing->ops->close(writing->writer, w->own.ending);
    writing->writer = NULL;
}

/* Nothing more comes from the tracks: closes the segment, tells the control loop. */
static void settle(struct track_writer *w)
{
    if (w->own.track || w->own.fanout)
        return;
    if (w->own.running) {
        w->own.running = false;
        media_loop_remove_ticker(w->config.media, &w->own.ticker);
        close_writing(w);
    }
    reply(w, w->own.detaching ? DETACHED : ENDED);
}

static void push(struct track_writer *w, struct frame *f)
{
    w->own.writing.ops->push(w->own.writing.writer, f);
}

static void on_video(struct subscriber *self, struct frame *f)
{
    struct track_writer *w = self->ctx;
    push(w, f);
}

static void on_video_end(struct subscriber *self)
{
    struct track_writer *w = self->ctx;
    w->own.track = NULL;
    settle(w);
}

static const struct subscriber_ops video_ops = { on_video, on_video_end };

static void on_audio(struct aac_subscriber *self, struct frame *f)
{
    push(list_item(self, struct track_writer, own.audio), f);
}

static void on_audio_end(struct aac_subscriber *self)
{
    struct track_writer *w = list_item(self, struct track_writer, own.audio);
    w->own.fanout = NULL;
    settle(w);
}

static void on_tick(struct media_ticker *self, usec_t now)
{
    struct track_writer *w = list_item(self, struct track_writer, own.ticker);
    const struct writing *writing = &w->own.writing;
    usec_t server = clock_server(now);
    if (writing->ops->deadline(writing->writer) <= server)
        writing->ops->tick(writing->writer, server);
    tell_stats(w);
    if (w->own.track && writing->ops->wants_key(writing->writer) && now >= w->own.key_due) {
        session_request_key(w->own.session);
        w->own.key_due = now + KEY_EVERY;
    }
}

static void on_started(void *ctx, usec_t begin)
{
    struct track_writer *w = ctx;
    w->begin = begin;
    reply(w, STARTED);
}

static void on_gap(void *ctx, usec_t from, usec_t to, enum hls_gap reason)
{
    static const char *const reasons[] = { [HLS_GAP_MEDIA] = "no media came",
                                           [HLS_GAP_STEP] = "the sender's clock stepped",
                                           [HLS_GAP_OVERFLOW] = "the disk was behind",
                                           [HLS_GAP_DAMAGE] = "damaged video was left out" };
    const struct track_writer *w = ctx;
    counter_add(&w->config.stats->gaps[reason], 1);
    counter_add(&w->config.stats->missing[reason], (uint64_t)(to - from));
    log_write(&w->config.log, reason == HLS_GAP_OVERFLOW ? LOG_WARN : LOG_INFO,
              "gap of %lld ms: %s", (long long)((to - from) / MSEC), reasons[reason]);
}

static int open_writing(struct track_writer *w)
{
    const struct hls_events events = { .ctx = w, .on_started = on_started, .on_gap = on_gap };
    struct writing *writing = &w->own.writing;
    writing->ops = writing_ops_of(w->config.writing.form);
    int err = writing->ops->open(writing, &w->config.writing, w->carry, &events, w->config.audio,
                                 w->config.video);
    if (err) {
        log_error(&w->config.log, "cannot write: %s", err_text(err));
        return err;
    }
    w->carry = NULL;
    w->own.told = *writing->ops->stats(writing->writer);
    return OK;
}

static void attach_run(struct message *m)
{
    struct track_writer *w = list_item(m, struct track_writer, attach);
    struct session *session = media_loop_session(w->config.media, w->config.session);
    if (!session || open_writing(w)) {
        reply(w, ENDED);
        return;
    }
    w->own.running = true;
    w->own.ticker.tick = on_tick;
    media_loop_add_ticker(w->config.media, &w->own.ticker);

    struct track *video = w->config.video ? session_track(session, MEDIA_VIDEO) : NULL;
    struct aac_fanout *audio = w->config.audio ? session_aac(session) : NULL;
    w->own.session = session;
    w->own.track = video;
    w->own.fanout = audio;
    if (audio) {
        w->own.audio = (struct aac_subscriber){ .on_frame = on_audio, .on_end = on_audio_end };
        aac_fanout_subscribe(audio, &w->own.audio);
    }
    if (video) {
        w->own.video = (struct subscriber){ .ops = &video_ops, .ctx = w };
        track_attach(video, &w->own.video);
    }
    if (!video && !audio)
        settle(w);
}

static void detach_run(struct message *m)
{
    struct track_writer *w = list_item(m, struct track_writer, detach);
    w->own.detaching = true;
    w->own.ending = w->detach_ends;
    if (!w->own.running) {
        reply(w, DETACHED);
        return;
    }
    if (w->own.track)
        track_detach(&w->own.video);
    w->own.track = NULL;
    if (w->own.fanout)
        aac_fanout_unsubscribe(w->own.fanout,
                               &w->own.audio); /* what is with the encoder still comes */
    else
        settle(w);
}

/* --- control loop --- */

static void started_run(struct message *m)
{
    struct track_writer *w = ((struct reply *)m)->writer;
    w->config.events->started(w->config.ctx, w->begin);
}

static void ended_run(struct message *m)
{
    struct track_writer *w = ((struct reply *)m)->writer;
    w->config.events->ended(w->config.ctx);
}

static void detached_run(struct message *m)
{
    struct track_writer *w = ((struct reply *)m)->writer;
    const struct track_writer_events *events = w->config.events;
    void *ctx = w->config.ctx;
    void *carry = w->carry;
    bool finished = w->finished;
    free(w);
    events->detached(ctx, carry, finished);
}

static void detached_discard(struct message *m)
{
    struct track_writer *w = ((struct reply *)m)->writer;
    writing_ops_of(w->config.writing.form)->drop(w->carry);
    free(w);
}

static void nothing(struct message *m)
{
    (void)m;
}

int track_writer_attach(struct track_writer **out, const struct track_writer_config *config)
{
    struct track_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->config = *config;
    w->carry = config->carry;
    w->attach = (struct message){ .run = attach_run, .discard = nothing };
    w->detach = (struct message){ .run = detach_run, .discard = nothing };
    w->replies[STARTED] = (struct reply){ { .run = started_run, .discard = nothing }, w };
    w->replies[ENDED] = (struct reply){ { .run = ended_run, .discard = nothing }, w };
    w->replies[DETACHED] =
        (struct reply){ { .run = detached_run, .discard = detached_discard }, w };
    loop_post_must(media_loop_thread(config->media), &w->attach);
    *out = w;
    return OK;
}

void track_writer_detach(struct track_writer *w, bool end)
{
    w->detach_ends = end;
    loop_post_must(media_loop_thread(w->config.media), &w->detach);
}
