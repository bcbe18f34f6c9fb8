/* Which automatic tasks there are, as users come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "observe/log.h"
#include "rig.h"

struct found {
    unsigned count;
    char id[FILE_NAME_SIZE], robot[USER_ID_MAX + 1];
    bool end; /* by the API */
};

static void find(struct rig *rig, void *ctx)
{
    struct found *found = ctx;
    struct task *t, *next;
    HASH_ITER(hh, rig->tasks->by_id, t, next)
    {
        if (!t->automatic)
            continue;
        found->count++;
        snprintf(found->id, sizeof found->id, "%s", t->id);
        snprintf(found->robot, sizeof found->robot, "%s", t->robot_id);
        if (found->end)
            task_end(t, LEAVE_API);
    }
}

static struct found look(struct rig *rig)
{
    struct found found = { 0 };
    rig_settle(rig);
    rig_look(rig, find, &found);
    return found;
}

static void end_it(struct rig *rig)
{
    struct found found = { .end = true };
    rig_look(rig, find, &found);
    assert_int_equal(found.count, 1);
}

static int setup(void **state)
{
    static struct rig rig;
    rig_open(&rig);
    *state = &rig;
    return 0;
}

/* Automatic tasks tell of themselves as others do. */
static void count_event(void *ctx, struct event *event)
{
    unsigned *count = ctx;
    count[event->type - 301] += event->type <= 302;
    event_free(event);
}

static int teardown(void **state)
{
    unsigned count[12] = { 0 };
    rig_settle(*state);
    rig_close(*state, count_event, count);
    return count[0] && count[0] == count[1] ? 0 : -1;
}

static void one_from_the_first_to_the_last(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(look(rig).count, 0);
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    struct found first = look(rig);
    assert_int_equal(first.count, 1);
    assert_memory_equal(first.robot, "auto_", 5);
    assert_int_equal(strlen(first.robot), 29);
    uint64_t b = rig_enter(rig, RIG_AUTO_APP, "r", "b", ROOM_MAIN);
    rig_leave(rig, a);
    struct found still = look(rig);
    assert_int_equal(still.count, 1);
    assert_string_equal(still.id, first.id);
    rig_leave(rig, b); /* the rig's resume timeout is 0 */
    assert_int_equal(look(rig).count, 0);

    b = rig_enter(rig, RIG_AUTO_APP, "r", "b", ROOM_MAIN);
    struct found second = look(rig);
    assert_int_equal(second.count, 1);
    assert_string_not_equal(second.id, first.id);
    assert_string_not_equal(second.robot, first.robot);
    rig_leave(rig, b);
}

static void each_room_its_own_and_no_other_application(void **state)
{
    struct rig *rig = *state;
    rig_enter(rig, RIG_APP, "r", "x", ROOM_MAIN);
    assert_int_equal(look(rig).count, 0);
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_AUX);
    uint64_t b = rig_enter(rig, RIG_AUTO_APP, "s", "b", ROOM_MAIN);
    assert_int_equal(look(rig).count, 2);
    a = rig_enter(rig, RIG_AUTO_APP, "t", "a", ROOM_MAIN); /* goes elsewhere */
    assert_int_equal(look(rig).count, 2);
    rig_leave(rig, a);
    rig_leave(rig, b);
    assert_int_equal(look(rig).count, 0);
}

static void stopped_by_the_api_it_stays_away_until_the_room_closes(void **state)
{
    struct rig *rig = *state;
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    assert_int_equal(look(rig).count, 1);
    end_it(rig);
    assert_int_equal(look(rig).count, 0);
    uint64_t b = rig_enter(rig, RIG_AUTO_APP, "r", "b", ROOM_MAIN);
    assert_int_equal(look(rig).count, 0);
    rig_leave(rig, a);
    rig_leave(rig, b);
    a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    assert_int_equal(look(rig).count, 1);
    rig_leave(rig, a);
}

static void a_restart_begins_anew(void **state)
{
    struct rig *rig = *state;
    rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    struct found first = look(rig);
    rig_restart(rig);
    assert_int_equal(look(rig).count, 0);
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    struct found second = look(rig);
    assert_int_equal(second.count, 1);
    assert_string_not_equal(second.id, first.id);
    rig_leave(rig, a);
}

/* --- another try --- */

#define PAUSE_MS 10000 /* docs/auto-recording.md */

struct retry {
    const void *autos;
    unsigned timers;
    uint64_t due_ms;
};

static void hurry(uv_handle_t *handle, void *ctx)
{
    struct retry *retry = ctx;
    uv_timer_t *timer = (uv_timer_t *)handle;
    if (handle->type != UV_TIMER || handle->data != retry->autos || !uv_is_active(handle))
        return;
    retry->timers++;
    retry->due_ms = uv_timer_get_due_in(timer);
    uv_timer_start(timer, timer->timer_cb, 0, 0);
}

static void hurry_all(struct rig *rig, void *ctx)
{
    struct retry *retry = ctx;
    retry->autos = rig->tasks->autos;
    uv_walk(loop_uv(rig->loop), hurry, retry);
}

/* As if the pause were over. */
static void pass_pause(struct rig *rig)
{
    struct retry retry = { 0 };
    rig_look(rig, hurry_all, &retry);
    assert_int_equal(retry.timers, 1);
    assert_in_range(retry.due_ms, 0, PAUSE_MS);
}

static void no_pause(struct rig *rig)
{
    struct retry retry = { 0 };
    rig_look(rig, hurry_all, &retry);
    assert_int_equal(retry.timers, 0);
}

static void swap_region(struct rig *rig, void *ctx)
{
    struct config_auto_record *a = rig->config->apps.items[1].auto_record;
    char **region = ctx, *former = a->region;
    a->region = *region;
    *region = former;
    a->resume_timeout = 3600; /* a task that should not be there stays to be seen */
}

static void what_cannot_start_is_tried_again(void **state)
{
    struct rig *rig = *state;
    char *region = strdup("");
    rig_look(rig, swap_region, &region);
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    uint64_t b = rig_enter(rig, RIG_AUTO_APP, "s", "b", ROOM_MAIN);
    assert_int_equal(look(rig).count, 0);
    pass_pause(rig); /* in vain */
    assert_int_equal(look(rig).count, 0);
    rig_leave(rig, b); /* nobody is there any more */
    rig_look(rig, swap_region, &region);
    assert_int_equal(look(rig).count, 0); /* not before the time */
    pass_pause(rig);
    assert_int_equal(look(rig).count, 1);
    no_pause(rig);
    end_it(rig);
    rig_leave(rig, a);
    free(region);
}

static void with_another_robot_after_a_user_took_its_name(void **state)
{
    struct rig *rig = *state;
    uint64_t a = rig_enter(rig, RIG_AUTO_APP, "r", "a", ROOM_MAIN);
    struct found first = look(rig);
    uint64_t b = rig_enter(rig, RIG_AUTO_APP, "r", first.robot, ROOM_MAIN);
    assert_int_equal(look(rig).count, 0);
    pass_pause(rig);
    struct found second = look(rig);
    assert_int_equal(second.count, 1);
    assert_string_not_equal(second.robot, first.robot);
    rig_leave(rig, a);
    rig_leave(rig, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_from_the_first_to_the_last, setup, teardown),
        cmocka_unit_test_setup_teardown(each_room_its_own_and_no_other_application, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stopped_by_the_api_it_stays_away_until_the_room_closes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_start_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(with_another_robot_after_a_user_took_its_name, setup,
                                        teardown),
    };
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
