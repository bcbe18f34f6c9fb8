#include "io/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"
#include "observe/log.h"

#define PULSE_MS 1000

struct loop {
    const char *name;
    pthread_t thread;
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t pulse_timer;
    _Atomic usec_t pulse; /* the loop writes */
    uv_sem_t started;
    unsigned limit;

    pthread_mutex_t lock; /* a leaf lock */
    struct list waiting;  /* struct message, by .in_mailbox; under lock */
    unsigned count;       /* under lock */
    bool ended;           /* under lock */
    bool stopping;        /* under lock */
};

static void discard(struct message *m)
{
    (m->discard ? m->discard : m->run)(m);
}

/* Takes all waiting messages at once, so that senders are not held up while they run. */
static void take_all(struct loop *loop, struct list *out, bool *stopping)
{
    list_init(out);
    pthread_mutex_lock(&loop->lock);
    list_each(m, &loop->waiting, struct message, in_mailbox)
    {
        list_remove(&m->in_mailbox);
        list_append(out, &m->in_mailbox);
    }
    loop->count = 0;
    *stopping = loop->stopping;
    pthread_mutex_unlock(&loop->lock);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    struct list batch;
    bool stopping;
    take_all(loop, &batch, &stopping);
    list_each(m, &batch, struct message, in_mailbox)
    {
        list_remove(&m->in_mailbox);
        m->run(m);
    }
    if (stopping)
        uv_stop(&loop->uv);
}

static void on_pulse(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    atomic_store_explicit(&loop->pulse, clock_mono(), memory_order_relaxed);
}

static void close_left(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    pthread_setname_np(pthread_self(), loop->name);
    uv_sem_post(&loop->started);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_walk(&loop->uv, close_left, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

int loop_new(struct loop **out, const char *name, unsigned limit)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return ERR_NOMEM;
    loop->name = name;
    loop->limit = limit;
    list_init(&loop->waiting);
    pthread_mutex_init(&loop->lock, NULL);
    uv_sem_init(&loop->started, 0);

    if (uv_loop_init(&loop->uv))
        goto fail;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake))
        goto fail_loop;
    loop->wake.data = loop;
    uv_timer_init(&loop->uv, &loop->pulse_timer);
    loop->pulse_timer.data = loop;
    uv_timer_start(&loop->pulse_timer, on_pulse, PULSE_MS, PULSE_MS);
    atomic_init(&loop->pulse, clock_mono());
    if (pthread_create(&loop->thread, NULL, run, loop))
        goto fail_wake;
    uv_sem_wait(&loop->started);
    *out = loop;
    return OK;

fail_wake:
    uv_walk(&loop->uv, close_left, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
fail_loop:
    uv_loop_close(&loop->uv);
fail:
    log_error(NULL, "cannot start thread %s", name);
    uv_sem_destroy(&loop->started);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
    return ERR_IO;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop_is_current(loop));
    pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->wake);
    pthread_join(loop->thread, NULL);

    pthread_mutex_lock(&loop->lock);
    loop->ended = true;
    pthread_mutex_unlock(&loop->lock);
    struct list left;
    bool stopping;
    take_all(loop, &left, &stopping);
    list_each(m, &left, struct message, in_mailbox)
    {
        list_remove(&m->in_mailbox);
        discard(m);
    }
    uv_loop_close(&loop->uv);
    uv_sem_destroy(&loop->started);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

bool loop_is_current(const struct loop *loop)
{
    return pthread_equal(pthread_self(), loop->thread);
}

usec_t loop_pulse(const struct loop *loop)
{
    return atomic_load_explicit(&loop->pulse, memory_order_relaxed);
}

unsigned loop_waiting(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    unsigned count = loop->count;
    pthread_mutex_unlock(&loop->lock);
    return count;
}

static bool post(struct loop *loop, struct message *m, bool must)
{
    pthread_mutex_lock(&loop->lock);
    bool ended = loop->ended;
    bool taken = !ended && (must || loop->count < loop->limit);
    bool first = taken && loop->count == 0;
    if (taken) {
        list_append(&loop->waiting, &m->in_mailbox);
        loop->count++;
    }
    pthread_mutex_unlock(&loop->lock);

    if (first)
        uv_async_send(&loop->wake);
    if (ended && must)
        discard(m);
    return taken;
}

bool loop_post(struct loop *loop, struct message *m)
{
    return post(loop, m, false);
}

bool loop_post_must(struct loop *loop, struct message *m)
{
    return post(loop, m, true);
}

struct call {
    struct message message;
    void (*fn)(void *ctx);
    void *ctx;
    uv_sem_t done;
};

static void call_run(struct message *m)
{
    struct call *call = (struct call *)m;
    call->fn(call->ctx);
    uv_sem_post(&call->done);
}

void loop_call(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    assert(!loop_is_current(loop));
    struct call call = { .message.run = call_run, .fn = fn, .ctx = ctx };
    uv_sem_init(&call.done, 0);
    loop_post_must(loop, &call.message);
    uv_sem_wait(&call.done);
    uv_sem_destroy(&call.done);
}
