#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/err.h"
#include "io/http_server.h"

/* Answers with what it saw; "/hold" is kept unanswered in `held`. */
struct echo {
    struct http_exchange *held;
    int timeouts;
};

static void echo_handle(void *ctx, struct http_exchange *x)
{
    struct echo *echo = ctx;
    const struct http_request *request = http_exchange_request(x);
    if (bytes_equal_str(request->path, "/hold")) {
        echo->held = x;
        return;
    }
    struct http_answer answer;
    http_answer_init(&answer, request->too_large ? 413 : 200);
    const char *token = http_header(request, "x-token");
    buf_printf(&answer.body, "%s %.*s?%.*s %zu %s", request->method, (int)request->path.len,
               (const char *)request->path.ptr, (int)request->query.len,
               (const char *)request->query.ptr, request->body.len, token ? token : "-");
    http_answer_header(&answer, "X-Seen", "%s", "yes");
    http_exchange_answer(x, &answer);
}

static void echo_timeout(void *ctx, struct http_answer *answer)
{
    ((struct echo *)ctx)->timeouts++;
    buf_put_str(&answer->body, "late");
}

static bool echo_at_once(void *ctx, const struct http_request *request, struct http_answer *answer)
{
    (void)ctx;
    if (!bytes_equal_str(request->path, "/now"))
        return false;
    answer->status = 203;
    buf_printf(&answer->body, "%s %zu", request->method, request->body.len);
    return true;
}

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct echo echo;
};

static int start(void **state)
{
    static struct fixture f;
    f = (struct fixture){ 0 };
    struct http_server_config config = { .max_body = 1000,
                                         .max_connections = 10,
                                         .timeout = 50 * MSEC,
                                         .at_once = echo_at_once,
                                         .ctx = &f.echo,
                                         .handle = echo_handle,
                                         .on_timeout = echo_timeout };
    if (loop_new(&f.loop, "home", 100))
        return -1;
    config.home = f.loop;
    addr_parse(&config.listen, "127.0.0.1", 0);
    *state = &f;
    return http_server_start(&f.server, &config);
}

static int stop(void **state)
{
    struct fixture *f = *state;
    http_server_stop(f->server);
    loop_free(f->loop);
    return 0;
}

static size_t collect(char *part, size_t size, size_t count, void *ctx)
{
    buf_put(ctx, part, size * count);
    return size * count;
}

/* The HTTP status; -1: no whole answer came. */
static long try_fetch(struct fixture *f, const char *target, const char *body, size_t len,
                      struct buf *out)
{
    char url[256];
    long status = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_server_port(f->server), target);
    buf_init(out, 10000);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "X-Token: t1");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)len);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? status : -1;
}

static long fetch(struct fixture *f, const char *target, const char *body, size_t len,
                  struct buf *out)
{
    long status = try_fetch(f, target, body, len, out);
    assert_true(status > 0);
    return status;
}

static void requests_reach_the_home_loop(void **state)
{
    struct buf out;
    assert_int_equal(fetch(*state, "/a%20b?x=1&y=%2F", NULL, 0, &out), 200);
    assert_string_equal(buf_str(&out), "GET /a%20b?x=1&y=%2F 0 t1");
    buf_fini(&out);
    assert_int_equal(fetch(*state, "/", "hello", 5, &out), 200);
    assert_string_equal(buf_str(&out), "POST /? 5 t1");
    buf_fini(&out);
}

static void large_bodies_are_told(void **state)
{
    static char big[1001];
    struct buf out;
    memset(big, 'x', sizeof big);
    assert_int_equal(fetch(*state, "/", big, 1000, &out), 200);
    buf_fini(&out);
    assert_int_equal(fetch(*state, "/", big, 1001, &out), 413);
    assert_string_equal(buf_str(&out), "POST /? 0 t1");
    buf_fini(&out);
}

static void answer_held(void *ctx)
{
    struct fixture *f = ctx;
    struct http_answer answer;
    assert_null(http_exchange_request(f->echo.held));
    http_answer_init(&answer, 200);
    http_exchange_answer(f->echo.held, &answer);
}

static void time_answers_for_a_silent_home(void **state)
{
    struct fixture *f = *state;
    struct buf out;
    assert_int_equal(fetch(f, "/hold", NULL, 0, &out), 504);
    assert_string_equal(buf_str(&out), "late");
    assert_int_equal(f->echo.timeouts, 1);
    buf_fini(&out);
    loop_call(f->loop, answer_held, f); /* late, and harmless */
}

struct gate {
    uv_sem_t reached, open;
};

static void wait_at_gate(void *ctx)
{
    struct gate *gate = ctx;
    uv_sem_post(&gate->reached);
    uv_sem_wait(&gate->open);
}

static void *hang_home(void *ctx)
{
    void **args = ctx;
    loop_call(((struct fixture *)args[0])->loop, wait_at_gate, args[1]);
    return NULL;
}

static void some_answers_need_no_home(void **state)
{
    struct fixture *f = *state;
    struct gate gate;
    struct buf out;
    pthread_t thread;
    void *args[] = { f, &gate };
    uv_sem_init(&gate.reached, 0);
    uv_sem_init(&gate.open, 0);
    assert_int_equal(pthread_create(&thread, NULL, hang_home, args), 0);
    uv_sem_wait(&gate.reached);

    assert_int_equal(fetch(f, "/now", NULL, 0, &out), 203);
    assert_string_equal(buf_str(&out), "GET 0");
    buf_fini(&out);
    assert_int_equal(fetch(f, "/now?x", "body", 4, &out), 203);
    assert_string_equal(buf_str(&out), "POST 4");
    buf_fini(&out);

    uv_sem_post(&gate.open);
    pthread_join(thread, NULL);
    uv_sem_destroy(&gate.reached);
    uv_sem_destroy(&gate.open);
}

/* A client in a thread of its own, and a stop as soon as its answer was given. */
struct hasty {
    struct fixture *f;
    sem_t answered;
    long status;
};

static void hasty_handle(void *ctx, struct http_exchange *x)
{
    struct hasty *h = ctx;
    struct http_answer answer;
    http_answer_init(&answer, 200);
    buf_put_str(&answer.body, "done");
    http_exchange_answer(x, &answer);
    sem_post(&h->answered);
}

static void *hasty_fetch(void *ctx)
{
    struct hasty *h = ctx;
    struct buf out;
    h->status = try_fetch(h->f, "/", "x", 1, &out);
    buf_fini(&out);
    return NULL;
}

static void answers_leave_before_the_stop(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct fixture f = { 0 };
        struct hasty h = { .f = &f };
        struct http_server_config config = { .max_body = 1000,
                                             .max_connections = 10,
                                             .timeout = SEC,
                                             .ctx = &h,
                                             .handle = hasty_handle,
                                             .on_timeout = echo_timeout };
        pthread_t client;
        sem_init(&h.answered, 0, 0);
        assert_int_equal(loop_new(&f.loop, "home", 100), OK);
        config.home = f.loop;
        addr_parse(&config.listen, "127.0.0.1", 0);
        assert_int_equal(http_server_start(&f.server, &config), OK);
        pthread_create(&client, NULL, hasty_fetch, &h);
        sem_wait(&h.answered);
        http_server_stop(f.server);
        pthread_join(client, NULL);
        assert_int_equal(h.status, 200);
        loop_free(f.loop);
        sem_destroy(&h.answered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_reach_the_home_loop, start, stop),
        cmocka_unit_test_setup_teardown(large_bodies_are_told, start, stop),
        cmocka_unit_test_setup_teardown(time_answers_for_a_silent_home, start, stop),
        cmocka_unit_test_setup_teardown(some_answers_need_no_home, start, stop),
        cmocka_unit_test(answers_leave_before_the_stop),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
