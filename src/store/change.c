#include "store/change.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/change_steps.h"

struct store_change *store_change_new(void)
{
    struct store_change *change = calloc(1, sizeof *change);
    if (change)
        list_init(&change->steps);
    return change;
}

static void step_free(struct step *step)
{
    list_remove(&step->in_change);
    OPENSSL_cleanse(step->texts, step->texts_len);
    event_free(step->event);
    free(step);
}

void store_change_free(struct store_change *change)
{
    if (!change)
        return;
    list_each(step, &change->steps, struct step, in_change) step_free(step);
    free(change);
}

static struct step *append(struct store_change *change, enum step_kind kind, size_t texts_len)
{
    struct step *step = calloc(1, sizeof *step + texts_len);
    if (!step) {
        change->err = ERR_NOMEM;
        return NULL;
    }
    step->kind = kind;
    step->texts_len = texts_len;
    list_append(&change->steps, &step->in_change);
    return step;
}

static size_t room_for(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

/* Copies `*text` (NULL: "") to `*pos` and lets it point there. */
static void keep(char **pos, const char **text)
{
    size_t size = room_for(*text);
    memcpy(*pos, *text ? *text : "", size);
    *text = *pos;
    *pos += size;
}

static void append_task(struct store_change *change, enum step_kind kind,
                        const struct store_task *task)
{
    struct store_task copy = *task;
    const char **const texts[] = { &copy.task_id, &copy.room_id, &copy.user_id, &copy.params,
                                   &copy.wanted,  &copy.actual,  &copy.owner };
    const size_t count = sizeof texts / sizeof *texts;
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += room_for(*texts[i]);
    struct step *step = append(change, kind, len);
    if (!step)
        return;
    char *pos = step->texts;
    for (size_t i = 0; i < count; i++)
        keep(&pos, texts[i]);
    step->task = copy;
}

void store_change_insert_task(struct store_change *change, const struct store_task *task)
{
    append_task(change, STEP_INSERT_TASK, task);
}

void store_change_update_task(struct store_change *change, const struct store_task *task)
{
    struct store_task state = *task;
    state.room_id = state.user_id = state.params = NULL;
    append_task(change, STEP_UPDATE_TASK, &state);
}

void store_change_update_params(struct store_change *change, const char *task_id, int64_t epoch,
                                const char *params)
{
    struct store_task task = { .task_id = task_id, .epoch = epoch, .params = params };
    append_task(change, STEP_UPDATE_PARAMS, &task);
}

void store_change_delete_task(struct store_change *change, const char *task_id)
{
    struct store_task task = { .task_id = task_id };
    append_task(change, STEP_DELETE_TASK, &task);
}

static void append_playlist(struct store_change *change, enum step_kind kind,
                            const struct store_playlist *playlist)
{
    struct store_playlist copy = *playlist;
    size_t len = room_for(copy.task_id) + room_for(copy.name) + room_for(copy.user_id) +
                 room_for(copy.track_type);
    struct step *step = append(change, kind, len);
    if (!step)
        return;
    char *pos = step->texts;
    keep(&pos, &copy.task_id);
    keep(&pos, &copy.name);
    keep(&pos, &copy.user_id);
    keep(&pos, &copy.track_type);
    step->playlist = copy;
}

void store_change_add_playlist(struct store_change *change, const struct store_playlist *playlist)
{
    append_playlist(change, STEP_ADD_PLAYLIST, playlist);
}

void store_change_playlist_uploaded(struct store_change *change, const char *task_id,
                                    const char *name)
{
    const struct store_playlist playlist = { .task_id = task_id, .name = name };
    append_playlist(change, STEP_PLAYLIST_UPLOADED, &playlist);
}

void store_change_add_start(struct store_change *change, const struct store_start *start)
{
    struct store_start copy = *start;
    size_t len = room_for(copy.secret_id) + room_for(copy.key) + room_for(copy.task_id);
    struct step *step = append(change, STEP_ADD_START, len);
    if (!step)
        return;
    char *pos = step->texts;
    keep(&pos, &copy.secret_id);
    keep(&pos, &copy.key);
    keep(&pos, &copy.task_id);
    step->start = copy;
}

void store_change_expire_starts(struct store_change *change, usec_t before)
{
    struct step *step = append(change, STEP_EXPIRE_STARTS, 0);
    if (step)
        step->before = before;
}

void store_change_add_event(struct store_change *change, struct event *event)
{
    struct step *step = event ? append(change, STEP_ADD_EVENT, 0) : NULL;
    if (step)
        step->event = event;
    else
        event_free(event);
    if (!step)
        change->err = ERR_NOMEM;
}

struct event *store_change_take_event(struct store_change *change)
{
    list_each(step, &change->steps, struct step, in_change)
    {
        struct event *event = step->event;
        step->event = NULL;
        if (event)
            return event;
    }
    return NULL;
}

void store_change_remove_event(struct store_change *change, int64_t id)
{
    struct step *step = append(change, STEP_REMOVE_EVENT, 0);
    if (step)
        step->event_id = id;
}

void store_change_reschedule_event(struct store_change *change, const struct event *event)
{
    struct step *step = append(change, STEP_RESCHEDULE_EVENT, 0);
    if (!step)
        return;
    step->event_id = event->id;
    step->attempts = event->attempts;
    step->first_attempt = event->first_attempt;
    step->next_attempt = event->next_attempt;
}
