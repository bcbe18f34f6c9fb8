#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"
#include "spool/folder.h"

int spool_open(struct spool **out, const char *path)
{
    struct spool *s = malloc(sizeof *s);
    if (!s)
        return ERR_NOMEM;
    int err = dir_open(&s->root, path);
    if (err) {
        free(s);
        return err;
    }
    if (flock(s->root, LOCK_EX | LOCK_NB)) {
        log_error(NULL, "the spool %s is used by another process", path);
        spool_close(s);
        return ERR_EXISTS;
    }
    *out = s;
    return OK;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    close(s->root);
    free(s);
}

int spool_folder_open(struct spool_folder **out, struct spool *s, const char *task_id)
{
    struct spool_folder *f = malloc(sizeof *f);
    if (!f)
        return ERR_NOMEM;
    int err = dir_open_at(&f->dir, s->root, task_id);
    if (err) {
        free(f);
        return err;
    }
    f->refs = 1;
    f->spool = s;
    str_copy(f->task, sizeof f->task, bytes_str(task_id));
    *out = f;
    return OK;
}

struct spool_folder *spool_folder_ref(struct spool_folder *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void spool_folder_unref(struct spool_folder *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    close(f->dir);
    free(f);
}

int spool_folder_dir(const struct spool_folder *f)
{
    return f->dir;
}

const char *spool_folder_task(const struct spool_folder *f)
{
    return f->task;
}

/* A folder that was made a moment ago and could not be filled. */
static void undo_create(struct spool *s, struct spool_folder *f)
{
    file_remove(f->dir, SPOOL_META_NAME FILE_PART);
    file_remove(f->dir, SPOOL_META_NAME);
    unlinkat(s->root, f->task, AT_REMOVEDIR);
    spool_folder_unref(f);
}

int spool_create(struct spool_folder **out, struct spool *s, const struct spool_meta *meta)
{
    struct spool_folder *f;
    if (!file_name_ok(meta->task_id))
        return ERR_MALFORMED;
    if (mkdirat(s->root, meta->task_id, 0700)) {
        if (errno == EEXIST)
            return ERR_EXISTS;
        log_warn(NULL, "cannot make spool folder %s: %s", meta->task_id, strerror(errno));
        return ERR_IO;
    }
    int err = spool_folder_open(&f, s, meta->task_id);
    if (err)
        return err;
    err = spool_meta_write(f, meta);
    if (!err)
        err = dir_sync(s->root);
    if (err) {
        undo_create(s, f);
        return err;
    }
    *out = f;
    return OK;
}

static int refuse_whole(void *ctx, const char *name)
{
    (void)ctx;
    bool ours = file_has_suffix(name, FILE_PART) || strcmp(name, SPOOL_META_NAME) == 0;
    return ours ? OK : ERR_BAD_STATE;
}

static int remove_part(void *ctx, const char *name)
{
    int *dir = ctx;
    return file_has_suffix(name, FILE_PART) ? file_remove(*dir, name) : OK;
}

int spool_folder_remove(struct spool_folder *f)
{
    int err = dir_each(f->dir, refuse_whole, NULL);
    if (!err)
        err = dir_each(f->dir, remove_part, &f->dir);
    if (!err)
        err = file_remove(f->dir, SPOOL_META_NAME);
    if (err)
        return err;
    if (unlinkat(f->spool->root, f->task, AT_REMOVEDIR) && errno != ENOENT) {
        log_warn(NULL, "cannot remove spool folder %s: %s", f->task, strerror(errno));
        return ERR_IO;
    }
    return dir_sync(f->spool->root);
}
