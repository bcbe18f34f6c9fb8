/* An output over a real media loop and a real spool, without network: sessions are opened there,
 * and their tracks are fed by hand. What a test waits for are turns of the loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../segment/frames.h"
#include "../temp_dir.h"
#include "base/err.h"
#include "base/random.h"
#include "io/file.h"
#include "recorder/output.h"
#include "recorder/stats.h"
#include "spool/media_file.h"

#define FRAME_TIME (40 * MSEC)
#define MAX_FILES  1000

struct bench {
    struct temp_dir dir;
    struct spool *spool;
    struct spool_folder *folder;
    struct spool_writer *writer;
    struct loop *control;
    struct media_loop *media;
    struct dtls_identity *identity;
    struct recorder_stats stats;
    usec_t now;        /* of the next frame, monotonic */
    unsigned sessions; /* opened */

    struct output *output;
    uv_sem_t done;
    unsigned begins, dones, failures;
    char files[MAX_FILES][128]; /* segments that became whole */
    unsigned segments, playlists;
    bool last;
};

/* --- control loop --- */

static void on_started(void *ctx, struct output *o)
{
    struct bench *b = ctx;
    b->begins++;
    assert_true(output_begin(o) != USEC_UNSET);
}

static void on_ready(void *ctx, struct output *o, const struct spool_ready *file)
{
    struct bench *b = ctx;
    assert_int_equal(b->dones, 0);
    assert_false(b->last);
    assert_int_equal(file->err, OK);
    if (file->kind != SINK_PLAYLIST) {
        assert_true(b->segments < MAX_FILES);
        assert_string_equal(file->playlist, file->kind == SINK_MEDIA ? "" : output_file(o));
        snprintf(b->files[b->segments++], sizeof *b->files, "%s", file->name);
    } else {
        assert_string_equal(file->name, output_file(o));
        b->playlists++;
        b->last = file->last;
    }
}

static void on_failed(void *ctx, struct output *o, int err)
{
    struct bench *b = ctx;
    (void)o;
    (void)err;
    b->failures++;
}

static void on_done(void *ctx, struct output *o)
{
    struct bench *b = ctx;
    assert_ptr_equal(o, b->output);
    b->dones++;
    uv_sem_post(&b->done);
}

static const struct output_events events = { on_started, on_ready, on_failed, on_done };

static void nobody_listens(void *ctx, const struct session_event *event)
{
    (void)ctx;
    (void)event;
}

struct act {
    struct bench *bench;
    enum recording_form form; /* open */
    enum names_type type;
    struct recording_source sources[4]; /* point; session 0: nobody */
    int points;
    bool end, close_first; /* the source's session is closed in the same turn */
};

static void open_on_control(void *ctx)
{
    const struct act *act = ctx;
    struct bench *b = act->bench;
    const struct output_config config = { .sdk_app_id = 1400000001,
                                          .room_id = "room",
                                          .room_is_string = true,
                                          .user = "alice",
                                          .media = NAMES_MAIN,
                                          .form = act->form,
                                          .type = act->type,
                                          .segment = SEC,
                                          .version = "1",
                                          .date = "today",
                                          .spool = b->writer,
                                          .folder = b->folder,
                                          .control = b->control,
                                          .stats = &b->stats,
                                          .events = &events,
                                          .ctx = b };
    assert_int_equal(output_new(&b->output, &config), OK);
}

static void act_on_control(void *ctx)
{
    const struct act *act = ctx;
    struct bench *b = act->bench;
    if (act->close_first)
        media_loop_close_session(b->media, act->sources[0].session);
    for (int i = 0; i < act->points; i++) {
        const struct recording_source *s = &act->sources[i];
        output_point(b->output, s->session ? b->media : NULL, s->session ? s : NULL);
    }
    if (act->end)
        output_end(b->output);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* --- media loop --- */

struct feed {
    struct bench *bench;
    uint64_t session;
    unsigned frames;
};

static void feed_video(struct bench *b, struct track *t, bool key)
{
    struct frame *f = make_video(USEC_UNSET, 300, 64, key ? FRAME_KEY | FRAME_SETS : 0);
    f->rtp = b->now / MSEC * 90;
    f->arrival = b->now;
    track_frame(t, f, b->now);
}

/* Two packets of 20 ms. */
static void feed_audio(struct bench *b, struct track *t)
{
    for (int i = 0; i < 2; i++) {
        struct frame *f = frame_new(CODEC_OPUS, 3);
        memcpy(f->data, "\xf8\xff\xfe", 3);
        f->key = true;
        f->arrival = b->now + i * FRAME_TIME / 2;
        f->rtp = f->arrival / MSEC * 48;
        f->duration = FRAME_TIME / 2;
        track_frame(t, f, f->arrival);
    }
}

static void feed_on_media(void *ctx)
{
    const struct feed *feed = ctx;
    struct bench *b = feed->bench;
    struct session *s = media_loop_session(b->media, feed->session);
    for (unsigned i = 0; i < feed->frames; i++, b->now += FRAME_TIME)
        if (s) {
            feed_video(b, session_track(s, MEDIA_VIDEO), i % 5 == 0);
            feed_audio(b, session_track(s, MEDIA_AUDIO));
        }
}

/* --- the test's thread --- */

static int finish_media(int dir, const char *name, uint64_t *bytes)
{
    struct media_file_summary summary;
    int err = media_file_finish(dir, name, &summary);
    *bytes = summary.sum.bytes;
    return err;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct spool_meta meta = { .task_id = "task-1", .room = "room", .robot = "r", .storage = "" };
    b->dir = temp_dir_new();
    uv_sem_init(&b->done, 0);
    assert_int_equal(dtls_identity_new(&b->identity), OK);
    assert_int_equal(spool_open(&b->spool, b->dir.path), OK);
    assert_int_equal(spool_create(&b->folder, b->spool, &meta), OK);
    assert_int_equal(spool_writer_new(&b->writer, &SPOOL_LIMITS_DEFAULT, finish_media), OK);
    assert_int_equal(loop_new(&b->control, "control", 1000), OK);
    struct media_loop_config config = {
        .max_sessions = 10, .identity = b->identity, .control = b->control, .event = nobody_listens
    };
    addr_parse(&config.listen, "127.0.0.1", 0);
    assert_int_equal(media_loop_start(&b->media, &config), OK);
    b->now = (clock_mono() / MSEC + 1) * MSEC;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    media_loop_stop(b->media);
    loop_call(b->control, nothing, NULL);
    spool_writer_free(b->writer);
    loop_free(b->control);
    output_free(b->output);
    spool_folder_unref(b->folder);
    spool_close(b->spool);
    dtls_identity_free(b->identity);
    uv_sem_destroy(&b->done);
    temp_dir_free(&b->dir);
    free(b);
    return 0;
}

static void open_output(struct bench *b, enum names_type type)
{
    struct act act = { .bench = b, .type = type };
    loop_call(b->control, open_on_control, &act);
}

static uint64_t open_session(struct bench *b)
{
    struct session_config *config = calloc(1, sizeof *config);
    struct negotiated *n = &config->negotiated;
    struct ice_side theirs;
    ice_side_random(&config->local);
    ice_side_random(&theirs);
    config->id = ++b->sessions;
    strcpy(n->ufrag, theirs.ufrag);
    strcpy(n->pwd, theirs.pwd);
    struct bytes print = dtls_identity_fingerprint(b->identity);
    strcpy(n->fingerprint_algorithm, "sha-256");
    memcpy(n->fingerprint, print.ptr, print.len);
    n->fingerprint_size = print.len;
    n->media_count = 2;
    n->media[0] = (struct negotiated_media){
        .kind = MEDIA_AUDIO, .codec = CODEC_OPUS, .payload_type = 111, .clock = 48000
    };
    n->media[1] = (struct negotiated_media){
        .kind = MEDIA_VIDEO, .codec = CODEC_H264, .payload_type = 96, .clock = 90000
    };
    media_loop_open_session(b->media, config);
    return b->sessions;
}

/* Messages that were posted have run, and what they led to, up to the disk's queue. */
static void settle(struct bench *b)
{
    for (int i = 0; i < 2; i++) {
        loop_call(b->control, nothing, NULL);
        loop_call(media_loop_thread(b->media), nothing, NULL);
        loop_call(media_loop_worker(b->media), nothing, NULL);
        loop_call(media_loop_thread(b->media), nothing, NULL);
        loop_call(b->control, nothing, NULL);
    }
}

static void feed(struct bench *b, uint64_t session, usec_t length)
{
    struct feed feed = { b, session, (unsigned)(length / FRAME_TIME) };
    loop_call(media_loop_thread(b->media), feed_on_media, &feed);
}

static void point(struct bench *b, uint64_t session)
{
    struct act act = { .bench = b, .sources = { { session, true, true } }, .points = 1 };
    loop_call(b->control, act_on_control, &act);
}

static void end(struct bench *b)
{
    struct act act = { .bench = b, .end = true };
    loop_call(b->control, act_on_control, &act);
}

static void next_output(struct bench *b)
{
    output_free(b->output);
    b->output = NULL;
    b->begins = b->dones = b->segments = b->playlists = 0;
    b->last = false;
}

/* Waits for the last event, and looks at what is there. */
static void assert_done(struct bench *b, bool any)
{
    uv_sem_wait(&b->done);
    settle(b);
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->failures, 0);
    assert_int_equal(b->begins, any);
    assert_int_equal(b->segments > 0, any);
    assert_int_equal(b->last, any);
    char path[200];
    snprintf(path, sizeof path, "task-1/%s", output_file(b->output));
    char *text = temp_dir_text(&b->dir, path);
    assert_int_equal(text != NULL, any);
    if (!any)
        return;
    char *at = text;
    for (unsigned i = 0; i < b->segments; i++) { /* each one named, in order */
        at = strstr(at, b->files[i]);
        assert_non_null(at);
        snprintf(path, sizeof path, "task-1/%s", b->files[i]);
        assert_true(temp_dir_has(&b->dir, path));
    }
    assert_non_null(strstr(at, "#EXT-X-ENDLIST"));
    free(text);
}

/* --- tests --- */

static void a_user_who_leaves_and_comes_back(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t first = open_session(b);
    point(b, first);
    feed(b, first, 5 * SEC);
    settle(b);
    assert_int_equal(b->begins, 1);
    point(b, 0);
    settle(b);
    media_loop_close_session(b->media, first);
    b->now += 10 * SEC;
    uint64_t second = open_session(b);
    point(b, second);
    feed(b, second, 5 * SEC);
    settle(b);
    end(b);
    assert_done(b, true);
    assert_in_range(b->segments, 6, 12);
}

static void audio_alone_and_video_alone(void **state)
{
    struct bench *b = *state;
    for (enum names_type type = NAMES_AUDIO; type <= NAMES_VIDEO; type++) {
        open_output(b, type);
        uint64_t session = open_session(b);
        struct recording_source source = { session, type == NAMES_AUDIO, type == NAMES_VIDEO };
        struct act act = { .bench = b, .sources = { source }, .points = 1 };
        loop_call(b->control, act_on_control, &act);
        feed(b, session, 5 * SEC);
        settle(b);
        end(b);
        assert_done(b, true);
        assert_in_range(b->segments, 3, 6);
        next_output(b);
    }
}

static void ending_what_never_began(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    end(b);
    assert_done(b, false);
}

static void in_quick_succession(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b), two = open_session(b);
    struct act act = { .bench = b,
                       .sources = { { one, true, true }, { 0 }, { two, true, true } },
                       .points = 3,
                       .end = true };
    loop_call(b->control, act_on_control, &act);
    feed(b, one, SEC);
    assert_done(b, false);
}

static void the_newest_source_wins(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b), two = open_session(b);
    struct act act = {
        .bench = b,
        .sources = { { one, true, true }, { 0 }, { one, true, false }, { two, true, true } },
        .points = 4
    };
    loop_call(b->control, act_on_control, &act);
    settle(b);
    feed(b, one, 3 * SEC);
    settle(b);
    assert_int_equal(b->begins, 0);
    feed(b, two, 3 * SEC);
    settle(b);
    end(b);
    assert_done(b, true);
}

static void the_session_is_gone_before_the_writer_comes(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b);
    struct act act = {
        .bench = b, .sources = { { one, true, true } }, .points = 1, .close_first = true
    };
    loop_call(b->control, act_on_control, &act);
    settle(b);
    point(b, 4711); /* never was */
    settle(b);
    assert_int_equal(b->dones, 0);
    uint64_t two = open_session(b);
    point(b, two);
    feed(b, two, 3 * SEC);
    settle(b);
    end(b);
    assert_done(b, true);
}

static void gone_and_ended_at_once(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b);
    struct act act = { .bench = b,
                       .sources = { { one, true, true } },
                       .points = 1,
                       .close_first = true,
                       .end = true };
    loop_call(b->control, act_on_control, &act);
    assert_done(b, false);
}

static void the_session_ends_while_it_is_recorded(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b);
    point(b, one);
    feed(b, one, 3 * SEC);
    media_loop_close_session(b->media, one);
    settle(b);
    assert_int_equal(b->dones, 0);
    end(b);
    assert_done(b, true);
}

/* The close and the end are on their way to the media loop and back at the same time. */
static void the_session_ends_as_the_output_does(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b);
    point(b, one);
    feed(b, one, 3 * SEC);
    media_loop_close_session(b->media, one);
    end(b);
    assert_done(b, true);
}

static void the_media_loop_stops_first(void **state)
{
    struct bench *b = *state;
    open_output(b, NAMES_AUDIO_VIDEO);
    uint64_t one = open_session(b);
    point(b, one);
    feed(b, one, 3 * SEC);
    end(b);
    media_loop_stop(b->media);
    uv_sem_wait(&b->done);
    b->media = NULL;
    assert_int_equal(b->dones, 1);
    assert_true(b->last);
}

static uint32_t below(unsigned *seed, uint32_t n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 8) % n;
}

static void whatever_happens_it_ends_well(void **state)
{
    struct bench *b = *state;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : random_u32();
    print_message("SEED=%u\n", seed);
    for (int round = 0; round < 20; round++) {
        uint64_t current = open_session(b);
        open_output(b, NAMES_AUDIO_VIDEO);
        for (int step = 0; step < 30; step++)
            switch (below(&seed, 7)) {
            case 0: point(b, 0); break;
            case 1: point(b, current); break;
            case 2: media_loop_close_session(b->media, current); break;
            case 3:
                media_loop_close_session(b->media, current);
                current = open_session(b);
                break;
            case 4: settle(b); break;
            default: feed(b, current, 400 * MSEC); break;
            }
        end(b);
        uv_sem_wait(&b->done);
        assert_int_equal(b->dones, 1);
        assert_int_equal(b->failures, 0);
        assert_int_equal(b->last, b->segments > 0);
        media_loop_close_session(b->media, current);
        settle(b);
        next_output(b);
    }
}

/* One file over two sessions and a hole, in the time of the wall; its writer has changed nothing
 * but its source. */
static void a_file_goes_on(void **state)
{
    static const struct {
        enum recording_form form;
        const char *ending;
        bool video;
    } cases[] = { { RECORDING_MP4, "_main.mp4", true }, { RECORDING_AAC, "_main.aac", false } };
    struct bench *b = *state;
    for (size_t i = 0; i < 2; i++) {
        struct act act = { .bench = b, .form = cases[i].form, .type = NAMES_AUDIO_VIDEO };
        loop_call(b->control, open_on_control, &act);
        uint64_t first = open_session(b), second = open_session(b);
        usec_t began = b->now;
        point(b, first);
        feed(b, first, 5 * SEC);
        settle(b);
        point(b, 0);
        settle(b);
        b->now += 4 * SEC;
        point(b, second);
        feed(b, second, 3 * SEC);
        settle(b);
        usec_t length = b->now - began;
        end(b);
        uv_sem_wait(&b->done);
        settle(b);
        assert_int_equal(b->begins, 1);
        assert_int_equal(b->segments, 1);
        assert_int_equal(b->playlists, 0);
        assert_int_equal(b->failures, 0);
        assert_string_equal(b->files[0], output_file(b->output));
        assert_true(file_has_suffix(b->files[0], cases[i].ending));

        struct media_file_summary summary;
        int dir = spool_folder_dir(b->folder);
        assert_int_equal(media_file_summary_read(dir, b->files[0], &summary), OK);
        assert_string_equal(summary.user, "alice");
        assert_int_equal(summary.sum.start, output_begin(b->output));
        assert_in_range(summary.sum.end - summary.sum.start, length - 200 * MSEC,
                        length + 200 * MSEC);
        assert_int_equal(summary.sum.video > 0, cases[i].video);
        assert_true(summary.sum.audio > (uint64_t)(length / 22000));
        assert_true(summary.sum.filled > 3 * 46);
        assert_false(summary.sum.torn);
        next_output(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_who_leaves_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(audio_alone_and_video_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(ending_what_never_began, setup, teardown),
        cmocka_unit_test_setup_teardown(in_quick_succession, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_source_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(the_session_is_gone_before_the_writer_comes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(gone_and_ended_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_session_ends_while_it_is_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(the_session_ends_as_the_output_does, setup, teardown),
        cmocka_unit_test_setup_teardown(the_media_loop_stops_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_happens_it_ends_well, setup, teardown),
    };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
