/* A folder of its own for a test that touches real files. */
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct temp_dir {
    char path[64];
    int fd;
};

static inline struct temp_dir temp_dir_new(void)
{
    struct temp_dir t;
    snprintf(t.path, sizeof t.path, "/tmp/reeltime-test-XXXXXX");
    if (!mkdtemp(t.path))
        abort();
    t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return t;
}

static inline int temp_dir_remove_one(const char *path, const struct stat *st, int type,
                                      struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void temp_dir_free(struct temp_dir *t)
{
    close(t->fd);
    nftw(t->path, temp_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "ROOT/a/b" is there. */
static inline int temp_dir_has(const struct temp_dir *t, const char *path)
{
    return faccessat(t->fd, path, F_OK, 0) == 0;
}

/* The file as text, to free(); NULL when missing. */
static inline char *temp_dir_text(const struct temp_dir *t, const char *path)
{
    int fd = openat(t->fd, path, O_RDONLY);
    if (fd < 0)
        return NULL;
    struct stat st;
    fstat(fd, &st);
    char *text = calloc(1, (size_t)st.st_size + 1);
    if (read(fd, text, (size_t)st.st_size) != st.st_size)
        abort();
    close(fd);
    return text;
}

static inline void temp_dir_write(const struct temp_dir *t, const char *path, const char *text)
{
    int fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
    close(fd);
}

#endif
