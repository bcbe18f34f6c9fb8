/* The MP4 and AAC files of a task, as its spool folder shows them: NAME.idx tells of each, long
 * while the file is not finished, short afterwards (spool/media_file.h); it outlives NAME, which
 * goes with its upload, until event 310 is committed. So nothing of this needs the store. Inside
 * task/ only.
 *
 * The parts of one user and medium, and of one format, are a group: one event 310 tells of it
 * (callbacks.md 4). Calls block for small files; any thread. */
#ifndef TASK_MEDIA_H
#define TASK_MEDIA_H

#include "callback/body.h"
#include "segment/names.h"
#include "spool/media_file.h"
#include "spool/spool.h"

struct media_part {
    char name[NAMES_SIZE];
    size_t stem; /* length of what the names of a group have in common */
    bool whole;  /* finished; `summary` is set */
    bool waits;  /* NAME is there: not in the bucket yet */
    struct media_file_summary summary;
};

struct media_parts {
    struct media_part *items; /* groups one after the other, in order within each */
    size_t count;
    bool unfinished; /* some are not whole */
    bool others;     /* there are segments or playlists */
};

/* ERR_NOMEM, ERR_IO. */
int media_parts_read(struct media_parts *out, struct spool_folder *folder);
void media_parts_fini(struct media_parts *parts);

/* How many parts from `at` on are one group. */
size_t media_group(const struct media_parts *parts, size_t at);

/* Status of 310: 0 all are in the bucket, 1 some are left here, 2 none could be made. */
int media_group_status(const struct media_parts *parts, size_t at, size_t count);

/* The finished parts of a group as 310 lists them; `out` has room for `count`. Texts are borrowed
 * from the parts. How many. */
size_t media_group_files(const struct media_parts *parts, size_t at, size_t count,
                         struct callback_file *out);

/* Forgets the groups with Status 0: their NAME.idx go. */
void media_parts_forget(const struct media_parts *parts, struct spool_folder *folder);

/* Finishes what is not finished, after a crash or a failing disk. How many could not be; 0 when the
 * folder cannot be read either (logged). May take long. */
size_t media_finish_all(struct spool_folder *folder);

#endif
