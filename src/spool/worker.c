/* The disk's side of the sinks: threads that write what was queued and tell the control loop. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"
#include "spool/disk.h"

#define BATCH_BLOCKS 256 /* of one system call */

static void answer_run(struct message *m)
{
    struct op *op = (struct op *)m;
    struct disk_sink *s = op->sink;
    bool closed = op->item.kind == ITEM_CLOSE;
    if (closed)
        s->events->drained(s->ctx);
    else
        s->events->ready(s->ctx, &op->file);
    op_free(op);
    if (closed)
        disk_sink_free(s);
}

static void answer_discard(struct message *m)
{
    struct op *op = (struct op *)m;
    struct disk_sink *s = op->sink;
    bool closed = op->item.kind == ITEM_CLOSE;
    op_free(op);
    if (closed)
        disk_sink_free(s);
}

struct op *op_new(struct disk_sink *s, int kind, const char *name, const char *playlist,
                  struct bytes content)
{
    size_t name_size = strlen(name) + 1, playlist_size = strlen(playlist) + 1;
    struct op *op = malloc(sizeof *op + name_size + playlist_size + content.len);
    if (!op)
        return NULL;
    char *playlist_copy = op->texts + name_size, *content_copy = playlist_copy + playlist_size;
    memcpy(op->texts, name, name_size);
    memcpy(playlist_copy, playlist, playlist_size);
    if (content.len)
        memcpy(content_copy, content.ptr, content.len);
    op->message = (struct message){ .run = answer_run, .discard = answer_discard };
    op->item.kind = kind;
    op->sink = s;
    op->file = (struct spool_ready){ .name = op->texts, .playlist = playlist_copy, .fd = -1 };
    op->content = bytes_of(content_copy, content.len);
    return op;
}

void op_free(struct op *op)
{
    if (!op)
        return;
    if (op->file.fd >= 0)
        close(op->file.fd);
    free(op);
}

static void failure_run(struct message *m)
{
    struct disk_sink *s = ((struct failure *)m)->sink;
    s->events->failed(s->ctx, atomic_load_explicit(&s->err, memory_order_relaxed));
}

static void failure_discard(struct message *m)
{
    (void)m; /* part of the sink */
}

static bool dead(struct disk_sink *s)
{
    return atomic_load_explicit(&s->err, memory_order_relaxed) != OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_file(struct disk_sink *s)
{
    close_fd(&s->disk.fd);
    close_fd(&s->disk.journal);
}

/* The first failure kills the sink: whoever records must know, and a file with a hole is worth
 * nothing. */
static void check(struct disk_sink *s, int err)
{
    if (!err || dead(s))
        return;
    struct log log = log_with(NULL, "task", spool_folder_task(s->folder));
    log_error(&log, "spool: a track cannot be written any more: %s", err_text(err));
    close_file(s);
    atomic_store_explicit(&s->err, err, memory_order_relaxed);
    s->failure = (struct failure){ { .run = failure_run, .discard = failure_discard }, s };
    loop_post_must(s->control, &s->failure.message);
}

static void remove_with(struct disk_sink *s, const char *suffix)
{
    char name[FILE_NAME_SIZE + sizeof FILE_PART];
    snprintf(name, sizeof name, "%s%s", s->disk.name, suffix);
    file_remove(spool_folder_dir(s->folder), name);
}

/* The body goes first: a journal alone is nothing to finish. */
static void give_up_file(struct disk_sink *s)
{
    if (s->disk.fd < 0)
        return;
    bool journal = s->disk.journal >= 0;
    close_file(s);
    remove_with(s, FILE_PART);
    if (journal)
        remove_with(s, SPOOL_JOURNAL_SUFFIX);
}

/* Nobody writes any more. What has a journal is worth finishing. */
static void leave_file(struct disk_sink *s)
{
    if (s->disk.journal >= 0)
        close_file(s);
    else
        give_up_file(s);
}

static void begin(struct disk_sink *s, struct op *op)
{
    give_up_file(s);
    str_copy(s->disk.name, sizeof s->disk.name, bytes_str(op->file.name));
    s->disk.pos = s->disk.journal_pos = 0;
    s->disk.synced = clock_mono();
    if (!dead(s))
        check(s, file_create_part(&s->disk.fd, spool_folder_dir(s->folder), s->disk.name));
    op_free(op);
}

static void finish_media(struct disk_sink *s, struct op *op)
{
    if (dead(s)) {
        op_free(op);
        return;
    }
    close_file(s);
    s->disk.had_media = true;
    finisher_take(s->writer, op);
}

static void finish(struct disk_sink *s, struct op *op)
{
    if (op->file.kind == SINK_MEDIA) {
        finish_media(s, op);
        return;
    }
    if (!dead(s))
        check(s, file_commit(s->disk.fd, spool_folder_dir(s->folder), s->disk.name));
    if (dead(s)) {
        op_free(op);
        return;
    }
    close_file(s);
    op->file.bytes = s->disk.pos;
    if (op->file.playlist[0])
        list_append(&s->disk.unlisted, &op->item.in_queue);
    else
        loop_post_must(s->control, &op->message);
}

/* Their playlist names them now, or never will. */
static void tell_unlisted(struct disk_sink *s)
{
    list_each(item, &s->disk.unlisted, struct item, in_queue)
    {
        list_remove(&item->in_queue);
        loop_post_must(s->control, &list_item(item, struct op, item)->message);
    }
}

/* They are whole and in no playlist: a repair of the folder finds them (spool/repair.h). */
static void leave_unlisted(struct disk_sink *s)
{
    list_each(item, &s->disk.unlisted, struct item, in_queue)
    {
        list_remove(&item->in_queue);
        op_free(list_item(item, struct op, item));
    }
}

static void put(struct disk_sink *s, struct op *op)
{
    if (!dead(s))
        check(s,
              file_put_open(&op->file.fd, spool_folder_dir(s->folder), op->file.name, op->content));
    if (dead(s)) {
        op_free(op);
        return;
    }
    tell_unlisted(s);
    loop_post_must(s->control, &op->message);
}

static void run_op(struct disk_sink *s, struct op *op)
{
    switch (op->item.kind) {
    case ITEM_BEGIN: begin(s, op); break;
    case ITEM_FINISH: finish(s, op); break;
    case ITEM_PUT: put(s, op); break;
    case ITEM_ABANDON:
        give_up_file(s);
        op_free(op);
        break;
    case ITEM_CLOSE:
        if (dead(s))
            leave_unlisted(s);
        else
            tell_unlisted(s);
        leave_file(s);
        if (s->disk.had_media)
            finisher_take(s->writer, op);
        else
            loop_post_must(s->control, &op->message); /* the sink is gone from here on */
        break;
    case ITEM_BLOCK:
    case ITEM_NOTES: break; /* no op */
    }
}

static int sync_fd(int fd)
{
    if (fdatasync(fd) == 0)
        return OK;
    log_warn(NULL, "cannot sync a recording: %s", strerror(errno));
    return ERR_IO;
}

static int open_journal(struct disk_sink *s)
{
    char name[FILE_NAME_SIZE + sizeof SPOOL_JOURNAL_SUFFIX];
    snprintf(name, sizeof name, "%s" SPOOL_JOURNAL_SUFFIX, s->disk.name);
    return file_create(&s->disk.journal, spool_folder_dir(s->folder), name);
}

/* The body is on the disk before the records that tell of it. */
static int write_notes(struct disk_sink *s, struct iovec *iov, int count)
{
    usec_t now = clock_mono();
    bool due = now - s->disk.synced >= SPOOL_SYNC;
    int err = s->disk.journal < 0 ? open_journal(s) : OK;
    if (!err && due)
        err = sync_fd(s->disk.fd);
    if (!err)
        err = file_write_at(s->disk.journal, iov, count, s->disk.journal_pos);
    if (!err && due)
        err = sync_fd(s->disk.journal);
    if (due)
        s->disk.synced = now;
    return err;
}

/* Writes `count` blocks of one kind and gives them back to the pool. */
static void write_blocks(struct disk_sink *s, struct list *blocks, int count)
{
    bool notes = list_first(blocks, struct block, item.in_queue)->item.kind == ITEM_NOTES;
    struct iovec iov[BATCH_BLOCKS];
    int n = 0;
    uint64_t bytes = 0;
    list_each(b, blocks, struct block, item.in_queue)
    {
        iov[n++] = (struct iovec){ .iov_base = b->data, .iov_len = b->len };
        bytes += b->len;
    }
    if (!dead(s) && s->disk.fd >= 0)
        check(s, notes ? write_notes(s, iov, n) : file_write_at(s->disk.fd, iov, n, s->disk.pos));
    *(notes ? &s->disk.journal_pos : &s->disk.pos) += bytes;
    block_give(&s->writer->pool, blocks);
    atomic_fetch_sub_explicit(&s->held, (size_t)count * BLOCK_SIZE, memory_order_relaxed);
}

void disk_work(struct disk_sink *s, struct list *items)
{
    struct list blocks;
    int count = 0, kind = ITEM_BLOCK;
    list_init(&blocks);
    while (!list_empty(items)) {
        struct item *item = list_first(items, struct item, in_queue);
        bool block = item->kind == ITEM_BLOCK || item->kind == ITEM_NOTES;
        if (count && ((int)item->kind != kind || count == BATCH_BLOCKS)) {
            write_blocks(s, &blocks, count);
            count = 0;
        }
        list_remove(&item->in_queue);
        if (block) {
            list_append(&blocks, &item->in_queue);
            kind = item->kind;
            count++;
        } else {
            run_op(s, list_item(item, struct op, item));
        }
    }
    if (count)
        write_blocks(s, &blocks, count);
}

/* Waits for a sink with a queue and takes the queue. NULL: the end. */
static struct disk_sink *next_sink(struct worker *w, struct list *items)
{
    pthread_mutex_lock(&w->lock);
    while (list_empty(&w->ready) && !w->stop)
        pthread_cond_wait(&w->wake, &w->lock);
    struct disk_sink *s = list_first(&w->ready, struct disk_sink, in_ready);
    if (s) {
        list_remove(&s->in_ready);
        items_move(items, &s->queue);
    }
    pthread_mutex_unlock(&w->lock);
    return s;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct list items;
    list_init(&items);
    pthread_setname_np(pthread_self(), "disk");
    for (struct disk_sink *s = next_sink(w, &items); s; s = next_sink(w, &items))
        disk_work(s, &items);
    return NULL;
}

static int start(struct spool_writer *w)
{
    struct worker *worker = &w->workers[w->count];
    worker->writer = w;
    list_init(&worker->ready);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    if (pthread_create(&worker->thread, NULL, run, worker)) {
        log_error(NULL, "cannot start a disk thread");
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->lock);
        return ERR_IO;
    }
    w->count++;
    return OK;
}

int spool_writer_new(struct spool_writer **out, const struct spool_limits *limits,
                     spool_finish_fn *finisher)
{
    assert(limits->threads >= 1 && limits->threads <= WRITER_MAX_THREADS);
    struct spool_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->limits = *limits;
    w->finish = finisher;
    block_pool_init(&w->pool, limits->total_bytes);
    int err = finisher_start(w);
    for (unsigned i = 0; i < limits->threads && !err; i++)
        err = start(w);
    if (err) {
        spool_writer_free(w);
        return err;
    }
    *out = w;
    return OK;
}

static void stop(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}

void spool_writer_free(struct spool_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->count; i++)
        stop(&w->workers[i]);
    finisher_stop(w);
    block_pool_fini(&w->pool);
    free(w);
}

uint64_t spool_writer_overflows(const struct spool_writer *w)
{
    return counter_get(&w->overflows);
}

size_t spool_writer_bytes(const struct spool_writer *w)
{
    return atomic_load_explicit(&w->pool.lent, memory_order_relaxed);
}
