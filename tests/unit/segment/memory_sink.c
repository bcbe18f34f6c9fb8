#include "memory_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

static struct memory_sink *of(struct sink *s)
{
    return (struct memory_sink *)s;
}

static int begin(struct sink *s, const char *name)
{
    struct memory_sink *m = of(s);
    if (m->begin_error)
        return m->begin_error;
    assert_false(m->is_open);
    assert_true(m->files < MEMORY_FILES);
    m->open = (struct memory_file){ 0 };
    buf_init(&m->open.bytes, 1u << 30);
    assert_true(str_copy(m->open.name, sizeof m->open.name, bytes_str(name)));
    m->is_open = true;
    return OK;
}

static int append(struct sink *s, struct bytes bytes)
{
    struct memory_sink *m = of(s);
    assert_true(m->is_open);
    bool refused = m->append_error == ERR_LIMIT ? bytes.len > 0 : m->append_error != OK;
    if (refused)
        return m->append_error;
    buf_put_bytes(&m->open.bytes, bytes);
    m->open.appends++;
    return m->open.bytes.err;
}

static int note(struct sink *s, struct bytes record)
{
    struct memory_sink *m = of(s);
    assert_true(m->is_open);
    if (!m->open.notes)
        buf_init(&m->open.journal, 1u << 30);
    buf_put_bytes(&m->open.journal, record);
    m->open.notes++;
    return m->open.journal.err;
}

static int finish(struct sink *s, const struct sink_file *info)
{
    struct memory_sink *m = of(s);
    assert_true(m->is_open);
    if (m->finish_error)
        return m->finish_error;
    assert_int_equal(info->kind, m->open.notes ? SINK_MEDIA : SINK_SEGMENT);
    assert_string_equal(info->name, m->open.name);
    m->open.start = info->start;
    m->open.duration = info->duration;
    m->open.told_bytes = info->bytes;
    const char *playlist = info->playlist ? info->playlist : "";
    assert_true(str_copy(m->open.playlist, sizeof m->open.playlist, bytes_str(playlist)));
    m->file[m->files++] = m->open;
    m->is_open = false;
    return OK;
}

static void file_fini(struct memory_file *f)
{
    buf_fini(&f->bytes);
    if (f->notes)
        buf_fini(&f->journal);
}

static void abandon(struct sink *s)
{
    struct memory_sink *m = of(s);
    assert_true(m->is_open);
    file_fini(&m->open);
    m->is_open = false;
    m->abandoned++;
}

static int put(struct sink *s, const char *name, struct bytes text, unsigned generation, bool last)
{
    struct memory_sink *m = of(s);
    if (m->put_error)
        return m->put_error;
    assert_false(m->ended);
    assert_true(generation > m->generation);
    if (m->puts)
        assert_string_equal(name, m->playlist_name);
    assert_true(str_copy(m->playlist_name, sizeof m->playlist_name, bytes_str(name)));
    buf_clear(&m->playlist);
    buf_put_bytes(&m->playlist, text);
    m->generation = generation;
    m->ended = last;
    m->puts++;
    return m->playlist.err;
}

struct memory_sink *memory_sink_new(void)
{
    static const struct sink_ops ops = { begin, append, note, finish, abandon, put };
    struct memory_sink *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->sink.ops = &ops;
    buf_init(&m->playlist, 1u << 30);
    return m;
}

void memory_sink_free(struct memory_sink *m)
{
    for (unsigned i = 0; i < m->files; i++)
        file_fini(&m->file[i]);
    if (m->is_open)
        file_fini(&m->open);
    buf_fini(&m->playlist);
    free(m);
}

static void store(const char *dir, const char *name, struct bytes bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
}

void memory_sink_store(const struct memory_sink *m, char dir[64])
{
    strcpy(dir, "/tmp/reeltime-segment-XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (unsigned i = 0; i < m->files; i++)
        store(dir, m->file[i].name, buf_bytes(&m->file[i].bytes));
    if (m->puts)
        store(dir, m->playlist_name, buf_bytes(&m->playlist));
}

void remove_folder(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}
