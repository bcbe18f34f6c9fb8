/* Who is in which room, and what they send.
 *
 * A room exists while a user is in it: entering the first user creates it, the last one to leave
 * closes it. A user enters by publishing a stream (main or aux), each carried by one publisher
 * session, and is in one room of the application at a time: who enters another leaves the first
 * (rooms.md 3). Robots (recorders) are in a room by name only: they wait for rooms that do not
 * exist yet, and keep none alive.
 *
 * Observers hear of every change right after it is made, in the order of the changes. While they
 * are called they may look at rooms, and add and remove observers and robots; entering and leaving
 * must wait until the call returned (that is asserted). No clock, no IO; all of it on one thread
 * (the control loop). */
#ifndef ROOM_ROOM_H
#define ROOM_ROOM_H

#include "base/clock.h"
#include "base/list.h"
#include "media/frame.h"
#include "room/ids.h"

enum room_stream { ROOM_MAIN, ROOM_AUX, ROOM_STREAMS };

/* What one publisher session brings. */
struct room_publication {
    bool published;
    uint64_t session;
    bool has[2];  /* negotiated, by enum media_kind */
    bool live[2]; /* media arrives, by enum media_kind */
};

struct room_user {
    struct link in_room; /* room.users */
    char id[USER_ID_MAX + 1];
    usec_t entered; /* the time given at entry */
    struct room_publication streams[ROOM_STREAMS];
};

/* Read-only for all but room.c. */
struct room {
    struct room_key key;
    bool open;         /* it exists; a closed one stays in memory for its robots and observers */
    usec_t created;    /* the time of the first entry */
    struct list users; /* struct room_user, by .in_room, in order of entry */
    size_t user_count;
};

/* Why a user left, numbered as Reason of callback 104 (callbacks.md 6). */
enum room_exit {
    ROOM_EXIT_NORMAL = 1,  /* it said so, or went to another room */
    ROOM_EXIT_TIMEOUT = 2, /* not heard of any more, or its media never came up */
    ROOM_EXIT_REMOVED = 3, /* by us: the daemon stops */
};

enum room_event_type {
    ROOM_CREATED,
    ROOM_USER_ENTERED,
    ROOM_STREAM_PUBLISHED,
    ROOM_MEDIA_STARTED,
    ROOM_MEDIA_STOPPED,
    ROOM_STREAM_UNPUBLISHED, /* also when another session replaces this one; PUBLISHED follows then
                              */
    ROOM_USER_LEFT,
    ROOM_CLOSED,
};

/* Borrowed for the call. Each event sees the room as right after its own step: a room just created
 * is empty, a user who just entered publishes nothing yet, one who left is no longer in the list.
 */
struct room_event {
    enum room_event_type type;
    const struct room *room;
    const struct room_user *user; /* NULL: created, closed */
    enum room_stream stream;      /* of `publication` */
    const struct room_publication
        *publication;     /* unpublished: as it was; NULL: created, closed, entered, left */
    enum media_kind kind; /* media started and stopped */
    bool replaced; /* unpublished: the same stream comes by another session, PUBLISHED follows */
    enum room_exit exit; /* left */
};

/* Lives in its owner's memory. */
struct room_observer {
    struct link in_list;     /* set by rooms_observe() */
    const struct room *room; /* likewise; NULL: all rooms */
    void (*event)(struct room_observer *self, const struct room_event *event);
};

enum robot_end {
    ROBOT_USER_ENTERED, /* a user with the robot's id entered the room */
    ROBOT_REPLACED,     /* another robot with the same id came */
};

/* Lives in its owner's memory. */
struct room_robot {
    struct link in_room;     /* set by rooms_add_robot() */
    const struct room *room; /* likewise; NULL: in none */
    char user[USER_ID_MAX + 1];
    /* Called when the robot has been removed, not by rooms_remove_robot(). It may free the robot.
     */
    void (*removed)(struct room_robot *self, enum robot_end why);
};

struct rooms_limits {
    size_t rooms;               /* that exist at the same time */
    size_t users;               /* in all rooms */
    size_t publishers_per_room; /* 50 in the original (rooms.md 3) */
};

#define ROOMS_DEFAULT_LIMITS                                                                       \
    {                                                                                              \
        .rooms = 10000, .users = 20000, .publishers_per_room = 50                                  \
    }

struct rooms;

struct rooms *rooms_new(const struct rooms_limits *limits); /* NULL: out of memory */

/* Without events. Robots and observers may remain; removing them afterwards is not allowed. NULL is
 * fine. */
void rooms_free(struct rooms *rooms);

/* A publisher comes: who, with what, where. */
struct room_entry {
    const char *user;
    enum room_stream stream;
    uint64_t session; /* not in use; not 0 */
    bool audio, video;
    usec_t now;
};

/* Sessions of the user that are out of the room now. */
struct room_replaced {
    uint64_t sessions[ROOM_STREAMS];
    size_t count;
};

/* Creates room and user as needed. `*replaced` are the session that sent the same stream before, or
 * those in the room that the user was in before and has left by this. ERR_LIMIT: too many rooms,
 * users, or publishers in the room. ERR_EXISTS: that session is in a room. ERR_NOMEM. After an
 * error nothing has changed. */
int rooms_enter(struct rooms *rooms, const struct room_key *key, const struct room_entry *entry,
                struct room_replaced *replaced);

/* The session ends. With its last stream the user leaves, with the last user the room closes.
 * Unknown sessions (which were replaced, say) are fine. */
void rooms_leave(struct rooms *rooms, uint64_t session, enum room_exit why);

/* Everybody leaves. */
void rooms_leave_all(struct rooms *rooms, enum room_exit why);

/* Media of that kind begins or ceases to arrive. Unknown sessions and repetitions are fine. */
void rooms_media(struct rooms *rooms, uint64_t session, enum media_kind kind, bool live);

/* An existing room, or NULL. Its users: list_each(user, &room->users, struct room_user, in_room).
 */
const struct room *rooms_find(const struct rooms *rooms, const struct room_key *key);
const struct room_user *room_find_user(const struct room *room, const char *user);

/* The user and stream that a session publishes; NULL when unknown. */
const struct room_user *rooms_find_session(const struct rooms *rooms, uint64_t session,
                                           const struct room **room, enum room_stream *stream);

/* Calls `fn` for each existing room, the order is not specified; false from `fn` ends it. No
 * changes inside. */
void rooms_each(const struct rooms *rooms, bool (*fn)(void *ctx, const struct room *room),
                void *ctx);

size_t rooms_count(const struct rooms *rooms);
size_t rooms_user_count(const struct rooms *rooms);

/* `key` NULL: events of all rooms. The room need not exist. The caller has set `event`. ERR_NOMEM.
 */
int rooms_observe(struct rooms *rooms, const struct room_key *key, struct room_observer *observer);
void rooms_unobserve(struct rooms *rooms, struct room_observer *observer); /* twice is fine */

/* The caller has set `user` and `removed`. A robot of the same id there is replaced. ERR_EXISTS: a
 * user of that id is in the room. ERR_NOMEM. */
int rooms_add_robot(struct rooms *rooms, const struct room_key *key, struct room_robot *robot);
void rooms_remove_robot(struct rooms *rooms, struct room_robot *robot); /* removed before: fine */

#endif
