#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"

static void names_are_one_component(void **state)
{
    (void)state;
    char fits[FILE_NAME_SIZE + 1], longer[FILE_NAME_SIZE + 1];
    memset(fits, 'x', sizeof fits);
    fits[FILE_NAME_MAX] = 0;
    memset(longer, 'x', sizeof longer);
    longer[FILE_NAME_MAX + 1] = 0;
    const struct {
        const char *name;
        bool want;
    } cases[] = {
        { "a", true },
        { "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_video_20250101050017163.ts", true },
        { "Pj4+Pj8.", true },
        { "-m0k3+..", true },
        { fits, true },
        { "", false },
        { ".", false },
        { "..", false },
        { ".hidden", false },
        { "a/b", false },
        { "/a", false },
        { "a b", false },
        { "a\n", false },
        { "\xc3\xa4", false },
        { "a\\b", false },
        { longer, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (file_name_ok(cases[i].name) != cases[i].want)
            fail_msg("\"%s\": want %d", cases[i].name, cases[i].want);
    }
}

static void a_file_appears_whole(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    int fd;
    assert_int_equal(file_create_part(&fd, t.fd, "x.ts"), OK);
    struct iovec iov[] = { { "", 0 }, { "one ", 4 }, { "", 0 }, { "two", 3 }, { "", 0 } };
    assert_int_equal(file_write_at(fd, iov, 5, 0), OK);
    assert_true(temp_dir_has(&t, "x.ts.part"));
    assert_false(temp_dir_has(&t, "x.ts"));
    assert_int_equal(file_commit(fd, t.fd, "x.ts"), OK);
    assert_false(temp_dir_has(&t, "x.ts.part"));
    char *text = temp_dir_text(&t, "x.ts");
    assert_string_equal(text, "one two");
    free(text);

    assert_int_equal(file_put(t.fd, "x.ts", bytes_str("newer")), OK);
    struct buf old;
    buf_init(&old, 100);
    assert_int_equal(file_read_fd(&old, fd), OK); /* the descriptor keeps its version */
    assert_string_equal(buf_str(&old), "one two");
    buf_fini(&old);
    close(fd);
    temp_dir_free(&t);
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct buf b;
    temp_dir_write(&t, "a", "12345");
    buf_init(&b, 5);
    assert_int_equal(file_read(&b, t.fd, "a"), OK);
    assert_string_equal(buf_str(&b), "12345");
    buf_fini(&b);
    buf_init(&b, 4);
    assert_int_equal(file_read(&b, t.fd, "a"), ERR_LIMIT);
    assert_int_equal(file_read(&b, t.fd, "missing"), ERR_NOT_FOUND);
    assert_int_equal(file_read(&b, t.fd, "../a"), ERR_MALFORMED);
    buf_fini(&b);
    temp_dir_free(&t);
}

static void links_and_folders_are_not_files(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    int fd;
    assert_int_equal(symlinkat("/etc/passwd", t.fd, "link"), 0);
    assert_int_equal(symlinkat("/etc", t.fd, "etc"), 0);
    assert_int_equal(symlinkat("/etc/hosts", t.fd, "w.part"), 0);
    assert_int_equal(mkfifoat(t.fd, "pipe", 0600), 0);
    assert_int_equal(mkdirat(t.fd, "folder", 0700), 0);
    assert_int_equal(file_open(&fd, t.fd, "link"), ERR_IO);
    assert_int_equal(file_open(&fd, t.fd, "pipe"), ERR_MALFORMED);
    assert_int_equal(file_open(&fd, t.fd, "folder"), ERR_MALFORMED);
    assert_int_equal(file_create_part(&fd, t.fd, "w"), ERR_IO);
    assert_int_equal(dir_open_at(&fd, t.fd, "etc"), ERR_IO);
    assert_int_equal(dir_make_path(&fd, t.fd, "etc/x", 0700), ERR_IO);
    temp_dir_free(&t);
}

static void paths_are_made_below_the_root(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    int fd;
    assert_int_equal(dir_make_path(&fd, t.fd, "class/2025/task-1", 0755), OK);
    assert_int_equal(file_put(fd, "x", bytes_str("1")), OK);
    close(fd);
    assert_true(temp_dir_has(&t, "class/2025/task-1/x"));
    assert_int_equal(dir_make_path(&fd, t.fd, "class/2025/task-1", 0755), OK);
    close(fd);
    static const char *const bad[] = { "", "/", "/etc", "a//b", "a/", "..", "a/../b", "./a" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (dir_make_path(&fd, t.fd, bad[i], 0755) != ERR_MALFORMED)
            fail_msg("taken: \"%s\"", bad[i]);

    char path[128];
    snprintf(path, sizeof path, "%s/new/deep/spool", t.path);
    assert_int_equal(dir_open(&fd, path), OK);
    close(fd);
    assert_true(temp_dir_has(&t, "new/deep/spool"));
    temp_dir_free(&t);
}

static void copies_are_equal(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    static const size_t sizes[] = { 0, 1, 4096, 262144, 262145, 1000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        uint8_t *data = malloc(size + 1);
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)(k * 7 + k / 251);
        int from, to;
        assert_int_equal(file_put_open(&from, t.fd, "from", bytes_of(data, size)), OK);
        assert_int_equal(file_create_part(&to, t.fd, "to"), OK);
        assert_int_equal(file_copy(from, to, size), OK);
        struct buf b;
        buf_init(&b, 2000000);
        assert_int_equal(file_read_fd(&b, to), OK);
        assert_int_equal(b.len, size);
        if (size)
            assert_memory_equal(b.ptr, data, size);
        assert_int_equal(file_copy(from, to, size + 1), ERR_IO);
        assert_int_equal(errno, ENODATA);
        buf_fini(&b);
        close(from);
        close(to);
        free(data);
    }
    temp_dir_free(&t);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    char data[2000] = { 0 };
    int err = file_put(t.fd, "big", bytes_of(data, sizeof data));
    int reason = errno;
    int again = file_put(t.fd, "small", bytes_of(data, 1000));
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(err, ERR_IO);
    assert_int_equal(reason, EFBIG);
    assert_int_equal(again, OK);
    assert_false(temp_dir_has(&t, "big"));
    temp_dir_free(&t);
}

static int count_names(void *ctx, const char *name)
{
    (void)name;
    return ++*(int *)ctx == 3 ? ERR_LIMIT : OK;
}

static void walks_and_removes(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    int n = 0;
    temp_dir_write(&t, "a", "");
    temp_dir_write(&t, "b.part", "");
    assert_int_equal(dir_each(t.fd, count_names, &n), OK);
    assert_int_equal(n, 2);
    temp_dir_write(&t, "c", "");
    temp_dir_write(&t, "d", "");
    n = 0;
    assert_int_equal(dir_each(t.fd, count_names, &n), ERR_LIMIT);
    assert_int_equal(n, 3);
    assert_int_equal(file_remove(t.fd, "b.part"), OK);
    assert_int_equal(file_remove(t.fd, "b.part"), OK);
    assert_int_equal(file_remove(t.fd, "../a"), ERR_MALFORMED);
    assert_false(temp_dir_has(&t, "b.part"));
    temp_dir_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_one_component),
        cmocka_unit_test(a_file_appears_whole),
        cmocka_unit_test(reading_has_a_limit),
        cmocka_unit_test(links_and_folders_are_not_files),
        cmocka_unit_test(paths_are_made_below_the_root),
        cmocka_unit_test(copies_are_equal),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(walks_and_removes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
