/* Files of a task that nobody told the uploader about: after a crash, or when a track's writer
 * died. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "spool/spool.h"
#include "upload/task.h"

#define PLAYLIST_MAX (64u << 20) /* bytes; two weeks of segments are a third */
#define ENDLIST      "#EXT-X-ENDLIST"

/* Calls `each` for each line, without its end. */
static void each_line(struct bytes text, void (*each)(void *ctx, struct bytes line), void *ctx)
{
    while (text.len) {
        struct bytes line = str_split(text, '\n', &text);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        each(ctx, line);
    }
}

static void look_for_end(void *ctx, struct bytes line)
{
    bool *ended = ctx;
    *ended |= bytes_equal_str(line, ENDLIST);
}

static bool has_end(struct bytes text)
{
    bool ended = false;
    each_line(text, look_for_end, &ended);
    return ended;
}

/* A file in memory: the last version needs no room on a disk that may be full. */
static int memory_file(int *out, struct bytes content)
{
    int fd = memfd_create("playlist", MFD_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    struct iovec iov = { .iov_base = (void *)(uintptr_t)content.ptr, .iov_len = content.len };
    int err = file_write_at(fd, &iov, 1, 0);
    if (err) {
        close(fd);
        return err;
    }
    *out = fd;
    return OK;
}

/* A version that nothing follows has the highest generation. */
static int add_version(struct upload_task *t, const char *name, struct bytes text, bool last)
{
    int fd;
    int err = memory_file(&fd, text);
    if (err)
        return err;
    err = plan_add_version(t->plan, name, fd, text.len, last ? INT64_MAX : 0, last);
    if (err)
        close(fd);
    return err;
}

static int add_last_version(struct upload_task *t, const char *name, struct buf *text)
{
    if (!has_end(buf_bytes(text))) {
        if (text->len && text->ptr[text->len - 1] != '\n')
            buf_put_str(text, "\n");
        buf_put_str(text, ENDLIST "\n");
        if (text->err)
            return text->err;
    }
    return add_version(t, name, buf_bytes(text), true);
}

int recover_last_version(struct upload_task *t, const char *playlist)
{
    struct buf text;
    buf_init(&text, PLAYLIST_MAX);
    int err = file_read(&text, spool_folder_dir(t->folder), playlist);
    if (!err)
        err = add_last_version(t, playlist, &text);
    buf_fini(&text);
    if (err != ERR_NOT_FOUND && err != ERR_MALFORMED && err != ERR_LIMIT)
        return err;
    log_warn(&t->log, "playlist %s has no last version: %s", playlist, err_text(err));
    plan_forget(t->plan, playlist);
    return OK;
}

/* While a playlist is read: its lines against the segments that are there. */
struct reading {
    struct upload_task *task;
    const struct spool_found *found;
    const char *playlist;
    int err;
};

static int by_name(const void *key, const void *entry)
{
    return strcmp(key, ((const struct spool_entry *)entry)->name);
}

static void add_named(void *ctx, struct bytes line)
{
    struct reading *r = ctx;
    char name[FILE_NAME_SIZE];
    if (r->err || !line.len || line.ptr[0] == '#' || !str_copy(name, sizeof name, line))
        return;
    struct spool_entry *e = bsearch(name, r->found->entries, r->found->count, sizeof *e, by_name);
    if (!e || e->kind != SPOOL_SEGMENT)
        return;
    int err = plan_add_segment(r->task->plan, name, r->playlist, e->bytes);
    if (err != ERR_EXISTS)
        r->err = err;
}

static int recover_playlist(struct upload_task *t, const struct spool_found *found,
                            const char *name, bool finish)
{
    struct buf text;
    struct reading r = { .task = t, .found = found, .playlist = name };
    buf_init(&text, PLAYLIST_MAX);
    int err = file_read(&text, spool_folder_dir(t->folder), name);
    if (!err) {
        each_line(buf_bytes(&text), add_named, &r);
        err = r.err;
    }
    if (!err && (finish || has_end(buf_bytes(&text))))
        err = add_last_version(t, name, &text);
    else if (!err)
        err = add_version(t, name, buf_bytes(&text), false);
    buf_fini(&text);
    if (err == ERR_LIMIT || err == ERR_NOT_FOUND) {
        log_error(&t->log, "playlist %s cannot be recovered: %s", name, err_text(err));
        return OK;
    }
    return err == ERR_BAD_STATE ? OK : err; /* its last version is known already */
}

/* What no playlist names: whole files by themselves, and the segment that a crash cut off from its
 * playlist. */
static int recover_others(struct upload_task *t, const struct spool_found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct spool_entry *e = &found->entries[i];
        if (e->kind != SPOOL_SEGMENT)
            continue;
        int err = plan_add_segment(t->plan, e->name, "", e->bytes);
        if (err && err != ERR_EXISTS)
            return err;
    }
    return OK;
}

int recover_folder(struct upload_task *t, bool finish)
{
    struct spool_found *found;
    int err = spool_folder_scan(&found, t->folder);
    if (err)
        return err;
    for (size_t i = 0; i < found->count && !err; i++)
        if (found->entries[i].kind == SPOOL_PLAYLIST)
            err = recover_playlist(t, found, found->entries[i].name, finish);
    if (!err)
        err = recover_others(t, found);
    spool_found_free(found);
    return err;
}
