/* The thread that makes media files whole. */
#include "base/err.h"
#include "observe/log.h"
#include "spool/disk.h"

static struct op *next_op(struct finisher *f)
{
    pthread_mutex_lock(&f->lock);
    while (list_empty(&f->queue) && !f->stop)
        pthread_cond_wait(&f->wake, &f->lock);
    struct item *item = list_first(&f->queue, struct item, in_queue);
    if (item)
        list_remove(&item->in_queue);
    pthread_mutex_unlock(&f->lock);
    return item ? list_item(item, struct op, item) : NULL;
}

static void finish(struct finisher *f, struct op *op)
{
    const struct spool_folder *folder = op->sink->folder;
    op->file.err = f->writer->finish
                       ? f->writer->finish(spool_folder_dir(folder), op->file.name, &op->file.bytes)
                       : ERR_UNSUPPORTED;
    if (!op->file.err)
        return;
    struct log log = log_with(NULL, "task", spool_folder_task(folder));
    log_error(&log, "spool: %s cannot be finished now and stays as it is: %s", op->file.name,
              err_text(op->file.err));
}

static void *run(void *arg)
{
    struct finisher *f = arg;
    pthread_setname_np(pthread_self(), "finish");
    for (struct op *op = next_op(f); op; op = next_op(f)) {
        if (op->item.kind == ITEM_FINISH)
            finish(f, op);
        loop_post_must(op->sink->control, &op->message); /* after a close the sink is gone */
    }
    return NULL;
}

int finisher_start(struct spool_writer *w)
{
    struct finisher *f = &w->finisher;
    f->writer = w;
    list_init(&f->queue);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    if (pthread_create(&f->thread, NULL, run, f)) {
        log_error(NULL, "cannot start the thread that finishes files");
        pthread_cond_destroy(&f->wake);
        pthread_mutex_destroy(&f->lock);
        return ERR_IO;
    }
    w->finishing = true;
    return OK;
}

void finisher_stop(struct spool_writer *w)
{
    struct finisher *f = &w->finisher;
    if (!w->finishing)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
}

void finisher_take(struct spool_writer *w, struct op *op)
{
    struct finisher *f = &w->finisher;
    pthread_mutex_lock(&f->lock);
    list_append(&f->queue, &op->item.in_queue);
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}
