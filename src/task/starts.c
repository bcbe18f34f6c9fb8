#include "task/starts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/str.h"

#define NAME_SIZE 288 /* number, secret id, key */

/* How many there are of one application. */
struct owner {
    uint32_t sdk_app_id;
    size_t count;
    UT_hash_handle hh; /* starts.owners */
};

struct start {
    struct starts *starts;
    struct owner *owner;
    uint8_t fingerprint[STORE_FINGERPRINT_SIZE];
    usec_t created;
    char task_id[EVENT_TASK_ID_SIZE]; /* "" until it is done */
    struct api_call *waiting[STARTS_MAX_WAITING];
    size_t waiting_count;
    UT_hash_handle hh; /* starts.by_name, the oldest first */
    const char *secret_id, *key;
    char name[]; /* "1400000001", NUL, secret id, NUL, key: what the hash sees */
};

struct starts {
    size_t most;
    struct start *by_name;
    struct owner *owners;
};

struct starts *starts_new(size_t most)
{
    struct starts *starts = calloc(1, sizeof *starts);
    if (starts)
        starts->most = most;
    return starts;
}

static void drop(struct start *s)
{
    struct starts *starts = s->starts;
    HASH_DEL(starts->by_name, s);
    if (--s->owner->count == 0) {
        HASH_DEL(starts->owners, s->owner);
        free(s->owner);
    }
    free(s);
}

void starts_free(struct starts *starts)
{
    if (!starts)
        return;
    while (starts->by_name)
        drop(starts->by_name);
    free(starts);
}

/* The length; 0: too long. */
static size_t print_name(char out[NAME_SIZE], const struct start_name *name)
{
    int len = snprintf(out, NAME_SIZE, "%u%c%s%c%s", (unsigned)name->sdk_app_id, 0, name->secret_id,
                       0, name->key);
    return len > 0 && len < NAME_SIZE ? (size_t)len : 0;
}

static struct owner *owner_of(struct starts *starts, uint32_t sdk_app_id)
{
    struct owner *owner;
    HASH_FIND(hh, starts->owners, &sdk_app_id, sizeof sdk_app_id, owner);
    if (owner)
        return owner;
    owner = calloc(1, sizeof *owner);
    if (!owner)
        return NULL;
    owner->sdk_app_id = sdk_app_id;
    HASH_ADD(hh, starts->owners, sdk_app_id, sizeof owner->sdk_app_id, owner);
    return owner;
}

static struct start *add(struct starts *starts, struct owner *owner, const char *name, size_t len,
                         const uint8_t *fingerprint, usec_t created)
{
    struct start *s = calloc(1, sizeof *s + len + 1);
    if (!s)
        return NULL;
    memcpy(s->name, name, len);
    s->secret_id = s->name + strlen(s->name) + 1;
    s->key = s->secret_id + strlen(s->secret_id) + 1;
    s->starts = starts;
    s->owner = owner;
    s->created = created;
    memcpy(s->fingerprint, fingerprint, sizeof s->fingerprint);
    owner->count++;
    HASH_ADD_KEYPTR(hh, starts->by_name, s->name, len, s);
    return s;
}

static enum start_answer compare(const struct start *s, const uint8_t *fingerprint)
{
    if (memcmp(s->fingerprint, fingerprint, sizeof s->fingerprint) != 0)
        return START_OTHER;
    return *s->task_id ? START_DONE : START_PENDING;
}

/* An owner without starts does not stay. */
static void drop_idle_owner(struct starts *starts, struct owner *owner)
{
    if (!owner || owner->count)
        return;
    HASH_DEL(starts->owners, owner);
    free(owner);
}

enum start_answer starts_ask(struct starts *starts, const struct start_name *name,
                             const uint8_t fingerprint[STORE_FINGERPRINT_SIZE], usec_t now,
                             struct start **out)
{
    char text[NAME_SIZE];
    struct start *s;
    size_t len = print_name(text, name);
    starts_expire(starts, now);
    HASH_FIND(hh, starts->by_name, text, len, s);
    if (s) {
        *out = s;
        return compare(s, fingerprint);
    }
    struct owner *owner = owner_of(starts, name->sdk_app_id);
    bool full = owner && owner->count >= starts->most;
    s = owner && !full && len ? add(starts, owner, text, len, fingerprint, now) : NULL;
    drop_idle_owner(starts, owner);
    if (s)
        *out = s;
    return s ? START_NEW : full ? START_FULL : START_NOMEM;
}

const char *start_task(const struct start *start)
{
    return start->task_id;
}

void start_done(struct start *start, const char *task_id)
{
    str_copy(start->task_id, sizeof start->task_id, bytes_str(task_id));
}

void start_failed(struct start *start)
{
    assert(start->waiting_count == 0);
    drop(start);
}

bool start_wait(struct start *start, struct api_call *call)
{
    if (start->waiting_count == STARTS_MAX_WAITING)
        return false;
    start->waiting[start->waiting_count++] = call;
    return true;
}

struct api_call *start_take_waiting(struct start *start)
{
    if (!start->waiting_count)
        return NULL;
    struct api_call *first = start->waiting[0];
    start->waiting_count--;
    memmove(start->waiting, start->waiting + 1, start->waiting_count * sizeof *start->waiting);
    return first;
}

struct store_start start_row(const struct start *start, const char *task_id)
{
    struct store_start row = { .sdk_app_id = start->owner->sdk_app_id,
                               .secret_id = start->secret_id,
                               .key = start->key,
                               .task_id = task_id,
                               .created = start->created };
    memcpy(row.fingerprint, start->fingerprint, sizeof row.fingerprint);
    return row;
}

bool starts_restore(struct starts *starts, const struct store_start *row)
{
    char text[NAME_SIZE];
    const struct start_name name = { row->sdk_app_id, row->secret_id, row->key };
    size_t len = print_name(text, &name);
    struct owner *owner = len ? owner_of(starts, row->sdk_app_id) : NULL;
    struct start *s = owner ? add(starts, owner, text, len, row->fingerprint, row->created) : NULL;
    drop_idle_owner(starts, owner);
    if (s)
        start_done(s, row->task_id);
    return s != NULL;
}

bool starts_expire(struct starts *starts, usec_t now)
{
    bool any = false;
    while (starts->by_name && *starts->by_name->task_id &&
           starts->by_name->created + STARTS_KEPT <= now) {
        drop(starts->by_name);
        any = true;
    }
    return any;
}

size_t starts_count(const struct starts *starts)
{
    return HASH_COUNT(starts->by_name);
}
