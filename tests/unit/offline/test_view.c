/* What `reeltime spool list` says of a task's folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "io/file.h"
#include "offline/view.h"

#define STEM    "1_2__UserId_s_YWxpY2U.__UserId_e_main_audio"
#define SEGMENT STEM "_20250101050017101.ts"
#define HEAD                                                                                       \
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-TRTC-START-REC-TIME:1735707617101\n"                \
    "#EXT-X-TRTC-FILE-ATTR:1735707617101,4\n#EXTINF:1.0000,\n" SEGMENT "\n"

struct file {
    const char *name, *text;
};

struct view_case {
    struct file files[4];
    bool alien; /* without task.json */
    enum spool_state state;
    size_t whole, torn;
    uint64_t bytes;
};

static const struct view_case cases[] = {
    { { { NULL, NULL } }, false, SPOOL_WHOLE, 0, 0, 0 },
    { { { SEGMENT, "four" }, { STEM ".m3u8", HEAD "#EXT-X-ENDLIST\n" } },
      false,
      SPOOL_WHOLE,
      2,
      0,
      4 + sizeof HEAD - 1 + 15 },
    { { { SEGMENT, "four" }, { STEM ".m3u8", HEAD } },
      false,
      SPOOL_OPEN,
      2,
      0,
      4 + sizeof HEAD - 1 },
    { { { SEGMENT, "four" } }, false, SPOOL_OPEN, 1, 0, 4 },
    { { { STEM ".m3u8", "#EXTM" } }, false, SPOOL_OPEN, 1, 0, 5 },
    { { { "1_2.mp4", "four" }, { "1_2.mp4.idx", "idx" } }, false, SPOOL_WHOLE, 1, 0, 7 },
    { { { "1_2.mp4.part", "four" }, { "1_2.mp4.idx", "idx" } }, false, SPOOL_TORN, 0, 1, 7 },
    { { { SEGMENT ".part", "four" }, { STEM ".m3u8.part", "#EX" } }, false, SPOOL_TORN, 0, 1, 7 },
    { { { SEGMENT ".part", "four" } }, true, SPOOL_ALIEN, 0, 1, 4 },
};

static struct spool_folder *make(struct temp_dir *t, struct spool *s, const struct view_case *c)
{
    const struct spool_meta meta = { .task_id = "task-1",
                                     .sdk_app_id = 7,
                                     .room = "room\x1b[1",
                                     .robot = "r",
                                     .start = 1735707617 * SEC,
                                     .storage = "" };
    struct spool_folder *f;
    assert_int_equal(spool_create(&f, s, &meta), OK);
    for (int i = 0; i < 4 && c->files[i].name; i++) {
        char path[300];
        snprintf(path, sizeof path, "task-1/%s", c->files[i].name);
        temp_dir_write(t, path, c->files[i].text);
    }
    if (c->alien)
        file_remove(spool_folder_dir(f), SPOOL_META_NAME);
    return f;
}

/* The line of the table, and the JSON, agree with the view. */
static void check_words(const struct spool_view *v)
{
    struct buf text;
    buf_init(&text, 1u << 16);
    spool_view_text(v, &text);
    assert_null(strchr(buf_str(&text), 0x1b)); /* nothing that moves a terminal's cursor */
    const char *torn = strstr(buf_str(&text), "\n  torn: ");
    assert_int_equal(torn != NULL, v->torn > 0);
    buf_fini(&text);

    json_t *o = spool_view_json(v);
    assert_string_equal(json_string_value(json_object_get(o, "TaskId")), "task-1");
    assert_int_equal(json_integer_value(json_object_get(o, "Bytes")), v->bytes);
    assert_int_equal(json_array_size(json_object_get(o, "Torn")), v->torn);
    assert_int_equal(json_object_get(o, "RoomId") != NULL, v->state != SPOOL_ALIEN);
    json_decref(o);
}

static void folders_are_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct view_case *c = &cases[i];
        struct temp_dir t = temp_dir_new();
        struct spool *s;
        struct spool_found *found;
        struct spool_view v;
        assert_int_equal(spool_open(&s, t.path), OK);
        struct spool_folder *f = make(&t, s, c);
        assert_int_equal(spool_folder_scan(&found, f), OK);
        assert_int_equal(spool_view_of(&v, found), OK);
        if (v.state != c->state || v.files != c->whole || v.torn != c->torn || v.bytes != c->bytes)
            fail_msg("case %zu: state %d, %zu files, %zu torn, %llu bytes", i, v.state, v.files,
                     v.torn, (unsigned long long)v.bytes);
        check_words(&v);
        spool_found_free(found);
        spool_folder_unref(f);
        spool_close(s);
        temp_dir_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
