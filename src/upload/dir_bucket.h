/* A bucket that is a folder: ROOT/BUCKET/key. ROOT is the operator's; the bucket's name and each
 * part of a key are checked names (io/file.h), and links below ROOT are not followed. A file is
 * copied to a hidden ".NAME.part" beside its place and renamed, with fsync of file and folder; or
 * linked, where the file may be shared and both lie in one file system. The work runs in libuv's
 * thread pool. */
#ifndef UPLOAD_DIR_BUCKET_H
#define UPLOAD_DIR_BUCKET_H

#include "upload/bucket.h"

struct loop;

/* `create`: make ROOT/BUCKET when missing; otherwise that is UPLOAD_NO_BUCKET. ROOT itself must be
 * there. ERR_MALFORMED: the bucket's name; ERR_NOMEM. Control loop. */
int dir_bucket_new(struct bucket **out, struct loop *control, const char *root, const char *name,
                   bool create);

#endif
