/* Inside the index: for its files only.
 *   index    the movie: sizes, ftyp, moov and its headers, edits
 *   entries  stsd: how samples are coded
 *   tables   the other tables of stbl, each from one reading of the journal */
#ifndef SEGMENT_MP4_PARTS_H
#define SEGMENT_MP4_PARTS_H

#include "segment/mp4/index.h"

/* One track's part in the work. */
struct mp4_job {
    struct box_out *out;
    const struct media_scan *scan;
    struct journal_source *journal;
    uint64_t base;   /* where the body begins in the file */
    bool wide;       /* offsets of 64 bits */
    bool sizes_only; /* tables are counted, not written */
};

int mp4_put_stsd(struct mp4_job *job, unsigned track);
int mp4_put_tables(struct mp4_job *job, unsigned track);

#endif
