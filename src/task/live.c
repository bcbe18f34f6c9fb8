/* A running task and its room: who comes and goes becomes what is recorded. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "recorder/subscribe.h"
#include "room/mapkey.h"
#include "task/task.h"

/* --- what the recording asks for --- */

static struct user_ids ids_of(const struct schema_strings *list)
{
    return (struct user_ids){ (const char *const *)list->items, list->count };
}

static void select_users(void *ctx, enum media_kind kind, const char *const *users, size_t count,
                         bool *wanted)
{
    const struct task *t = ctx;
    const struct subscribe_params *p = &t->params->record.subscribe;
    bool audio = kind == MEDIA_AUDIO;
    subscribe_select(ids_of(audio ? &p->audio_allow : &p->video_allow),
                     ids_of(audio ? &p->audio_block : &p->video_block),
                     (struct user_ids){ users, count }, wanted);
}

static void on_output_started(void *ctx, struct output *output)
{
    struct task_output *o = ctx;
    log_info(&o->task->log, "first media of %s in %s", output_user(output), output_file(output));
}

static void tell_slice(struct task *t, const struct output *output)
{
    const struct store_playlist playlist = { .task_id = t->id,
                                             .name = output_file(output),
                                             .user_id = output_user(output),
                                             .track_type = output_track_type(output),
                                             .begin = output_begin(output) };
    task_tell_slice(t, &playlist);
}

static void on_output_ready(void *ctx, struct output *output, const struct spool_ready *file)
{
    struct task_output *o = ctx;
    struct task *t = o->task;
    if (file->err) {
        t->unfinished = true;
        return;
    }
    if (file->kind == SINK_SEGMENT && !o->cut) {
        o->cut = true;
        tell_slice(t, output);
    }
    int err = file->kind == SINK_PLAYLIST
                  ? upload_task_playlist(t->upload, file->name, file->fd, file->bytes,
                                         file->generation, file->last)
                  : upload_task_segment(t->upload, file->name, file->playlist, file->bytes);
    if (err)
        log_error(&t->log,
                  "%s is not queued for upload (%s): it stays in the spool until the next start",
                  file->name, err_text(err));
}

static void on_output_failed(void *ctx, struct output *output, int err)
{
    struct task_output *o = ctx;
    o->task->unfinished |= output_form(output) != RECORDING_HLS;
    log_error(&o->task->log, "%s: the disk failed (%s), nothing more is recorded there",
              output_file(output), err_text(err));
    o->task->disk_failed = true;
}

static void on_output_done(void *ctx, struct output *output)
{
    struct task_output *o = ctx;
    struct task *t = o->task;
    (void)output;
    if (--t->outputs_open == 0 && t->state == TASK_ENDING)
        task_deliver(t);
}

static const struct output_events output_events = { on_output_started, on_output_ready,
                                                    on_output_failed, on_output_done };

static struct output *open_output(void *ctx, const char *user, enum names_media media,
                                  enum recording_form form, enum names_type type)
{
    struct task *t = ctx;
    const struct tasks_config *c = &t->tasks->config;
    struct task_output *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->task = t;
    const struct output_config config = {
        .sdk_app_id = t->sdk_app_id,
        .room_id = t->room.id.text,
        .room_is_string = t->room.id.type == ROOM_ID_STRING,
        .user = user,
        .media = media,
        .form = form,
        .type = type,
        .max_file = (usec_t)t->params->record.max_file_min * 60 * SEC,
        .fill = t->params->record.fill == FILL_BLACK ? MEDIA_FILL_BLACK : MEDIA_FILL_LAST,
        .segment = (usec_t)c->config->record.segment_seconds * SEC,
        .version = c->version,
        .date = c->date,
        .spool = c->writer,
        .folder = t->folder,
        .control = c->control,
        .stats = c->recorded,
        .log = log_with(&t->log, "user", user),
        .events = &output_events,
        .ctx = o,
    };
    int err = output_new(&o->output, &config);
    if (err) {
        log_error(&t->log, "cannot record %s: %s", user, err_text(err));
        free(o);
        return NULL;
    }
    list_append(&t->outputs, &o->in_task);
    t->outputs_open++;
    return o->output;
}

static void point_output(void *ctx, struct output *output, const struct recording_source *source)
{
    struct task *t = ctx;
    const struct tasks_config *c = &t->tasks->config;
    struct media_loop *media = source ? c->media_of(c->ctx, source->session) : NULL;
    output_point(output, media, media ? source : NULL);
}

static void end_output(void *ctx, struct output *output)
{
    (void)ctx;
    output_end(output);
}

static const struct recording_ops recording_ops = { select_users, open_output, point_output,
                                                    end_output };

/* --- the idle time --- */

static void on_idle(uv_timer_t *timer)
{
    struct task *t = timer->data;
    log_info(&t->log, "nobody was in the room for %u s", (unsigned)t->params->record.max_idle_s);
    task_end(t, LEAVE_IDLE);
}

/* The idle time runs while no anchor is in the room (api.md 8). */
static void watch_idle(struct task *t)
{
    bool attended = recording_attended(t->recording);
    if (attended)
        uv_timer_stop(&t->idle);
    else if (!uv_is_active((uv_handle_t *)&t->idle))
        uv_timer_start(&t->idle, on_idle, t->params->record.max_idle_s * 1000, 0);
}

/* --- the room --- */

static void publish(struct task *t, const struct room_user *user, enum room_stream stream)
{
    const struct room_publication *p = &user->streams[stream];
    const struct recording_stream s = { .user = user->id,
                                        .media = stream == ROOM_AUX ? NAMES_AUX : NAMES_MAIN,
                                        .session = p->session,
                                        .audio = p->has[MEDIA_AUDIO],
                                        .video = p->has[MEDIA_VIDEO] };
    if (!p->published)
        return;
    if (recording_publish(t->recording, &s))
        log_error(&t->log, "out of memory: %s is not recorded", user->id);
    recording_media(t->recording, p->session, MEDIA_AUDIO, p->live[MEDIA_AUDIO]);
    recording_media(t->recording, p->session, MEDIA_VIDEO, p->live[MEDIA_VIDEO]);
}

static void on_room_event(struct room_observer *self, const struct room_event *event)
{
    struct task *t = list_item(self, struct task, observer);
    switch (event->type) {
    case ROOM_STREAM_PUBLISHED: publish(t, event->user, event->stream); break;
    case ROOM_STREAM_UNPUBLISHED:
        recording_unpublish(t->recording, event->publication->session);
        break;
    case ROOM_MEDIA_STARTED:
    case ROOM_MEDIA_STOPPED:
        recording_media(t->recording, event->publication->session, event->kind,
                        event->type == ROOM_MEDIA_STARTED);
        break;
    case ROOM_USER_ENTERED:
    case ROOM_USER_LEFT:
    case ROOM_CREATED:
    case ROOM_CLOSED: break;
    }
    watch_idle(t);
}

static void on_robot_removed(struct room_robot *self, enum robot_end why)
{
    struct task *t = list_item(self, struct task, robot);
    log_info(&t->log, why == ROBOT_REPLACED ? "another task came with the robot's id"
                                            : "a user entered the room with the robot's id");
    task_end(t, LEAVE_SAME_ROBOT);
}

/* StreamType and MediaId, and of these what the robot's PrivateMapKey lets it receive. The right to
 * receive sound is one for both streams (rooms.md 2). */
static struct recording_config recording_config_of(const struct task *t)
{
    const struct record_params *p = &t->params->record;
    bool audio = p->stream_type != STREAM_VIDEO && (t->rights & MAP_RECEIVE_AUDIO);
    bool video = p->stream_type != STREAM_AUDIO;
    uint64_t format = p->output_format;
    struct recording_config config = {
        .forms = { [RECORDING_HLS] = format <= OUTPUT_HLS_AAC,
                   [RECORDING_MP4] = format == OUTPUT_HLS_MP4 || format == OUTPUT_MP4,
                   [RECORDING_AAC] = format == OUTPUT_HLS_AAC || format == OUTPUT_AAC },
        .merge = p->av_merge == 1,
        .max_anchors = MAX_ANCHORS,
    };
    if (p->media != RECORD_AUX) {
        config.takes[NAMES_MAIN][MEDIA_AUDIO] = audio;
        config.takes[NAMES_MAIN][MEDIA_VIDEO] = video && (t->rights & MAP_RECEIVE_VIDEO);
    }
    if (p->media != RECORD_MAIN) {
        config.takes[NAMES_AUX][MEDIA_AUDIO] = audio;
        config.takes[NAMES_AUX][MEDIA_VIDEO] = video && (t->rights & MAP_RECEIVE_AUX);
    }
    return config;
}

int live_begin(struct task *t)
{
    struct rooms *rooms = t->tasks->config.rooms;
    const struct recording_config config = recording_config_of(t);
    t->recording = recording_new(&config, &recording_ops, t);
    if (!t->recording)
        return ERR_NOMEM;
    uv_timer_init(loop_uv(t->tasks->config.control), &t->idle);
    t->idle.data = t;
    t->idle_open = true;

    snprintf(t->robot.user, sizeof t->robot.user, "%s", t->robot_id);
    t->robot.removed = on_robot_removed;
    t->observer.event = on_room_event;
    int err = rooms_add_robot(rooms, &t->room, &t->robot);
    if (!err)
        err = rooms_observe(rooms, &t->room, &t->observer);
    if (err)
        return err;

    const struct room *room = rooms_find(rooms, &t->room);
    if (room)
        list_each(user, &room->users, struct room_user, in_room)
        {
            publish(t, user, ROOM_MAIN);
            publish(t, user, ROOM_AUX);
        }
    watch_idle(t);
    return OK;
}

void live_end(struct task *t)
{
    struct rooms *rooms = t->tasks->config.rooms;
    if (t->idle_open && !uv_is_closing((uv_handle_t *)&t->idle))
        uv_timer_stop(&t->idle);
    rooms_unobserve(rooms, &t->observer);
    rooms_remove_robot(rooms, &t->robot);
}

const char *live_status(const struct task *t)
{
    if (t->state != TASK_RUNNING)
        return "Exited";
    return recording_live(t->recording) ? "InProgress" : "Idle";
}
