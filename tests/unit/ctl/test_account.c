#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "ctl/account.h"

#define KEYS                                                                                       \
    "apps: [{sdk_app_id: 7, key: generated}]\n"                                                    \
    "credentials: [{secret_id: AKIDgen, secret_key: sgen}]\n"
#define OWN                                                                                        \
    "api: { public_url: \"https://rec.example.test/\" }\n"                                         \
    "apps: [{sdk_app_id: 8, key: own8}, {sdk_app_id: 9, key: own9}]\n"                             \
    "credentials: [{secret_id: AKIDa, secret_key: sa}, {secret_id: AKIDb, secret_key: sb}]\n"

/* Each test runs in a folder of its own, with none of the variables set. */
static int enter(void **state)
{
    static struct temp_dir dir;
    dir = temp_dir_new();
    *state = &dir;
    unsetenv("TENCENTCLOUD_SECRET_ID");
    unsetenv("TENCENTCLOUD_SECRET_KEY");
    unsetenv("REELTIME_APP_KEY");
    temp_dir_write(&dir, "own.yaml", OWN);
    return chdir(dir.path);
}

static int leave(void **state)
{
    int bad = chdir("/");
    temp_dir_free(*state);
    return bad;
}

static void generated_keys_are_there(void)
{
    struct temp_dir here = { .fd = AT_FDCWD };
    assert_int_equal(mkdir("reeltime-data", 0700), 0);
    temp_dir_write(&here, "reeltime-data/keys.yaml", KEYS);
}

static struct account open_account(const struct account_options *options)
{
    struct account account;
    struct buf complaint;
    buf_init(&complaint, 1000);
    int err = account_open(&account, options, &complaint);
    assert_string_equal(buf_str(&complaint), "");
    assert_int_equal(err, OK);
    buf_fini(&complaint);
    return account;
}

static void credentials_are(const struct account_options *options, const char *id, const char *key)
{
    struct account account = open_account(options);
    struct credentials got;
    struct buf complaint;
    buf_init(&complaint, 1000);
    bool good = account_credentials(&account, &got, &complaint);
    assert_string_equal(buf_str(&complaint), "");
    assert_true(good);
    assert_string_equal(got.id, id);
    assert_string_equal(got.key, key);
    account_close(&account);
}

static void credentials_complain(const struct account_options *options, const char *want)
{
    struct account account = open_account(options);
    struct credentials got;
    struct buf complaint;
    buf_init(&complaint, 1000);
    assert_false(account_credentials(&account, &got, &complaint));
    assert_non_null(strstr(buf_str(&complaint), want));
    buf_fini(&complaint);
    account_close(&account);
}

static void credentials_in_order(void **state)
{
    (void)state;
    const struct account_options none = { 0 }, own = { .config = "own.yaml" };
    credentials_complain(&none, "no credentials: give --config");
    generated_keys_are_there();
    credentials_are(&none, "AKIDgen", "sgen");
    credentials_are(&own, "AKIDa", "sa");

    setenv("TENCENTCLOUD_SECRET_ID", "AKIDe", 1);
    credentials_are(&none, "AKIDgen", "sgen"); /* half a pair is none */
    setenv("TENCENTCLOUD_SECRET_KEY", "se", 1);
    credentials_are(&none, "AKIDe", "se");
    credentials_are(&own, "AKIDa", "sa");

    const struct account_options both = { .secret_id = "AKIDo", .secret_key = "so" };
    credentials_are(&both, "AKIDo", "so");
}

static void an_id_alone_finds_its_key(void **state)
{
    (void)state;
    setenv("TENCENTCLOUD_SECRET_ID", "AKIDe", 1);
    setenv("TENCENTCLOUD_SECRET_KEY", "se", 1);
    const struct account_options second = { .config = "own.yaml", .secret_id = "AKIDb" };
    const struct account_options outside = { .config = "own.yaml", .secret_id = "AKIDe" };
    const struct account_options nobody = { .config = "own.yaml", .secret_id = "AKIDx" };
    const struct account_options key_alone = { .secret_key = "hidden" };
    credentials_are(&second, "AKIDb", "sb");
    credentials_are(&outside, "AKIDe", "se");
    credentials_complain(&nobody, "no key of that --secret-id is known");
    credentials_complain(&key_alone, "--secret-id is missing");
}

static void applications(void **state)
{
    (void)state;
    const struct account_options none = { 0 }, own = { .config = "own.yaml" };
    const struct account_options nine = { .config = "own.yaml", .app = { true, 9 } };
    const struct account_options *const rows[] = { &none, &own, &nine };
    const char *const wants[] = { "--app is missing, and no configuration names one (--config)",
                                  "--app is missing: the configuration has several applications",
                                  "" };
    for (size_t i = 0; i < 3; i++) {
        struct account account = open_account(rows[i]);
        struct buf complaint;
        struct bytes key;
        uint32_t app = 0;
        buf_init(&complaint, 1000);
        assert_int_equal(account_app_id(&account, &app, &complaint), i == 2);
        assert_string_equal(buf_str(&complaint), wants[i]);
        if (i == 2) {
            assert_int_equal(app, 9);
            assert_true(account_app_key(&account, app, NULL, &key, &complaint));
            assert_true(bytes_equal_str(key, "own9"));
        }
        buf_fini(&complaint);
        account_close(&account);
    }
}

static void application_keys_in_order(void **state)
{
    (void)state;
    generated_keys_are_there();
    const struct account_options none = { 0 }, own = { .config = "own.yaml" };
    const struct {
        const struct account_options *options;
        uint32_t app;
        const char *option, *environment, *want; /* NULL: not known */
    } rows[] = {
        { &none, 7, NULL, NULL, "generated" }, { &none, 7, NULL, "env", "env" },
        { &none, 7, "flag", "env", "flag" },   { &own, 8, NULL, "env", "own8" },
        { &own, 8, "flag", "env", "flag" },    { &own, 1, NULL, "env", "env" },
        { &own, 1, NULL, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account account = open_account(rows[i].options);
        struct buf complaint;
        struct bytes key;
        buf_init(&complaint, 1000);
        unsetenv("REELTIME_APP_KEY");
        if (rows[i].environment)
            setenv("REELTIME_APP_KEY", rows[i].environment, 1);
        bool known = account_app_key(&account, rows[i].app, rows[i].option, &key, &complaint);
        assert_int_equal(known, rows[i].want != NULL);
        if (known)
            assert_true(bytes_equal_str(key, rows[i].want));
        else
            assert_non_null(strstr(buf_str(&complaint), "the key of application 1 is not known"));
        buf_fini(&complaint);
        account_close(&account);
    }
}

static void endpoints(void **state)
{
    (void)state;
    const struct {
        struct account_options options;
        const char *want; /* NULL: a complaint */
    } rows[] = {
        { { 0 }, "http://127.0.0.1:9000" },
        { { .config = "own.yaml" }, "https://rec.example.test" },
        { { .config = "own.yaml", .endpoint = "http://[::1]:9000//" }, "http://[::1]:9000" },
        { { .endpoint = "127.0.0.1:9000" }, NULL },
        { { .endpoint = "ftp://127.0.0.1/" }, NULL },
        { { .endpoint = "http://" }, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account account = open_account(&rows[i].options);
        struct buf url, complaint;
        buf_init(&url, 1000);
        buf_init(&complaint, 1000);
        assert_int_equal(account_endpoint(&account, &url, &complaint), rows[i].want != NULL);
        if (rows[i].want)
            assert_string_equal(buf_str(&url), rows[i].want);
        else
            assert_string_equal(buf_str(&complaint),
                                "--endpoint wants a URL like http://127.0.0.1:9000");
        buf_fini(&url);
        buf_fini(&complaint);
        account_close(&account);
    }
}

/* A file is only read: neither keys nor folders come into being. */
static void nothing_is_generated(void **state)
{
    const struct temp_dir *dir = *state;
    temp_dir_write(dir, "bare.yaml", "node: a\n");
    const struct account_options bare = { .config = "bare.yaml" };
    struct account account = open_account(&bare);
    assert_int_equal(account.config->apps.count, 0);
    account_close(&account);
    assert_false(temp_dir_has(dir, "reeltime-data"));

    generated_keys_are_there();
    account = open_account(&bare); /* keys.yaml of its data folder */
    assert_int_equal(account.config->apps.items[0].sdk_app_id, 7);
    account_close(&account);
}

static void bad_files(void **state)
{
    const struct temp_dir *dir = *state;
    temp_dir_write(dir, "wrong.yaml", "medium: 1\n");
    static const struct {
        const char *file, *want;
        int err;
    } rows[] = {
        { "none.yaml", "none.yaml does not exist (--config)", ERR_IO },
        { "wrong.yaml", "wrong.yaml:1: medium: there is no such key\n", ERR_MALFORMED },
        { ".", ". cannot be read: ", ERR_IO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct account_options options = { .config = rows[i].file };
        struct account account;
        struct buf complaint;
        buf_init(&complaint, 1000);
        assert_int_equal(account_open(&account, &options, &complaint), rows[i].err);
        assert_memory_equal(buf_str(&complaint), rows[i].want, strlen(rows[i].want));
        buf_fini(&complaint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(credentials_in_order, enter, leave),
        cmocka_unit_test_setup_teardown(an_id_alone_finds_its_key, enter, leave),
        cmocka_unit_test_setup_teardown(applications, enter, leave),
        cmocka_unit_test_setup_teardown(application_keys_in_order, enter, leave),
        cmocka_unit_test_setup_teardown(endpoints, enter, leave),
        cmocka_unit_test_setup_teardown(nothing_is_generated, enter, leave),
        cmocka_unit_test_setup_teardown(bad_files, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
