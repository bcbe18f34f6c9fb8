/* Sends a clip as plain RTP, for receivers that know neither WHIP nor SRTP: `streams` times sound
 * and picture to 127.0.0.1, stream n's sound to port `port` + 4n and its picture to `port` + 4n +
 * 2, without RTCP, for `seconds`. The same packets as `reeltime publish` makes.
 *
 *     bench_rtp_send CLIP PORT STREAMS SECONDS
 *
 * Prints how many packets and bytes of payload it sent. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/err.h"
#include "publish/clip.h"
#include "publish/stream.h"
#include "rtp/pack_h264.h"
#include "rtp/pack_opus.h"
#include "rtp/packet.h"

#define MAX_PAYLOAD (STREAM_MTU - RTP_HEADER_SIZE)
#define TICK        (2 * MSEC)

static int out;
static unsigned port, streams;
static uint16_t seq[2];
static uint64_t packets, bytes;

static void *play(void *arg)
{
    void **both = arg;
    clip_play(both[0], both[1]);
    return NULL;
}

static void send_to_all(enum media_kind kind, uint8_t *packet, size_t len)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct iovec data = { packet, RTP_HEADER_SIZE + len };
    for (unsigned n = 0; n < streams; n++) {
        to.sin_port = htons((uint16_t)(port + 4 * n + (kind == MEDIA_VIDEO ? 2 : 0)));
        struct msghdr m = {
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &data, .msg_iovlen = 1
        };
        packets += sendmsg(out, &m, 0) > 0;
        bytes += len;
    }
}

static void send_packet(enum media_kind kind, uint8_t *packet, size_t len, usec_t time, bool marker)
{
    bool video = kind == MEDIA_VIDEO;
    struct rtp_packet head = { .marker = marker,
                               .payload_type = video ? 96 : 97,
                               .seq = seq[kind]++,
                               .timestamp = (uint32_t)(time * (video ? 90 : 48) / 1000),
                               .ssrc = video ? 2 : 1 };
    struct writer w = writer_of(packet, RTP_HEADER_SIZE);
    rtp_write(&w, &head);
    send_to_all(kind, packet, len);
}

static void send_frame(const struct frame *f, enum media_kind kind, usec_t time)
{
    uint8_t packet[STREAM_MTU];
    struct bytes data = bytes_of(f->data, f->size);
    struct pack_h264 pack;
    bool last = false;
    size_t len;
    if (kind == MEDIA_AUDIO) {
        if (pack_opus(data, packet + RTP_HEADER_SIZE, MAX_PAYLOAD, &len) == OK)
            send_packet(kind, packet, len, time, false);
        return;
    }
    if (pack_h264_begin(&pack, data, MAX_PAYLOAD) != OK)
        return;
    while (!last && (len = pack_h264_next(&pack, packet + RTP_HEADER_SIZE, &last)))
        send_packet(kind, packet, len, time, last);
}

static void send_due(struct tape *tape, enum media_kind kind, uint64_t *number, usec_t until)
{
    struct tape_item item;
    while (tape_get(tape, kind, number, &item) == TAPE_ITEM) {
        bool due = item.time <= until;
        if (due) {
            send_frame(item.frame, kind, item.time);
            ++*number;
        }
        frame_unref(item.frame);
        if (!due)
            return;
    }
}

static void send_all(struct tape *tape, usec_t duration)
{
    struct timespec tick = { .tv_nsec = TICK * 1000 };
    uint64_t number[2] = { 0, 0 };
    usec_t start = clock_mono(), now = start;
    while (now - start < duration) {
        send_due(tape, MEDIA_AUDIO, &number[MEDIA_AUDIO], now - start);
        send_due(tape, MEDIA_VIDEO, &number[MEDIA_VIDEO], now - start);
        tape_release(tape, now - start - SEC);
        nanosleep(&tick, NULL);
        now = clock_mono();
    }
}

int main(int argc, char **argv)
{
    struct clip *clip;
    pthread_t thread;
    if (argc != 5) {
        fprintf(stderr, "usage: bench_rtp_send CLIP PORT STREAMS SECONDS\n");
        return 2;
    }
    port = (unsigned)strtoul(argv[2], NULL, 10);
    streams = (unsigned)strtoul(argv[3], NULL, 10);
    struct tape *tape = tape_new();
    if (!tape || clip_load(&clip, argv[1], true, true))
        return 1;
    void *both[] = { clip, tape };
    out = socket(AF_INET, SOCK_DGRAM, 0);
    if (out < 0 || pthread_create(&thread, NULL, play, both))
        return 1;
    if (tape_wait(tape, true, true, SEC) == OK)
        send_all(tape, (usec_t)strtoul(argv[4], NULL, 10) * SEC);
    tape_stop(tape);
    pthread_join(thread, NULL);
    clip_free(clip);
    tape_free(tape);
    printf("{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", packets, bytes);
    return 0;
}
