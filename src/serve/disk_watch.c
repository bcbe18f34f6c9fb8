#include "serve/disk_watch.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/err.h"
#include "observe/log.h"

#define EVERY_MS 5000
#define MIB      (1u << 20)

struct disk_watch {
    struct disk_watch_config config;
    struct disk_usage usage;
    uv_timer_t timer;
    uv_work_t work;
    struct disk_usage measured; /* the pool's, while `measuring` */
    int err;                    /* likewise */
    bool measuring;
    int holders; /* the timer's handle and the work */
};

static int measure(const struct disk_watch_config *config, struct disk_usage *out)
{
    struct statvfs fs;
    struct disk_usage u = { 0 };
    if (statvfs(config->path, &fs))
        return ERR_IO;
    u.free = (uint64_t)fs.f_bavail * fs.f_frsize;
    u.size = (uint64_t)fs.f_blocks * fs.f_frsize;
    u.low = u.free < config->reserve;
    int err = spool_disk_bytes(config->spool, &u.spool);
    if (!err)
        *out = u;
    return err;
}

static void take(struct disk_watch *w, const struct disk_usage *u)
{
    if (u->low && !w->usage.low)
        log_warn(NULL, "%s: the disk has %llu MiB left, the reserve is %llu: not ready for more",
                 w->config.path, (unsigned long long)(u->free / MIB),
                 (unsigned long long)(w->config.reserve / MIB));
    else if (!u->low && w->usage.low)
        log_info(NULL, "%s: the disk has room again", w->config.path);
    w->usage = *u;
}

static void release(struct disk_watch *w)
{
    if (--w->holders == 0)
        free(w);
}

static void on_work(uv_work_t *work)
{
    struct disk_watch *w = work->data;
    w->err = measure(&w->config, &w->measured);
}

static void on_measured(uv_work_t *work, int status)
{
    struct disk_watch *w = work->data;
    w->measuring = false;
    if (!status && !w->err)
        take(w, &w->measured);
    release(w);
}

/* A disk that does not answer is asked once. */
static void on_timer(uv_timer_t *timer)
{
    struct disk_watch *w = timer->data;
    if (w->measuring || uv_queue_work(timer->loop, &w->work, on_work, on_measured))
        return;
    w->measuring = true;
    w->holders++;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

int disk_watch_open(struct disk_watch **out, const struct disk_watch_config *config)
{
    struct disk_usage first;
    int err = measure(config, &first);
    if (err)
        return err;
    struct disk_watch *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->config = *config;
    w->holders = 1;
    take(w, &first);
    uv_timer_init(loop_uv(config->loop), &w->timer);
    w->timer.data = w->work.data = w;
    uv_timer_start(&w->timer, on_timer, EVERY_MS, EVERY_MS);
    *out = w;
    return OK;
}

struct disk_usage disk_watch_usage(const struct disk_watch *w)
{
    return w->usage;
}

void disk_watch_close(struct disk_watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}
