#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "segment/names.h"

static const struct names alice_audio = {
    .sdk_app_id = 1400000001, .room_id = "4711", .user_id = "alice", .type = NAMES_AUDIO
};

/* files.md 1 */
static void examples(void **state)
{
    (void)state;
    char out[NAMES_SIZE];
    struct names n = alice_audio;
    assert_int_equal(names_playlist(out, &n, 0), OK);
    assert_string_equal(out, "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_audio.m3u8");
    assert_int_equal(names_segment(out, &n, 1735707617101 * MSEC + 999), OK);
    assert_string_equal(
        out, "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_audio_20250101050017101.ts");
    n.media = NAMES_AUX;
    n.type = NAMES_VIDEO;
    assert_int_equal(names_playlist(out, &n, 0), OK);
    assert_string_equal(out, "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_aux_video.m3u8");
    n.media = NAMES_MAIN;
    assert_int_equal(names_file(out, &n, 0, "mp4"), OK);
    assert_string_equal(out, "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main.mp4");
    assert_int_equal(names_file(out, &n, 2, "mp4"), OK);
    assert_string_equal(out, "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_2.mp4");

    struct names mixed = { .sdk_app_id = 1400000001, .room_id = "class-7", .room_is_string = true };
    assert_int_equal(names_playlist(out, &mixed, 0), OK);
    assert_string_equal(out, "1400000001_Y2xhc3MtNw...m3u8");
    struct names recovered = { .sdk_app_id = 1400000001, .room_id = "4711", .recovery = 1 };
    assert_int_equal(names_segment(out, &recovered, 1735708323480 * MSEC), OK);
    assert_string_equal(out, "ha1_1400000001_4711_20250101051203480.ts");
    assert_int_equal(names_file(out, &mixed, 3, "aac"), OK);
    assert_string_equal(out, "1400000001_Y2xhc3MtNw.._3.aac");
}

static void further_forms(void **state)
{
    (void)state;
    char out[NAMES_SIZE];
    struct names n = alice_audio;
    n.type = NAMES_AUDIO_VIDEO;
    n.user_id = ">>>>?";
    assert_int_equal(names_playlist(out, &n, 1), OK);
    assert_string_equal(out, "1400000001_4711__UserId_s_Pj4+Pj8.__UserId_e_main_audiovideo_1.m3u8");
    n = alice_audio;
    n.user_define = "lesson_3";
    n.recovery = 2;
    assert_int_equal(names_file(out, &n, 0, "mp4"), OK);
    assert_string_equal(
        out, "lesson_3__UserDefine_u_ha2_1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main.mp4");
}

static void refusals(void **state)
{
    (void)state;
    char out[NAMES_SIZE], longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    struct {
        struct names names;
        int want;
    } rows[] = {
        { { .room_id = NULL, .user_id = "a" }, ERR_RANGE },
        { { .room_id = "", .user_id = "a" }, ERR_RANGE },
        { { .room_id = "../up", .user_id = "a" }, ERR_RANGE },
        { { .room_id = "1", .user_id = "" }, ERR_RANGE },
        { { .room_id = "1", .user_id = "a", .user_define = "a/b" }, ERR_RANGE },
        { { .room_id = "1", .user_id = longest }, ERR_LIMIT },
        { { .room_id = "../up", .room_is_string = true }, OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(names_segment(out, &rows[i].names, 0), rows[i].want);
        assert_true(rows[i].want ? !*out : !strchr(out, '/'));
        assert_int_equal(names_playlist(out, &rows[i].names, 0), rows[i].want);
        assert_int_equal(names_file(out, &rows[i].names, 0, "mp4"), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(further_forms),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
