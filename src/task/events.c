/* Changes of a task's row together with the event that tells of them. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "callback/compose.h"
#include "task/task.h"

#define PARAMS_LIMIT (1u << 20)

static const char *callback_key(const struct task *t)
{
    const struct config *config = t->tasks->config.config;
    for (size_t i = 0; i < config->apps.count; i++)
        if (config->apps.items[i].sdk_app_id == t->sdk_app_id)
            return config->apps.items[i].callback.key;
    return NULL;
}

/* What the event says of the task itself. */
static struct callback_event event_of(const struct task *t, enum callback_type type)
{
    return (struct callback_event){ .type = type,
                                    .room_id = t->room.id.text,
                                    .user_id = t->robot_id,
                                    .task_id = t->id,
                                    .happened = clock_wall() };
}

static void add_event(struct store_change *change, const struct task *t,
                      const struct callback_event *what)
{
    static const struct callback_style as_the_samples;
    struct event *event = NULL;
    int err = callback_compose(&event, what, t->sdk_app_id, callback_key(t), &as_the_samples,
                               clock_wall());
    if (err)
        log_error(&t->log, "callback %d cannot be made: %s", what->type, err_text(err));
    store_change_add_event(change, event);
}

static struct store_task row_of(const struct task *t)
{
    bool ending = t->state >= TASK_ENDING;
    return (struct store_task){ .task_id = t->id,
                                .sdk_app_id = t->sdk_app_id,
                                .room_id_type = t->room.id.type,
                                .room_id = t->room.id.text,
                                .user_id = t->robot_id,
                                .wanted = ending ? "stopped" : "recording",
                                .actual = ending ? "exited" : "recording",
                                .owner = t->tasks->config.config->node,
                                .epoch = t->epoch,
                                .created = t->created,
                                .expires = t->expires,
                                .ended = ending ? clock_wall() : 0,
                                .leave_code = t->leave_code };
}

struct store_change *task_change_start(const struct task *t)
{
    struct buf params;
    buf_init(&params, PARAMS_LIMIT);
    struct store_change *change = store_change_new();
    schema_write_json(&create_schema, t->params, &params);
    if (!change || params.err) {
        store_change_free(change);
        seal_wipe_buf(&params);
        return NULL;
    }
    struct store_task row = row_of(t);
    row.params = buf_str(&params);
    store_change_insert_task(change, &row);
    seal_wipe_buf(&params);

    struct callback_event started = event_of(t, CALLBACK_RECORDER_START);
    started.status = 0;
    add_event(change, t, &started);
    return change;
}

struct store_change *task_change_end(const struct task *t)
{
    struct store_change *change = store_change_new();
    if (!change)
        return NULL;
    struct store_task row = row_of(t);
    store_change_update_task(change, &row);

    struct callback_event stopped = event_of(t, CALLBACK_RECORDER_STOP);
    stopped.leave_code = t->leave_code;
    add_event(change, t, &stopped);
    return change;
}

struct store_change *task_change_params(const struct task *t)
{
    struct buf params;
    buf_init(&params, PARAMS_LIMIT);
    struct store_change *change = store_change_new();
    schema_write_json(&create_schema, t->params, &params);
    if (change && !params.err) {
        store_change_update_params(change, t->id, t->epoch, buf_str(&params));
    } else {
        store_change_free(change);
        change = NULL;
    }
    seal_wipe_buf(&params);
    return change;
}

void task_events_committed(struct tasks *tasks, struct store_change *change)
{
    struct event *event;
    while ((event = store_change_take_event(change)))
        delivery_add(tasks->config.delivery, event);
}
