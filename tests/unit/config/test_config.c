#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "config/config.h"

#define APP  "apps: [{sdk_app_id: 1400000001, key: k}]\n"
#define CRED "credentials: [{secret_id: AKIDa, secret_key: s}]\n"

static void whole_file(void **state)
{
    (void)state;
    const char *text =
        "data: /var/lib/reeltime\n"
        "node: a-1\n"
        "api:\n"
        "  listen: 0.0.0.0:443\n"
        "  public_url: https://rec.example.test/\n"
        "  tls: { cert: c.pem, key: k.pem }\n"
        "media: { listen: \"0.0.0.0\", port: 9200, loops: 4, advertise: [\"192.0.2.1\", "
        "\"2001:db8::1\"] }\n"
        "apps:\n"
        "  - sdk_app_id: 1400000001\n"
        "    key: abc\n"
        "    callback: { url: \"http://127.0.0.1:8000/cb?x=1\", key: callbackKey01 }\n"
        "    private_map_key: true\n"
        "  - { sdk_app_id: 2, key: 0815 }\n"
        "credentials:\n"
        "  - { secret_id: AKIDx, secret_key: secret }\n"
        "storage:\n"
        "  - { region: local, dir: ./b }\n"
        "  - { region: test-1, endpoint: \"http://127.0.0.1:9300\", path_style: false,\n"
        "      signing_region: us-east-1, apps: [1400000001, 2] }\n"
        "outgoing: { allow: [127.0.0.0/8, \"::1\"], ca_file: ca.pem, part_mib: 5 }\n"
        "regions: [ap-singapore]\n"
        "log: { level: debug, format: json }\n"
        "limits: { tasks_per_app: 7 }\n"
        "record: { segment_seconds: 4, max_idle: 60 }\n";
    struct config *c = NULL;
    struct buf complaints;
    buf_init(&complaints, 1 << 16);
    int err = config_parse(&c, "x.yaml", bytes_str(text), &complaints);
    assert_string_equal(buf_str(&complaints), "");
    assert_int_equal(err, OK);
    assert_string_equal(c->data, "/var/lib/reeltime");
    assert_string_equal(c->api.public_url, "https://rec.example.test");
    assert_string_equal(c->api.tls.key, "k.pem");
    assert_int_equal(c->media.loops, 4);
    assert_string_equal(c->media.advertise.items[1], "2001:db8::1");
    assert_string_equal(c->apps.items[0].callback.key, "callbackKey01");
    assert_true(c->apps.items[0].private_map_key);
    assert_string_equal(c->apps.items[1].key, "0815");
    assert_null(c->apps.items[1].callback.url);
    assert_string_equal(c->storage.items[1].endpoint, "http://127.0.0.1:9300");
    assert_false(c->storage.items[1].path_style);
    assert_string_equal(c->storage.items[1].signing_region, "us-east-1");
    assert_string_equal(c->storage.items[1].apps.items[1], "2");
    assert_int_equal(c->storage.items[0].apps.count, 0);
    assert_string_equal(c->outgoing.allow.items[1], "::1");
    assert_string_equal(c->outgoing.ca_file, "ca.pem");
    assert_int_equal(c->outgoing.part_mib, 5);
    assert_int_equal(c->outgoing.multipart_from_mib, 64);
    assert_int_equal(c->regions.count, 1);
    assert_int_equal(c->log.level, LOG_DEBUG);
    assert_int_equal(c->log.format, CONFIG_LOG_JSON);
    assert_int_equal(c->limits.tasks_per_app, 7);
    assert_int_equal(c->record.max_idle, 60);
    assert_false(c->keys_generated);
    config_free(c);
    buf_fini(&complaints);
}

static void made_from_others(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct buf complaints;
    buf_init(&complaints, 1 << 16);
    const char *text = "data: /d\napi: {listen: \"127.0.0.2:81\", tls: {cert: c, key: k}}\n"
                       "media: {listen: 127.0.0.3}\n" APP CRED;
    assert_int_equal(config_parse(&c, "x.yaml", bytes_str(text), &complaints), OK);
    assert_string_equal(c->api.public_url, "https://127.0.0.2:81");
    assert_string_equal(c->media.advertise.items[0], "127.0.0.3");
    assert_int_equal(c->storage.count, 1);
    assert_string_equal(c->storage.items[0].region, "local");
    assert_string_equal(c->storage.items[0].dir, "/d/buckets");
    assert_int_equal(c->regions.count, 5);
    config_free(c);
    buf_fini(&complaints);
}

#define AUTO(keys) "apps:\n  - sdk_app_id: 1\n    key: k\n    auto_record: {" keys "}\n"

static void auto_record_has_defaults(void **state)
{
    (void)state;
    struct config *c;
    struct buf complaints;
    buf_init(&complaints, 1 << 16);
    assert_int_equal(config_parse(&c, "x", bytes_str(APP CRED), &complaints), OK);
    assert_null(c->apps.items[0].auto_record);
    config_free(c);
    assert_int_equal(
        config_parse(&c, "x", bytes_str(AUTO("region: local, bucket: b") CRED), &complaints), OK);
    const struct config_auto_record *a = c->apps.items[0].auto_record;
    assert_int_equal(a->type, CONFIG_AUTO_AUDIO_VIDEO);
    assert_int_equal(config_output_format(&a->formats), 0);
    assert_int_equal(a->max_file_minutes, 1440);
    assert_int_equal(a->resume_timeout, 30);
    config_free(c);
    buf_fini(&complaints);
}

static void sets_of_formats(void **state)
{
    (void)state;
    static const struct {
        const char *names[2];
        int want;
    } rows[] = { { { "hls" }, 0 },        { { "hls", "mp4" }, 1 },  { { "mp4", "hls" }, 1 },
                 { { "hls", "aac" }, 2 }, { { "mp4" }, 3 },         { { "aac" }, 4 },
                 { { "hls", "hls" }, 0 }, { { "mp4", "aac" }, -1 }, { { "flv" }, -1 },
                 { { NULL }, -1 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct schema_strings set = { (char **)rows[i].names, 0 };
        while (set.count < 2 && rows[i].names[set.count])
            set.count++;
        assert_int_equal(config_output_format(&set), rows[i].want);
    }
}

static void complaints_name_file_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "dat: x\n", "x.yaml:1: dat: there is no such key\n" },
        { "api:\n  listen: here\n", "x.yaml:2: api.listen: wanted an address with a port, like "
                                    "127.0.0.1:9000, not `here`\n" },
        { "apps:\n  - sdk_app_id: 1\n    key: k\n    callback:\n      url: \"http://a/&\"\n" CRED,
          "x.yaml:5: apps[0].callback.url: wanted an http or https URL with a host, of "
          "[a-zA-Z0-9_?%=#./+:-], not `http://a/&`\n" },
        { "apps:\n  - sdk_app_id: 1\n    key: k\n    callback: {key: a-b}\n" CRED,
          "x.yaml:4: apps[0].callback.key: wanted a string of 1 to 32 bytes of [a-zA-Z0-9]\n" },
        { "apps: [{sdk_app_id: 1}]\n" CRED,
          "x.yaml:1: apps[0].key: missing; wanted a string of 1 to 256 bytes\n" },
        { APP, "x.yaml:1: credentials: there are apps, so at least one is needed here\n" },
        { CRED, "x.yaml:1: apps: there are credentials, so at least one is needed here\n" },
        { "apps:\n  - {sdk_app_id: 1, key: k}\n  - {sdk_app_id: 1, key: k}\n" CRED,
          "x.yaml:3: apps[1].sdk_app_id: the same application as apps[0]\n" },
        { APP "credentials:\n- {secret_id: a, secret_key: s}\n- {secret_id: a, secret_key: t}\n",
          "x.yaml:4: credentials[1].secret_id: the same id as credentials[0]\n" },
        { APP "credentials:\n- {secret_id: a, secret_key: s, apps: [1400000001]}\n"
              "- secret_id: b\n  secret_key: t\n  apps: [\n    77]\n",
          "x.yaml:7: credentials[1].apps[0]: is no sdk_app_id of apps\n" },
        { APP "credentials:\n- {secret_id: a, secret_key: s, actions: [DescribeCloudRecordings]}\n",
          "x.yaml:3: credentials[0].actions[0]: wanted a list of at most 16 strings, each Create-, "
          "Describe-, Modify- or DeleteCloudRecording, not `DescribeCloudRecordings`\n" },
        { "api: {path_prefix: api}\n",
          "x.yaml:1: api.path_prefix: wanted a path like /api, without a slash at its end, of "
          "[a-zA-Z0-9/._~-], not `api`\n" },
        { "storage:\n  - region: a\n  - region: b\n    dir: x\n    endpoint: http://h\n"
          "  - {region: b, dir: y}\n",
          "x.yaml:2: storage[0]: needs either dir or endpoint\n"
          "x.yaml:3: storage[1]: needs either dir or endpoint\n"
          "x.yaml:6: storage[2].region: the same region as storage[1]\n" },
        { "storage:\n  - {region: a, dir: x, apps: [b]}\noutgoing: {allow: [10.1.0.0/8]}\n",
          "x.yaml:2: storage[0].apps[0]: wanted a list of at most 1000 strings, each 1 to 10 "
          "bytes of [0-9], not `b`\n"
          "x.yaml:3: outgoing.allow[0]: wanted a list of at most 100 strings, each a network, "
          "like 10.0.0.0/8, not `10.1.0.0/8`\n" },
        { "\nmedia: {port: 65535, loops: 1}\n",
          "x.yaml:2: media.port: 1 loops from port 65535 on go beyond port 65535\n" },
        { "media: {loops: 65}\n",
          "x.yaml:1: media.loops: wanted an integer from 1 to 64, not `65`\n" },
        { "media: {listen: 0.0.0.0}\n",
          "x.yaml:1: media.advertise[0]: `0.0.0.0` is no address that publishers can send to\n" },
        { "api:\n  tls: {cert: c}\n", "x.yaml:2: api.tls: needs both cert and key\n" },
        { "regions: []\n", "x.yaml:1: regions: at least one is needed\n" },
        { "log: {level: loud}\n",
          "x.yaml:1: log.level: wanted one of error, warn, info, debug, not `loud`\n" },
        { "a: [\n", "x.yaml:2: did not find expected node content\n" },
        { "data: 1\ndata: 2\n", "x.yaml:2: data: the same key twice\n" },
        { AUTO("region: local") CRED,
          "x.yaml:4: apps[0].auto_record.bucket: missing; wanted a string of 1 to 255 bytes of "
          "[a-zA-Z0-9._-]\n" },
        { AUTO("region: moon, bucket: b") CRED,
          "x.yaml:4: apps[0].auto_record.region: no entry of storage has this region\n" },
        { AUTO("region: local, bucket: b, type: audio, formats: [mp4, aac]") CRED,
          "x.yaml:4: apps[0].auto_record.formats: wanted hls, mp4, aac, or hls with one of the "
          "others\n" },
        { AUTO("region: local, bucket: b, formats: [hls, flv]") CRED,
          "x.yaml:4: apps[0].auto_record.formats: wanted hls, mp4, aac, or hls with one of the "
          "others\n" },
        { AUTO("region: local, bucket: b, formats: [aac]") CRED,
          "x.yaml:4: apps[0].auto_record.formats: aac is for type audio alone\n" },
        { AUTO("region: local, bucket: b, resume_timeout: 0") CRED,
          "x.yaml:4: apps[0].auto_record.resume_timeout: wanted an integer from 1 to 86400, not "
          "`0`\n" },
        { AUTO("region: s, bucket: b") CRED "storage:\n- {region: s, endpoint: \"http://h\"}\n",
          "x.yaml:4: apps[0].auto_record.access_key: needed, as the entry of storage has an "
          "endpoint\n" },
        { AUTO("region: s, bucket: b, access_key: hush") CRED
          "storage:\n- {region: s, endpoint: \"http://h\"}\n",
          "x.yaml:4: apps[0].auto_record.secret_key: needed, as the entry of storage has an "
          "endpoint\n" },
        { AUTO("region: s, bucket: b") CRED "storage:\n- {region: s, dir: d, apps: [7]}\n",
          "x.yaml:4: apps[0].auto_record.region: this application may not use that entry of "
          "storage\n" },
        { "record: {max_idle: 4}\nnode: \"a b\"\n",
          "x.yaml:2: node: wanted a string of 1 to 32 bytes of [a-zA-Z0-9_-], not `a b`\n"
          "x.yaml:1: record.max_idle: wanted an integer from 5 to 86400, not `4`\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config *c = NULL;
        struct buf complaints;
        buf_init(&complaints, 1 << 16);
        int err = config_parse(&c, "x.yaml", bytes_str(rows[i].text), &complaints);
        assert_string_equal(buf_str(&complaints), rows[i].want);
        assert_int_equal(err, ERR_MALFORMED);
        assert_null(c);
        buf_fini(&complaints);
    }
}

/* What a complaint quotes is never a secret. */
static void secrets_are_not_quoted(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct buf complaints;
    buf_init(&complaints, 1 << 16);
    const char *text = "apps:\n  - {sdk_app_id: 1, key: [hush1]}\n"
                       "    \n  - {sdk_app_id: 2, key: k, callback: {key: hush-2}}\n"
                       "credentials:\n  - {secret_id: a, secret_key: {hush3: x}}\n";
    assert_int_equal(config_parse(&c, "x.yaml", bytes_str(text), &complaints), ERR_MALFORMED);
    assert_non_null(strstr(buf_str(&complaints), "secret_key"));
    assert_null(strstr(buf_str(&complaints), "hush"));
    buf_fini(&complaints);
}

struct folder {
    char dir[64], data[128], config[128];
};

static void folder_make(struct folder *f)
{
    strcpy(f->dir, "/tmp/reeltime-config-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->data, sizeof f->data, "%s/a/b", f->dir);
    snprintf(f->config, sizeof f->config, "%s/c.yaml", f->dir);
}

static void folder_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void folder_remove(struct folder *f)
{
    char path[256];
    snprintf(path, sizeof path, "%s/keys.yaml", f->data);
    unlink(path);
    unlink(f->config);
    assert_int_equal(rmdir(f->data), 0); /* so nothing else was left there */
    snprintf(path, sizeof path, "%s/a", f->dir);
    rmdir(path);
    assert_int_equal(rmdir(f->dir), 0);
}

static void keys_are_generated_once(void **state)
{
    (void)state;
    struct folder f;
    char text[256];
    folder_make(&f);
    snprintf(text, sizeof text, "data: %s\n", f.data);
    folder_write(f.config, text);

    struct buf complaints;
    struct config *first, *second;
    buf_init(&complaints, 1 << 16);
    assert_int_equal(config_load(&first, f.config, &complaints), OK);
    assert_true(first->keys_generated);
    assert_int_equal(first->apps.count, 1);
    assert_int_equal(first->apps.items[0].sdk_app_id, 1400000001);
    assert_int_equal(strlen(first->apps.items[0].key), 64);
    assert_memory_equal(first->credentials.items[0].secret_id, "AKID", 4);
    assert_null(first->apps.items[0].callback.url);
    struct stat st;
    assert_int_equal(stat(first->keys_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(config_load(&second, f.config, &complaints), OK);
    assert_false(second->keys_generated);
    assert_string_equal(first->apps.items[0].key, second->apps.items[0].key);
    assert_string_equal(first->credentials.items[0].secret_key,
                        second->credentials.items[0].secret_key);
    assert_string_equal(buf_str(&complaints), "");

    folder_write(first->keys_file, "apps: []\ncredentials: []\n");
    struct config *third = NULL;
    assert_int_equal(config_load(&third, f.config, &complaints), ERR_MALFORMED);
    assert_non_null(strstr(buf_str(&complaints), "keys.yaml: one app and one credential"));
    buf_clear(&complaints);
    folder_write(first->keys_file, "apps: []\nstorage: []\n");
    assert_int_equal(config_load(&third, f.config, &complaints), ERR_MALFORMED);
    assert_non_null(strstr(buf_str(&complaints), "keys.yaml:2: storage: "));
    config_free(first);
    config_free(second);
    buf_fini(&complaints);
    folder_remove(&f);
}

static void own_keys_make_no_file(void **state)
{
    (void)state;
    struct folder f;
    char text[512];
    folder_make(&f);
    snprintf(text, sizeof text, "data: %s\n" APP CRED, f.data);
    folder_write(f.config, text);
    struct buf complaints;
    struct config *c;
    buf_init(&complaints, 1 << 16);
    assert_int_equal(config_load(&c, f.config, &complaints), OK);
    assert_false(c->keys_generated);
    assert_null(c->keys_file);
    assert_int_equal(access(f.data, F_OK), -1);
    config_free(c);
    unlink(f.config);

    c = NULL;
    assert_int_equal(config_load(&c, f.config, &complaints), ERR_IO);
    assert_non_null(strstr(buf_str(&complaints), "c.yaml: cannot be read: No such file"));
    assert_null(c);
    buf_fini(&complaints);
    rmdir(f.dir);
}

static void reference_has_help_for_each_key(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    config_reference(&text);
    assert_int_equal(text.err, OK);
    assert_non_null(strstr(buf_str(&text), "\napps[].callback.key\n"));
    assert_non_null(
        strstr(buf_str(&text), "\nmedia.port\n    an integer from 1 to 65535; default 9100\n"));
    assert_null(strstr(buf_str(&text), "(null)"));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),
        cmocka_unit_test(made_from_others),
        cmocka_unit_test(auto_record_has_defaults),
        cmocka_unit_test(sets_of_formats),
        cmocka_unit_test(complaints_name_file_line_and_key),
        cmocka_unit_test(secrets_are_not_quoted),
        cmocka_unit_test(keys_are_generated_once),
        cmocka_unit_test(own_keys_make_no_file),
        cmocka_unit_test(reference_has_help_for_each_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
