#include "upload/plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

/* A place in the line; a segment or a playlist that may go now. */
struct entry {
    struct link in_line;
    bool is_playlist;
};

struct segment {
    struct entry entry;
    struct link in_playlist; /* playlist.segments; hangs nowhere without a playlist */
    uint64_t number;         /* within the playlist, from 1 */
    struct playlist *playlist;
    uint64_t bytes;
    UT_hash_handle hh;
    char name[];
};

struct version {
    int fd; /* -1: no version here */
    bool last;
    uint64_t bytes;
    uint64_t needs; /* number of the last segment it may name */
};

struct playlist {
    struct entry entry;   /* in line while a version may go and none is taken */
    struct list segments; /* struct segment, by .in_playlist; not acknowledged, in order */
    uint64_t added;       /* segments so far */
    int64_t generation;   /* the newest known */
    bool finished;        /* its last version is known */
    bool shown;           /* some version was acknowledged */
    bool dropped;         /* forgotten while taken */
    struct version taken, older, newer;
    UT_hash_handle hh;
    char name[];
};

struct plan {
    struct list line;           /* struct entry, by .in_line */
    struct segment *segments;   /* by name */
    struct playlist *playlists; /* by name */
    struct plan_counts counts;
};

static const struct version no_version = { .fd = -1 };

struct plan *plan_new(void)
{
    struct plan *p = calloc(1, sizeof *p);
    if (p)
        list_init(&p->line);
    return p;
}

static void set_version(struct plan *p, struct version *slot, struct version v)
{
    if (slot->fd >= 0) {
        close(slot->fd);
        p->counts.files--;
        p->counts.bytes -= slot->bytes;
    }
    *slot = v;
}

/* Moves a version to another slot, whose own is dropped. */
static void move_version(struct plan *p, struct version *to, struct version *from)
{
    set_version(p, to, *from);
    *from = no_version;
}

static bool may_go(const struct playlist *pl, const struct version *v)
{
    const struct segment *first = list_first(&pl->segments, struct segment, in_playlist);
    return v->fd >= 0 && (!first || first->number > v->needs);
}

/* Lines the playlist up when it has a version to put. */
static void line_up(struct plan *p, struct playlist *pl)
{
    bool ready = pl->taken.fd < 0 && (may_go(pl, &pl->older) || may_go(pl, &pl->newer));
    if (ready && !link_linked(&pl->entry.in_line))
        list_append(&p->line, &pl->entry.in_line);
}

static void free_segment(struct plan *p, struct segment *s)
{
    struct playlist *pl = s->playlist;
    list_remove(&s->entry.in_line);
    list_remove(&s->in_playlist);
    HASH_DEL(p->segments, s);
    p->counts.files--;
    p->counts.bytes -= s->bytes;
    free(s);
    if (pl)
        line_up(p, pl);
}

static void free_playlist(struct plan *p, struct playlist *pl)
{
    list_each(s, &pl->segments, struct segment, in_playlist)
    {
        list_remove(&s->in_playlist);
        s->playlist = NULL;
    }
    set_version(p, &pl->taken, no_version);
    set_version(p, &pl->older, no_version);
    set_version(p, &pl->newer, no_version);
    list_remove(&pl->entry.in_line);
    HASH_DEL(p->playlists, pl);
    free(pl);
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (struct playlist *pl = p->playlists; pl; pl = p->playlists)
        free_playlist(p, pl);
    for (struct segment *s = p->segments; s; s = p->segments)
        free_segment(p, s);
    free(p);
}

static struct playlist *get_playlist(struct plan *p, const char *name)
{
    struct playlist *pl;
    HASH_FIND_STR(p->playlists, name, pl);
    if (pl)
        return pl;
    size_t size = strlen(name) + 1;
    pl = calloc(1, sizeof *pl + size);
    if (!pl)
        return NULL;
    memcpy(pl->name, name, size);
    link_init(&pl->entry.in_line);
    pl->entry.is_playlist = true;
    list_init(&pl->segments);
    pl->generation = -1;
    pl->taken = pl->older = pl->newer = no_version;
    HASH_ADD_STR(p->playlists, name, pl);
    return pl;
}

int plan_add_segment(struct plan *p, const char *name, const char *playlist, uint64_t bytes)
{
    struct segment *s;
    HASH_FIND_STR(p->segments, name, s);
    if (s)
        return ERR_EXISTS;
    struct playlist *pl = playlist[0] ? get_playlist(p, playlist) : NULL;
    size_t size = strlen(name) + 1;
    s = calloc(1, sizeof *s + size);
    if (!s || (playlist[0] && !pl)) {
        free(s);
        return ERR_NOMEM;
    }
    memcpy(s->name, name, size);
    s->bytes = bytes;
    link_init(&s->entry.in_line);
    link_init(&s->in_playlist);
    if (pl) {
        s->playlist = pl;
        s->number = ++pl->added;
        list_append(&pl->segments, &s->in_playlist);
    }
    HASH_ADD_STR(p->segments, name, s);
    list_append(&p->line, &s->entry.in_line);
    p->counts.files++;
    p->counts.bytes += bytes;
    return OK;
}

int plan_add_version(struct plan *p, const char *playlist, int fd, uint64_t bytes,
                     int64_t generation, bool last)
{
    struct playlist *pl = get_playlist(p, playlist);
    if (!pl)
        return ERR_NOMEM;
    if (pl->finished)
        return ERR_BAD_STATE;
    if (generation <= pl->generation) {
        close(fd);
        return OK;
    }
    struct version v = { .fd = fd, .last = last, .bytes = bytes, .needs = pl->added };
    pl->generation = generation;
    pl->finished = last;
    p->counts.files++;
    p->counts.bytes += bytes;
    set_version(p, pl->older.fd < 0 ? &pl->older : &pl->newer, v);
    line_up(p, pl);
    return OK;
}

static void describe_segment(struct segment *s, struct plan_item *out)
{
    *out = (struct plan_item){ .name = s->name, .bytes = s->bytes, .fd = -1, .impl = &s->entry };
}

/* Takes the newest version that may go. */
static void take_version(struct plan *p, struct playlist *pl, struct plan_item *out)
{
    if (may_go(pl, &pl->newer)) {
        move_version(p, &pl->taken, &pl->newer);
        set_version(p, &pl->older, no_version);
    } else {
        move_version(p, &pl->taken, &pl->older);
        move_version(p, &pl->older, &pl->newer);
    }
    *out = (struct plan_item){
        .name = pl->name,
        .bytes = pl->taken.bytes,
        .fd = pl->taken.fd,
        .first = !pl->shown,
        .last = pl->taken.last,
        .impl = &pl->entry,
    };
}

bool plan_next(struct plan *p, struct plan_item *out)
{
    struct entry *e = list_first(&p->line, struct entry, in_line);
    if (!e)
        return false;
    list_remove(&e->in_line);
    if (e->is_playlist)
        take_version(p, list_item(e, struct playlist, entry), out);
    else
        describe_segment(list_item(e, struct segment, entry), out);
    return true;
}

static void end_version(struct plan *p, struct playlist *pl, bool shown)
{
    bool over = pl->taken.last || pl->dropped;
    set_version(p, &pl->taken, no_version);
    pl->shown |= shown;
    if (over)
        free_playlist(p, pl);
    else
        line_up(p, pl);
}

static void end_item(struct plan *p, const struct plan_item *item, bool shown)
{
    struct entry *e = item->impl;
    if (e->is_playlist)
        end_version(p, list_item(e, struct playlist, entry), shown);
    else
        free_segment(p, list_item(e, struct segment, entry));
}

void plan_done(struct plan *p, const struct plan_item *item)
{
    end_item(p, item, true);
}

void plan_lost(struct plan *p, const struct plan_item *item)
{
    end_item(p, item, false);
}

/* The version goes back before those that came meanwhile. */
static void retry_version(struct plan *p, struct playlist *pl)
{
    if (pl->dropped) {
        end_version(p, pl, false);
        return;
    }
    if (may_go(pl, &pl->older) || may_go(pl, &pl->newer)) {
        set_version(p, &pl->taken, no_version);
    } else {
        if (pl->newer.fd < 0)
            move_version(p, &pl->newer, &pl->older);
        move_version(p, &pl->older, &pl->taken);
    }
    line_up(p, pl);
}

void plan_retry(struct plan *p, const struct plan_item *item)
{
    struct entry *e = item->impl;
    if (e->is_playlist)
        retry_version(p, list_item(e, struct playlist, entry));
    else
        list_append(&p->line, &e->in_line);
}

bool plan_empty(const struct plan *p)
{
    return p->counts.files == 0;
}

bool plan_ready(const struct plan *p)
{
    return !list_empty(&p->line);
}

const char *plan_unfinished(const struct plan *p)
{
    for (struct playlist *pl = p->playlists; pl; pl = pl->hh.next)
        if (!pl->finished)
            return pl->name;
    return NULL;
}

void plan_forget(struct plan *p, const char *playlist)
{
    struct playlist *pl;
    HASH_FIND_STR(p->playlists, playlist, pl);
    if (!pl || pl->finished)
        return;
    if (pl->taken.fd < 0) {
        free_playlist(p, pl);
        return;
    }
    pl->finished = pl->dropped = true;
    set_version(p, &pl->older, no_version);
    set_version(p, &pl->newer, no_version);
}

struct plan_counts plan_counts(const struct plan *p)
{
    return p->counts;
}
