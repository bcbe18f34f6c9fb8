/* Reads a transport stream of ours (segment/ts) that may be torn: how far it is whole, and what a
 * playlist must know of it. Whole are packets in their order up to the end of the last whole frame:
 * access units of video, ADTS frames of audio. What a crash leaves behind that (half a packet, half
 * a frame, zeros, an old block) is never counted in. Pure; bytes come in pieces of any size. */
#ifndef SEGMENT_TS_SCAN_H
#define SEGMENT_TS_SCAN_H

#include "media/h264_params.h"
#include "segment/ts.h"

#define TS_SCAN_PES_LIMIT (9u << 20) /* bytes of one frame */

struct ts_scan {
    struct scan_track {
        uint8_t cc; /* of the next packet with payload */
        bool begun; /* a packet has come */
        unsigned frames;
        int64_t first, last, end; /* ticks from `base`: first frame, last one, its end */
    } track[2];                   /* by enum ts_track */
    uint8_t packet[TS_PACKET];
    size_t have;             /* bytes of a packet that is not all there */
    uint64_t packets, whole; /* read, and whole so far */
    bool broken;             /* nothing counts any more */
    bool discontinuity;
    int64_t base; /* 33 bits: the first time stamp; -1 before */
    struct {
        struct buf bytes;
        bool open;
        enum ts_track track;
        size_t length; /* 0: not said */
    } pes;
    struct buf units; /* the first access unit, with lengths */
    struct h264_params params;
    unsigned channels;
};

void ts_scan_init(struct ts_scan *s);
void ts_scan_fini(struct ts_scan *s);
void ts_scan_feed(struct ts_scan *s, struct bytes bytes);

struct ts_summary {
    uint64_t bytes;          /* whole, from the start of the stream */
    bool discontinuity;      /* said at its beginning */
    int64_t start, duration; /* ticks; `start` has 33 bits */
    unsigned frames[2];      /* by enum ts_track */
    unsigned channels;       /* audio; 0: no frame of it */
    unsigned width, height;  /* video; 0: no frame of it */
};

/* A stream cut to `bytes` and read again gives the same once a null packet follows: the end of a
 * large access unit shows in what comes after it. ERR_NOT_FOUND: no frame that could be played is
 * whole, or it is no stream of ours. */
int ts_scan_end(struct ts_scan *s, struct ts_summary *out);

/* From one start (33 bits) to a later one, ticks. */
int64_t ts_distance(int64_t from, int64_t to);

#endif
