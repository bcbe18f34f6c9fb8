#include "task/former.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "segment/names_read.h"
#include "segment/playlist.h"
#include "task/task.h"

static void free_one(struct former_playlist *p)
{
    list_remove(&p->in_task);
    free((char *)p->row.task_id);
    free((char *)p->row.name);
    free((char *)p->row.user_id);
    free((char *)p->row.track_type);
    free(p);
}

int former_add(struct task *t, const struct store_playlist *row)
{
    struct former_playlist *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->row = (struct store_playlist){ .task_id = strdup(t->id),
                                      .name = strdup(row->name),
                                      .user_id = strdup(row->user_id),
                                      .track_type = strdup(row->track_type),
                                      .begin = row->begin,
                                      .uploaded = row->uploaded };
    list_append(&t->former, &p->in_task);
    if (p->row.task_id && p->row.name && p->row.user_id && p->row.track_type)
        return OK;
    free_one(p);
    return ERR_NOMEM;
}

void former_free(struct task *t)
{
    list_each(p, &t->former, struct former_playlist, in_task) free_one(p);
}

struct former_playlist *former_find(struct task *t, const char *name)
{
    list_each(p, &t->former, struct former_playlist,
              in_task) if (strcmp(p->row.name, name) == 0) return p;
    return NULL;
}

/* The first name in the text tells of user and track. */
static int read_segment(struct segment_name *out, struct bytes text)
{
    char name[NAMES_SIZE];
    while (text.len) {
        struct bytes line = str_split(text, '\n', &text);
        if (line.len && line.ptr[0] != '#')
            return str_copy(name, sizeof name, line) ? names_read_segment(out, name)
                                                     : ERR_MALFORMED;
    }
    return ERR_NOT_FOUND;
}

static int read_begin(usec_t *out, const char *name, struct bytes text)
{
    struct hls_playlist *playlist;
    int err = hls_playlist_read(&playlist, name, text);
    if (err)
        return err;
    *out = hls_playlist_start(playlist);
    hls_playlist_free(playlist);
    return OK;
}

static int read_playlist(struct task *t, const char *name, struct segment_name *segment,
                         usec_t *begin)
{
    struct buf text;
    buf_init(&text, HLS_PLAYLIST_LIMIT);
    int err = file_read(&text, spool_folder_dir(t->folder), name);
    if (!err)
        err = read_segment(segment, buf_bytes(&text));
    if (!err)
        err = read_begin(begin, name, buf_bytes(&text));
    buf_fini(&text);
    return err;
}

static const char *type_text(enum names_type type)
{
    static const char *const texts[] = {
        [NAMES_AUDIO] = "audio", [NAMES_VIDEO] = "video", [NAMES_AUDIO_VIDEO] = "audio_video"
    };
    return texts[type];
}

static void tell_of_new(struct task *t, const char *name)
{
    struct segment_name segment;
    struct store_playlist row = { .task_id = t->id, .name = name };
    int err = read_playlist(t, name, &segment, &row.begin);
    if (!err) {
        row.user_id = segment.user;
        row.track_type = type_text(segment.type);
        err = former_add(t, &row);
    }
    if (err)
        log_warn(&t->log, "%s is not told of by a callback: %s", name, err_text(err));
    else
        task_tell_slice(t, &row);
}

static bool there(const struct spool_found *found, const char *name)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_PLAYLIST && strcmp(found->entries[i].name, name) == 0)
            return true;
    return false;
}

static void compare(struct task *t, const struct spool_found *found)
{
    list_each(p, &t->former, struct former_playlist, in_task)
    {
        if (p->row.uploaded || there(found, p->row.name))
            continue;
        p->row.uploaded = true;
        task_tell_playlist(t, p->row.name);
    }
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_PLAYLIST && !former_find(t, found->entries[i].name))
            tell_of_new(t, found->entries[i].name);
}

void former_take_up(struct task *t)
{
    static const struct spool_found nothing;
    struct spool_found *found = NULL;
    int err = t->folder ? spool_folder_scan(&found, t->folder) : OK;
    if (err)
        log_error(&t->log, "the spool folder cannot be read, callbacks may be missing: %s",
                  err_text(err));
    else
        compare(t, found ? found : &nothing);
    spool_found_free(found);
}
