/* The front of an MP4 file, made from its journal: ftyp, moov, free and the header of mdat, behind
 * which the body follows as it is (ISO/IEC 14496-12; fast start). The order of work:
 *
 *     media_scan      one reading: what there is
 *     mp4_head_size   how large the front becomes; a multiple of `align`, padded with free
 *     mp4_head_write  the front; the journal is read once for each table of each track
 *
 * So memory does not grow with the length of the recording. Chunk offsets count from the file's
 * beginning; a front of the same size can be put before the same body at any time, or be uploaded
 * after it.
 *
 * Times: a track's samples keep their ticks. Where a track begins late, an empty edit stands before
 * it; what lies before the file's start, and AAC's run-in, is left out by the edit's media time.
 * Each parameter set has a sample entry, in order of appearance. Pure. */
#ifndef SEGMENT_MP4_INDEX_H
#define SEGMENT_MP4_INDEX_H

#include "segment/media_scan.h"
#include "segment/mp4/box.h"

#define MP4_ALIGN     4096
#define MP4_TIMESCALE 90000 /* of the movie: edits of both tracks are exact in it */

/* ERR_NOT_FOUND: nothing in it could be shown; ERR_IO ... from the journal. */
int mp4_head_size(uint64_t *size, const struct media_scan *scan, struct journal_source *journal,
                  uint64_t align);

/* Exactly `size` bytes, at least what mp4_head_size said with align 1 or that plus 8 or more.
 * ERR_LIMIT: it does not fit; the errors of `out` and the journal. */
int mp4_head_write(struct box_out *out, const struct media_scan *scan,
                   struct journal_source *journal, uint64_t size);

/* For a writer that must stay below a size: what the front takes at most for so many samples,
 * changes of a sample's duration, chunks and entries' config bytes. */
uint64_t mp4_head_bound(uint64_t samples, uint64_t time_runs, uint64_t chunks, uint64_t sync,
                        uint64_t config_bytes);

#endif
