#include "serve/room_callbacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "callback/room_body.h"

struct room_callbacks {
    const struct config *config;
    struct rooms *rooms;
    struct store *store;
    struct delivery *delivery;
    struct room_observer observer;
    bool ended;
    bool dropping; /* logged */
};

static const struct config_app *app_of(const struct room_callbacks *r, uint32_t sdk_app_id)
{
    for (size_t i = 0; i < r->config->apps.count; i++)
        if (r->config->apps.items[i].sdk_app_id == sdk_app_id)
            return &r->config->apps.items[i];
    return NULL;
}

/* --- the way into the store --- */

static void on_committed(void *ctx, int err, struct store_change *change)
{
    struct room_callbacks *r = ctx;
    struct event *event;
    if (err)
        log_error(NULL, "a room's event is lost, it could not be stored: %s", err_text(err));
    else if (!r->ended) /* otherwise it is sent after the next start */
        while ((event = store_change_take_event(change)))
            delivery_add(r->delivery, event);
    store_change_free(change);
}

static void submit(struct room_callbacks *r, struct event *event)
{
    struct store_change *change = store_change_new();
    int err = ERR_NOMEM;
    if (change) {
        store_change_add_event(change, event);
        err = store_submit(r->store, change, on_committed, r);
    } else {
        event_free(event);
    }
    if (!err)
        return;
    log_error(NULL, "a room's event is lost: %s", err_text(err));
    store_change_free(change);
}

/* The receivers are far behind, or away. */
static bool must_drop(struct room_callbacks *r)
{
    bool drop = delivery_waiting(r->delivery) >= ROOM_CALLBACKS_MAX_WAITING;
    if (drop && !r->dropping)
        log_warn(NULL, "%d callbacks wait for their receivers: events of rooms are dropped",
                 ROOM_CALLBACKS_MAX_WAITING);
    r->dropping = drop;
    return drop;
}

static const struct config_receiver *receiver_of(const struct config_app *app,
                                                 enum room_callback_type type)
{
    const struct config_receiver *receiver = room_callback_group(type) == CALLBACK_GROUP_ROOM
                                                 ? &app->room_callback
                                                 : &app->media_callback;
    return receiver->url ? receiver : NULL;
}

/* Events of a room are sent in their order; of both groups when they go to the same address, so
 * that one receiver does not wait for the other. */
static void order_of(char out[EVENT_TASK_ID_SIZE], const struct config_app *app,
                     const struct room_key *room, enum room_callback_type type)
{
    const char *a = app->room_callback.url, *b = app->media_callback.url;
    bool apart = a && b && strcmp(a, b) != 0 && room_callback_group(type) == CALLBACK_GROUP_MEDIA;
    snprintf(out, EVENT_TASK_ID_SIZE, "room %u %s %s%s", (unsigned)room->sdk_app_id,
             room->id.type == ROOM_ID_INT ? "number" : "text", room->id.text,
             apart ? " media" : "");
}

static void emit(struct room_callbacks *r, const struct room_event *e, enum room_callback_type type,
                 int reason)
{
    const struct room_key *room = &e->room->key;
    const struct config_app *app = app_of(r, room->sdk_app_id);
    const struct config_receiver *receiver = app ? receiver_of(app, type) : NULL;
    if (!receiver || must_drop(r))
        return;
    const usec_t now = clock_wall();
    const struct room_callback what = { .type = type,
                                        .room_is_number = room->id.type == ROOM_ID_INT,
                                        .room_number = room->id.number,
                                        .room_text = room->id.text,
                                        .happened = now,
                                        .user_id = e->user ? e->user->id : "",
                                        .role = CALLBACK_ROLE_ANCHOR,
                                        .terminal = CALLBACK_TERMINAL_OTHER,
                                        .user_type = CALLBACK_USER_WEBRTC,
                                        .reason = reason };
    char order[EVENT_TASK_ID_SIZE];
    struct event *event;
    order_of(order, app, room, type);
    int err = room_callback_compose(&event, &what, order, room->sdk_app_id, receiver->key, now);
    if (err)
        log_error(NULL, "callback %d cannot be made: %s", (int)type, err_text(err));
    else
        submit(r, event);
}

/* --- what happens in rooms --- */

/* 0: nobody is told (sound of an aux stream). */
static enum room_callback_type media_type(enum room_stream stream, enum media_kind kind, bool live)
{
    if (stream == ROOM_AUX)
        return kind == MEDIA_AUDIO ? 0 : live ? CALLBACK_AUX_STARTED : CALLBACK_AUX_STOPPED;
    if (kind == MEDIA_AUDIO)
        return live ? CALLBACK_AUDIO_STARTED : CALLBACK_AUDIO_STOPPED;
    return live ? CALLBACK_VIDEO_STARTED : CALLBACK_VIDEO_STOPPED;
}

static void on_media(struct room_callbacks *r, const struct room_event *e, enum media_kind kind,
                     bool live)
{
    enum room_callback_type type = media_type(e->stream, kind, live);
    if (type)
        emit(r, e, type, 0);
}

static bool stays(const struct room_user *user)
{
    return user->streams[ROOM_MAIN].published || user->streams[ROOM_AUX].published;
}

static void on_unpublished(struct room_callbacks *r, const struct room_event *e)
{
    if (e->replaced) {
        emit(r, e, CALLBACK_USER_ENTERED, CALLBACK_ENTRY_NETWORK);
        return;
    }
    if (!stays(e->user))
        return;
    for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
        if (e->publication->live[kind])
            on_media(r, e, (enum media_kind)kind, false);
}

/* Whoever enters first has created the room. */
static void on_entered(struct room_callbacks *r, const struct room_event *e)
{
    if (e->room->user_count == 1)
        emit(r, e, CALLBACK_ROOM_CREATED, 0);
    emit(r, e, CALLBACK_USER_ENTERED, CALLBACK_ENTRY_NORMAL);
}

static void on_event(struct room_observer *self, const struct room_event *e)
{
    struct room_callbacks *r = list_item(self, struct room_callbacks, observer);
    switch (e->type) {
    case ROOM_USER_ENTERED: on_entered(r, e); break;
    case ROOM_MEDIA_STARTED: on_media(r, e, e->kind, true); break;
    case ROOM_MEDIA_STOPPED: on_media(r, e, e->kind, false); break;
    case ROOM_STREAM_UNPUBLISHED: on_unpublished(r, e); break;
    case ROOM_USER_LEFT: emit(r, e, CALLBACK_USER_LEFT, (int)e->exit); break;
    case ROOM_CLOSED: emit(r, e, CALLBACK_ROOM_CLOSED, 0); break;
    case ROOM_CREATED:
    case ROOM_STREAM_PUBLISHED: break;
    }
}

struct room_callbacks *room_callbacks_new(const struct config *config, struct rooms *rooms,
                                          struct store *store, struct delivery *delivery)
{
    struct room_callbacks *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct room_callbacks){ .config = config,
                                  .rooms = rooms,
                                  .store = store,
                                  .delivery = delivery,
                                  .observer = { .event = on_event } };
    if (rooms_observe(rooms, NULL, &r->observer)) {
        free(r);
        return NULL;
    }
    return r;
}

void room_callbacks_end(struct room_callbacks *r)
{
    if (!r)
        return;
    r->ended = true;
    rooms_unobserve(r->rooms, &r->observer);
}

void room_callbacks_free(struct room_callbacks *r)
{
    free(r);
}
