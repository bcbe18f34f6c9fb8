#include "api/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "api/tc3.h"

/* A timestamp may be ahead by the window, and is good until it is behind by the window. */
#define REMEMBERED (2 * TC3_WINDOW_S * SEC)
#define NAME_SIZE  256

struct seen {
    usec_t noted;
    UT_hash_handle hh; /* replay.seen, in the order of their coming */
    char name[];
};

struct replay {
    unsigned most;
    struct seen *seen;
};

struct replay *replay_new(unsigned most)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay)
        replay->most = most;
    return replay;
}

static void drop(struct replay *replay, struct seen *s)
{
    HASH_DEL(replay->seen, s);
    free(s);
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    while (replay->seen)
        drop(replay, replay->seen);
    free(replay);
}

/* What is out of date, and the oldest when there is no room for one more. */
static void forget_old(struct replay *replay, usec_t now)
{
    while (replay->seen &&
           (now - replay->seen->noted > REMEMBERED || HASH_COUNT(replay->seen) >= replay->most))
        drop(replay, replay->seen);
}

bool replay_note(struct replay *replay, const char *secret_id, uint64_t nonce, uint64_t timestamp,
                 usec_t now)
{
    char name[NAME_SIZE];
    struct seen *s;
    snprintf(name, sizeof name, "%llu/%llu/%s", (unsigned long long)timestamp,
             (unsigned long long)nonce, secret_id);
    forget_old(replay, now);
    HASH_FIND_STR(replay->seen, name, s);
    if (s)
        return false;
    s = calloc(1, sizeof *s + strlen(name) + 1);
    if (!s)
        return true;
    s->noted = now;
    strcpy(s->name, name);
    HASH_ADD_KEYPTR(hh, replay->seen, s->name, strlen(s->name), s);
    return true;
}
