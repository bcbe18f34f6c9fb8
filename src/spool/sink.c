/* The media loop's side of a sink: collects bytes in blocks and hands them to the disk thread in
 * batches. */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "spool/disk.h"

/* When collected bytes go to the disk thread: a batch worth a system call, or an age that bounds
 * what a crash takes. */
#define BATCH_BYTES (256u << 10)
#define BATCH_AGE   (700 * MSEC)
#define MEDIA_AGE                                                                                  \
    (350 * MSEC) /* of a file with a journal: handed over with the next record, of about 0.2 s */

static struct disk_sink *of(struct sink *sink)
{
    return (struct disk_sink *)sink;
}

static int err_of(struct disk_sink *s)
{
    return atomic_load_explicit(&s->err, memory_order_relaxed) ? ERR_IO : OK;
}

/* A newer version of a playlist replaces one that still waits. Under lock; the older op, NULL if
 * there is none. */
static struct op *take_older_put(struct disk_sink *s, const struct op *newer)
{
    list_each(item, &s->queue, struct item, in_queue)
    {
        struct op *op = list_item(item, struct op, item);
        if (item->kind == ITEM_PUT && strcmp(op->file.name, newer->file.name) == 0) {
            list_remove(&item->in_queue);
            return op;
        }
    }
    return NULL;
}

/* Queues the collected blocks and `op` after them (NULL: none). */
static void hand_over(struct disk_sink *s, struct op *op)
{
    struct worker *w = s->worker;
    struct op *older = NULL;
    s->media.bytes = 0;
    pthread_mutex_lock(&w->lock);
    if (op && op->item.kind == ITEM_PUT)
        older = take_older_put(s, op);
    items_move(&s->queue, &s->media.blocks);
    items_move(&s->queue, &s->media.notes);
    if (op)
        list_append(&s->queue, &op->item.in_queue);
    if (!list_empty(&s->queue) && !link_linked(&s->in_ready)) {
        list_append(&w->ready, &s->in_ready);
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock); /* after a close the sink may be gone by now */
    op_free(older);
}

static int full(struct disk_sink *s)
{
    counter_add(&s->writer->overflows, 1);
    return ERR_LIMIT;
}

static int sink_begin(struct sink *sink, const char *name)
{
    struct disk_sink *s = of(sink);
    if (err_of(s))
        return ERR_IO;
    if (s->media.open)
        return ERR_BAD_STATE;
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    if (atomic_load_explicit(&s->held, memory_order_relaxed) + BLOCK_SIZE >
        s->writer->limits.track_bytes)
        return full(s);
    struct op *op = op_new(s, ITEM_BEGIN, name, "", bytes_of(NULL, 0));
    if (!op)
        return ERR_NOMEM;
    hand_over(s, op);
    str_copy(s->media.name, sizeof s->media.name, bytes_str(name));
    s->media.open = true;
    s->media.journal = false;
    return OK;
}

static size_t room_in(const struct block *b)
{
    return b ? BLOCK_SIZE - b->len : 0;
}

/* Makes room for `len` bytes behind the last block, or changes nothing. */
static int reserve(struct disk_sink *s, size_t len)
{
    size_t room = room_in(list_last(&s->media.blocks, struct block, item.in_queue));
    if (len <= room)
        return OK;
    size_t count = (len - room - 1) / BLOCK_SIZE + 1;
    size_t held = atomic_load_explicit(&s->held, memory_order_relaxed);
    if (count > s->writer->limits.track_bytes / BLOCK_SIZE ||
        held + count * BLOCK_SIZE > s->writer->limits.track_bytes)
        return ERR_LIMIT;
    int err = block_take(&s->writer->pool, count, &s->media.blocks);
    if (!err)
        atomic_fetch_add_explicit(&s->held, count * BLOCK_SIZE, memory_order_relaxed);
    return err;
}

static void fill(struct block *b, struct bytes *bytes)
{
    size_t len = bytes->len < room_in(b) ? bytes->len : room_in(b);
    memcpy(b->data + b->len, bytes->ptr, len);
    b->len += len;
    bytes->ptr += len;
    bytes->len -= len;
}

/* Counts bytes that wait here; the time. */
static usec_t collect(struct disk_sink *s, size_t len)
{
    usec_t now = clock_mono();
    if (s->media.bytes == 0)
        s->media.since = now;
    s->media.bytes += len;
    return now;
}

static int sink_append(struct sink *sink, struct bytes bytes)
{
    struct disk_sink *s = of(sink);
    if (err_of(s))
        return ERR_IO;
    if (!s->media.open)
        return ERR_BAD_STATE;
    if (!bytes.len) {
        if (s->media.bytes)
            hand_over(s, NULL);
        return OK;
    }
    struct block *last = list_last(&s->media.blocks, struct block, item.in_queue);
    int err = reserve(s, bytes.len);
    if (err) {
        hand_over(s, NULL); /* what waits here must not be what fills the bound */
        return err == ERR_LIMIT ? full(s) : err;
    }

    usec_t now = collect(s, bytes.len);
    struct link *at = last ? &last->item.in_queue : s->media.blocks.head.next;
    for (; bytes.len; at = at->next)
        fill(list_item(at, struct block, item.in_queue), &bytes);

    if (s->media.bytes >= BATCH_BYTES || (!s->media.journal && now - s->media.since >= BATCH_AGE))
        hand_over(s, NULL);
    return OK;
}

/* The last block of the journal that has room, or a new one. */
static struct block *note_block(struct disk_sink *s)
{
    struct block *b = list_last(&s->media.notes, struct block, item.in_queue);
    if (room_in(b))
        return b;
    b = block_take_over(&s->writer->pool);
    if (!b)
        return NULL;
    atomic_fetch_add_explicit(&s->held, BLOCK_SIZE, memory_order_relaxed);
    b->item.kind = ITEM_NOTES;
    list_append(&s->media.notes, &b->item.in_queue);
    return b;
}

static int sink_note(struct sink *sink, struct bytes record)
{
    struct disk_sink *s = of(sink);
    if (err_of(s))
        return ERR_IO;
    if (!s->media.open)
        return ERR_BAD_STATE;
    s->media.journal = true;
    usec_t now = collect(s, record.len);
    while (record.len) {
        struct block *b = note_block(s);
        if (!b)
            return ERR_NOMEM;
        fill(b, &record);
    }
    if (s->media.bytes >= BATCH_BYTES || now - s->media.since >= MEDIA_AGE)
        hand_over(s, NULL);
    return OK;
}

static int sink_finish(struct sink *sink, const struct sink_file *info)
{
    struct disk_sink *s = of(sink);
    if (err_of(s))
        return ERR_IO;
    if (!s->media.open)
        return ERR_BAD_STATE;
    struct op *op = op_new(s, ITEM_FINISH, s->media.name, info->playlist ? info->playlist : "",
                           bytes_of(NULL, 0));
    if (!op)
        return ERR_NOMEM;
    op->file.kind = info->kind;
    op->file.start = info->start;
    op->file.duration = info->duration;
    hand_over(s, op);
    s->media.open = false;
    return OK;
}

/* Without memory the file stays open on the disk's side; the next begin or the close gives it up
 * there. */
static void sink_abandon(struct sink *sink)
{
    struct disk_sink *s = of(sink);
    if (!s->media.open)
        return;
    hand_over(s, op_new(s, ITEM_ABANDON, "", "", bytes_of(NULL, 0)));
    s->media.open = false;
}

static int sink_put(struct sink *sink, const char *name, struct bytes text, unsigned generation,
                    bool last)
{
    struct disk_sink *s = of(sink);
    if (err_of(s))
        return ERR_IO;
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    struct op *op = op_new(s, ITEM_PUT, name, "", text);
    if (!op)
        return ERR_NOMEM;
    op->file.kind = SINK_PLAYLIST;
    op->file.bytes = text.len;
    op->file.generation = generation;
    op->file.last = last;
    hand_over(s, op);
    return OK;
}

static const struct sink_ops ops = {
    .begin = sink_begin,
    .append = sink_append,
    .note = sink_note,
    .finish = sink_finish,
    .abandon = sink_abandon,
    .put = sink_put,
};

int spool_sink_new(struct sink **out, struct spool_writer *w, struct spool_folder *folder,
                   struct loop *control, const struct spool_events *events, void *ctx)
{
    struct disk_sink *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->close = op_new(s, ITEM_CLOSE, "", "", bytes_of(NULL, 0));
    if (!s->close) {
        free(s);
        return ERR_NOMEM;
    }
    s->sink.ops = &ops;
    s->writer = w;
    s->worker =
        &w->workers[atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed) % w->count];
    s->folder = spool_folder_ref(folder);
    s->control = control;
    s->events = events;
    s->ctx = ctx;
    list_init(&s->media.blocks);
    list_init(&s->media.notes);
    list_init(&s->queue);
    link_init(&s->in_ready);
    list_init(&s->disk.unlisted);
    s->disk.fd = s->disk.journal = -1;
    *out = &s->sink;
    return OK;
}

void spool_sink_close(struct sink *sink)
{
    struct disk_sink *s = of(sink);
    hand_over(s, s->close);
}

void disk_sink_free(struct disk_sink *s)
{
    spool_folder_unref(s->folder);
    free(s);
}
