/* A sink that keeps everything in memory, refuses on demand, and checks the order of calls. */
#ifndef TEST_MEMORY_SINK_H
#define TEST_MEMORY_SINK_H

#include "base/buf.h"
#include "segment/sink.h"

#define MEMORY_FILES 16384

struct memory_file {
    char name[256], playlist[256];
    usec_t start, duration;
    uint64_t told_bytes;
    struct buf bytes;
    struct buf journal; /* when `notes` */
    unsigned appends, notes;
};

struct memory_sink {
    struct sink sink;
    struct memory_file file[MEMORY_FILES]; /* whole ones */
    unsigned files;
    struct memory_file open;
    bool is_open;

    char playlist_name[256];
    struct buf playlist; /* last version */
    unsigned generation, puts;
    bool ended;
    unsigned abandoned;

    int begin_error, append_error, finish_error, put_error; /* answers to give from now on */
};

struct memory_sink *memory_sink_new(void);
void memory_sink_free(struct memory_sink *m);

/* Writes all files and the playlist into a new temporary folder. */
void memory_sink_store(const struct memory_sink *m, char dir[64]);
void remove_folder(const char *dir);

#endif
