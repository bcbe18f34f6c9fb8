/* The fan-out of a track's AAC on two real loops. The track is fed by hand, in virtual time: what a
 * test waits for are turns of the loops, never the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "derive/aac_fanout.h"
#include "observe/log.h"
#include "sound.h"

#define OFFSET    (1700000000 * SEC) /* of the server's clock */
#define PACKET    (20 * MSEC)
#define LENGTH    (40 * SEC)
#define EARS      3
#define AAC_FRAME 21334 /* us, rounded up */

/* A subscriber that decodes what it gets. */
struct ear {
    struct aac_subscriber sub;
    struct aac_in *decoder;
    struct sound heard;
    unsigned frames, ends, holes;
    usec_t first, end; /* of all its frames */
};

struct bench {
    struct loop *home, *worker;
    struct peer_clock clock;
    struct track *track;
    struct aac_fanout *fanout; /* NULL: let go */
    struct ear ears[EARS];

    struct opus_out *sender;
    struct subscriber listener; /* what an Opus receiver hears of the same track */
    struct sound sent;
    unsigned packets; /* sent so far */
    usec_t opus_end;  /* of what the track gave out */
};

/* --- home loop --- */

static void on_frame(struct aac_subscriber *self, struct frame *f)
{
    struct ear *e = list_item(self, struct ear, sub);
    assert_int_equal(f->codec, CODEC_AAC);
    assert_int_equal(e->ends, 0);
    if (!e->frames++)
        e->first = f->time;
    else
        e->holes += f->time != e->end;
    e->end = f->time + f->duration;
    aac_hear(e->decoder, f, &e->heard);
}

static void on_end(struct aac_subscriber *self)
{
    struct ear *e = list_item(self, struct ear, sub);
    e->ends++;
}

static void on_opus(struct subscriber *self, struct frame *f)
{
    struct bench *b = self->ctx;
    b->opus_end = f->time + f->duration;
    opus_hear(b->sender, f, &b->sent);
}

static void on_opus_end(struct subscriber *self)
{
    (void)self;
}

static const struct subscriber_ops listener_ops = { on_opus, on_opus_end };

static void open_on_home(void *ctx)
{
    struct bench *b = ctx;
    const struct track_config config = { .codec = CODEC_OPUS,
                                         .clock = &b->clock,
                                         .stall_after = USEC_NEVER };
    peer_clock_init(&b->clock, OFFSET);
    assert_int_equal(track_new(&b->track, &config, 0), OK);
    b->listener = (struct subscriber){ .ops = &listener_ops, .ctx = b };
    track_attach(b->track, &b->listener);
    assert_int_equal(aac_fanout_new(&b->fanout, b->track, 1, b->home, b->worker), OK);
}

static usec_t now_of(const struct bench *b)
{
    return b->packets * PACKET;
}

struct feed {
    struct bench *bench;
    unsigned count;
};

static void feed_on_home(void *ctx)
{
    const struct feed *feed = ctx;
    struct bench *b = feed->bench;
    for (unsigned i = 0; i < feed->count; i++) {
        struct frame *f = opus_out_next(b->sender, USEC_UNSET, false);
        f->rtp = b->packets * 960;
        f->arrival = now_of(b);
        b->packets++;
        track_frame(b->track, f, f->arrival);
        if (b->fanout)
            aac_fanout_tick(b->fanout, now_of(b));
    }
}

struct act {
    struct bench *bench;
    int ear;
};

static void subscribe_on_home(void *ctx)
{
    const struct act *act = ctx;
    struct ear *e = &act->bench->ears[act->ear];
    e->ends = 0;
    e->sub = (struct aac_subscriber){ .on_frame = on_frame, .on_end = on_end };
    aac_fanout_subscribe(act->bench->fanout, &e->sub);
}

static void unsubscribe_on_home(void *ctx)
{
    const struct act *act = ctx;
    aac_fanout_unsubscribe(act->bench->fanout, &act->bench->ears[act->ear].sub);
}

static void free_on_home(void *ctx)
{
    struct bench *b = ctx;
    aac_fanout_free(b->fanout);
    b->fanout = NULL;
}

static void close_on_home(void *ctx)
{
    struct bench *b = ctx;
    track_free(b->track);
    free_on_home(b);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* --- the test's thread --- */

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_int_equal(loop_new(&b->home, "home", 100), OK);
    assert_int_equal(loop_new(&b->worker, "worker", 100), OK);
    b->sender = opus_out_new(1, false, false);
    b->sent = sound_new(OFFSET, LENGTH);
    for (int i = 0; i < EARS; i++) {
        b->ears[i].decoder = aac_in_new(1);
        b->ears[i].heard = sound_new(OFFSET, LENGTH);
    }
    loop_call(b->home, open_on_home, b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    loop_call(b->home, close_on_home, b);
    loop_free(b->worker);
    loop_free(b->home);
    for (int i = 0; i < EARS; i++) {
        aac_in_free(b->ears[i].decoder);
        sound_free(&b->ears[i].heard);
    }
    sound_free(&b->sent);
    opus_out_free(b->sender);
    free(b);
    return 0;
}

/* Whatever was on its way to the worker is back. */
static void settle(struct bench *b)
{
    loop_call(b->worker, nothing, NULL);
    loop_call(b->home, nothing, NULL);
}

static void feed(struct bench *b, usec_t length)
{
    struct feed feed = { b, (unsigned)(length / PACKET) };
    loop_call(b->home, feed_on_home, &feed);
}

static void subscribe(struct bench *b, int ear)
{
    struct act act = { b, ear };
    loop_call(b->home, subscribe_on_home, &act);
}

static void unsubscribe(struct bench *b, int ear)
{
    struct act act = { b, ear };
    loop_call(b->home, unsubscribe_on_home, &act);
}

/* Everything up to `end`, without holes, and not a frame that begins later. */
static void assert_complete(const struct ear *e, usec_t end)
{
    assert_true(e->frames > 0);
    assert_int_equal(e->holes, 0);
    assert_in_range(e->end - end + AAC_FRAME, 0, 2 * AAC_FRAME);
    assert_true(e->end >= end);
}

static void assert_alike(const struct bench *b, const struct ear *e, usec_t from, usec_t to)
{
    double likeness;
    int shift = shift_of(&b->sent, &e->heard, OFFSET + from, OFFSET + to, 480, &likeness);
    print_message("%lld to %lld ms: shift %d, likeness %.4f\n", (long long)(from / MSEC),
                  (long long)(to / MSEC), shift, likeness);
    assert_in_range(shift + 2, 0, 4);
    assert_true(likeness > 0.98);
}

/* Holds the worker up until it is opened. */
struct gate {
    struct message message;
    uv_sem_t reached, open;
};

static void gate_run(struct message *m)
{
    struct gate *gate = (struct gate *)m;
    uv_sem_post(&gate->reached);
    uv_sem_wait(&gate->open);
}

static void close_gate(struct gate *gate, struct bench *b)
{
    *gate = (struct gate){ .message.run = gate_run };
    uv_sem_init(&gate->reached, 0);
    uv_sem_init(&gate->open, 0);
    assert_true(loop_post(b->worker, &gate->message));
    uv_sem_wait(&gate->reached);
}

static void open_gate(struct gate *gate, struct bench *b)
{
    uv_sem_post(&gate->open);
    settle(b);
    uv_sem_destroy(&gate->reached);
    uv_sem_destroy(&gate->open);
}

/* Time passes without packets. */
static void tick_on_home(void *ctx)
{
    struct bench *b = ctx;
    usec_t at = aac_fanout_deadline(b->fanout);
    assert_in_range(at, now_of(b), now_of(b) + 500 * MSEC);
    aac_fanout_tick(b->fanout, at - 1);
    assert_int_equal(aac_fanout_deadline(b->fanout), at);
    aac_fanout_tick(b->fanout, at);
}

static void pause_in_sound(struct bench *b)
{
    for (int i = 0; i < 2; i++) /* a batch that is not full, and what the encoder holds */
        if (aac_fanout_deadline(b->fanout) != USEC_NEVER)
            loop_call(b->home, tick_on_home, b);
    settle(b);
    assert_int_equal(aac_fanout_deadline(b->fanout), USEC_NEVER);
}

/* --- tests --- */

static void frames_come_back_in_order(void **state)
{
    struct bench *b = *state;
    struct ear *e = &b->ears[0];
    subscribe(b, 0);
    feed(b, 5 * SEC);
    settle(b);
    assert_int_equal(e->ends, 0);
    unsubscribe(b, 0);
    unsubscribe(b, 0);
    settle(b);
    assert_int_equal(e->ends, 1);
    assert_complete(e, b->opus_end);
    assert_alike(b, e, SEC, 4 * SEC);

    unsigned frames = e->frames;
    feed(b, SEC);
    unsubscribe(b, 0); /* long gone */
    settle(b);
    assert_int_equal(e->frames, frames);
    assert_int_equal(e->ends, 1);
}

/* Who stays must not hear that somebody leaves. */
static void one_of_two_leaves(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    subscribe(b, 1);
    feed(b, 3 * SEC + 60 * MSEC);
    usec_t left_at = b->opus_end;
    unsubscribe(b, 0);
    feed(b, 2 * SEC);
    settle(b);
    assert_int_equal(b->ears[0].ends, 1);
    assert_complete(&b->ears[0], left_at);
    assert_alike(b, &b->ears[0], 2 * SEC, left_at - OFFSET - 5 * MSEC);

    unsubscribe(b, 1);
    settle(b);
    assert_int_equal(b->ears[1].ends, 1);
    assert_complete(&b->ears[1], b->opus_end);
    for (usec_t from = 2800 * MSEC; from < 3500 * MSEC; from += 50 * MSEC)
        assert_alike(b, &b->ears[1], from, from + 100 * MSEC);
}

static void one_of_two_leaves_as_the_sound_stops(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    subscribe(b, 1);
    feed(b, 2 * SEC + PACKET);
    unsubscribe(b, 0);
    settle(b);
    assert_int_equal(b->ears[0].ends, 0); /* the encoder holds some of it */
    pause_in_sound(b);
    assert_int_equal(b->ears[0].ends, 1);
    assert_complete(&b->ears[0], b->opus_end);
    unsubscribe(b, 1); /* nothing is on its way */
    settle(b);
    assert_int_equal(b->ears[1].ends, 1);
    assert_complete(&b->ears[1], b->opus_end);
}

static void both_leave_at_once(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    subscribe(b, 1);
    feed(b, SEC);
    unsubscribe(b, 0);
    unsubscribe(b, 1);
    settle(b);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(b->ears[i].ends, 1);
        assert_complete(&b->ears[i], b->opus_end);
    }
}

static void leaving_before_anything_came(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    subscribe(b, 1);
    unsubscribe(b, 0);
    unsubscribe(b, 1);
    settle(b);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(b->ears[i].ends, 1);
        assert_int_equal(b->ears[i].frames, 0);
    }
}

static void another_comes_later(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    feed(b, 2 * SEC);
    unsubscribe(b, 0);
    settle(b);
    feed(b, SEC);
    subscribe(b, 1);
    feed(b, 2 * SEC);
    unsubscribe(b, 1);
    settle(b);
    assert_int_equal(b->ears[1].ends, 1);
    assert_complete(&b->ears[1], b->opus_end);
    assert_alike(b, &b->ears[1], 3500 * MSEC, 4500 * MSEC);
}

static void freeing_ends_the_subscribers(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < EARS; i++)
        subscribe(b, i);
    feed(b, 2 * SEC);
    unsubscribe(b, 0);
    loop_call(b->home, free_on_home, b);
    settle(b);
    for (int i = 0; i < EARS; i++) {
        assert_int_equal(b->ears[i].ends, 1);
        assert_complete(&b->ears[i], b->opus_end);
    }
}

static void free_twice(void *ctx)
{
    const struct bench *b = ctx;
    aac_fanout_free(b->fanout);
    aac_fanout_unsubscribe(b->fanout, &((struct bench *)ctx)->ears[0].sub); /* on its way already */
    aac_fanout_free(b->fanout);
}

static void freeing_while_the_worker_is_busy(void **state)
{
    struct bench *b = *state;
    struct gate gate;
    subscribe(b, 0);
    feed(b, SEC);
    close_gate(&gate, b);
    feed(b, SEC);
    loop_call(b->home, free_twice, b);
    b->fanout = NULL;
    assert_int_equal(b->ears[0].ends, 0);
    open_gate(&gate, b);
    assert_int_equal(b->ears[0].ends, 1);
    assert_complete(&b->ears[0], b->opus_end);
}

static void a_worker_that_is_behind_drops(void **state)
{
    struct bench *b = *state;
    struct gate gate;
    subscribe(b, 0);
    feed(b, SEC);
    settle(b);
    close_gate(&gate, b);
    feed(b, 20 * SEC);
    struct aac_fanout_stats stats = aac_fanout_stats(b->fanout);
    assert_in_range(stats.waiting, 300, 600); /* 64 batches */
    assert_in_range(stats.dropped, 300, 700);
    open_gate(&gate, b);
    assert_int_equal(aac_fanout_stats(b->fanout).waiting, 0);
    feed(b, SEC);
    unsubscribe(b, 0);
    settle(b);
    assert_int_equal(b->ears[0].ends, 1);
    assert_in_range(b->ears[0].end - b->opus_end, 0, AAC_FRAME);
    assert_in_range(b->ears[0].holes, 1, 2);
}

static void after_a_pause_all_comes_out(void **state)
{
    struct bench *b = *state;
    subscribe(b, 0);
    feed(b, SEC + 3 * PACKET);
    pause_in_sound(b);
    assert_int_equal(b->ears[0].ends, 0);
    assert_complete(&b->ears[0], b->opus_end);
}

/* As a media loop stops: nobody waits for the last batch. */
static void loops_end_under_way(void **state)
{
    struct bench *b = *state;
    struct gate gate;
    subscribe(b, 0);
    feed(b, SEC);
    close_gate(&gate, b);
    feed(b, SEC);
    loop_call(b->home, free_on_home, b);
    uv_sem_post(&gate.open);
    loop_free(b->worker);
    b->worker = NULL;
    loop_call(b->home, nothing, NULL);
    assert_int_equal(b->ears[0].ends, 1);
    uv_sem_destroy(&gate.reached);
    uv_sem_destroy(&gate.open);
}

/* Nobody listens: nothing is encoded. Who comes then hears what is sent from then on, however long
 * the pause was. */
static void nobody_listens(void **state)
{
    struct bench *b = *state;
    static const usec_t pauses[EARS] = { 100 * MSEC, 700 * MSEC, 3 * SEC };
    feed(b, SEC);
    for (int i = 0; i < EARS; i++) {
        struct ear *e = &b->ears[i];
        struct gate gate;
        close_gate(&gate, b);
        feed(b, pauses[i]);
        assert_int_equal(aac_fanout_stats(b->fanout).waiting, 0);
        assert_int_equal(aac_fanout_deadline(b->fanout), USEC_NEVER);
        open_gate(&gate, b);

        usec_t came_at = b->opus_end;
        subscribe(b, i);
        feed(b, 3 * SEC);
        unsubscribe(b, i);
        settle(b);
        assert_int_equal(e->ends, 1);
        assert_complete(e, b->opus_end);
        assert_in_range(e->first - came_at + 2 * AAC_FRAME, 0, 4 * AAC_FRAME);
        assert_alike(b, e, came_at - OFFSET + 500 * MSEC, b->opus_end - OFFSET - 500 * MSEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_back_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_two_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_two_leaves_as_the_sound_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(both_leave_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(leaving_before_anything_came, setup, teardown),
        cmocka_unit_test_setup_teardown(another_comes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_ends_the_subscribers, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_while_the_worker_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(a_worker_that_is_behind_drops, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_pause_all_comes_out, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
        cmocka_unit_test_setup_teardown(loops_end_under_way, setup, teardown),
    };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
