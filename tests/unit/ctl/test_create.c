#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "api/create.h"
#include "base/err.h"
#include "ctl/create_params.h"
#include "room/mapkey.h"
#include "room/usersig.h"
#include "schema/json.h"

#define APP 1400000001
#define KEY "example-sdk-secret-key-0000000000000000000000000000000000000001"
#define NOW ((usec_t)1735707617 * SEC)

static const char *const config_text =
    "apps: [{sdk_app_id: 1400000001, key: " KEY "}, "
    "{sdk_app_id: 2, key: " KEY ", private_map_key: true}]\n"
    "credentials: [{secret_id: AKIDa, secret_key: s}]\n"
    "storage: [{region: local, dir: ./b}, {region: far, endpoint: \"http://127.0.0.1:9300\"}]\n";

#define MAX_ARGS 24

static json_t *build_with(const char *config_yaml, const char *const *args, struct buf *complaint)
{
    struct create_options o = { 0 };
    char *argv[MAX_ARGS + 2] = { (char *)"create" };
    int argc = 1;
    for (; argc <= MAX_ARGS && args[argc - 1]; argc++)
        argv[argc] = (char *)args[argc - 1];
    buf_init(complaint, 4096);
    assert_int_equal(options_parse(&create_table, &o, argc, argv, complaint), OPTIONS_GOOD);
    struct account account = { .explicit_config = true, .options = &o.account };
    assert_int_equal(config_parse(&account.config, "test", bytes_str(config_yaml), complaint), OK);
    json_t *params = create_params_from(&o, &account, NOW, complaint);
    account_close(&account);
    return params;
}

static json_t *build(const char *const *args, struct buf *complaint)
{
    return build_with(config_text, args, complaint);
}

/* Without the ticket, which is checked on its own. */
static void same_json(json_t *got, const char *want)
{
    json_object_del(got, "UserSig");
    char *text = json_dumps(got, JSON_COMPACT);
    assert_string_equal(text, want);
    free(text);
}

static int clean(void **state)
{
    (void)state;
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("REELTIME_APP_KEY");
    return 0;
}

#define WHO  "--app", "1400000001"
#define HERE "--bucket", "b", "--region", "local"
#define HEAD                                                                                       \
    "{\"SdkAppId\":1400000001,\"RoomId\":\"room-1\",\"RoomIdType\":0,\"UserId\":\"recorder_room-"  \
    "1\","
#define LOCAL                                                                                      \
    "\"StorageParams\":{\"CloudStorage\":{\"Bucket\":\"b\",\"Vendor\":1,\"Region\":\"local\","     \
    "\"AccessKey\":\"local\",\"SecretKey\":\"local\"}}}"

static void parameters(void **state)
{
    (void)state;
    static const struct {
        const char *args[MAX_ARGS];
        const char *want;
    } rows[] = {
        { { WHO, HERE, "--room", "room-1" }, HEAD "\"RecordParams\":{\"RecordMode\":1}," LOCAL },
        { { WHO, HERE, "--room", "room-1", "--audio-only", "--idle", "300", "--format", "hls+aac",
            "--media", "main" },
          HEAD "\"RecordParams\":{\"RecordMode\":1,\"StreamType\":1,\"MaxIdleTime\":300,"
               "\"OutputFormat\":2,\"MediaId\":1}," LOCAL },
        { { WHO, HERE, "--room", "room-1", "--video-only", "--merge", "--mixed" },
          HEAD "\"RecordParams\":{\"RecordMode\":2,\"StreamType\":2,\"AvMerge\":1}," LOCAL },
        { { WHO, HERE, "--room", "room-1", "--users", "alice,b.*$," },
          HEAD "\"RecordParams\":{\"RecordMode\":1,\"SubscribeStreamUserIds\":{"
               "\"SubscribeAudioUserIds\":[\"alice\",\"b.*$\"],"
               "\"SubscribeVideoUserIds\":[\"alice\",\"b.*$\"]}}," LOCAL },
        { { WHO,
            "--room",
            "4711",
            "--room-type",
            "int",
            "--robot",
            "r",
            "--bucket",
            "b",
            "--region",
            "eu-central-1",
            "--vendor",
            "cos",
            "--prefix",
            "class/2025/",
            "--endpoint-url",
            "https://s3.example.test",
            "--access-key",
            "AK",
            "--secret-key-storage",
            "SK",
            "--expire-hours",
            "6" },
          "{\"SdkAppId\":1400000001,\"RoomId\":\"4711\",\"RoomIdType\":1,\"UserId\":\"r\","
          "\"RecordParams\":{\"RecordMode\":1},\"StorageParams\":{\"CloudStorage\":{"
          "\"Bucket\":\"b\",\"FileNamePrefix\":[\"class\",\"2025\"],\"Vendor\":0,"
          "\"Region\":\"eu-central-1\",\"EndpointUrl\":\"https://s3.example.test\","
          "\"AccessKey\":\"AK\",\"SecretKey\":\"SK\"}},\"ResourceExpiredHour\":6}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf complaint;
        json_t *got = build(rows[i].args, &complaint);
        assert_string_equal(buf_str(&complaint), "");
        assert_non_null(got);
        same_json(got, rows[i].want);
        json_decref(got);
        buf_fini(&complaint);
    }
}

/* What is built passes the service's own table. */
static void the_service_takes_it(void **state)
{
    (void)state;
    const char *const args[] = { WHO,       HERE,     "--room", "room-1",   "--users", "a,b",
                                 "--merge", "--idle", "60",     "--prefix", "class/a", NULL };
    struct buf complaint;
    struct value *value;
    struct value_error error;
    struct create_params *params;
    struct api_problem problem = { 0 };
    json_t *got = build(args, &complaint);
    char *text = json_dumps(got, 0);
    assert_int_equal(value_from_json(&value, bytes_str(text), &error), OK);
    int err = create_params_read(&params, value, 0, &problem);
    assert_string_equal(problem.detail, "");
    assert_int_equal(err, OK);
    assert_string_equal(params->storage.cloud_storage->prefix.items[1], "a");
    assert_int_equal(usersig_verify(bytes_str(params->user_sig), APP, bytes_str("recorder_room-1"),
                                    bytes_str(KEY), NOW),
                     OK);
    create_params_free(params);
    value_free(value);
    free(text);
    json_decref(got);
    buf_fini(&complaint);
}

static void tickets_that_are_given(void **state)
{
    (void)state;
    const char *const args[] = {
        "--app",    "3",     "--room",     "r",    "--bucket",          "b",
        "--region", "local", "--user-sig", "mine", "--private-map-key", "also",
        NULL
    };
    struct buf complaint;
    json_t *got = build(args, &complaint);
    assert_string_equal(buf_str(&complaint), "");
    assert_string_equal(json_string_value(json_object_get(got, "UserSig")), "mine");
    assert_string_equal(json_string_value(json_object_get(got, "PrivateMapKey")), "also");
    json_decref(got);
    buf_fini(&complaint);
}

static void a_map_key_where_it_is_needed(void **state)
{
    (void)state;
    const char *const args[] = { "--app", "2", "--room", "r", HERE, NULL };
    struct room_key room = { .sdk_app_id = 2 };
    struct buf complaint;
    uint32_t rights;
    json_t *got = build(args, &complaint);
    assert_string_equal(buf_str(&complaint), "");
    const char *ticket = json_string_value(json_object_get(got, "PrivateMapKey"));
    assert_int_equal(room_id_parse(bytes_str("r"), ROOM_ID_STRING, &room.id), OK);
    assert_int_equal(mapkey_verify(bytes_str(ticket), &room, bytes_str("recorder_r"),
                                   bytes_str(KEY), NOW, &rights),
                     OK);
    assert_int_equal(rights, 2 + 8 + 32 + 128);
    json_decref(got);
    buf_fini(&complaint);
}

static void keys_of_the_environment(void **state)
{
    (void)state;
    const char *const args[] = { WHO, "--room", "r", "--bucket", "b", "--region", "far", NULL };
    struct buf complaint;
    assert_null(build(args, &complaint));
    assert_non_null(strstr(buf_str(&complaint), "AWS_ACCESS_KEY_ID"));
    buf_fini(&complaint);
    setenv("AWS_ACCESS_KEY_ID", "EA", 1);
    assert_null(build(args, &complaint));
    assert_non_null(strstr(buf_str(&complaint), "AWS_SECRET_ACCESS_KEY"));
    buf_fini(&complaint);
    setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
    json_t *got = build(args, &complaint);
    const json_t *storage = json_object_get(json_object_get(got, "StorageParams"), "CloudStorage");
    assert_string_equal(json_string_value(json_object_get(storage, "AccessKey")), "EA");
    assert_string_equal(json_string_value(json_object_get(storage, "SecretKey")), "ES");
    json_decref(got);
    buf_fini(&complaint);
}

static void complaints(void **state)
{
    (void)state;
    static const struct {
        const char *args[MAX_ARGS];
        const char *want;
    } rows[] = {
        { { HERE, "--room", "r" }, "--app is missing: the configuration has several" },
        { { WHO, HERE }, "--room is missing" },
        { { WHO, "--room", "r" }, "--bucket is missing" },
        { { WHO, "--room", "r", "--bucket", "b" }, "--region is missing" },
        { { WHO, HERE, "--room", "a/b" }, "--room: 1 to 64 bytes" },
        { { WHO, HERE, "--room", "0", "--room-type", "int" }, "--room: an integer room" },
        { { WHO, HERE, "--room", "a b" }, "--robot is missing" },
        { { WHO, HERE, "--room", "a-room-whose-id-is-too-long" }, "--robot is missing" },
        { { WHO, HERE, "--room", "r", "--audio-only", "--video-only" }, "leave nothing" },
        { { WHO, HERE, "--room", "r", "--endpoint-url", "x.test" }, "AWS_ACCESS_KEY_ID" },
        { { "--app", "3", HERE, "--room", "r" }, "the key of application 3 is not known" },
        { { WHO, HERE, "--room", "\xff" }, "no text in UTF-8" },
        { { WHO, "--params", "/nowhere.json" }, "--params /nowhere.json: " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf complaint;
        assert_null(build(rows[i].args, &complaint));
        if (!strstr(buf_str(&complaint), rows[i].want))
            fail_msg("row %zu: got '%s'", i, buf_str(&complaint));
        assert_null(strstr(buf_str(&complaint), KEY));
        buf_fini(&complaint);
    }
}

static void a_file_below_the_options(void **state)
{
    (void)state;
    struct temp_dir dir = temp_dir_new();
    char path[128];
    snprintf(path, sizeof path, "%s/p.json", dir.path);
    temp_dir_write(&dir, "p.json",
                   "{\"SdkAppId\":1400000001,\"RoomId\":\"4711\",\"RoomIdType\":1,"
                   "\"UserId\":\"robot\",\"RecordParams\":{\"RecordMode\":2,\"MaxIdleTime\":60},"
                   "\"StorageParams\":{\"CloudStorage\":{\"Vendor\":0,\"Region\":\"far\","
                   "\"Bucket\":\"x\",\"AccessKey\":\"A\",\"SecretKey\":\"S\"}},"
                   "\"MixLayoutParams\":{\"MixLayoutMode\":3}}");
    const char *const args[] = { "--params", path, "--idle", "90", "--bucket", "y", NULL };
    struct buf complaint;
    json_t *got = build(args, &complaint);
    assert_string_equal(buf_str(&complaint), "");
    same_json(got, "{\"SdkAppId\":1400000001,\"RoomId\":\"4711\",\"RoomIdType\":1,"
                   "\"UserId\":\"robot\",\"RecordParams\":{\"RecordMode\":2,\"MaxIdleTime\":90},"
                   "\"StorageParams\":{\"CloudStorage\":{\"Vendor\":0,\"Region\":\"far\","
                   "\"Bucket\":\"y\",\"AccessKey\":\"A\",\"SecretKey\":\"S\"}},"
                   "\"MixLayoutParams\":{\"MixLayoutMode\":3}}");
    json_decref(got);
    buf_fini(&complaint);

    temp_dir_write(&dir, "p.json", "[1]");
    assert_null(build(args, &complaint));
    assert_non_null(strstr(buf_str(&complaint), "holds no JSON object"));
    buf_fini(&complaint);
    temp_dir_free(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(parameters, clean),
        cmocka_unit_test_setup(the_service_takes_it, clean),
        cmocka_unit_test_setup(tickets_that_are_given, clean),
        cmocka_unit_test_setup(a_map_key_where_it_is_needed, clean),
        cmocka_unit_test_setup(keys_of_the_environment, clean),
        cmocka_unit_test_setup(complaints, clean),
        cmocka_unit_test_setup(a_file_below_the_options, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
