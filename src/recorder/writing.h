/* What a track writer writes with: a playlist with its segments, or MP4 and AAC files, behind one
 * face. Inside recorder/ only. Threads as the track writer's. */
#ifndef RECORDER_WRITING_H
#define RECORDER_WRITING_H

#include "segment/media_writer.h"

enum recording_form { RECORDING_HLS, RECORDING_MP4, RECORDING_AAC };
#define RECORDING_FORMS (RECORDING_AAC + 1)

struct writing_config {
    enum recording_form form;
    struct hls_config hls;     /* RECORDING_HLS; without events */
    struct media_config media; /* else */
};

/* `carry` is what goes on from one source of an output to the next: a struct hls_playlist, or the
 * struct media_writer with its open file. NULL: nothing yet. */
struct writing {
    const struct writing_ops *ops;
    void *writer; /* NULL: not open */
};

struct writing_ops {
    /* The carry is the writer's on success. `audio`, `video`: what will come. */
    int (*open)(struct writing *w, const struct writing_config *config, void *carry,
                const struct hls_events *events, bool audio, bool video);
    int (*push)(void *writer, struct frame *f);
    void (*tick)(void *writer, usec_t now);
    usec_t (*deadline)(const void *writer);
    bool (*wants_key)(const void *writer);
    const struct hls_stats *(*stats)(const void *writer);

    /* Writes out what waits. `end`: no more will come, and NULL is returned; otherwise the carry.
     */
    void *(*close)(void *writer, bool end);

    /* Without a writer: no more will come, frees the carry. A sink that fails has said so. */
    void (*end)(void *carry, struct sink *sink);
    void (*drop)(void *carry); /* frees it; NULL is fine */
};

const struct writing_ops *writing_ops_of(enum recording_form form);

/* Of the first file: what the output is called. Errors of names.h. */
int writing_name(char out[NAMES_SIZE], enum recording_form form, const struct names *names);

#endif
