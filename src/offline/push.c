/* `reeltime spool push` */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "ctl/command.h"
#include "ctl/screen.h"
#include "ctl/text.h"
#include "io/file.h"
#include "offline/commands.h"
#include "offline/places.h"
#include "serve/build_info.h"
#include "spool/repair.h"
#include "upload/loop_clock.h"

#define GIVE_UP_DEFAULT 60
#define LOOK_EVERY_MS   200
#define MAILBOX         1024

struct push_options {
    struct spool_options common;
    struct place_options place;
    struct option_number give_up;
};

static const struct option_row rows[] = {
    SPOOL_OPTION_ROWS,
    { "config", OPTION_TEXT, offsetof(struct push_options, place.config), "FILE",
      .help = "The daemon's configuration: its storage and master key. Default: as\n"
              "`reeltime serve` without one that has its data around DIR." },
    { "to", OPTION_TEXT, offsetof(struct push_options, place.to), "FOLDER",
      .help = "Delivers into this folder, as FOLDER/TASK/FILE, wherever the tasks\n"
              "were to go. Needs no configuration and no key." },
    { "give-up", OPTION_NUMBER, offsetof(struct push_options, give_up), "SECONDS", .max = 31536000,
      .help = "Lets go of a task whose bucket refuses for so long. Default: 60." },
};

static const struct option_group groups[] = { OPTION_GROUP(NULL, rows), { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime spool push",
    .about =
        "Makes a spool whole and delivers it, each task into its own storage. A delivered task's\n"
        "folder goes; what cannot be delivered stays. No callbacks are sent: the daemon sends\n"
        "those it owes when it starts again.\n",
    .operand = "DIR",
    .operand_offset = offsetof(struct push_options, common.dir),
    .groups = groups,
    .after = "The master key comes from REELTIME_MASTER_KEY, from master_key_file of the\n"
             "configuration, or from master.key in the data folder.\n"
             "\n" OFFLINE_EXIT_HELP,
};

/* One task on its way. */
struct delivery_job {
    struct push *push;
    struct spool_found *found;
    struct upload_task *upload;
    bool delivered;
    bool torn;         /* some segment could not be made whole, another time it may */
    char problem[400]; /* the newest; "" when there is none */
};

struct push {
    const struct push_options *o;
    struct opened *opened;
    struct places *places;
    struct loop *control;
    struct loop_clock *clock;
    struct uploader *uploader;
    struct delivery_job *jobs;
    size_t count;
    int err;                 /* of what all need */
    struct upload_left left; /* the loop's, while the main thread waits for it */
    struct progress progress;
    struct screen screen;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t pending; /* under lock */
};

/* --- control loop --- */

static void settle(struct delivery_job *job)
{
    struct push *p = job->push;
    upload_task_free(job->upload);
    job->upload = NULL;
    pthread_mutex_lock(&p->lock);
    p->pending--;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void on_error(void *ctx, const char *name, const struct upload_outcome *outcome)
{
    struct delivery_job *job = ctx;
    snprintf(job->problem, sizeof job->problem, "%s: %s %s %s", name,
             upload_result_text(outcome->result), outcome->code, outcome->message);
}

static bool is_there(int dir, const char *name, const char *suffix)
{
    char full[FILE_NAME_SIZE + sizeof FILE_PART];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    return faccessat(dir, full, F_OK, 0) == 0;
}

/* The journal of a media file that was delivered: its daemon would have needed it once more. */
static int remove_spent_journal(void *ctx, const char *name)
{
    int dir = *(const int *)ctx;
    char media[FILE_NAME_SIZE];
    if (!file_has_suffix(name, SPOOL_JOURNAL_SUFFIX))
        return OK;
    size_t len = strlen(name) - strlen(SPOOL_JOURNAL_SUFFIX);
    if (!str_copy(media, sizeof media, bytes_of(name, len)) || is_there(dir, media, "") ||
        is_there(dir, media, FILE_PART))
        return OK;
    return file_remove(dir, name);
}

/* With the folder the torn segment would go. */
static bool on_complete(void *ctx)
{
    struct delivery_job *job = ctx;
    if (!job->torn)
        return true;
    snprintf(job->problem, sizeof job->problem, "a torn segment cannot be made whole now");
    settle(job);
    return false;
}

static void on_delivered(void *ctx)
{
    struct delivery_job *job = ctx;
    int dir = spool_folder_dir(job->found->folder);
    struct stat st;
    job->delivered = true;
    if (fstat(dir, &st) == 0 && st.st_nlink > 0 && !dir_each(dir, remove_spent_journal, &dir))
        spool_folder_remove(job->found->folder);
    settle(job);
}

static const struct upload_events upload_events = { .error = on_error,
                                                    .complete = on_complete,
                                                    .delivered = on_delivered };

static int begin_upload(struct delivery_job *job)
{
    struct push *p = job->push;
    struct bucket *bucket;
    char *prefix;
    int err = places_open(&bucket, &prefix, p->places, job->found);
    if (err)
        return err;
    err = upload_task_new(&job->upload, p->uploader, job->found->folder, bucket, prefix,
                          &upload_events, job);
    free(prefix);
    if (err)
        bucket_free(bucket);
    return err;
}

static const char *why(const struct delivery_job *job, int err)
{
    if (job->found->meta_err)
        return "its task.json cannot be read; --to delivers it anyway";
    if (err == ERR_AUTH)
        return "its keys do not open: is this the master key they were sealed with?";
    return err_text(err);
}

static void begin(struct delivery_job *job)
{
    const struct spool_build build = { build_id(), build_date() };
    struct spool_repaired done;
    int err = begin_upload(job);
    if (!err) {
        spool_folder_repair(job->found->folder, &build,
                            &done); /* what it cannot do it has logged */
        job->torn = done.failing > 0;
        err = upload_task_recover(job->upload, true);
    }
    if (err) {
        snprintf(job->problem, sizeof job->problem, "%s", why(job, err));
        settle(job);
        return;
    }
    upload_task_end(job->upload, USEC_NEVER);
}

static int open_parts(struct push *p)
{
    int err = loop_clock_open(&p->clock, p->control);
    if (err)
        return err;
    const struct upload_clock clock = loop_clock_of(p->clock);
    p->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    if (!p->uploader)
        return ERR_NOMEM;
    loop_clock_attach(p->clock, p->uploader);
    return places_start(p->places, p->control);
}

static void open_on_control(void *ctx)
{
    struct push *p = ctx;
    p->err = open_parts(p);
    for (size_t i = 0; i < p->count && !p->err; i++)
        begin(&p->jobs[i]);
}

/* Those whose bucket has refused too long are let go. */
static void look_on_control(void *ctx)
{
    struct push *p = ctx;
    const struct option_number *give_up = &p->o->give_up;
    usec_t limit = (usec_t)(give_up->given ? give_up->value : GIVE_UP_DEFAULT) * SEC;
    usec_t now = clock_mono();
    for (size_t i = 0; i < p->count; i++) {
        struct delivery_job *job = &p->jobs[i];
        if (!job->upload)
            continue;
        usec_t since = upload_task_counts(job->upload).failing_since;
        if (since != USEC_UNSET && now - since >= limit)
            settle(job);
    }
    struct upload_counts left = uploader_counts(p->uploader);
    usec_t failing = left.failing_since == USEC_UNSET ? 0 : now - left.failing_since;
    p->left = (struct upload_left){ true, left.files, left.bytes, (uint64_t)(failing / SEC) };
}

static void close_on_control(void *ctx)
{
    struct push *p = ctx;
    for (size_t i = 0; i < p->count; i++)
        upload_task_free(p->jobs[i].upload);
    places_stop(p->places);
    uploader_free(p->uploader);
    if (p->clock)
        loop_clock_close(p->clock);
}

/* --- the main thread --- */

/* Waits a moment for an end; false: all have ended. */
static bool wait_a_moment(struct push *p)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_EVERY_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&p->lock);
    if (p->pending)
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    bool more = p->pending > 0;
    pthread_mutex_unlock(&p->lock);
    return more;
}

static bool all_delivered(const struct push *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->jobs[i].delivered)
            return false;
    return p->count > 0;
}

static void follow(struct push *p)
{
    while (wait_a_moment(p)) {
        loop_call(p->control, look_on_control, p);
        progress_left(&p->progress, &p->left);
        screen_show(&p->screen, &p->progress);
    }
    if (!all_delivered(p))
        return;
    p->progress.seen = true;
    progress_gone(&p->progress);
    screen_show(&p->screen, &p->progress);
}

static json_t *job_json(const struct delivery_job *job)
{
    json_t *o = json_pack("{s:s, s:b}", "TaskId", spool_folder_task(job->found->folder),
                          "Delivered", job->delivered);
    if (!job->delivered && job->problem[0])
        json_object_set_new(o, "Problem", json_string(job->problem));
    return o;
}

static void job_text(struct buf *out, const struct delivery_job *job)
{
    buf_printf(out, "%s  %s", spool_folder_task(job->found->folder),
               job->delivered ? "delivered" : "stays: ");
    if (!job->delivered)
        text_put_printable(job->problem[0] ? job->problem : "not tried", out);
    buf_put_str(out, "\n");
}

static int tell(struct push *p)
{
    struct buf out;
    json_t *tasks = json_array();
    int status = OFFLINE_GOOD;
    buf_init(&out, 256u << 20);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->jobs[i].delivered)
            status = OFFLINE_LEFT;
        json_array_append_new(tasks, job_json(&p->jobs[i]));
        if (!p->o->common.json)
            job_text(&out, &p->jobs[i]);
    }
    json_t *all = json_pack("{s:o}", "Tasks", tasks);
    if (p->o->common.json)
        text_put_json(all, &out);
    else if (!p->count)
        buf_put_str(&out, "nothing waits here\n");
    command_print(&out);
    json_decref(all);
    buf_fini(&out);
    return status;
}

static int make_jobs(struct push *p)
{
    size_t n = 0;
    list_each(f, &p->opened->found, struct spool_found, in_found) n++;
    p->jobs = calloc(n ? n : 1, sizeof *p->jobs);
    if (!p->jobs)
        return ERR_NOMEM;
    list_each(f, &p->opened->found, struct spool_found, in_found)
    {
        p->jobs[p->count++] = (struct delivery_job){ .push = p, .found = f };
    }
    p->pending = p->count;
    return OK;
}

static int push_all(struct push *p)
{
    int err = make_jobs(p);
    if (!err)
        err = loop_new(&p->control, "control", MAILBOX);
    if (err)
        return command_fail(&table, OFFLINE_LEFT, "%s", err_text(err));
    progress_start(&p->progress, clock_mono());
    screen_init(&p->screen, stderr, isatty(STDERR_FILENO) ? STYLE_BAR : STYLE_LINES);
    loop_call(p->control, open_on_control, p);
    if (!p->err)
        follow(p);
    screen_end(&p->screen);
    loop_call(p->control, close_on_control, p);
    loop_free(p->control);
    return p->err ? command_fail(&table, OFFLINE_LEFT, "%s", err_text(p->err)) : tell(p);
}

int push_main(int argc, char **argv)
{
    struct push_options options = { 0 };
    struct opened opened;
    struct push p = { .o = &options, .opened = &opened };
    int status;
    if (!offline_begin(&opened, &table, &options.common, argc, argv, &status))
        return status;
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.wake, NULL);
    struct buf complaint;
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    if (places_new(&p.places, &options.place, options.common.dir, &complaint))
        status = command_complain(&table, &complaint);
    else
        status = push_all(&p);
    buf_fini(&complaint);
    places_free(p.places);
    free(p.jobs);
    pthread_cond_destroy(&p.wake);
    pthread_mutex_destroy(&p.lock);
    offline_end(&opened);
    return status;
}
