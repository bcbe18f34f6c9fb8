/* What an object is called and what it is (files.md 1 and 7). */
#ifndef UPLOAD_KEY_H
#define UPLOAD_KEY_H

#include "base/buf.h"

/* The longest key stores take, bytes. */
#define KEY_MAX 1024

/* "PREFIX/TASK/NAME", or "TASK/NAME" for an empty prefix, into `out`. ERR_LIMIT, ERR_NOMEM. */
int key_build(struct buf *out, const char *prefix, const char *task_id, const char *name);

/* By the name's ending; never NULL. */
const char *key_content_type(const char *name);

#endif
