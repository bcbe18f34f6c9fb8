/* What a task does with the streams of its room: which anchors hold a place, which outputs record
 * what. Pure decisions on the control loop; the work is done by whoever implements the ops (task/).
 * Told of every stream that is published, in the order of entry, it keeps each output pointed at
 * the right session, and goes on with the same output when a user comes back.
 *
 *   anchor   a user who publishes something this task records; at most `max_anchors` hold a place,
 *            by order of entry; a freed place goes to the one longest present (api.md 8)
 *   output   one playlist with its segments, or one MP4 or AAC recording: audio, video or both of
 *            one stream of one user */
#ifndef RECORDER_RECORDING_H
#define RECORDER_RECORDING_H

#include "media/frame.h"
#include "recorder/writing.h"
#include "segment/names.h"

#define RECORDING_MAX_OUTPUTS 4096 /* of one task, also of users who have left */

struct recording;
struct output; /* the ops' own */

/* Where an output takes its media from. */
struct recording_source {
    uint64_t session;
    bool audio, video; /* which of the session's tracks */
};

struct recording_ops {
    /* The subscribe lists' word on one medium (api.md 8): sets wanted[i] for each of `users`, who
     * are all that publish in the room now. Asked once per medium and change, not once per user. */
    void (*select)(void *ctx, enum media_kind kind, const char *const *users, size_t count,
                   bool *wanted);

    /* A new output, without a source yet. NULL: not possible (logged there); it is tried again at
     * the next change. */
    struct output *(*open)(void *ctx, const char *user, enum names_media media,
                           enum recording_form form, enum names_type type);

    /* Points the output at a source; NULL: at none, it stays open for a return. */
    void (*point)(void *ctx, struct output *output, const struct recording_source *source);

    /* No more media will come. The output stays listed. */
    void (*end)(void *ctx, struct output *output);
};

struct recording_config {
    bool takes[2][2]; /* by enum names_media (main, aux) and enum media_kind: StreamType, MediaId,
                         and what the robot may receive */
    bool forms[RECORDING_FORMS]; /* OutputFormat */
    bool merge;                  /* AvMerge: one playlist for both media of the main stream */
    unsigned max_anchors;
};

/* A stream in the room, as it is published now. */
struct recording_stream {
    const char *user;
    enum names_media media;
    uint64_t session;
    bool audio, video; /* what its session negotiated */
};

struct recording *recording_new(const struct recording_config *config,
                                const struct recording_ops *ops, void *ctx);
void recording_free(struct recording *r); /* not the outputs; NULL is fine */

/* A stream was published, or its session replaced by another. ERR_NOMEM. */
int recording_publish(struct recording *r, const struct recording_stream *stream);
void recording_unpublish(struct recording *r, uint64_t session);

/* Media of a session began or ceased to arrive. */
void recording_media(struct recording *r, uint64_t session, enum media_kind kind, bool live);

/* The lists have changed: asks `select` again. */
void recording_resubscribe(struct recording *r);

/* Ends all outputs; later calls change nothing. */
void recording_end(struct recording *r);

/* Whether some media that is recorded arrives now: Describe's InProgress. */
bool recording_live(const struct recording *r);

/* Whether somebody publishes in the room, recorded or not: the idle time does not run then. */
bool recording_attended(const struct recording *r);

/* Anchors that hold a place now; at most `max_anchors`. */
unsigned recording_places(const struct recording *r);

#endif
