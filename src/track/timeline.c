#include "track/timeline.h"

#include <stdlib.h>

#include "rtp/unwrap.h"

#define SLEW_DIVISOR  100          /* 10 ms a second */
#define GAP           MSEC         /* between two frames at least */
#define AHEAD_MAX     SEC          /* frames do not come before they are made */
#define LATE_MAX      (30 * SEC)   /* no network holds packets for so long */
#define AGREE         (300 * MSEC) /* reports of one clock differ by less */
#define AGREE_NOW     (20 * MSEC)  /* ... two in a row by this, and a part of the time between */
#define AGREE_DIVISOR 4
#define SAME_CLOCK    (3 * SEC)    /* two streams of one clock: network and encoder explain less */
#define SAME_JUMP     (100 * MSEC) /* two streams that saw the same jump */
#define REPORT_FAR    (10 * SEC)   /* a report speaks of about now */
#define MAX_RTP_DELTA ((int64_t)1 << 40)

void timeline_init(struct timeline *t, struct peer_clock *clock, unsigned rate)
{
    *t = (struct timeline){ .clock = clock, .rate = rate, .last = USEC_UNSET };
}

static usec_t media_time(const struct timeline *t, int64_t rtp)
{
    return (rtp - t->origin) * SEC / t->rate;
}

/* What has to be added to this media time to get the server's monotonic time. */
static usec_t target(const struct timeline *t, usec_t media)
{
    return t->mapped ? t->ntp + peer_clock_offset(t->clock, t->ntp + media) : t->arrivals.least;
}

/* `peer`: the participant's time at `rtp`, shift taken off. */
static void accept(struct timeline *t, int64_t rtp, usec_t peer, usec_t arrival)
{
    t->mapped = true;
    t->doubted = false;
    t->ntp = peer - media_time(t, rtp);
    t->report_rtp = rtp;
    peer_clock_sample(t->clock, peer, arrival);
}

/* The sender's clock was set by `jump`. All its streams take off the same, so that they stay
 * together. */
static void clock_jumped(struct timeline *t, usec_t jump)
{
    t->shift += jump;
    if (llabs(t->shift - t->clock->shift) < SAME_JUMP)
        t->shift = t->clock->shift;
    else
        t->clock->shift = t->shift;
}

/* A second report agrees with one that was doubted: what has happened? */
static void believe(struct timeline *t, int64_t rtp, usec_t peer, usec_t arrival)
{
    usec_t before = t->shift;
    usec_t late = peer_clock_known(t->clock) ? arrival - peer - t->clock->delay.least : 0;
    usec_t jump = peer - media_time(t, rtp) - t->ntp;
    if (t->mapped && llabs(late) > llabs(jump) / 2)
        clock_jumped(t, jump);
    else if (!t->mapped && llabs(late) > SAME_CLOCK)
        t->shift -= late; /* a clock of its own: nothing but the arrival ties it to the others */
    accept(t, rtp, peer - (t->shift - before), arrival);
}

/* Two reports say the same of the clock: `a` at RTP time `a_rtp`, `b` at `b_rtp`. */
static bool agree(const struct timeline *t, usec_t a, int64_t a_rtp, usec_t b, int64_t b_rtp)
{
    usec_t apart = llabs(media_time(t, a_rtp) - media_time(t, b_rtp));
    usec_t limit = AGREE_NOW + apart / AGREE_DIVISOR;
    return llabs(a - b) <= (limit < AGREE ? limit : AGREE);
}

/* How old the newest frame was when it came, if the report is right. */
static usec_t age_of_newest(const struct timeline *t, int64_t rtp, usec_t arrival)
{
    return media_time(t, rtp) - media_time(t, t->last_rtp) - (arrival - t->last_arrival);
}

/* The clock is known, and the report speaks of it. */
static bool fits_clock(const struct timeline *t, usec_t peer, usec_t arrival)
{
    return peer_clock_known(t->clock) &&
           llabs(arrival - peer - t->clock->delay.least) <= SAME_CLOCK;
}

static bool fits(const struct timeline *t, int64_t rtp, usec_t peer, usec_t arrival)
{
    if (t->mapped)
        return agree(t, peer - media_time(t, rtp), rtp, t->ntp, t->report_rtp);
    if (!peer_clock_known(t->clock))
        return llabs(age_of_newest(t, rtp, arrival)) <= AGREE;
    return fits_clock(t, peer, arrival);
}

static void doubt(struct timeline *t, int64_t rtp, usec_t peer, usec_t arrival)
{
    t->doubted = true;
    t->doubt.rtp = rtp;
    t->doubt.peer = peer;
    t->doubt.arrival = arrival;
}

static bool repeats_doubt(const struct timeline *t, int64_t rtp, usec_t peer)
{
    return t->doubted && agree(t, peer - media_time(t, rtp), rtp,
                               t->doubt.peer - media_time(t, t->doubt.rtp), t->doubt.rtp);
}

/* Another stream has made the clock known since a first report was doubted: it was an encoder that
 * takes its time. */
static void reconsider(struct timeline *t)
{
    if (t->doubted && !t->mapped && fits_clock(t, t->doubt.peer, t->doubt.arrival))
        accept(t, t->doubt.rtp, t->doubt.peer, t->doubt.arrival);
}

/* It may be of a source that begins with the next frame. */
static void keep_early(struct timeline *t, const struct rtcp_sr *sr, usec_t arrival)
{
    t->early = *sr;
    t->early_at = arrival;
}

static void use_report(struct timeline *t, const struct rtcp_sr *sr, usec_t arrival)
{
    int64_t rtp = unwrap_u32(t->last_rtp, sr->rtp);
    usec_t since_last = media_time(t, rtp) - media_time(t, t->last_rtp);
    if (llabs(since_last - (arrival - t->last_arrival)) > REPORT_FAR) {
        keep_early(t, sr, arrival);
        return;
    }
    if (t->mapped && rtp <= t->report_rtp)
        return;
    usec_t peer = rtcp_ntp_to_usec(sr->ntp) - t->shift;
    if (fits(t, rtp, peer, arrival))
        accept(t, rtp, peer, arrival);
    else if (repeats_doubt(t, rtp, peer))
        believe(t, rtp, peer, arrival);
    else
        doubt(t, rtp, peer, arrival);
}

void timeline_report(struct timeline *t, const struct rtcp_sr *sr, usec_t arrival)
{
    if (sr->ntp == 0) /* the sender has no clock (RFC 3550, 6.4.1) */
        return;
    if (t->started)
        use_report(t, sr, arrival);
    else
        keep_early(t, sr, arrival);
}

bool timeline_breaks(const struct timeline *t, int64_t rtp, usec_t arrival)
{
    if (!t->started)
        return false;
    if (llabs(rtp - t->origin) > MAX_RTP_DELTA)
        return true;
    usec_t media = media_time(t, rtp);
    usec_t late = arrival - media - (t->placed ? t->offset : target(t, media));
    return late < -AHEAD_MAX || late > LATE_MAX;
}

/* From here on media time counts afresh, and nothing is known of it. */
static void begin(struct timeline *t, int64_t rtp, usec_t arrival)
{
    t->stepped |= t->started && t->last != USEC_UNSET;
    t->started = true;
    t->mapped = t->doubted = t->placed = false;
    t->origin = t->last_rtp = rtp;
    t->last_arrival = t->waiting_since = arrival;
    t->shift = t->clock->shift;
    t->media = 0;
    least_delay_init(&t->arrivals);
}

void timeline_arrived(struct timeline *t, int64_t rtp, usec_t arrival)
{
    bool begins = !t->started || timeline_breaks(t, rtp, arrival);
    if (begins)
        begin(t, rtp, arrival);
    if (rtp > t->last_rtp) {
        t->last_rtp = rtp;
        t->last_arrival = arrival;
    }
    if (!t->mapped)
        least_delay_add(&t->arrivals, arrival, arrival - media_time(t, rtp));
    if (begins && t->early.ntp) {
        struct rtcp_sr sr = t->early;
        t->early.ntp = 0;
        use_report(t, &sr, t->early_at);
    }
    reconsider(t);
}

usec_t timeline_ready_at(const struct timeline *t)
{
    return t->mapped ? t->waiting_since : t->waiting_since + TIMELINE_WAIT;
}

static void step_to(struct timeline *t, usec_t offset)
{
    t->offset = offset;
    t->stepped = true;
}

/* Back only as far as there is room behind the last frame; what is less than a step is left to
 * slewing. */
static bool step_back(struct timeline *t, usec_t media, usec_t to)
{
    usec_t room = t->last + GAP - media;
    usec_t offset = to > room ? to : room;
    if (t->offset - offset <= TIMELINE_STEP)
        return false;
    step_to(t, offset);
    return true;
}

static void correct(struct timeline *t, usec_t media)
{
    usec_t to = target(t, media), diff = to - t->offset;
    if (diff > TIMELINE_STEP) {
        step_to(t, to);
        return;
    }
    if (diff < -TIMELINE_STEP && step_back(t, media, to))
        return;
    usec_t limit = media > t->media ? (media - t->media) / SLEW_DIVISOR : 0;
    t->offset += diff > limit ? limit : diff < -limit ? -limit : diff;
}

void timeline_unheard(struct timeline *t)
{
    t->placed = false;
    t->last = USEC_UNSET;
}

void timeline_stamp(struct timeline *t, struct frame *f)
{
    usec_t media = media_time(t, f->rtp);
    if (t->placed)
        correct(t, media);
    else
        t->offset = target(t, media);
    t->placed = true;
    if (media > t->media)
        t->media = media;
    usec_t time = media + t->offset;
    if (t->last != USEC_UNSET && time < t->last + GAP)
        time = t->last + GAP;
    t->last = time;
    f->time = time + t->clock->server_offset;
    f->discontinuity |= t->stepped;
    t->stepped = false;
}
