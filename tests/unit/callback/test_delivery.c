#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../io/http_peer.h"
#include "base/err.h"
#include "callback/compose.h"
#include "callback/delivery.h"
#include "observe/log.h"

#define APP 1400000001
#define KEY "callbackKey01"

static const struct seal_key master = { { 1 } };

/* A home loop with store and delivery, and a receiver on loopback. */
struct bench {
    char folder[32], path[64], url[64];
    struct loop *home;
    struct store *store;
    struct delivery *delivery;
    int err;
    size_t waiting;

    struct peer *peer;
    struct peer_answer answer;
    uv_sem_t arrived; /* once for each request */
    char head[2048], bodies[4][1000];
    int requests;

    const char *key; /* for the next event */
    struct event *event;
};

static struct peer_answer script(void *ctx, const struct peer_request *request)
{
    struct bench *b = ctx;
    snprintf(b->head, sizeof b->head, "%s", request->head);
    snprintf(b->bodies[b->requests++ % 4], sizeof b->bodies[0], "%.*s", (int)request->body.len,
             (const char *)request->body.ptr);
    uv_sem_post(&b->arrived);
    return b->answer;
}

static void set_answer(struct bench *b, struct peer_answer answer)
{
    peer_lock(b->peer);
    b->answer = answer;
    peer_unlock(b->peer);
}

static void set_text(struct bench *b, const char *text)
{
    set_answer(b, (struct peer_answer){ .text = text });
}

static bool find_receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    struct bench *b = ctx;
    out->url = b->url;
    out->schedule = SCHEDULE_DEFAULT;
    return sdk_app_id == APP && group == 3;
}

static void open_delivery(void *ctx)
{
    struct bench *b = ctx;
    struct delivery_settings settings = { .receiver = find_receiver, .ctx = b };
    b->err = delivery_open(&b->delivery, b->home, b->store, &settings);
}

static void close_delivery(void *ctx)
{
    struct bench *b = ctx;
    delivery_close(b->delivery);
    b->delivery = NULL;
}

static void count_waiting(void *ctx)
{
    struct bench *b = ctx;
    b->waiting = delivery_waiting(b->delivery);
}

static void start(struct bench *b)
{
    assert_int_equal(loop_new(&b->home, "home", 1000), OK);
    assert_int_equal(store_open(&b->store, b->path, &master, b->home), OK);
    loop_call(b->home, open_delivery, b);
    assert_int_equal(b->err, OK);
}

static void stop(struct bench *b)
{
    loop_call(b->home, close_delivery, b);
    store_close(b->store);
    loop_free(b->home);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    strcpy(b->folder, "/tmp/delivery-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/reeltime.db", b->folder);
    b->answer.text = PEER_OK;
    b->key = KEY;
    uv_sem_init(&b->arrived, 0);
    b->peer = peer_new(script, b, NULL);
    snprintf(b->url, sizeof b->url, "%s", peer_url(b->peer, "/hook?x=1"));
    start(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    static const char *const names[] = { "", "-wal", "-shm", ".lock" };
    stop(b);
    peer_free(b->peer);
    for (int i = 0; i < 4; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", b->path, names[i]);
        unlink(path);
    }
    int left = rmdir(b->folder);
    uv_sem_destroy(&b->arrived);
    free(b);
    return left;
}

static void on_committed(void *ctx, int err, struct store_change *change)
{
    struct bench *b = ctx;
    struct event *event;
    b->err = err;
    while ((event = store_change_take_event(change)))
        delivery_add(b->delivery, event);
    store_change_free(change);
}

/* As the control loop does it: the event is committed, then added. */
static void tell(void *ctx)
{
    struct bench *b = ctx;
    struct callback_event what = { .type = 301,
                                   .room_id = "4711",
                                   .user_id = "recorder_4711",
                                   .task_id = "task-1",
                                   .happened = 1735707617101 * MSEC };
    struct callback_style style = { 0 };
    struct event *event;
    b->err = callback_compose(&event, &what, APP, b->key, &style, 1735707617250 * MSEC);
    struct store_change *change = store_change_new();
    store_change_add_event(change, event);
    assert_int_equal(store_submit(b->store, change, on_committed, b), OK);
}

static void wait_for_requests(struct bench *b, int count)
{
    for (int i = 0; i < count; i++)
        uv_sem_wait(&b->arrived);
}

static void wait_until_none_waits(struct bench *b)
{
    do
        loop_call(b->home, count_waiting, b);
    while (b->waiting);
}

static void on_row(void *ctx, struct event *event)
{
    struct bench *b = ctx;
    event_free(b->event);
    b->event = event;
}

/* The last event of the store; NULL: none is owed. Stops and starts again, without a delivery in
 * between. */
static struct event *in_store(struct bench *b)
{
    struct store *store;
    b->event = NULL;
    stop(b);
    assert_int_equal(loop_new(&b->home, "home", 1000), OK);
    assert_int_equal(store_open(&store, b->path, &master, b->home), OK);
    assert_int_equal(store_load_events(store, on_row, b), OK);
    store_close(store);
    loop_free(b->home);
    start(b);
    return b->event;
}

static void arrives_as_documented(void **state)
{
    struct bench *b = *state;
    loop_call(b->home, tell, b);
    wait_for_requests(b, 1);
    assert_memory_equal(b->head, "POST /hook?x=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(b->head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(b->head, "\r\nSign: BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=\r\n"));
    assert_non_null(strstr(b->head, "\r\nSdkAppId: 1400000001\r\n"));
    assert_non_null(strstr(b->head, "\r\nUser-Agent: reeltime\r\n"));
    assert_string_equal(
        b->bodies[0],
        "{\"EventGroupId\":3,\"EventType\":301,\"CallbackTs\":1735707617250,"
        "\"EventInfo\":{\"RoomId\":\"4711\",\"EventTs\":\"1735707617\",\"EventMsTs\":"
        "1735707617101,\"UserId\":\"recorder_4711\",\"TaskId\":\"task-1\",\"Payload\":"
        "{\"Status\":0}}}");
    wait_until_none_waits(b);
    assert_null(in_store(b));
    assert_int_equal(b->requests, 1);
}

static void without_a_key_there_is_no_signature(void **state)
{
    struct bench *b = *state;
    b->key = NULL;
    loop_call(b->home, tell, b);
    wait_for_requests(b, 1);
    assert_null(strcasestr(b->head, "\r\nSign"));
    wait_until_none_waits(b);
}

static void only_200_counts(void **state)
{
    struct bench *b = *state;
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n",
    };
    for (int i = 0; i < 3; i++) {
        b->requests = 0;
        set_text(b, answers[i]);
        loop_call(b->home, tell, b);
        wait_for_requests(b, 2); /* the retry comes at once */
        assert_string_equal(b->bodies[0], b->bodies[1]);
        assert_non_null(strstr(b->head, "POST /hook?x=1 "));
        loop_call(b->home, count_waiting, b);
        assert_int_equal(b->waiting, i + 1);
    }
}

static void an_owed_event_survives_and_is_sent_after_the_start(void **state)
{
    struct bench *b = *state;
    set_answer(b, (struct peer_answer){ .hang = true });
    loop_call(b->home, tell, b);
    wait_for_requests(b, 1);
    stop(b); /* in the middle of the first attempt */
    set_answer(b, (struct peer_answer){ .text = PEER_OK });
    start(b);
    wait_for_requests(b, 1);
    assert_string_equal(b->bodies[0], b->bodies[1]);
    wait_until_none_waits(b);
    assert_null(in_store(b));
    assert_int_equal(b->requests, 2);
}

static void attempts_are_written_down(void **state)
{
    struct bench *b = *state;
    set_answer(b, (struct peer_answer){ .close = true });
    loop_call(b->home, tell, b);
    wait_for_requests(b, 2);
    struct event *event = in_store(b);
    while (event &&
           event->attempts < 2) { /* stopped before the second answer was seen: it is tried again */
        event_free(event);
        wait_for_requests(b, 1);
        event = in_store(b);
    }
    assert_non_null(event);
    assert_true(event->first_attempt > 0);
    assert_true(event->next_attempt >= event->first_attempt + 10 * SEC);
    event_free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrives_as_documented, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_key_there_is_no_signature, setup, teardown),
        cmocka_unit_test_setup_teardown(only_200_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(an_owed_event_survives_and_is_sent_after_the_start, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(attempts_are_written_down, setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
