/* A whole coded frame: one access unit of video or one packet of audio. Shared by reference between
 * a track and its writers; immutable once it is shared. The reference count is atomic, so frames
 * may cross threads. */
#ifndef MEDIA_FRAME_H
#define MEDIA_FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum codec { CODEC_NONE, CODEC_H264, CODEC_OPUS, CODEC_AAC };
enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };

/* The largest frame we take, bytes. A 1080p key frame at 8 Mbit/s is far below. */
#define FRAME_MAX_SIZE (4u << 20)

struct frame {
    _Atomic unsigned refs;
    enum codec codec;

    /* Video: decoding can start here (IDR with the parameter sets known). Audio: always true. */
    bool key;

    /* Complete itself, but follows a loss in its prediction chain. Video only: what audio lost is
     * a gap in time. */
    bool damaged;

    /* Right before this frame the source began again or the timeline stepped. Plain loss does not
     * set it. In derived AAC: a hole too long to be filled. */
    bool discontinuity;

    int64_t rtp;     /* unwrapped RTP time stamp, in units of the codec's clock rate */
    usec_t arrival;  /* monotonic time at which its first packet arrived */
    usec_t time;     /* start, Unix time of the server clock; USEC_UNSET before the timeline */
    usec_t duration; /* exact for audio; 0 when unknown (video) */

    /* H.264: NAL units, each after its length as a 32-bit number (ISO/IEC 14496-15); parameter sets
     * stay in band where the sender put them. Opus: the packet. AAC: raw data block without ADTS
     * header. FRAME_PADDING zero bytes follow. */
    size_t size;
    uint8_t data[];
};

#define FRAME_PADDING 64 /* what FFmpeg's decoders may read past the end */

/* One reference, the caller's; `size` bytes uninitialised, all else zero but `time` (USEC_UNSET).
 * NULL: no memory. */
struct frame *frame_new(enum codec codec, size_t size);
struct frame *frame_ref(struct frame *f); /* returns f */
void frame_unref(struct frame *f);        /* NULL is fine */

unsigned codec_clock_rate(enum codec codec); /* Hz; 90000, 48000; AAC here is always 48000 */
enum media_kind codec_kind(enum codec codec);

#endif
