#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "spool/spool.h"

static struct spool_meta example(void)
{
    return (struct spool_meta){
        .task_id = "task-1",
        .sdk_app_id = 1400000001,
        .room = "class \"7\" \xc3\xa4",
        .room_is_text = true,
        .robot = "recorder_4711",
        .start = 1735707617163000,
        .epoch = 3,
        .storage = "{\"Vendor\":1}",
        .sealed = "b2Zmc2Vl",
    };
}

static void a_task_is_made_read_and_removed(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct spool *s;
    struct spool_folder *f;
    struct spool_meta in = example(), out;
    assert_int_equal(spool_open(&s, t.path), OK);
    assert_int_equal(spool_create(&f, s, &in), OK);
    assert_true(temp_dir_has(&t, "task-1/task.json"));
    assert_int_equal(spool_meta_read(&out, f), OK);
    assert_string_equal(out.task_id, in.task_id);
    assert_int_equal(out.sdk_app_id, in.sdk_app_id);
    assert_string_equal(out.room, in.room);
    assert_true(out.room_is_text);
    assert_string_equal(out.robot, in.robot);
    assert_int_equal(out.start, in.start);
    assert_int_equal(out.epoch, in.epoch);
    assert_string_equal(out.storage, in.storage);
    assert_string_equal(out.sealed, in.sealed);
    spool_meta_fini(&out);

    in.sealed = NULL;
    in.epoch = 4;
    assert_int_equal(spool_meta_write(f, &in), OK);
    assert_int_equal(spool_meta_read(&out, f), OK);
    assert_null(out.sealed);
    assert_int_equal(out.epoch, 4);
    spool_meta_fini(&out);

    temp_dir_write(&t, "task-1/x.ts", "1");
    temp_dir_write(&t, "task-1/y.ts.part", "1");
    assert_int_equal(spool_folder_remove(f), ERR_BAD_STATE);
    assert_true(temp_dir_has(&t, "task-1/y.ts.part"));
    unlinkat(t.fd, "task-1/x.ts", 0);
    assert_int_equal(spool_folder_remove(f), OK);
    assert_false(temp_dir_has(&t, "task-1"));
    spool_folder_unref(f);
    assert_int_equal(spool_folder_open(&f, s, "task-1"), ERR_NOT_FOUND);
    spool_close(s);
    temp_dir_free(&t);
}

static void a_task_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct spool *s, *second;
    struct spool_folder *f;
    struct spool_meta m = example();
    assert_int_equal(spool_open(&s, t.path), OK);
    assert_int_equal(spool_open(&second, t.path), ERR_EXISTS);

    static char *const bad[] = { "", "..", "../x", "a/b", ".x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        m.task_id = bad[i];
        assert_int_equal(spool_create(&f, s, &m), ERR_MALFORMED);
    }
    m.task_id = "task-1";
    m.room = "\xff\xfe";
    assert_int_equal(spool_create(&f, s, &m), ERR_MALFORMED);
    assert_false(temp_dir_has(&t, "task-1"));
    m.room = "r";
    char *large = calloc(1, SPOOL_META_MAX + 1);
    memset(large, 'x', SPOOL_META_MAX);
    m.storage = large;
    assert_int_equal(spool_create(&f, s, &m), ERR_LIMIT);
    assert_false(temp_dir_has(&t, "task-1"));
    free(large);
    m.storage = "";
    assert_int_equal(spool_create(&f, s, &m), OK);
    spool_folder_unref(f);
    assert_int_equal(spool_create(&f, s, &m), ERR_EXISTS);
    spool_close(s);
    temp_dir_free(&t);
}

static void a_broken_task_json_is_refused(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct spool *s;
    struct spool_folder *f;
    struct spool_meta m = example(), out;
    assert_int_equal(spool_open(&s, t.path), OK);
    assert_int_equal(spool_create(&f, s, &m), OK);
    char *text = temp_dir_text(&t, "task-1/task.json");
    for (size_t len = 0; len < strlen(text); len++) {
        char *part = strndup(text, len);
        temp_dir_write(&t, "task-1/task.json", part);
        free(part);
        if (spool_meta_read(&out, f) != ERR_MALFORMED)
            fail_msg("a prefix of %zu bytes was taken", len);
    }
    free(text);
    temp_dir_write(&t, "task-1/task.json", "{\"schema_version\": 2}");
    assert_int_equal(spool_meta_read(&out, f), ERR_UNSUPPORTED);
    temp_dir_write(
        &t, "task-1/task.json",
        "{\"schema_version\":1,\"task_id\":\"task-2\",\"sdk_app_id\":1,\"room\":\"1\",\"room_is_"
        "text\":false,\"robot\":\"r\",\"start_us\":1,\"epoch\":1,\"storage\":\"\"}");
    assert_int_equal(spool_meta_read(&out, f), ERR_MALFORMED);
    unlinkat(t.fd, "task-1/task.json", 0);
    assert_int_equal(spool_meta_read(&out, f), ERR_NOT_FOUND);
    spool_folder_unref(f);
    spool_close(s);
    temp_dir_free(&t);
}

static struct spool_found *find(struct list *found, const char *task)
{
    list_each(it, found, struct spool_found,
              in_found) if (strcmp(spool_folder_task(it->folder), task) == 0) return it;
    return NULL;
}

static void free_found(struct list *found)
{
    list_each(it, found, struct spool_found, in_found) spool_found_free(it);
    assert_true(list_empty(found));
}

static void check_entry(const struct spool_entry *e, enum spool_kind kind, const char *name,
                        uint64_t bytes)
{
    assert_int_equal(e->kind, kind);
    assert_string_equal(e->name, name);
    assert_int_equal(e->bytes, bytes);
}

static void a_scan_finds_what_is_left(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct spool *s;
    struct spool_folder *f;
    struct spool_meta m = example();
    assert_int_equal(spool_open(&s, t.path), OK);
    assert_int_equal(spool_create(&f, s, &m), OK);
    spool_folder_unref(f);
    temp_dir_write(&t, "task-1/v_2.ts", "22");
    temp_dir_write(&t, "task-1/v_1.ts", "1");
    temp_dir_write(&t, "task-1/v_3.ts.part", "333");
    temp_dir_write(&t, "task-1/v.m3u8", "#EXTM3U\n");
    temp_dir_write(&t, "task-1/task.json.part", "{");
    mkdirat(t.fd, "task-1/odd", 0700);
    mkdirat(t.fd, "cut-short", 0700);
    temp_dir_write(&t, "cut-short/task.json.part", "{");
    mkdirat(t.fd, "no-meta", 0700);
    temp_dir_write(&t, "no-meta/x.ts", "1");
    mkdirat(t.fd, "lost+found", 0700);
    mkdirat(t.fd, ".snapshots", 0700);
    temp_dir_write(&t, "stray", "1");

    struct list found;
    list_init(&found);
    assert_int_equal(spool_scan(s, &found), OK);
    struct spool_found *one = find(&found, "task-1"), *two = find(&found, "no-meta");
    assert_non_null(one);
    assert_int_equal(one->meta_err, OK);
    assert_string_equal(one->meta.robot, "recorder_4711");
    assert_int_equal(one->count, 4);
    check_entry(&one->entries[0], SPOOL_PLAYLIST, "v.m3u8", 8);
    check_entry(&one->entries[1], SPOOL_SEGMENT, "v_1.ts", 1);
    check_entry(&one->entries[2], SPOOL_SEGMENT, "v_2.ts", 2);
    check_entry(&one->entries[3], SPOOL_PART, "v_3.ts", 3);
    assert_non_null(two);
    assert_int_equal(two->meta_err, ERR_NOT_FOUND);
    assert_int_equal(two->count, 1);
    assert_null(find(&found, "cut-short"));
    assert_false(temp_dir_has(&t, "cut-short"));
    assert_true(temp_dir_has(&t, "stray"));
    assert_true(temp_dir_has(&t, ".snapshots"));
    assert_true(temp_dir_has(&t, "lost+found"));
    free_found(&found);
    spool_close(s);
    temp_dir_free(&t);
}

static void what_it_takes_on_the_disk(void **state)
{
    (void)state;
    struct temp_dir t = temp_dir_new();
    struct spool *s;
    struct spool_folder *f;
    struct spool_meta m = example();
    static char content[100001];
    uint64_t empty = 1, one, both;
    assert_int_equal(spool_open(&s, t.path), OK);
    assert_int_equal(spool_disk_bytes(s, &empty), OK);
    assert_int_equal(empty, 0);
    assert_int_equal(spool_create(&f, s, &m), OK);
    assert_int_equal(spool_disk_bytes(s, &one), OK);
    assert_true(one > 0 && one < 65536); /* task.json */
    memset(content, 'x', sizeof content - 1);
    temp_dir_write(&t, "task-1/x.ts.part", content);
    assert_int_equal(spool_disk_bytes(s, &both), OK);
    assert_true(both - one >= 100000 && both - one < 200000);
    spool_folder_unref(f);
    spool_close(s);
    temp_dir_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_made_read_and_removed),
        cmocka_unit_test(a_task_that_cannot_be_is_refused),
        cmocka_unit_test(what_it_takes_on_the_disk),
        cmocka_unit_test(a_broken_task_json_is_refused),
        cmocka_unit_test(a_scan_finds_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
