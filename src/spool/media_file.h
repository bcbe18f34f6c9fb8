/* Makes a media file whole: NAME from its body NAME.part and its journal NAME.idx
 * (segment/media_journal.h), at the end of the recording, after a crash too. Afterwards NAME is
 * durable and plays from its start, and NAME.idx is a short journal: header and summary.
 *
 * MP4: the front (ftyp, moov, the header of mdat) is put before the body, by inserting a range
 * where the file system can, otherwise in a copy. ADTS: the body is the file.
 *
 * The steps, each durable before the next; at any of them it may be killed, and is then simply
 * called again:
 *   1  the journal is cut behind its last good record, the body behind its last whole sample
 *   2  inserting: the journal says so (PLACED), then the range goes in      copying: NAME.new.part
 *   3  the front is written, synced, and the file renamed to NAME
 *   4  the short journal replaces the long one
 * What a sample lacks to be whole is cut with all that comes after it. A power cut in the moment of
 * the insertion itself is the file system's affair.
 *
 * Blocks for as long as that takes; any thread, one at a time for one file. */
#ifndef SPOOL_MEDIA_FILE_H
#define SPOOL_MEDIA_FILE_H

#include "segment/media_journal.h"

struct media_file_summary {
    enum media_format format;
    enum media_fill fill;
    unsigned part;
    char user[JOURNAL_MAX_TEXT + 1], media[JOURNAL_MAX_TEXT + 1];
    struct journal_summary sum;
};

/* OK: it is whole, now or already. ERR_NOT_FOUND: there is no journal, or it has no whole sample
 * that could be shown, and then what there was is removed. ERR_MALFORMED, ERR_UNSUPPORTED: the
 * journal cannot be read from its header on; ERR_BAD_STATE: body and journal do not belong
 * together; all stays as it is. ERR_IO, ERR_NOMEM: call again. */
int media_file_finish(int dir, const char *name, struct media_file_summary *out);

/* What the short journal of a finished file says, whether NAME is still there or not.
 * ERR_NOT_FOUND: no journal; ERR_BAD_STATE: not finished yet; ERR_MALFORMED, ERR_UNSUPPORTED,
 * ERR_IO, ERR_NOMEM. */
int media_file_summary_read(int dir, const char *name, struct media_file_summary *out);

#endif
