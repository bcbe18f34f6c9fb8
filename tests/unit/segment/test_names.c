#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "segment/names_read.h"

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

static void check_read(const struct names *n)
{
    const usec_t start = 1735707617101 * MSEC;
    char segment[NAMES_SIZE], playlist[NAMES_SIZE];
    struct segment_name read;
    assert_int_equal(names_segment(segment, n, start + 500), OK);
    assert_int_equal(names_playlist(playlist, n, 0), OK);
    assert_int_equal(names_read_segment(&read, segment), OK);
    assert_string_equal(read.playlist, playlist);
    assert_string_equal(read.user, n->user_id ? n->user_id : "");
    assert_int_equal(read.type, n->user_id ? n->type : NAMES_AUDIO_VIDEO);
    assert_int_equal(read.media, n->media);
    assert_int_equal(read.start, start);
}

static void segments_tell_what_they_are(void **state)
{
    (void)state;
    static const char *const users[] = { "alice", ">>>>?", "__UserId_e_main_audio", "\xc3\xa9",
                                         "a" };
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        for (int media = NAMES_MAIN; media <= NAMES_AUX; media++)
            for (int type = NAMES_AUDIO; type <= NAMES_AUDIO_VIDEO; type++) {
                struct names n = alice_audio;
                n.user_id = users[i];
                n.media = (enum names_media)media;
                n.type = (enum names_type)type;
                check_read(&n);
                n.user_define = "x__UserId_s_YQ__UserId_e_main_audio";
                n.recovery = 2;
                check_read(&n);
            }
    check_read(&(struct names){ .room_id = "class-7", .room_is_string = true });
}

static void other_names_tell_nothing(void **state)
{
    (void)state;
#define USER "1_2__UserId_s_YWxpY2U.__UserId_e_main_audio"
    static const char *const names[] = {
        "",
        "x.ts",
        "_20250101050017101.ts",
        USER ".m3u8",
        USER ".ts",
        USER "_2025010105001710.ts",
        USER "_20251301050017101.ts",
        USER "_20250230050017101.ts",
        USER "_20250101050060101.ts",
        USER "_20250101050017101.mp4",
        USER "_2025010105001710x.ts",
        "1_2__UserId_s___UserId_e_main_audio_20250101050017101.ts",
        "1_2__UserId_s_YWxpY2U.__UserId_e_main_20250101050017101.ts",
        "1_2__UserId_s_YWxpY2U.__UserId_e_other_audio_20250101050017101.ts",
        "1_2__UserId_s_YW?__UserId_e_main_audio_20250101050017101.ts",
        "1_2__UserId_s_YWxpY2U._main_audio_20250101050017101.ts",
    };
    struct segment_name read;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names_read_segment(&read, names[i]) != ERR_MALFORMED)
            fail_msg("taken: %s", names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(further_forms),
        cmocka_unit_test(refusals),
        cmocka_unit_test(segments_tell_what_they_are),
        cmocka_unit_test(other_names_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
