#include "recorder/subscribe.h"

#include <string.h>

#define WILDCARD     ".*$"
#define WILDCARD_LEN 3

static bool is_wildcard(const char *entry)
{
    size_t len = strlen(entry);
    return len >= WILDCARD_LEN && strcmp(entry + len - WILDCARD_LEN, WILDCARD) == 0;
}

static bool is_present(struct user_ids present, const char *id)
{
    for (size_t i = 0; i < present.count; i++)
        if (strcmp(present.items[i], id) == 0)
            return true;
    return false;
}

/* Marks the users whom one entry names. */
static void mark_entry(const char *entry, struct user_ids present, bool mark, bool *marks)
{
    bool prefix = is_wildcard(entry) && !is_present(present, entry);
    size_t len = strlen(entry) - (prefix ? WILDCARD_LEN : 0);
    for (size_t i = 0; i < present.count; i++)
        if (strncmp(present.items[i], entry, len) == 0 && (prefix || !present.items[i][len]))
            marks[i] = mark;
}

void subscribe_select(struct user_ids allow, struct user_ids block, struct user_ids present,
                      bool *wanted)
{
    for (size_t i = 0; i < present.count; i++)
        wanted[i] = allow.count == 0;
    for (size_t i = 0; i < allow.count; i++)
        mark_entry(allow.items[i], present, true, wanted);
    for (size_t i = 0; i < block.count; i++)
        mark_entry(block.items[i], present, false, wanted);
}
