/* How long it takes to make an MP4 file whole, by the length of its recording: the journal of 30
 * pictures and 47 AAC frames a second is written, the body is a hole of the right size, and
 * media_file_finish does the rest in the given folder. Usage: bench_finish FOLDER [HOURS...] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "io/file.h"
#include "spool/media_file.h"

#define NAME         "bench.mp4"
#define VIDEO_SIZE   500
#define AUDIO_SIZE   160
#define PICTURE      3000 /* ticks, with a network's jitter */
#define NOTE_SAMPLES 16

struct work {
    int dir, journal;
    struct journal_writer writer;
    uint64_t journal_bytes, body, samples;
};

static void check(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "bench_finish: %s: %s\n", what, err_text(err));
    exit(1);
}

static void note(struct work *w)
{
    struct bytes b = journal_take(&w->writer);
    struct iovec iov = { .iov_base = (void *)(uintptr_t)b.ptr, .iov_len = b.len };
    check(file_write_at(w->journal, &iov, 1, w->journal_bytes), "journal");
    w->journal_bytes += b.len;
}

static void put_front(struct work *w)
{
    static const struct journal_header header = { .format = MEDIA_FORMAT_MP4,
                                                  .start = 1735707617163 * MSEC };
    static const struct journal_track video = { .kind = JOURNAL_VIDEO_H264, .timescale = 90000 };
    static const struct journal_track audio = {
        .track = 1, .kind = JOURNAL_AUDIO_AAC, .timescale = 48000, .priming = 1024
    };
    journal_put_header(&w->writer, &header);
    journal_put_track(&w->writer, &video);
    journal_put_track(&w->writer, &audio);
    journal_put_entry(
        &w->writer,
        &(struct journal_entry){ .width = 1280, .height = 720, .config = bytes_str("record") });
    journal_put_entry(
        &w->writer,
        &(struct journal_entry){ .track = 1, .channels = 1, .config = bytes_of("\x11\x88", 2) });
}

static void put_sample(struct work *w, unsigned track, int64_t tick, bool key)
{
    const struct journal_sample s = { .track = (uint8_t)track,
                                      .flags = key ? JOURNAL_KEY : 0,
                                      .size = track ? AUDIO_SIZE : VIDEO_SIZE,
                                      .tick = tick };
    journal_put_sample(&w->writer, &s);
    w->body += s.size;
    w->samples++;
    if (journal_waiting(&w->writer) >= NOTE_SAMPLES)
        note(w);
}

static void record(struct work *w, int hours)
{
    int64_t end = (int64_t)hours * 3600 * 90000, audio = 0;
    journal_writer_init(&w->writer);
    put_front(w);
    for (int64_t n = 0; n * PICTURE < end; n++) {
        put_sample(w, 0, n * PICTURE + n * 7919 % 900, n % 300 == 0);
        for (; audio * 1920 < (n + 1) * PICTURE; audio++)
            put_sample(w, 1, audio * 1024, true);
    }
    journal_put_end(&w->writer, &(struct journal_end){ (usec_t)hours * 3600 * SEC });
    note(w);
    journal_writer_fini(&w->writer);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(const char *folder, int hours)
{
    struct work w = { 0 };
    struct media_file_summary sum;
    int body;
    check(dir_open(&w.dir, folder), "folder");
    w.journal = openat(w.dir, NAME JOURNAL_SUFFIX, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    check(w.journal < 0 ? ERR_IO : OK, "journal");
    check(file_create_part(&body, w.dir, NAME), "body");
    record(&w, hours);
    check(ftruncate(body, (off_t)w.body) ? ERR_IO : OK, "body");
    close(body);
    close(w.journal);
    usec_t before = clock_mono();
    double cpu = cpu_seconds();
    check(media_file_finish(w.dir, NAME, &sum), "finish");
    usec_t took = clock_mono() - before;
    cpu = cpu_seconds() - cpu;
    printf("%5d h %10llu samples %7.1f MB journal %7.1f MB index %7.1f MB body %8.3f s, %.3f s of "
           "them CPU\n",
           hours, (unsigned long long)w.samples, (double)w.journal_bytes / 1e6,
           (double)(sum.sum.bytes - w.body) / 1e6, (double)w.body / 1e6, (double)took / 1e6, cpu);
    file_remove(w.dir, NAME);
    file_remove(w.dir, NAME JOURNAL_SUFFIX);
    close(w.dir);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [HOURS...]\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        measure(argv[1], atoi(argv[i]));
    if (argc == 2) {
        measure(argv[1], 1);
        measure(argv[1], 24);
    }
    return 0;
}
