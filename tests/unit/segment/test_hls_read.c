/* What the writer makes, read back by FFmpeg: real pictures and real sound. Skipped where its
 * programs are missing. */
#include <inttypes.h>
#include <math.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "camera.h"
#include "derive/aac_track.h"
#include "memory_sink.h"
#include "segment/hls_writer.h"

#define T0    (1735707617163 * MSEC + 271)
#define MS(x) ((usec_t)(x)*MSEC)

struct bench {
    struct memory_sink *m;
    struct hls_writer *w;
    usec_t begin;
    char dir[64];
};

static void on_started(void *ctx, usec_t begin)
{
    ((struct bench *)ctx)->begin = begin;
}

static void open_bench(struct bench *b, enum hls_streams streams)
{
    *b = (struct bench){ .m = memory_sink_new() };
    struct hls_config c = {
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice" },
        .streams = streams,
        .version = "1a2b3c4",
        .date = "2025-01-01 00:00:00 +0800",
        .silence = { aac_silence(1), aac_silence(2) },
        .sink = &b->m->sink,
        .events = { .ctx = b, .on_started = on_started },
    };
    assert_int_equal(hls_writer_new(&b->w, &c, NULL), OK);
}

static void finish_bench(struct bench *b)
{
    assert_int_equal(hls_writer_finish(b->w, true), OK);
    memory_sink_store(b->m, b->dir);
}

static void close_bench(struct bench *b)
{
    remove_folder(b->dir);
    hls_writer_free(b->w);
    memory_sink_free(b->m);
}

static void push(struct bench *b, struct frame *f)
{
    assert_int_equal(hls_writer_push(b->w, f), OK);
    frame_unref(f);
}

/* ---- FFmpeg ---- */

static void need_ffmpeg(void)
{
    if (system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1")) {
        print_message("SKIP: ffmpeg and ffprobe are not installed\n");
        skip();
    }
}

static void run(struct buf *out, const char *command)
{
    buf_init(out, 64u << 20);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    uint8_t part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, p)) > 0)
        buf_put(out, part, n);
    assert_int_equal(pclose(p), 0);
    assert_int_equal(out->err, OK);
}

static void assert_decodes(const struct bench *b, const char *name)
{
    char command[600];
    struct buf out;
    snprintf(command, sizeof command, "ffmpeg -nostdin -v error -i %s/%s -f null - 2>&1", b->dir,
             name);
    run(&out, command);
    if (out.len)
        fail_msg("%s: %s", name, buf_str(&out));
    buf_fini(&out);
}

static void assert_all_decode(const struct bench *b)
{
    for (unsigned i = 0; i < b->m->files; i++)
        assert_decodes(b, b->m->file[i].name);
    assert_decodes(b, b->m->playlist_name);
}

/* The time stamps of one file's packets of one kind ("v" or "a"), 90 kHz. */
static unsigned probe_file(const struct bench *b, const char *name, const char *kind, int64_t *pts,
                           unsigned max)
{
    char command[600];
    struct buf out;
    snprintf(command, sizeof command,
             "ffprobe -v error -select_streams %s -show_entries packet=pts -of csv=p=0 %s/%s 2>&1",
             kind, b->dir, name);
    run(&out, command);
    unsigned count = 0;
    for (const char *at = buf_str(&out); *at && count < max; at = strchr(at, '\n') + 1)
        if (*at != '\n')
            assert_int_equal(sscanf(at, "%" SCNd64, &pts[count++]), 1);
    buf_fini(&out);
    return count;
}

/* The same for all segments. */
static unsigned probe_times(const struct bench *b, const char *kind, int64_t *pts, unsigned max)
{
    unsigned count = 0;
    for (unsigned i = 0; i < b->m->files; i++)
        count += probe_file(b, b->m->file[i].name, kind, pts + count, max - count);
    return count;
}

static int64_t ticks(const struct bench *b, usec_t time)
{
    return ((time - b->begin) * 9 + 50) / 100;
}

/* ---- Sound ---- */

/* 20 ms Opus packets of silence with a beep of 1 kHz in [at, at + 100 ms) of each `every`, sent
 * from T0 on; into `w` through the derived track. Packets between `lost_from` and `lost_to` do not
 * arrive. */
struct beeper {
    struct aac_track *track;
    OpusEncoder *opus;
    int lookahead; /* Opus delays: the encoder is fed so much earlier */
    unsigned sent;
};

#define BEEP_EVERY  (4 * 48000)
#define BEEP_AT     (3 * 48000)
#define BEEP_LENGTH 4800

static void beeper_init(struct beeper *p)
{
    struct aac_track_config c = { .start = USEC_UNSET };
    int err;
    *p = (struct beeper){ 0 };
    assert_int_equal(aac_track_new(&p->track, &c), OK);
    p->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_AUDIO, &err);
    assert_non_null(p->opus);
    opus_encoder_ctl(p->opus, OPUS_SET_BITRATE(96000));
    opus_encoder_ctl(p->opus, OPUS_GET_LOOKAHEAD(&p->lookahead));
}

static void beeper_fini(struct beeper *p)
{
    aac_track_free(p->track);
    opus_encoder_destroy(p->opus);
}

static float beep(unsigned sample)
{
    unsigned at = sample % BEEP_EVERY;
    return at >= BEEP_AT && at < BEEP_AT + BEEP_LENGTH
               ? 0.5f * sinf(6.2831853f * (float)(at - BEEP_AT) / 48)
               : 0;
}

static struct frame *next_packet(struct beeper *p)
{
    float pcm[960];
    for (unsigned i = 0; i < 960; i++)
        pcm[i] = beep(p->sent * 960 + i + (unsigned)p->lookahead);
    uint8_t packet[1500];
    int len = opus_encode_float(p->opus, pcm, 960, packet, sizeof packet);
    assert_true(len > 0);
    struct frame *f = frame_new(CODEC_OPUS, (size_t)len);
    assert_non_null(f);
    memcpy(f->data, packet, (size_t)len);
    f->time = T0 + MS(20) * p->sent++;
    return f;
}

static void move_on(struct bench *b, struct beeper *p)
{
    struct frame *f;
    while ((f = aac_track_pull(p->track)))
        push(b, f);
}

static void send_packet(struct bench *b, struct beeper *p, bool lost)
{
    struct frame *opus = next_packet(p);
    if (!lost)
        assert_int_equal(aac_track_push(p->track, opus), OK);
    frame_unref(opus);
    move_on(b, p);
}

static void send_rest(struct bench *b, struct beeper *p)
{
    assert_int_equal(aac_track_flush(p->track), OK);
    move_on(b, p);
}

/* The sound of one file as FFmpeg hears it: where each beep begins, as server time. */
static unsigned find_beeps(const struct bench *b, const char *name, usec_t *found, unsigned max)
{
    int64_t first;
    if (!probe_file(b, name, "a", &first, 1))
        return 0;
    usec_t start = b->begin + first * 100 / 9;
    char command[600];
    struct buf pcm;
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -i %s/%s -map 0:a -f f32le -ar 48000 -ac 1 -", b->dir, name);
    run(&pcm, command);
    unsigned count = 0;
    size_t samples = pcm.len / 4, quiet = 9999;
    for (size_t i = 0; i < samples && count < max; i++) {
        float v;
        memcpy(&v, pcm.ptr + i * 4, 4);
        bool loud = fabsf(v) > 0.25f;
        if (loud && quiet > 4800)
            found[count++] = start + (usec_t)i * 125 / 6;
        quiet = loud ? 0 : quiet + 1;
    }
    buf_fini(&pcm);
    return count;
}

static void assert_beeps(const struct bench *b)
{
    unsigned all = 0;
    for (unsigned i = 0; i < b->m->files; i++) {
        usec_t at[20];
        unsigned count = find_beeps(b, b->m->file[i].name, at, 20);
        for (unsigned k = 0; k < count; k++, all++) {
            usec_t off = (at[k] - T0 - 3 * SEC) % (4 * SEC);
            if (off > 2 * SEC)
                off -= 4 * SEC;
            if (off < -MS(1) || off > MS(1)) /* 0.25 is reached 0.1 ms after the start */
                fail_msg("a beep is off by %lld us", (long long)off);
        }
    }
    assert_true(all >= 5);
}

/* ---- The cases ---- */

static void sound_reads_back(void **state)
{
    (void)state;
    need_ffmpeg();
    struct bench b;
    struct beeper p;
    open_bench(&b, HLS_AUDIO);
    beeper_init(&p);
    for (unsigned i = 0; i < 1750; i++)
        send_packet(&b, &p, (i >= 500 && i < 650) || i % 70 == 3); /* a gap of 3 s, and loss */
    send_rest(&b, &p);
    finish_bench(&b);
    assert_int_equal(b.m->files, 5);
    assert_all_decode(&b);
    assert_beeps(&b);

    static int64_t pts[4000];
    unsigned count = probe_times(&b, "a", pts, 4000);
    assert_int_equal(count, aac_track_stats(p.track)->frames);
    assert_int_equal(pts[0], ticks(&b, T0 - 21333));
    for (unsigned i = 1; i < count; i++) {
        int64_t step = pts[i] - pts[i - 1];
        assert_true(step == 1920 ||
                    (step > 2 * SEC * 9 / 100 && i > 400)); /* 1024 samples are 1920 ticks */
    }
    beeper_fini(&p);
    close_bench(&b);
}

static void pictures_read_back(void **state)
{
    (void)state;
    need_ffmpeg();
    struct camera *small = camera_new(320, 180, 50), *large = camera_new(640, 360, 50);
    if (!small || !large) {
        print_message("SKIP: FFmpeg has no libx264\n");
        skip();
    }
    struct bench b;
    open_bench(&b, HLS_VIDEO);
    static usec_t sent[1000];
    for (unsigned n = 0; n < 750; n++) {
        sent[n] = T0 + MS(40) * n + (n * 7919) % 3000; /* times of a network */
        push(&b, camera_next(n < 350 ? small : large, sent[n]));
    }
    finish_bench(&b);
    assert_int_equal(b.m->files, 4); /* 10 s, 4 s, 10 s, 6 s */
    assert_all_decode(&b);
    assert_non_null(strstr(buf_str(&b.m->playlist), "WIDTH:320 HEIGHT:180"));
    assert_non_null(strstr(buf_str(&b.m->playlist), "WIDTH:640 HEIGHT:360"));

    static int64_t pts[1000];
    assert_int_equal(probe_times(&b, "v", pts, 1000), 750);
    for (unsigned n = 0; n < 750; n++)
        assert_int_equal(pts[n], ticks(&b, sent[n]));
    camera_free(small);
    camera_free(large);
    close_bench(&b);
}

/* A recording that ends after a moment is read right as well: FFmpeg must find the packet size. */
static void a_few_pictures_read_back(void **state)
{
    (void)state;
    need_ffmpeg();
    for (unsigned count = 1; count <= 4; count++) {
        struct camera *camera = camera_new(64, 48, 50);
        if (!camera) {
            print_message("SKIP: FFmpeg has no libx264\n");
            skip();
        }
        struct bench b;
        open_bench(&b, HLS_VIDEO);
        for (unsigned n = 0; n < count; n++)
            push(&b, camera_next(camera, T0 + MS(40) * n));
        finish_bench(&b);
        assert_int_equal(b.m->files, 1);
        assert_all_decode(&b);
        static int64_t pts[10];
        assert_int_equal(probe_times(&b, "v", pts, 10), count);
        camera_free(camera);
        close_bench(&b);
    }
}

/* Video from 2.5 s on, sound with a hole; the hole is silent, the beeps stand where they belong. */
static void both_read_back(void **state)
{
    (void)state;
    need_ffmpeg();
    struct camera *camera = camera_new(320, 180, 75);
    if (!camera) {
        print_message("SKIP: FFmpeg has no libx264\n");
        skip();
    }
    struct bench b;
    struct beeper p;
    open_bench(&b, HLS_AUDIO_VIDEO);
    beeper_init(&p);
    unsigned pictures = 0;
    for (unsigned i = 0; i < 1600; i++) {
        if (i >= 125 && i % 2 == 0) {
            push(&b, camera_next(camera, T0 + MS(20) * i));
            pictures++;
        }
        send_packet(&b, &p, i >= 800 && i < 940);
        if (i == 825)
            send_rest(&b, &p); /* as a worker does when nothing comes */
    }
    send_rest(&b, &p);
    finish_bench(&b);
    assert_int_equal(hls_writer_stats(b.w)->late, 0);
    assert_in_range(hls_writer_stats(b.w)->silent, 2800 / 21.34 - 6, 2800 / 21.33);
    assert_all_decode(&b);
    assert_beeps(&b);

    static int64_t video[2000], audio[4000];
    assert_int_equal(probe_times(&b, "v", video, 2000), pictures);
    for (unsigned n = 0; n < pictures; n++)
        assert_int_equal(video[n], ticks(&b, T0 + MS(20) * (125 + 1 + 2 * n)));
    unsigned count = probe_times(&b, "a", audio, 4000);
    for (unsigned i = 1; i < count; i++)
        assert_in_range(audio[i] - audio[i - 1], 1918, 1922);
    camera_free(camera);
    beeper_fini(&p);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_reads_back),
        cmocka_unit_test(pictures_read_back),
        cmocka_unit_test(a_few_pictures_read_back),
        cmocka_unit_test(both_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
