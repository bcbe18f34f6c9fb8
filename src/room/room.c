#include "room/room.h"

#include <assert.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/err.h"
#include "base/str.h"

/* DESIGN: a place is a room that exists, or one that somebody waits for (robot, observer); it goes
 * when nobody is left in any role. Sessions, and users of an application in whatever room,
 * are found by tables of their own. Observers may leave
 * a list that is being walked: every walk is registered, and a removed observer moves the walks
 * that stand on it. */

struct place {
    struct room room;      /* first: a struct room of ours is a struct place */
    struct list observers; /* struct room_observer, by .in_list */
    struct list robots;    /* struct room_robot, by .in_room */
    unsigned in_use;       /* events of it are being told */
    UT_hash_handle hh;     /* rooms.places, by room.key */
};

struct member_key {
    uint32_t sdk_app_id;
    char id[USER_ID_MAX + 1];
};

struct member {
    struct room_user user; /* first: a struct room_user of ours is a struct member */
    struct place *place;
    struct member_key key;
    UT_hash_handle hh; /* rooms.members, by key; two of one key only inside rooms_enter() */
};

struct session {
    uint64_t id;
    struct member *member;
    enum room_stream stream;
    UT_hash_handle hh; /* rooms.sessions, by id */
};

struct walk {
    struct link *next;
    struct walk *outer;
};

struct rooms {
    struct rooms_limits limits;
    struct place *places;
    struct member *members;
    struct session *sessions;
    struct list observers; /* struct room_observer of all rooms, by .in_list */
    struct walk *walks;
    unsigned telling; /* observers or robots are being called */
    size_t open_count, user_count;
};

struct rooms *rooms_new(const struct rooms_limits *limits)
{
    struct rooms *rooms = calloc(1, sizeof *rooms);
    if (!rooms)
        return NULL;
    rooms->limits = *limits;
    list_init(&rooms->observers);
    return rooms;
}

void rooms_free(struct rooms *rooms)
{
    if (!rooms)
        return;
    struct session *s, *next_session;
    HASH_ITER(hh, rooms->sessions, s, next_session)
    {
        HASH_DEL(rooms->sessions, s);
        free(s);
    }
    struct member *m, *next_member;
    HASH_ITER(hh, rooms->members, m, next_member)
    {
        HASH_DEL(rooms->members, m);
        free(m);
    }
    struct place *p, *next_place;
    HASH_ITER(hh, rooms->places, p, next_place)
    {
        HASH_DEL(rooms->places, p);
        free(p);
    }
    free(rooms);
}

/* ---- places ---- */

/* The key with every byte defined, as the table compares bytes. */
static void normalize(struct room_key *out, const struct room_key *key)
{
    memset(out, 0, sizeof *out);
    out->sdk_app_id = key->sdk_app_id;
    out->id.type = key->id.type;
    out->id.number = key->id.type == ROOM_ID_INT ? key->id.number : 0;
    str_copy(out->id.text, sizeof out->id.text, bytes_str(key->id.text));
}

static struct place *find_place(const struct rooms *rooms, const struct room_key *key)
{
    struct room_key normal;
    struct place *place;
    normalize(&normal, key);
    HASH_FIND(hh, rooms->places, &normal, sizeof normal, place);
    return place;
}

static struct place *need_place(struct rooms *rooms, const struct room_key *key)
{
    struct place *place = find_place(rooms, key);
    if (place)
        return place;
    place = calloc(1, sizeof *place);
    if (!place)
        return NULL;
    normalize(&place->room.key, key);
    list_init(&place->room.users);
    list_init(&place->observers);
    list_init(&place->robots);
    HASH_ADD(hh, rooms->places, room.key, sizeof place->room.key, place);
    if (!place->hh.tbl) {
        free(place);
        return NULL;
    }
    return place;
}

static void release_place(struct rooms *rooms, struct place *place)
{
    if (place->in_use || place->room.open || !list_empty(&place->observers) ||
        !list_empty(&place->robots))
        return;
    HASH_DEL(rooms->places, place);
    free(place);
}

static struct place *place_of(const struct room *room)
{
    return (struct place *)room;
}

/* ---- observers ---- */

static void tell_list(struct rooms *rooms, struct list *observers, const struct room_event *event)
{
    struct walk walk = { observers->head.next, rooms->walks };
    rooms->walks = &walk;
    while (walk.next != &observers->head) {
        struct room_observer *o = list_item(walk.next, struct room_observer, in_list);
        walk.next = walk.next->next;
        o->event(o, event);
    }
    rooms->walks = walk.outer;
}

/* The caller holds the place (in_use). */
static void tell(struct rooms *rooms, struct place *place, struct room_event event)
{
    event.room = &place->room;
    rooms->telling++;
    tell_list(rooms, &place->observers, &event);
    tell_list(rooms, &rooms->observers, &event);
    rooms->telling--;
}

int rooms_observe(struct rooms *rooms, const struct room_key *key, struct room_observer *observer)
{
    struct place *place = key ? need_place(rooms, key) : NULL;
    if (key && !place)
        return ERR_NOMEM;
    observer->room = place ? &place->room : NULL;
    list_append(place ? &place->observers : &rooms->observers, &observer->in_list);
    return OK;
}

void rooms_unobserve(struct rooms *rooms, struct room_observer *observer)
{
    if (!link_linked(&observer->in_list))
        return;
    for (struct walk *w = rooms->walks; w; w = w->outer)
        if (w->next == &observer->in_list)
            w->next = observer->in_list.next;
    list_remove(&observer->in_list);
    if (observer->room)
        release_place(rooms, place_of(observer->room));
    observer->room = NULL;
}

/* ---- robots ---- */

static struct room_robot *find_robot(struct place *place, const char *user)
{
    list_each(robot, &place->robots, struct room_robot,
              in_room) if (strcmp(robot->user, user) == 0) return robot;
    return NULL;
}

static void end_robot(struct rooms *rooms, struct place *place, const char *user,
                      enum robot_end why)
{
    struct room_robot *robot = find_robot(place, user);
    if (!robot)
        return;
    list_remove(&robot->in_room);
    robot->room = NULL;
    rooms->telling++;
    place->in_use++;
    robot->removed(robot, why);
    place->in_use--;
    rooms->telling--;
}

int rooms_add_robot(struct rooms *rooms, const struct room_key *key, struct room_robot *robot)
{
    struct place *place = need_place(rooms, key);
    if (!place)
        return ERR_NOMEM;
    if (room_find_user(&place->room, robot->user))
        return ERR_EXISTS;
    struct room_robot *old = find_robot(place, robot->user);
    list_append(&place->robots, &robot->in_room);
    robot->room = &place->room;
    if (old) {
        end_robot(rooms, place, robot->user, ROBOT_REPLACED); /* the older one is found first */
        release_place(rooms, place);
    }
    return OK;
}

void rooms_remove_robot(struct rooms *rooms, struct room_robot *robot)
{
    if (!robot->room)
        return;
    struct place *place = place_of(robot->room);
    list_remove(&robot->in_room);
    robot->room = NULL;
    release_place(rooms, place);
}

/* ---- users ---- */

const struct room *rooms_find(const struct rooms *rooms, const struct room_key *key)
{
    const struct place *place = find_place(rooms, key);
    return place && place->room.open ? &place->room : NULL;
}

const struct room_user *room_find_user(const struct room *room, const char *user)
{
    list_each(u, &room->users, struct room_user, in_room) if (strcmp(u->id, user) == 0) return u;
    return NULL;
}

static struct session *find_session(const struct rooms *rooms, uint64_t id)
{
    struct session *s;
    HASH_FIND(hh, rooms->sessions, &id, sizeof id, s);
    return s;
}

const struct room_user *rooms_find_session(const struct rooms *rooms, uint64_t session,
                                           const struct room **room, enum room_stream *stream)
{
    const struct session *s = find_session(rooms, session);
    if (!s)
        return NULL;
    *room = &s->member->place->room;
    *stream = s->stream;
    return &s->member->user;
}

/* `moves`: the user leaves another room by this. */
static bool has_place_for_user(const struct rooms *rooms, const struct place *place, bool moves)
{
    return rooms->user_count - moves < rooms->limits.users &&
           place->room.user_count < rooms->limits.publishers_per_room &&
           (place->room.open || rooms->open_count < rooms->limits.rooms);
}

static struct session *add_session(struct rooms *rooms, uint64_t id)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->id = id;
    HASH_ADD(hh, rooms->sessions, id, sizeof s->id, s);
    if (!s->hh.tbl) {
        free(s);
        return NULL;
    }
    return s;
}

static void remove_session(struct rooms *rooms, struct session *s)
{
    HASH_DEL(rooms->sessions, s);
    free(s);
}

static struct member_key member_key_of(uint32_t sdk_app_id, const char *user)
{
    struct member_key key;
    memset(&key, 0, sizeof key);
    key.sdk_app_id = sdk_app_id;
    str_copy(key.id, sizeof key.id, bytes_str(user));
    return key;
}

static struct member *find_member(const struct rooms *rooms, uint32_t sdk_app_id, const char *user)
{
    const struct member_key key = member_key_of(sdk_app_id, user);
    struct member *member;
    HASH_FIND(hh, rooms->members, &key, sizeof key, member);
    return member;
}

static struct member *add_member(struct rooms *rooms, struct place *place,
                                 const struct room_entry *entry)
{
    struct member *member = calloc(1, sizeof *member);
    if (!member)
        return NULL;
    link_init(&member->user.in_room);
    str_copy(member->user.id, sizeof member->user.id, bytes_str(entry->user));
    member->user.entered = entry->now;
    member->place = place;
    member->key = member_key_of(place->room.key.sdk_app_id, entry->user);
    HASH_ADD(hh, rooms->members, key, sizeof member->key, member);
    if (!member->hh.tbl) {
        free(member);
        return NULL;
    }
    return member;
}

static void remove_member(struct rooms *rooms, struct member *member)
{
    HASH_DEL(rooms->members, member);
    free(member);
}

static void open_room(struct rooms *rooms, struct place *place, usec_t now)
{
    place->room.open = true;
    place->room.created = now;
    rooms->open_count++;
    tell(rooms, place, (struct room_event){ .type = ROOM_CREATED });
}

static void add_user(struct rooms *rooms, struct place *place, struct room_user *user)
{
    list_append(&place->room.users, &user->in_room);
    place->room.user_count++;
    rooms->user_count++;
    end_robot(rooms, place, user->id, ROBOT_USER_ENTERED);
    tell(rooms, place, (struct room_event){ .type = ROOM_USER_ENTERED, .user = user });
}

static void unpublish(struct rooms *rooms, struct place *place, struct room_user *user,
                      enum room_stream stream, bool replaced)
{
    struct room_publication ended = user->streams[stream];
    user->streams[stream] = (struct room_publication){ 0 };
    remove_session(rooms, find_session(rooms, ended.session));
    tell(rooms, place,
         (struct room_event){ .type = ROOM_STREAM_UNPUBLISHED,
                              .user = user,
                              .stream = stream,
                              .publication = &ended,
                              .replaced = replaced });
}

static void publish(struct rooms *rooms, struct place *place, struct room_user *user,
                    const struct room_entry *entry)
{
    struct room_publication *p = &user->streams[entry->stream];
    *p = (struct room_publication){ .published = true, .session = entry->session };
    p->has[MEDIA_AUDIO] = entry->audio;
    p->has[MEDIA_VIDEO] = entry->video;
    tell(rooms, place,
         (struct room_event){ .type = ROOM_STREAM_PUBLISHED,
                              .user = user,
                              .stream = entry->stream,
                              .publication = p });
}

/* All that can fail, before anything else changes. `former` is the user in whatever room it is in
 * now, or NULL. `*member` is new when it hangs nowhere. */
static int prepare(struct rooms *rooms, struct place *place, struct member *former,
                   const struct room_entry *entry, struct member **member, struct session **session)
{
    bool known = former && former->place == place;
    if (!known && !has_place_for_user(rooms, place, former != NULL))
        return ERR_LIMIT;
    *member = known ? former : add_member(rooms, place, entry);
    *session = *member ? add_session(rooms, entry->session) : NULL;
    if (*session)
        return OK;
    if (!known && *member)
        remove_member(rooms, *member);
    return ERR_NOMEM;
}

static bool publishes(const struct room_user *user)
{
    return user->streams[ROOM_MAIN].published || user->streams[ROOM_AUX].published;
}

static void remove_user(struct rooms *rooms, struct member *member, enum room_exit why)
{
    struct place *place = member->place;
    list_remove(&member->user.in_room);
    place->room.user_count--;
    rooms->user_count--;
    tell(rooms, place,
         (struct room_event){ .type = ROOM_USER_LEFT, .user = &member->user, .exit = why });
    remove_member(rooms, member);
}

static void close_room(struct rooms *rooms, struct place *place)
{
    place->room.open = false;
    rooms->open_count--;
    tell(rooms, place, (struct room_event){ .type = ROOM_CLOSED });
}

static void end_session(struct rooms *rooms, struct session *s, enum room_exit why)
{
    struct member *member = s->member;
    struct place *place = member->place;
    place->in_use++;
    unpublish(rooms, place, &member->user, s->stream, false);
    if (!publishes(&member->user))
        remove_user(rooms, member, why);
    if (place->room.user_count == 0)
        close_room(rooms, place);
    place->in_use--;
    release_place(rooms, place);
}

/* The user goes to another room; its sessions here end. */
static void move_out(struct rooms *rooms, const struct member *member,
                     struct room_replaced *replaced)
{
    for (int i = ROOM_MAIN; i < ROOM_STREAMS; i++)
        if (member->user.streams[i].published)
            replaced->sessions[replaced->count++] = member->user.streams[i].session;
    for (size_t i = 0; i < replaced->count; i++)
        end_session(rooms, find_session(rooms, replaced->sessions[i]), ROOM_EXIT_NORMAL);
}

static void move_in(struct rooms *rooms, struct member *member, const struct room_entry *entry,
                    struct room_replaced *replaced)
{
    struct place *place = member->place;
    struct room_user *user = &member->user;
    place->in_use++;
    if (!place->room.open)
        open_room(rooms, place, entry->now);
    if (!link_linked(&user->in_room))
        add_user(rooms, place, user);
    if (user->streams[entry->stream].published) {
        replaced->sessions[replaced->count++] = user->streams[entry->stream].session;
        unpublish(rooms, place, user, entry->stream, true);
    }
    publish(rooms, place, user, entry);
    place->in_use--;
}

int rooms_enter(struct rooms *rooms, const struct room_key *key, const struct room_entry *entry,
                struct room_replaced *replaced)
{
    assert(!rooms->telling);
    if (find_session(rooms, entry->session))
        return ERR_EXISTS;
    struct place *place = need_place(rooms, key);
    if (!place)
        return ERR_NOMEM;
    struct member *former = find_member(rooms, key->sdk_app_id, entry->user), *member;
    struct session *session;
    int err = prepare(rooms, place, former, entry, &member, &session);
    if (err) {
        release_place(rooms, place);
        return err;
    }
    session->member = member;
    session->stream = entry->stream;
    *replaced = (struct room_replaced){ 0 };
    if (former && former != member)
        move_out(rooms, former, replaced);
    move_in(rooms, member, entry, replaced);
    return OK;
}

void rooms_leave(struct rooms *rooms, uint64_t session, enum room_exit why)
{
    assert(!rooms->telling);
    struct session *s = find_session(rooms, session);
    if (s)
        end_session(rooms, s, why);
}

void rooms_leave_all(struct rooms *rooms, enum room_exit why)
{
    assert(!rooms->telling);
    while (rooms->sessions)
        end_session(rooms, rooms->sessions, why);
}

void rooms_media(struct rooms *rooms, uint64_t session, enum media_kind kind, bool live)
{
    assert(!rooms->telling);
    struct session *s = find_session(rooms, session);
    if (!s || s->member->user.streams[s->stream].live[kind] == live)
        return;
    struct room_publication *p = &s->member->user.streams[s->stream];
    struct place *place = s->member->place;
    p->live[kind] = live;
    place->in_use++;
    tell(rooms, place,
         (struct room_event){ .type = live ? ROOM_MEDIA_STARTED : ROOM_MEDIA_STOPPED,
                              .user = &s->member->user,
                              .stream = s->stream,
                              .publication = p,
                              .kind = kind });
    place->in_use--;
}

void rooms_each(const struct rooms *rooms, bool (*fn)(void *ctx, const struct room *room),
                void *ctx)
{
    for (const struct place *p = rooms->places; p; p = p->hh.next)
        if (p->room.open && !fn(ctx, &p->room))
            return;
}

size_t rooms_count(const struct rooms *rooms)
{
    return rooms->open_count;
}

size_t rooms_user_count(const struct rooms *rooms)
{
    return rooms->user_count;
}
