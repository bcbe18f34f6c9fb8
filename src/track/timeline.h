/* When a frame was made, on the server's clock.
 *
 *     RTP time -- the stream's sender reports --> the participant's clock -- least delay --> the
 * server's clock
 *
 * The participant's clock is shared by its streams, so that sound and picture of one person fit
 * exactly, whatever their packets met on the way. Before a stream's first report, the least delay
 * of its own frames stands in; its first frames wait up to half a second for the report.
 *
 * Corrections slew by at most 10 ms a second of media. Above 300 ms the time steps at once, and the
 * frame says so (discontinuity). Times never go back: a step back goes only as far as the last
 * frame given out, the rest slews. While nobody listens there is nothing to go back on, and every
 * correction is made at once.
 *
 * Reports are not believed blindly. One that does not fit is set aside until the next one agrees
 * with it; then either the sender's clock was set (the times go on, unmoved) or its RTP clock stood
 * still (they step). So is a participant's first report when frames would have been more than 300
 * ms old on arrival, until another stream's report shows the clock: a slow encoder is believed
 * then, GStreamer 1.22's webrtcbin, which adds the time since its start to the RTP time of every
 * report, never is. A frame more than a second ahead of its arrival, or half a minute behind it,
 * begins the stream anew.
 *
 * Pure: no clock of its own. Belongs to one loop. "mono" is the monotonic time of packet arrivals.
 */
#ifndef TRACK_TIMELINE_H
#define TRACK_TIMELINE_H

#include "media/frame.h"
#include "rtp/rtcp.h"
#include "track/peer_clock.h"

#define TIMELINE_WAIT (500 * MSEC)
#define TIMELINE_STEP PEER_CLOCK_STEP

struct timeline {
    struct peer_clock *clock; /* outlives the timeline */
    unsigned rate;

    bool started;
    int64_t origin;   /* RTP time at which media time is 0 */
    int64_t last_rtp; /* newest frame seen, and when */
    usec_t last_arrival;
    usec_t waiting_since;
    struct least_delay arrivals; /* mono - media time, while there is no report */

    bool mapped;
    usec_t ntp;   /* participant's time - media time, after the newest report */
    usec_t shift; /* already taken off the reports' NTP times */
    int64_t report_rtp;
    bool doubted; /* a report did not fit; `doubt` is what it said */
    struct {
        int64_t rtp;
        usec_t peer, arrival;
    } doubt;
    struct rtcp_sr early; /* came before the first frame of its source; ntp 0: none */
    usec_t early_at;

    bool placed;
    bool stepped;  /* not told yet */
    usec_t offset; /* mono - media time, as applied */
    usec_t media;  /* of the newest frame given out */
    usec_t last;   /* its time, mono; USEC_UNSET: none */
};

void timeline_init(struct timeline *t, struct peer_clock *clock, unsigned rate);

/* A sender report of this stream. */
void timeline_report(struct timeline *t, const struct rtcp_sr *sr, usec_t arrival);

/* The frame does not continue what came before. Give out all frames that wait first:
 * timeline_arrived begins anew. */
bool timeline_breaks(const struct timeline *t, int64_t rtp, usec_t arrival);

/* A frame has come; to be told of each, in order, before it is stamped. */
void timeline_arrived(struct timeline *t, int64_t rtp, usec_t arrival);

/* When frames need wait no longer: now (any time in the past) once there is a report. */
usec_t timeline_ready_at(const struct timeline *t);

/* Nobody got the frames stamped so far: the next one's time owes nothing to theirs. */
void timeline_unheard(struct timeline *t);

/* Sets frame->time, and discontinuity where the time stepped. Frames in the order of their arrival.
 */
void timeline_stamp(struct timeline *t, struct frame *f);

#endif
