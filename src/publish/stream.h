/* One outgoing RTP stream: frames become sealed packets, which are kept for a while in case they
 * are asked for again; sender reports. Belongs to a publisher; the loop's thread. */
#ifndef PUBLISH_STREAM_H
#define PUBLISH_STREAM_H

#include "io/udp.h"
#include "media/frame.h"
#include "rtp/rtcp.h"
#include "session/peer.h"

#define STREAM_MTU 1200 /* bytes of an RTP packet before it is sealed */

/* Packets that can be sent again; a second or two of video at some Mbit/s. */
#define STREAM_KEPT_VIDEO 256
#define STREAM_KEPT_AUDIO 64

/* Where packets leave; both outlive the stream's calls. */
struct outlet {
    struct peer *peer;
    struct udp *udp;
};

struct sent_packet;

struct stream {
    enum media_kind kind;
    uint8_t payload_type;
    uint32_t ssrc, clock, first_timestamp;
    uint16_t seq;
    struct sent_packet *kept; /* by sequence number */
    unsigned kept_count;
    uint64_t frames, packets, octets; /* as sender reports count them: without repeats */
    uint64_t resent;
    usec_t report_due; /* USEC_UNSET: nothing was sent yet */

    uint64_t number; /* of the next frame on the tape */
    bool over;       /* nothing more will be sent */
};

int stream_init(struct stream *s, enum media_kind kind, uint8_t payload_type, uint32_t ssrc);
void stream_fini(struct stream *s);

/* Sends a frame that begins at `time` of the media's clock. What the peer refuses to seal counts as
 * lost on the way. ERR_MALFORMED: no such frame. */
int stream_send(struct stream *s, const struct frame *f, usec_t time, struct outlet out);

/* Sends that packet again; false: not kept any more. */
bool stream_resend(struct stream *s, uint16_t seq, struct outlet out);

/* A sender report, if one is due. `wall` and `media` are the same moment on the server clock and on
 * the media's. */
void stream_report(struct stream *s, const char *cname, usec_t wall, usec_t media, usec_t now,
                   struct outlet out);

#endif
