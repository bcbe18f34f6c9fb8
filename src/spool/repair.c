#include "spool/repair.h"

#include <stdlib.h>

#include "base/err.h"
#include "io/file.h"
#include "observe/log.h"
#include "segment/hls_writer.h"
#include "segment/names_read.h"
#include "spool/media_file.h"
#include "spool/salvage.h"

#define ROUNDING (2 * MSEC) /* times in names and playlists are cut to milliseconds */
#define STEP_HOLE                                                                                  \
    (100 * MSEC) /* a marked discontinuity with less of a hole is a change of format */

struct repair {
    struct spool_folder *folder;
    int dir;
    const struct spool_build *build;
    struct spool_repaired *sum;
    struct log log;
    int err; /* the first */
};

static void note_err(struct repair *r, const char *name, int err)
{
    log_error(&r->log, "%s cannot be repaired: %s", name, err_text(err));
    if (!r->err)
        r->err = err;
}

/* --- torn segments --- */

static void salvage(struct repair *r, const struct spool_entry *e)
{
    uint64_t cut;
    int err = salvage_part(&cut, r->dir, e->name);
    if (err == ERR_NOT_FOUND) {
        log_info(&r->log, "%s holds nothing that could be played", e->name);
        r->sum->hopeless++;
    } else if (err) {
        note_err(r, e->name, err);
        r->sum->failing += err == ERR_IO || err == ERR_NOMEM;
    } else {
        log_info(&r->log, "%s was torn: %llu of %llu bytes are whole", e->name,
                 (unsigned long long)(e->bytes - cut), (unsigned long long)e->bytes);
        r->sum->salvaged++;
        r->sum->cut_bytes += cut;
    }
}

static void salvage_all(struct repair *r, const struct spool_found *found)
{
    struct segment_name name;
    for (size_t i = 0; i < found->count; i++) {
        const struct spool_entry *e = &found->entries[i];
        if (e->kind == SPOOL_PART && !names_read_segment(&name, e->name))
            salvage(r, e);
    }
}

/* --- media files with a journal --- */

static bool is_part(const struct spool_found *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_PART && strcmp(found->entries[i].name, name) == 0)
            return true;
    return false;
}

static void finish_media(struct repair *r, const char *name)
{
    struct media_file_summary summary;
    int err = media_file_finish(r->dir, name, &summary);
    if (err == ERR_NOT_FOUND) {
        log_info(&r->log, "%s held nothing that could be played", name);
        r->sum->hopeless++;
    } else if (err) {
        note_err(r, name, err);
    } else {
        r->sum->salvaged++;
    }
}

static void finish_all_media(struct repair *r, const struct spool_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_JOURNAL && is_part(found, found->entries[i].name))
            finish_media(r, found->entries[i].name);
}

/* --- segments that no playlist names --- */

struct unlisted {
    struct unlisted *next; /* later ones */
    const struct spool_entry *entry;
    struct segment_name name;
    struct ts_summary ts;
    usec_t duration;
};

static usec_t usec_of(int64_t ticks)
{
    return (ticks * 100 + 4) / 9;
}

/* Whether what follows after `hole` began where this ended: the writer ends a segment where the
 * next begins, unless media were missing (segment/hls_writer.h). */
static bool flows(const struct unlisted *next, usec_t hole)
{
    usec_t most = next->name.type == NAMES_AUDIO ? HLS_AUDIO_GAP : HLS_VIDEO_GAP;
    return hole <= (next->ts.discontinuity ? STEP_HOLE : most);
}

static void set_duration(struct unlisted *u)
{
    u->duration = usec_of(u->ts.duration);
    if (!u->next)
        return;
    usec_t until = usec_of(ts_distance(u->ts.start, u->next->ts.start));
    if (until > 0 && flows(u->next, until - u->duration))
        u->duration = until;
}

static void free_unlisted(struct unlisted *u)
{
    while (u) {
        struct unlisted *next = u->next;
        free(u);
        u = next;
    }
}

static int add_line(struct repair *r, struct hls_playlist *p, const struct unlisted *u)
{
    usec_t start = u->name.start, off = start - hls_playlist_end(p);
    bool first = hls_playlist_segments(p) == 0, gap = !first && (off > ROUNDING || off < -ROUNDING);
    const struct hls_segment s = {
        .name = u->entry->name,
        .start = start,
        .duration = u->duration,
        .bytes = u->entry->bytes,
        .discontinuity = gap || u->ts.discontinuity,
        .gap = gap,
        .channels = u->ts.channels,
        .width = u->ts.width,
        .height = u->ts.height,
    };
    int err = hls_playlist_add(p, &s);
    if (!err)
        r->sum->listed++;
    return err;
}

static int begin_playlist(struct hls_playlist **out, struct repair *r, const struct segment_name *n)
{
    static const enum hls_streams streams[] = {
        [NAMES_AUDIO] = HLS_AUDIO, [NAMES_VIDEO] = HLS_VIDEO, [NAMES_AUDIO_VIDEO] = HLS_AUDIO_VIDEO
    };
    bool mix = !n->user[0];
    const struct hls_playlist_config config = {
        .name = n->playlist,
        .version = r->build->version,
        .date = r->build->date,
        .media_id = mix ? "mix" : names_media_text(n->media),
        .user_id = n->user,
        .mix = mix,
        .streams = streams[n->type],
    };
    *out = hls_playlist_new(&config, n->start);
    return *out ? OK : ERR_NOMEM;
}

static int read_playlist(struct hls_playlist **out, struct repair *r, const char *name)
{
    struct buf text;
    buf_init(&text, HLS_PLAYLIST_LIMIT + (64u << 10));
    int err = file_read(&text, r->dir, name);
    if (!err)
        err = hls_playlist_read(out, name, buf_bytes(&text));
    buf_fini(&text);
    return err;
}

static int store(struct repair *r, struct hls_playlist *p)
{
    int err = hls_playlist_close(p);
    if (!err)
        err = file_put(r->dir, hls_playlist_name(p), hls_playlist_text(p));
    if (!err)
        r->sum->ended++;
    return err;
}

/* All of `u` belong to one playlist, which is not in the folder when `p` is NULL. */
static int list_all(struct repair *r, struct hls_playlist *p, struct unlisted *u)
{
    int err = p ? OK : begin_playlist(&p, r, &u->name);
    for (; u && !err; u = u->next) {
        set_duration(u);
        err = add_line(r, p, u);
    }
    if (!err)
        err = store(r, p);
    hls_playlist_free(p);
    return err;
}

/* Whether a segment's playlist has no line of it: it begins after the last that has one. */
static bool beyond(const struct hls_playlist *p, const struct segment_name *n)
{
    return !p || hls_playlist_last(p) == USEC_UNSET || n->start > hls_playlist_last(p);
}

/* Appends to `tail` what is not listed yet; ERR_NOT_FOUND: a segment without a playable frame. */
static int take(struct repair *r, struct unlisted ***tail, const struct spool_entry *e,
                const struct segment_name *name)
{
    struct unlisted *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    u->entry = e;
    u->name = *name;
    int err = salvage_read(&u->ts, r->dir, e->name);
    if (err) {
        free(u);
        return err;
    }
    **tail = u;
    *tail = &u->next;
    return OK;
}

/* The segments from `at` on that belong to one playlist; the number of entries dealt with. */
static size_t list_group(struct repair *r, const struct spool_found *found, size_t at)
{
    struct segment_name first, name;
    struct unlisted *all = NULL, **tail = &all;
    struct hls_playlist *p = NULL;
    size_t i = at;
    if (found->entries[at].kind != SPOOL_SEGMENT ||
        names_read_segment(&first, found->entries[at].name))
        return 1;
    int err = read_playlist(&p, r, first.playlist);
    if (err == ERR_NOT_FOUND)
        err = OK;
    for (; i < found->count && !names_read_segment(&name, found->entries[i].name) &&
           strcmp(name.playlist, first.playlist) == 0;
         i++) {
        const struct spool_entry *e = &found->entries[i];
        if (err || e->kind != SPOOL_SEGMENT || !beyond(p, &name))
            continue;
        err = take(r, &tail, e, &name);
        if (err == ERR_NOT_FOUND)
            err = OK;
    }
    bool needed = !err && all && (!p || !hls_playlist_ended(p));
    if (needed)
        err = list_all(r, p, all);
    else
        hls_playlist_free(p);
    if (err)
        note_err(r, first.playlist, err);
    free_unlisted(all);
    return i - at;
}

/* --- playlists --- */

static void end_playlist(struct repair *r, const char *name)
{
    struct hls_playlist *p;
    int err = read_playlist(&p, r, name);
    if (!err) {
        if (!hls_playlist_ended(p))
            err = store(r, p);
        hls_playlist_free(p);
    }
    if (err)
        note_err(r, name, err);
}

int spool_folder_repair(struct spool_folder *f, const struct spool_build *build,
                        struct spool_repaired *out)
{
    *out = (struct spool_repaired){ 0 };
    struct repair r = { .folder = f,
                        .dir = spool_folder_dir(f),
                        .build = build,
                        .sum = out,
                        .log = log_with(NULL, "task", spool_folder_task(f)) };
    struct spool_found *found;
    int err = spool_folder_scan(&found, f);
    if (err)
        return err;
    salvage_all(&r, found);
    finish_all_media(&r, found);
    spool_found_free(found);

    err = spool_folder_scan(&found, f);
    if (err)
        return err;
    for (size_t i = 0; i < found->count;)
        i += list_group(&r, found, i);
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_PLAYLIST)
            end_playlist(&r, found->entries[i].name);
    spool_found_free(found);
    return r.err;
}
