#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "callback/compose.h"
#include "callback/sign.h"

#define HEAD(type, ts, at, event_ts, ms)                                                           \
    "{\"EventGroupId\":3,\"EventType\":" #type ",\"CallbackTs\":" #ts                              \
    ",\"EventInfo\":{\"RoomId\":\"4711\",\"EventTs\":" event_ts ",\"EventMsTs\":" #ms              \
    ",\"UserId\":\"recorder_4711\",\"TaskId\":\"task-1\",\"Payload\":"

#define AUDIO "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_audio.m3u8"
#define MP4   "1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main.mp4"

#define COMMON(t, ms)                                                                              \
    .type = t, .room_id = "4711", .user_id = "recorder_4711", .task_id = "task-1",                 \
    .happened = ms * MSEC

static const struct callback_file files[] = {
    { MP4, "alice", "audio_video", "main", 1735707617101 * MSEC, 1735711217098 * MSEC },
    { "x_2.mp4", "", "audio", "mix", 1 * MSEC, 2 * MSEC },
};

/* The samples of callbacks.md 4, then the payloads that have none. */
static const struct {
    struct callback_event event;
    int64_t callback_ms;
    const char *body;
} rows[] = {
    { { COMMON(301, 1735707617101), .status = 0 },
      1735707617250,
      "{\"EventGroupId\":3,\"EventType\":301,\"CallbackTs\":1735707617250,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":\"1735707617\",\"EventMsTs\":1735707617101,\"UserId\":\"recorder_"
      "4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"Status\":0}}}" },
    { { COMMON(302, 1735711217154), .leave_code = 0 },
      1735711217300,
      "{\"EventGroupId\":3,\"EventType\":302,\"CallbackTs\":1735711217300,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":\"1735711217\",\"EventMsTs\":1735711217154,\"UserId\":\"recorder_"
      "4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"LeaveCode\":0}}}" },
    { { COMMON(304, 1735707628960), .file_list = AUDIO },
      1735707629021,
      "{\"EventGroupId\":3,\"EventType\":304,\"CallbackTs\":1735707629021,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":1735707628,\"EventMsTs\":1735707628960,\"UserId\":\"recorder_4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"FileList\":\"" AUDIO "\"}}}" },
    { { COMMON(305, 1735711219911), .status = 0 },
      1735711219990,
      "{\"EventGroupId\":3,\"EventType\":305,\"CallbackTs\":1735711219990,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":1735711219,\"EventMsTs\":1735711219911,\"UserId\":\"recorder_4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"Status\":0}}}" },
    { { COMMON(307, 1735707627190), .slice = { AUDIO, "alice", "audio", 1735707617101 * MSEC } },
      1735707627302,
      "{\"EventGroupId\":3,\"EventType\":307,\"CallbackTs\":1735707627302,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":\"1735707627\",\"EventMsTs\":1735707627190,\"UserId\":\"recorder_"
      "4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"FileName\":\"" AUDIO "\",\"UserId\":\"alice\","
      "\"TrackType\":\"audio\",\"BeginTimeStamp\":1735707617101}}}" },
    { { COMMON(310, 1735711222544), .mp4 = { 0, files, 1 } },
      1735711222610,
      "{\"EventGroupId\":3,\"EventType\":310,\"CallbackTs\":1735711222610,\"EventInfo\":{"
      "\"RoomId\":"
      "\"4711\",\"EventTs\":1735711222,\"EventMsTs\":1735711222544,\"UserId\":\"recorder_4711\","
      "\"TaskId\":\"task-1\",\"Payload\":{\"Status\":0,\"FileList\":[\"" MP4 "\"],\"FileMessage\":["
      "{\"FileName\":\"" MP4 "\",\"UserId\":\"alice\",\"TrackType\":\"audio_video\",\"MediaId\":"
      "\"main\",\"StartTimeStamp\":1735707617101,\"EndTimeStamp\":1735711217098}]}}}" },

    { { COMMON(303, 5000), .status = 1 }, 6000, HEAD(303, 6000, 5, "5", 5000) "{\"Status\":1}}}" },
    { { COMMON(306, 5000), .status = 0 }, 6000, HEAD(306, 6000, 5, "5", 5000) "{\"Status\":0}}}" },
    { { COMMON(308, 5000), .error = { "InvalidAccessKeyId", "no \"such\" key\n\xc3\xa9" } },
      6000,
      HEAD(308, 6000, 5, "5",
           5000) "{\"Code\":\"InvalidAccessKeyId\",\"Message\":\"no \\\"such\\\" "
                 "key\\n\xc3\xa9\"}}}" },
    { { COMMON(309, 5000), .url = "https://a/b?c" },
      6000,
      HEAD(309, 6000, 5, "5", 5000) "{\"Url\":\"https://a/b?c\"}}}" },
    { { COMMON(310, 5999), .mp4 = { 2, NULL, 0 } },
      6000,
      HEAD(310, 6000, 5, "5", 5999) "{\"Status\":2,\"FileList\":[],\"FileMessage\":[]}}}" },
    { { COMMON(310, 5000), .mp4 = { 1, files + 1, 1 } },
      6000,
      HEAD(310, 6000, 5, "5",
           5000) "{\"Status\":1,\"FileList\":[\"x_2.mp4\"],\"FileMessage\":[{"
                 "\"FileName\":\"x_2.mp4\",\"UserId\":\"\",\"TrackType\":\"audio\","
                 "\"MediaId\":\"mix\",\"StartTimeStamp\":1,\"EndTimeStamp\":2}]}}}" },
};

static void bodies_are_as_in_the_samples(void **state)
{
    (void)state;
    struct callback_style style = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf body;
        buf_init(&body, EVENT_MAX_BODY);
        assert_int_equal(callback_body(&body, &rows[i].event, rows[i].callback_ms * MSEC, &style),
                         OK);
        assert_string_equal(buf_str(&body), rows[i].body);
        buf_fini(&body);
    }
}

static void styles_for_strict_consumers(void **state)
{
    (void)state;
    struct callback_style style = { .numeric_event_ts = true, .leave_code_305 = true };
    struct buf body;
    buf_init(&body, EVENT_MAX_BODY);
    assert_int_equal(callback_body(&body, &rows[0].event, 0, &style), OK);
    assert_non_null(strstr(buf_str(&body), "\"EventTs\":1735707617,"));
    buf_clear(&body);
    assert_int_equal(callback_body(&body, &rows[3].event, 0, &style), OK);
    assert_non_null(strstr(buf_str(&body), "\"Payload\":{\"LeaveCode\":0}}}"));
    assert_null(strstr(buf_str(&body), "Status"));
    buf_fini(&body);
}

static void broken_texts_are_refused(void **state)
{
    (void)state;
    struct callback_style style = { 0 };
    struct callback_file file = files[0];
    struct callback_event bad[] = { rows[0].event, rows[2].event, rows[5].event, rows[0].event };
    struct buf body;
    bad[0].room_id = "\xff";
    bad[1].file_list = "\xc3";
    file.user_id = "\x80";
    bad[2].mp4.files = &file;
    bad[3].type = 999;
    buf_init(&body, EVENT_MAX_BODY);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(callback_body(&body, &bad[i], 0, &style), ERR_MALFORMED);
    buf_fini(&body);
    buf_init(&body, 100);
    assert_int_equal(callback_body(&body, &rows[0].event, 0, &style), ERR_LIMIT);
    buf_fini(&body);
}

static void signatures(void **state)
{
    (void)state;
    /* callbacks.md 1 */
    static const char tabs[] =
        "{\n\t\"EventGroupId\":\t3,\n\t\"EventType\":\t301,\n\t\"CallbackTs\":\t1735707617250,\n\t"
        "\"EventInfo\":\t{\n\t\t\"RoomId\":\t\"4711\",\n\t\t\"EventTs\":\t\"1735707617\",\n\t\t"
        "\"EventMsTs\":\t1735707617101,\n\t\t\"UserId\":\t\"recorder_4711\",\n\t\t\"TaskId\":\t"
        "\"task-1\",\n\t\t\"Payload\":\t{\n\t\t\t\"Status\":\t0\n\t\t}\n\t}\n}";
    static const char published[] =
        "{\n\t\"EventGroupId\":\t2,\n\t\"EventType\":\t204,\n\t\"CallbackTs\":\t1664209748188,\n\t"
        "\"EventInfo\":\t{\n\t\t\"RoomId\":\t8489,\n\t\t\"EventTs\":\t1664209748,\n\t\t"
        "\"EventMsTs\":\t1664209748180,\n\t\t\"UserId\":\t\"user_85034614\",\n\t\t\"Reason\":"
        "\t0\n\t}\n}";
    static const struct {
        const char *key, *body, *want;
    } vectors[] = {
        { "123654", published, "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA=" },
        { "callbackKey01", NULL, "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=" },
        { "callbackKey01", tabs, "5SGqpfeXFvbd3PNPUJpi9pxcadPv9ZHRMkL4O02JpJ0=" },
    };
    char sign[CALLBACK_SIGN_SIZE];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const char *body = vectors[i].body ? vectors[i].body : rows[0].body;
        assert_int_equal(callback_sign(sign, bytes_str(vectors[i].key), bytes_str(body)), OK);
        assert_string_equal(sign, vectors[i].want);
    }
}

static void an_event_is_fixed_when_made(void **state)
{
    (void)state;
    struct callback_style style = { 0 };
    struct event *event;
    usec_t now = 1735707617250 * MSEC + 999;
    assert_int_equal(
        callback_compose(&event, &rows[0].event, 1400000001, "callbackKey01", &style, now), OK);
    assert_string_equal(buf_str(&event->body), rows[0].body);
    assert_string_equal(event->sign, "BdyrPhhzVLhYEntf/T31UEdrAV8FT8W08CwouLRrDZQ=");
    assert_string_equal(event->task_id, "task-1");
    assert_int_equal(event->sdk_app_id, 1400000001);
    assert_int_equal(event->group, 3);
    assert_int_equal(event->type, 301);
    assert_int_equal(event->callback_ts, 1735707617250);
    assert_int_equal(event->id, 0);
    event_free(event);

    static const char *const no_key[] = { NULL, "" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(callback_compose(&event, &rows[0].event, 1, no_key[i], &style, now), OK);
        assert_string_equal(event->sign, "");
        event_free(event);
    }

    char long_id[EVENT_TASK_ID_SIZE + 1];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = 0;
    struct callback_event what = rows[0].event;
    what.task_id = long_id;
    assert_int_equal(callback_compose(&event, &what, 1, NULL, &style, now), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_as_in_the_samples),
        cmocka_unit_test(styles_for_strict_consumers),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(signatures),
        cmocka_unit_test(an_event_is_fixed_when_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
