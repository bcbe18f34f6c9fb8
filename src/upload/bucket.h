/* A place that takes files: a folder (upload/dir_bucket.h), an object store. For those who upload,
 * and for those who implement one. Control loop only; no call blocks. */
#ifndef UPLOAD_BUCKET_H
#define UPLOAD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum upload_result {
    UPLOAD_OK,
    UPLOAD_RETRY,       /* may pass by itself: network, overload, a full disk */
    UPLOAD_DENIED,      /* keys or rights */
    UPLOAD_NO_BUCKET,   /* no such bucket */
    UPLOAD_UNTRUSTED,   /* the store's certificate is not accepted */
    UPLOAD_BAD_REQUEST, /* refused as it is: name, size, parameters */
    UPLOAD_LOCAL_GONE,  /* our own file is not there any more */
};
#define UPLOAD_RESULTS (UPLOAD_LOCAL_GONE + 1)

const char *upload_result_text(enum upload_result result); /* "denied", ... */

struct upload_outcome {
    enum upload_result result;
    char code[64];     /* the provider's: "NoSuchBucket", "ENOSPC"; "" when OK */
    char message[256]; /* its words, no secrets */
};

/* A file to put. Everything is borrowed for the call; whoever needs the descriptor longer dups it.
 */
struct bucket_put {
    const char *key; /* "prefix/TaskId/name" */
    int fd;          /* read with pread from 0; its content does not change any more */
    uint64_t size;
    const char *content_type;
    bool may_link; /* the file's local name goes away once it is delivered: a second name will do
                      for a copy */
};

struct bucket;
struct bucket_job;

/* Called once per put, on the control loop, never from within put_file. The outcome is borrowed. */
typedef void bucket_done(void *ctx, const struct upload_outcome *outcome);

struct bucket_ops {
    /* Begins to put a file, replacing what has that key; it appears whole or not at all. `*out` is
     * for cancel and ends with `done`. ERR_NOMEM, ERR_IO: nothing was begun and `done` is not
     * called. */
    int (*put_file)(struct bucket *b, const struct bucket_put *put, bucket_done *done, void *ctx,
                    struct bucket_job **out);

    /* Gives a put up: `done` is not called any more. The file may still appear. */
    void (*cancel)(struct bucket *b, struct bucket_job *job);

    /* After all puts were done or cancelled; perhaps from within `done`. */
    void (*free)(struct bucket *b);

    /* Whether the place takes files, as far as that can be found out without putting one; fills
     * `out`. May block: a worker's thread, before the first put. NULL: it cannot be found out. */
    void (*check)(const struct bucket *b, struct upload_outcome *out);
};

/* Implementations put this first. */
struct bucket {
    const struct bucket_ops *ops;
    const char
        *id; /* what is reached: buckets of the same id share one bound of parallel uploads */
};

static inline void bucket_free(struct bucket *b)
{
    if (b)
        b->ops->free(b);
}

/* As far as it is known: UPLOAD_OK when nothing speaks against it. Thread as `check`. */
static inline void bucket_check(const struct bucket *b, struct upload_outcome *out)
{
    *out = (struct upload_outcome){ .result = UPLOAD_OK };
    if (b->ops->check)
        b->ops->check(b, out);
}

#endif
