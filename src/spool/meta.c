/* task.json. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "spool/folder.h"

void spool_meta_fini(struct spool_meta *meta)
{
    free(meta->task_id);
    free(meta->room);
    free(meta->robot);
    free(meta->storage);
    free(meta->sealed);
    *meta = (struct spool_meta){ 0 };
}

static json_t *to_json(const struct spool_meta *m)
{
    return json_pack("{s:i, s:s, s:I, s:s, s:b, s:s, s:I, s:b, s:I, s:s, s:s*}", "schema_version",
                     SPOOL_SCHEMA, "task_id", m->task_id, "sdk_app_id", (json_int_t)m->sdk_app_id,
                     "room", m->room, "room_is_text", m->room_is_text, "robot", m->robot,
                     "start_us", (json_int_t)m->start, "files_only", m->files_only, "epoch",
                     (json_int_t)m->epoch, "storage", m->storage, "sealed", m->sealed);
}

int spool_meta_write(struct spool_folder *f, const struct spool_meta *meta)
{
    json_t *json = to_json(meta);
    if (!json)
        return ERR_MALFORMED;
    char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (!text)
        return ERR_NOMEM;
    int err = strlen(text) > SPOOL_META_MAX ? ERR_LIMIT : OK;
    if (!err)
        err = file_put(f->dir, SPOOL_META_NAME, bytes_str(text));
    free(text);
    return err;
}

static bool copy_text(char **out, const char *text)
{
    *out = text ? str_dup(bytes_str(text)) : NULL;
    return !text || *out;
}

static int from_json(struct spool_meta *out, json_t *json)
{
    struct spool_meta m = { 0 };
    const char *task, *room, *robot, *storage, *sealed = NULL;
    json_int_t app, start, epoch;
    int is_text, files_only = 0;
    if (json_unpack(json, "{s:s, s:I, s:s, s:b, s:s, s:I, s?b, s:I, s:s, s?s}", "task_id", &task,
                    "sdk_app_id", &app, "room", &room, "room_is_text", &is_text, "robot", &robot,
                    "start_us", &start, "files_only", &files_only, "epoch", &epoch, "storage",
                    &storage, "sealed", &sealed))
        return ERR_MALFORMED;
    if (app < 0 || start < 0 || epoch < 0 || epoch > UINT32_MAX)
        return ERR_MALFORMED;

    m.sdk_app_id = (uint64_t)app;
    m.room_is_text = is_text;
    m.start = start;
    m.files_only = files_only;
    m.epoch = (uint32_t)epoch;
    if (!copy_text(&m.task_id, task) || !copy_text(&m.room, room) || !copy_text(&m.robot, robot) ||
        !copy_text(&m.storage, storage) || !copy_text(&m.sealed, sealed)) {
        spool_meta_fini(&m);
        return ERR_NOMEM;
    }
    *out = m;
    return OK;
}

static int parse(struct spool_meta *out, struct bytes text)
{
    json_t *json = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return ERR_MALFORMED;
    json_t *version = json_object_get(json, "schema_version");
    int err = ERR_MALFORMED;
    if (json_is_integer(version))
        err = json_integer_value(version) > SPOOL_SCHEMA ? ERR_UNSUPPORTED : from_json(out, json);
    json_decref(json);
    return err;
}

int spool_meta_read(struct spool_meta *out, struct spool_folder *f)
{
    struct buf text;
    struct spool_meta meta;
    buf_init(&text, SPOOL_META_MAX);
    int err = file_read(&text, f->dir, SPOOL_META_NAME);
    if (!err)
        err = parse(&meta, buf_bytes(&text));
    buf_fini(&text);
    if (err == ERR_LIMIT)
        return ERR_MALFORMED;
    if (err)
        return err;
    if (strcmp(meta.task_id, f->task) != 0) {
        spool_meta_fini(&meta);
        return ERR_MALFORMED;
    }
    *out = meta;
    return OK;
}
