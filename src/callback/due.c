#include "callback/due.h"

#include <assert.h>
#include <stdlib.h>

void due_init(struct due *due)
{
    *due = (struct due){ 0 };
}

void due_fini(struct due *due)
{
    free(due->entries);
    due_init(due);
}

bool due_reserve(struct due *due, size_t count)
{
    if (count <= due->size)
        return true;
    size_t size = count < 64 ? 64 : 2 * count;
    struct due_entry **entries = realloc(due->entries, size * sizeof *entries);
    if (!entries)
        return false;
    due->entries = entries;
    due->size = size;
    return true;
}

static void set(struct due *due, size_t place, struct due_entry *entry)
{
    due->entries[place - 1] = entry;
    entry->place = place;
}

static struct due_entry *get(const struct due *due, size_t place)
{
    return due->entries[place - 1];
}

/* Moves an entry from an empty place to where it belongs. */
static void rise(struct due *due, size_t place, struct due_entry *entry)
{
    for (; place > 1 && get(due, place / 2)->at > entry->at; place /= 2)
        set(due, place, get(due, place / 2));
    set(due, place, entry);
}

static void sink(struct due *due, size_t place, struct due_entry *entry)
{
    for (size_t child; (child = 2 * place) <= due->count; place = child) {
        if (child < due->count && get(due, child + 1)->at < get(due, child)->at)
            child++;
        if (get(due, child)->at >= entry->at)
            break;
        set(due, place, get(due, child));
    }
    set(due, place, entry);
}

void due_put(struct due *due, struct due_entry *entry, usec_t at)
{
    assert(due->count < due->size && entry->place == 0);
    entry->at = at;
    due->count++;
    rise(due, due->count, entry);
}

void due_remove(struct due *due, struct due_entry *entry)
{
    size_t place = entry->place;
    if (place == 0)
        return;
    entry->place = 0;
    struct due_entry *last = get(due, due->count--);
    if (last == entry)
        return;
    if (place > 1 && get(due, place / 2)->at > last->at)
        rise(due, place, last);
    else
        sink(due, place, last);
}

struct due_entry *due_first(const struct due *due)
{
    return due->count ? due->entries[0] : NULL;
}
