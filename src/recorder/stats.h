/* What all recordings of the daemon have written and missed, for metrics. Added to by the control
 * loop and by media loops, never for each packet. All zero is a good start. */
#ifndef RECORDER_STATS_H
#define RECORDER_STATS_H

#include "observe/counter.h"
#include "segment/hls_writer.h"

#define RECORDER_GAPS  (HLS_GAP_DAMAGE + 1)
#define RECORDER_TYPES (NAMES_AUDIO_VIDEO + 1)

struct recorder_stats {
    /* By enum names_type: files that are whole on the disk, playlists not among them. */
    struct counter segments[RECORDER_TYPES], bytes[RECORDER_TYPES];

    /* By enum hls_gap. */
    struct counter gaps[RECORDER_GAPS];
    struct counter missing[RECORDER_GAPS]; /* microseconds */

    /* Frames; see struct hls_stats. */
    struct counter written, waiting, late, broken;
};

#endif
