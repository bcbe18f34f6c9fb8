#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "callback/room_body.h"
#include "callback/sign.h"

#define NUMBER .room_is_number = true, .room_number = 4711, .room_text = "4711"
#define TEXT   .room_text = "class-7"
#define WHO                                                                                        \
    .user_id = "alice", .role = CALLBACK_ROLE_ANCHOR, .terminal = 4,                               \
    .user_type = CALLBACK_USER_WEBRTC, .happened = 1735707600377 * MSEC

#define BODY(group, type, room, rest)                                                              \
    "{\"EventGroupId\":" #group ",\"EventType\":" #type                                            \
    ",\"CallbackTs\":1735707600410,\"EventInfo\":{\"RoomId\":" room                                \
    ",\"EventTs\":1735707600,\"EventMsTs\":1735707600377" rest "}}"

#define ALICE ",\"UserId\":\"alice\""

/* The sample of callbacks.md 6 (103), then a row for each type. */
static const struct {
    struct room_callback event;
    const char *body;
} rows[] = {
    { { .type = 103, NUMBER, WHO, .reason = 1 },
      "{\"EventGroupId\":1,\"EventType\":103,\"CallbackTs\":1735707600410,\"EventInfo\":{"
      "\"RoomId\":4711,\"EventTs\":1735707600,\"EventMsTs\":1735707600377,\"UserId\":\"alice\","
      "\"Role\":20,\"TerminalType\":4,\"UserType\":1,\"Reason\":1}}" },
    { { .type = 101, TEXT, WHO }, BODY(1, 101, "\"class-7\"", ALICE) },
    { { .type = 102, NUMBER, WHO }, BODY(1, 102, "4711", "") },
    { { .type = 103, TEXT, WHO, .reason = 2 },
      BODY(1, 103, "\"class-7\"",
           ALICE ",\"Role\":20,\"TerminalType\":4,\"UserType\":1,\"Reason\":2") },
    { { .type = 104, NUMBER, WHO, .reason = 2 },
      BODY(1, 104, "4711", ALICE ",\"Role\":20,\"Reason\":2") },
    { { .type = 105, NUMBER, WHO }, BODY(1, 105, "4711", ALICE ",\"Role\":20") },
    { { .type = 201, NUMBER, WHO }, BODY(2, 201, "4711", ALICE) },
    { { .type = 202, NUMBER, WHO }, BODY(2, 202, "4711", ALICE ",\"Reason\":0") },
    { { .type = 203, TEXT, WHO }, BODY(2, 203, "\"class-7\"", ALICE) },
    { { .type = 204, TEXT, WHO }, BODY(2, 204, "\"class-7\"", ALICE ",\"Reason\":0") },
    { { .type = 205, NUMBER, WHO }, BODY(2, 205, "4711", ALICE) },
    { { .type = 206, NUMBER, WHO }, BODY(2, 206, "4711", ALICE ",\"Reason\":0") },
};

static void bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf body;
        buf_init(&body, 4096);
        assert_int_equal(room_callback_body(&body, &rows[i].event, 1735707600410 * MSEC), OK);
        assert_string_equal(buf_str(&body), rows[i].body);
        buf_fini(&body);
    }
}

static void events(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event *e;
        char sign[CALLBACK_SIGN_SIZE];
        assert_int_equal(room_callback_compose(&e, &rows[i].event, "room 1 number 4711", 1400000001,
                                               "callbackKey01", 1735707600410 * MSEC),
                         OK);
        assert_string_equal(e->task_id, "room 1 number 4711");
        assert_int_equal(e->sdk_app_id, 1400000001);
        assert_int_equal(e->group, e->type / 100);
        assert_int_equal(e->type, rows[i].event.type);
        assert_int_equal(e->callback_ts, 1735707600410);
        assert_string_equal(buf_str(&e->body), rows[i].body);
        assert_int_equal(callback_sign(sign, bytes_str("callbackKey01"), buf_bytes(&e->body)), OK);
        assert_string_equal(e->sign, sign);
        event_free(e);
    }
}

static void what_cannot_be_made(void **state)
{
    (void)state;
    struct event *e = NULL;
    struct room_callback bad = { .type = 101, .room_text = "\xff", .user_id = "alice" };
    char order[EVENT_TASK_ID_SIZE + 1];
    memset(order, 'x', sizeof order);
    order[EVENT_TASK_ID_SIZE] = 0;
    assert_int_equal(room_callback_compose(&e, &bad, "room", 1, NULL, 0), ERR_MALFORMED);
    assert_int_equal(room_callback_compose(&e, &rows[0].event, order, 1, NULL, 0), ERR_LIMIT);
    assert_null(e);
    assert_int_equal(room_callback_compose(&e, &rows[0].event, "room", 1, NULL, 0), OK);
    assert_string_equal(e->sign, "");
    event_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(events),
        cmocka_unit_test(what_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
