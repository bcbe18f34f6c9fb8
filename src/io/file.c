#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"

#define COPY_BLOCK (256u << 10)
#define FILE_MODE  0644

bool file_name_ok(const char *name)
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+=@";
    struct bytes text = bytes_str(name);
    return text.len > 0 && text.len <= FILE_NAME_MAX && name[0] != '.' && str_only(text, set);
}

bool file_has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), tail = strlen(suffix);
    return len > tail && strcmp(name + len - tail, suffix) == 0;
}

/* Logs errno and keeps it. */
static int fail(const char *what, const char *name)
{
    int reason = errno;
    log_warn(NULL, "cannot %s %s: %s", what, name, strerror(reason));
    errno = reason;
    return ERR_IO;
}

static void close_keep_errno(int fd)
{
    int reason = errno;
    close(fd);
    errno = reason;
}

static void part_name(char out[NAME_MAX + 1], const char *name)
{
    snprintf(out, NAME_MAX + 1, "%.*s" FILE_PART, FILE_NAME_MAX, name);
}

int dir_sync(int dir)
{
    return fsync(dir) ? fail("sync", "folder") : OK;
}

int dir_open_at(int *out, int dir, const char *name)
{
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : fail("open folder", name);
    *out = fd;
    return OK;
}

int dir_make_at(int *out, int dir, const char *name, unsigned mode)
{
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    if (mkdirat(dir, name, mode) == 0) {
        int err = dir_sync(dir);
        if (err)
            return err;
    } else if (errno != EEXIST) {
        return fail("make folder", name);
    }
    return dir_open_at(out, dir, name);
}

int dir_make_path(int *out, int dir, const char *path, unsigned mode)
{
    int at = dir;
    struct bytes rest = bytes_str(path);
    if (rest.len && rest.ptr[rest.len - 1] == '/')
        return ERR_MALFORMED;
    do {
        char name[FILE_NAME_SIZE];
        int next, err = ERR_MALFORMED;
        if (str_copy(name, sizeof name, str_split(rest, '/', &rest)))
            err = dir_make_at(&next, at, name, mode);
        if (at != dir)
            close_keep_errno(at);
        if (err)
            return err;
        at = next;
    } while (rest.len);
    *out = at;
    return OK;
}

static bool make_parents(const char *path)
{
    char part[PATH_MAX];
    if (!str_copy(part, sizeof part, bytes_str(path)))
        return false;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(part, 0700) && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

int dir_open(int *out, const char *path)
{
    if (!path[0] || !make_parents(path))
        return fail("make folder", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail("open folder", path);
    *out = fd;
    return OK;
}

int dir_each(int dir, int (*each)(void *ctx, const char *name), void *ctx)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *walk = fd < 0 ? NULL : fdopendir(fd);
    if (!walk) {
        if (fd >= 0)
            close_keep_errno(fd);
        return fail("read", "folder");
    }
    int err = OK;
    for (struct dirent *e = readdir(walk); e && !err; e = readdir(walk))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            err = each(ctx, e->d_name);
    closedir(walk);
    return err;
}

static int create(int *out, int dir, const char *name)
{
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return fail("create", name);
    *out = fd;
    return OK;
}

int file_create(int *out, int dir, const char *name)
{
    return file_name_ok(name) ? create(out, dir, name) : ERR_MALFORMED;
}

int file_create_part(int *out, int dir, const char *name)
{
    char part[NAME_MAX + 1];
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    part_name(part, name);
    return create(out, dir, part);
}

int file_commit(int fd, int dir, const char *name)
{
    char part[NAME_MAX + 1];
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    part_name(part, name);
    if (fsync(fd))
        return fail("sync", part);
    if (renameat(dir, part, dir, name))
        return fail("rename", part);
    return dir_sync(dir);
}

/* Drops the first `done` bytes of the array. */
static void advance(struct iovec **iov, int *count, size_t done)
{
    while (*count && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        ++*iov;
        --*count;
    }
    if (*count) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
}

int file_write_at(int fd, struct iovec *iov, int count, uint64_t pos)
{
    advance(&iov, &count, 0);
    while (count) {
        ssize_t done = pwritev(fd, iov, count < IOV_MAX ? count : IOV_MAX, (off_t)pos);
        if (done < 0 && errno == EINTR)
            continue;
        if (done == 0)
            errno = ENOSPC;
        if (done <= 0)
            return fail("write", "file");
        pos += (uint64_t)done;
        advance(&iov, &count, (size_t)done);
    }
    return OK;
}

int file_put_open(int *out, int dir, const char *name, struct bytes content)
{
    int fd;
    int err = file_create_part(&fd, dir, name);
    if (err)
        return err;
    struct iovec iov = { .iov_base = (void *)(uintptr_t)content.ptr, .iov_len = content.len };
    err = file_write_at(fd, &iov, 1, 0);
    if (!err)
        err = file_commit(fd, dir, name);
    if (err) {
        close_keep_errno(fd);
        return err;
    }
    *out = fd;
    return OK;
}

int file_put(int dir, const char *name, struct bytes content)
{
    int fd;
    int err = file_put_open(&fd, dir, name, content);
    if (!err)
        close(fd);
    return err;
}

static int open_plain(int *out, int dir, const char *name, int access)
{
    struct stat st;
    int fd = openat(dir, name, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : fail("open", name);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return ERR_MALFORMED;
    }
    *out = fd;
    return OK;
}

int file_open(int *out, int dir, const char *name)
{
    return file_name_ok(name) ? open_plain(out, dir, name, O_RDONLY) : ERR_MALFORMED;
}

int file_open_part(int *out, int dir, const char *name)
{
    char part[NAME_MAX + 1];
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    part_name(part, name);
    return open_plain(out, dir, part, O_RDWR);
}

int file_cut(int fd, uint64_t len)
{
    return ftruncate(fd, (off_t)len) ? fail("cut", "file") : OK;
}

int file_size(int fd, uint64_t *out)
{
    struct stat st;
    if (fstat(fd, &st))
        return fail("stat", "file");
    *out = (uint64_t)st.st_size;
    return OK;
}

/* What pread gives, without interruptions. */
static ssize_t read_at(int fd, void *to, size_t len, uint64_t pos)
{
    ssize_t got;
    do
        got = pread(fd, to, len, (off_t)pos);
    while (got < 0 && errno == EINTR);
    return got;
}

int file_read_at(int fd, void *to, size_t len, uint64_t pos, size_t *got)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = read_at(fd, (uint8_t *)to + have, len - have, pos + have);
        if (n < 0)
            return fail("read", "file");
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *got = have;
    return OK;
}

int file_read_fd(struct buf *out, int fd)
{
    uint64_t size, pos = 0;
    int err = file_size(fd, &size);
    if (err)
        return err;
    if (size > out->limit)
        return ERR_LIMIT;
    uint8_t *to = buf_extend(out, (size_t)size);
    if (!to)
        return out->err;
    while (pos < size) {
        ssize_t got = read_at(fd, to + pos, (size_t)(size - pos), pos);
        if (got == 0)
            errno = ENODATA;
        if (got <= 0)
            return fail("read", "file");
        pos += (uint64_t)got;
    }
    return OK;
}

int file_read(struct buf *out, int dir, const char *name)
{
    int fd;
    int err = file_open(&fd, dir, name);
    if (err)
        return err;
    err = file_read_fd(out, fd);
    close_keep_errno(fd);
    return err;
}

/* For file systems that cannot copy by reference. */
static int copy_by_hand(int from, int to, uint64_t pos, uint64_t len)
{
    uint8_t *block = malloc(COPY_BLOCK);
    if (!block)
        return ERR_NOMEM;
    int err = OK;
    while (!err && pos < len) {
        size_t want = len - pos < COPY_BLOCK ? (size_t)(len - pos) : COPY_BLOCK;
        ssize_t got = read_at(from, block, want, pos);
        if (got == 0)
            errno = ENODATA;
        if (got <= 0) {
            err = fail("read", "file");
        } else {
            struct iovec iov = { .iov_base = block, .iov_len = (size_t)got };
            err = file_write_at(to, &iov, 1, pos);
            pos += (uint64_t)got;
        }
    }
    int reason = errno;
    free(block);
    errno = reason;
    return err;
}

int file_copy(int from, int to, uint64_t len)
{
    off_t in = 0, out = 0;
    while ((uint64_t)in < len) {
        ssize_t done = copy_file_range(from, &in, to, &out, (size_t)(len - (uint64_t)in), 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return copy_by_hand(from, to, (uint64_t)in, len);
    }
    return OK;
}

int file_remove(int dir, const char *name)
{
    if (strchr(name, '/'))
        return ERR_MALFORMED;
    if (unlinkat(dir, name, 0) && errno != ENOENT)
        return fail("remove", name);
    return OK;
}
