/* FFmpeg reads what the MP4 writer wrote: the same packets at the same times, pictures of changing
 * size without an error, sound that goes on through a split without a seam. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "camera.h"
#include "derive/aac_encoder.h"
#include "frames.h"
#include "mp4_build.h"
#include "mp4_reader.h"
#include "segment/media_writer.h"

#define T0    (1735707617163 * MSEC)
#define MS(x) ((usec_t)(x)*MSEC)

static void need_ffmpeg(void)
{
    if (system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1")) {
        print_message("SKIP: ffmpeg and ffprobe are not installed\n");
        skip();
    }
}

static void run(struct buf *out, const char *command)
{
    buf_init(out, 256u << 20);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    uint8_t part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, p)) > 0)
        buf_put(out, part, n);
    assert_int_equal(pclose(p), 0);
    assert_int_equal(out->err, OK);
}

/* ---- A writer and the files it made ---- */

struct bench {
    struct memory_sink *m;
    struct media_writer *w;
    char dir[64];
    unsigned files;
};

static void store(const char *dir, unsigned n, struct bytes bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%u.mp4", dir, n);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
}

static void open_bench(struct bench *b, usec_t max_duration, enum media_fill fill)
{
    struct media_config c = {
        .format = &file_format_mp4,
        .names = { .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice" },
        .max_duration = max_duration,
        .fill = fill,
        .silence = { aac_silence(1), aac_silence(2) },
    };
    *b = (struct bench){ .m = memory_sink_new() };
    c.sink = &b->m->sink;
    assert_int_equal(media_writer_new(&b->w, &c), OK);
    media_writer_resume(b->w, &(struct hls_events){ 0 }, true, true);
}

static void push(struct bench *b, struct frame *f)
{
    assert_int_equal(media_writer_push(b->w, f), OK);
    frame_unref(f);
}

static void finish_bench(struct bench *b)
{
    assert_int_equal(media_writer_finish(b->w), OK);
    strcpy(b->dir, "/tmp/reeltime-mp4-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    for (unsigned i = 0; i < b->m->files; i++) {
        struct buf file;
        mp4_build(&file, buf_bytes(&b->m->file[i].bytes), buf_bytes(&b->m->file[i].journal), NULL);
        store(b->dir, i, buf_bytes(&file));
        buf_fini(&file);
    }
}

static void close_bench(struct bench *b)
{
    media_writer_free(b->w);
    memory_sink_free(b->m);
    remove_folder(b->dir);
}

/* ---- Packets ---- */

struct packet {
    long long pts, size, pos;
    bool key, discarded;
};

static unsigned probe(const struct bench *b, unsigned file, const char *stream,
                      struct packet *packets, unsigned max)
{
    char command[300];
    struct buf text;
    snprintf(command, sizeof command,
             "ffprobe -v quiet -select_streams %s -show_entries packet=pts,size,pos,flags -of "
             "csv=p=0 %s/%u.mp4",
             stream, b->dir, file);
    run(&text, command);
    unsigned n = 0;
    char *save, *line = strtok_r((char *)(uintptr_t)buf_str(&text), "\n", &save);
    for (; line; line = strtok_r(NULL, "\n", &save)) {
        char flags[8];
        struct packet *p = &packets[n];
        assert_true(n++ < max);
        assert_int_equal(sscanf(line, "%lld,%lld,%lld,%7s", &p->pts, &p->size, &p->pos, flags), 4);
        p->key = strchr(flags, 'K');
        p->discarded = strchr(flags, 'D');
    }
    buf_fini(&text);
    return n;
}

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void random_recording(struct bench *b)
{
    usec_t audio = T0 + rnd(2000000), video = T0 + rnd(2000000);
    unsigned n = 0, width = 640;
    bool first = true;
    for (unsigned slot = 0; slot < 700; slot++) {
        for (; video <= audio_time(audio, slot); video += MS(20) + rnd(40000)) {
            bool key = first || rnd(20) == 0;
            if (key)
                width = 64 + rnd(4) * 160;
            push(b, make_video(video, 1 + rnd(2000), width, key ? FRAME_KEY | FRAME_SETS : 0));
            first = false;
            n++;
        }
        if (rnd(60) == 0)
            slot += rnd(40);
        push(b, make_audio(audio, slot, 1));
    }
}

static void assert_packets(const struct bench *b, unsigned file, const struct mp4_movie *m,
                           const char *stream, const char *handler)
{
    static struct packet packets[5000];
    const struct mp4_track *t = mp4_track(m, handler);
    unsigned count = probe(b, file, stream, packets, 5000), hidden = 0;
    assert_non_null(t);
    /* FFmpeg leaves out packets that the edit hides whole. */
    while (hidden < t->samples && (uint64_t)packets[0].pos != t->sample[hidden].offset)
        hidden++;
    assert_true(hidden <= 2 && (!hidden || t->sample[hidden - 1].tick < t->empty * 8 / 15 + 1024));
    assert_int_equal(count, t->samples - hidden);
    for (unsigned i = 0; i < count; i++) {
        const struct mp4_sample *s = &t->sample[i + hidden];
        assert_int_equal(packets[i].pos, s->offset);
        assert_int_equal(packets[i].size, s->size);
        assert_int_equal(packets[i].pts, s->tick);
        assert_int_equal(packets[i].key, s->key);
    }
}

static void ffprobe_sees_the_same_packets(void **state)
{
    (void)state;
    need_ffmpeg();
    random_bytes(&seed, sizeof seed);
    const char *given = getenv("SEED");
    if (given)
        seed = (uint32_t)strtoul(given, NULL, 10);
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 4; round++) {
        struct bench b;
        open_bench(&b, round % 2 ? MS(4000) : 0, MEDIA_FILL_LAST);
        random_recording(&b);
        finish_bench(&b);
        assert_true(b.m->files >= (round % 2 ? 2 : 1));
        for (unsigned i = 0; i < b.m->files; i++) {
            struct buf file;
            struct mp4_movie m;
            mp4_build(&file, buf_bytes(&b.m->file[i].bytes), buf_bytes(&b.m->file[i].journal),
                      NULL);
            mp4_read(&m, buf_bytes(&file));
            assert_packets(&b, i, &m, "v", "vide");
            assert_packets(&b, i, &m, "a", "soun");
            mp4_free(&m);
            buf_fini(&file);
        }
        close_bench(&b);
    }
}

/* ---- Pictures and sound ---- */

/* A tone of 440 Hz, as AAC: packet g decodes to block g - AAC_ENCODER_LAG. */
struct tone {
    struct aac_encoder *encoder;
    unsigned blocks;
};

static float tone_at(usec_t time)
{
    return 0.5f * (float)sin(2 * M_PI * 440 * (double)(time - T0) / 1e6);
}

static struct frame *next_sound(struct tone *t)
{
    float pcm[AAC_BLOCK];
    const float *const channels[2] = { pcm };
    struct bytes packet;
    usec_t time = audio_time(T0, t->blocks);
    for (unsigned i = 0; i < AAC_BLOCK; i++)
        pcm[i] = 0.5f * (float)sin(2 * M_PI * 440 * (t->blocks * 1024.0 + i) / 48000);
    assert_int_equal(aac_encoder_put(t->encoder, channels, &packet), OK);
    struct frame *f = frame_new(CODEC_AAC, packet.len);
    assert_non_null(f);
    memcpy(f->data, packet.ptr, packet.len);
    f->key = true;
    f->time = time - audio_time(0, AAC_ENCODER_LAG);
    f->duration = 21333;
    t->blocks++;
    return f;
}

static void decode(const struct bench *b, unsigned file)
{
    char command[300];
    struct buf errors;
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v warning -xerror -i %s/%u.mp4 -f null - 2>&1", b->dir, file);
    run(&errors, command);
    if (errors.len)
        fail_msg("%s", buf_str(&errors));
    buf_fini(&errors);
}

static unsigned count_pictures(const struct bench *b, unsigned file)
{
    char command[300];
    struct buf text;
    snprintf(command, sizeof command,
             "ffprobe -v error -count_frames -select_streams v -show_entries "
             "stream=nb_read_frames -of csv=p=0 %s/%u.mp4",
             b->dir, file);
    run(&text, command);
    unsigned count = (unsigned)strtoul(buf_str(&text), NULL, 10);
    buf_fini(&text);
    return count;
}

/* What is heard from the file's first moment on. */
static unsigned hear(const struct bench *b, unsigned file, float *out, unsigned max)
{
    char command[300];
    struct buf pcm;
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -i %s/%u.mp4 -map 0:a -f f32le -ar 48000 -ac 1 -", b->dir,
             file);
    run(&pcm, command);
    unsigned count = (unsigned)(pcm.len / 4);
    assert_true(count <= max);
    memcpy(out, pcm.ptr, pcm.len);
    buf_fini(&pcm);
    return count;
}

static void sizes_change_and_sound_goes_on(void **state)
{
    (void)state;
    need_ffmpeg();
    struct camera *small = camera_new(320, 180, 50), *large = camera_new(640, 360, 50);
    if (!small || !large) {
        print_message("SKIP: FFmpeg has no libx264\n");
        skip();
    }
    struct bench b;
    struct tone tone = { 0 };
    unsigned pictures = 0;
    open_bench(&b, MS(7000), MEDIA_FILL_LAST);
    assert_int_equal(aac_encoder_new(&tone.encoder, 1, 96000), OK);
    for (usec_t t = T0; t < T0 + 20 * SEC; t += MS(40)) {
        push(&b, camera_next(pictures / 100 % 2 ? large : small, t + 300));
        pictures++;
        while (audio_time(T0, tone.blocks) < t + MS(40))
            push(&b, next_sound(&tone));
    }
    finish_bench(&b);
    assert_int_equal(b.m->files, 3);
    unsigned seen = 0;
    for (unsigned i = 0; i < 3; i++) {
        decode(&b, i);
        seen += count_pictures(&b, i);
    }
    assert_int_equal(seen, pictures);

    static float heard[48000 * 10];
    for (unsigned i = 1; i < 3; i++) { /* files that go on from another are heard from zero on */
        unsigned count = hear(&b, i, heard, 48000 * 10);
        assert_true(count > 48000 * 3);
        for (unsigned k = 0; k < 48000 * 3; k++) {
            float want = tone_at(b.m->file[i].start + (usec_t)k * 125 / 6);
            if (fabsf(heard[k] - want) > 0.06f)
                fail_msg("file %u, sample %u: %f, not %f", i, k, (double)heard[k], (double)want);
        }
    }
    aac_encoder_free(tone.encoder);
    camera_free(small);
    camera_free(large);
    close_bench(&b);
}

/* Where it is black, as FFmpeg's detector sees it: "START END" in seconds, a line for each place.
 */
static void find_black(const struct bench *b, struct buf *out)
{
    char command[300];
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v info -i %s/0.mp4 -vf blackdetect=d=1:pix_th=0.02 -an -fps_mode "
             "passthrough -f null - 2>&1 | sed -n "
             "'s/.*black_start:\\([0-9.]*\\) black_end:\\([0-9.]*\\) .*/\\1 \\2/p'",
             b->dir);
    run(out, command);
}

static void a_hole_is_black(void **state)
{
    (void)state;
    need_ffmpeg();
    struct camera *camera = camera_new(318, 180, 25);
    if (!camera) {
        print_message("SKIP: FFmpeg has no libx264\n");
        skip();
    }
    struct bench b;
    struct buf black;
    open_bench(&b, 0, MEDIA_FILL_BLACK);
    for (unsigned n = 0; n < 100; n++)
        push(&b, camera_next(camera, T0 + MS(40) * n + (n < 50 ? 0 : MS(6000))));
    finish_bench(&b);
    assert_int_equal(b.m->files, 1);
    decode(&b, 0);
    assert_int_equal(count_pictures(&b, 0), 101);
    find_black(&b, &black);
    assert_string_equal(buf_str(&black), "2 8\n");
    buf_fini(&black);
    camera_free(camera);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ffprobe_sees_the_same_packets),
        cmocka_unit_test(sizes_change_and_sound_goes_on),
        cmocka_unit_test(a_hole_is_black),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
