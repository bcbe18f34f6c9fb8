/* Every operation is told to observers in one line of text; the tests compare the lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "room/room.h"

static struct buf told;

static void note(const char *who, const struct room_event *e)
{
    static const char *const names[] = {
        [ROOM_CREATED] = "created",
        [ROOM_USER_ENTERED] = "entered",
        [ROOM_STREAM_PUBLISHED] = "published",
        [ROOM_MEDIA_STARTED] = "started",
        [ROOM_MEDIA_STOPPED] = "stopped",
        [ROOM_STREAM_UNPUBLISHED] = "unpublished",
        [ROOM_USER_LEFT] = "left",
        [ROOM_CLOSED] = "closed",
    };
    buf_printf(&told, "%s%s %s[%zu]", who, names[e->type], e->room->key.id.text,
               e->room->user_count);
    if (e->user)
        buf_printf(&told, " %s", e->user->id);
    if (e->publication)
        buf_printf(&told, "/%s=%d", e->stream == ROOM_AUX ? "aux" : "main",
                   (int)e->publication->session);
    if (e->replaced)
        buf_put_str(&told, " replaced");
    if (e->exit > ROOM_EXIT_NORMAL)
        buf_printf(&told, " reason %d", (int)e->exit);
    if (e->type == ROOM_MEDIA_STARTED || e->type == ROOM_MEDIA_STOPPED)
        buf_printf(&told, " %s", e->kind == MEDIA_VIDEO ? "video" : "audio");
    buf_put_str(&told, "\n");
}

static void on_event(struct room_observer *self, const struct room_event *e)
{
    (void)self;
    note("", e);
}

static void on_own_event(struct room_observer *self, const struct room_event *e)
{
    (void)self;
    note("  own: ", e);
}

static void on_removed(struct room_robot *self, enum robot_end why)
{
    assert_null(self->room);
    buf_printf(&told, "robot %s %s\n", self->user,
               why == ROBOT_REPLACED ? "replaced" : "pushed out");
}

static void expect(const char *want)
{
    assert_string_equal(buf_str(&told), want);
    buf_clear(&told);
}

static struct room_key key_of(const char *name)
{
    struct room_key key;
    memset(&key, 0x5a, sizeof key); /* the bytes between and behind must not matter */
    key.sdk_app_id = 7;
    assert_int_equal(room_id_parse(bytes_str(name), ROOM_ID_STRING, &key.id), OK);
    memset(key.id.text + strlen(name) + 1, rand() & 0xff, sizeof key.id.text - strlen(name) - 1);
    return key;
}

static struct room_replaced last_replaced;

static int enter(struct rooms *rooms, const char *room, const char *user, enum room_stream stream,
                 uint64_t session, uint64_t *replaced)
{
    struct room_key key = key_of(room);
    struct room_entry entry = { user, stream, session, true, stream == ROOM_MAIN, 1000 };
    struct room_replaced out;
    int err = rooms_enter(rooms, &key, &entry, &out);
    if (err)
        return err;
    last_replaced = out;
    *replaced = out.count ? out.sessions[0] : 0;
    return OK;
}

struct fixture {
    struct rooms *rooms;
    struct room_observer all;
};

static int setup(void **state)
{
    static struct fixture f;
    struct rooms_limits limits = { .rooms = 3, .users = 5, .publishers_per_room = 3 };
    buf_init(&told, 1 << 16);
    f = (struct fixture){ .rooms = rooms_new(&limits), .all = { .event = on_event } };
    assert_int_equal(rooms_observe(f.rooms, NULL, &f.all), OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rooms_free(f->rooms);
    buf_fini(&told);
    return 0;
}

static void life_of_a_room(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced = 99;
    assert_int_equal(enter(rooms, "r", "alice", ROOM_MAIN, 1, &replaced), OK);
    assert_int_equal(replaced, 0);
    expect("created r[0]\nentered r[1] alice\npublished r[1] alice/main=1\n");
    assert_int_equal(enter(rooms, "r", "alice", ROOM_AUX, 2, &replaced), OK);
    expect("published r[1] alice/aux=2\n");
    assert_int_equal(enter(rooms, "r", "bob", ROOM_MAIN, 3, &replaced), OK);
    expect("entered r[2] bob\npublished r[2] bob/main=3\n");

    rooms_media(rooms, 1, MEDIA_VIDEO, true);
    rooms_media(rooms, 1, MEDIA_VIDEO, true);
    expect("started r[2] alice/main=1 video\n");
    rooms_media(rooms, 1, MEDIA_VIDEO, false);
    expect("stopped r[2] alice/main=1 video\n");
    rooms_media(rooms, 77, MEDIA_VIDEO, true);
    rooms_leave(rooms, 77, ROOM_EXIT_NORMAL);
    expect("");

    rooms_leave(rooms, 1, ROOM_EXIT_NORMAL);
    expect("unpublished r[2] alice/main=1\n");
    rooms_leave(rooms, 2, ROOM_EXIT_NORMAL);
    expect("unpublished r[2] alice/aux=2\nleft r[1] alice\n");
    rooms_leave(rooms, 3, ROOM_EXIT_NORMAL);
    expect("unpublished r[1] bob/main=3\nleft r[0] bob\nclosed r[0]\n");
    rooms_leave(rooms, 3, ROOM_EXIT_NORMAL);
    expect("");
    struct room_key key = key_of("r");
    assert_null(rooms_find(rooms, &key));
    assert_int_equal(rooms_count(rooms), 0);
    assert_int_equal(rooms_user_count(rooms), 0);
}

static void a_second_publisher_replaces_the_first(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    assert_int_equal(enter(rooms, "r", "alice", ROOM_MAIN, 1, &replaced), OK);
    rooms_media(rooms, 1, MEDIA_AUDIO, true);
    buf_clear(&told);
    assert_int_equal(enter(rooms, "r", "alice", ROOM_MAIN, 2, &replaced), OK);
    assert_int_equal(replaced, 1);
    expect("unpublished r[1] alice/main=1 replaced\npublished r[1] alice/main=2\n");
    rooms_leave(rooms, 1,
                ROOM_EXIT_NORMAL); /* the old session ends later; it is not in the room any more */
    expect("");
    const struct room *room;
    enum room_stream stream;
    const struct room_user *user = rooms_find_session(rooms, 2, &room, &stream);
    assert_string_equal(user->id, "alice");
    assert_false(user->streams[ROOM_MAIN].live[MEDIA_AUDIO]);
    assert_true(user->streams[ROOM_MAIN].has[MEDIA_VIDEO]);
    assert_int_equal(user->entered, 1000);
    assert_null(rooms_find_session(rooms, 1, &room, &stream));
    assert_int_equal(enter(rooms, "other", "bob", ROOM_MAIN, 2, &replaced), ERR_EXISTS);
    assert_int_equal(rooms_count(rooms), 1);
}

static void one_room_at_a_time(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    enter(rooms, "r", "alice", ROOM_MAIN, 1, &replaced);
    enter(rooms, "r", "alice", ROOM_AUX, 2, &replaced);
    buf_clear(&told);
    assert_int_equal(enter(rooms, "s", "alice", ROOM_AUX, 3, &replaced), OK);
    assert_int_equal(last_replaced.count, 2);
    assert_int_equal(last_replaced.sessions[0], 1);
    assert_int_equal(last_replaced.sessions[1], 2);
    expect("unpublished r[1] alice/main=1\nunpublished r[1] alice/aux=2\nleft r[0] alice\n"
           "closed r[0]\ncreated s[0]\nentered s[1] alice\npublished s[1] alice/aux=3\n");
    assert_int_equal(rooms_user_count(rooms), 1);
    assert_int_equal(rooms_count(rooms), 1);

    struct room_key elsewhere = key_of("r"); /* of another application: another person */
    elsewhere.sdk_app_id = 8;
    const struct room_entry entry = { "alice", ROOM_MAIN, 4, true, true, 1000 };
    struct room_replaced none;
    assert_int_equal(rooms_enter(rooms, &elsewhere, &entry, &none), OK);
    assert_int_equal(none.count, 0);
    assert_int_equal(rooms_count(rooms), 2);
}

static void everybody_leaves_with_a_reason(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    enter(rooms, "r", "alice", ROOM_MAIN, 1, &replaced);
    enter(rooms, "r", "bob", ROOM_MAIN, 2, &replaced);
    buf_clear(&told);
    rooms_leave(rooms, 2, ROOM_EXIT_TIMEOUT);
    expect("unpublished r[2] bob/main=2\nleft r[1] bob reason 2\n");
    rooms_leave_all(rooms, ROOM_EXIT_REMOVED);
    expect("unpublished r[1] alice/main=1\nleft r[0] alice reason 3\nclosed r[0]\n");
    rooms_leave_all(rooms, ROOM_EXIT_REMOVED);
    expect("");
}

static void order_of_entry(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    enter(rooms, "r", "zoe", ROOM_MAIN, 1, &replaced);
    enter(rooms, "r", "adam", ROOM_AUX, 2, &replaced);
    enter(rooms, "r", "zoe", ROOM_AUX, 3, &replaced);
    enter(rooms, "r", "mia", ROOM_MAIN, 4, &replaced);
    buf_clear(&told);
    struct room_key key = key_of("r");
    const struct room *room = rooms_find(rooms, &key);
    list_each(user, &room->users, struct room_user, in_room) buf_printf(&told, "%s ", user->id);
    expect("zoe adam mia ");
    assert_ptr_equal(room_find_user(room, "mia"),
                     list_last(&room->users, struct room_user, in_room));
    assert_null(room_find_user(room, "mi"));
}

static void limits(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    assert_int_equal(enter(rooms, "r", "a", ROOM_MAIN, 1, &replaced), OK);
    assert_int_equal(enter(rooms, "r", "b", ROOM_MAIN, 2, &replaced), OK);
    assert_int_equal(enter(rooms, "r", "c", ROOM_MAIN, 3, &replaced), OK);
    assert_int_equal(enter(rooms, "r", "d", ROOM_MAIN, 4, &replaced), ERR_LIMIT); /* of the room */
    assert_int_equal(enter(rooms, "r", "c", ROOM_AUX, 5, &replaced), OK);         /* no new user */
    assert_int_equal(enter(rooms, "s", "e", ROOM_MAIN, 6, &replaced), OK);
    assert_int_equal(enter(rooms, "t", "f", ROOM_MAIN, 7, &replaced), OK);
    assert_int_equal(enter(rooms, "s", "g", ROOM_MAIN, 8, &replaced), ERR_LIMIT); /* of users */
    assert_int_equal(enter(rooms, "s", "b", ROOM_MAIN, 8, &replaced), OK); /* who moves is none */
    buf_clear(&told);
    assert_int_equal(enter(rooms, "u", "a", ROOM_MAIN, 9, &replaced), ERR_LIMIT); /* of rooms */
    expect(""); /* and a is where it was */
    rooms_leave(rooms, 7, ROOM_EXIT_NORMAL);
    assert_int_equal(enter(rooms, "u", "a", ROOM_MAIN, 9, &replaced), OK);
}

static void observers_of_one_room(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    struct room_observer own = { .event = on_own_event };
    struct room_key key = key_of("r");
    uint64_t replaced;
    assert_int_equal(rooms_observe(rooms, &key, &own), OK); /* before the room exists */
    assert_null(rooms_find(rooms, &key));
    enter(rooms, "s", "b", ROOM_AUX, 1, &replaced);
    expect("created s[0]\nentered s[1] b\npublished s[1] b/aux=1\n");
    enter(rooms, "r", "a", ROOM_AUX, 2, &replaced);
    expect("  own: created r[0]\ncreated r[0]\n  own: entered r[1] a\nentered r[1] a\n"
           "  own: published r[1] a/aux=2\npublished r[1] a/aux=2\n");
    rooms_leave(rooms, 2, ROOM_EXIT_NORMAL);
    buf_clear(&told);
    enter(rooms, "r", "a", ROOM_AUX, 3,
          &replaced); /* the observer stays through closing and opening again */
    assert_non_null(strstr(buf_str(&told), "own: created"));
    rooms_unobserve(rooms, &own);
    rooms_unobserve(rooms, &own);
    buf_clear(&told);
    rooms_leave(rooms, 3, ROOM_EXIT_NORMAL);
    expect("unpublished r[1] a/aux=3\nleft r[0] a\nclosed r[0]\n");
}

/* An observer that removes itself and its neighbours in the middle of an event. */
static struct rooms *selfish_rooms;
static struct room_observer selfish[3];

static void on_selfish(struct room_observer *self, const struct room_event *e)
{
    (void)e;
    buf_printf(&told, "selfish %d\n", (int)(self - selfish));
    for (int i = 0; i < 3; i++)
        rooms_unobserve(selfish_rooms, &selfish[i]);
}

static void observers_may_go_while_they_are_told(void **state)
{
    struct rooms *rooms = selfish_rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    struct room_key key = key_of("r");
    rooms_unobserve(rooms, &((struct fixture *)*state)->all);
    for (int first = 0; first < 2; first++) {
        for (int i = 0; i < 3; i++) {
            selfish[i] = (struct room_observer){ .event = on_selfish };
            assert_int_equal(rooms_observe(rooms, first ? NULL : &key, &selfish[i]), OK);
        }
        enter(rooms, "r", "a", ROOM_MAIN, 1, &replaced);
        rooms_leave(rooms, 1, ROOM_EXIT_NORMAL);
        expect("selfish 0\n");
    }
}

static void robots(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    struct room_key key = key_of("r");
    struct room_robot a = { .user = "rec", .removed = on_removed }, b = a,
                      c = { .user = "cam", .removed = on_removed };
    uint64_t replaced;
    assert_int_equal(rooms_add_robot(rooms, &key, &a), OK);
    assert_int_equal(rooms_add_robot(rooms, &key, &c), OK);
    assert_null(rooms_find(rooms, &key)); /* robots make no room */
    assert_int_equal(rooms_add_robot(rooms, &key, &b), OK);
    expect("robot rec replaced\n");
    rooms_remove_robot(rooms, &a); /* removed before */

    assert_int_equal(enter(rooms, "r", "alice", ROOM_MAIN, 1, &replaced), OK);
    buf_clear(&told);
    assert_int_equal(enter(rooms, "r", "rec", ROOM_MAIN, 2, &replaced), OK);
    expect("robot rec pushed out\nentered r[2] rec\npublished r[2] rec/main=2\n");
    assert_int_equal(rooms_add_robot(rooms, &key, &a), ERR_EXISTS);
    rooms_leave(rooms, 2, ROOM_EXIT_NORMAL);
    assert_int_equal(rooms_add_robot(rooms, &key, &a), OK);
    buf_clear(&told);
    rooms_leave(rooms, 1, ROOM_EXIT_NORMAL); /* robots keep no room */
    expect("unpublished r[1] alice/main=1\nleft r[0] alice\nclosed r[0]\n");
    assert_ptr_equal(a.room, c.room);
    rooms_remove_robot(rooms, &a);
    rooms_remove_robot(rooms, &c);
    assert_null(c.room);
}

static bool count_room(void *ctx, const struct room *room)
{
    (void)room;
    return ++*(int *)ctx < 2;
}

static void walking_the_rooms(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    uint64_t replaced;
    int seen = 0;
    struct room_observer own = { .event = on_own_event };
    struct room_key waiting = key_of("waiting");
    assert_int_equal(rooms_observe(rooms, &waiting, &own), OK);
    enter(rooms, "r", "a", ROOM_MAIN, 1, &replaced);
    rooms_each(rooms, count_room, &seen);
    assert_int_equal(seen, 1);
    enter(rooms, "s", "b", ROOM_MAIN, 2, &replaced);
    enter(rooms, "t", "c", ROOM_MAIN, 3, &replaced);
    seen = 0;
    rooms_each(rooms, count_room, &seen);
    assert_int_equal(seen, 2);
    rooms_unobserve(rooms, &own);
}

/* Random comings and goings against a plain model: who sends what where. */
static void random_traffic(void **state)
{
    struct rooms *rooms = ((struct fixture *)*state)->rooms;
    static const char *const names[] = { "r", "s", "t", "u" }, *const users[] = { "a", "b", "c",
                                                                                  "d" };
    uint64_t model[4][4][2] = { 0 }, next = 1;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int step = 0; step < 5000; step++) {
        int r = rand() % 4, u = rand() % 4, s = rand() % 2;
        uint64_t replaced, session = model[r][u][s];
        if (rand() % 3) {
            int err = enter(rooms, names[r], users[u], (enum room_stream)s, next, &replaced);
            if (err) {
                assert_int_equal(err, ERR_LIMIT);
                continue;
            }
            for (int other = 0; other < 4; other++)
                if (other != r)
                    model[other][u][0] = model[other][u][1] = 0;
            if (session)
                assert_int_equal(replaced, session);
            model[r][u][s] = next++;
        } else if (session) {
            rooms_leave(rooms, session, ROOM_EXIT_NORMAL);
            model[r][u][s] = 0;
        }
        size_t room_count = 0, user_count = 0;
        for (r = 0; r < 4; r++) {
            struct room_key key = key_of(names[r]);
            const struct room *room = rooms_find(rooms, &key);
            size_t here = 0;
            for (u = 0; u < 4; u++) {
                const struct room_user *user = room ? room_find_user(room, users[u]) : NULL;
                for (s = 0; s < 2; s++)
                    assert_int_equal(user ? user->streams[s].session : 0, model[r][u][s]);
                here += model[r][u][0] || model[r][u][1];
            }
            assert_int_equal(room != NULL, here > 0);
            room_count += here > 0;
            user_count += here;
        }
        assert_int_equal(rooms_count(rooms), room_count);
        assert_int_equal(rooms_user_count(rooms), user_count);
        buf_clear(&told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(life_of_a_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_publisher_replaces_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(one_room_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(everybody_leaves_with_a_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(order_of_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test_setup_teardown(observers_of_one_room, setup, teardown),
        cmocka_unit_test_setup_teardown(observers_may_go_while_they_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(robots, setup, teardown),
        cmocka_unit_test_setup_teardown(walking_the_rooms, setup, teardown),
        cmocka_unit_test_setup_teardown(random_traffic, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
