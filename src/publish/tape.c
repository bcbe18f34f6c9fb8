#include "publish/tape.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"

struct lane {
    struct tape_item slot[TAPE_SLOTS];
    uint64_t first, end; /* numbers; slot [number % TAPE_SLOTS] */
};

struct tape {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct lane lanes[2]; /* by media_kind; all below under lock */
    usec_t released;
    bool ended, stopped;
    int err;
};

struct tape *tape_new(void)
{
    struct tape *tape = calloc(1, sizeof *tape);
    if (!tape)
        return NULL;
    pthread_mutex_init(&tape->lock, NULL);
    pthread_cond_init(&tape->changed, NULL);
    return tape;
}

static struct tape_item *item_of(struct lane *lane, uint64_t number)
{
    return &lane->slot[number % TAPE_SLOTS];
}

static void drop_first(struct lane *lane)
{
    frame_unref(item_of(lane, lane->first++)->frame);
}

void tape_free(struct tape *tape)
{
    if (!tape)
        return;
    for (int i = 0; i < 2; i++)
        while (tape->lanes[i].first < tape->lanes[i].end)
            drop_first(&tape->lanes[i]);
    pthread_cond_destroy(&tape->changed);
    pthread_mutex_destroy(&tape->lock);
    free(tape);
}

bool tape_put(struct tape *tape, struct frame *frame, usec_t time)
{
    struct lane *lane = &tape->lanes[codec_kind(frame->codec)];
    pthread_mutex_lock(&tape->lock);
    while (!tape->stopped &&
           (time > tape->released + TAPE_AHEAD || lane->end - lane->first == TAPE_SLOTS))
        pthread_cond_wait(&tape->changed, &tape->lock);
    bool good = !tape->stopped;
    if (good) {
        *item_of(lane, lane->end++) = (struct tape_item){ frame, time };
        pthread_cond_broadcast(&tape->changed);
    }
    pthread_mutex_unlock(&tape->lock);
    if (!good)
        frame_unref(frame);
    return good;
}

void tape_end(struct tape *tape, int err)
{
    pthread_mutex_lock(&tape->lock);
    tape->ended = true;
    tape->err = err;
    pthread_cond_broadcast(&tape->changed);
    pthread_mutex_unlock(&tape->lock);
}

void tape_stop(struct tape *tape)
{
    pthread_mutex_lock(&tape->lock);
    tape->stopped = true;
    pthread_cond_broadcast(&tape->changed);
    pthread_mutex_unlock(&tape->lock);
}

static bool has_ahead(struct lane *lane, usec_t ahead)
{
    return lane->end > lane->first && item_of(lane, lane->end - 1)->time >= ahead;
}

static bool has_any(const struct lane *lane)
{
    return lane->end > lane->first;
}

int tape_wait(struct tape *tape, bool audio, bool video, usec_t ahead)
{
    struct lane *a = &tape->lanes[MEDIA_AUDIO], *v = &tape->lanes[MEDIA_VIDEO];
    pthread_mutex_lock(&tape->lock);
    while (!tape->ended && !tape->stopped &&
           ((audio && !has_ahead(a, ahead)) || (video && !has_ahead(v, ahead))))
        pthread_cond_wait(&tape->changed, &tape->lock);
    int err = tape->err;
    if (!err && ((audio && !has_any(a)) || (video && !has_any(v))))
        err = ERR_NOT_FOUND;
    pthread_mutex_unlock(&tape->lock);
    return err;
}

enum tape_state tape_get(struct tape *tape, enum media_kind kind, uint64_t *number,
                         struct tape_item *out)
{
    struct lane *lane = &tape->lanes[kind];
    pthread_mutex_lock(&tape->lock);
    enum tape_state state = tape->ended ? TAPE_OVER : TAPE_NOT_YET;
    if (*number < lane->first)
        *number = lane->first;
    if (*number < lane->end) {
        *out = *item_of(lane, *number);
        frame_ref(out->frame);
        state = TAPE_ITEM;
    }
    pthread_mutex_unlock(&tape->lock);
    return state;
}

bool tape_find(struct tape *tape, enum media_kind kind, usec_t from, uint64_t *number, usec_t *time)
{
    struct lane *lane = &tape->lanes[kind];
    bool found = false;
    pthread_mutex_lock(&tape->lock);
    for (uint64_t n = lane->first; n < lane->end && !found; n++) {
        const struct tape_item *item = item_of(lane, n);
        found = item->time >= from && item->frame->key;
        if (found) {
            *number = n;
            *time = item->time;
        }
    }
    pthread_mutex_unlock(&tape->lock);
    return found;
}

void tape_release(struct tape *tape, usec_t time)
{
    pthread_mutex_lock(&tape->lock);
    for (int i = 0; i < 2; i++) {
        struct lane *lane = &tape->lanes[i];
        while (has_any(lane) && item_of(lane, lane->first)->time < time)
            drop_first(lane);
    }
    if (time > tape->released) {
        tape->released = time;
        pthread_cond_broadcast(&tape->changed);
    }
    pthread_mutex_unlock(&tape->lock);
}
