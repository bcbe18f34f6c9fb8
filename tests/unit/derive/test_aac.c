#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "derive/aac_track.h"
#include "sound.h"

#define T0     (1735707617163 * MSEC + 271)
#define MS(x)  ((usec_t)(x)*MSEC)
#define PACKET MS(20)

/* A track between an Opus sender and an AAC listener. */
struct bench {
    struct aac_track *t;
    struct opus_out *opus;
    struct aac_in *aac;
    struct sound sent, heard;
    usec_t grid, last; /* the grid's start once known; time of the newest frame out */
    unsigned frames, breaks;
    usec_t after_break; /* time of the newest frame with discontinuity */
};

static struct bench *bench_new(usec_t start, unsigned channels, bool fec, bool dtx)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    struct aac_track_config c = { .start = start };
    assert_int_equal(aac_track_new(&b->t, &c), OK);
    b->opus = opus_out_new(channels, fec, dtx);
    b->aac = aac_in_new(channels);
    b->sent = sound_new(T0 - MS(1000), MS(40000));
    b->heard = sound_new(T0 - MS(1000), MS(40000));
    b->grid = start;
    b->last = USEC_UNSET;
    return b;
}

static void bench_free(struct bench *b)
{
    aac_track_free(b->t);
    opus_out_free(b->opus);
    aac_in_free(b->aac);
    sound_free(&b->sent);
    sound_free(&b->heard);
    free(b);
}

/* Each frame is on the grid, after the last one, and says where it is not the next. */
static void check(struct bench *b, const struct frame *f)
{
    if (b->grid == USEC_UNSET)
        b->grid = f->time;
    int64_t n = ((f->time - b->grid) * 3 + 32000) / 64000;
    assert_int_equal(f->time, b->grid + (n * 64000 + 1) / 3);
    assert_int_equal(f->duration, b->grid + ((n + 1) * 64000 + 1) / 3 - f->time);
    assert_int_equal(f->codec, CODEC_AAC);
    if (b->last != USEC_UNSET) {
        assert_true(f->time > b->last);
        assert_int_equal(f->discontinuity, f->time - b->last > MS(22));
    }
    b->last = f->time;
    b->frames++;
    if (f->discontinuity) {
        b->breaks++;
        b->after_break = f->time;
    }
}

static void pull(struct bench *b)
{
    struct frame *f;
    while ((f = aac_track_pull(b->t))) {
        check(b, f);
        aac_hear(b->aac, f, &b->heard);
        frame_unref(f);
    }
}

/* The next packet of the sender at `time`; lost ones are heard by nobody. */
static void send(struct bench *b, usec_t time, bool lost, bool silent)
{
    struct frame *f = opus_out_next(b->opus, time, silent);
    opus_hear(b->opus, f, &b->sent);
    if (!lost)
        assert_int_equal(aac_track_push(b->t, f), OK);
    frame_unref(f);
    pull(b);
}

static void send_many(struct bench *b, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        send(b, T0 + PACKET * i, false, false);
}

static void flush(struct bench *b)
{
    assert_int_equal(aac_track_flush(b->t), OK);
    pull(b);
}

static void assert_in_place(const struct bench *b, usec_t from, usec_t to, int tolerance,
                            double alike)
{
    double likeness;
    int shift = shift_of(&b->sent, &b->heard, T0 + from, T0 + to, 250, &likeness);
    if (abs(shift) > tolerance || likeness < alike)
        fail_msg("shifted by %d samples, likeness %.3f", shift, likeness);
}

static void silence_is_the_encoders_own(void **state)
{
    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        struct aac_encoder *e;
        struct aac_in *a = aac_in_new(channels);
        static const float *const zeros[2] = { NULL, NULL };
        assert_int_equal(aac_encoder_new(&e, channels, 64000 * channels), OK);
        struct bytes packet;
        for (int i = 0; i < 10; i++) {
            assert_int_equal(aac_encoder_put(e, zeros, &packet), OK);
            assert_true(bytes_equal(packet, aac_silence(channels)));
            assert_true(aac_peak(a, packet) == 0);
        }
        aac_encoder_free(e);
        aac_in_free(a);
    }
}

/* An encoder that has forgotten goes on like one that never heard anything, up to its bit
 * reservoir: same windows, and sound at the same place. */
static void the_encoder_forgets(void **state)
{
    (void)state;
    struct aac_encoder *e;
    static float block[AAC_BLOCK];
    const float *const sound[2] = { block, block }, *const zeros[2] = { NULL, NULL };
    struct bytes packet;
    assert_int_equal(aac_encoder_new(&e, 1, 64000), OK);
    for (int sharp = 0; sharp < 2; sharp++) {
        for (int n = 0; n < 20; n++) {
            for (int i = 0; i < AAC_BLOCK; i++)
                block[i] =
                    sharp ? (i + 100 * n) % 700 < 20 : chord((n * AAC_BLOCK + i) / 48000.0, 0);
            assert_int_equal(aac_encoder_put(e, sound, &packet), OK);
            assert_true(n < 3 || packet.len > 20);
        }
        int blocks = 0;
        do {
            assert_int_equal(aac_encoder_put(e, zeros, &packet), OK);
            blocks++;
        } while (!bytes_equal(packet, aac_silence(1)) && blocks < 10);
        assert_in_range(blocks, AAC_ENCODER_MEMORY, 5);
    }
    aac_encoder_free(e);
}

static void sound_stands_at_its_time(void **state)
{
    (void)state;
    static const usec_t start[] = { USEC_UNSET, T0, T0 - 777777, T0 - 5 };
    for (int i = 0; i < 8; i++) {
        struct bench *b = bench_new(start[i / 2], 1 + (unsigned)i % 2, false, false);
        send_many(b, 0, 150);
        flush(b);
        assert_int_equal(aac_track_channels(b->t), 1 + i % 2);
        assert_int_equal(b->breaks, 0);
        assert_in_place(b, MS(100), MS(2900), 1, 0.99);
        /* the first sound too, unless the grid leaves no room for the run-in */
        if (start[i / 2] < T0 - MS(22))
            assert_in_place(b, 0, MS(60), 2, 0.99);
        assert_in_place(b, MS(2920), MS(3000), 2, 0.99); /* and the last */
        assert_true(b->last + MS(22) > T0 + MS(3000));
        assert_int_equal(aac_track_stats(b->t)->stretched, 0);
        bench_free(b);
    }
}

static void little_is_on_the_way(void **state)
{
    (void)state;
    struct bench *b = bench_new(USEC_UNSET, 1, false, false);
    for (unsigned i = 0; i < 100; i++) {
        send(b, T0 + PACKET * i, false, false);
        if (i >= 5)
            assert_true(T0 + PACKET * (i + 1) - (b->last + 21333) <= MS(65));
    }
    bench_free(b);
}

static void short_losses_are_concealed(void **state)
{
    (void)state;
    for (int fec = 0; fec < 2; fec++) {
        struct bench *b = bench_new(USEC_UNSET, 1, fec, false);
        for (unsigned i = 0; i < 400; i++)
            send(b, T0 + PACKET * i, i % 40 == 20 || (i >= 300 && i < 305), false);
        flush(b);
        assert_int_equal(b->breaks, 0);
        assert_int_equal(aac_track_stats(b->t)->concealed, 14 * 960);
        assert_int_equal(aac_track_stats(b->t)->filled, 0);
        assert_in_place(b, MS(1000), MS(1200), 2, 0.98);
        assert_in_place(b, MS(6900), MS(7500), 1, 0.98);
        if (fec) /* a lost packet, carried by the next; guessing it comes to 0.8 */
            assert_in_place(b, MS(20 * 60), MS(20 * 61), 4, 0.92);
        bench_free(b);
    }
}

static void longer_losses_end_in_silence(void **state)
{
    (void)state;
    struct bench *b = bench_new(USEC_UNSET, 2, false, false);
    for (unsigned i = 0; i < 300; i++)
        send(b, T0 + PACKET * i, i >= 100 && i < 140, false); /* 800 ms */
    flush(b);
    assert_int_equal(b->breaks, 0);
    assert_int_equal(aac_track_stats(b->t)->concealed, 9600);
    assert_int_equal(aac_track_stats(b->t)->filled, 600 * 48);
    assert_true(aac_track_stats(b->t)->silent > 20);
    for (int64_t i = sound_at(&b->heard, T0 + MS(2300)); i < sound_at(&b->heard, T0 + MS(2700));
         i++)
        assert_true(fabsf(b->heard.sample[i]) < 1e-4f);
    assert_in_place(b, MS(2900), MS(5900), 1, 0.99);
    bench_free(b);
}

static void a_gap_starts_again_on_the_grid(void **state)
{
    (void)state;
    for (int flushed = 0; flushed < 2; flushed++) {
        struct bench *b = bench_new(USEC_UNSET, 1, false, false);
        send_many(b, 0, 100);
        if (flushed)
            flush(b);
        usec_t offset = MS(7003) + 7;
        for (unsigned i = 0; i < 100; i++)
            send(b, T0 + offset + PACKET * i, false, false);
        flush(b);
        assert_int_equal(b->breaks, 1);
        assert_in_range(T0 + offset - b->after_break, 21000, 43000); /* the run-in */
        assert_in_place(b, MS(1000), MS(2000), 1, 0.99);
        assert_in_place(b, offset, offset + MS(60), 2, 0.85);
        assert_in_place(b, offset, offset + MS(2000), 1, 0.99);
        assert_int_equal(aac_track_stats(b->t)->restarts, 1);
        assert_in_range(b->frames, 4000 / 21.4, 4000 / 21.3 + 6);
        bench_free(b);
    }
}

/* Flushed in a pause, then on: what fits goes on, nothing comes twice. */
static void a_flush_is_no_end(void **state)
{
    (void)state;
    static const usec_t pause[] = { 0, 7000, 30000, 500000, 999000 };
    for (size_t p = 0; p < sizeof pause / sizeof *pause; p++) {
        struct bench *b = bench_new(USEC_UNSET, 1, false, false);
        send_many(b, 0, 100);
        flush(b);
        flush(b);
        for (unsigned i = 0; i < 100; i++)
            send(b, T0 + MS(2000) + pause[p] + PACKET * i, false, false);
        flush(b);
        assert_int_equal(b->breaks, 0);
        assert_in_place(b, MS(1000), MS(2000), 1, 0.99);
        assert_in_place(b, MS(2100) + pause[p], MS(3900) + pause[p], 1, 0.99);
        bench_free(b);
    }
}

/* The sender's clock is off by 300 ppm: its frames' times say so, and the sound follows them. */
static void drift_is_followed(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct bench *b = bench_new(USEC_UNSET, 1, false, false);
        for (unsigned i = 0; i < 1500; i++)
            send(b, T0 + PACKET * i + sign * (usec_t)i * 6, false, false);
        flush(b);
        assert_int_equal(b->breaks, 0);
        assert_in_range(aac_track_stats(b->t)->stretched, 400, 460); /* 9 ms of 48 samples */
        assert_in_place(b, MS(20000), MS(20500), 30, 0.9);
        assert_in_place(b, MS(29000), MS(29500), 30, 0.9);
        assert_int_equal(aac_track_stats(b->t)->concealed + aac_track_stats(b->t)->filled, 0);
        bench_free(b);
    }
}

/* Times that jump back by 15 ms: no more than 10 ms a second is taken out, then all is in place
 * again. */
static void corrections_are_slow(void **state)
{
    (void)state;
    struct bench *b = bench_new(USEC_UNSET, 1, false, false);
    send_many(b, 0, 100);
    for (unsigned i = 100; i < 300; i++)
        send(b, T0 + PACKET * i - MS(15), false, false);
    flush(b);
    assert_int_equal(aac_track_stats(b->t)->stretched, 15 * 48);
    assert_in_place(b, MS(1000), MS(1900), 1, 0.99);
    double likeness;
    int shift = shift_of(&b->sent, &b->heard, T0 + MS(2480), T0 + MS(2520), 900, &likeness);
    assert_in_range(shift, 15 * 48 * 2 / 3 - 60,
                    15 * 48 * 2 / 3 + 60); /* after half a second a third is done */
    assert_in_place(b, MS(4000), MS(5900), 4, 0.99);
    bench_free(b);
}

static void what_is_late_is_dropped(void **state)
{
    (void)state;
    struct bench *b = bench_new(USEC_UNSET, 1, false, false);
    send_many(b, 0, 100);
    for (unsigned i = 90; i < 200; i++)
        send(b, T0 + PACKET * i, false, false);
    flush(b);
    assert_int_equal(aac_track_stats(b->t)->late, 10);
    assert_int_equal(b->breaks, 0);
    bench_free(b);
}

static void silence_is_not_encoded(void **state)
{
    (void)state;
    for (int dtx = 0; dtx < 2; dtx++) {
        struct bench *b = bench_new(USEC_UNSET, 1, false, dtx);
        send_many(b, 0, 50);
        bool before = false;
        unsigned sent = 0;
        for (unsigned i = 50; i < 1000; i++) {
            struct frame *f = opus_out_next(b->opus, T0 + PACKET * i, true);
            bool header =
                f->size <= 2; /* senders leave such packets out, but for the first in a row */
            if (!header || !before)
                assert_int_equal(aac_track_push(b->t, f), OK);
            before = header;
            sent += !header;
            frame_unref(f);
            pull(b);
        }
        send(b, T0 + PACKET * 1000, false, false);
        flush(b);
        assert_int_equal(b->breaks, 0);
        const struct aac_track_stats *s = aac_track_stats(b->t);
        assert_int_equal(s->filled, 0);
        if (dtx)
            assert_true(sent < 100 && s->concealed > 48000 * 10);
        else
            assert_true(s->silent * 10 > s->frames * 8);
        bench_free(b);
    }
}

static void channels_are_decided_once(void **state)
{
    (void)state;
    struct bench *b = bench_new(USEC_UNSET, 2, false, false);
    struct opus_out *mono = opus_out_new(1, false, false);
    for (unsigned i = 0; i < 3; i++) {
        struct frame *f = opus_out_next(mono, T0 + PACKET * i, false);
        assert_int_equal(aac_track_push(b->t, f), OK);
        assert_int_equal(aac_track_channels(b->t), 0);
        assert_true(bytes_equal(aac_track_silence(b->t), aac_silence(1)));
        frame_unref(f);
    }
    send_many(b, 3, 50);
    assert_int_equal(aac_track_channels(b->t), 2);
    assert_true(bytes_equal(aac_track_silence(b->t), aac_silence(2)));
    for (unsigned i = 50; i < 60; i++) {
        struct frame *f = opus_out_next(mono, T0 + PACKET * i, false);
        assert_int_equal(aac_track_push(b->t, f), OK);
        frame_unref(f);
        pull(b);
    }
    assert_int_equal(aac_track_channels(b->t), 2);
    opus_out_free(mono);
    bench_free(b);
}

static void refusals(void **state)
{
    (void)state;
    struct aac_track *t;
    struct aac_track_config bad = { .channels = 3 }, c = { .start = USEC_UNSET, .channels = 1 };
    assert_int_equal(aac_track_new(&t, &bad), ERR_RANGE);
    assert_int_equal(aac_track_new(&t, &c), OK);
    assert_int_equal(aac_track_flush(t), OK);
    struct frame *f = frame_new(CODEC_AAC, 3);
    assert_int_equal(aac_track_push(t, f), ERR_UNSUPPORTED);
    f->codec = CODEC_OPUS;
    assert_int_equal(aac_track_push(t, f), ERR_RANGE);
    frame_unref(f);
    static const uint8_t broken[][4] = {
        { 0 }, { 0x03, 0xff, 0xff, 0xff }, { 0xff, 0xff, 0xff, 0xff }, { 0x02, 0xfc, 1, 1 }
    };
    for (usec_t i = 0; i < 40; i++) {
        f = frame_new(CODEC_OPUS, (size_t)(i % 10 == 9 ? 0 : 4));
        memcpy(f->data, broken[i % 4], f->size);
        f->time = T0 + PACKET * i;
        assert_int_equal(aac_track_push(t, f), OK);
        frame_unref(f);
    }
    assert_true(aac_track_stats(t)->broken > 10);
    assert_int_equal(aac_track_flush(t), OK);
    aac_track_free(t);
    aac_track_free(NULL);
}

static void never_pulled_stays_within_its_queue(void **state)
{
    (void)state;
    struct aac_track *t;
    struct aac_track_config c = { .start = USEC_UNSET };
    assert_int_equal(aac_track_new(&t, &c), OK);
    struct opus_out *o = opus_out_new(1, false, false);
    for (unsigned i = 0; i < 400; i++) {
        struct frame *f = opus_out_next(o, T0 + PACKET * i, true);
        assert_int_equal(aac_track_push(t, f), OK);
        frame_unref(f);
    }
    assert_int_equal(aac_track_stats(t)->frames, AAC_TRACK_QUEUE);
    assert_true(aac_track_stats(t)->overflow > 50);
    opus_out_free(o);
    aac_track_free(t);
}

/* Whatever comes, the output is on the grid and in order (check), and close to real time. */
static void random_input_keeps_the_grid(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        uint32_t seed = random_u32();
        print_message("seed %u\n", seed);
        srand(seed);
        struct bench *b = bench_new(rand() % 2 ? USEC_UNSET : T0 - rand() % 3000000,
                                    1 + (unsigned)rand() % 2, rand() % 2, rand() % 2);
        usec_t time = T0;
        for (int i = 0; i < 700; i++) {
            int dice = rand() % 100;
            time += dice == 0   ? MS(rand() % 3000)
                    : dice == 1 ? -MS(rand() % 500)
                    : dice < 10 ? rand() % 8000
                                : 0;
            send(b, time, rand() % 20 == 0, rand() % 200 < 100);
            time += PACKET;
            if (rand() % 60 == 0)
                flush(b);
        }
        flush(b);
        const struct aac_track_stats *s = aac_track_stats(b->t);
        assert_int_equal(s->frames, b->frames);
        assert_true(b->breaks <= s->restarts);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_the_encoders_own),
        cmocka_unit_test(the_encoder_forgets),
        cmocka_unit_test(sound_stands_at_its_time),
        cmocka_unit_test(little_is_on_the_way),
        cmocka_unit_test(short_losses_are_concealed),
        cmocka_unit_test(longer_losses_end_in_silence),
        cmocka_unit_test(a_gap_starts_again_on_the_grid),
        cmocka_unit_test(a_flush_is_no_end),
        cmocka_unit_test(drift_is_followed),
        cmocka_unit_test(corrections_are_slow),
        cmocka_unit_test(what_is_late_is_dropped),
        cmocka_unit_test(silence_is_not_encoded),
        cmocka_unit_test(channels_are_decided_once),
        cmocka_unit_test(refusals),
        cmocka_unit_test(never_pulled_stays_within_its_queue),
        cmocka_unit_test(random_input_keeps_the_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
