/* The spool: what was recorded and is not yet safe in its bucket. One folder per task:
 *     ROOT/TASK_ID/task.json    what is needed to finish and deliver the task without the store
 *     ROOT/TASK_ID/X.ts.part    a file being written
 *     ROOT/TASK_ID/X.ts         a whole one, waiting for its upload; gone once acknowledged
 *     ROOT/TASK_ID/X.idx        beside X.part or X: the journal of an MP4 or AAC file
 *     ROOT/TASK_ID/X.m3u8       a playlist's newest version; stays until its last version is
 * acknowledged The folder is thus the upload queue, and a scan after a crash finds all there is to
 * do.
 *
 * Files arrive through spool/writer.h and leave through upload/uploader.h. The calls here block for
 * as long as a small synced write takes; any thread, one at a time for one task. Layout version:
 * SPOOL_SCHEMA in task.json. */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"

#define SPOOL_SCHEMA         1
#define SPOOL_META_NAME      "task.json"
#define SPOOL_JOURNAL_SUFFIX ".idx"
#define SPOOL_META_MAX       (256u << 10) /* bytes of task.json */

struct spool;
struct spool_folder; /* one task's, held open; shared by reference */

/* Makes `path` when missing (mode 0700) and takes it for this process. ERR_EXISTS: another process
 * has it; ERR_IO. */
int spool_open(struct spool **out, const char *path);
void spool_close(struct spool *s); /* after the last folder was let go; NULL is fine */

/* What the files of all tasks take on the disk, in bytes. Walks all folders; any thread. ERR_IO. */
int spool_disk_bytes(const struct spool *s, uint64_t *out);

/* What task.json holds. All texts UTF-8. */
struct spool_meta {
    char *task_id;
    uint64_t sdk_app_id;
    char *room; /* as the API gave it */
    bool room_is_text;
    char *robot;     /* the recorder's UserId */
    usec_t start;    /* Unix time */
    bool files_only; /* MP4 or AAC without playlists; false when task.json does not say */
    uint32_t epoch;  /* who may write: grows with each new owner of the task */
    char *storage;   /* the caller's own text, kept as it is: where to deliver */
    char *sealed;    /* the caller's encrypted secrets as text, kept as they are; NULL: none */
};

void spool_meta_fini(struct spool_meta *meta); /* frees the texts */

/* Makes a task's folder with its task.json, durably. ERR_EXISTS; ERR_MALFORMED: the id is no file
 * name or a text is not UTF-8; ERR_LIMIT: texts above SPOOL_META_MAX; ERR_IO. `meta` is borrowed.
 */
int spool_create(struct spool_folder **out, struct spool *s, const struct spool_meta *meta);

int spool_folder_open(struct spool_folder **out, struct spool *s,
                      const char *task_id);                    /* ERR_NOT_FOUND */
struct spool_folder *spool_folder_ref(struct spool_folder *f); /* any thread */
void spool_folder_unref(struct spool_folder *f);               /* any thread; NULL is fine */

int spool_folder_dir(const struct spool_folder *f); /* the open folder, borrowed */
const char *spool_folder_task(const struct spool_folder *f);

/* Writes task.json anew (another owner, other secrets). Errors as spool_create. */
int spool_meta_write(struct spool_folder *f, const struct spool_meta *meta);

/* ERR_NOT_FOUND; ERR_MALFORMED; ERR_UNSUPPORTED: a newer schema. On success spool_meta_fini is the
 * caller's. */
int spool_meta_read(struct spool_meta *out, struct spool_folder *f);

/* Removes a delivered task: leftovers that are .part, task.json, the folder. ERR_BAD_STATE: whole
 * files are still there, nothing was removed. */
int spool_folder_remove(struct spool_folder *f);

/* What a start finds. */
enum spool_kind { SPOOL_SEGMENT, SPOOL_PLAYLIST, SPOOL_JOURNAL, SPOOL_PART };

struct spool_entry {
    enum spool_kind kind;
    char *name; /* SPOOL_PART: without the ".part"; SPOOL_JOURNAL: without the ".idx" */
    uint64_t bytes;
};

struct spool_found {
    struct link in_found; /* the list given to spool_scan */
    struct spool_folder *folder;
    int meta_err; /* of spool_meta_read; `meta` is empty unless OK */
    struct spool_meta meta;
    struct spool_entry *entries; /* by name; segments of one playlist are so in time order */
    size_t count;
};

/* Appends a struct spool_found for each task to `found` (an initialised list). Folders that a crash
 * left without task.json and files are removed; other things that are not ours are logged and left
 * alone. ERR_NOMEM, ERR_IO. */
int spool_scan(struct spool *s, struct list *found);
void spool_found_free(struct spool_found *found); /* leaves its list itself */

/* The same for one folder; the result hangs in no list. ERR_NOMEM, ERR_IO. */
int spool_folder_scan(struct spool_found **out, struct spool_folder *f);

#endif
