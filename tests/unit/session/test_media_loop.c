/* A media loop with its real socket, against a client peer of our own on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/err.h"
#include "rtp/packet.h"
#include "session/media_loop.h"

#define OPUS_TYPE 111
#define H264_TYPE 96
#define PATIENCE  (20 * SEC)

struct world {
    struct loop *control;
    struct media_loop *media;
    struct dtls_identity *server_identity, *client_identity;

    pthread_mutex_t lock; /* what the control loop heard */
    unsigned audio_live, video_live, ended;
    enum session_end end;

    int fd; /* the client's socket */
    struct peer *client;
    bool connected, closed;
    uint16_t seq;
};

static void on_event(void *ctx, const struct session_event *event)
{
    struct world *w = ctx;
    pthread_mutex_lock(&w->lock);
    if (event->type == SESSION_ENDED) {
        w->ended++;
        w->end = event->end;
    } else if (event->live) {
        *(event->kind == MEDIA_AUDIO ? &w->audio_live : &w->video_live) += 1;
    }
    pthread_mutex_unlock(&w->lock);
}

static int start(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    assert_int_equal(dtls_identity_new(&w->server_identity), OK);
    assert_int_equal(dtls_identity_new(&w->client_identity), OK);
    assert_int_equal(loop_new(&w->control, "control", 100), OK);
    struct media_loop_config config = { .max_sessions = 2,
                                        .identity = w->server_identity,
                                        .control = w->control,
                                        .event = on_event,
                                        .ctx = w };
    addr_parse(&config.listen, "127.0.0.1", 0);
    assert_int_equal(media_loop_start(&w->media, &config), OK);

    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(config.listen, &sa);
    w->fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(w->fd, (struct sockaddr *)&sa, len), 0);
    *state = w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    peer_free(w->client);
    close(w->fd);
    media_loop_stop(w->media);
    loop_free(w->control);
    dtls_identity_free(w->client_identity);
    dtls_identity_free(w->server_identity);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

/* --- the client --- */

static void send_to_server(struct world *w, struct bytes datagram)
{
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(media_loop_local(w->media), &sa);
    sendto(w->fd, datagram.ptr, datagram.len, 0, (struct sockaddr *)&sa, len);
}

static void client_turn(struct world *w)
{
    struct peer_datagram out;
    struct peer_event event;
    while (peer_output(w->client, &out))
        send_to_server(w, out.bytes);
    while (peer_event(w->client, &event)) {
        w->connected |= event.state == PEER_CONNECTED;
        w->closed |= event.state == PEER_CLOSED;
    }
    struct pollfd p = { w->fd, POLLIN, 0 };
    if (poll(&p, 1, 10) == 1) {
        uint8_t block[2048];
        struct sockaddr_storage sa;
        socklen_t from_len = sizeof sa;
        ssize_t got = recvfrom(w->fd, block, sizeof block, 0, (struct sockaddr *)&sa, &from_len);
        size_t len = got > 0 ? (size_t)got : 0;
        struct addr from;
        addr_from_sockaddr(&from, (struct sockaddr *)&sa);
        peer_feed(w->client, from, block, &len, clock_mono());
    }
    peer_tick(w->client, clock_mono());
}

static void send_rtp(struct world *w, uint8_t type, uint32_t ssrc, uint32_t timestamp,
                     struct bytes payload)
{
    uint8_t block[1400];
    struct writer out = writer_of(block, sizeof block);
    rtp_write(&out, &(struct rtp_packet){ .marker = true,
                                          .payload_type = type,
                                          .seq = w->seq++,
                                          .timestamp = timestamp,
                                          .ssrc = ssrc,
                                          .payload = payload });
    size_t len = writer_len(&out);
    if (peer_protect_rtp(w->client, block, &len, sizeof block) == OK)
        send_to_server(w, bytes_of(block, len));
}

static unsigned heard(struct world *w, const unsigned *what)
{
    pthread_mutex_lock(&w->lock);
    unsigned n = *what;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* Opens a session for a client that offers audio and video, and makes that client. */
static void open_session(struct world *w, uint64_t id)
{
    struct session_config *config = calloc(1, sizeof *config);
    struct negotiated *n = &config->negotiated;
    struct ice_side theirs;
    ice_side_random(&config->local);
    ice_side_random(&theirs);
    config->id = id;
    strcpy(n->ufrag, theirs.ufrag);
    strcpy(n->pwd, theirs.pwd);
    struct bytes print = dtls_identity_fingerprint(w->client_identity);
    strcpy(n->fingerprint_algorithm, "sha-256");
    memcpy(n->fingerprint, print.ptr, print.len);
    n->fingerprint_size = print.len;
    n->media_count = 2;
    n->media[0] = (struct negotiated_media){
        .kind = MEDIA_AUDIO, .codec = CODEC_OPUS, .payload_type = OPUS_TYPE, .clock = 48000
    };
    n->media[1] = (struct negotiated_media){ .kind = MEDIA_VIDEO,
                                             .codec = CODEC_H264,
                                             .payload_type = H264_TYPE,
                                             .clock = 90000,
                                             .pli = true };

    struct peer_config client = { .role = PEER_CLIENT, .identity = w->client_identity };
    client.ice.local = theirs;
    client.ice.remote = config->local;
    assert_int_equal(dtls_fingerprint_set(&client.fingerprint, bytes_str("sha-256"),
                                          dtls_identity_fingerprint(w->server_identity)),
                     OK);
    assert_int_equal(peer_new(&w->client, &client, clock_mono()), OK);
    assert_int_equal(peer_add_candidate(w->client, media_loop_local(w->media), 1, clock_mono()),
                     OK);
    media_loop_open_session(w->media, config);
}

static void connect_client(struct world *w)
{
    for (usec_t end = clock_mono() + PATIENCE; !w->connected && clock_mono() < end;)
        client_turn(w);
    assert_true(w->connected);
}

static void send_media_until(struct world *w, const unsigned *what)
{
    static const uint8_t opus[] = { 0xf8, 0xff, 0xfe }; /* 20 ms of silence */
    static const uint8_t sps[] = { 0x67, 0x42, 0xc0, 0x0a, 0xda, 0x79, 0xe0 };
    uint32_t t = 0;
    for (usec_t end = clock_mono() + PATIENCE; !heard(w, what) && clock_mono() < end; t++) {
        send_rtp(w, OPUS_TYPE, 1, t * 960, bytes_of(opus, sizeof opus));
        send_rtp(w, H264_TYPE, 2, t * 3000, bytes_of(sps, sizeof sps));
        client_turn(w);
    }
    assert_true(heard(w, what) > 0);
}

struct look {
    struct world *world;
    uint64_t id;
    bool there, audio, video;
};

static void look_up(void *ctx)
{
    struct look *look = ctx;
    struct session *s = media_loop_session(look->world->media, look->id);
    look->there = s != NULL;
    look->audio = s && session_track(s, MEDIA_AUDIO);
    look->video = s && session_track(s, MEDIA_VIDEO);
}

static struct look look_at(struct world *w, uint64_t id)
{
    struct look look = { .world = w, .id = id };
    loop_call(media_loop_thread(w->media), look_up, &look);
    return look;
}

static void wait_ended(struct world *w)
{
    for (usec_t end = clock_mono() + PATIENCE; !heard(w, &w->ended) && clock_mono() < end;)
        client_turn(w);
    assert_int_equal(heard(w, &w->ended), 1);
}

/* --- tests --- */

static void media_arrives_and_the_publisher_leaves(void **state)
{
    struct world *w = *state;
    uint8_t noise[200] = { 0x80 };
    open_session(w, 7);
    send_to_server(w, bytes_of(noise, sizeof noise)); /* from nobody yet: dropped */
    send_to_server(w, bytes_of(noise, 0));
    connect_client(w);
    send_media_until(w, &w->audio_live);
    struct look look = look_at(w, 7);
    assert_true(look.there && look.audio && look.video);
    peer_close(w->client);
    wait_ended(w);
    assert_int_equal(w->end, SESSION_CLOSED_PEER);
    assert_false(look_at(w, 7).there);
}

static void the_control_loop_closes(void **state)
{
    struct world *w = *state;
    open_session(w, 8);
    connect_client(w);
    media_loop_close_session(w->media, 8);
    media_loop_close_session(w->media, 99); /* unknown: nothing happens */
    wait_ended(w);
    assert_int_equal(w->end, SESSION_CLOSED);
    for (usec_t end = clock_mono() + PATIENCE; !w->closed && clock_mono() < end;)
        client_turn(w);
    assert_true(w->closed); /* it was told by close_notify */
}

static void the_same_number_twice_fails(void **state)
{
    struct world *w = *state;
    open_session(w, 9);
    struct peer *first = w->client;
    open_session(w, 9);
    wait_ended(w);
    assert_int_equal(w->end, SESSION_FAILED);
    assert_true(look_at(w, 9).there);
    peer_free(first);
}

static void stopping_with_an_open_session(void **state)
{
    struct world *w = *state;
    open_session(w, 10);
    connect_client(w);
    send_media_until(w, &w->audio_live);
}

/* Holds the control loop up until it is opened. */
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

static void an_event_may_come_after_the_stop(void **state)
{
    struct world *w = *state;
    struct gate gate = { .message.run = gate_run };
    uv_sem_init(&gate.reached, 0);
    uv_sem_init(&gate.open, 0);
    assert_true(loop_post(w->control, &gate.message));
    uv_sem_wait(&gate.reached);
    open_session(w, 12);
    struct peer *first = w->client;
    open_session(w, 12); /* fails, which is told */
    media_loop_stop(w->media);
    w->media = NULL;
    uv_sem_post(&gate.open);
    for (usec_t end = clock_mono() + PATIENCE; !heard(w, &w->ended) && clock_mono() < end;)
        sched_yield();
    assert_int_equal(heard(w, &w->ended), 1);
    peer_free(first);
    uv_sem_destroy(&gate.reached);
    uv_sem_destroy(&gate.open);
}

/* --- what is counted --- */

/* Until the numbers hold what is asked for. */
static struct media_stats wait_counted(struct world *w, uint64_t forged, uint64_t nobodys)
{
    struct media_stats s = { 0 };
    const struct receiver_stats *audio = &s.sessions.received[MEDIA_AUDIO];
    const struct receiver_stats *video = &s.sessions.received[MEDIA_VIDEO];
    for (usec_t end = clock_mono() + PATIENCE; clock_mono() < end;) {
        client_turn(w);
        media_loop_stats(w->media, &s);
        if (s.sessions.peer.not_authentic == forged && s.nobodys >= nobodys && audio->frames &&
            audio->packets && video->packets)
            return s;
    }
    fail_msg("%llu forged, %llu nobody's", (unsigned long long)s.sessions.peer.not_authentic,
             (unsigned long long)s.nobodys);
    return s;
}

static void numbers_outlive_their_session(void **state)
{
    struct world *w = *state;
    uint8_t forged[200] = { 0x80, OPUS_TYPE };
    open_session(w, 11);
    send_to_server(w, bytes_of(forged, sizeof forged)); /* before the first check: nobody's */
    send_to_server(w, bytes_of(forged, sizeof forged));
    connect_client(w);
    send_media_until(w, &w->audio_live);
    for (int i = 0; i < 3; i++)
        send_to_server(w, bytes_of(forged, sizeof forged));
    struct media_stats before = wait_counted(w, 3, 2);
    assert_true(before.udp.received >= before.sessions.peer.rtp + 5 && before.udp.sent > 0);

    media_loop_close_session(w->media, 11);
    wait_ended(w);
    send_to_server(w, bytes_of(forged, sizeof forged)); /* nobody's again */
    struct media_stats after = wait_counted(w, 3, before.nobodys + 1);
    assert_true(after.sessions.peer.rtp >= before.sessions.peer.rtp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(media_arrives_and_the_publisher_leaves, start, stop),
        cmocka_unit_test_setup_teardown(the_control_loop_closes, start, stop),
        cmocka_unit_test_setup_teardown(the_same_number_twice_fails, start, stop),
        cmocka_unit_test_setup_teardown(stopping_with_an_open_session, start, stop),
        cmocka_unit_test_setup_teardown(an_event_may_come_after_the_stop, start, stop),
        cmocka_unit_test_setup_teardown(numbers_outlive_their_session, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
