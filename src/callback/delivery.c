#include "callback/delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "observe/log.h"

struct delivery {
    struct loop *loop;
    struct store *store;
    struct delivery_settings settings;
    struct outbox *outbox; /* NULL: closed */
    struct http_client *http;
    struct list attempts; /* struct attempt, by .in_delivery */
    uv_timer_t timer;
    int holders; /* the timer handle and each fetch; the last one frees */
};

/* One attempt under way. */
struct attempt {
    struct link in_delivery; /* delivery.attempts */
    struct delivery *delivery;
    int64_t id;
};

static usec_t now(void)
{
    return clock_server(clock_mono());
}

static void release(struct delivery *d)
{
    if (--d->holders == 0)
        free(d);
}

static void on_time(uv_timer_t *timer);

static void set_timer(struct delivery *d)
{
    usec_t at = outbox_deadline(d->outbox);
    if (at == USEC_NEVER) {
        uv_timer_stop(&d->timer);
        return;
    }
    usec_t wait = at - now();
    uv_update_time(loop_uv(d->loop));
    uv_timer_start(&d->timer, on_time, wait > 0 ? (uint64_t)((wait + MSEC - 1) / MSEC) : 0, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct delivery *d = timer->data;
    outbox_tick(d->outbox, now());
    set_timer(d);
}

/* --- what the outbox asks for --- */

static bool find_receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    struct delivery *d = ctx;
    return d->settings.receiver(d->settings.ctx, sdk_app_id, group, out);
}

static void attempt_free(struct attempt *attempt)
{
    list_remove(&attempt->in_delivery);
    free(attempt);
}

static void on_answer(void *ctx, const struct http_result *result)
{
    struct attempt *attempt = ctx;
    struct delivery *d = attempt->delivery;
    char failure[160];
    bool answered = result->failure == HTTP_ANSWERED;
    if (answered)
        snprintf(failure, sizeof failure, "status %d", result->status);
    else
        snprintf(failure, sizeof failure, "%s", http_failure_text(result->failure));
    outbox_answered(d->outbox, attempt->id, answered && result->status == 200 ? NULL : failure,
                    now());
    attempt_free(attempt);
    set_timer(d);
}

static int send_attempt(struct delivery *d, const struct outbox_request *request,
                        struct attempt *attempt)
{
    char app[16];
    snprintf(app, sizeof app, "%u", (unsigned)request->event->sdk_app_id);
    const struct http_header headers[] = {
        { "Content-Type", "application/json" },
        { "SdkAppId", app },
        { "Sign", request->event->sign },
    };
    const struct http_call call = {
        .method = "POST",
        .url = request->receiver->url,
        .headers = headers,
        .header_count = request->event->sign[0] ? 3 : 2,
        .body = buf_bytes(&request->event->body),
        .timeout = DELIVERY_TIMEOUT,
        .connect_timeout = DELIVERY_TIMEOUT,
        .drop_answer = true,
        .insecure_tls = request->receiver->insecure_tls,
    };
    return http_client_send(d->http, &call, on_answer, attempt, NULL);
}

static bool begin_attempt(void *ctx, const struct outbox_request *request)
{
    struct attempt *attempt = malloc(sizeof *attempt);
    if (!attempt)
        return false;
    struct delivery *d = ctx;
    *attempt = (struct attempt){ .delivery = d, .id = request->id };
    list_append(&d->attempts, &attempt->in_delivery);
    int err = send_attempt(d, request, attempt);
    if (err)
        attempt_free(attempt);
    return err == OK;
}

static void on_fetched(void *ctx, int err, int64_t id, struct event *event)
{
    struct delivery *d = ctx;
    (void)err;
    if (d->outbox) {
        outbox_fetched(d->outbox, id, event, now());
        set_timer(d);
    } else {
        event_free(event);
    }
    release(d);
}

static bool ask_store(void *ctx, int64_t id)
{
    struct delivery *d = ctx;
    if (store_fetch_event(d->store, id, on_fetched, d))
        return false;
    d->holders++;
    return true;
}

/* Should one of these two be lost, an event is sent once more, or earlier, after the next start. */
static void forget(void *ctx, int64_t id)
{
    struct delivery *d = ctx;
    struct store_change *change = store_change_new();
    if (!change)
        return;
    store_change_remove_event(change, id);
    store_submit_must(d->store, change, NULL, NULL);
}

static void reschedule(void *ctx, const struct event *event)
{
    struct delivery *d = ctx;
    struct store_change *change = store_change_new();
    if (!change)
        return;
    store_change_reschedule_event(change, event);
    store_submit_must(d->store, change, NULL, NULL);
}

static const struct outbox_ops ops = {
    .receiver = find_receiver,
    .send = begin_attempt,
    .fetch = ask_store,
    .forget = forget,
    .reschedule = reschedule,
};

/* --- opening and closing --- */

/* Events are collected first: adding one may already submit to the store. */
struct loaded {
    struct event **events;
    size_t count, size;
    int err;
};

static void on_loaded(void *ctx, struct event *event)
{
    struct loaded *loaded = ctx;
    if (loaded->count == loaded->size) {
        size_t size = loaded->size ? 2 * loaded->size : 64;
        struct event **events = realloc(loaded->events, size * sizeof *events);
        if (!events) {
            loaded->err = ERR_NOMEM;
            event_free(event);
            return;
        }
        loaded->events = events;
        loaded->size = size;
    }
    loaded->events[loaded->count++] = event;
}

static int go_on(struct delivery *d)
{
    struct loaded loaded = { 0 };
    int err = store_load_events(d->store, on_loaded, &loaded);
    if (!err)
        err = loaded.err;
    for (size_t i = 0; i < loaded.count; i++) {
        if (err)
            event_free(loaded.events[i]);
        else
            outbox_add(d->outbox, loaded.events[i], now());
    }
    if (!err && loaded.count)
        log_info(NULL, "%zu callbacks of an earlier run are still owed", loaded.count);
    free(loaded.events);
    return err;
}

int delivery_open(struct delivery **out, struct loop *loop, struct store *store,
                  const struct delivery_settings *settings)
{
    assert(loop_is_current(loop));
    struct delivery *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->loop = loop;
    d->store = store;
    d->settings = *settings;
    d->holders = 1;
    list_init(&d->attempts);
    struct http_client_settings http = settings->http;
    http.per_host = OUTBOX_PER_ORIGIN;
    uv_timer_init(loop_uv(loop), &d->timer);
    d->timer.data = d;
    d->outbox = outbox_new(&ops, d, OUTBOX_MEMORY);
    int err = d->outbox ? http_client_new(&d->http, loop, &http) : ERR_NOMEM;
    if (!err)
        err = go_on(d);
    if (err) {
        delivery_close(d);
        return err;
    }
    set_timer(d);
    *out = d;
    return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void delivery_close(struct delivery *d)
{
    if (!d)
        return;
    assert(loop_is_current(d->loop));
    http_client_free(d->http);
    list_each(attempt, &d->attempts, struct attempt, in_delivery) attempt_free(attempt);
    outbox_free(d->outbox);
    d->outbox = NULL;
    uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

void delivery_add(struct delivery *d, struct event *event)
{
    assert(loop_is_current(d->loop));
    outbox_add(d->outbox, event, now());
    set_timer(d);
}

const struct outbox_stats *delivery_stats(const struct delivery *d)
{
    return outbox_stats(d->outbox);
}

size_t delivery_waiting(const struct delivery *d)
{
    return outbox_waiting(d->outbox);
}
