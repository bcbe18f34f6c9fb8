#include "spool/media_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "observe/log.h"
#include "segment/mp4/index.h"

#define NEW_SUFFIX ".new"
#define NAME_SIZE  (FILE_NAME_SIZE + sizeof FILE_PART)

/* A journal on the disk. */
struct journal_file {
    struct journal_source source;
    int fd;
};

struct work {
    int dir;
    const char *name;
    char part[NAME_SIZE], idx[NAME_SIZE], fresh[NAME_SIZE];
    int body;     /* NAME.part, or NAME when that is all there is; -1: none */
    bool renamed; /* it is NAME */
    uint64_t body_size;
    struct journal_file journal; /* fd -1: not open */
    uint64_t journal_size;
    struct media_scan scan;
    uint64_t head; /* bytes before the body, in the end */
};

static int fail(const struct work *w, const char *what)
{
    int reason = errno;
    log_warn(NULL, "cannot %s %s: %s", what, w->name, strerror(reason));
    errno = reason;
    return ERR_IO;
}

static int journal_read(struct journal_source *source, uint64_t pos, void *to, size_t len,
                        size_t *got)
{
    const struct journal_file *j = (const struct journal_file *)source;
    *got = 0;
    while (*got < len) {
        ssize_t n = pread(j->fd, (uint8_t *)to + *got, len - *got, (off_t)(pos + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            log_warn(NULL, "cannot read a journal: %s", strerror(errno));
            return ERR_IO;
        }
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return OK;
}

/* ---- Opening and closing ---- */

static int open_at(int *out, const struct work *w, const char *name)
{
    *out = openat(w->dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (*out >= 0)
        return OK;
    return errno == ENOENT ? ERR_NOT_FOUND : fail(w, "open");
}

static int open_journal(struct work *w)
{
    w->journal.source.read = journal_read;
    int err = open_at(&w->journal.fd, w, w->idx);
    return err ? err : file_size(w->journal.fd, &w->journal_size);
}

static void close_journal(struct work *w)
{
    if (w->journal.fd >= 0)
        close(w->journal.fd);
    w->journal.fd = -1;
}

/* The body's own file while there is one; otherwise what it has become. */
static int open_body(struct work *w)
{
    int err = open_at(&w->body, w, w->part);
    if (err == ERR_NOT_FOUND) {
        err = open_at(&w->body, w, w->name);
        w->renamed = err == OK;
    }
    if (err == ERR_NOT_FOUND)
        return OK; /* nothing was ever appended */
    return err ? err : file_size(w->body, &w->body_size);
}

static int work_init(struct work *w, int dir, const char *name)
{
    *w = (struct work){ .dir = dir, .name = name, .body = -1, .journal.fd = -1 };
    if (!file_name_ok(name) || strlen(name) + strlen(NEW_SUFFIX) > FILE_NAME_MAX)
        return ERR_MALFORMED;
    snprintf(w->part, sizeof w->part, "%s" FILE_PART, name);
    snprintf(w->idx, sizeof w->idx, "%s" JOURNAL_SUFFIX, name);
    snprintf(w->fresh, sizeof w->fresh, "%s" NEW_SUFFIX, name);
    return OK;
}

static void work_fini(struct work *w)
{
    if (w->body >= 0)
        close(w->body);
    close_journal(w);
}

/* ---- Step 1: what is torn is cut ---- */

static int cut(struct work *w, int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) || fsync(fd) ? fail(w, "cut") : OK;
}

/* Where the body lies shifted already, it begins at the head that the journal tells. */
static bool shifted(const struct work *w)
{
    return w->scan.placed && w->body_size >= w->scan.head + w->scan.body;
}

/* The journal again without what the body does not hold, so that nothing in it is doubtful. */
static int rewrite_journal(struct work *w)
{
    struct media_walk walk;
    struct journal_item it;
    struct journal_writer jw;
    uint64_t pos = 0;
    int fd, err = file_create_part(&fd, w->dir, w->idx);
    if (err)
        return err;
    journal_writer_init(&jw);
    err = media_walk_begin(&walk, &w->journal.source, w->scan.body);
    bool more = !err;
    while (more) {
        more = media_walk_next(&walk, &it, &err);
        if (more)
            journal_put_item(&jw, &it);
        if (more && jw.out.len < JOURNAL_MAX_RECORD)
            continue;
        struct bytes bytes = journal_take(&jw);
        struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len };
        err = err ? err : jw.out.err ? jw.out.err : file_write_at(fd, &iov, 1, pos);
        pos += bytes.len;
        more = more && !err;
    }
    if (!err)
        err = file_commit(fd, w->dir, w->idx);
    media_walk_end(&walk);
    journal_writer_fini(&jw);
    close(fd);
    return err;
}

static int scan(struct work *w)
{
    /* Behind a PLACED the file is larger than its body, which does no harm here: a sample that the
     * body lacked was taken out of the journal before. */
    return media_scan(&w->scan, &w->journal.source, w->body_size);
}

/* The rewritten journal in the place of the old one. */
static int replace_journal(struct work *w)
{
    int err = rewrite_journal(w);
    close_journal(w);
    if (!err)
        err = open_journal(w);
    return err ? err : scan(w);
}

static int cut_torn(struct work *w)
{
    uint64_t journal = w->journal_size, body = w->body_size;
    int err = OK;
    if (w->scan.cut)
        err = w->renamed ? ERR_BAD_STATE : replace_journal(w);
    else if (journal > w->scan.good)
        err = cut(w, w->journal.fd, w->scan.good);
    if (!err && !w->renamed && !shifted(w) && body > w->scan.body) {
        err = cut(w, w->body, w->scan.body);
        w->body_size = w->scan.body;
    }
    w->scan.summary.cut_bytes = journal - w->scan.good + (body - w->body_size);
    return err;
}

/* ---- Steps 2 and 3: the front ---- */

static int write_box(void *ctx, uint64_t pos, struct bytes bytes)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len };
    return file_write_at(*(int *)ctx, &iov, 1, pos);
}

static int write_head(struct work *w, int fd)
{
    struct box_out *out = malloc(sizeof *out);
    if (!out)
        return ERR_NOMEM;
    box_out_init(out, write_box, &fd);
    int err = mp4_head_write(out, &w->scan, &w->journal.source, w->head);
    free(out);
    return err == ERR_LIMIT ? ERR_BAD_STATE : err;
}

/* PLACED behind the journal's last record, before the body moves. */
static int tell_placed(struct work *w)
{
    if (w->scan.placed && w->scan.head == w->head)
        return OK;
    struct journal_writer jw;
    journal_writer_resume(&jw, w->scan.checksum);
    journal_put_placed(&jw, &(struct journal_placed){ w->head });
    struct bytes bytes = journal_take(&jw);
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len };
    int err = jw.out.err ? jw.out.err : file_write_at(w->journal.fd, &iov, 1, w->scan.good);
    if (!err && fsync(w->journal.fd))
        err = fail(w, "sync");
    journal_writer_fini(&jw);
    return err;
}

/* ERR_UNSUPPORTED: this file system cannot. */
static int insert(struct work *w)
{
    if (fallocate(w->body, FALLOC_FL_INSERT_RANGE, 0, (off_t)w->head) == 0)
        return OK;
    if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS)
        return ERR_UNSUPPORTED;
    return fail(w, "make room in");
}

static int copy_range(int from, int to, uint64_t at, uint64_t len)
{
    off_t in = 0, out = (off_t)at;
    while ((uint64_t)in < len) {
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(len - (uint64_t)in), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENODATA;
        if (n <= 0)
            return ERR_IO;
    }
    return OK;
}

/* For file systems between which the kernel does not copy. */
static int copy_by_hand(int from, int to, uint64_t at, uint64_t len)
{
    enum { BLOCK = 256 << 10 };
    uint8_t *block = malloc(BLOCK);
    int err = block ? OK : ERR_NOMEM;
    for (uint64_t pos = 0; pos < len && !err;) {
        ssize_t n = pread(from, block, len - pos < BLOCK ? (size_t)(len - pos) : BLOCK, (off_t)pos);
        if (n < 0 && errno == EINTR)
            continue;
        struct iovec iov = { .iov_base = block, .iov_len = n > 0 ? (size_t)n : 0 };
        err = n > 0 ? file_write_at(to, &iov, 1, at + pos) : ERR_IO;
        pos += iov.iov_len;
    }
    free(block);
    return err;
}

static int copy_body(struct work *w, int to)
{
    int err = copy_range(w->body, to, w->head, w->scan.body);
    if (err && errno != ENOSPC)
        err = copy_by_hand(w->body, to, w->head, w->scan.body);
    return err ? fail(w, "copy") : OK;
}

static int rename_copy(struct work *w, int fd)
{
    char fresh_part[NAME_SIZE + sizeof FILE_PART];
    snprintf(fresh_part, sizeof fresh_part, "%s" FILE_PART, w->fresh);
    if (fsync(fd) || renameat(w->dir, fresh_part, w->dir, w->name))
        return fail(w, "rename");
    int err = dir_sync(w->dir);
    return err ? err : file_remove(w->dir, w->part);
}

static int place_by_copy(struct work *w)
{
    int fd;
    int err = file_create_part(&fd, w->dir, w->fresh);
    if (err)
        return err;
    err = copy_body(w, fd);
    if (!err)
        err = write_head(w, fd);
    if (!err)
        err = rename_copy(w, fd);
    close(fd);
    return err;
}

static int place(struct work *w)
{
    bool there = shifted(w);
    int err = OK;
    if (!there) {
        err = tell_placed(w);
        if (!err)
            err = insert(w);
    }
    if (err == ERR_UNSUPPORTED)
        return place_by_copy(w);
    if (!err)
        err = write_head(w, w->body);
    return err ? err : file_commit(w->body, w->dir, w->name);
}

static int finish_mp4(struct work *w)
{
    w->head = w->scan.head;
    if (!shifted(w)) {
        int err = mp4_head_size(&w->head, &w->scan, &w->journal.source, MP4_ALIGN);
        if (err)
            return err;
    }
    if (!w->renamed)
        return place(w);
    return w->body_size == w->head + w->scan.body ? OK : ERR_BAD_STATE;
}

static int finish_adts(struct work *w)
{
    if (!w->renamed)
        return file_commit(w->body, w->dir, w->name);
    return w->body_size == w->scan.body ? OK : ERR_BAD_STATE;
}

/* ---- Step 4: the short journal ---- */

static int put_short(struct work *w)
{
    struct journal_writer jw;
    w->scan.summary.bytes = w->head + w->scan.body;
    journal_writer_init(&jw);
    journal_put_header(&jw, &w->scan.header);
    journal_put_summary(&jw, &w->scan.summary);
    struct bytes bytes = journal_take(&jw);
    int err = jw.out.err ? jw.out.err : file_put(w->dir, w->idx, bytes);
    journal_writer_fini(&jw);
    return err;
}

static int remove_all(struct work *w)
{
    int err = file_remove(w->dir, w->part);
    if (!err)
        err = file_remove(w->dir, w->idx);
    if (!err)
        err = dir_sync(w->dir);
    return err ? err : ERR_NOT_FOUND;
}

static void tell(struct media_file_summary *out, const struct journal_header *h,
                 const struct journal_summary *s)
{
    out->format = h->format;
    out->fill = h->fill;
    out->part = h->part;
    str_copy(out->user, sizeof out->user, h->user);
    str_copy(out->media, sizeof out->media, h->media);
    out->sum = *s;
}

static int finish(struct work *w)
{
    int err = scan(w);
    if (err == ERR_AGAIN)
        return remove_all(w);
    if (!err)
        err = cut_torn(w);
    if (err)
        return err;
    if (!w->scan.samples)
        return w->renamed ? ERR_BAD_STATE : remove_all(w);
    err = w->scan.header.format == MEDIA_FORMAT_MP4 ? finish_mp4(w) : finish_adts(w);
    if (err == ERR_NOT_FOUND)
        return remove_all(w);
    return err ? err : put_short(w);
}

int media_file_finish(int dir, const char *name, struct media_file_summary *out)
{
    struct work *w = malloc(sizeof *w);
    if (!w)
        return ERR_NOMEM;
    int err = work_init(w, dir, name);
    if (!err)
        err = open_journal(w);
    if (!err)
        err = open_body(w);
    if (!err)
        err = finish(w);
    if (!err)
        tell(out, &w->scan.header, &w->scan.summary);
    else if (err == ERR_EXISTS)
        err = media_file_summary_read(dir, name, out);
    work_fini(w);
    free(w);
    return err;
}

int media_file_summary_read(int dir, const char *name, struct media_file_summary *out)
{
    struct work w;
    struct journal_reader *r = NULL;
    struct journal_header header;
    struct journal_summary summary;
    int err = work_init(&w, dir, name);
    if (!err)
        err = open_journal(&w);
    if (!err)
        err = journal_reader_new(&r, &w.journal.source);
    if (!err)
        err = journal_read_summary(r, &header, &summary);
    if (!err)
        tell(out, &header, &summary);
    journal_reader_free(r);
    work_fini(&w);
    return err == ERR_AGAIN ? ERR_BAD_STATE : err;
}
