/* A track of a participant: takes whole frames from its receiver, gives them their time and hands
 * them to whoever subscribed.
 *
 *     receiver -> [wait for a sender report] -> timeline -> subscribers
 *
 * Lives on its session's media loop, like everything that touches it; frames that a subscriber
 * keeps may cross threads. Pure: time comes in. "now" and arrivals are monotonic. */
#ifndef TRACK_TRACK_H
#define TRACK_TRACK_H

#include "base/list.h"
#include "media/h264_params.h"
#include "track/timeline.h"

#define TRACK_WAIT_FRAMES 256 /* that wait for a report; more end the wait */
#define TRACK_WAIT_BYTES  (8u << 20)
#define TRACK_STALL       (5 * SEC) /* the usual stall_after */

struct track;
struct subscriber;

/* What a subscriber does. It may attach or detach any subscriber, itself too, from inside; it does
 * not free the track. */
struct subscriber_ops {
    /* Borrowed for the call; frame_ref() to keep. Video begins with a key frame. */
    void (*on_frame)(struct subscriber *s, struct frame *f);
    /* The track is gone; the subscriber is detached already. */
    void (*on_end)(struct subscriber *s);
};

/* Embedded in the subscriber's own object, which finds itself by list_item-like arithmetic or
 * `ctx`. */
struct subscriber {
    const struct subscriber_ops *ops;
    void *ctx;
    struct link in_track; /* track.subscribers */
    struct track *track;  /* NULL: detached */
    bool key_first;       /* no key frame came yet */
};

/* What the track asks and tells its owner; members may be NULL. Not to free the track from inside.
 */
struct track_ops {
    void (*request_key)(void *ctx); /* a subscriber needs a key frame soon: receiver_request_key */
    void (*watched)(void *ctx,
                    bool watched); /* first one attached, last one left: receiver_set_watched */
    void (*stalled)(void *ctx);    /* no frame for stall_after */
    void (*resumed)(void *ctx);    /* the first frame after that */
};

struct track_config {
    enum codec codec;
    struct peer_clock *clock; /* the participant's; outlives the track */
    usec_t stall_after;       /* USEC_NEVER: never */
    const struct track_ops *ops;
    void *ctx;
};

struct track_stats {
    uint64_t frames, bytes;
    uint64_t steps;         /* of the timeline, and restarts of the source */
    usec_t first_time;      /* Unix time of the first frame; USEC_UNSET: none yet */
    usec_t last_time;       /* ... and of the newest */
    usec_t last_arrival;    /* monotonic */
    unsigned width, height; /* video, after cropping; 0: not known yet */
};

/* `now`: a track that never gets a frame stalls, too. ERR_NOMEM. */
int track_new(struct track **out, const struct track_config *config, usec_t now);

/* Frames that wait go out first; then subscribers get on_end. NULL is fine. */
void track_free(struct track *t);

enum codec track_codec(const struct track *t);
enum media_kind track_kind(const struct track *t);
bool track_stalled(const struct track *t);
void track_get_stats(const struct track *t, struct track_stats *out);
const struct h264_params *
track_params(const struct track *t); /* as of the newest key frame; NULL for audio */

/* A frame from the receiver, whose reference the track takes over. */
void track_frame(struct track *t, struct frame *f, usec_t now);

/* A sender report for the track's SSRC. */
void track_report(struct track *t, const struct rtcp_sr *sr, usec_t arrival);

/* When track_tick has something to do; USEC_NEVER. */
usec_t track_deadline(const struct track *t);
void track_tick(struct track *t, usec_t now);

/* `s` has ops and ctx set and is detached. For video a key frame is asked for and awaited. */
void track_attach(struct track *t, struct subscriber *s);
void track_detach(struct subscriber *s); /* detached already: nothing happens */

#endif
