/* What a packet costs from decryption to frame: 1200-byte H.264 packets through receiver_push and
 * receiver_pull, for one stream and for many in turn, in order and with 1 % lost and sent again.
 * Prints nanoseconds a packet. */
#include <stdio.h>
#include <stdlib.h>

#include "rtp/packet.h"
#include "rtp/receiver.h"

#define PACKET_SIZE 1200
#define PER_FRAME   6 /* packets: 1.5 Mbit/s at 25 pictures a second and a little more */
#define PACKETS     2000000
#define MAX_STREAMS 1000

struct source {
    struct receiver *receiver;
    uint16_t seq;
    uint32_t timestamp;
    unsigned part;     /* of the frame */
    size_t missed_len; /* a lost packet that comes later */
    uint8_t missed[PACKET_SIZE];
};

static struct source sources[MAX_STREAMS];
static uint64_t frames;

/* The next packet: a slice in FU-A fragments, the key frame first and then every 50th. */
static void make(struct source *s, uint8_t packet[PACKET_SIZE])
{
    static const uint8_t sets[] = { 0x78, 0,    25,   0x67, 0x42, 0xc0, 0x16, 0xd9, 0,   0xa0,
                                    0x2f, 0xf9, 0x70, 0x11, 0,    0,    3,    0,    1,   0,
                                    0,    3,    0,    0x1e, 0x0f, 0x16, 0x2e, 0x48, 0,   5,
                                    0x68, 0xcb, 0x83, 0xcb, 0x20, 0,    2,    0x06, 0x80 };
    uint8_t payload[PACKET_SIZE - RTP_HEADER_SIZE] = { 0x7c, 0x05, 0x88 };
    bool last = s->part == PER_FRAME - 1;
    if (s->part == 0)
        memcpy(payload, sets, sizeof sets);
    else
        payload[1] = (uint8_t)(5 | (s->part == 1 ? 0x80 : 0) | (last ? 0x40 : 0));
    struct rtp_packet p = { .marker = last,
                            .payload_type = 96,
                            .seq = s->seq++,
                            .timestamp = s->timestamp,
                            .ssrc = 1,
                            .payload = bytes_of(payload, s->part ? sizeof payload : sizeof sets) };
    p.padding = s->part ? 0 : (uint8_t)200;
    struct writer w = writer_of(packet, PACKET_SIZE);
    rtp_write(&w, &p);
    s->part = last ? 0 : s->part + 1;
    s->timestamp += last ? 3600 : 0;
}

static void feed(struct source *s, const uint8_t *packet, usec_t now)
{
    receiver_push(s->receiver, packet, PACKET_SIZE, now);
    for (struct frame *f; (f = receiver_pull(s->receiver)); frames++)
        frame_unref(f);
}

static void step(struct source *s, unsigned i, bool lossy, usec_t now)
{
    uint8_t packet[PACKET_SIZE] = { 0 };
    make(s, packet);
    if (lossy && i % 100 == 50) {
        memcpy(s->missed, packet, PACKET_SIZE);
        s->missed_len = PACKET_SIZE;
        return;
    }
    feed(s, packet, now);
    if (s->missed_len && i % 100 == 60) {
        feed(s, s->missed, now);
        s->missed_len = 0;
    }
}

static double run(unsigned streams, bool lossy, bool push)
{
    struct receiver_config config = {
        .codec = CODEC_H264, .payload_type = 96, .nack = true, .pli = true, .settle = -1
    };
    frames = 0;
    for (unsigned i = 0; i < streams; i++) {
        sources[i] = (struct source){ 0 };
        if (receiver_new(&sources[i].receiver, &config))
            exit(1);
    }
    usec_t from = clock_mono();
    for (unsigned i = 0; i < PACKETS / streams; i++)
        for (unsigned k = 0; k < streams; k++) {
            if (push) {
                step(&sources[k], i, lossy, i * 6 * MSEC);
            } else {
                uint8_t packet[PACKET_SIZE] = { 0 };
                make(&sources[k], packet);
            }
        }
    usec_t took = clock_mono() - from;
    for (unsigned i = 0; i < streams; i++)
        receiver_free(sources[i].receiver);
    return (double)took * 1000 / PACKETS;
}

int main(void)
{
    static const unsigned counts[] = { 1, 100, 1000 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double idle = run(counts[i], false, false); /* what making the packets costs */
        double plain = run(counts[i], false, true) - idle;
        uint64_t whole = frames;
        double lossy = run(counts[i], true, true) - idle;
        printf("%4u streams: %4.0f ns a packet in order (%llu frames), %4.0f ns with 1 %% sent "
               "again\n",
               counts[i], plain, (unsigned long long)whole, lossy);
    }
    return 0;
}
