#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "publish/args.h"
#include "publish/url.h"

#define URL "http://h:9000/v2/pub/1400000001/room?SessionID=alice"
#define MAX 12

struct wish {
    const char *what;
    char *argv[MAX];
    const char *complaint; /* NULL: it is good; else a part of what is said */
};

static int parse(const struct wish *w, struct publish_args *out, struct buf *complaint)
{
    char *argv[MAX + 2] = { "publish" };
    int argc = 1;
    for (; argc <= MAX && w->argv[argc - 1]; argc++)
        argv[argc] = w->argv[argc - 1];
    buf_init(complaint, 1000);
    return publish_args_parse(out, argc, argv, complaint);
}

static void good_and_bad(void **state)
{
    (void)state;
    static const struct wish table[] = {
        { "the least", { "--url", URL, "--token", "t" }, NULL },
        { "minted", { "--url", URL, "--key", "k" }, NULL },
        { "many", { "--url", URL, "--key", "k", "--user-prefix", "u", "--count", "5000" }, NULL },
        { "help alone", { "--help" }, NULL },
        { "a file", { "--url", URL, "--token", "t", "--file", "a.mp4" }, NULL },
        { "no url", { "--token", "t" }, "--url is missing" },
        { "no URL", { "--url", "ftp://h/", "--token", "t" }, "no http" },
        { "no host", { "--url", "http:///v2", "--token", "t" }, "no http" },
        { "a space", { "--url", "http://h/a b", "--token", "t" }, "no http" },
        { "nobody", { "--url", URL }, "--token or --key" },
        { "two ways", { "--url", URL, "--token", "t", "--key", "k" }, "exclude" },
        { "prefix without key",
          { "--url", URL, "--token", "t", "--user-prefix", "u" },
          "needs --key" },
        { "many of one name", { "--url", URL, "--key", "k", "--count", "2" }, "--user-prefix" },
        { "key for another URL", { "--url", "http://h/whip", "--key", "k" }, "/v2/pub/" },
        { "none", { "--url", URL, "--token", "t", "--count", "0" }, "--count is a number" },
        { "too many", { "--url", URL, "--token", "t", "--count", "5001" }, "--count is a number" },
        { "no number", { "--url", URL, "--token", "t", "--duration", "1s" }, "--duration" },
        { "odd size", { "--url", URL, "--token", "t", "--size", "641x360" }, "--size" },
        { "small size", { "--url", URL, "--token", "t", "--size", "64x64" }, "--size" },
        { "half a size", { "--url", URL, "--token", "t", "--size", "640" }, "--size" },
        { "no bits", { "--url", URL, "--token", "t", "--bitrate", "k" }, "--bitrate" },
        { "too many bits", { "--url", URL, "--token", "t", "--bitrate", "51M" }, "--bitrate" },
        { "a file's size",
          { "--url", URL, "--token", "t", "--file", "f", "--fps", "30" },
          "exclude" },
        { "nothing left",
          { "--url", URL, "--token", "t", "--audio-only", "--video-only" },
          "exclude" },
        { "unknown", { "--url", URL, "--token", "t", "--loud" }, "unknown option" },
        { "a stray word", { "--url", URL, "--token", "t", "now" }, "unexpected 'now'" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct publish_args args;
        struct buf complaint;
        print_message("%s\n", table[i].what);
        int err = parse(&table[i], &args, &complaint);
        assert_int_equal(err, table[i].complaint ? ERR_MALFORMED : OK);
        if (table[i].complaint)
            assert_non_null(strstr(buf_str(&complaint), table[i].complaint));
        buf_fini(&complaint);
    }
}

static void values(void **state)
{
    (void)state;
    struct publish_args a;
    struct buf complaint;
    assert_int_equal(parse(&(struct wish){ "", { "--url", URL, "--token", "t" } }, &a, &complaint),
                     OK);
    assert_true(a.audio && a.video && !a.json && !a.insecure && !a.file);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.duration, USEC_NEVER);
    assert_true(a.width == 640 && a.height == 360 && a.fps == 30 && a.bitrate == 800000);
    struct wish all = { "",
                        { "--url", URL, "--token", "t", "--size", "1280x720", "--bitrate", "2M",
                          "--duration", "9", "--audio-only", "--json" } };
    assert_int_equal(parse(&all, &a, &complaint), OK);
    assert_true(a.width == 1280 && a.height == 720 && a.bitrate == 2000000);
    assert_int_equal(a.duration, 9 * SEC);
    assert_true(a.audio && !a.video && a.json);
    buf_fini(&complaint);
}

static void urls(void **state)
{
    (void)state;
    struct buf out;
    uint32_t app = 0;
    buf_init(&out, 200);
    assert_true(url_app(bytes_str(URL), &app));
    assert_int_equal(app, 1400000001);
    assert_false(url_app(bytes_str("http://h/v2/pub/1"), &app));
    assert_false(url_app(bytes_str("http://h/v2/pub/x/room"), &app));
    assert_false(url_app(bytes_str("http://h/other?u=/v2/pub/1/room"), &app));
    assert_true(bytes_equal_str(url_user(bytes_str("http://h/p?a=1&SessionID=bob&b=2#x")), "bob"));
    assert_int_equal(url_user(bytes_str("http://h/p?XSessionID=bob")).len, 0);
    static const struct {
        const char *from, *want;
    } users[] = {
        { "http://h/p?SessionID=x", "http://h/p?SessionID=u7" },
        { "http://h/p", "http://h/p?SessionID=u7" },
        { "http://h/p?a=1&SessionID=x&b=2#top", "http://h/p?SessionID=u7&a=1&b=2" },
    };
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        buf_clear(&out);
        url_put_with_user(&out, bytes_str(users[i].from), "u7");
        assert_string_equal(buf_str(&out), users[i].want);
    }
    buf_fini(&out);
}

static void locations(void **state)
{
    (void)state;
    static const struct {
        const char *base, *location, *want;
    } table[] = {
        { "http://h:1/a/b?q", "https://other/r/1", "https://other/r/1" },
        { "http://h:1/a/b?q", "/r/1", "http://h:1/r/1" },
        { "https://h/a/b?q=/x", "//o/r", "https://o/r" },
        { "http://h/a/b?q=/x", "r/1", "http://h/a/r/1" },
        { "http://h", "/r", "http://h/r" },
    };
    struct buf out;
    buf_init(&out, 200);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buf_clear(&out);
        url_put_location(&out, bytes_str(table[i].base), bytes_str(table[i].location));
        assert_string_equal(buf_str(&out), table[i].want);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad),
        cmocka_unit_test(values),
        cmocka_unit_test(urls),
        cmocka_unit_test(locations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
