/* RTP packets through a receiver, video and audio at once. The input is a row of records: how many
 * milliseconds later, a 16-bit length, the packet. */
#include <stdlib.h>

#include "rtp/feedback.h"
#include "rtp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct rtp_packet *p)
{
    struct bytes value;
    for (unsigned id = 0; id < 256; id++)
        rtp_ext_find(p, (uint8_t)id, &value);
    uint8_t again[RTP_MAX_PACKET + 4];
    struct writer w = writer_of(again, sizeof again);
    rtp_write(&w, p);
    struct rtp_packet q;
    if (!w.failed && writer_len(&w) <= RTP_MAX_PACKET &&
        (rtp_parse(&q, bytes_of(again, writer_len(&w))) || q.seq != p->seq ||
         !bytes_equal(q.payload, p->payload)))
        abort();
}

static void pull(struct receiver *r, int64_t *last)
{
    for (struct frame *f; (f = receiver_pull(r)); frame_unref(f)) {
        if (f->discontinuity && f->rtp - *last < (int64_t)1 << 31 && *last)
            abort();
        *last = f->rtp;
    }
}

static void feed(enum codec codec, struct reader in)
{
    struct receiver_config config = {
        .codec = codec, .payload_type = 96, .nack = true, .pli = true, .key_interval = SEC
    };
    struct receiver *r;
    if (receiver_new(&r, &config))
        return;
    struct feedback feedback;
    feedback_init(&feedback, 1, "fuzz", true, NULL);
    feedback_add(&feedback, r, 0);
    uint8_t out[FEEDBACK_SIZE];
    usec_t now = 0;
    int64_t last = 0;
    while (reader_left(&in) && !in.failed) {
        now += read_u8(&in) * MSEC;
        size_t len = read_u16(&in);
        struct bytes packet = read_bytes(&in, len < reader_left(&in) ? len : reader_left(&in));
        struct rtp_packet p;
        if (!rtp_parse(&p, packet))
            look_up(&p);
        receiver_tick(r, now);
        pull(r, &last);
        receiver_push(r, packet.ptr, packet.len, now);
        pull(r, &last);
        while (feedback_write(&feedback, out, sizeof out, now))
            continue;
        if (feedback_deadline(&feedback) <= now || receiver_deadline(r) <= now)
            abort(); /* its owner would spin */
    }
    receiver_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed(CODEC_H264, reader_of(bytes_of(data, size)));
    feed(CODEC_OPUS, reader_of(bytes_of(data, size)));
    return 0;
}
