#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct system_calls system_calls;

/* False: the call fails. */
static bool may_go_on(void)
{
    system_calls.count++;
    if (system_calls.count == system_calls.die_at)
        _exit(SYSTEM_CALL_EXIT);
    if (system_calls.count == system_calls.fail_at) {
        errno = EIO;
        return false;
    }
    return true;
}

int fsync(int fd)
{
    return may_go_on() ? (int)syscall(SYS_fsync, fd) : -1;
}

int ftruncate(int fd, off_t length)
{
    return may_go_on() ? (int)syscall(SYS_ftruncate, fd, length) : -1;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return may_go_on() ? (int)syscall(SYS_renameat, from_dir, from, to_dir, to) : -1;
}

int unlinkat(int dir, const char *name, int flags)
{
    return may_go_on() ? (int)syscall(SYS_unlinkat, dir, name, flags) : -1;
}

int fallocate(int fd, int mode, off_t at, off_t length)
{
    if (system_calls.no_insert && mode & FALLOC_FL_INSERT_RANGE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return may_go_on() ? (int)syscall(SYS_fallocate, fd, mode, at, length) : -1;
}

ssize_t copy_file_range(int from, off64_t *in, int to, off64_t *out, size_t length, unsigned flags)
{
    if (system_calls.no_copy_range) {
        errno = EXDEV;
        return -1;
    }
    return may_go_on() ? syscall(SYS_copy_file_range, from, in, to, out, length, flags) : -1;
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t pos)
{
    if (system_calls.count + 1 == system_calls.die_at)
        syscall(SYS_pwrite64, fd, iov[0].iov_base, iov[0].iov_len / 2, pos);
    return may_go_on() ? syscall(SYS_pwritev, fd, iov, count, pos, 0) : -1;
}
