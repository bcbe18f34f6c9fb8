#include "schema/dotted.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "schema/schema.h"

struct job {
    struct value_error *error;
    size_t nodes;
    int err; /* the first */
};

/* Sorted keys that agree up to `at`, where the next name begins. */
struct range {
    struct dotted_pair *pairs;
    size_t count, at;
    unsigned depth;
};

static struct value *fail(struct job *job, int err, const char *why, const char *key)
{
    if (job->err)
        return NULL;
    char name[100];
    schema_printable(name, sizeof name, key);
    job->err = err;
    *job->error = (struct value_error){ 0 };
    snprintf(job->error->message, sizeof job->error->message, "`%s` %s", name, why);
    return NULL;
}

/* A dot sorts before everything else, so that keys of one object stand together. */
static int rank(char c)
{
    return c == 0 ? -1 : c == '.' ? 0 : (unsigned char)c;
}

static int compare(const void *left, const void *right)
{
    const char *a = ((const struct dotted_pair *)left)->key;
    const char *b = ((const struct dotted_pair *)right)->key;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return rank(*a) - rank(*b);
}

static bool is_index(const char *key)
{
    bool zero_first = key[0] == '0' && key[1];
    return !zero_first && str_only(bytes_str(key), "0123456789");
}

static size_t count_members(const struct value *object, bool *all_indexes)
{
    size_t n = 0;
    *all_indexes = true;
    for (const struct value *v = object->first; v; v = v->next, n++)
        *all_indexes = *all_indexes && is_index(v->key);
    return n;
}

/* The members to their places; NULL where there is a gap. */
static bool place(struct value *list, struct value **items, size_t count)
{
    for (struct value *v = list->first; v; v = v->next) {
        uint64_t index;
        if (!str_to_u64(bytes_str(v->key), count - 1, &index))
            return false;
        items[index] = v;
    }
    return true;
}

static void relink(struct value *list, struct value **items, size_t count)
{
    list->kind = VALUE_LIST;
    list->first = items[0];
    list->last = items[count - 1];
    for (size_t i = 0; i < count; i++) {
        free(items[i]->key);
        items[i]->key = NULL;
        items[i]->next = i + 1 < count ? items[i + 1] : NULL;
    }
}

/* Indexes alone make an object a list. */
static bool become_list(struct job *job, struct value *object, const char *key)
{
    bool all_indexes;
    size_t count = count_members(object, &all_indexes);
    if (!all_indexes)
        return true;
    struct value **items = calloc(count, sizeof *items);
    if (!items)
        job->err = ERR_NOMEM;
    else if (!place(object, items, count))
        fail(job, ERR_MALFORMED, "belongs to a list whose indexes do not go from 0 on", key);
    else
        relink(object, items, count);
    free(items);
    return !job->err;
}

static struct value *build(struct job *job, struct range range);

/* The pairs at the front that have the same next name. */
static struct range take_name(struct range *range)
{
    struct range same = *range;
    const char *first = range->pairs[0].key;
    size_t len = strcspn(first + range->at, ".");
    same.count = 0;
    while (range->count && strncmp(range->pairs[0].key, first, range->at + len) == 0 &&
           strcspn(range->pairs[0].key + range->at, ".") == len) {
        range->pairs++;
        range->count--;
        same.count++;
    }
    same.at = range->at + len;
    same.depth++;
    return same;
}

static bool add_member(struct job *job, struct value *object, struct range member, size_t at)
{
    const char *key = member.pairs[0].key;
    struct bytes name = bytes_of(key + at, member.at - at);
    if (!name.len) {
        fail(job, ERR_MALFORMED, "has an empty name in it", key);
        return false;
    }
    struct value *value = build(job, member);
    char *copy = value ? str_dup(name) : NULL;
    bool good = copy && value_add(object, copy, value);
    if (value && !copy)
        value_free(value);
    if (value && !good)
        job->err = ERR_NOMEM;
    free(copy);
    return good;
}

static struct value *build_object(struct job *job, struct range range)
{
    struct value *object = value_new(VALUE_OBJECT, 0);
    if (!object) {
        job->err = ERR_NOMEM;
        return NULL;
    }
    const char *first = range.count ? range.pairs[0].key : "";
    bool good = true;
    while (good && range.count) {
        struct range member = take_name(&range);
        good = add_member(job, object, member, range.at);
    }
    if (good && range.depth)
        good = become_list(job, object, first);
    if (good)
        return object;
    value_free(object);
    return NULL;
}

static struct value *build(struct job *job, struct range range)
{
    struct dotted_pair *first = &range.pairs[0];
    bool leaf = range.count && range.depth && !first->key[range.at];
    if (range.depth > VALUE_MAX_DEPTH || ++job->nodes > VALUE_MAX_NODES)
        return fail(job, ERR_LIMIT, "is nested too deep, or there are too many", first->key);
    if (leaf && range.count > 1)
        return fail(job, ERR_MALFORMED, "is given twice, or is both a value and an object",
                    first->key);
    if (leaf) {
        struct value *value = first->value;
        first->value = NULL;
        return value;
    }
    range.at += range.depth > 0; /* past the dot */
    return build_object(job, range);
}

int value_from_dotted(struct value **out, struct dotted_pair *pairs, size_t count,
                      struct value_error *error)
{
    struct job job = { .error = error };
    if (count)
        qsort(pairs, count, sizeof *pairs, compare);
    struct value *root = build_object(&job, (struct range){ pairs, count, 0, 0 });
    for (size_t i = 0; i < count; i++)
        value_free(pairs[i].value);
    if (root)
        *out = root;
    return job.err;
}
