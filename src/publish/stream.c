#include "publish/stream.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "rtp/pack_h264.h"
#include "rtp/pack_opus.h"
#include "rtp/packet.h"

#define REPORT_EVERY SEC
#define REPORT_SIZE  256
#define MAX_PAYLOAD  (STREAM_MTU - RTP_HEADER_SIZE)

struct sent_packet {
    uint16_t seq;
    size_t len; /* 0: nothing here */
    uint8_t data[STREAM_MTU + PEER_MAX_TRAILER];
};

int stream_init(struct stream *s, enum media_kind kind, uint8_t payload_type, uint32_t ssrc)
{
    *s = (struct stream){ .kind = kind,
                          .payload_type = payload_type,
                          .ssrc = ssrc,
                          .clock = kind == MEDIA_VIDEO ? 90000 : 48000,
                          .first_timestamp = random_u32(),
                          .seq = (uint16_t)(random_u32() & 0x7fff), /* RFC 3711, 3.3.1 */
                          .report_due = USEC_UNSET };
    s->kept_count = kind == MEDIA_VIDEO ? STREAM_KEPT_VIDEO : STREAM_KEPT_AUDIO;
    s->kept = calloc(s->kept_count, sizeof *s->kept);
    return s->kept ? OK : ERR_NOMEM;
}

void stream_fini(struct stream *s)
{
    free(s->kept);
    s->kept = NULL;
}

static uint32_t timestamp_of(const struct stream *s, usec_t time)
{
    int64_t ticks = (time * (int64_t)s->clock + SEC / 2) / SEC;
    return s->first_timestamp + (uint32_t)ticks;
}

static struct sent_packet *slot_of(struct stream *s, uint16_t seq)
{
    return &s->kept[seq % s->kept_count];
}

/* The payload of `len` bytes stands behind the header's place already. */
static void send_packet(struct stream *s, struct sent_packet *slot, size_t len, uint32_t timestamp,
                        bool marker, struct outlet out)
{
    struct rtp_packet head = { .marker = marker,
                               .payload_type = s->payload_type,
                               .seq = s->seq,
                               .timestamp = timestamp,
                               .ssrc = s->ssrc };
    struct writer w = writer_of(slot->data, RTP_HEADER_SIZE);
    rtp_write(&w, &head);
    slot->seq = s->seq++;
    slot->len = RTP_HEADER_SIZE + len;
    s->packets++;
    s->octets += len;
    if (peer_protect_rtp(out.peer, slot->data, &slot->len, sizeof slot->data) == OK)
        udp_send(out.udp, peer_remote(out.peer), bytes_of(slot->data, slot->len));
    else
        slot->len = 0;
}

static int send_video(struct stream *s, struct bytes frame, uint32_t timestamp, struct outlet out)
{
    struct pack_h264 pack;
    int err = pack_h264_begin(&pack, frame, MAX_PAYLOAD);
    for (;;) {
        struct sent_packet *slot = slot_of(s, s->seq);
        bool last;
        size_t len = err ? 0 : pack_h264_next(&pack, slot->data + RTP_HEADER_SIZE, &last);
        if (!len)
            return err;
        send_packet(s, slot, len, timestamp, last, out);
    }
}

static int send_audio(struct stream *s, struct bytes frame, uint32_t timestamp, struct outlet out)
{
    struct sent_packet *slot = slot_of(s, s->seq);
    size_t len;
    int err = pack_opus(frame, slot->data + RTP_HEADER_SIZE, MAX_PAYLOAD, &len);
    if (!err)
        send_packet(s, slot, len, timestamp, false, out);
    return err;
}

int stream_send(struct stream *s, const struct frame *f, usec_t time, struct outlet out)
{
    struct bytes data = bytes_of(f->data, f->size);
    uint32_t timestamp = timestamp_of(s, time);
    s->frames++;
    return s->kind == MEDIA_VIDEO ? send_video(s, data, timestamp, out)
                                  : send_audio(s, data, timestamp, out);
}

bool stream_resend(struct stream *s, uint16_t seq, struct outlet out)
{
    const struct sent_packet *slot = slot_of(s, seq);
    if (!slot->len || slot->seq != seq)
        return false;
    udp_send(out.udp, peer_remote(out.peer), bytes_of(slot->data, slot->len));
    s->resent++;
    return true;
}

static void send_rtcp(struct writer *w, uint8_t *block, size_t size, struct outlet out)
{
    size_t len = writer_len(w);
    if (!w->failed && peer_protect_rtcp(out.peer, block, &len, size) == OK)
        udp_send(out.udp, peer_remote(out.peer), bytes_of(block, len));
}

void stream_report(struct stream *s, const char *cname, usec_t wall, usec_t media, usec_t now,
                   struct outlet out)
{
    uint8_t block[REPORT_SIZE + PEER_MAX_TRAILER];
    struct writer w = writer_of(block, REPORT_SIZE);
    if (!s->packets || (s->report_due != USEC_UNSET && now < s->report_due))
        return;
    struct rtcp_sr sr = { .ssrc = s->ssrc,
                          .ntp = rtcp_usec_to_ntp(wall + RTCP_NTP_UNIX),
                          .rtp = timestamp_of(s, media),
                          .packets = (uint32_t)s->packets,
                          .octets = (uint32_t)s->octets };
    rtcp_write_sr(&w, &sr, NULL, 0);
    rtcp_write_cname(&w, s->ssrc, cname);
    send_rtcp(&w, block, sizeof block, out);
    s->report_due = now + REPORT_EVERY;
}
