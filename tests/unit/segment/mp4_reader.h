/* Reads an MP4 file back for tests, box by box and strictly: what is odd fails the test. It shares
 * nothing with the writer. */
#ifndef TEST_MP4_READER_H
#define TEST_MP4_READER_H

#include "base/bytes.h"

#define MP4_READER_TRACKS  4
#define MP4_READER_ENTRIES 64

struct mp4_sample {
    uint64_t offset; /* in the file */
    uint32_t size, duration;
    int64_t tick; /* of the file's time, edits applied */
    bool key;
    unsigned entry;
};

struct mp4_track {
    char handler[5];
    uint32_t timescale;
    unsigned width, height;                  /* tkhd */
    uint64_t media_duration, shown_duration; /* ticks; of the movie's timescale */
    struct {
        char type[5];
        unsigned width, height, channels;
        struct bytes config; /* avcC's payload, or AudioSpecificConfig */
    } entry[MP4_READER_ENTRIES];
    unsigned entries;
    bool edited;
    int64_t empty, media_time, edit_length; /* movie time, ticks, movie time */
    struct mp4_sample *sample;
    unsigned samples;
};

struct mp4_movie {
    struct bytes file;
    uint32_t timescale;
    uint64_t duration;
    bool wide; /* co64 */
    struct mp4_track track[MP4_READER_TRACKS];
    unsigned tracks;
    uint64_t body_at, body_size; /* mdat's payload */
};

/* The file is borrowed. */
void mp4_read(struct mp4_movie *m, struct bytes file);
void mp4_free(struct mp4_movie *m);
const struct mp4_track *mp4_track(const struct mp4_movie *m, const char *handler); /* or NULL */
struct bytes mp4_sample_bytes(const struct mp4_movie *m, const struct mp4_sample *s);

#endif
