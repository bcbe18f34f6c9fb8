#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/loop.h"
#include "upload/backoff.h"
#include "upload/dir_bucket.h"

#define MAX_KEYS 64

static bool refusing;

struct scripted {
    struct bucket bucket;
    struct bucket *folder;
    struct loop *control;
    char refused[MAX_KEYS][600]; /* keys */
    unsigned count;
};

/* A refusal on its way. */
struct refusal {
    struct message message;
    struct link in_all; /* of all refusals */
    bucket_done *done;
    void *ctx;
    bool cancelled;
    struct upload_outcome outcome;
};

static struct list refusals = { { &refusals.head, &refusals.head } };

static struct scripted *of(struct bucket *b)
{
    return (struct scripted *)b;
}

static void refuse(struct message *m)
{
    struct refusal *r = (struct refusal *)m;
    list_remove(&r->in_all);
    if (!r->cancelled)
        r->done(r->ctx, &r->outcome);
    free(r);
}

/* True the first time. */
static bool is_new(struct scripted *s, const char *key)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->refused[i], key) == 0)
            return false;
    if (s->count == MAX_KEYS)
        abort();
    snprintf(s->refused[s->count++], sizeof s->refused[0], "%s", key);
    return true;
}

static int put_file(struct bucket *b, const struct bucket_put *put, bucket_done *done, void *ctx,
                    struct bucket_job **out)
{
    struct scripted *s = of(b);
    if (!is_new(s, put->key))
        return s->folder->ops->put_file(s->folder, put, done, ctx, out);
    struct refusal *r = calloc(1, sizeof *r);
    r->message.run = refuse;
    r->done = done;
    r->ctx = ctx;
    r->outcome.result = s->count % 2 ? UPLOAD_RETRY : UPLOAD_DENIED;
    snprintf(r->outcome.code, sizeof r->outcome.code, "%s", s->count % 2 ? "SlowDown" : "Denied");
    list_append(&refusals, &r->in_all);
    *out = (struct bucket_job *)r;
    loop_post_must(s->control, &r->message);
    return OK;
}

static void cancel(struct bucket *b, struct bucket_job *job)
{
    list_each(r, &refusals, struct refusal, in_all)
    {
        if ((struct bucket_job *)r == job) {
            r->cancelled = true;
            return;
        }
    }
    of(b)->folder->ops->cancel(of(b)->folder, job);
}

static void free_bucket(struct bucket *b)
{
    bucket_free(of(b)->folder);
    free(b);
}

static const struct bucket_ops ops = { put_file, cancel, free_bucket };

void scripted_refuse(void)
{
    refusing = true;
}

int __real_dir_bucket_new(struct bucket **out, struct loop *control, const char *root,
                          const char *name, bool create);
int __wrap_dir_bucket_new(struct bucket **out, struct loop *control, const char *root,
                          const char *name, bool create);
int __wrap_dir_bucket_new(struct bucket **out, struct loop *control, const char *root,
                          const char *name, bool create)
{
    struct bucket *folder;
    int err = __real_dir_bucket_new(&folder, control, root, name, create);
    if (err)
        return err;
    if (!refusing) {
        *out = folder;
        return OK;
    }
    struct scripted *s = calloc(1, sizeof *s);
    s->bucket = (struct bucket){ &ops, folder->id };
    s->folder = folder;
    s->control = control;
    *out = &s->bucket;
    return OK;
}

usec_t __wrap_backoff_pause(unsigned failures, uint32_t random);
usec_t __wrap_backoff_pause(unsigned failures, uint32_t random)
{
    (void)failures, (void)random;
    return 2 * MSEC;
}
