/* MP4 and AAC files at the end of a task. What was not made whole is finished on a worker thread;
 * when all is in the bucket event 310 tells of each group, behind 305, and only then their journals
 * go, and the folder. */
#include <stdlib.h>

#include "base/err.h"
#include "task/media.h"
#include "task/task.h"

/* --- finishing --- */

struct files_work {
    uv_work_t work;
    struct task *task; /* NULL: it is gone */
    struct spool_folder *folder;
};

static void finish_run(uv_work_t *work)
{
    struct files_work *w = work->data;
    media_finish_all(w->folder);
}

static void go_on(struct task *t)
{
    int err = task_repair(t);
    t->disk_failed = false;
    if (err)
        log_error(&t->log, "not all files are taken up (%s): they stay in the spool",
                  err_text(err));
    task_deliver(t);
}

static void on_finished(uv_work_t *work, int status)
{
    struct files_work *w = work->data;
    struct task *t = w->task;
    (void)status;
    spool_folder_unref(w->folder);
    free(w);
    if (!t)
        return;
    t->finishing = NULL;
    if (t->upload)
        go_on(t);
}

void task_finish_files(struct task *t)
{
    struct files_work *w = calloc(1, sizeof *w);
    t->unfinished = false;
    if (w) {
        *w = (struct files_work){ .task = t, .folder = spool_folder_ref(t->folder) };
        w->work.data = w;
        t->finishing = w;
        if (!uv_queue_work(loop_uv(t->tasks->config.control), &w->work, finish_run, on_finished))
            return;
        t->finishing = NULL;
        spool_folder_unref(w->folder);
        free(w);
    }
    log_error(&t->log, "out of memory: its files are finished at the next start");
    go_on(t);
}

/* --- telling --- */

struct files_told {
    struct task *task; /* NULL: it is gone */
    struct tasks *tasks;
    char id[FILE_NAME_SIZE];
    struct spool_folder *folder;
    struct media_parts parts;
};

static void told_free(struct files_told *told)
{
    if (told->task)
        told->task->telling = NULL;
    media_parts_fini(&told->parts);
    spool_folder_unref(told->folder);
    free(told);
}

/* What goes first: the journals of what was told of. After an error the ledger tries on by itself;
 * an empty change behind it is done when it is. */
static void on_told(void *ctx, int err)
{
    struct files_told *told = ctx;
    struct task *t = told->task;
    if (err == ERR_IO) {
        ledger_add(told->tasks->ledger, told->id, store_change_new(), on_told, told);
        return;
    }
    if (!err)
        media_parts_forget(&told->parts, told->folder);
    told_free(told);
    if (t && t->upload)
        upload_task_complete(t->upload);
}

static struct files_told *told_new(struct task *t)
{
    struct files_told *told = calloc(1, sizeof *told);
    if (!told)
        return NULL;
    told->tasks = t->tasks;
    snprintf(told->id, sizeof told->id, "%s", t->id);
    if (t->folder && media_parts_read(&told->parts, t->folder)) {
        log_error(&t->log, "its MP4 and AAC files cannot be looked at");
        free(told);
        return NULL;
    }
    if (t->folder)
        told->folder = spool_folder_ref(t->folder);
    told->task = t;
    t->telling = told;
    return told;
}

static void tell(struct files_told *told, int upload_status, bool good_only)
{
    task_commit_files(told->task, upload_status, &told->parts, good_only, on_told, told);
}

/* Some of them could not be made whole: they stay, and the row with them. Of a torn segment 305
 * says Status 1, unless it has said something before. */
static void leave_unfinished(struct task *t, struct files_told *told)
{
    bool again = t->state == TASK_LEFT, hls = t->torn && !t->files_only;
    int status = !hls ? task_upload_status(t) : again ? -1 : 1;
    t->hls_left = hls && (!again || t->hls_left);
    t->state = TASK_LEFT;
    log_error(&t->log, "some files cannot be finished: they stay in the spool");
    tell(told, status, again);
    upload_task_free(t->upload);
    t->upload = NULL;
    tasks_check_drained(t->tasks);
}

/* Of a task without playlists the row says that all is told even if there was nothing to tell:
 * once the folder is gone, nothing else does. */
bool task_files_complete(void *ctx)
{
    struct task *t = ctx;
    if (t->telling)
        return false;
    struct files_told *told = told_new(t);
    bool nothing = told && told->parts.count == 0 && !t->files_only && !t->torn;
    if (!told || nothing || t->told) {
        if (told && t->told)
            media_parts_forget(&told->parts, told->folder);
        if (told)
            told_free(told);
        return true;
    }
    if (told->parts.unfinished || t->torn) {
        leave_unfinished(t, told);
        return false;
    }
    int status = task_upload_status(t);
    t->told = true;
    tell(told, status, false);
    return false;
}

void task_files_left(struct task *t)
{
    struct files_told *told = t->telling ? NULL : told_new(t);
    static const struct media_parts none;
    bool others = !told || told->parts.others || !told->folder;
    t->hls_left = !t->files_only && others;
    int status = t->files_only ? -1 : others || t->lost_files ? 1 : 0;
    if (told)
        tell(told, status, false);
    else
        task_commit_files(t, status, &none, false, NULL, NULL);
}

void task_files_free(struct task *t)
{
    if (t->finishing)
        t->finishing->task = NULL;
    if (t->telling)
        t->telling->task = NULL;
}
