/* After a restart: what a former run left in the store and in the spool. Nobody writes those files
 * any more, so every task there ends (302, LeaveCode 100: start again) and its files are delivered.
 * A folder without a row (the store was lost) is delivered all the same: its task.json suffices. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "spool/repair.h"
#include "task/once.h"
#include "task/task.h"

#define LOST_ROW_EXPIRES (72 * HOUR) /* the API's default of ResourceExpiredHour */

static const struct log *recovery_log(const struct spool_found *found)
{
    static struct log log;
    log = log_with(NULL, "task", spool_folder_task(found->folder));
    return &log;
}

struct recovery {
    struct tasks *tasks;
    struct list found;     /* struct spool_found, by .in_found */
    struct list playlists; /* struct stored_playlist, by .in_recovery */
    struct row {
        struct row *next;
        char *task_id, *robot_id;
        struct room_key room;
        usec_t created, expires, ended;
        int64_t epoch;
        bool left, hls_left, told;
        int leave_code;
    } * rows;
};

static void row_free(struct row *row)
{
    if (!row)
        return;
    free(row->task_id);
    free(row->robot_id);
    free(row);
}

static void on_row(void *ctx, const struct store_task *task)
{
    struct recovery *r = ctx;
    struct row *row = calloc(1, sizeof *row);
    if (!row)
        return; /* taken up at the next start */
    row->task_id = strdup(task->task_id);
    row->robot_id = strdup(task->user_id);
    if (!row->task_id || !row->robot_id) {
        row_free(row);
        return;
    }
    row->room.sdk_app_id = task->sdk_app_id;
    row->room.id.type = (enum room_id_type)task->room_id_type;
    snprintf(row->room.id.text, sizeof row->room.id.text, "%s", task->room_id);
    row->created = task->created;
    row->expires = task->expires;
    row->epoch = task->epoch;
    row->ended = task->ended;
    row->hls_left = strcmp(task->actual, TASK_ROW_LEFT) == 0;
    row->left = row->hls_left || strcmp(task->actual, TASK_ROW_LEFT_MEDIA) == 0;
    row->told = strcmp(task->actual, TASK_ROW_TOLD) == 0;
    row->leave_code = task->leave_code;
    row->next = r->rows;
    r->rows = row;
}

/* A row of the playlists; the texts lie behind it. */
struct stored_playlist {
    struct link in_recovery; /* recovery.playlists */
    struct store_playlist row;
    char texts[];
};

static const char *put_text(char **pos, const char *text)
{
    char *at = *pos;
    *pos = stpcpy(at, text) + 1;
    return at;
}

static void on_playlist(void *ctx, const struct store_playlist *row)
{
    struct recovery *r = ctx;
    size_t len = strlen(row->task_id) + strlen(row->name) + strlen(row->user_id) +
                 strlen(row->track_type) + 4;
    struct stored_playlist *p = calloc(1, sizeof *p + len);
    if (!p)
        return; /* a callback may come again */
    char *pos = p->texts;
    p->row = *row;
    p->row.task_id = put_text(&pos, row->task_id);
    p->row.name = put_text(&pos, row->name);
    p->row.user_id = put_text(&pos, row->user_id);
    p->row.track_type = put_text(&pos, row->track_type);
    list_append(&r->playlists, &p->in_recovery);
}

static struct row *take_row(struct recovery *r, const char *task_id)
{
    for (struct row **at = &r->rows; *at; at = &(*at)->next)
        if (strcmp((*at)->task_id, task_id) == 0) {
            struct row *row = *at;
            *at = row->next;
            return row;
        }
    return NULL;
}

static struct task *task_of_row(struct recovery *r, const struct row *row)
{
    struct tasks *tasks = r->tasks;
    struct task *t = task_new(tasks, row->task_id, row->room.sdk_app_id, row->robot_id);
    if (!t)
        return NULL;
    t->room = row->room;
    t->created = row->created;
    t->expires = row->expires;
    t->epoch = row->epoch;
    t->leave_code = row->ended ? row->leave_code : LEAVE_TIMEOUT;
    t->ended = row->ended ? row->ended : clock_wall();
    t->state = row->left ? TASK_LEFT : TASK_ENDING;
    t->hls_left = row->hls_left;
    t->told = row->told;
    if (!row->ended)
        task_commit_end(t);
    list_each(p, &r->playlists, struct stored_playlist, in_recovery)
    {
        if (strcmp(p->row.task_id, t->id) == 0 && former_add(t, &p->row))
            log_error(&t->log, "out of memory: a callback may come again");
    }
    return t;
}

/* A task whose row is lost: as far as task.json knows it. */
static struct task *task_of_meta(struct tasks *tasks, const struct spool_meta *meta)
{
    struct task *t = task_new(tasks, meta->task_id, (uint32_t)meta->sdk_app_id, meta->robot);
    if (!t)
        return NULL;
    t->room.sdk_app_id = (uint32_t)meta->sdk_app_id;
    t->room.id.type = meta->room_is_text ? ROOM_ID_STRING : ROOM_ID_INT;
    snprintf(t->room.id.text, sizeof t->room.id.text, "%s", meta->room);
    t->created = meta->start;
    t->expires = meta->start + LOST_ROW_EXPIRES;
    t->ended = clock_wall();
    t->leave_code = LEAVE_TIMEOUT;
    t->epoch = meta->epoch;
    t->state = TASK_ENDING;
    task_commit_found(t);
    return t;
}

/* What was torn is made whole, as far as it can be; what cannot be stays for the next start. */
int task_repair(struct task *t)
{
    const struct spool_build build = { t->tasks->config.version, t->tasks->config.date };
    struct spool_repaired done;
    spool_folder_repair(t->folder, &build, &done);
    t->torn = done.failing > 0;
    if (done.salvaged || done.listed)
        log_info(&t->log, "%u torn segments made whole, %u segments added to their playlists",
                 done.salvaged, done.listed);
    int err = upload_task_recover(t->upload, true);
    bool of_former_run = !t->params;
    if (!err && of_former_run)
        former_take_up(t);
    return err;
}

/* What a task records in files has journals. */
static void look_at_files(struct task *t, const struct spool_found *found)
{
    t->files_only = found->meta.files_only;
    for (size_t i = 0; i < found->count; i++)
        t->unfinished |= found->entries[i].kind == SPOOL_JOURNAL;
}

static int deliver_found(struct task *t, struct spool_found *found)
{
    struct bucket *bucket;
    char *prefix;
    t->folder = spool_folder_ref(found->folder);
    if (found->meta_err)
        return found->meta_err;
    look_at_files(t, found);
    int err = storage_open(&bucket, &prefix, &t->tasks->config, &found->meta);
    if (err)
        return err;
    err = task_open_upload(t, bucket, prefix);
    free(prefix);
    if (err) {
        bucket_free(bucket);
        return err;
    }
    if (!t->unfinished)
        err = task_repair(t);
    if (!err)
        task_deliver(t);
    return err;
}

static bool kept_long_enough(const struct task *t)
{
    usec_t keep = (usec_t)t->tasks->config.config->limits.undelivered_hours * HOUR;
    return t->state == TASK_LEFT && clock_wall() - t->ended > keep;
}

static void cannot_deliver(struct task *t, int err)
{
    log_error(&t->log, "its files cannot be delivered (%s) and stay in the spool", err_text(err));
    if (err == ERR_AUTH || err == ERR_NOMEM) {
        task_free(t); /* nobody is told: another start, with the right key, can do better */
        return;
    }
    upload_task_free(t->upload);
    t->upload = NULL;
    if (t->state == TASK_ENDING)
        task_leave(t);
}

/* Create was not done with it, so nobody knows the task; or there is nothing left of it but the
 * folder. */
static void remove_unknown(const struct spool_found *found)
{
    int err = spool_folder_remove(found->folder);
    log_info(recovery_log(found), "a folder without files that no row knows: %s",
             err ? err_text(err) : "removed");
}

static void recover_folder(struct recovery *r, struct spool_found *found)
{
    struct row *row = take_row(r, spool_folder_task(found->folder));
    if (!row && !found->meta_err && found->count == 0) {
        remove_unknown(found);
        return;
    }
    struct task *t = row               ? task_of_row(r, row)
                     : found->meta_err ? NULL
                                       : task_of_meta(r->tasks, &found->meta);
    row_free(row);
    if (!t) {
        log_error(recovery_log(found), "cannot be taken up (%s): its spool folder is left alone",
                  err_text(found->meta_err ? found->meta_err : ERR_NOMEM));
        return;
    }
    if (kept_long_enough(t)) {
        log_warn(&t->log,
                 "%zu undelivered files are in the spool longer than limits.undelivered_hours: "
                 "they are not tried any more and not deleted",
                 found->count);
        return;
    }
    log_info(&t->log, "was left by a former run; delivering its %zu files", found->count);
    int err = deliver_found(t, found);
    if (err)
        cannot_deliver(t, err);
}

/* A row without a folder: everything was delivered, only the row's end is missing. */
static void recover_row(struct recovery *r, const struct row *row)
{
    struct task *t = task_of_row(r, row);
    if (!t)
        return;
    former_take_up(t);
    task_forget(t);
}

int tasks_recover(struct tasks *tasks)
{
    struct recovery r = { .tasks = tasks };
    list_init(&r.found);
    list_init(&r.playlists);
    int err = once_load(tasks);
    if (err)
        return err;
    err = store_load_tasks(tasks->config.store, on_row, &r);
    if (err == ERR_AUTH)
        log_error(NULL,
                  "some tasks' secrets do not open: is this the master key they were stored with?");
    else if (err)
        return err;
    err = store_load_playlists(tasks->config.store, on_playlist, &r);
    if (!err)
        err = spool_scan(tasks->config.spool, &r.found);
    list_each(found, &r.found, struct spool_found, in_found)
    {
        recover_folder(&r, found);
        spool_found_free(found);
    }
    while (r.rows) {
        struct row *row = r.rows;
        r.rows = row->next;
        recover_row(&r, row);
        row_free(row);
    }
    list_each(p, &r.playlists, struct stored_playlist, in_recovery) free(p);
    return err;
}
