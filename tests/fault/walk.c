/* The walk: a daemon that records, uploads and calls back is killed before each of its steps in
 * turn, and started again; then pairs of kills, the second in the recovery. After each it must
 * hold:
 *
 *   - nothing is left in the spool, and nothing but whole files in the bucket
 *   - every segment that was whole is in the bucket and in its playlist, which has its end
 *   - what left the spool was acknowledged, and is not sent again
 *   - a customer who was told of the task hears of its start, its end and its delivery, each in one
 *     version and in this order; whatever other events there are stand between the first and the
 * last
 *
 * The buckets are folders; in a second walk they refuse every file at first (scripted.h).
 * The daemon is this program itself, started again (world.h); its steps are those of steps.h. */
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "../unit/temp_dir.h"
#include "base/err.h"
#include "base/random.h"
#include "io/file.h"
#include "io/http_server.h"
#include "scripted.h"
#include "segment/names_read.h"
#include "segment/playlist.h"
#include "steps.h"
#include "world.h"

#define MAX_EVENTS 256
#define MAX_NAMES  64
#define PAIRS      12
#define STALL_MS   50

/* --- the customer's receiver --- */

struct receiver {
    struct loop *loop;
    struct http_server *server;
    char url[64];
    struct {
        int type;
        char *body;
    } events[MAX_EVENTS]; /* in order of arrival; the loop's, read between two lives */
    unsigned count;
    bool refusing;     /* the buckets do, at first */
    unsigned stall_ms; /* of the step before which a life ends */
};

static void take(void *ctx, struct http_exchange *exchange)
{
    struct receiver *r = ctx;
    struct bytes body = http_exchange_request(exchange)->body;
    json_t *event = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    assert_non_null(event);
    assert_true(r->count < MAX_EVENTS);
    r->events[r->count].type = (int)json_integer_value(json_object_get(event, "EventType"));
    r->events[r->count++].body = strndup((const char *)body.ptr, body.len);
    json_decref(event);
    struct http_answer answer;
    http_answer_init(&answer, 200);
    http_exchange_answer(exchange, &answer);
}

static void too_late(void *ctx, struct http_answer *answer)
{
    (void)ctx, (void)answer;
}

static void receiver_start(struct receiver *r)
{
    *r = (struct receiver){ 0 };
    struct http_server_config config = { .max_body = 1u << 20,
                                         .max_connections = 64,
                                         .timeout = 10 * SEC,
                                         .ctx = r,
                                         .handle = take,
                                         .on_timeout = too_late };
    addr_parse_hostport(&config.listen, "127.0.0.1:0");
    assert_int_equal(loop_new(&r->loop, "receiver", 1000), OK);
    config.home = r->loop;
    assert_int_equal(http_server_start(&r->server, &config), OK);
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%u/", http_server_port(r->server));
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void receiver_forget(struct receiver *r)
{
    loop_call(r->loop, nothing, NULL); /* all that came is in the list */
    while (r->count)
        free(r->events[--r->count].body);
}

static void receiver_stop(struct receiver *r)
{
    receiver_forget(r);
    http_server_stop(r->server);
    loop_free(r->loop);
}

/* --- one life --- */

extern char **environ;

/* `kill_at` 0: to the end. The exit status. */
static int live(const struct temp_dir *t, const struct receiver *r, bool record, unsigned kill_at)
{
    char number[16], stall[16],
        *args[] = { "walk",
                    "life",
                    (char *)t->path,
                    (char *)r->url,
                    record ? "record" : "recover",
                    number,
                    r->refusing ? "refusing" : "taking",
                    stall,
                    NULL };
    pid_t child;
    int status;
    snprintf(number, sizeof number, "%u", kill_at);
    snprintf(stall, sizeof stall, "%u", r->stall_ms);
    assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, args, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* --- what must hold --- */

struct file_names {
    char name[MAX_NAMES][FILE_NAME_SIZE];
    unsigned count;
};

static bool has(const struct file_names *n, const char *name)
{
    for (unsigned i = 0; i < n->count; i++)
        if (strcmp(n->name[i], name) == 0)
            return true;
    return false;
}

static void add(struct file_names *n, const char *name)
{
    assert_true(n->count < MAX_NAMES);
    if (!has(n, name))
        snprintf(n->name[n->count++], FILE_NAME_SIZE, "%s", name);
}

static int add_name(void *ctx, const char *name)
{
    add(ctx, name);
    return OK;
}

/* The names in a folder below `t`; none when there is no such folder. */
static void list_folder(struct file_names *out, const struct temp_dir *t, const char *path)
{
    int fd = openat(t->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    out->count = 0;
    if (fd < 0)
        return;
    assert_int_equal(dir_each(fd, add_name, out), OK);
    close(fd);
}

/* The task's folder below `parent`: there is at most one. False: none. */
static bool only_folder(char path[600], const struct temp_dir *t, const char *parent)
{
    struct file_names n;
    list_folder(&n, t, parent);
    assert_true(n.count <= 1);
    if (n.count)
        snprintf(path, 600, "%s/%s", parent, n.name[0]);
    return n.count == 1;
}

/* Whole segments that the crash left in the spool. */
static void find_whole(struct file_names *out, const struct temp_dir *t)
{
    char path[600];
    struct file_names all;
    if (!only_folder(path, t, "spool"))
        return;
    list_folder(&all, t, path);
    for (unsigned i = 0; i < all.count; i++)
        if (file_has_suffix(all.name[i], ".ts"))
            add(out, all.name[i]);
}

static void check_segment(const struct temp_dir *t, const char *folder, const char *name,
                          const char *playlist)
{
    char path[900];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(fstatat(t->fd, path, &st, 0), 0);
    snprintf(path, sizeof path, ",%lld\n#EXTINF:", (long long)st.st_size);
    const char *line = strstr(playlist, name);
    assert_non_null(line);
    assert_true(line[-1] == '\n');
    assert_non_null(strstr(playlist, path));
}

/* The bucket holds the playlist and exactly what it names; all that was `whole` is in it. */
static void check_bucket(const struct temp_dir *t, const struct file_names *whole)
{
    char folder[600], path[900];
    struct file_names files;
    if (!only_folder(folder, t, "buckets/b/p")) {
        assert_int_equal(whole->count, 0);
        return;
    }
    list_folder(&files, t, folder);
    if (!files.count) {
        assert_int_equal(whole->count, 0);
        return;
    }
    struct hls_playlist *p;
    char *text = NULL;
    for (unsigned i = 0; i < files.count; i++)
        if (file_has_suffix(files.name[i], ".m3u8")) {
            assert_null(text);
            snprintf(path, sizeof path, "%s/%s", folder, files.name[i]);
            text = temp_dir_text(t, path);
        }
    assert_non_null(text);
    assert_int_equal(hls_playlist_read(&p, "x.m3u8", bytes_str(text)), OK);
    assert_true(hls_playlist_ended(p));
    assert_int_equal(hls_playlist_segments(p), files.count - 1);
    for (unsigned i = 0; i < files.count; i++)
        if (!file_has_suffix(files.name[i], ".m3u8"))
            check_segment(t, folder, files.name[i], text);
    for (unsigned i = 0; i < whole->count; i++)
        assert_true(has(&files, whole->name[i]));
    hls_playlist_free(p);
    free(text);
}

/* What the lives have noted. True: the customer was told of the task. */
static bool check_notes(const struct temp_dir *t)
{
    struct file_names gone = { .count = 0 };
    char *text = temp_dir_text(t, "notes"), *rest = text;
    bool created = false;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char what[32], name[300];
        if (sscanf(line, "%31s %299s", what, name) != 2)
            continue;
        created |= strcmp(what, "created") == 0;
        if (strcmp(what, "gone") == 0)
            add(&gone, name);
        else if (strcmp(what, "put") == 0 && has(&gone, name))
            fail_msg("%s was acknowledged, and is sent again", name);
    }
    free(text);
    return created;
}

static unsigned first_of(const struct receiver *r, int type)
{
    unsigned i = 0;
    while (i < r->count && r->events[i].type != type)
        i++;
    return i;
}

/* Each in one version: repeats are the same byte for byte. */
static void check_once(const struct receiver *r, int type)
{
    unsigned first = first_of(r, type);
    for (unsigned i = first + 1; i < r->count; i++)
        if (r->events[i].type == type)
            assert_string_equal(r->events[i].body, r->events[first].body);
}

static void check_events(const struct receiver *r, bool created)
{
    static const int types[] = { 301, 302, 305 };
    unsigned first[3];
    for (int i = 0; i < 3; i++) {
        first[i] = first_of(r, types[i]);
        check_once(r, types[i]);
        if (created && first[i] == r->count)
            fail_msg("event %d never came", types[i]);
    }
    if (first[0] == r->count)
        return; /* its start came to nothing before anybody was told */
    assert_true(first[0] < first[1] && first[1] < first[2]);
    assert_int_equal(first[0], 0);
}

static void check(const struct temp_dir *t, struct receiver *r, const struct file_names *whole)
{
    struct file_names left;
    loop_call(r->loop, nothing, NULL);
    list_folder(&left, t, "spool");
    assert_int_equal(left.count, 0);
    check_bucket(t, whole);
    check_events(r, check_notes(t));
}

/* --- the walks --- */

/* In memory where there is such a place: a kill leaves what the kernel has, and waiting for a disk
 * would be most of the time. */
static struct temp_dir folder_new(void)
{
    struct temp_dir t = { "/dev/shm/reeltime-test-XXXXXX", -1 };
    if (!mkdtemp(t.path))
        return temp_dir_new();
    t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(t.fd >= 0);
    return t;
}

/* Kills in turn, each in the life after the last; then a life to its end. False: the first kill
 * came too late, the recording was over. */
static bool walk_one(struct receiver *r, const unsigned *kills, unsigned count)
{
    struct temp_dir t = folder_new();
    struct file_names whole = { .count = 0 };
    int status = live(&t, r, true, kills[0]);
    find_whole(&whole, &t);
    bool killed = status == STEPS_KILLED;
    for (unsigned i = 1; i < count && status == STEPS_KILLED; i++) {
        status = live(&t, r, false, kills[i]);
        find_whole(&whole, &t);
    }
    if (status == STEPS_KILLED)
        status = live(&t, r, false, 0);
    if (status)
        fail_msg("killed at %u: the last life ended with %d", kills[0], status);
    check(&t, r, &whole);
    receiver_forget(r);
    temp_dir_free(&t);
    return killed;
}

/* Every `stride`-th step, from a random one on. */
static void walk_all(bool refusing, unsigned stall_ms, unsigned stride)
{
    struct receiver r;
    unsigned kill_at = 1 + random_u32() % stride;
    receiver_start(&r);
    r.refusing = refusing;
    r.stall_ms = stall_ms;
    for (; walk_one(&r, &kill_at, 1); kill_at += stride)
        print_message("\rstep %u ", kill_at);
    print_message("\r%u steps\n", kill_at - 1);
    assert_true(kill_at > 60);
    receiver_stop(&r);
}

static void every_step(void **state)
{
    (void)state;
    walk_all(false, 0, 1);
}

/* The disk is slow: what else the daemon does goes on. */
static void every_step_stalled(void **state)
{
    (void)state;
    walk_all(false, STALL_MS, 2);
}

static void every_step_with_a_bucket_that_refuses_first(void **state)
{
    (void)state;
    walk_all(true, 0, 2);
}

static void pairs_of_steps(void **state)
{
    (void)state;
    struct receiver r;
    uint32_t seed = random_u32();
    print_message("seed %u\n", seed);
    srand(seed);
    receiver_start(&r);
    for (int i = 0; i < PAIRS; i++) {
        unsigned kills[] = { 1 + (unsigned)rand() % 100, 1 + (unsigned)rand() % 40,
                             1 + (unsigned)rand() % 40 };
        r.refusing = i % 2;
        print_message("kills at %u, %u, %u\n", kills[0], kills[1], kills[2]);
        walk_one(&r, kills, 3);
    }
    receiver_stop(&r);
}

/* Whoever is still starting when all ends leaves nothing behind: no job, no memory, no folder. */
static void a_start_that_meets_the_end(void **state)
{
    (void)state;
    struct receiver r;
    struct temp_dir t = temp_dir_new();
    struct file_names left;
    receiver_start(&r);
    for (int i = 0; i < 5; i++) {
        world_stop_early(t.path, r.url);
        list_folder(&left, &t, "spool");
        assert_int_equal(left.count, 0);
    }
    assert_int_equal(r.count, 0);
    receiver_stop(&r);
    temp_dir_free(&t);
}

/* The other process of this program; its arguments are those of live(). */
static int life(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    if (strcmp(argv[6], "refusing") == 0)
        scripted_refuse();
    world_run(argv[2], argv[3], (unsigned)atoi(argv[5]), (unsigned)atoi(argv[7]),
              strcmp(argv[4], "record") == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return life(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_meets_the_end),
        cmocka_unit_test(every_step),
        cmocka_unit_test(every_step_stalled),
        cmocka_unit_test(every_step_with_a_bucket_that_refuses_first),
        cmocka_unit_test(pairs_of_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
