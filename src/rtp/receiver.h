/* One incoming stream: RTP packets in, whole frames out, in order, and what the sender must be
 * told.
 *
 *     packet -> stats -> order (reorder, NACK, give up) -> depack -> frame
 *
 * The owner pushes each packet (decrypted), then pulls frames until NULL; it calls receiver_tick()
 * when receiver_deadline() has passed, and pulls again. Feedback leaves through rtp/feedback.h.
 * Pure: no clock or thread of its own; belongs to one media loop. Times are monotonic. */
#ifndef RTP_RECEIVER_H
#define RTP_RECEIVER_H

#include "media/frame.h"
#include "media/h264_params.h"
#include "rtp/rtcp.h"

#define RECEIVER_WINDOW_AUDIO (120 * MSEC)
#define RECEIVER_WINDOW_VIDEO (400 * MSEC)
#define RECEIVER_SETTLE       (30 * MSEC)

struct receiver_config {
    enum codec codec;     /* CODEC_H264 or CODEC_OPUS */
    uint8_t payload_type; /* other types are dropped and counted */
    uint32_t ssrc;        /* 0: learnt from the first packet */
    bool nack, pli, fir;  /* what was negotiated; with both, PLI is sent */
    usec_t window;        /* how long a missing packet is waited for; 0: as above */
    usec_t settle; /* at the start packets are collected for so long: the first to come need not be
                      the first of the key frame. 0: RECEIVER_SETTLE; negative: not at all */
    usec_t key_interval; /* while watched, a key frame is asked for when none came for so long; 0:
                            never */
};

struct receiver_stats {
    uint64_t packets, bytes; /* of this stream, duplicates included; bytes of payload */
    uint64_t foreign;        /* other payload types, or an SSRC that was not believed */
    uint64_t malformed;      /* packets */
    uint64_t lost, recovered, reordered, duplicates, nacks; /* see rtp/order.h */
    uint64_t frames, keys, damaged, dropped; /* see rtp/depack_h264.h; audio: frames, dropped */
    uint64_t restarts;                       /* SSRC changes and jumps of the sequence number */
    uint64_t plis;                           /* key frames asked for */
    usec_t jitter;                           /* RFC 3550, 6.4.1 */
};

struct receiver;

/* ERR_UNSUPPORTED (codec), ERR_NOMEM. */
int receiver_new(struct receiver **out, const struct receiver_config *config);
void receiver_free(struct receiver *r); /* NULL is fine */

/* sprop-parameter-sets of the SDP, for video; see rtp/depack_h264.h. */
int receiver_sprop(struct receiver *r, struct bytes sprop);

/* Takes in one packet, borrowed for the call. All frames of earlier pushes and ticks have been
 * pulled. ERR_MALFORMED, ERR_LIMIT, ERR_UNSUPPORTED (payload type): dropped and counted, the stream
 * goes on. */
int receiver_push(struct receiver *r, const uint8_t *packet, size_t len, usec_t arrival);

/* The next whole frame, yours to frame_unref(). NULL: pull again after the next push or tick.
 * frame->discontinuity is set where the source began again (another SSRC, or a jump of the sequence
 * number); its `rtp` lies more than 2^32 further then. Plain loss does not set it: audio shows a
 * gap, video `damaged`. */
struct frame *receiver_pull(struct receiver *r);

/* When packets are given up, so that frames behind them become ready; USEC_NEVER. */
usec_t receiver_deadline(const struct receiver *r);
void receiver_tick(struct receiver *r, usec_t now);

/* A sender report for this stream's SSRC, for the delay fields of our reports. */
void receiver_report_in(struct receiver *r, const struct rtcp_sr *sr, usec_t arrival);

/* Video: a key frame is wanted now (a recording begins); asked for again until one comes. */
void receiver_request_key(struct receiver *r);

/* Somebody records: key_interval applies. */
void receiver_set_watched(struct receiver *r, bool watched);

void receiver_set_rtt(struct receiver *r, usec_t rtt);

uint32_t receiver_ssrc(const struct receiver *r);                    /* 0: not learnt yet */
const struct h264_params *receiver_params(const struct receiver *r); /* NULL for audio */
void receiver_get_stats(const struct receiver *r, struct receiver_stats *out);

/* For rtp/feedback.h.
 * ----------------------------------------------------------------------------------------- */

/* When a NACK or a key frame request is due; USEC_NEVER. */
usec_t receiver_feedback_deadline(const struct receiver *r);

bool receiver_block(struct receiver *r, usec_t now, struct rtcp_block *out); /* see rtp/stats.h */
size_t receiver_nacks(struct receiver *r, usec_t now, uint16_t *out, size_t max);

/* True when a key frame has to be asked for now: at most every 500 ms, slower when no key frame
 * answers. Counts as asked once receiver_key_asked() says so. */
enum key_request { KEY_NONE, KEY_PLI, KEY_FIR };
enum key_request receiver_key_request(struct receiver *r, usec_t now);
uint8_t receiver_key_asked(struct receiver *r, usec_t now); /* the FIR's command number */

#endif
