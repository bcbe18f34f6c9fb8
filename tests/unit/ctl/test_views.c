/* What the commands show: tickets, tasks, progress, events, and the small texts they are made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "ctl/answer.h"
#include "ctl/event_view.h"
#include "ctl/progress.h"
#include "ctl/task_view.h"
#include "ctl/text.h"
#include "ctl/ticket_view.h"

#define KEY    "example-sdk-secret-key-0000000000000000000000000000000000000001"
#define ISSUED 1735707600u

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        void (*put)(uint64_t value, struct buf *out);
        uint64_t value;
        const char *want;
    } rows[] = {
        { text_put_time, 1735707617, "2025-01-01 05:00:17 UTC" },
        { text_put_time, 0, "1970-01-01 00:00:00 UTC" },
        { text_put_time, UINT64_MAX, "never" },
        { text_put_duration, 0, "0 s" },
        { text_put_duration, 59, "59 s" },
        { text_put_duration, 60, "1 min 00 s" },
        { text_put_duration, 3599, "59 min 59 s" },
        { text_put_duration, 11100, "3 h 05 min" },
        { text_put_duration, 15552000, "180 days" },
        { text_put_size, 999, "999 B" },
        { text_put_size, 1000, "1.0 kB" },
        { text_put_size, 999949, "999.9 kB" },
        { text_put_size, 999960, "1.0 MB" },
        { text_put_size, 12400000, "12.4 MB" },
        { text_put_size, UINT64_MAX, "18.4 EB" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 100);
        rows[i].put(rows[i].value, &out);
        assert_string_equal(buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

static void what_comes_from_elsewhere_cannot_draw(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    text_put_printable("a\033[2Jb\n\177\xc2\x9b"
                       "c \xe9\xa3\x8e \xc2\xa9\xc2",
                       &out);
    assert_string_equal(buf_str(&out), "a?[2Jb???c \xe9\xa3\x8e \xc2\xa9\xc2");
    buf_fini(&out);
}

static void answers(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "x",
                                       "{}",
                                       "{\"Response\":1}",
                                       "{\"Response\":{}}",
                                       "{\"Response\":{\"RequestId\":1}}",
                                       "{\"Response\":{\"RequestId\":\"r\",\"Error\":{}}}",
                                       "{\"Response\":{\"RequestId\":\"r\"}" };
    struct answer a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(answer_parse(&a, bytes_str(bad[i])), ERR_MALFORMED);

    const char *good = "{\"Response\":{\"TaskId\":\"t\",\"RequestId\":\"r\"}}";
    assert_int_equal(answer_parse(&a, bytes_str(good)), OK);
    assert_string_equal(a.code, "");
    assert_string_equal(json_text(a.response, "TaskId"), "t");
    answer_fini(&a);
    const char *error =
        "{\"Response\":{\"Error\":{\"Code\":\"A.B\",\"Message\":\"m\"},\"RequestId\":\"r\"}}";
    assert_int_equal(answer_parse(&a, bytes_str(error)), OK);
    assert_string_equal(a.code, "A.B");
    assert_string_equal(a.message, "m");
    answer_fini(&a);
}

/* --- tickets: the vectors of rooms.md 1 and 2 --- */

#define USER_SIG                                                                                   \
    "eNqrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwok5mcmpUInilOzEgoLMFCUrQxMDCDCEyKRWFGQWpSpZWZgBJSBC" \
    "JZm5QAFDc2NTcwNzM5hocWY60NDQvHwLy8CQynyX0IyI3Fy-wlIDv5Ly4tyScC*j1ERHo0QjX8fU1DI3X4tQW6VaALNd" \
    "MTI_"

static void user_sig_is_shown(void **state)
{
    (void)state;
    struct ticket_view view;
    struct buf out;
    assert_int_equal(ticket_view_read(&view, bytes_str(USER_SIG)), OK);
    buf_init(&out, 4096);
    ticket_view_text(&view, TICKET_GOOD, (usec_t)(ISSUED + 3600) * SEC, &out);
    assert_string_equal(buf_str(&out), "UserSig\n"
                                       "  user      alice\n"
                                       "  SdkAppId  1400000001\n"
                                       "  issued    2025-01-01 05:00:00 UTC\n"
                                       "  expires   2025-01-02 05:00:00 UTC, in 23 h 00 min\n"
                                       "  verdict   good\n");
    buf_clear(&out);
    ticket_view_text(&view, TICKET_EXPIRED, (usec_t)(ISSUED + 86460) * SEC, &out);
    assert_non_null(strstr(buf_str(&out), "05:00:00 UTC, 1 min 00 s ago\n  verdict   expired\n"));
    buf_clear(&out);
    json_t *object = ticket_view_json(&view, TICKET_GOOD);
    text_put_json(object, &out);
    assert_string_equal(buf_str(&out),
                        "{\"Kind\":\"UserSig\",\"UserId\":\"alice\",\"SdkAppId\":1400000001,"
                        "\"IssuedAt\":1735707600,\"ExpiresAt\":1735794000,\"Good\":true,"
                        "\"Verdict\":\"good\"}\n");
    json_decref(object);
    buf_fini(&out);
    ticket_view_fini(&view);
}

static void verdicts(void **state)
{
    (void)state;
    static const struct {
        uint32_t app;
        const char *user, *key;
        int64_t after; /* seconds since it was issued */
        enum ticket_verdict want;
    } rows[] = {
        { 0, "", KEY, 0, TICKET_GOOD },
        { 1400000001, "alice", KEY, 86400, TICKET_GOOD },
        { 1400000001, "alice", KEY, 86401, TICKET_EXPIRED },
        { 0, "", KEY, -300, TICKET_GOOD },
        { 0, "", KEY, -301, TICKET_NOT_YET },
        { 0, "", "another", 0, TICKET_WRONG_SIGNATURE },
        { 0, "", "another", 86401, TICKET_WRONG_SIGNATURE },
        { 7, "", KEY, 0, TICKET_WRONG_APP },
        { 0, "bob", KEY, 0, TICKET_WRONG_USER },
        { 0, "", "", 0, TICKET_UNCHECKED },
    };
    struct ticket_view view;
    assert_int_equal(ticket_view_read(&view, bytes_str(USER_SIG)), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ticket_wish wish = { rows[i].app, bytes_str(rows[i].user),
                                          bytes_str(rows[i].key) };
        enum ticket_verdict got;
        usec_t now = ((usec_t)ISSUED + rows[i].after) * SEC;
        assert_int_equal(ticket_view_check(&view, &wish, now, &got), OK);
        assert_int_equal(got, rows[i].want);
    }
    ticket_view_fini(&view);
    assert_int_equal(ticket_view_read(&view, bytes_str("abc")), ERR_MALFORMED);
}

static void map_key_is_shown(void **state)
{
    (void)state;
    struct room_key room = { 1400000001, { .type = ROOM_ID_INT, .number = 4711, .text = "4711" } };
    struct ticket_view view;
    struct buf ticket, out;
    enum ticket_verdict verdict;
    const struct ticket_wish wish = { .key = bytes_str(KEY) };
    buf_init(&ticket, 4096);
    buf_init(&out, 4096);
    assert_int_equal(mapkey_mint(&room, bytes_str("alice"), 42, bytes_str(KEY),
                                 (usec_t)ISSUED * SEC, 86400, &ticket),
                     OK);
    assert_int_equal(ticket_view_read(&view, buf_bytes(&ticket)), OK);
    assert_int_equal(ticket_view_check(&view, &wish, (usec_t)ISSUED * SEC, &verdict), OK);
    assert_int_equal(verdict, TICKET_GOOD);
    ticket_view_text(&view, verdict, (usec_t)ISSUED * SEC, &out);
    assert_string_equal(buf_str(&out), "PrivateMapKey\n"
                                       "  user      alice\n"
                                       "  SdkAppId  1400000001\n"
                                       "  room      4711 (number)\n"
                                       "  rights    42 (enter room, receive audio, receive video)\n"
                                       "  issued    2025-01-01 05:00:00 UTC\n"
                                       "  expires   2025-01-02 05:00:00 UTC, in 24 h 00 min\n"
                                       "  verdict   good\n");
    ticket_view_fini(&view);
    buf_fini(&ticket);
    buf_fini(&out);
}

/* --- tasks --- */

static void task_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *response, *want;
    } rows[] = {
        { "{\"TaskId\":\"t1\",\"Status\":\"Idle\",\"StorageFileList\":[]}", /* of another service */
          "Task    t1\n"
          "Status  Idle (nobody publishes)\n"
          "Files   none yet\n" },
        { "{\"TaskId\":\"t1\",\"Status\":\"Odd\",\"StorageFileList\":null,"
          "\"ReeltimeUpload\":{\"Files\":0,\"Bytes\":0}}",
          "Task    t1\n"
          "Status  Odd\n"
          "Upload  nothing waits\n"
          "Files   none yet\n" },
        { "{\"TaskId\":\"t1\",\"Status\":\"Exited\",\"StorageFileList\":["
          "{\"UserId\":\"alice\",\"FileName\":\"a.m3u8\",\"TrackType\":\"audio\","
          "\"BeginTimeStamp\":1735707617250},"
          "{\"UserId\":\"\",\"FileName\":\"m.m3u8\",\"TrackType\":\"audio_video\","
          "\"BeginTimeStamp\":1735707618000}],"
          "\"ReeltimeUpload\":{\"Files\":1,\"Bytes\":1500000,\"FailingSeconds\":75}}",
          "Task    t1\n"
          "Status  Exited (stopped; files are being delivered)\n"
          "Upload  1 file, 1.5 MB to go; failing for 1 min 15 s\n"
          "Files   alice  audio        2025-01-01 05:00:17 UTC  a.m3u8\n"
          "        -      audio_video  2025-01-01 05:00:18 UTC  m.m3u8\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        json_t *response = json(rows[i].response);
        buf_init(&out, 4096);
        task_view_text(response, &out);
        assert_string_equal(buf_str(&out), rows[i].want);
        json_decref(response);
        buf_fini(&out);
    }
}

/* --- progress --- */

static void tell(struct progress *p, const char *status, uint64_t files, uint64_t bytes,
                 uint64_t failing)
{
    json_t *response = json_pack("{s:s, s:{s:I, s:I, s:I}}", "Status", status, "ReeltimeUpload",
                                 "Files", (json_int_t)files, "Bytes", (json_int_t)bytes,
                                 "FailingSeconds", (json_int_t)failing);
    progress_told(p, response);
    json_decref(response);
}

static void bar_is(const struct progress *p, unsigned width, usec_t now, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    progress_bar(p, width, now, &out);
    assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void words_are(const struct progress *p, const char *words, const char *as_json)
{
    struct buf out;
    buf_init(&out, 1000);
    progress_words(p, &out);
    assert_string_equal(buf_str(&out), words);
    buf_clear(&out);
    progress_json(p, &out);
    assert_string_equal(buf_str(&out), as_json);
    json_decref(json(buf_str(&out)));
    buf_fini(&out);
}

static void a_life_in_progress(void **state)
{
    (void)state;
    struct progress p;
    progress_start(&p, 100 * SEC);
    tell(&p, "InProgress", 1, 900000, 0);
    bar_is(&p, 79, 103 * SEC, "Recording  1 file, 900.0 kB left  0:03");
    words_are(&p, "Recording  1 file, 900.0 kB left",
              "{\"Stage\":\"Recording\",\"Percent\":0,\"Files\":1,\"Bytes\":900000}");

    tell(&p, "Exited", 0, 0, 0);
    bar_is(&p, 79, 104 * SEC, "Delivering [>                       ]   0%  closing files  0:04");
    tell(&p, "Exited", 4, 20000000, 0);
    bar_is(&p, 79, 105 * SEC,
           "Delivering [>                       ]   0%  4 files, 20.0 MB left  0:05");
    tell(&p, "Exited", 2, 10000000, 8);
    bar_is(
        &p, 99, 114 * SEC,
        "Delivering [============>           ]  50%  2 files, 10.0 MB left, failing for 8 s  0:14");
    words_are(&p, "Delivering 50%  2 files, 10.0 MB left, failing",
              "{\"Stage\":\"Delivering\",\"Percent\":50,\"Files\":2,\"Bytes\":10000000}");
    tell(&p, "Exited", 0, 0, 0);
    assert_int_equal(progress_percent(&p), 99); /* until it is gone */

    progress_lost(&p);
    bar_is(&p, 79, 115 * SEC, "No connection, trying again  0:15");
    words_are(&p, "No connection, trying again", "{\"Stage\":\"No connection\",\"Percent\":99}");
    progress_gone(&p);
    bar_is(&p, 79, 170 * SEC, "Delivered [========================] 100%  1:10");
    words_are(&p, "Delivered", "{\"Stage\":\"Delivered\",\"Percent\":100,\"Files\":0,\"Bytes\":0}");
}

static void percent_never_lies(void **state)
{
    (void)state;
    struct progress p;
    progress_start(&p, 0);
    tell(&p, "InProgress", 50, 5000, 0);
    tell(&p, "Exited", 10, 1000, 0); /* what waited while recording does not count */
    assert_int_equal(progress_percent(&p), 0);
    tell(&p, "Exited", 20, 2000, 0); /* more came: the measure grows */
    assert_int_equal(progress_percent(&p), 0);
    tell(&p, "Exited", 5, 500, 0);
    assert_int_equal(progress_percent(&p), 75);
    progress_start(&p, 0);
    tell(&p, "Exited", 4, 0, 0); /* without sizes files count */
    tell(&p, "Exited", 1, 0, 0);
    assert_int_equal(progress_percent(&p), 75);
}

static void a_task_never_seen(void **state)
{
    (void)state;
    struct progress p;
    progress_start(&p, 0);
    progress_gone(&p);
    bar_is(&p, 79, 3723 * SEC, "Not known: delivered before, or never here  1:02:03");
}

/* No terminal is too narrow. */
static void a_bar_fits(void **state)
{
    (void)state;
    struct progress p;
    progress_start(&p, 0);
    tell(&p, "Exited", 1234567, UINT64_MAX / 2, 123456);
    for (unsigned width = 0; width < 200; width++) {
        struct buf out;
        buf_init(&out, 1000);
        progress_bar(&p, width, USEC_NEVER, &out);
        assert_true(out.len <= width);
        assert_int_equal(strlen(buf_str(&out)), out.len);
        buf_fini(&out);
    }
}

/* --- events: the samples of callbacks.md 1 to 4 --- */

#define BODY_301                                                                                   \
    "{\"EventGroupId\":3,\"EventType\":301,\"CallbackTs\":1735707617250,\"EventInfo\":{"           \
    "\"RoomId\":"                                                                                  \
    "\"4711\",\"EventTs\":\"1735707617\",\"EventMsTs\":1735707617101,\"UserId\":\"recorder_"       \
    "4711\","                                                                                      \
    "\"TaskId\":\"task-1\",\"Payload\":{\"Status\":0}}}"

static void signatures(void **state)
{
    (void)state;
    static const struct {
        const char *key, *sign, *body;
        enum event_signature want;
    } rows[] = {
        { "callbackKey01", "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=", BODY_301, EVENT_SIGNED },
        { "callbackKey02", "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=", BODY_301, EVENT_WRONG },
        { "callbackKey01", "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ", BODY_301, EVENT_WRONG },
        { "callbackKey01", "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=", BODY_301 " ",
          EVENT_WRONG },
        { "callbackKey01", NULL, BODY_301, EVENT_UNSIGNED },
        { "callbackKey01", "", BODY_301, EVENT_UNSIGNED },
        { "", NULL, BODY_301, EVENT_UNCHECKED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(
            event_signature(bytes_str(rows[i].key), rows[i].sign, bytes_str(rows[i].body)),
            rows[i].want);
}

static void event_is(const char *body, enum event_signature signature, const char *want)
{
    struct buf out;
    json_t *event = json_loads(body, 0, NULL);
    buf_init(&out, 4096);
    event_view_text(event, signature, &out);
    assert_string_equal(buf_str(&out), want);
    json_decref(event);
    buf_fini(&out);
}

static void events(void **state)
{
    (void)state;
    event_is(BODY_301, EVENT_SIGNED, "05:00:17.101 301 RECORDER_START 4711 task-1 Status=0\n");
    event_is("{\"EventGroupId\":3,\"EventType\":304,\"CallbackTs\":1735707629021,\"EventInfo\":{"
             "\"RoomId\":\"4711\",\"EventTs\":1735707628,\"UserId\":\"r\",\"TaskId\":\"task-1\","
             "\"Payload\":{\"FileList\":\"a.m3u8\"}}}",
             EVENT_WRONG,
             "05:00:29.021 304 FILE_INFO      4711 task-1 FileList=a.m3u8"
             "  WRONG SIGN: not made with this key\n");
    event_is("{\"EventGroupId\":1,\"EventType\":103,\"CallbackTs\":1735707600410,\"EventInfo\":{"
             "\"RoomId\":4711,\"EventMsTs\":1735707600377,\"UserId\":\"alice\"}}",
             EVENT_UNSIGNED, "05:00:00.377 103 USER_ENTERED   4711 alice  UNSIGNED\n");
    event_is("{\"EventType\":310,\"CallbackTs\":1735711222610,\"EventInfo\":{\"RoomId\":\"4711\","
             "\"TaskId\":\"t\",\"Payload\":{\"Status\":0,\"FileList\":[\"a.mp4\"]}}}",
             EVENT_UNCHECKED,
             "06:00:22.610 310 MP4_STOP       4711 t Status=0 FileList=[\"a.mp4\"]\n");
    event_is("{\"EventType\":999,\"CallbackTs\":0,\"EventInfo\":{\"RoomId\":\"a\\u001b[2J\"}}",
             EVENT_UNCHECKED, "00:00:00.000 999 unknown        a?[2J\n");
    event_is("no json", EVENT_UNCHECKED, "a request whose body is no event\n");
    event_is("[1]", EVENT_UNSIGNED, "a request whose body is no event  UNSIGNED\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(what_comes_from_elsewhere_cannot_draw),
        cmocka_unit_test(answers),
        cmocka_unit_test(user_sig_is_shown),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(map_key_is_shown),
        cmocka_unit_test(task_is_shown),
        cmocka_unit_test(a_life_in_progress),
        cmocka_unit_test(percent_never_lies),
        cmocka_unit_test(a_task_never_seen),
        cmocka_unit_test(a_bar_fits),
        cmocka_unit_test(signatures),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
