/* Durable files inside folders that are held open. A name is always one checked component, never a
 * path, so nothing that came from a peer can lead out of the folder; links are not followed.
 *
 * A file being written is called NAME.part. file_commit makes it whole: contents to the disk,
 * rename to NAME, folder to the disk. Whoever sees NAME, now or after a crash, sees all of it.
 *
 * The calls block; use them from disk threads, at start, or for small files. ERR_IO: errno was
 * logged here with the name and is still set for callers that tell one reason from another. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/buf.h"

/* The longest name, so that ".NAME.part" still fits the 255 bytes of common file systems. */
#define FILE_NAME_MAX  240
#define FILE_NAME_SIZE (FILE_NAME_MAX + 1)
#define FILE_PART      ".part"

/* 1 to FILE_NAME_MAX characters of A-Z a-z 0-9 and . _ - + = @, the first not a dot. */
bool file_name_ok(const char *name);
bool file_has_suffix(const char *name, const char *suffix);

/* Folders. The descriptors are the caller's to close.
 * dir_open: `path` is the operator's, and is made with its parents when missing (mode 0700).
 * dir_open_at: ERR_NOT_FOUND.
 * dir_make_at: made when missing (the mode is narrowed by the umask), durably.
 * dir_make_path: each component of "a/b/c" as dir_make_at; ERR_MALFORMED: a component that is no
 * name. */
int dir_open(int *out, const char *path);
int dir_open_at(int *out, int dir, const char *name);
int dir_make_at(int *out, int dir, const char *name, unsigned mode);
int dir_make_path(int *out, int dir, const char *path, unsigned mode);
int dir_sync(int dir);

/* Calls `each` with every name but "." and "..", in no order. `each` may remove files; its first
 * error ends the walk and is returned. */
int dir_each(int dir, int (*each)(void *ctx, const char *name), void *ctx);

/* Creates or empties NAME.part, open for reading and writing. ERR_MALFORMED: no name. */
int file_create_part(int *out, int dir, const char *name);

/* Creates or empties NAME itself, open for reading and writing: for a file that is good at each of
 * its lengths. ERR_MALFORMED: no name. */
int file_create(int *out, int dir, const char *name);

/* NAME.part as a crash left it, to read and to write. ERR_NOT_FOUND; ERR_MALFORMED: no name, or not
 * a plain file. */
int file_open_part(int *out, int dir, const char *name);

/* Drops what is behind `len` bytes. */
int file_cut(int fd, uint64_t len);

/* Makes NAME.part, open as `fd`, whole and visible. `fd` stays open and then shows this very
 * version for good, even when the name is taken by a newer one. */
int file_commit(int fd, int dir, const char *name);

/* All of it at `pos`, in as few calls as the kernel allows. The array is used up. */
int file_write_at(int fd, struct iovec *iov, int count, uint64_t pos);

/* Replaces NAME whole and durably. */
int file_put(int dir, const char *name, struct bytes content);

/* file_put that leaves the new version open in `out`. */
int file_put_open(int *out, int dir, const char *name, struct bytes content);

/* Read only. ERR_NOT_FOUND; ERR_MALFORMED: no name, or not a plain file. */
int file_open(int *out, int dir, const char *name);

/* Appends the whole file, from its start whatever the descriptor's position. ERR_LIMIT: above the
 * buffer's limit. */
int file_read_fd(struct buf *out, int fd);
int file_read(struct buf *out, int dir, const char *name); /* ERR_NOT_FOUND besides */

/* Up to `len` bytes from `pos`; `*got` is less at the end of the file only. */
int file_read_at(int fd, void *to, size_t len, uint64_t pos, size_t *got);

int file_size(int fd, uint64_t *out);

/* Copies the `len` first bytes to the start of `to`, by reference where the file system can. ERR_IO
 * with errno ENODATA: `from` is shorter. */
int file_copy(int from, int to, uint64_t len);

/* Removes NAME (any entry of the folder, a NAME.part too); a missing one is fine. */
int file_remove(int dir, const char *name);

#endif
