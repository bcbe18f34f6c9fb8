/* A publisher's sound and picture through a bad network into two tracks, in virtual time: what
 * comes out, when it says it was made, and how the two fit together. The publisher answers NACK and
 * PLI as browsers do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kit.h"
#include "net.h"
#include "rtp/feedback.h"
#include "track/track.h"

#define SERVER     ((usec_t)1700000000 * SEC) /* Unix time of mono 0 */
#define MAX_FRAMES 20000
#define MAX_SENT   256 /* packets that can be sent again */

enum { AUDIO, VIDEO, STREAMS };

/* How the publisher is. */
struct manner {
    usec_t report_every[STREAMS]; /* 0: never */
    usec_t first_report;          /* after the start */
    double sample_ppm[STREAMS];   /* its sampling clocks against its NTP clock */
    double ntp_ppm;               /* that against the server's */
    usec_t encode[STREAMS];       /* from made to sent */
    usec_t gop;                   /* 0: a key frame at the start, then when asked */
};

static const struct manner usual = { .report_every = { 5 * SEC, SEC },
                                     .sample_ppm = { 80, -30 },
                                     .ntp_ppm = 40,
                                     .encode = { 10 * MSEC, 70 * MSEC },
                                     .gop = 2 * SEC };

struct stream {
    /* the publisher's end */
    struct packetizer packetizer;
    uint32_t first_rtp;
    unsigned rate, step; /* RTP time a frame */
    unsigned made;       /* frames */
    usec_t next_report;
    bool key_wanted;
    struct sent sent[MAX_SENT];
    /* ours */
    struct receiver *receiver;
    struct track *track;
    struct subscriber subscriber;
    /* what came out */
    unsigned frames, damaged, steps, keys;
    usec_t last;
    usec_t worst; /* error of the times since `measure_from` */
    bool came[MAX_FRAMES];
    usec_t error[MAX_FRAMES]; /* told time - true time */
};

static struct net *net;
static struct random rnd;
static struct manner manner;
static struct stream *streams;
static struct feedback feedback;
static struct peer_clock peer;
static usec_t start, measure_from;
static struct addr there, here;

/* When frame number i is made, on the network's clock. */
static usec_t made_at(unsigned s, unsigned i)
{
    const struct stream *st = &streams[s];
    double seconds = (double)i * st->step / st->rate;
    return start + (usec_t)(seconds * 1e6 * (1 - manner.sample_ppm[s] * 1e-6));
}

static uint32_t rtp_at(unsigned s, usec_t now)
{
    const struct stream *st = &streams[s];
    double samples = (double)(now - start) * st->rate / 1e6 / (1 - manner.sample_ppm[s] * 1e-6);
    return st->first_rtp + (uint32_t)(int64_t)samples;
}

static void on_frame(struct subscriber *sub, struct frame *f)
{
    unsigned s = sub == &streams[AUDIO].subscriber ? AUDIO : VIDEO;
    struct stream *st = &streams[s];
    int64_t i = (f->rtp - (int64_t)st->first_rtp) / st->step;
    assert_in_range(i, 0, st->made - 1);
    assert_true(f->time > st->last);
    st->last = f->time;
    st->frames++;
    st->damaged += f->damaged;
    st->steps += f->discontinuity;
    st->keys += f->key;
    st->came[i] = true;
    st->error[i] = f->time - SERVER - made_at(s, (unsigned)i);
    if (made_at(s, (unsigned)i) >= measure_from && llabs(st->error[i]) > st->worst)
        st->worst = llabs(st->error[i]);
}

static void on_end(struct subscriber *s)
{
    (void)s;
}

static const struct subscriber_ops listener = { on_frame, on_end };

static void on_request_key(void *ctx)
{
    receiver_request_key(((struct stream *)ctx)->receiver);
}

static void on_watched(void *ctx, bool watched)
{
    receiver_set_watched(((struct stream *)ctx)->receiver, watched);
}

static const struct track_ops owner = { .request_key = on_request_key, .watched = on_watched };

static void open_stream(unsigned s, enum codec codec, uint32_t first_rtp, uint16_t first_seq)
{
    struct stream *st = &streams[s];
    st->rate = codec_clock_rate(codec);
    st->step = s == VIDEO ? 3000 : 960;
    st->first_rtp = first_rtp;
    st->packetizer = (struct packetizer){ .rnd = &rnd,
                                          .payload_type = (uint8_t)(96 + s),
                                          .seq = first_seq,
                                          .ssrc = 100 + s,
                                          .mtu = 1100 };
    st->next_report = manner.report_every[s] ? start + manner.first_report : USEC_NEVER;
    st->last = INT64_MIN;
    struct receiver_config config = {
        .codec = codec, .payload_type = (uint8_t)(96 + s), .nack = true, .pli = s == VIDEO
    };
    assert_int_equal(receiver_new(&st->receiver, &config), 0);
    struct track_config track = {
        .codec = codec, .clock = &peer, .stall_after = TRACK_STALL, .ops = &owner, .ctx = st
    };
    assert_int_equal(track_new(&st->track, &track, start), 0);
    st->subscriber = (struct subscriber){ .ops = &listener };
    assert_int_equal(feedback_add(&feedback, st->receiver, start), 0);
}

static void open_all(const struct manner *m, const struct net_weather *weather, uint64_t seed)
{
    seed = test_seed(seed);
    net = net_new(seed, weather);
    rnd.state = seed;
    manner = *m;
    start = net_now(net);
    measure_from = start;
    assert_true(addr_parse(&there, "10.0.0.1", 1000) && addr_parse(&here, "10.0.0.2", 2000));
    peer_clock_init(&peer, SERVER);
    feedback_init(&feedback, 1, "twin", true, NULL);
    streams = calloc(STREAMS, sizeof *streams);
    open_stream(AUDIO, CODEC_OPUS, 0xfffff000, 65500);
    open_stream(VIDEO, CODEC_H264, 0xfffe0000, 65000);
}

static void attach(unsigned s)
{
    track_attach(streams[s].track, &streams[s].subscriber);
}

static void close_all(void)
{
    for (unsigned s = 0; s < STREAMS; s++) {
        track_free(streams[s].track);
        receiver_free(streams[s].receiver);
    }
    free(streams);
    net_free(net);
}

/* The publisher makes a frame and sends it.
 * -------------------------------------------------------------------- */

static void send_frame(unsigned s)
{
    struct stream *st = &streams[s];
    uint32_t rtp = st->first_rtp + st->made * st->step;
    struct sent_list out = { 0 };
    struct buf frame;
    buf_init(&frame, FRAME_MAX_SIZE);
    if (s == AUDIO) {
        packetize_opus(&st->packetizer, bytes_of("\xf8\x01\x02", 3), rtp, &out);
    } else {
        unsigned gop = (unsigned)(manner.gop * 30 / SEC);
        bool key = st->made == 0 || st->key_wanted || (gop && st->made % gop == 0);
        st->key_wanted = false;
        kit_frame(&rnd, &frame, key, key ? 20000 : 4000);
        packetize_h264(&st->packetizer, buf_bytes(&frame), rtp, &out);
    }
    for (size_t i = 0; i < out.count; i++) {
        st->sent[get_u16(out.item[i].data + 2) % MAX_SENT] = out.item[i];
        net_send(net, there, here, bytes_of(out.item[i].data, out.item[i].len));
    }
    sent_free(&out);
    buf_fini(&frame);
    st->made++;
    assert_true(st->made < MAX_FRAMES);
}

static void send_report(unsigned s, usec_t now)
{
    struct stream *st = &streams[s];
    usec_t peer_now = start + (usec_t)((double)(now - start) * (1 + manner.ntp_ppm * 1e-6));
    struct rtcp_sr sr = { .ssrc = st->packetizer.ssrc,
                          .ntp = rtcp_usec_to_ntp(RTCP_NTP_UNIX + 12345 * SEC + peer_now),
                          .rtp = rtp_at(s, now) };
    uint8_t mem[200];
    struct writer w = writer_of(mem, sizeof mem);
    rtcp_write_sr(&w, &sr, NULL, 0);
    rtcp_write_cname(&w, sr.ssrc, "publisher");
    net_send(net, there, here, bytes_of(mem, writer_len(&w)));
    st->next_report = now + manner.report_every[s];
}

static void resend(struct stream *st, const struct rtcp_packet *p)
{
    uint32_t media;
    uint16_t seqs[256];
    size_t count;
    if (rtcp_parse_nack(&media, seqs, 256, &count, p) || media != st->packetizer.ssrc)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct sent *sent = &st->sent[seqs[i] % MAX_SENT];
        if (sent->len && get_u16(sent->data + 2) == seqs[i])
            net_send(net, there, here, bytes_of(sent->data, sent->len));
    }
}

static void publisher_hears(struct bytes datagram)
{
    struct reader in = reader_of(datagram);
    struct rtcp_packet p;
    uint32_t media;
    while (!rtcp_next(&in, &p)) {
        for (unsigned s = 0; s < STREAMS; s++)
            resend(&streams[s], &p);
        if (!rtcp_parse_pli(&media, &p) && media == streams[VIDEO].packetizer.ssrc)
            streams[VIDEO].key_wanted = true;
    }
}

static usec_t publish(usec_t now)
{
    usec_t next = USEC_NEVER;
    for (unsigned s = 0; s < STREAMS; s++) {
        struct stream *st = &streams[s];
        while (made_at(s, st->made) + manner.encode[s] <= now)
            send_frame(s);
        if (st->next_report <= now)
            send_report(s, now);
        usec_t due = made_at(s, st->made) + manner.encode[s];
        next = due < next ? due : next;
        next = st->next_report < next ? st->next_report : next;
    }
    return next;
}

/* Our end.
 * -----------------------------------------------------------------------------------------------------
 */

static void pull(struct stream *st, usec_t now)
{
    for (struct frame *f; (f = receiver_pull(st->receiver));)
        track_frame(st->track, f, now);
}

static void hear_reports(struct bytes datagram, usec_t now)
{
    struct reader in = reader_of(datagram);
    struct rtcp_packet p;
    struct rtcp_sr sr;
    while (!rtcp_next(&in, &p))
        for (unsigned s = 0; s < STREAMS; s++)
            if (!rtcp_parse_sr(&sr, &p) && sr.ssrc == receiver_ssrc(streams[s].receiver)) {
                receiver_report_in(streams[s].receiver, &sr, now);
                track_report(streams[s].track, &sr, now);
            }
}

static void server_hears(struct bytes datagram, usec_t now)
{
    if (rtp_is_rtcp(datagram)) {
        hear_reports(datagram, now);
        return;
    }
    for (unsigned s = 0; s < STREAMS; s++)
        if ((datagram.ptr[1] & 0x7f) == 96 + s) {
            receiver_push(streams[s].receiver, datagram.ptr, datagram.len, now);
            pull(&streams[s], now);
        }
}

static usec_t serve(usec_t now)
{
    usec_t next = USEC_NEVER;
    uint8_t mem[FEEDBACK_SIZE];
    for (unsigned s = 0; s < STREAMS; s++) {
        struct stream *st = &streams[s];
        if (receiver_deadline(st->receiver) <= now) {
            receiver_tick(st->receiver, now);
            pull(st, now);
        }
        if (track_deadline(st->track) <= now)
            track_tick(st->track, now);
        usec_t due = receiver_deadline(st->receiver);
        next = due < next ? due : next;
        due = track_deadline(st->track);
        next = due < next ? due : next;
    }
    for (size_t len; (len = feedback_write(&feedback, mem, sizeof mem, now));)
        net_send(net, here, there, bytes_of(mem, len));
    usec_t due = feedback_deadline(&feedback);
    assert_true(due > now);
    return due < next ? due : next;
}

static void run(usec_t until)
{
    while (net_now(net) < until) {
        usec_t next = publish(net_now(net));
        usec_t due = serve(net_now(net));
        next = due < next ? due : next;
        struct net_arrival a;
        if (!net_receive(net, next < until ? next : until, &a))
            continue;
        if (addr_equal(a.to, here))
            server_hears(bytes_of(a.ptr, a.len), net_now(net));
        else
            publisher_hears(bytes_of(a.ptr, a.len));
    }
}

/* The largest difference between what sound and picture are told to be late, over frames made since
 * `from`. */
static usec_t sync_error(usec_t from)
{
    usec_t worst = 0;
    unsigned compared = 0;
    for (unsigned v = 0; v < streams[VIDEO].made; v++) {
        usec_t at = made_at(VIDEO, v);
        unsigned a = (unsigned)((at - start) / (20 * MSEC));
        if (at < from || !streams[VIDEO].came[v] || a >= streams[AUDIO].made ||
            !streams[AUDIO].came[a])
            continue;
        usec_t diff = llabs(streams[VIDEO].error[v] - streams[AUDIO].error[a]);
        worst = diff > worst ? diff : worst;
        compared++;
    }
    assert_true(compared > 100);
    return worst;
}

static void show(const char *what)
{
    for (unsigned s = 0; s < STREAMS; s++) {
        struct receiver_stats st;
        receiver_get_stats(streams[s].receiver, &st);
        print_message(
            "%s %s: %u made, %u came, %u damaged, %u steps, %u keys; lost %llu, recovered %llu, "
            "reordered %llu, twice %llu; worst time %lld us, off by %lld us\n",
            what, s ? "picture" : "sound", streams[s].made, streams[s].frames, streams[s].damaged,
            streams[s].steps, streams[s].keys, (unsigned long long)st.lost,
            (unsigned long long)st.recovered, (unsigned long long)st.reordered,
            (unsigned long long)st.duplicates, (long long)streams[s].worst,
            (long long)sync_error(measure_from));
    }
}

/* All that was made, but for the last second, came whole. */
static void assert_nearly_all(unsigned percent)
{
    assert_true(streams[AUDIO].frames * 100 >= (streams[AUDIO].made - 50) * percent);
    assert_true(streams[VIDEO].frames * 100 >= (streams[VIDEO].made - 30) * percent);
}

/* Tests.
 * -------------------------------------------------------------------------------------------------------
 */

static void quiet_network(void **state)
{
    (void)state;
    open_all(&usual, &(struct net_weather){ .delay = 20 * MSEC }, 1);
    attach(AUDIO);
    attach(VIDEO);
    measure_from = start + 10 * SEC;
    run(start + 60 * SEC);
    show("quiet");
    assert_nearly_all(100);
    assert_int_equal(streams[VIDEO].damaged, 0);
    assert_int_equal(streams[VIDEO].steps + streams[AUDIO].steps, 0);
    assert_true(streams[VIDEO].worst <
                25 * MSEC); /* the network's 20, and drift over the filter's window */
    assert_true(sync_error(start + 10 * SEC) < MSEC);
    close_all();
}

static const struct net_weather storm = { .loss = 0.03,
                                          .duplicate = 0.02,
                                          .overtake = 0.05,
                                          .delay = 20 * MSEC,
                                          .jitter = 10 * MSEC,
                                          .late = 30 * MSEC };

static void bad_network(void **state)
{
    (void)state;
    struct manner m = usual;
    m.report_every[AUDIO] = SEC; /* reports are lost, too */
    open_all(&m, &storm, 2);
    attach(AUDIO);
    attach(VIDEO);
    measure_from = start + 10 * SEC;
    run(start + 120 * SEC);
    show("storm");
    assert_nearly_all(99);
    assert_int_equal(streams[VIDEO].steps + streams[AUDIO].steps, 0);
    assert_true(streams[VIDEO].damaged < streams[VIDEO].frames / 20);
    assert_true(sync_error(start + 10 * SEC) < MSEC);
    assert_true(streams[VIDEO].worst < 45 * MSEC);
    close_all();
}

/* Each stream stands on its own least delay: no closer than encoders differ. */
static void no_reports(void **state)
{
    (void)state;
    struct manner m = usual;
    m.report_every[AUDIO] = m.report_every[VIDEO] = 0;
    open_all(&m, &(struct net_weather){ .delay = 20 * MSEC, .jitter = 10 * MSEC }, 3);
    attach(AUDIO);
    attach(VIDEO);
    run(start + 60 * SEC);
    show("no reports");
    assert_nearly_all(100);
    assert_true(streams[VIDEO].came[0]);
    assert_int_equal(streams[VIDEO].steps + streams[AUDIO].steps, 0);
    assert_true(streams[VIDEO].worst < 110 * MSEC && streams[AUDIO].worst < 50 * MSEC);
    assert_true(sync_error(start) < 75 * MSEC);
    close_all();
}

static void late_reports(void **state)
{
    (void)state;
    struct manner m = usual;
    m.first_report = 10 * SEC;
    open_all(&m, &(struct net_weather){ .delay = 20 * MSEC }, 4);
    attach(AUDIO);
    attach(VIDEO);
    measure_from = start + 25 * SEC; /* 70 ms at 10 ms a second */
    run(start + 60 * SEC);
    show("late reports");
    assert_int_equal(streams[VIDEO].steps + streams[AUDIO].steps, 0);
    assert_true(sync_error(start + 11 * SEC) > 30 * MSEC);
    assert_true(sync_error(measure_from) < MSEC);
    close_all();
}

/* The picture's encoder takes 600 ms: nothing may be squeezed, and in the end it fits. */
static void slow_encoder_and_late_reports(void **state)
{
    (void)state;
    struct manner m = usual;
    m.first_report = 5 * SEC;
    m.encode[VIDEO] = 600 * MSEC;
    open_all(&m, &(struct net_weather){ .delay = 20 * MSEC }, 5);
    attach(AUDIO);
    attach(VIDEO);
    measure_from = start + 80 * SEC;
    run(start + 120 * SEC);
    show("slow encoder");
    assert_nearly_all(100);
    assert_true(sync_error(measure_from) < MSEC);
    close_all();
}

/* Nobody records at first; then a key frame comes soon, although the encoder makes none by itself.
 */
static void recording_begins_in_mid_stream(void **state)
{
    (void)state;
    struct manner m = usual;
    m.gop = 0;
    open_all(&m, &storm, 6);
    run(start + 20 * SEC);
    assert_int_equal(streams[VIDEO].frames, 0);
    attach(AUDIO);
    attach(VIDEO);
    unsigned made = streams[VIDEO].made;
    run(start + 21 * SEC);
    assert_true(streams[VIDEO].keys >= 1);
    assert_true(streams[VIDEO].frames > 10 &&
                streams[VIDEO].frames <= streams[VIDEO].made - made + 15);
    run(start + 40 * SEC);
    show("mid stream");
    close_all();
}

/* Three seconds without a network: what follows is damaged only until the key frame that was asked
 * for. */
static void outage(void **state)
{
    (void)state;
    struct manner m = usual;
    m.gop = 0;
    open_all(&m, &(struct net_weather){ .delay = 20 * MSEC }, 7);
    attach(AUDIO);
    attach(VIDEO);
    run(start + 20 * SEC);
    net_block(net, there, true);
    run(start + 23 * SEC);
    net_block(net, there, false);
    unsigned damaged = streams[VIDEO].damaged;
    run(start + 26 * SEC);
    assert_in_range(streams[VIDEO].damaged - damaged, 1,
                    75); /* most are of the last 2 s without network, sent again */
    damaged = streams[VIDEO].damaged;
    measure_from = start + 26 * SEC;
    run(start + 60 * SEC);
    show("outage");
    assert_int_equal(streams[VIDEO].damaged, damaged);
    assert_true(streams[VIDEO].keys >= 2);
    assert_true(sync_error(measure_from) < MSEC);
    close_all();
}

/* The same over many seeds, shorter: whatever happens, times never go back (see on_frame) and
 * nothing steps. */
static void many_storms(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 112; seed++) {
        struct manner m = usual;
        m.report_every[AUDIO] = SEC;
        open_all(&m, &storm, seed);
        attach(AUDIO);
        attach(VIDEO);
        run(start + 20 * SEC);
        assert_nearly_all(97);
        assert_int_equal(streams[VIDEO].steps + streams[AUDIO].steps, 0);
        assert_true(sync_error(start + 10 * SEC) < MSEC);
        close_all();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_network),
        cmocka_unit_test(bad_network),
        cmocka_unit_test(no_reports),
        cmocka_unit_test(late_reports),
        cmocka_unit_test(slow_encoder_and_late_reports),
        cmocka_unit_test(recording_begins_in_mid_stream),
        cmocka_unit_test(outage),
        cmocka_unit_test(many_storms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
