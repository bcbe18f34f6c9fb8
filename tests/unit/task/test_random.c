/* The life of tasks against a small model: seeded random creates, modifications, deletions, comings
 * and goings, media, idle times, restarts and kills. What must hold: a task ends exactly once and
 * for the expected reason, its events come in an allowed order, never more than 25 anchors hold a
 * place and no place stays empty while somebody waits, automatic tasks are there exactly while
 * somebody is, and in the end nothing is left in the store, the spool or memory.
 *
 * The seed is printed; REELTIME_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "observe/log.h"
#include "rig.h"

#define ROOMS      3 /* the last one is of the application that records by itself */
#define PEOPLE     34
#define ROBOTS     3
#define MAX_TASKS  128
#define PLACES     25 /* of a task (api.md, tasks) */
#define STEPS      40
#define RUN_BUDGET (6 * SEC) /* new runs begin */
#define LONG_TIME  86400     /* seconds: no idle time within a run */

#define NOT_YET (-1) /* a task that has not ended */

struct person {
    char id[16];
    int room; /* -1: in none */
    uint64_t sessions[2];
    bool live[2]; /* sound of each */
};

struct mtask {
    char id[FILE_NAME_SIZE];
    int room, robot;
    bool ends_when_idle;
    const char *allow, *block;
    int leave_code;
};

struct story { /* what the events tell of one task */
    char id[EVENT_TASK_ID_SIZE];
    unsigned started, stopped, upload_started, upload_stopped;
    int leave_code;
};

struct world {
    struct rig rig;
    uint64_t seed, random;
    struct person people[PEOPLE + ROBOTS]; /* the last ones are called like robots */
    struct mtask tasks[MAX_TASKS];
    size_t task_count;
    struct story stories[4 * MAX_TASKS];
    size_t story_count;
    unsigned steps, most_places, restarts, kills;
};

static const char *const room_names[ROOMS] = { "r0", "r1", "auto" };
static const char *const entries[] = { NULL, NULL, "p0.*$", "p1.*$", "p07", "nobody" };

static unsigned below(struct world *w, unsigned n)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->random >> 33) % n;
}

static uint32_t app_of(int room)
{
    return room == ROOMS - 1 ? RIG_AUTO_APP : RIG_APP;
}

/* --- the model --- */

static bool entry_names(const char *entry, const char *user)
{
    const char *wild = strstr(entry, ".*$");
    return wild ? strncmp(entry, user, (size_t)(wild - entry)) == 0 : strcmp(entry, user) == 0;
}

static bool wants(const struct mtask *t, const struct person *p)
{
    return p->room == t->room && (!t->allow || entry_names(t->allow, p->id)) &&
           !(t->block && entry_names(t->block, p->id));
}

static unsigned count_wanted(const struct world *w, const struct mtask *t)
{
    unsigned count = 0;
    for (int i = 0; i < PEOPLE + ROBOTS; i++)
        count += wants(t, &w->people[i]);
    return count;
}

static bool anybody_in(const struct world *w, int room)
{
    for (int i = 0; i < PEOPLE + ROBOTS; i++)
        if (w->people[i].room == room)
            return true;
    return false;
}

static void robot_name(char out[16], int robot)
{
    snprintf(out, 16, "robot%d", robot);
}

static void end_tasks(struct world *w, int room, int robot, int code)
{
    for (size_t i = 0; i < w->task_count; i++) {
        struct mtask *t = &w->tasks[i];
        if (t->leave_code == NOT_YET && (room < 0 || t->room == room) &&
            (robot < 0 || t->robot == robot))
            t->leave_code = code;
    }
}

static void end_idle(struct world *w)
{
    for (size_t i = 0; i < w->task_count; i++) {
        struct mtask *t = &w->tasks[i];
        if (t->leave_code == NOT_YET && t->ends_when_idle && !anybody_in(w, t->room))
            t->leave_code = LEAVE_IDLE;
    }
}

/* --- what is there against what should be --- */

static struct mtask *find_running(struct world *w, const char *id)
{
    for (size_t i = 0; i < w->task_count; i++)
        if (w->tasks[i].leave_code == NOT_YET && strcmp(w->tasks[i].id, id) == 0)
            return &w->tasks[i];
    return NULL;
}

static void compare_task(struct world *w, const struct task *t)
{
    const struct mtask *m = find_running(w, t->id);
    unsigned wanted = m ? count_wanted(w, m) : 0, places = recording_places(t->recording);
    if (!m)
        rig_wrong(&w->rig, "task %s records, which should have ended", t->id);
    else if (places != (wanted < PLACES ? wanted : PLACES))
        rig_wrong(&w->rig, "task %s has %u anchors in a place, %u are wanted", t->id, places,
                  wanted);
}

static void compare(struct rig *rig, void *ctx)
{
    struct world *w = ctx;
    size_t running = 0, automatic = 0, expected = 0;
    const struct task *t, *next;
    HASH_ITER(hh, rig->tasks->by_id, t, next)
    {
        unsigned places = recording_places(t->recording);
        w->most_places = places > w->most_places ? places : w->most_places;
        if (places > PLACES)
            rig_wrong(rig, "task %s has %u anchors in a place", t->id, places);
        if (t->state != TASK_RUNNING)
            rig_wrong(rig, "task %s is in state %d after all came to rest", t->id, (int)t->state);
        else if (t->automatic)
            automatic++;
        else
            compare_task(w, t);
        running += t->state == TASK_RUNNING && !t->automatic;
    }
    for (size_t i = 0; i < w->task_count; i++)
        expected += w->tasks[i].leave_code == NOT_YET;
    if (running != expected)
        rig_wrong(rig, "%zu tasks record, %zu should", running, expected);
    if (automatic != (anybody_in(w, ROOMS - 1) ? 1 : 0))
        rig_wrong(rig, "%zu automatic tasks while %s is there", automatic,
                  automatic ? "nobody" : "somebody");
}

static void check(struct world *w)
{
    end_idle(w);
    rig_settle(&w->rig);
    rig_look(&w->rig, compare, w);
}

/* --- steps --- */

static void create(struct world *w, struct mtask wanted)
{
    struct mtask *t = &w->tasks[w->task_count];
    char robot[16];
    if (w->task_count == MAX_TASKS)
        return;
    robot_name(robot, wanted.robot);
    const struct rig_create request = { .room = room_names[wanted.room],
                                        .robot = robot,
                                        .max_idle_s = wanted.ends_when_idle ? 0 : LONG_TIME,
                                        .allow_audio = wanted.allow,
                                        .block_audio = wanted.block };
    struct rig_answer answer = rig_create(&w->rig, &request);
    if (w->people[PEOPLE + wanted.robot].room == wanted.room) {
        assert_string_equal(answer.code, "FailedOperation");
        return;
    }
    assert_string_equal(answer.code, "");
    end_tasks(w, wanted.room, wanted.robot, LEAVE_SAME_ROBOT);
    *t = wanted;
    snprintf(t->id, sizeof t->id, "%s", answer.task_id);
    t->leave_code = NOT_YET;
    w->task_count++;
}

static void create_any(struct world *w)
{
    struct mtask t = { .room = (int)below(w, ROOMS - 1),
                       .robot = (int)below(w, ROBOTS),
                       .ends_when_idle = below(w, 2),
                       .allow = entries[below(w, 6)] };
    if (!t.allow)
        t.block = entries[below(w, 6)];
    create(w, t);
}

static struct mtask *any_task(struct world *w)
{
    return w->task_count ? &w->tasks[below(w, (unsigned)w->task_count)] : NULL;
}

static void expect_code(const struct mtask *t, struct rig_answer answer)
{
    assert_string_equal(answer.code, t->leave_code == NOT_YET ? "" : "ResourceNotFound");
}

static void delete_task(struct world *w)
{
    struct mtask *t = any_task(w);
    if (!t)
        return;
    expect_code(t, rig_delete(&w->rig, t->id));
    if (t->leave_code == NOT_YET)
        t->leave_code = LEAVE_API;
}

/* Two reasons in the same turn of the loop: the first one counts. */
static void end_twice_on_loop(struct rig *rig, void *ctx)
{
    const char *id = ctx;
    struct task *t = task_find(rig->tasks, id);
    if (!t) {
        rig_wrong(rig, "task %s is not there", id);
        return;
    }
    task_end(t, LEAVE_API);
    task_end(t, LEAVE_TIMEOUT);
}

static void end_twice(struct world *w)
{
    struct mtask *t = any_task(w);
    if (!t || t->leave_code != NOT_YET)
        return;
    rig_look(&w->rig, end_twice_on_loop, t->id);
    t->leave_code = LEAVE_API;
}

static void modify(struct world *w)
{
    struct mtask *t = any_task(w);
    if (!t)
        return;
    const char *allow = entries[below(w, 6)];
    expect_code(t, rig_modify(&w->rig, t->id, allow));
    t->allow = allow;
    t->block = NULL;
}

static void describe(struct world *w)
{
    struct mtask *t = any_task(w);
    if (!t)
        return;
    struct rig_answer answer = rig_describe(&w->rig, t->id);
    expect_code(t, answer);
    if (t->leave_code != NOT_YET || count_wanted(w, t) > PLACES)
        return;
    bool live = false;
    for (int i = 0; i < PEOPLE + ROBOTS; i++)
        live |= wants(t, &w->people[i]) && (w->people[i].live[0] || w->people[i].live[1]);
    assert_string_equal(answer.status, live ? "InProgress" : "Idle");
}

/* Applications are worlds apart: who is in the automatic one's room stays there. */
static void enter(struct world *w, int who, int room)
{
    struct person *p = &w->people[who];
    int stream = below(w, 4) == 0;
    if (p->room >= 0 && app_of(p->room) != app_of(room))
        return;
    if (p->room != room)
        p->sessions[0] = p->sessions[1] = p->live[0] = p->live[1] = 0;
    p->sessions[stream] =
        rig_enter(&w->rig, app_of(room), room_names[room], p->id, (enum room_stream)stream);
    p->live[stream] = false;
    if (p->room != room && who >= PEOPLE)
        end_tasks(w, room, who - PEOPLE, LEAVE_SAME_ROBOT);
    p->room = room;
}

static void leave(struct world *w, struct person *p, int stream)
{
    if (!p->sessions[stream])
        return;
    rig_leave(&w->rig, p->sessions[stream]);
    p->sessions[stream] = 0;
    p->live[stream] = false;
    if (!p->sessions[!stream])
        p->room = -1;
}

static void play(struct world *w)
{
    struct person *p = &w->people[below(w, PEOPLE + ROBOTS)];
    int stream = (int)below(w, 2);
    if (!p->sessions[stream])
        return;
    p->live[stream] = !p->live[stream];
    rig_media(&w->rig, p->sessions[stream], MEDIA_AUDIO, p->live[stream]);
}

/* Also while tasks are on their way out. Half of them come without a word before. */
static void restart(struct world *w)
{
    bool killed = below(w, 2);
    if (killed)
        rig_kill(&w->rig);
    else
        rig_restart(&w->rig);
    w->kills += killed;
    end_tasks(w, -1, -1, LEAVE_TIMEOUT);
    for (int i = 0; i < PEOPLE + ROBOTS; i++) {
        struct person *p = &w->people[i];
        p->room = -1;
        p->sessions[0] = p->sessions[1] = p->live[0] = p->live[1] = 0;
    }
    w->restarts++;
}

static void step(struct world *w)
{
    unsigned who = below(w, PEOPLE + ROBOTS);
    w->steps++;
    switch (below(w, 17)) {
    case 0:
    case 1:
    case 2: create_any(w); break;
    case 3: delete_task(w); break;
    case 4:
        delete_task(w);
        restart(w);
        break;
    case 5: modify(w); break;
    case 6: describe(w); break;
    case 7: end_twice(w); break;
    case 8:
    case 9: leave(w, &w->people[who], (int)below(w, 2)); break;
    case 10:
    case 11: play(w); break;
    default: enter(w, (int)who, (int)below(w, ROOMS)); break;
    }
    check(w);
}

/* --- the events --- */

/* NULL: there is no room for more. */
static struct story *story_of(struct world *w, const char *id)
{
    for (size_t i = 0; i < w->story_count; i++)
        if (strcmp(w->stories[i].id, id) == 0)
            return &w->stories[i];
    if (w->story_count == sizeof w->stories / sizeof *w->stories)
        return NULL;
    struct story *s = &w->stories[w->story_count++];
    *s = (struct story){ .leave_code = NOT_YET };
    snprintf(s->id, sizeof s->id, "%s", id);
    return s;
}

/* Takes the event into the story; false: it must not come there. */
static bool goes_on(struct story *s, const struct event *event)
{
    const char *code = strstr(buf_str(&event->body), "\"LeaveCode\":");
    switch (event->type) {
    case 301:
        return !(s->started + s->upload_started + s->stopped + s->upload_stopped) && ++s->started;
    case 302:
        s->leave_code = code ? atoi(code + 12) : NOT_YET;
        return s->started == 1 && !s->stopped && ++s->stopped;
    case 303: return s->started == 1 && !s->stopped && !s->upload_started && ++s->upload_started;
    case 305: return s->stopped == 1 && !s->upload_stopped && ++s->upload_stopped;
    default: return false;
    }
}

static void on_event(void *ctx, struct event *event)
{
    struct world *w = ctx;
    struct story *s = story_of(w, event->task_id);
    if (!s)
        rig_wrong(&w->rig, "events of too many tasks");
    else if (!goes_on(s, event))
        rig_wrong(
            &w->rig,
            "event %d of task %s in a wrong place: before it %u of 301, %u of 303, %u of 302, "
            "%u of 305",
            event->type, s->id, s->started, s->upload_started, s->stopped, s->upload_stopped);
    event_free(event);
}

static void check_stories(struct world *w)
{
    for (size_t i = 0; i < w->story_count; i++) {
        const struct story *s = &w->stories[i];
        if (s->started != 1 || s->stopped != 1)
            fail_msg("task %s has %u of 301, %u of 302", s->id, s->started, s->stopped);
    }
    for (size_t i = 0; i < w->task_count; i++) {
        const struct mtask *t = &w->tasks[i];
        const struct story *s = story_of(w, t->id);
        if (!s || s->leave_code != t->leave_code)
            fail_msg("task %s has ended with %d, not %d", t->id, s ? s->leave_code : NOT_YET,
                     t->leave_code);
    }
}

/* --- runs --- */

static void begin(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->seed = w->random = seed;
    for (int i = 0; i < PEOPLE + ROBOTS; i++) {
        if (i < PEOPLE)
            snprintf(w->people[i].id, sizeof w->people[i].id, "p%02d", i);
        else
            robot_name(w->people[i].id, i - PEOPLE);
        w->people[i].room = -1;
    }
    rig_open(&w->rig);
    if (seed % 2 == 0)
        return;
    for (int i = 0; i < PEOPLE; i++) /* a crowd: more than there are places */
        enter(w, i, 0);
    create(w, (struct mtask){ .room = 0 });
    check(w);
}

static void end(struct world *w)
{
    for (int i = 0; i < PEOPLE + ROBOTS; i++)
        for (int stream = 0; stream < 2; stream++)
            leave(w, &w->people[i], stream);
    check(w);
    for (size_t i = 0; i < w->task_count; i++)
        if (w->tasks[i].leave_code == NOT_YET) {
            expect_code(&w->tasks[i], rig_delete(&w->rig, w->tasks[i].id));
            w->tasks[i].leave_code = LEAVE_API;
        }
    check(w);
    rig_close(&w->rig, on_event, w);
    check_stories(w);
}

struct sums {
    unsigned runs, restarts, kills, most_places;
    size_t tasks;
};

static void run(struct world *w, uint64_t seed, struct sums *sums)
{
    begin(w, seed);
    for (int i = 0; i < STEPS; i++)
        step(w);
    end(w);
    sums->runs++;
    sums->tasks += w->task_count;
    sums->restarts += w->restarts;
    sums->kills += w->kills;
    if (w->most_places > sums->most_places)
        sums->most_places = w->most_places;
}

static void random_lives(void **state)
{
    const char *given = getenv("REELTIME_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_wall() / MSEC;
    usec_t until = clock_mono() + RUN_BUDGET;
    struct sums sums = { 0 };
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    do {
        print_message("REELTIME_SEED=%llu\n", (unsigned long long)seed);
        *state = w;
        run(w, seed++, &sums);
        *state = NULL;
    } while (!given && (sums.runs < 2 || clock_mono() < until));
    free(w);
    print_message("%u runs, %zu tasks, %u restarts (%u of them kills), at most %u places\n",
                  sums.runs, sums.tasks, sums.restarts, sums.kills, sums.most_places);
    if (!given)
        assert_int_equal(sums.most_places, PLACES);
}

static int setup(void **state)
{
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    print_error("failed in step %u of REELTIME_SEED=%llu\n", w->steps, (unsigned long long)w->seed);
    rig_abandon(&w->rig);
    free(w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(random_lives, setup,
                                                                        teardown) };
    setvbuf(stdout, NULL, _IOLBF, 0); /* the seed is there also after a crash */
    log_setup(LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
