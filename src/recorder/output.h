/* One playlist with its segments, or one MP4 or AAC recording with the files it is split into, as a
 * task records it: audio, video or both of one stream of one user. The control loop's half; whoever
 * sends the media now, and on which media loop, is the track writer's business.
 *
 *   wanted source and actual source may differ for as long as messages are on their way; the output
 * closes the difference: RESTING --attach--> WRITING --detach--> LEAVING --detached--> RESTING
 *       RESTING --end--> DRAINING (sink closed) --drained--> DONE
 *
 * All functions and events on the control loop. */
#ifndef RECORDER_OUTPUT_H
#define RECORDER_OUTPUT_H

#include "recorder/recording.h"
#include "recorder/track_writer.h"
#include "spool/writer.h"

struct output;

struct output_events {
    void (*started)(void *ctx, struct output *o); /* begin is known */
    void (*ready)(void *ctx, struct output *o,
                  const struct spool_ready *file);        /* a file is whole in the spool */
    void (*failed)(void *ctx, struct output *o, int err); /* the disk failed; at most once */
    void (*done)(void *ctx, struct output *o); /* the last: all is in the spool; free it */
};

struct output_config {
    uint32_t sdk_app_id;
    const char *room_id;
    bool room_is_string;
    const char *user;
    enum names_media media;
    enum recording_form form;
    enum names_type type;       /* RECORDING_HLS; else only for the metrics */
    usec_t segment;             /* target duration */
    usec_t max_file;            /* of a file; MaxMediaFileDuration */
    enum media_fill fill;       /* FillType */
    const char *version, *date; /* literals: TRTC-VERSION, TRTC-DATE */
    struct spool_writer *spool;
    struct spool_folder *folder;
    struct loop *control;
    struct recorder_stats *stats; /* shared; outlives the output */
    struct log log;
    const struct output_events *events;
    void *ctx;
};

/* Texts are copied. ERR_NOMEM; ERR_RANGE: the ids make no file name. */
int output_new(struct output **out, const struct output_config *config);
void output_free(struct output *o); /* after done, or when the loops have ended; NULL is fine */

/* From now on record this session of `media`; NULL source: nobody, playlist or file stay open. */
void output_point(struct output *o, struct media_loop *media,
                  const struct recording_source *source);

/* No more media: ends the playlist or the file. Leads to `done`. */
void output_end(struct output *o);

const char *output_user(const struct output *o);
enum recording_form output_form(const struct output *o);
const char *output_file(const struct output *o); /* the playlist's name, or the first file's */
const char *output_track_type(
    const struct output *o); /* "audio", "video", "audio_video" (callbacks.md 4, 307) */
usec_t output_begin(const struct output *o); /* START-REC-TIME, or START of the first file;
                                                USEC_UNSET before the first frame */

#endif
