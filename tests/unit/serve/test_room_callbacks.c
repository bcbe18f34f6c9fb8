/* What happens in rooms becomes events in the store, in their order; no receiver answers, so that
 * they all stay there to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/err.h"
#include "base/str.h"
#include "serve/room_callbacks.h"

#define ROOM_URL  "http://127.0.0.1:1/room"
#define MEDIA_URL "http://127.0.0.1:1/media"

/* Application 1 wants both groups, 2 at one address, 3 rooms alone, 4 nothing. */
static const char yaml[] =
    "apps:\n"
    "- { sdk_app_id: 1, key: k, room_callback: { url: \"" ROOM_URL "\", key: roomKey },\n"
    "    media_callback: { url: \"" MEDIA_URL "\" } }\n"
    "- { sdk_app_id: 2, key: k, room_callback: { url: \"" ROOM_URL "\" },\n"
    "    media_callback: { url: \"" ROOM_URL "\" } }\n"
    "- { sdk_app_id: 3, key: k, room_callback: { url: \"" ROOM_URL "\" } }\n"
    "- { sdk_app_id: 4, key: k }\n"
    "credentials: [{ secret_id: a, secret_key: b }]\n";

static const struct seal_key master = { { 1 } };

struct world {
    struct temp_dir dir;
    char path[256];
    struct config *config;
    struct loop *loop;
    struct store *store;
    struct delivery *delivery;
    struct rooms *rooms;
    struct room_callbacks *callbacks;
    void (*act)(struct world *w);
    struct buf told;
    uint64_t session;
};

static bool receiver(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    (void)ctx;
    (void)sdk_app_id;
    (void)group;
    *out = (struct outbox_receiver){ .url = ROOM_URL };
    return true;
}

static void begin(void *ctx)
{
    struct world *w = ctx;
    const struct rooms_limits limits = ROOMS_DEFAULT_LIMITS;
    const struct delivery_settings settings = { .receiver = receiver };
    assert_int_equal(store_open(&w->store, w->path, &master, w->loop), OK);
    assert_int_equal(delivery_open(&w->delivery, w->loop, w->store, &settings), OK);
    w->rooms = rooms_new(&limits);
    w->callbacks = room_callbacks_new(w->config, w->rooms, w->store, w->delivery);
    assert_non_null(w->callbacks);
}

static void act(void *ctx)
{
    struct world *w = ctx;
    w->act(w);
}

static void end(void *ctx)
{
    struct world *w = ctx;
    room_callbacks_end(w->callbacks);
    delivery_close(w->delivery);
    store_close(w->store);
}

static void end_rest(void *ctx)
{
    struct world *w = ctx;
    room_callbacks_free(w->callbacks);
    rooms_free(w->rooms);
}

static void on_event(void *ctx, struct event *event)
{
    struct world *w = ctx;
    assert_int_equal(event->group, event->type / 100);
    assert_true(strstr(buf_str(&event->body), "\"EventGroupId\"") != NULL);
    assert_int_equal(event->sign[0] != 0, event->sdk_app_id == 1 && event->group == 1);
    const char *user = strstr(buf_str(&event->body), "\"UserId\":\"");
    const char *reason = strstr(buf_str(&event->body), "\"Reason\":");
    buf_printf(&w->told, "%d", event->type);
    if (user)
        buf_printf(&w->told, " %.1s", user + 10);
    if (reason)
        buf_printf(&w->told, " %c", reason[9]);
    buf_printf(&w->told, " [%s]\n", event->task_id);
    event_free(event);
}

static void read_back(void *ctx)
{
    struct world *w = ctx;
    assert_int_equal(store_open(&w->store, w->path, &master, w->loop), OK);
    assert_int_equal(store_load_events(w->store, on_event, w), OK);
    store_close(w->store);
}

/* Plays it, stops everything, and compares what the store holds. */
static void expect(void (*play)(struct world *w), const char *want)
{
    struct world w = { .dir = temp_dir_new(), .act = play };
    struct buf complaints;
    buf_init(&complaints, 4096);
    buf_init(&w.told, 1 << 16);
    snprintf(w.path, sizeof w.path, "%s/state.db", w.dir.path);
    assert_int_equal(config_parse(&w.config, "test", bytes_str(yaml), &complaints), OK);
    assert_int_equal(loop_new(&w.loop, "control", 64), OK);
    loop_call(w.loop, begin, &w);
    loop_call(w.loop, act, &w);
    loop_call(w.loop, end, &w);
    loop_call(w.loop, end_rest, &w);
    loop_call(w.loop, read_back, &w);
    loop_free(w.loop);
    assert_string_equal(buf_str(&w.told), want);
    buf_fini(&w.told);
    buf_fini(&complaints);
    config_free(w.config);
    temp_dir_free(&w.dir);
}

static uint64_t enter(struct world *w, uint32_t app, const char *room, enum room_id_type type,
                      const char *user, enum room_stream stream)
{
    struct room_key key = { .sdk_app_id = app };
    struct room_replaced replaced;
    const struct room_entry entry = { user, stream, ++w->session, true, true, 1000 };
    assert_int_equal(room_id_parse(bytes_str(room), type, &key.id), OK);
    assert_int_equal(rooms_enter(w->rooms, &key, &entry, &replaced), OK);
    return w->session;
}

static void a_lesson(struct world *w)
{
    uint64_t alice = enter(w, 1, "4711", ROOM_ID_INT, "alice", ROOM_MAIN);
    rooms_media(w->rooms, alice, MEDIA_AUDIO, true);
    rooms_media(w->rooms, alice, MEDIA_VIDEO, true);
    uint64_t screen = enter(w, 1, "4711", ROOM_ID_INT, "alice", ROOM_AUX);
    rooms_media(w->rooms, screen, MEDIA_AUDIO, true); /* sound of a screen: nobody is told */
    rooms_media(w->rooms, screen, MEDIA_VIDEO, true);
    rooms_media(w->rooms, alice, MEDIA_VIDEO, false);
    rooms_leave(w->rooms, screen, ROOM_EXIT_NORMAL); /* alice stays: 206 */
    uint64_t bob = enter(w, 1, "4711", ROOM_ID_INT, "bob", ROOM_MAIN);
    rooms_media(w->rooms, bob, MEDIA_AUDIO, true);
    rooms_leave(w->rooms, bob, ROOM_EXIT_TIMEOUT); /* no 204 */
    rooms_leave(w->rooms, alice, ROOM_EXIT_NORMAL);
}

static void a_room_from_creation_to_closing(void **state)
{
    (void)state;
    expect(a_lesson, "101 a [room 1 number 4711]\n"
                     "103 a 1 [room 1 number 4711]\n"
                     "203 a [room 1 number 4711 media]\n"
                     "201 a [room 1 number 4711 media]\n"
                     "205 a [room 1 number 4711 media]\n"
                     "202 a 0 [room 1 number 4711 media]\n"
                     "206 a 0 [room 1 number 4711 media]\n"
                     "103 b 1 [room 1 number 4711]\n"
                     "203 b [room 1 number 4711 media]\n"
                     "104 b 2 [room 1 number 4711]\n"
                     "104 a 1 [room 1 number 4711]\n"
                     "102 [room 1 number 4711]\n");
}

static void reconnects_and_moves(struct world *w)
{
    rooms_media(w->rooms, enter(w, 2, "r", ROOM_ID_STRING, "alice", ROOM_MAIN), MEDIA_AUDIO, true);
    rooms_media(w->rooms, enter(w, 2, "r", ROOM_ID_STRING, "alice", ROOM_MAIN), MEDIA_AUDIO, true);
    enter(w, 2, "s", ROOM_ID_STRING, "alice", ROOM_MAIN);
    rooms_leave_all(w->rooms, ROOM_EXIT_REMOVED);
}

static void a_new_connection_and_another_room(void **state)
{
    (void)state;
    expect(reconnects_and_moves, "101 a [room 2 text r]\n103 a 1 [room 2 text r]\n"
                                 "203 a [room 2 text r]\n"
                                 "103 a 2 [room 2 text r]\n203 a [room 2 text r]\n"
                                 "104 a 1 [room 2 text r]\n102 [room 2 text r]\n"
                                 "101 a [room 2 text s]\n103 a 1 [room 2 text s]\n"
                                 "104 a 3 [room 2 text s]\n102 [room 2 text s]\n");
}

static void on_robot_removed(struct room_robot *self, enum robot_end why)
{
    (void)self;
    (void)why;
}

static void others(struct world *w)
{
    struct room_robot robot = { .user = "recorder", .removed = on_robot_removed };
    struct room_key key = { .sdk_app_id = 3 };
    room_id_parse(bytes_str("r"), ROOM_ID_STRING, &key.id);
    assert_int_equal(rooms_add_robot(w->rooms, &key, &robot), OK);
    uint64_t alice = enter(w, 3, "r", ROOM_ID_STRING, "alice", ROOM_MAIN);
    rooms_media(w->rooms, alice, MEDIA_AUDIO, true);
    enter(w, 4, "r", ROOM_ID_STRING, "alice", ROOM_MAIN);
    enter(w, 5, "r", ROOM_ID_STRING, "alice", ROOM_MAIN); /* not in the configuration */
    rooms_remove_robot(w->rooms, &robot);
}

static void only_who_asked_and_no_robots(void **state)
{
    (void)state;
    expect(others, "101 a [room 3 text r]\n103 a 1 [room 3 text r]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_from_creation_to_closing),
        cmocka_unit_test(a_new_connection_and_another_room),
        cmocka_unit_test(only_who_asked_and_no_robots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
