/* A SQLite file system whose k-th write, sync or truncation fails. Becomes the default one of the
 * test program. */
#ifndef FAULT_VFS_H
#define FAULT_VFS_H

void fault_vfs_install(void);

/* The `after`-th operation from now (1: the next) and all `count - 1` behind it fail with `code`
 * (SQLITE_FULL, SQLITE_IOERR_FSYNC...). 0: none. */
void fault_vfs_fail(int after, int count, int code);

/* Operations since the last fault_vfs_fail. */
int fault_vfs_seen(void);

#endif
