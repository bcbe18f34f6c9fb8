#include "steps.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/http_client.h"
#include "upload/key.h"

static _Atomic unsigned steps;
static unsigned kill_before, stall;
static int notes = -1;

void notes_open(const char *path)
{
    notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (notes < 0)
        abort();
}

void note(const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (notes >= 0 && write(notes, line, (size_t)len) != len)
        abort();
}

void steps_start(unsigned kill_at, unsigned stall_ms)
{
    kill_before = kill_at;
    stall = stall_ms;
    atomic_store(&steps, 1);
}

static void step(const char *what)
{
    if (!atomic_load(&steps))
        return; /* not started */
    unsigned number = atomic_fetch_add(&steps, 1);
    if (number != kill_before)
        return;
    note("killed %u %s\n", number, what);
    usleep(stall * 1000);
    _exit(STEPS_KILLED);
}

#define WRAP(type, name, params, ...)                                                              \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        step(#name);                                                                               \
        return __real_##name(__VA_ARGS__);                                                         \
    }

WRAP(int, fsync, (int fd), fd)
WRAP(int, fdatasync, (int fd), fd)
WRAP(int, renameat, (int from_dir, const char *from, int to_dir, const char *to), from_dir, from,
     to_dir, to)
WRAP(int, linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags), from_dir,
     from, to_dir, to, flags)
WRAP(int, mkdirat, (int dir, const char *name, mode_t mode), dir, name, mode)
WRAP(int, ftruncate64, (int fd, off_t len), fd, len)
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *iov, int count, off_t pos), fd, iov, count,
     pos)
WRAP(int, http_client_send,
     (struct http_client * client, const struct http_call *call, http_done *done, void *ctx,
      struct http_transfer **out),
     client, call, done, ctx, out)

/* What is gone from the spool was acknowledged. */
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
    step("unlinkat");
    int result = __real_unlinkat(dir, name, flags);
    if (result == 0)
        note("gone %s\n", name);
    return result;
}

/* Each put asks for its key first. */
int __real_key_build(struct buf *out, const char *prefix, const char *task, const char *name);
int __wrap_key_build(struct buf *out, const char *prefix, const char *task, const char *name);
int __wrap_key_build(struct buf *out, const char *prefix, const char *task, const char *name)
{
    note("put %s\n", name);
    return __real_key_build(out, prefix, task, name);
}

int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                        void *ctx, char **message);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                        void *ctx, char **message);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                        void *ctx, char **message)
{
    if (strcmp(sql, "COMMIT") == 0)
        step("commit");
    return __real_sqlite3_exec(db, sql, row, ctx, message);
}
