#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "media/h264.h"

uint32_t random_next(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (uint32_t)(r->state >> 16);
}

uint32_t random_below(struct random *r, uint32_t limit)
{
    return random_next(r) % limit;
}

bool random_chance(struct random *r, unsigned percent)
{
    return random_below(r, 100) < percent;
}

uint64_t test_seed(uint64_t fallback)
{
    const char *text = getenv("TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : fallback;
    printf("TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed ? seed : 1;
}

const uint8_t kit_sps[] = { 0x67, 0x42, 0xc0, 0x16, 0xd9, 0x00, 0xa0, 0x2f, 0xf9,
                            0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00,
                            0x03, 0x00, 0x1e, 0x0f, 0x16, 0x2e, 0x48 };
const uint8_t kit_pps[] = { 0x68, 0xcb, 0x83, 0xcb, 0x20 };
const size_t kit_sps_size = sizeof kit_sps, kit_pps_size = sizeof kit_pps;

void kit_nal(struct random *rnd, struct buf *frame, unsigned type, size_t size, bool first)
{
    buf_put_u32(frame, (uint32_t)size);
    buf_put_u8(frame, (uint8_t)(0x60 | type));
    for (size_t i = 1; i < size; i++)
        buf_put_u8(frame, (uint8_t)(i > 1   ? random_next(rnd) | 1
                                    : first ? random_next(rnd) | 0x80
                                            : 0x40));
}

static void put_set(struct buf *frame, const uint8_t *set, size_t size)
{
    buf_put_u32(frame, (uint32_t)size);
    buf_put(frame, set, size);
}

void kit_frame(struct random *rnd, struct buf *frame, bool key, size_t max_nal)
{
    if (key) {
        put_set(frame, kit_sps, kit_sps_size);
        put_set(frame, kit_pps, kit_pps_size);
    }
    if (random_chance(rnd, 20))
        kit_nal(rnd, frame, H264_SEI, 2 + random_below(rnd, 40), false);
    unsigned slices = 1 + random_below(rnd, 3);
    for (unsigned i = 0; i < slices; i++)
        kit_nal(rnd, frame, key ? H264_IDR : H264_SLICE, 2 + random_below(rnd, (uint32_t)max_nal),
                i == 0);
}

struct sent *sent_add(struct sent_list *list)
{
    if (list->count == list->size) {
        list->size = list->size ? 2 * list->size : 64;
        list->item = realloc(list->item, list->size * sizeof *list->item);
        if (!list->item)
            abort();
    }
    struct sent *s = &list->item[list->count++];
    memset(s, 0, sizeof *s);
    return s;
}

void sent_free(struct sent_list *list)
{
    free(list->item);
    *list = (struct sent_list){ 0 };
}

static void emit(struct packetizer *p, struct bytes payload, uint32_t timestamp,
                 struct sent_list *out)
{
    struct rtp_packet packet = { .payload_type = p->payload_type,
                                 .seq = p->seq++,
                                 .timestamp = timestamp,
                                 .ssrc = p->ssrc,
                                 .payload = payload };
    struct sent *s = sent_add(out);
    struct writer w = writer_of(s->data, sizeof s->data);
    rtp_write(&w, &packet);
    s->len = writer_len(&w);
}

static void emit_fu_a(struct packetizer *p, struct bytes nal, uint32_t timestamp,
                      struct sent_list *out)
{
    uint8_t payload[RTP_MAX_PACKET];
    payload[0] = (uint8_t)((nal.ptr[0] & 0xe0) | 28);
    for (size_t at = 1; at < nal.len;) {
        size_t len = nal.len - at < p->mtu - 2 ? nal.len - at : p->mtu - 2;
        payload[1] = (uint8_t)((nal.ptr[0] & 0x1f) | (at == 1 ? 0x80 : 0) |
                               (at + len == nal.len ? 0x40 : 0));
        memcpy(payload + 2, nal.ptr + at, len);
        emit(p, bytes_of(payload, len + 2), timestamp, out);
        at += len;
    }
}

/* Puts `nal` and as many of its followers as fit into one STAP-A. */
static void emit_stap_a(struct packetizer *p, struct bytes nal, struct reader *units,
                        uint32_t timestamp, struct sent_list *out)
{
    uint8_t payload[RTP_MAX_PACKET];
    struct writer w = writer_of(payload, p->mtu);
    write_u8(&w, 24 | 0x60);
    for (;;) {
        write_u16(&w, (uint16_t)nal.len);
        write_bytes(&w, nal);
        struct reader ahead = *units;
        if (!h264_next(&ahead, &nal) || nal.len + 2 > (size_t)(w.end - w.pos))
            break;
        *units = ahead;
    }
    emit(p, bytes_of(payload, writer_len(&w)), timestamp, out);
}

void packetize_h264(struct packetizer *p, struct bytes frame, uint32_t timestamp,
                    struct sent_list *out)
{
    struct reader units = reader_of(frame);
    for (struct bytes nal; h264_next(&units, &nal);) {
        if (nal.len > p->mtu)
            emit_fu_a(p, nal, timestamp, out);
        else if (nal.len + 3 <= p->mtu && random_chance(p->rnd, 50))
            emit_stap_a(p, nal, &units, timestamp, out);
        else
            emit(p, nal, timestamp, out);
    }
    out->item[out->count - 1].data[1] |= 0x80;
}

void packetize_opus(struct packetizer *p, struct bytes packet, uint32_t timestamp,
                    struct sent_list *out)
{
    emit(p, packet, timestamp, out);
}
