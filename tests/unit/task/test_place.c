/* Which bucket a task's storage parameters name, and that task.json is enough to find it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "task/place.h"
#include "task/task.h"

static const char config_text[] =
    "storage:\n"
    "  - { region: local, dir: /srv/b, apps: [1, 2] }\n"
    "  - { region: dc-1, endpoint: \"http://127.0.0.1:9000\", signing_region: us-east-1 }\n"
    "  - { region: dc-2, endpoint: \"https://s3.example.test\", path_style: false, apps: [2] }\n";

static struct config *config_new(void)
{
    struct config *c;
    struct buf complaints;
    buf_init(&complaints, 1 << 16);
    assert_int_equal(config_parse(&c, "x", bytes_str(config_text), &complaints), OK);
    buf_fini(&complaints);
    return c;
}

struct place_case {
    struct place_wanted wanted;
    uint32_t app;
    const char *id;   /* of the bucket; NULL: refused, with: */
    const char *code; /* of the API */
};

static const struct place_case cases[] = {
    /* a folder, and who may use it */
    { { VENDOR_S3, "local", "b1" }, 1, "folder:/srv/b/b1", NULL },
    { { VENDOR_COS, "local", "B_1" }, 2, "folder:/srv/b/B_1", NULL },
    { { VENDOR_S3, "local", "b1" }, 3, NULL, API_UNSUPPORTED_OPERATION },
    { { VENDOR_S3, "local", "..b" }, 1, NULL, API_OUT_OF_RANGE },
    /* a store of the configuration */
    { { VENDOR_S3, "dc-1", "bucket" }, 3, "s3:http://127.0.0.1:9000/bucket/#bucket", NULL },
    { { VENDOR_COS, "dc-2", "bucket" }, 2, "s3:https://bucket.s3.example.test/#bucket", NULL },
    { { VENDOR_S3, "dc-2", "bucket" }, 1, NULL, API_UNSUPPORTED_OPERATION },
    { { VENDOR_S3, "dc-1", "Bucket" }, 1, NULL, API_OUT_OF_RANGE },
    /* the request's endpoint comes first, and needs no leave */
    { { VENDOR_S3, "local", "bucket", "s3.other.test" },
      3,
      "s3:https://s3.other.test/bucket/#bucket",
      NULL },
    { { VENDOR_COS, "dc-2", "bucket", "http://10.0.0.1:80/a" },
      3,
      "s3:http://10.0.0.1/a/bucket/#bucket",
      NULL },
    { { VENDOR_S3, "local", "B_1", "s3.other.test" }, 1, NULL, API_OUT_OF_RANGE },
    { { VENDOR_S3, "x", "bucket", "http://h/%20" }, 1, NULL, API_OUT_OF_RANGE },
    /* the vendors */
    { { VENDOR_S3, "eu-west-1", "bucket" },
      3,
      "s3:https://bucket.s3.eu-west-1.amazonaws.com/#bucket",
      NULL },
    { { VENDOR_S3, "eu-west-1", "my.bucket" },
      3,
      "s3:https://s3.eu-west-1.amazonaws.com/my.bucket/#my.bucket",
      NULL },
    { { VENDOR_COS, "ap-shanghai", "b-125" },
      3,
      "s3:https://b-125.cos.ap-shanghai.myqcloud.com/#b-125",
      NULL },
    { { VENDOR_S3, "evil.test", "bucket" }, 3, NULL, API_OUT_OF_RANGE },
    { { VENDOR_COS, "Local", "bucket" }, 3, NULL, API_OUT_OF_RANGE },
};

static void places(void **state)
{
    (void)state;
    struct config *config = config_new();
    const struct tasks_config tasks = { .config = config };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_problem problem = { 0 };
        struct bucket *bucket;
        bool good = place_ok(config, cases[i].app, &cases[i].wanted, &problem);
        if (good != (cases[i].id != NULL))
            fail_msg("case %zu: %s", i, problem.detail);
        if (!good) {
            assert_string_equal(problem.code, cases[i].code);
            continue;
        }
        assert_int_equal(place_open(&bucket, &tasks, &cases[i].wanted, "AK", "SK"), OK);
        assert_string_equal(bucket->id, cases[i].id);
        bucket_free(bucket);
    }
    config_free(config);
}

static void stores_need_keys(void **state)
{
    (void)state;
    struct config *config = config_new();
    const struct tasks_config tasks = { .config = config };
    struct bucket *bucket;
    const struct place_wanted store = { VENDOR_S3, "dc-1", "bucket" },
                              folder = { VENDOR_S3, "local", "bucket" };
    assert_int_equal(place_open(&bucket, &tasks, &store, "AK", NULL), ERR_AUTH);
    assert_int_equal(place_open(&bucket, &tasks, &store, NULL, "SK"), ERR_AUTH);
    assert_int_equal(place_open(&bucket, &tasks, &folder, NULL, NULL), OK);
    bucket_free(bucket);
    config_free(config);
}

static void check_open(struct tasks *tasks, struct spool_meta *meta, int want)
{
    struct bucket *bucket;
    char *prefix;
    int err = storage_open(&bucket, &prefix, &tasks->config, meta);
    assert_int_equal(err, want);
    if (err)
        return;
    assert_string_equal(bucket->id, "s3:https://s3.other.test/bucket/#bucket");
    assert_string_equal(prefix, "class/2025");
    bucket_free(bucket);
    free(prefix);
}

/* What Create writes is what a restart reads; the keys open for their own task only. */
static void task_json_suffices(void **state)
{
    (void)state;
    struct config *config = config_new();
    struct seal_key key = { .secret = "0123456789abcdef0123456789abcde" },
                    other = { .secret = "x" };
    struct tasks tasks = { .config = { .config = config, .key = &key } };
    char *parts[] = { "class", "2025" };
    const struct cloud_storage storage = { .vendor = VENDOR_S3,
                                           .region = "local",
                                           .bucket = "bucket",
                                           .access_key = "the-access-key",
                                           .secret_key = "the-secret-key",
                                           .prefix = { parts, 2 },
                                           .endpoint = "s3.other.test" };
    struct spool_meta meta = { .task_id = strdup("task-1") };
    assert_int_equal(storage_describe(&storage, "task-1", &key, &meta.storage, &meta.sealed), OK);
    assert_null(strstr(meta.storage, "the-"));
    check_open(&tasks, &meta, OK);

    tasks.config.key = &other;
    check_open(&tasks, &meta, ERR_AUTH);
    tasks.config.key = &key;
    meta.task_id[5] = '2';
    check_open(&tasks, &meta, ERR_AUTH);
    meta.task_id[5] = '1';
    meta.sealed[8] = meta.sealed[8] == 'A' ? 'B' : 'A'; /* base64 it stays */
    check_open(&tasks, &meta, ERR_AUTH);
    free(meta.sealed);
    meta.sealed = NULL;
    check_open(&tasks, &meta, ERR_AUTH);
    meta.storage[0] = ' ';
    check_open(&tasks, &meta, ERR_MALFORMED);
    spool_meta_fini(&meta);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(stores_need_keys),
        cmocka_unit_test(task_json_suffices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
