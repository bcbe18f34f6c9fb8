#include "upload/loop_clock.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "io/loop.h"

struct loop_clock {
    uv_timer_t timer;
    struct uploader *uploader;
};

static void on_timer(uv_timer_t *timer)
{
    struct loop_clock *c = timer->data;
    if (c->uploader)
        uploader_tick(c->uploader);
}

static usec_t now(void *ctx)
{
    (void)ctx;
    return clock_mono();
}

static void wake_at(void *ctx, usec_t deadline)
{
    struct loop_clock *c = ctx;
    if (deadline == USEC_NEVER) {
        uv_timer_stop(&c->timer);
        return;
    }
    usec_t wait = deadline - clock_mono();
    uv_update_time(c->timer.loop);
    uv_timer_start(&c->timer, on_timer, wait > 0 ? (uint64_t)((wait + MSEC - 1) / MSEC) : 0, 0);
}

static uint32_t chance(void *ctx)
{
    (void)ctx;
    return random_u32();
}

int loop_clock_open(struct loop_clock **out, struct loop *loop)
{
    struct loop_clock *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    if (uv_timer_init(loop_uv(loop), &c->timer)) {
        free(c);
        return ERR_IO;
    }
    c->timer.data = c;
    *out = c;
    return OK;
}

struct upload_clock loop_clock_of(struct loop_clock *c)
{
    return (struct upload_clock){ .now = now, .wake_at = wake_at, .random = chance, .ctx = c };
}

void loop_clock_attach(struct loop_clock *c, struct uploader *u)
{
    c->uploader = u;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_clock_close(struct loop_clock *c)
{
    if (c)
        uv_close((uv_handle_t *)&c->timer, on_closed);
}
