#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"
#include "spool/folder.h"

void spool_found_free(struct spool_found *found)
{
    if (!found)
        return;
    list_remove(&found->in_found);
    for (size_t i = 0; i < found->count; i++)
        free(found->entries[i].name);
    free(found->entries);
    spool_meta_fini(&found->meta);
    spool_folder_unref(found->folder);
    free(found);
}

static int entry_size(int dir, const char *name, uint64_t *out)
{
    int fd;
    int err = file_open(&fd, dir, name);
    if (err)
        return err;
    err = file_size(fd, out);
    close(fd);
    return err;
}

static enum spool_kind kind_of(const char *name)
{
    if (file_has_suffix(name, FILE_PART))
        return SPOOL_PART;
    if (file_has_suffix(name, SPOOL_JOURNAL_SUFFIX))
        return SPOOL_JOURNAL;
    return file_has_suffix(name, ".m3u8") ? SPOOL_PLAYLIST : SPOOL_SEGMENT;
}

static struct spool_entry *grow(struct spool_found *found)
{
    size_t n = found->count;
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct spool_entry *more = realloc(found->entries, (n ? 2 * n : 1) * sizeof *more);
        if (!more)
            return NULL;
        found->entries = more;
    }
    return &found->entries[n];
}

static int add_entry(void *ctx, const char *name)
{
    struct spool_found *found = ctx;
    struct spool_entry entry = { .kind = kind_of(name) };
    if (strcmp(name, SPOOL_META_NAME) == 0 || strcmp(name, SPOOL_META_NAME FILE_PART) == 0)
        return OK;
    int err = entry_size(found->folder->dir, name, &entry.bytes);
    if (err == ERR_MALFORMED) {
        log_warn(NULL, "spool folder %s holds something foreign", found->folder->task);
        return OK;
    }
    if (err)
        return err;

    struct bytes text = bytes_str(name);
    if (entry.kind == SPOOL_PART)
        text.len -= strlen(FILE_PART);
    if (entry.kind == SPOOL_JOURNAL)
        text.len -= strlen(SPOOL_JOURNAL_SUFFIX);
    struct spool_entry *place = grow(found);
    entry.name = str_dup(text);
    if (!place || !entry.name) {
        free(entry.name);
        return ERR_NOMEM;
    }
    *place = entry;
    found->count++;
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct spool_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int spool_folder_scan(struct spool_found **out, struct spool_folder *f)
{
    struct spool_found *found = calloc(1, sizeof *found);
    if (!found)
        return ERR_NOMEM;
    link_init(&found->in_found);
    found->folder = spool_folder_ref(f);
    int err = dir_each(f->dir, add_entry, found);
    if (err) {
        spool_found_free(found);
        return err;
    }
    if (found->count)
        qsort(found->entries, found->count, sizeof *found->entries, by_name);
    found->meta_err = spool_meta_read(&found->meta, f);
    *out = found;
    return OK;
}

static int scan_task(struct spool_found **out, struct spool *s, const char *task_id)
{
    struct spool_folder *f;
    int err = spool_folder_open(&f, s, task_id);
    if (err)
        return err;
    err = spool_folder_scan(out, f);
    spool_folder_unref(f);
    return err;
}

struct walk {
    struct spool *spool;
    struct list *found;
};

static int add_task(void *ctx, const char *name)
{
    struct walk *walk = ctx;
    struct spool_found *found;
    if (strcmp(name, "lost+found") == 0)
        return OK; /* the root of an ext4 file system */
    int err = scan_task(&found, walk->spool, name);
    if (err == ERR_NOMEM)
        return err;
    if (err) {
        log_error(NULL, "left alone in the spool: %s: %s", name, err_text(err));
        return OK;
    }
    if (found->meta_err == ERR_NOT_FOUND && found->count == 0) {
        spool_folder_remove(
            found->folder); /* its making was cut short; what fails stays for the next start */
        spool_found_free(found);
        return OK;
    }
    if (found->meta_err)
        log_error(NULL, "spool folder %s: task.json: %s", name, err_text(found->meta_err));
    list_append(walk->found, &found->in_found);
    return OK;
}

int spool_scan(struct spool *s, struct list *found)
{
    struct walk walk = { s, found };
    return dir_each(s->root, add_task, &walk);
}
