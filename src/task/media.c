#include "task/media.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "observe/log.h"

/* "..._main_2.mp4": without the number of the part and what follows. Only names with a user in them
 * are numbered behind a medium; others end in the room, which may be digits. */
static size_t stem_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t len = dot ? (size_t)(dot - name) : strlen(name), end = len;
    if (!strstr(name, "__UserId_e_"))
        return len;
    while (end > 0 && isdigit((unsigned char)name[end - 1]))
        end--;
    return end < len && end > 0 && name[end - 1] == '_' ? end - 1 : len;
}

static bool there(struct spool_folder *folder, const char *name)
{
    int fd;
    if (file_open(&fd, spool_folder_dir(folder), name))
        return false;
    close(fd);
    return true;
}

static int read_part(struct media_part *p, struct spool_folder *folder, const char *name)
{
    *p = (struct media_part){ .stem = stem_of(name) };
    if (!str_copy(p->name, sizeof p->name, bytes_str(name)))
        return ERR_LIMIT;
    int err = media_file_summary_read(spool_folder_dir(folder), name, &p->summary);
    p->whole = !err;
    p->waits = there(folder, name);
    return err == ERR_NOMEM ? err : OK;
}

static const char *extension(const struct media_part *p)
{
    const char *dot = strrchr(p->name, '.');
    return dot ? dot : "";
}

static int by_group(const struct media_part *a, const struct media_part *b)
{
    int order = strcmp(extension(a), extension(b));
    if (order)
        return order;
    size_t len = a->stem < b->stem ? a->stem : b->stem;
    order = memcmp(a->name, b->name, len);
    return order ? order : (a->stem > b->stem) - (a->stem < b->stem);
}

static int by_order(const void *x, const void *y)
{
    const struct media_part *a = x, *b = y;
    int order = by_group(a, b);
    if (order)
        return order;
    long m = strtol(a->name + a->stem + (a->name[a->stem] == '_'), NULL, 10);
    long n = strtol(b->name + b->stem + (b->name[b->stem] == '_'), NULL, 10);
    return (m > n) - (m < n);
}

int media_parts_read(struct media_parts *out, struct spool_folder *folder)
{
    struct media_parts parts = { 0 };
    struct spool_found *found;
    int err = spool_folder_scan(&found, folder);
    if (err)
        return err;
    parts.items = calloc(found->count + 1, sizeof *parts.items);
    err = parts.items ? OK : ERR_NOMEM;
    for (size_t i = 0; i < found->count && !err; i++) {
        const struct spool_entry *e = &found->entries[i];
        parts.others |= e->kind == SPOOL_PLAYLIST || file_has_suffix(e->name, ".ts");
        if (e->kind != SPOOL_JOURNAL)
            continue;
        struct media_part *p = &parts.items[parts.count];
        err = read_part(p, folder, e->name);
        parts.count += !err;
        parts.unfinished |= !err && !p->whole;
    }
    spool_found_free(found);
    if (err) {
        media_parts_fini(&parts);
        return err;
    }
    qsort(parts.items, parts.count, sizeof *parts.items, by_order);
    *out = parts;
    return OK;
}

void media_parts_fini(struct media_parts *parts)
{
    free(parts->items);
    *parts = (struct media_parts){ 0 };
}

size_t media_group(const struct media_parts *parts, size_t at)
{
    size_t end = at + 1;
    while (end < parts->count && by_group(&parts->items[at], &parts->items[end]) == 0)
        end++;
    return end - at;
}

int media_group_status(const struct media_parts *parts, size_t at, size_t count)
{
    bool some = false, all = true;
    for (const struct media_part *p = parts->items + at; count--; p++) {
        some |= p->whole;
        all &= p->whole && !p->waits;
    }
    return all ? 0 : some ? 1 : 2;
}

size_t media_group_files(const struct media_parts *parts, size_t at, size_t count,
                         struct callback_file *out)
{
    size_t n = 0;
    for (const struct media_part *p = parts->items + at; count--; p++) {
        const struct journal_summary *sum = &p->summary.sum;
        if (!p->whole)
            continue;
        out[n++] = (struct callback_file){
            .file_name = p->name,
            .user_id = p->summary.user,
            .track_type = !sum->video  ? "audio"
                          : sum->audio ? "audio_video"
                                       : "video",
            .media_id = p->summary.media,
            .start = sum->start,
            .end = sum->end,
        };
    }
    return n;
}

static void remove_journal(struct spool_folder *folder, const char *name)
{
    char idx[NAMES_SIZE + sizeof SPOOL_JOURNAL_SUFFIX];
    snprintf(idx, sizeof idx, "%s" SPOOL_JOURNAL_SUFFIX, name);
    file_remove(spool_folder_dir(folder), idx);
}

void media_parts_forget(const struct media_parts *parts, struct spool_folder *folder)
{
    for (size_t at = 0, count; at < parts->count; at += count) {
        count = media_group(parts, at);
        if (media_group_status(parts, at, count) == 0)
            for (size_t i = at; i < at + count; i++)
                remove_journal(folder, parts->items[i].name);
    }
}

static bool finish_one(struct spool_folder *folder, const char *name, const struct log *log)
{
    struct media_file_summary summary;
    int err = media_file_finish(spool_folder_dir(folder), name, &summary);
    if (err == ERR_NOT_FOUND)
        log_info(log, "%s held nothing", name);
    else if (err)
        log_error(log, "%s cannot be finished and stays as it is: %s", name, err_text(err));
    else if (summary.sum.torn)
        log_warn(log, "%s was finished after a crash: %lld s, %llu bytes cut", name,
                 (long long)((summary.sum.end - summary.sum.start) / SEC),
                 (unsigned long long)summary.sum.cut_bytes);
    return !err || err == ERR_NOT_FOUND;
}

size_t media_finish_all(struct spool_folder *folder)
{
    struct media_parts parts;
    struct log log = log_with(NULL, "task", spool_folder_task(folder));
    size_t failed = 0;
    int err = media_parts_read(&parts, folder);
    if (err) {
        log_error(&log, "its files cannot be looked at: %s", err_text(err));
        return 0;
    }
    for (size_t i = 0; i < parts.count; i++)
        if (!parts.items[i].whole)
            failed += !finish_one(folder, parts.items[i].name, &log);
    media_parts_fini(&parts);
    return failed;
}
