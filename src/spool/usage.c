#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "spool/folder.h"

#define STAT_BLOCK 512 /* the unit of st_blocks, whatever the file system's is */

struct walk {
    int root;
    uint64_t bytes;
};

/* Files and folders come and go meanwhile; one that is gone holds nothing. */
static uint64_t file_bytes(int dir, const char *name)
{
    struct stat st;
    bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    return there ? (uint64_t)st.st_blocks * STAT_BLOCK : 0;
}

static int add_folder(void *ctx, const char *name)
{
    struct walk *walk = ctx;
    int fd = openat(walk->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return OK;
    }
    for (const struct dirent *e = readdir(folder); e; e = readdir(folder))
        walk->bytes += file_bytes(fd, e->d_name);
    closedir(folder);
    return OK;
}

int spool_disk_bytes(const struct spool *s, uint64_t *out)
{
    struct walk walk = { .root = s->root };
    int err = dir_each(s->root, add_folder, &walk);
    if (!err)
        *out = walk.bytes;
    return err;
}
