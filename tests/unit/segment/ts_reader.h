/* Reads a transport stream back, by the standard and not by our writer: checks sync bytes,
 * continuity, table CRCs, and collects the PES packets and clock references. */
#ifndef TEST_TS_READER_H
#define TEST_TS_READER_H

#include "base/buf.h"

struct ts_pes {
    unsigned pid;
    int64_t pts; /* 33 bits as written */
    bool random_access;
    struct buf payload;
};

#define READER_PES 100000

struct ts_reader {
    int cc[8192];                                    /* -1: none yet */
    unsigned pmt_pid, pcr_pid, video_pid, audio_pid; /* 0: none */
    unsigned pmt_version;
    struct ts_pes *pes;
    unsigned count;
    int64_t pcr, max_pcr_step; /* last, -1 before; largest distance between two */
};

void ts_reader_init(struct ts_reader *r);
void ts_reader_fini(struct ts_reader *r);

/* One segment. Asserts that it begins with PAT and PMT. Continuity goes on from the one before. */
void ts_reader_segment(struct ts_reader *r, struct bytes ts);

/* The tables and counters stay, the PES packets are forgotten. */
void ts_reader_forget(struct ts_reader *r);

#endif
