/* Makes an MP4 file for the end-to-end tests, as the daemon does it, from pictures and sound
 * encoded here: FOLDER/changing.mp4, 12 s at 25 pictures a second. 0 to 4 s 320x180, to 8 s
 * 640x360, then 320x180 again, a key frame each 2 s; sound (a tone) from 1.5 s on, with a hole from
 * 5 to 7 s, to 11 s. Says what is in it on one line of JSON. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../unit/segment/camera.h"
#include "../unit/segment/memory_sink.h"
#include "base/err.h"
#include "derive/aac_encoder.h"
#include "io/file.h"
#include "segment/media_writer.h"
#include "spool/media_file.h"

#define NAME "changing.mp4"
#define T0   (1735707617163 * MSEC)

static struct media_writer *writer;
static struct aac_encoder *encoder;
static unsigned pictures, sounds;

static void push(struct frame *f)
{
    assert_int_equal(media_writer_push(writer, f), OK);
    frame_unref(f);
}

static usec_t sound_time(unsigned block)
{
    return T0 + ((usec_t)block * 64000 + 1) / 3;
}

/* Packet g decodes to block g - AAC_ENCODER_LAG. */
static void send_sound(unsigned block)
{
    float pcm[AAC_BLOCK];
    const float *const channels[2] = { pcm };
    struct bytes packet;
    for (unsigned i = 0; i < AAC_BLOCK; i++)
        pcm[i] = 0.25f * (float)sin(2 * M_PI * 440 * (block * 1024.0 + i) / 48000);
    assert_int_equal(aac_encoder_put(encoder, channels, &packet), OK);
    if (block < AAC_ENCODER_LAG)
        return;
    usec_t time = sound_time(block - AAC_ENCODER_LAG), at = time - T0;
    if (at < 1500 * MSEC || (at >= 5 * SEC && at < 7 * SEC) || at >= 11 * SEC)
        return;
    struct frame *f = frame_new(CODEC_AAC, packet.len);
    assert_non_null(f);
    memcpy(f->data, packet.ptr, packet.len);
    f->key = true;
    f->time = time;
    sounds++;
    push(f);
}

static void record(struct sink *sink)
{
    struct camera *small = camera_new(320, 180, 50), *large = camera_new(640, 360, 50);
    struct media_config c = {
        .format = &file_format_mp4,
        .names = { .sdk_app_id = 1, .room_id = "1", .user_id = "alice" },
        .silence = { aac_silence(1), aac_silence(2) },
        .sink = sink,
    };
    assert_true(small && large);
    assert_int_equal(media_writer_new(&writer, &c), OK);
    assert_int_equal(aac_encoder_new(&encoder, 1, 64000), OK);
    media_writer_resume(writer, &(struct hls_events){ 0 }, true, true);
    unsigned block = 0;
    for (; pictures < 300; pictures++) {
        usec_t time = T0 + pictures * 40 * MSEC;
        push(camera_next(pictures / 100 == 1 ? large : small, time));
        while (sound_time(block) < time + 40 * MSEC)
            send_sound(block++);
    }
    assert_int_equal(media_writer_finish(writer), OK);
    media_writer_free(writer);
    aac_encoder_free(encoder);
    camera_free(small);
    camera_free(large);
}

static void store(int dir, const char *name, struct bytes bytes)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

int main(int argc, char **argv)
{
    struct media_file_summary s;
    int dir;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    struct memory_sink *m = memory_sink_new();
    record(&m->sink);
    assert_int_equal(m->files, 1);
    assert_int_equal(dir_open(&dir, argv[1]), OK);
    store(dir, NAME FILE_PART, buf_bytes(&m->file[0].bytes));
    store(dir, NAME JOURNAL_SUFFIX, buf_bytes(&m->file[0].journal));
    memory_sink_free(m);
    assert_int_equal(media_file_finish(dir, NAME, &s), OK);
    close(dir);
    printf("{\"name\":\"%s\",\"pictures\":%u,\"sounds\":%u,\"filled\":%llu,\"seconds\":%.3f}\n",
           NAME, pictures, sounds, (unsigned long long)s.sum.filled,
           (double)(s.sum.end - s.sum.start) / 1e6);
    return 0;
}
