#include "upload/dir_bucket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "io/loop.h"
#include "upload/key.h"

struct dir_bucket {
    struct bucket bucket;
    unsigned refs; /* one of the owner, one of each job; control loop */
    struct loop *control;
    bool create;
    char *root, *name;
    char *id;
};

/* Lives until its work has left the thread pool, cancelled or not. */
struct bucket_job {
    uv_work_t work;
    struct dir_bucket *bucket;
    bucket_done *done;
    void *ctx;
    _Atomic bool cancelled;
    int fd;
    uint64_t size;
    bool may_link;
    char folder[KEY_MAX + 1]; /* of the key, "" for none */
    char name[FILE_NAME_SIZE];
    struct upload_outcome outcome; /* the pool's, then the control loop's */
};

static enum upload_result result_of(int reason)
{
    switch (reason) {
    case EACCES:
    case EPERM:
    case EROFS: return UPLOAD_DENIED;
    case ENAMETOOLONG:
    case EINVAL:
    case EISDIR:
    case ELOOP:
    case ENOTDIR: return UPLOAD_BAD_REQUEST;
    case ENODATA: return UPLOAD_LOCAL_GONE;
    default: return UPLOAD_RETRY;
    }
}

static void set_outcome(struct upload_outcome *out, enum upload_result result, const char *code,
                        const char *message)
{
    out->result = result;
    snprintf(out->code, sizeof out->code, "%s", code);
    snprintf(out->message, sizeof out->message, "%s", message);
}

static void set_errno_outcome(struct upload_outcome *out)
{
    const char *code = strerrorname_np(errno);
    set_outcome(out, result_of(errno), code ? code : "EIO", strerror(errno));
}

static void set_err_outcome(struct upload_outcome *out, int err)
{
    if (err == ERR_IO)
        set_errno_outcome(out);
    else if (err == ERR_MALFORMED)
        set_outcome(out, UPLOAD_BAD_REQUEST, "InvalidName", "the key is no path of plain names");
    else
        set_outcome(out, UPLOAD_RETRY, "Internal", err_text(err));
}

static bool open_bucket(const struct dir_bucket *b, int *out, struct upload_outcome *outcome)
{
    int root = open(b->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 && errno == ENOENT)
        set_outcome(outcome, UPLOAD_NO_BUCKET, "ENOENT", "the folder for buckets is missing");
    else if (root < 0)
        set_errno_outcome(outcome);
    if (root < 0)
        return false;

    int err = b->create ? dir_make_at(out, root, b->name, 0777) : dir_open_at(out, root, b->name);
    if (err == ERR_NOT_FOUND)
        set_outcome(outcome, UPLOAD_NO_BUCKET, "ENOENT", "there is no folder of the bucket's name");
    else if (err)
        set_err_outcome(outcome, err);
    close(root);
    return !err;
}

static void check(const struct bucket *bucket, struct upload_outcome *out)
{
    int dir;
    if (!open_bucket((const struct dir_bucket *)bucket, &dir, out))
        return;
    if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS))
        set_errno_outcome(out);
    close(dir);
}

static bool open_folder(struct bucket_job *job, int *out)
{
    int bucket;
    if (!open_bucket(job->bucket, &bucket, &job->outcome))
        return false;
    if (!job->folder[0]) {
        *out = bucket;
        return true;
    }
    int err = dir_make_path(out, bucket, job->folder, 0777);
    if (err)
        set_err_outcome(&job->outcome, err);
    close(bucket);
    return !err;
}

/* A second name for the spool's file. False: copy. */
static bool link_file(struct bucket_job *job, int dir)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", job->fd);
    return job->may_link && linkat(AT_FDCWD, path, dir, job->name, AT_SYMLINK_FOLLOW) == 0;
}

/* The temporary file, empty and ours alone. A cancelled job may still be at work on the same one:
 * then it is busy. */
static int open_temp(int dir, const char *temp)
{
    struct stat open_one, named;
    int fd = openat(dir, temp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &open_one) == 0 &&
        fstatat(dir, temp, &named, AT_SYMLINK_NOFOLLOW) == 0) {
        if (open_one.st_ino == named.st_ino && ftruncate(fd, 0) == 0)
            return fd;
        errno = EAGAIN;
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int fill_and_rename(struct bucket_job *job, int dir, int fd, const char *temp)
{
    int err = file_copy(job->fd, fd, job->size);
    if (err)
        return err;
    return fsync(fd) || renameat(dir, temp, dir, job->name) ? ERR_IO : OK;
}

static bool copy_file(struct bucket_job *job, int dir)
{
    char temp[FILE_NAME_SIZE + sizeof "." FILE_PART];
    snprintf(temp, sizeof temp, ".%s" FILE_PART, job->name);
    int fd = open_temp(dir, temp);
    if (fd < 0) {
        set_errno_outcome(&job->outcome);
        return false;
    }
    int err = fill_and_rename(job, dir, fd, temp);
    if (err) {
        set_err_outcome(&job->outcome, err);
        unlinkat(dir, temp, 0);
    }
    close(fd);
    return !err;
}

static void run(uv_work_t *work)
{
    struct bucket_job *job = work->data;
    int dir;
    if (atomic_load(&job->cancelled) || !open_folder(job, &dir))
        return;
    if ((link_file(job, dir) || copy_file(job, dir)) && dir_sync(dir))
        set_errno_outcome(&job->outcome);
    close(dir);
}

static void unref(struct dir_bucket *b)
{
    if (--b->refs)
        return;
    free(b->root);
    free(b->name);
    free(b->id);
    free(b);
}

static void after(uv_work_t *work, int status)
{
    struct bucket_job *job = work->data;
    if (status)
        set_outcome(&job->outcome, UPLOAD_RETRY, "ECANCELED", "not begun");
    if (!job->cancelled)
        job->done(job->ctx, &job->outcome);
    close(job->fd);
    unref(job->bucket);
    free(job);
}

/* The key as folder and name. What is no name is found out by those who open it. */
static bool split_key(struct bucket_job *job, const char *key)
{
    const char *slash = strrchr(key, '/');
    size_t len = slash ? (size_t)(slash - key) : 0;
    const char *name = slash ? slash + 1 : key;
    return file_name_ok(name) && (!slash || len > 0) &&
           str_copy(job->folder, sizeof job->folder, bytes_of(key, len)) &&
           str_copy(job->name, sizeof job->name, bytes_str(name));
}

static void run_nothing(uv_work_t *work)
{
    struct bucket_job *job = work->data;
    set_err_outcome(&job->outcome, ERR_MALFORMED);
}

static int put_file(struct bucket *bucket, const struct bucket_put *put, bucket_done *done,
                    void *ctx, struct bucket_job **out)
{
    struct dir_bucket *b = (struct dir_bucket *)bucket;
    struct bucket_job *job = calloc(1, sizeof *job);
    if (!job)
        return ERR_NOMEM;
    job->fd = fcntl(put->fd, F_DUPFD_CLOEXEC, 0);
    if (job->fd < 0) {
        free(job);
        return ERR_IO;
    }
    job->work.data = job;
    job->bucket = b;
    job->done = done;
    job->ctx = ctx;
    job->size = put->size;
    job->may_link = put->may_link;
    b->refs++;
    bool fits = split_key(job, put->key);
    if (uv_queue_work(loop_uv(b->control), &job->work, fits ? run : run_nothing, after)) {
        close(job->fd);
        free(job);
        unref(b);
        return ERR_IO;
    }
    *out = job;
    return OK;
}

static void cancel(struct bucket *bucket, struct bucket_job *job)
{
    (void)bucket;
    atomic_store(&job->cancelled, true);
    uv_cancel((uv_req_t *)&job->work);
}

static void free_bucket(struct bucket *bucket)
{
    unref((struct dir_bucket *)bucket);
}

static const struct bucket_ops ops = { put_file, cancel, free_bucket, check };

int dir_bucket_new(struct bucket **out, struct loop *control, const char *root, const char *name,
                   bool create)
{
    struct buf id;
    if (!file_name_ok(name))
        return ERR_MALFORMED;
    struct dir_bucket *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    buf_init(&id, 8192);
    buf_printf(&id, "folder:%s/%s", root, name);
    *b = (struct dir_bucket){
        .bucket.ops = &ops,
        .refs = 1,
        .control = control,
        .create = create,
        .root = str_dup(bytes_str(root)),
        .name = str_dup(bytes_str(name)),
        .id = buf_detach(&id),
    };
    if (!b->root || !b->name || !b->id) {
        unref(b);
        return ERR_NOMEM;
    }
    b->bucket.id = b->id;
    *out = &b->bucket;
    return OK;
}
