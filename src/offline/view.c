#include "offline/view.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "ctl/text.h"
#include "io/file.h"
#include "segment/names_read.h"
#include "segment/playlist.h"

static const char *const states[] = {
    [SPOOL_WHOLE] = "whole", [SPOOL_OPEN] = "open", [SPOOL_TORN] = "torn", [SPOOL_ALIEN] = "unknown"
};

/* A playlist is written anew each time: what was left of a try is nothing that could be lost. */
static bool is_torn(const struct spool_entry *e)
{
    return e->kind == SPOOL_PART && !file_has_suffix(e->name, ".m3u8");
}

static int playlist_ended(bool *out, const struct spool_view *v, const char *name)
{
    struct buf text;
    struct hls_playlist *p;
    buf_init(&text, HLS_PLAYLIST_LIMIT + (64u << 10));
    int err = file_read(&text, spool_folder_dir(v->found->folder), name);
    if (!err)
        err = hls_playlist_read(&p, name, buf_bytes(&text));
    buf_fini(&text);
    if (err == ERR_NOMEM || err == ERR_IO)
        return err;
    *out = !err && hls_playlist_ended(p);
    if (!err)
        hls_playlist_free(p);
    return OK;
}

/* Whether the folder has the playlist that will name this segment. */
static bool has_playlist(const struct spool_found *found, const char *segment)
{
    struct segment_name name;
    if (names_read_segment(&name, segment))
        return true; /* it needs none */
    for (size_t i = 0; i < found->count; i++)
        if (found->entries[i].kind == SPOOL_PLAYLIST &&
            strcmp(found->entries[i].name, name.playlist) == 0)
            return true;
    return false;
}

static int look_at(struct spool_view *v, const struct spool_entry *e)
{
    bool good = true;
    int err = OK;
    v->bytes += e->bytes;
    if (is_torn(e)) {
        v->torn++;
        v->torn_bytes += e->bytes;
        return OK;
    }
    v->files += e->kind == SPOOL_PLAYLIST || e->kind == SPOOL_SEGMENT;
    if (e->kind == SPOOL_PLAYLIST)
        err = playlist_ended(&good, v, e->name);
    else if (e->kind == SPOOL_SEGMENT && v->state == SPOOL_WHOLE)
        good = has_playlist(v->found, e->name);
    if (!good)
        v->state = SPOOL_OPEN;
    return err;
}

int spool_view_of(struct spool_view *out, const struct spool_found *found)
{
    struct spool_view v = { .found = found,
                            .task = spool_folder_task(found->folder),
                            .start = USEC_UNSET };
    for (size_t i = 0; i < found->count; i++) {
        int err = look_at(&v, &found->entries[i]);
        if (err)
            return err;
    }
    if (v.torn)
        v.state = SPOOL_TORN;
    if (found->meta_err) {
        v.state = SPOOL_ALIEN;
    } else {
        v.room = found->meta.room;
        v.robot = found->meta.robot;
        v.sdk_app_id = found->meta.sdk_app_id;
        v.start = found->meta.start;
    }
    *out = v;
    return OK;
}

#define COLUMNS "%-32s  %-7s  %5s  %9s  %-23s  "

void spool_view_head(struct buf *out)
{
    buf_printf(out, COLUMNS "%s\n", "TASK", "STATE", "FILES", "BYTES", "STARTED", "ROOM");
}

static const char *cell(struct buf *b)
{
    return buf_str(b);
}

void spool_view_text(const struct spool_view *v, struct buf *out)
{
    char files[24];
    struct buf size, started, room;
    buf_init(&size, 64);
    buf_init(&started, 64);
    buf_init(&room, 1024);
    snprintf(files, sizeof files, "%zu", v->files + v->torn);
    text_put_size(v->bytes, &size);
    if (v->start != USEC_UNSET)
        text_put_time((uint64_t)(v->start / SEC), &started);
    else
        buf_put_str(&started, "-");
    text_put_printable(v->room ? v->room : "-", &room);
    buf_printf(out, COLUMNS "%s\n", v->task, states[v->state], files, cell(&size), cell(&started),
               cell(&room));
    for (size_t i = 0; i < v->found->count; i++) {
        const struct spool_entry *e = &v->found->entries[i];
        if (!is_torn(e))
            continue;
        buf_printf(out, "  torn: %s, ", e->name);
        text_put_size(e->bytes, out);
        buf_put_str(out, "\n");
    }
    buf_fini(&size);
    buf_fini(&started);
    buf_fini(&room);
}

static json_t *torn_files(const struct spool_view *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->found->count; i++) {
        const struct spool_entry *e = &v->found->entries[i];
        if (is_torn(e))
            json_array_append_new(
                list, json_pack("{s:s, s:I}", "Name", e->name, "Bytes", (json_int_t)e->bytes));
    }
    return list;
}

json_t *spool_view_json(const struct spool_view *v)
{
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:o}", "TaskId", v->task, "State", states[v->state],
                          "Files", (json_int_t)(v->files + v->torn), "Bytes", (json_int_t)v->bytes,
                          "Torn", torn_files(v));
    if (!o || v->start == USEC_UNSET)
        return o;
    json_t *more =
        json_pack("{s:I, s:s, s:s, s:I}", "SdkAppId", (json_int_t)v->sdk_app_id, "RoomId", v->room,
                  "UserId", v->robot, "BeginTimeStamp", (json_int_t)(v->start / MSEC));
    json_object_update_new(o, more);
    return o;
}
