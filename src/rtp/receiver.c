#include "rtp/receiver.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "rtp/depack_h264.h"
#include "rtp/depack_opus.h"
#include "rtp/key_request.h"
#include "rtp/order.h"
#include "rtp/packet.h"
#include "rtp/stats.h"
#include "rtp/unwrap.h"

#define MAX_TURNS ((int64_t)1 << 24) /* of 2^32 time stamps; then they begin at 0 */

/* Another SSRC with our payload type. Believed when two of its packets follow each other; both are
 * kept for that. */
struct takeover {
    uint32_t ssrc;
    unsigned count, given;
    uint16_t seq; /* of the newest */
    struct {
        usec_t arrival;
        size_t len;
        uint8_t data[RTP_MAX_PACKET];
    } packet[2];
};

struct receiver {
    struct receiver_config config;
    bool started;
    uint32_t ssrc;
    usec_t now; /* the newest time that was passed in */
    struct order *order;
    struct depack_h264 *video; /* NULL for audio */
    struct frame *audio;       /* the one ready frame, for audio */
    struct rtp_stats reception;
    struct key_request_state key;
    int64_t rtp;  /* unwrapped time stamp of the newest packet in order */
    bool new_rtp; /* the next time stamp begins a new count */
    bool restart; /* the next frame has to say so */
    struct takeover *takeover;
    struct receiver_stats stats;
};

int receiver_new(struct receiver **out, const struct receiver_config *config)
{
    if (config->codec != CODEC_H264 && config->codec != CODEC_OPUS)
        return ERR_UNSUPPORTED;
    struct receiver *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    bool video = config->codec == CODEC_H264;
    r->config = *config;
    r->ssrc = config->ssrc;
    usec_t window = video ? RECEIVER_WINDOW_VIDEO : RECEIVER_WINDOW_AUDIO;
    r->order = order_new(
        &(struct order_config){ .window = config->window ? config->window : window,
                                .nack = config->nack,
                                .settle = config->settle ? config->settle : RECEIVER_SETTLE });
    r->video = video ? depack_h264_new() : NULL;
    key_request_init(&r->key, config->key_interval);
    if (!r->order || (video && !r->video)) {
        receiver_free(r);
        return ERR_NOMEM;
    }
    *out = r;
    return OK;
}

void receiver_free(struct receiver *r)
{
    if (!r)
        return;
    order_free(r->order);
    depack_h264_free(r->video);
    frame_unref(r->audio);
    free(r->takeover);
    free(r);
}

int receiver_sprop(struct receiver *r, struct bytes sprop)
{
    return r->video ? depack_h264_sprop(r->video, sprop) : ERR_UNSUPPORTED;
}

/* The source begins again: its time stamps go on further than any real gap could take them, so that
 * nobody mistakes the new ones for a continuation. */
static void begin_again(struct receiver *r)
{
    int64_t turn = (r->rtp >> 32) + 2;
    r->rtp = (turn < MAX_TURNS ? turn : 0) * ((int64_t)1 << 32);
    r->new_rtp = r->restart = true;
    r->stats.restarts++;
    if (r->video)
        depack_h264_reset(r->video);
}

static void depack_audio(struct receiver *r, const struct rtp_packet *p, usec_t arrival)
{
    if (p->payload.len == 0)
        return;
    if (depack_opus(p->payload, r->rtp, arrival, &r->audio)) {
        r->stats.malformed++;
        r->stats.dropped++;
        return;
    }
    r->stats.frames++;
}

/* A packet whose turn has come. */
static void depack(struct receiver *r, const struct rtp_packet *p, usec_t arrival, bool lost)
{
    r->rtp = r->new_rtp ? r->rtp + p->timestamp : unwrap_u32(r->rtp, p->timestamp);
    r->new_rtp = false;
    if (r->video)
        depack_h264_push(r->video, p, r->rtp, arrival, lost);
    else
        depack_audio(r, p, arrival);
}

static void start(struct receiver *r, const struct rtp_packet *p)
{
    r->started = true;
    r->ssrc = p->ssrc;
    r->rtp = p->timestamp;
    rtp_stats_init(&r->reception, p->ssrc, codec_clock_rate(r->config.codec));
}

static void take_in(struct receiver *r, const struct rtp_packet *p, struct bytes whole,
                    usec_t arrival)
{
    r->stats.packets++;
    r->stats.bytes += p->payload.len;
    rtp_stats_packet(&r->reception, p->seq, p->timestamp, arrival);
    key_request_packet(&r->key, arrival);
    if (order_push(r->order, p->seq, whole, arrival) == ORDER_NEXT)
        depack(r, p, arrival, false);
}

/* Keeps a packet of another SSRC; the second in a row will make it ours, once the old one is
 * drained. */
static void consider(struct receiver *r, const struct rtp_packet *p, struct bytes whole,
                     usec_t arrival)
{
    if (!r->takeover)
        r->takeover = calloc(1, sizeof *r->takeover);
    struct takeover *t = r->takeover;
    if (!t || t->count == 2) {
        r->stats.foreign++;
        return;
    }
    if (t->count == 1 && (t->ssrc != p->ssrc || (uint16_t)(t->seq + 1) != p->seq)) {
        t->count = 0;
        r->stats.foreign++;
    }
    t->ssrc = p->ssrc;
    t->seq = p->seq;
    t->packet[t->count].arrival = arrival;
    t->packet[t->count].len = whole.len;
    memcpy(t->packet[t->count].data, whole.ptr, whole.len);
    if (++t->count == 2)
        order_flush(r->order);
}

int receiver_push(struct receiver *r, const uint8_t *packet, size_t len, usec_t arrival)
{
    assert(!r->audio && "pull until NULL after each push");
    struct rtp_packet p;
    struct bytes whole = bytes_of(packet, len);
    int err = rtp_parse(&p, whole);
    if (err) {
        r->stats.malformed++;
        return err;
    }
    if (p.payload_type != r->config.payload_type) {
        r->stats.foreign++;
        return ERR_UNSUPPORTED;
    }
    if (arrival > r->now)
        r->now = arrival;
    if (!r->started)
        start(r, &p);
    if (p.ssrc == r->ssrc)
        take_in(r, &p, whole, r->now);
    else
        consider(r, &p, whole, r->now);
    return OK;
}

/* The old source is drained: the packets that wait are the new one's first, one a call. False:
 * there are none. */
static bool switch_source(struct receiver *r)
{
    struct takeover *t = r->takeover;
    if (!t || t->count < 2)
        return false;
    if (t->given == 0) {
        begin_again(r);
        r->ssrc = t->ssrc;
        rtp_stats_init(&r->reception, t->ssrc, codec_clock_rate(r->config.codec));
    }
    struct rtp_packet p;
    struct bytes whole = bytes_of(t->packet[t->given].data, t->packet[t->given].len);
    if (!rtp_parse(&p, whole))
        take_in(r, &p, whole, t->packet[t->given].arrival);
    if (++t->given == 2) {
        r->takeover = NULL;
        free(t);
    }
    return true;
}

static struct frame *depacked(struct receiver *r)
{
    struct frame *f = r->video ? depack_h264_pull(r->video) : r->audio;
    r->audio = NULL;
    if (r->video)
        r->key.damaged = depack_h264_damaged(r->video);
    if (!f)
        return NULL;
    f->discontinuity = r->restart;
    r->restart = false;
    key_request_frame(&r->key, f->key);
    return f;
}

static bool next_in_order(struct receiver *r)
{
    struct order_item item;
    if (!order_pull(r->order, r->now, &item))
        return false;
    struct rtp_packet p;
    if (item.restart)
        begin_again(r);
    if (!rtp_parse(&p, item.packet))
        depack(r, &p, item.arrival, item.lost > 0);
    return true;
}

struct frame *receiver_pull(struct receiver *r)
{
    for (;;) {
        struct frame *f = depacked(r);
        if (f)
            return f;
        if (!next_in_order(r) && !switch_source(r))
            return NULL;
    }
}

usec_t receiver_deadline(const struct receiver *r)
{
    return order_deadline(r->order);
}

void receiver_tick(struct receiver *r, usec_t now)
{
    if (now > r->now)
        r->now = now;
}

void receiver_report_in(struct receiver *r, const struct rtcp_sr *sr, usec_t arrival)
{
    if (sr->ssrc == r->ssrc)
        rtp_stats_sr(&r->reception, sr->ntp, arrival);
}

void receiver_request_key(struct receiver *r)
{
    r->key.wanted = true;
}

void receiver_set_watched(struct receiver *r, bool watched)
{
    r->key.watched = watched;
}

void receiver_set_rtt(struct receiver *r, usec_t rtt)
{
    order_set_rtt(r->order, rtt);
}

uint32_t receiver_ssrc(const struct receiver *r)
{
    return r->ssrc;
}

const struct h264_params *receiver_params(const struct receiver *r)
{
    return r->video ? depack_h264_params(r->video) : NULL;
}

void receiver_get_stats(const struct receiver *r, struct receiver_stats *out)
{
    *out = r->stats;
    struct order_stats order;
    order_get_stats(r->order, &order);
    out->lost = order.lost;
    out->recovered = order.recovered;
    out->reordered = order.reordered;
    out->duplicates = order.duplicates;
    out->nacks = order.nacks;
    out->plis = r->stats.plis;
    out->jitter = rtp_stats_jitter(&r->reception);
    if (!r->video)
        return;
    struct depack_h264_stats video;
    depack_h264_get_stats(r->video, &video);
    out->frames = video.frames;
    out->keys = video.keys;
    out->damaged = video.damaged;
    out->dropped = video.dropped;
    out->malformed += video.malformed;
}

static bool asks_for_keys(const struct receiver *r)
{
    return r->video && (r->config.pli || r->config.fir);
}

usec_t receiver_feedback_deadline(const struct receiver *r)
{
    usec_t nack = order_nack_deadline(r->order);
    usec_t key = asks_for_keys(r) ? key_request_deadline(&r->key) : USEC_NEVER;
    return nack < key ? nack : key;
}

bool receiver_block(struct receiver *r, usec_t now, struct rtcp_block *out)
{
    return r->started && rtp_stats_report(&r->reception, now, out);
}

size_t receiver_nacks(struct receiver *r, usec_t now, uint16_t *out, size_t max)
{
    return order_nacks(r->order, now, out, max);
}

enum key_request receiver_key_request(struct receiver *r, usec_t now)
{
    if (!asks_for_keys(r) || !key_request_due(&r->key, now))
        return KEY_NONE;
    return r->config.pli ? KEY_PLI : KEY_FIR;
}

uint8_t receiver_key_asked(struct receiver *r, usec_t now)
{
    r->stats.plis++;
    key_request_sent(&r->key, now);
    return r->key.count;
}
