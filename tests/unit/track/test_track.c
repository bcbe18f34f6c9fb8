#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "track/track.h"

static struct peer_clock peer;
static struct track *track;
static unsigned key_requests, watches, unwatches, stalls, resumes;

static void on_request_key(void *ctx)
{
    (void)ctx;
    key_requests++;
}

static void on_watched(void *ctx, bool watched)
{
    (void)ctx;
    if (watched)
        watches++;
    else
        unwatches++;
}

static void on_stalled(void *ctx)
{
    (void)ctx;
    stalls++;
}

static void on_resumed(void *ctx)
{
    (void)ctx;
    resumes++;
}

static const struct track_ops ops = { .request_key = on_request_key,
                                      .watched = on_watched,
                                      .stalled = on_stalled,
                                      .resumed = on_resumed };

static void open_track(enum codec codec)
{
    struct track_config config = {
        .codec = codec, .clock = &peer, .stall_after = TRACK_STALL, .ops = &ops
    };
    assert_int_equal(track_new(&track, &config, 0), OK);
}

static int setup(void **state)
{
    (void)state;
    peer_clock_init(&peer, 1000 * SEC);
    key_requests = watches = unwatches = stalls = resumes = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    track_free(track);
    track = NULL;
    return 0;
}

/* A subscriber that counts, and does something odd when it is told to. */
struct listener {
    struct subscriber sub;
    unsigned frames, keys, ends;
    usec_t last;
    struct frame *kept;
    struct listener *detach_on_frame;
};

static void on_frame(struct subscriber *s, struct frame *f)
{
    struct listener *l = s->ctx;
    l->frames++;
    l->keys += f->key;
    l->last = f->time;
    frame_unref(l->kept);
    l->kept = frame_ref(f);
    if (l->detach_on_frame)
        track_detach(&l->detach_on_frame->sub);
}

static void on_end(struct subscriber *s)
{
    struct listener *l = s->ctx;
    assert_null(s->track);
    l->ends++;
}

static const struct subscriber_ops listener_ops = { on_frame, on_end };

static void attach(struct listener *l)
{
    l->sub.ops = &listener_ops;
    l->sub.ctx = l;
    track_attach(track, &l->sub);
}

static void push(bool key, usec_t now)
{
    enum codec codec = track_codec(track);
    struct frame *f = frame_new(codec, 10);
    memset(f->data, 0, 10);
    f->data[3] = 6; /* one unit of six bytes */
    f->data[4] = 0x41;
    f->key = key;
    f->rtp = now * codec_clock_rate(codec) / SEC;
    f->arrival = now;
    track_frame(track, f, now);
}

static void first_frames_wait(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l = { 0 };
    attach(&l);
    for (usec_t now = SEC; now < SEC + 480 * MSEC; now += 20 * MSEC)
        push(true, now);
    assert_int_equal(l.frames, 0);
    assert_int_equal(track_deadline(track), SEC + TIMELINE_WAIT);
    track_tick(track, SEC + TIMELINE_WAIT);
    assert_int_equal(l.frames, 24);
    push(true, SEC + 500 * MSEC);
    assert_int_equal(l.frames, 25);
    assert_int_equal(l.last, 1001 * SEC + 500 * MSEC);
    struct track_stats stats;
    track_get_stats(track, &stats);
    assert_int_equal(stats.frames, 25);
    assert_int_equal(stats.bytes, 250);
    assert_int_equal(stats.first_time, 1001 * SEC);
    assert_int_equal(stats.last_arrival, SEC + 500 * MSEC);
    teardown(NULL);
    frame_unref(l.kept);
}

static void a_report_ends_the_wait(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l = { 0 };
    attach(&l);
    push(true, SEC);
    track_report(track, &(struct rtcp_sr){ .ntp = 1ull << 60, .rtp = 48000 }, SEC + 10 * MSEC);
    assert_int_equal(l.frames, 1);
    push(true, SEC + 20 * MSEC);
    assert_int_equal(l.frames, 2);
    teardown(NULL);
    frame_unref(l.kept);
}

/* Sound that came a quarter of a second late until its first report is in its place as soon as
 * somebody listens; for who has heard it late it moves there slowly. */
static void unheard_frames_are_corrected_at_once(void **state)
{
    (void)state;
    const usec_t late = 250 * MSEC;
    for (int heard = 0; heard < 2; heard++) {
        open_track(CODEC_OPUS);
        struct listener l = { 0 };
        if (heard)
            attach(&l);
        for (usec_t now = SEC; now < 2 * SEC; now += 20 * MSEC)
            push(true, now);
        peer_clock_init(&peer, 1000 * SEC);
        peer_clock_sample(&peer, 0, 0);
        struct rtcp_sr sr = { .ntp = rtcp_usec_to_ntp(2 * SEC), .rtp = 48000 * 9 / 4 };
        track_report(track, &sr, 2 * SEC); /* what came at 2 s was made at 1.75 s */
        push(true, 2 * SEC);
        if (!heard)
            attach(&l);
        push(true, 2 * SEC + 20 * MSEC);
        usec_t wanted = 1000 * SEC + 2 * SEC + 20 * MSEC - (heard ? 400 : late);
        assert_int_equal(l.last, wanted);
        teardown(NULL);
        frame_unref(l.kept);
    }
}

static void waiting_is_bounded(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l = { 0 };
    attach(&l);
    for (unsigned i = 0; i < TRACK_WAIT_FRAMES + 5; i++)
        push(true, SEC + i * MSEC);
    assert_int_equal(l.frames, TRACK_WAIT_FRAMES);
    track_tick(track, 2 * SEC);
    assert_int_equal(l.frames, TRACK_WAIT_FRAMES + 5);
    teardown(NULL);
    frame_unref(l.kept);
}

static void video_begins_with_a_key_frame(void **state)
{
    (void)state;
    open_track(CODEC_H264);
    push(true, SEC);
    push(false, 2 * SEC);
    struct listener l = { 0 };
    attach(&l);
    assert_int_equal(key_requests, 1);
    push(false, 3 * SEC);
    assert_int_equal(l.frames, 0);
    push(true, 4 * SEC);
    push(false, 5 * SEC);
    assert_int_equal(l.frames, 2);
    assert_int_equal(l.keys, 1);
    struct listener second = { 0 };
    attach(&second);
    assert_int_equal(key_requests, 2);
    assert_int_equal(watches, 1);
    track_detach(&l.sub);
    track_detach(&l.sub);
    assert_int_equal(unwatches, 0);
    track_detach(&second.sub);
    assert_int_equal(unwatches, 1);
    frame_unref(l.kept);
}

static void subscribers_leave_while_told(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l[4] = { 0 };
    for (unsigned i = 0; i < 4; i++)
        attach(&l[i]);
    l[0].detach_on_frame = &l[1]; /* the next one */
    l[2].detach_on_frame = &l[2]; /* itself */
    l[3].detach_on_frame = &l[0]; /* one before */
    push(true, SEC);
    track_tick(track, 2 * SEC);
    push(true, 2 * SEC);
    assert_int_equal(l[0].frames, 1);
    assert_int_equal(l[1].frames, 0);
    assert_int_equal(l[2].frames, 1);
    assert_int_equal(l[3].frames, 2);
    teardown(NULL);
    for (unsigned i = 0; i < 4; i++)
        frame_unref(l[i].kept);
}

static void the_end_is_told(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l = { 0 }, other = { 0 };
    attach(&l);
    attach(&other);
    push(true, SEC); /* still waits */
    teardown(NULL);
    assert_int_equal(l.frames, 1);
    assert_int_equal(l.ends, 1);
    assert_int_equal(other.ends, 1);
    frame_unref(l.kept);
    frame_unref(other.kept);
}

static void stalls_and_resumes(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    assert_int_equal(track_deadline(track), TRACK_STALL);
    push(true, SEC);
    track_tick(track, 2 * SEC);
    assert_int_equal(track_deadline(track), SEC + TRACK_STALL);
    track_tick(track, SEC + TRACK_STALL);
    assert_true(stalls == 1 && track_stalled(track));
    assert_int_equal(track_deadline(track), USEC_NEVER);
    track_tick(track, 100 * SEC);
    push(true, 101 * SEC);
    assert_true(stalls == 1 && resumes == 1 && !track_stalled(track));
}

/* The source begins again: what waits goes out with its own time, and the new one waits for its
 * report. */
static void source_begins_again(void **state)
{
    (void)state;
    open_track(CODEC_OPUS);
    struct listener l = { 0 };
    attach(&l);
    push(true, SEC);
    struct frame *f = frame_new(CODEC_OPUS, 1);
    f->rtp = (int64_t)1 << 33;
    f->arrival = SEC + 20 * MSEC;
    f->discontinuity = true;
    track_frame(track, f, SEC + 20 * MSEC);
    assert_int_equal(l.frames, 1);
    assert_int_equal(l.last, 1001 * SEC);
    track_tick(track, 2 * SEC);
    assert_int_equal(l.frames, 2);
    assert_true(l.kept->discontinuity);
    assert_int_equal(l.last, 1001 * SEC + 20 * MSEC);
    teardown(NULL);
    frame_unref(l.kept);
}

static void knows_its_size(void **state)
{
    (void)state;
    open_track(CODEC_H264);
    static const uint8_t sps[] = { 0,    0,    0,    25,   0x67, 0x42, 0xc0, 0x16, 0xd9, 0x00,
                                   0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
                                   0x00, 0x00, 0x03, 0x00, 0x1e, 0x0f, 0x16, 0x2e, 0x48 };
    struct frame *f = frame_new(CODEC_H264, sizeof sps);
    memcpy(f->data, sps, sizeof sps);
    f->key = true;
    track_frame(track, f, SEC);
    track_tick(track, 2 * SEC);
    struct track_stats stats;
    track_get_stats(track, &stats);
    assert_true(stats.width == 640 && stats.height == 360);
    assert_non_null(track_params(track));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(first_frames_wait),
        TEST(a_report_ends_the_wait),
        TEST(unheard_frames_are_corrected_at_once),
        TEST(waiting_is_bounded),
        TEST(video_begins_with_a_key_frame),
        TEST(subscribers_leave_while_told),
        TEST(the_end_is_told),
        TEST(stalls_and_resumes),
        TEST(source_begins_again),
        TEST(knows_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
